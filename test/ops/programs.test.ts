/** Whole programs: valid graphs, passes that keep every number, gradients through symbolic image sizes. */
import { expect, test } from "vitest";
import { evaluate, type Fed } from "../../src/backends/reference/index.ts";
import { GraphBuilder } from "../../src/compiler/graph/builder.ts";
import type { Graph, Port, Value } from "../../src/compiler/graph/graph.ts";
import { assertValid, verifyGraph } from "../../src/compiler/graph/verify.ts";
import { differentiate } from "../../src/compiler/ops/differentiate.ts";
import { Emitter } from "../../src/compiler/ops/emit.ts";
import { initialValues } from "../../src/compiler/ops/initialize.ts";
import { draws } from "../../src/compiler/ops/sample-data.ts";
import { simplify } from "../../src/compiler/passes/simplify.ts";
import { Dim } from "../../src/compiler/types/dim.ts";
import { goldenProgram } from "../support/goldens.ts";
import { standardRules } from "../support/rules.ts";

const rules = standardRules();

/** Feeds of two samples; points as a face has them, so that no alignment is degenerate. */
function feedsOf(graph: Graph): ReadonlyMap<string, Fed> {
  const face = [-0.36, -0.28, 0.36, -0.28, 0, 0.1, -0.3, 0.46, 0.3, 0.46];
  return new Map(
    graph.ports.map(({ name, type }, i): [string, Fed] => {
      const shape = type.shape.map((size) => size.constant ?? 2);
      const count = shape.reduce((product, size) => product * size, 1);
      if (type.dtype === "i32" || type.dtype === "i64")
        return [name, { shape, data: draws(count, 0, 11, i).map(Math.floor) }];
      const noise = draws(count, -1, 1, i);
      return [name, { shape, data: shape[2] === 2 ? noise.map((v, k) => face[k % 10]! + v / 20) : noise }];
    }),
  );
}

test("each graph of a program is valid and means the same, before and after each pass", () => {
  const program = goldenProgram();
  const variables = new Map(
    program.variables.map((variable): [string, Fed] => {
      return [
        variable.path,
        { shape: variable.type.shape.map((size) => size.constant!), data: initialValues(variable, 1) },
      ];
    }),
  );
  for (const graph of [program.train!, program.evaluate, program.predict]) {
    expect(verifyGraph(graph, rules)).toEqual([]);
    const smaller = simplify(graph, (after, pass) => assertValid(after, rules, pass));
    expect(smaller.nodes.length).toBeLessThan(graph.nodes.length);
    const run = (of: Graph): ReturnType<typeof evaluate> =>
      evaluate(of, { precision: "f64", inputs: feedsOf(of), variables });
    const [whole, part] = [run(graph), run(smaller)];
    for (const kind of ["outputs", "updates"] as const) {
      for (const [name, { data }] of whole[kind]) {
        const other = part[kind].get(name)!.data;
        expect(
          data.every((value, i) => value === other[i]),
          name,
        ).toBe(true);
      }
    }
  }
});

test("gradients hold for images of any size", () => {
  const builder = new GraphBuilder(rules);
  const emit = new Emitter(builder);
  const [B, H, W] = [Dim.variable("B"), Dim.variable("H"), Dim.variable("W")];
  const ports: Port[] = [];
  const port = (name: string, shape: readonly Dim[]): Value => {
    const type = { dtype: "f32", shape } as const;
    const value = { node: builder.node("input", { name, kind: "input" }, [], [type]), index: 0 };
    ports.push({ name, kind: "input", type, value, range: undefined, span: undefined });
    return value;
  };
  const image = port("image", [B, Dim.of(2), H, W]);
  const weight = port("weight", [Dim.of(3), Dim.of(2), Dim.of(3), Dim.of(3)]);
  const window = { stride: Dim.of(2), pad: Dim.of(1), dilation: Dim.of(1), groups: Dim.of(1) };
  const map = emit.op("conv2d", window, image, weight);
  const pooled = emit.op(
    "avg_pool2d",
    { kernel: Dim.of(2), stride: Dim.of(1), pad: Dim.of(0) },
    emit.op("tanh", {}, map),
  );
  const resized = emit.op("resize", { Ho: H, Wo: W }, pooled);
  const loss = emit.mean(emit.mul(resized, resized), [0, 1, 2, 3]);
  const gradients = differentiate(builder, loss, [image, weight]);
  const outputs = [loss, ...gradients].map(
    (value, i) => ({ name: `y${i}`, kind: "value", value: value!, span: undefined }) as const,
  );
  const graph: Graph = { nodes: builder.nodes, ports, variables: [], updates: [], outputs, asserts: [] };
  expect(verifyGraph(graph, rules)).toEqual([]);

  for (const [height, width] of [
    [5, 4],
    [6, 7],
  ] as const) {
    const feeds: Record<string, Fed> = {
      image: { shape: [2, 2, height, width], data: draws(4 * height * width, -1, 1, 1) },
      weight: { shape: [3, 2, 3, 3], data: draws(54, -1, 1, 2) },
    };
    const run = (changed: Record<string, Fed>): ReadonlyMap<string, { data: Float64Array | Float32Array }> =>
      evaluate(graph, {
        precision: "f64",
        inputs: new Map(Object.entries({ ...feeds, ...changed })),
        variables: new Map(),
      }).outputs;
    const exact = run({});
    (["image", "weight"] as const).forEach((name, which) => {
      for (const place of [0, 7, 20, 53]) {
        const moved = (by: number): number => {
          const data = Float64Array.from(feeds[name]!.data as Float64Array, (v, i) => (i === place ? v + by : v));
          return run({ [name]: { ...feeds[name]!, data } }).get("y0")!.data[0]!;
        };
        const slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
        expect(Math.abs(exact.get(`y${which + 1}`)!.data[place]! - slope), `${name} ${place}`).toBeLessThan(1e-9);
      }
    });
  }
});

/**
 * Convolutions in Winograd's form: which take it, its matrices against the plain sum, and a convolution with both gradients
 * on TensorFlow against the f64 reference.
 */
import { describe, expect, test } from "vitest";
import { evaluate } from "../../../src/backends/reference/index.ts";
import { type Convolution, emitTfjs } from "../../../src/backends/tfjs/index.ts";
import { type Matrix, winogradOf } from "../../../src/backends/tfjs/winograd.ts";
import { GraphBuilder } from "../../../src/compiler/graph/builder.ts";
import type { Graph, Port, Value } from "../../../src/compiler/graph/graph.ts";
import { typeOf } from "../../../src/compiler/graph/graph.ts";
import { draws } from "../../../src/compiler/ops/sample-data.ts";
import { Dim } from "../../../src/compiler/types/dim.ts";
import { relativeL2 } from "../../support/goldens.ts";
import { difference } from "../../support/operators.ts";
import { standardRules } from "../../support/rules.ts";
import { graphNodes, openProgram, programOf } from "../../support/tfjs.ts";

const rules = standardRules();

interface Case {
  readonly height: number;
  readonly width: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly pad?: readonly [number, number];
  readonly stride?: number;
  readonly kernel?: number;
  readonly groups?: number;
}
/** A convolution and its gradients: ports x, w and dy; outputs y, dx and dw. */
function graphOf(c: Case): Graph {
  const { height, width, inputs, outputs, pad = [1, 1], stride = 1, kernel = 3, groups = 1 } = c;
  const builder = new GraphBuilder(rules);
  const ports: Port[] = [];
  const feed = (name: string, shape: readonly Dim[]): Value => {
    const type = { dtype: "f32", shape } as const;
    const value = { node: builder.node("input", { name, kind: "input" }, [], [type]), index: 0 };
    ports.push({ name, kind: "input", type, value, range: undefined, span: undefined });
    return value;
  };
  const sizes = (...of: readonly number[]): Dim[] => of.map((n) => Dim.of(n));
  const batch = Dim.variable("B");
  const x = feed("x", [batch, ...sizes(inputs, height, width)]);
  const w = feed("w", sizes(outputs, inputs / groups, kernel, kernel));
  const window = { stride: sizes(stride, stride), pad: sizes(...pad), dilation: sizes(1, 1), groups: Dim.of(groups) };
  const y = builder.op("conv2d", window, x, w);
  const dy = feed("dy", typeOf(y).shape);
  const size = { height: Dim.of(height), width: Dim.of(width) };
  const dx = builder.op("conv2d_input_gradient", { ...window, ...size }, dy, w);
  const taps = { kernel_height: Dim.of(kernel), kernel_width: Dim.of(kernel) };
  const dw = builder.op("conv2d_weight_gradient", { ...window, ...taps }, x, dy);
  const named = Object.entries({ y, dx, dw });
  const results = named.map(([name, value]) => ({ name, kind: "value", value, span: undefined }) as const);
  return { nodes: builder.nodes, ports, variables: [], updates: [], outputs: results, asserts: [] };
}

/** Sizes at which the form wins, with sizes that no tile divides, unequal sides and pads. */
const faster: readonly (readonly [name: string, sizes: Case, tile: number])[] = [
  ["whole tiles of 4", { height: 28, width: 28, inputs: 128, outputs: 128 }, 4],
  ["tiles of 4 beyond the edge", { height: 14, width: 14, inputs: 256, outputs: 128 }, 4],
  ["unequal sides, no padding on one", { height: 13, width: 22, inputs: 128, outputs: 192, pad: [0, 1] }, 4],
  ["wide padding", { height: 15, width: 12, inputs: 160, outputs: 128, pad: [2, 2] }, 4],
  ["tiles of 2", { height: 7, width: 7, inputs: 512, outputs: 512 }, 2],
];
const plain: readonly (readonly [name: string, sizes: Case])[] = [
  ["few channels", { height: 28, width: 28, inputs: 16, outputs: 16 }],
  ["large maps", { height: 112, width: 112, inputs: 64, outputs: 64 }],
  ["a map of a few pixels", { height: 3, width: 3, inputs: 512, outputs: 512 }],
  ["a stride", { height: 28, width: 28, inputs: 128, outputs: 128, stride: 2 }],
  ["groups", { height: 28, width: 28, inputs: 256, outputs: 256, groups: 2 }],
  ["a kernel of 5", { height: 28, width: 28, inputs: 128, outputs: 128, kernel: 5, pad: [2, 2] }],
];

describe("who takes the form", () => {
  const forms = (sizes: Case) => graphOf(sizes).nodes.flatMap((node) => winogradOf(node) ?? []);
  test.each(faster)("%s: a convolution and both gradients alike", (_, sizes, tile) => {
    const made = forms(sizes);
    expect(made.map((form) => form.tile)).toEqual([tile, tile, tile]);
    for (const form of made) expect(form).toEqual(made[0]);
  });
  test.each(plain)("not %s", (_, sizes) => expect(forms(sizes)).toEqual([]));

  test("not prediction and evaluation, nor a step that is told not to", () => {
    const graph = graphOf({ height: 28, width: 28, inputs: 128, outputs: 128 });
    const signatures = (convolution: Convolution): string[] => {
      const program = programOf({ train: graph, evaluate: graph, predict: graph });
      const direct = graphNodes(emitTfjs(program, { mode: "train", convolution }).files).filter(
        ({ op }) => op === "Conv2D",
      );
      return direct.map(({ name }) => name.split("/")[0] ?? "");
    };
    expect(signatures("winograd")).toEqual(["eval_step", "predict"]);
    expect(signatures("direct")).toEqual(["train_step", "eval_step", "predict"]);
  });
});

const at = ({ columns, values }: Matrix, row: number, column: number): number => values[row * columns + column] ?? 0;

test.each(faster)("its matrices are exact but for rounding: %s", (_, sizes) => {
  const { height, width, pad = [1, 1] } = sizes;
  const form = graphOf(sizes).nodes.flatMap((node) => winogradOf(node) ?? [])[0];
  if (form === undefined) throw new Error("no form");
  const { tile, points, rows, columns, kernel, result } = form;
  const [x, w] = [draws(height * width, -1, 1, 1), draws(9, -1, 1, 2)];
  const range = (count: number) => Array.from({ length: count }, (_, i) => i);
  const sum = (count: number, term: (i: number) => number) => range(count).reduce((made, i) => made + term(i), 0);
  for (const [row, column] of [
    [0, 0],
    [rows.tiles - 1, columns.tiles - 1],
    [1, 0],
  ] as const) {
    const products = range(points ** 2).map((point) => {
      const [i, j] = [Math.floor(point / points), point % points];
      const data = sum(height * width, (p) => {
        const [h, v] = [Math.floor(p / width), p % width];
        return at(rows.read, row * points + i, h) * at(columns.read, column * points + j, v) * (x[p] ?? 0);
      });
      return data * sum(9, (tap) => at(kernel, point, tap) * (w[tap] ?? 0));
    });
    for (const p of range(tile ** 2)) {
      const [h, v] = [row * tile + Math.floor(p / tile), column * tile + (p % tile)];
      if (h >= rows.written || v >= columns.written) continue;
      const made = sum(points ** 2, (point) => at(result, p, point) * (products[point] ?? 0));
      const wanted = sum(9, (tap) => {
        const [r, c] = [h + Math.floor(tap / 3) - pad[0], v + (tap % 3) - pad[1]];
        return r < 0 || r >= height || c < 0 || c >= width ? 0 : (w[tap] ?? 0) * (x[r * width + c] ?? 0);
      });
      expect(Math.abs(made - wanted)).toBeLessThan(1e-13);
    }
  }
});

/** What every operator is held to, of the largest number. */
const WITHIN = 1e-5;

describe("a convolution and both gradients, batch left open", () => {
  test.each(faster)("%s", async (_, sizes) => {
    const graph = graphOf(sizes);
    const batch = 3;
    const inputs = new Map(
      graph.ports.map(({ name, type }, salt) => {
        const shape = type.shape.map((size) => size.constant ?? batch);
        return [
          name,
          {
            shape,
            data: draws(
              shape.reduce((a, b) => a * b, 1),
              -1,
              1,
              salt,
            ),
          },
        ];
      }),
    );
    const expected = evaluate(graph, { precision: "f64", inputs, variables: new Map() }).outputs;
    const opened = await openProgram(programOf({ train: graph }), { mode: "train" });
    try {
      const results = opened.model.run("train_step", Object.fromEntries(inputs));
      for (const [name, { shape, data }] of expected) {
        expect(results[name]?.shape, name).toEqual(shape);
        const made = results[name]?.data ?? [];
        expect(difference(made, data), name).toBeLessThan(WITHIN);
        expect(relativeL2(Array.from(made, Number), Array.from(data, Number)), name).toBeLessThan(WITHIN / 2);
      }
    } finally {
      await opened.close();
    }
  });
});

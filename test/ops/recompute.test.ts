/** What is computed again for the backward pass has the value that was let go, and less is kept for it. */
import { expect, test } from "vitest";
import { evaluate } from "../../src/backends/reference/index.ts";
import { compile } from "../../src/compiler/compile.ts";
import type { Graph, Node, Value } from "../../src/compiler/graph/graph.ts";
import { typeOf } from "../../src/compiler/graph/graph.ts";
import { reachableFrom } from "../../src/compiler/graph/reach.ts";
import { assertValid } from "../../src/compiler/graph/verify.ts";
import { secondsOf } from "../../src/compiler/ops/cost.ts";
import { initialValues } from "../../src/compiler/ops/initialize.ts";
import { draws } from "../../src/compiler/ops/sample-data.ts";
import { recompute } from "../../src/compiler/passes/recompute.ts";
import { simplify } from "../../src/compiler/passes/simplify.ts";
import { elementCount } from "../../src/compiler/types/dim.ts";
import { standardRules } from "../support/rules.ts";
import { TestHost } from "../support/trees.ts";

const BATCH = 3;
const rules = standardRules();
const settings = Object.entries({ side: 32, size: 8, base: 2, width: 4, classes: 5, units: 2 }).map(
  ([path, value]) => ({ path, value: String(value) }),
);
const { program } = compile(new TestHost("models/dhaa.arch"), { file: "models/dhaa.arch", settings });
if (program?.train === undefined) throw new Error("the model does not train");
const graph = simplify(program.train);
const again = recompute("low").run(graph);

test("the pass changes a network of batch norms, once", () => {
  expect(again.changed).toBe(true);
  assertValid(again.graph, rules, "recompute");
  const small = recompute("low").run({ ...graph, nodes: [], outputs: [], updates: [] });
  expect(small.changed).toBe(false);
});

test("without being asked, it keeps all of what is small, and computes less again of what is large", () => {
  expect(recompute("normal").run(graph).changed).toBe(false);
  const whole = compile(new TestHost("models/dhaa.arch"), { file: "models/dhaa.arch" }).program?.train;
  if (whole === undefined) throw new Error("the model does not train");
  const large = simplify(whole);
  const work = (made: Graph): number => made.nodes.reduce((sum, node) => sum + secondsOf(node), 0);
  const [normal, low] = (["normal", "low"] as const).map(
    (level) => work(recompute(level).run(large).graph) / work(large),
  );
  expect(normal).toBeGreaterThan(1);
  expect(normal).toBeLessThan(low ?? 0);
  // a batch norm and its ReLU, besides what is counted as not cheap
  expect(normal).toBeLessThan(1.1);
});

test("gradients, losses and updates are those of the graph as it was", () => {
  const inputs = new Map(
    graph.ports.map((port, i) => {
      const shape = port.type.shape.map((d) => d.constant ?? BATCH);
      const count = shape.reduce((product, n) => product * n, 1);
      const data = port.type.dtype === "i32" ? draws(count, 0, 5, i + 1).map(Math.floor) : draws(count, -1, 1, i + 1);
      return [port.name, { shape, data }];
    }),
  );
  const variables = new Map(
    program.variables.map((v) => [
      v.path,
      {
        shape: v.type.shape.map((d) => d.constant ?? 0),
        data: Float64Array.from([...initialValues(v, 0)].map(Number)),
      },
    ]),
  );
  const [before, after] = [graph, again.graph].map((g) => evaluate(g, { precision: "f64", inputs, variables }));
  for (const kind of ["outputs", "updates"] as const) {
    expect(before?.[kind].size).toBeGreaterThan(0);
    for (const [name, wanted] of before?.[kind] ?? []) {
      const actual = after?.[kind].get(name);
      const most = Math.max(...wanted.data.map(Math.abs), 1e-3);
      // The same sums in f64, but for the last place of a batch norm's.
      wanted.data.forEach((x, i) => expect(Math.abs((actual?.data[i] ?? NaN) - x), name).toBeLessThan(1e-10 * most));
    }
  }
});

const forward = (g: Graph): Set<Node> =>
  reachableFrom(g.outputs.filter((o) => o.kind !== "gradient").map((o) => o.value));

test("what is kept from the forward pass to the backward pass is at most half", () => {
  const kept = (g: Graph): number => {
    const [before, read] = [forward(g), new Map<string, Value>()];
    for (const node of g.nodes)
      if (!before.has(node))
        for (const v of node.inputs) if (before.has(v.node)) read.set(`${String(v.node.id)} ${String(v.index)}`, v);
    return [...read.values()]
      .filter((v) => v.node.op !== "variable" && typeOf(v).shape.length > 2)
      .reduce((sum, v) => sum + elementCount(typeOf(v).shape).evaluate(() => BATCH), 0);
  };
  expect(kept(again.graph)).toBeLessThan(0.5 * kept(graph));
});

test("convolutions are computed again, each once, for at most a quarter of a step's work", () => {
  const before = forward(again.graph);
  const copies = again.graph.nodes.filter((node) => node.op === "conv2d" && !before.has(node));
  expect(copies.length).toBeGreaterThan(0);
  expect(new Set(copies.map((node) => node.path)).size).toBe(copies.length);
  const work = (g: Graph): number => g.nodes.reduce((sum, node) => sum + secondsOf(node), 0);
  expect(work(again.graph)).toBeLessThan(1.25 * work(graph));
});

/** Differentiation over whole graphs: what gets a gradient, what does not, and what is emitted for it. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { evaluate } from "../../src/backends/reference/index.ts";
import { GraphBuilder } from "../../src/compiler/graph/builder.ts";
import type { Graph, Port, Value } from "../../src/compiler/graph/graph.ts";
import { typeOf } from "../../src/compiler/graph/graph.ts";
import { verifyGraph } from "../../src/compiler/graph/verify.ts";
import { costOf, totalCost } from "../../src/compiler/ops/cost.ts";
import { differentiate, GradientError } from "../../src/compiler/ops/differentiate.ts";
import { Emitter } from "../../src/compiler/ops/emit.ts";
import { operators } from "../../src/compiler/ops/index.ts";
import { Dim, type Shape } from "../../src/compiler/types/dim.ts";
import { standardRules } from "../support/rules.ts";

const rules = standardRules();
const batch = Dim.variable("B");

/** A bench with named float inputs. */
class Bench {
  readonly builder = new GraphBuilder(rules);
  readonly emit = new Emitter(this.builder);
  readonly ports: Port[] = [];

  input(name: string, shape: Shape, dtype: "f32" | "i64" = "f32"): Value {
    const type = { dtype, shape };
    const value = { node: this.builder.node("input", { name, kind: "input" }, [], [type]), index: 0 };
    this.ports.push({ name, kind: "input", type, value, range: undefined, span: undefined });
    return value;
  }
  total(x: Value): Value {
    return this.emit.sum(x, [...typeOf(x).shape.keys()]);
  }
  graph(values: Readonly<Record<string, Value | undefined>>): Graph {
    const outputs = Object.entries(values).flatMap(([name, value]) =>
      value ? [{ name, kind: "value", value, span: undefined } as const] : [],
    );
    const graph = { nodes: this.builder.nodes, ports: this.ports, variables: [], updates: [], outputs, asserts: [] };
    expect(verifyGraph(graph, rules)).toEqual([]);
    return graph;
  }
}
function run(
  graph: Graph,
  feeds: Readonly<Record<string, { shape: readonly number[]; data: readonly number[] }>>,
): Record<string, number[]> {
  const inputs = new Map(Object.entries(feeds));
  const { outputs } = evaluate(graph, { precision: "f64", inputs, variables: new Map() });
  return Object.fromEntries([...outputs].map(([name, { data }]) => [name, [...data]]));
}
const emitted = (bench: Bench, from: number): readonly string[] =>
  bench.builder.nodes.slice(from).map((node) => node.op);

test("every primitive of the library has a definition, and every definition a primitive or is a leaf", () => {
  const text = ["prim", "gradients"]
    .map((name) => readFileSync(new URL(`../../stdlib/${name}.arch`, import.meta.url), "utf8"))
    .join("\n");
  const declared = [...text.matchAll(/^prim (\w+)/gm)].map((match) => match[1]!);
  const sources = ["zeros", "ones", "uniform", "normal", "now", "tensor"];
  const leaves = ["input", "variable", "constant", "axis_size", "random"];
  expect([...operators.keys()].sort()).toEqual(
    [...declared.filter((name) => !sources.includes(name)), ...leaves].sort(),
  );
  for (const operator of operators.values()) {
    if (!leaves.includes(operator.name)) expect(operator.samples().length, operator.name).toBeGreaterThan(0);
  }
});

test("uses add up: d(x y + x) = y + 1 and x", () => {
  const bench = new Bench();
  const x = bench.input("x", [batch]);
  const y = bench.input("y", [batch]);
  const loss = bench.total(bench.emit.add(bench.emit.mul(x, y), x));
  const [dx, dy] = differentiate(bench.builder, loss, [x, y]);
  const feeds = { x: { shape: [3], data: [1, 2, 3] }, y: { shape: [3], data: [4, 5, 6] } };
  expect(run(bench.graph({ dx, dy }), feeds)).toEqual({ dx: [5, 6, 7], dy: [1, 2, 3] });
});

test("a value in the middle, and the loss itself, have gradients too", () => {
  const bench = new Bench();
  const x = bench.input("x", [Dim.of(2)]);
  const middle = bench.emit.mul(x, x);
  const loss = bench.total(bench.emit.scaled(middle, 3));
  const [dx, dmiddle, dloss] = differentiate(bench.builder, loss, [x, middle, loss]);
  const results = run(bench.graph({ dx, dmiddle, dloss }), { x: { shape: [2], data: [1, -2] } });
  expect(results).toEqual({ dx: [6, -12], dmiddle: [3, 3], dloss: [1] });
});

test("stop_gradient, whole numbers and what the loss does not read have none", () => {
  const bench = new Bench();
  const [x, unread] = [bench.input("x", [batch]), bench.input("unread", [batch])];
  const count = bench.input("count", [batch], "i64");
  const stopped = bench.emit.op("stop_gradient", {}, x);
  const loss = bench.total(bench.emit.mul(stopped, bench.emit.cast(count, "f32")));
  const before = bench.builder.nodes.length;
  expect(differentiate(bench.builder, loss, [x, unread])).toEqual([undefined, undefined]);
  expect(emitted(bench, before)).toEqual([]);
});

test("nothing is emitted for inputs that need no gradient", () => {
  const bench = new Bench();
  const image = bench.input("image", [batch, Dim.of(3), Dim.of(8), Dim.of(8)]);
  const weight = bench.input("weight", [Dim.of(4), Dim.of(3), Dim.of(3), Dim.of(3)]);
  const window = { stride: Dim.of(1), pad: Dim.of(1), dilation: Dim.of(1), groups: Dim.of(1) };
  const loss = bench.total(bench.emit.op("conv2d", window, image, weight));
  const before = bench.builder.nodes.length;
  const [dweight] = differentiate(bench.builder, loss, [weight]);
  expect(emitted(bench, before)).toEqual(["constant", "reshape", "expand", "conv2d_weight_gradient"]);
  expect(typeOf(dweight!).shape.map(String)).toEqual(["4", "3", "3", "3"]);
});

test("x^2 has a finite gradient at 0, in a form without powers", () => {
  const bench = new Bench();
  const x = bench.input("x", [Dim.of(3)]);
  const loss = bench.total(bench.emit.pow(x, bench.emit.number(2, x)));
  const before = bench.builder.nodes.length;
  const [dx] = differentiate(bench.builder, loss, [x]);
  expect(emitted(bench, before)).not.toContain("pow");
  expect(run(bench.graph({ dx }), { x: { shape: [3], data: [0, -1, 4] } })).toEqual({ dx: [0, -2, 8] });
});

test("parts of a split that nothing reads count as zeros", () => {
  const bench = new Bench();
  const x = bench.input("x", [Dim.of(1), Dim.of(4)]);
  const [, second] = bench.emit.all("split", { parts: Dim.of(2), axis: Dim.one }, x);
  const [dx] = differentiate(bench.builder, bench.total(bench.emit.mul(second!, second!)), [x]);
  expect(run(bench.graph({ dx }), { x: { shape: [1, 4], data: [1, 2, 3, 4] } })).toEqual({ dx: [0, 0, 6, 8] });
});

test("the mean over a symbolic batch divides by the size that is fed", () => {
  const bench = new Bench();
  const x = bench.input("x", [batch, Dim.of(2)]);
  const loss = bench.emit.mean(x, [0, 1]);
  const [dx] = differentiate(bench.builder, loss, [x]);
  const graph = bench.graph({ loss, dx });
  expect(run(graph, { x: { shape: [1, 2], data: [1, 3] } })).toEqual({ loss: [2], dx: [0.5, 0.5] });
  expect(run(graph, { x: { shape: [2, 2], data: [1, 3, 5, 7] } })).toEqual({ loss: [4], dx: [0.25, 0.25, 0.25, 0.25] });
});

test("gradients stand where the node that they derive stands", () => {
  const bench = new Bench();
  const x = bench.input("x", [Dim.of(2)]);
  const span = { file: { name: "net.arch", text: "exp" }, start: 0, end: 3 };
  const y = bench.builder.at({ path: "code.exp", span }, () => bench.emit.exp(x));
  const before = bench.builder.nodes.length;
  differentiate(bench.builder, bench.total(y), [x]);
  const last = bench.builder.nodes[bench.builder.nodes.length - 1]!;
  expect(bench.builder.nodes.length).toBeGreaterThan(before);
  expect({ op: last.op, path: last.path, span: last.span }).toEqual({ op: "mul", path: "code.exp", span });
});

test("gradients come in the reverse order of the nodes", () => {
  const bench = new Bench();
  const x = bench.input("x", [Dim.of(2)]);
  const at = (path: string, make: () => Value): Value => bench.builder.at({ path, span: undefined }, make);
  const first = at("first", () => bench.emit.exp(x));
  const second = at("second", () => bench.emit.exp(first));
  const loss = at("loss", () => bench.total(second));
  const before = bench.builder.nodes.length;
  differentiate(bench.builder, loss, [x]);
  const paths = bench.builder.nodes.slice(before).map((node) => node.path);
  expect([...new Set(paths)]).toEqual(["loss", "second", "first"]);
});

test("only a float scalar can be differentiated, and an adjoint that has no rule says so", () => {
  const bench = new Bench();
  const x = bench.input("x", [Dim.of(2)]);
  expect(() => differentiate(bench.builder, bench.emit.exp(x), [x])).toThrow(GradientError);
  const image = bench.input("image", [Dim.one, Dim.one, Dim.of(4), Dim.of(4)]);
  const window = { kernel: Dim.of(2), stride: Dim.of(2), pad: Dim.zero };
  const [first] = differentiate(
    bench.builder,
    bench.total(bench.emit.op("max_pool2d", window, bench.emit.mul(image, image))),
    [image],
  );
  expect(() => differentiate(bench.builder, bench.total(first!), [image])).toThrow(
    /max_pool2d_gradient cannot be differentiated again/,
  );
});

test("a convolution costs two operations a tap, forward and for each gradient, whatever the batch", () => {
  const bench = new Bench();
  const image = bench.input("image", [batch, Dim.of(3), Dim.of(8), Dim.of(8)]);
  const weight = bench.input("weight", [Dim.of(4), Dim.of(3), Dim.of(3), Dim.of(3)]);
  const window = { stride: Dim.of(2), pad: Dim.of(1), dilation: Dim.of(1), groups: Dim.of(1) };
  const y = bench.emit.op("conv2d", window, image, weight);
  const taps = 2 * 4 * 4 * 4 * 27;
  expect(costOf(y.node).flops.toString()).toBe(`${taps} * B`);
  expect(costOf(y.node).bytes.toString()).toBe(`${4 * (3 * 64 + 4 * 16)} * B + ${4 * 4 * 27}`);
  differentiate(bench.builder, bench.total(y), [image, weight]);
  expect(totalCost(bench.builder.nodes).flops.toString()).toBe(`${3 * taps} * B`);
});

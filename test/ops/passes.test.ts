/** Passes keep what a graph means, make it smaller, and leave it valid; the verifier finds what it should. */
import { expect, test } from "vitest";
import { evaluate } from "../../src/backends/reference/index.ts";
import { GraphBuilder } from "../../src/compiler/graph/builder.ts";
import type { Graph, Port, Value } from "../../src/compiler/graph/graph.ts";
import { typeOf } from "../../src/compiler/graph/graph.ts";
import { printGraph } from "../../src/compiler/graph/print.ts";
import { assertValid, verifyGraph } from "../../src/compiler/graph/verify.ts";
import { Emitter } from "../../src/compiler/ops/emit.ts";
import { fold } from "../../src/compiler/passes/fold.ts";
import { prune } from "../../src/compiler/passes/prune.ts";
import { share } from "../../src/compiler/passes/share.ts";
import { shorten, simplify } from "../../src/compiler/passes/simplify.ts";
import { Dim } from "../../src/compiler/types/dim.ts";
import { buildSampleGraph, operatorSamples, sampleName } from "../support/operators.ts";
import { standardRules } from "../support/rules.ts";

const rules = standardRules();

/** A graph of one input x: f32[B, 3], whose output `make` emits. */
function graphOf(make: (emit: Emitter, x: Value) => Value): Graph {
  const builder = new GraphBuilder(rules);
  const type = { dtype: "f32", shape: [Dim.variable("B"), Dim.of(3)] } as const;
  const x = { node: builder.node("input", { name: "x", kind: "input" }, [], [type]), index: 0 };
  const y = make(new Emitter(builder), x);
  const port: Port = { name: "x", kind: "input", type, value: x, range: undefined, span: undefined };
  const outputs = [{ name: "y", kind: "predict", value: y, span: undefined }] as const;
  return { nodes: builder.nodes, ports: [port], variables: [], updates: [], outputs, asserts: [] };
}
const opsOf = (graph: Graph): readonly string[] => graph.nodes.map((node) => node.op);
const simplified = (make: (emit: Emitter, x: Value) => Value): readonly string[] =>
  opsOf(simplify(graphOf(make), (graph, after) => assertValid(graph, rules, after)));
const two = [Dim.of(2), Dim.of(3)];

test.each<[string, (emit: Emitter, x: Value) => Value]>([
  ["x + 0", (emit, x) => emit.add(x, emit.number(0, x))],
  ["0 + x", (emit, x) => emit.add(emit.number(0, x), x)],
  ["x - 0", (emit, x) => emit.sub(x, emit.number(0, x))],
  ["x * 1", (emit, x) => emit.mul(x, emit.number(1, x))],
  ["x * ones", (emit, x) => emit.mul(emit.expand(emit.number(1, x), typeOf(x).shape), x)],
  ["x / 1", (emit, x) => emit.div(x, emit.number(1, x))],
  ["x ^ 1", (emit, x) => emit.pow(x, emit.number(1, x))],
  ["-(-x)", (emit, x) => emit.neg(emit.neg(x))],
  ["flipped twice", (emit, x) => emit.op("flip", { axis: Dim.one }, emit.op("flip", { axis: Dim.one }, x))],
  ["transposed twice", (emit, x) => emit.transpose(emit.transpose(x, [1, 0]), [1, 0])],
  [
    "reshaped and back",
    (emit, x) =>
      emit.op("reshape", { to: typeOf(x).shape }, emit.op("reshape", { to: [Dim.variable("B").scaled(3)] }, x)),
  ],
  ["all of an axis", (emit, x) => emit.slice(x, 1, Dim.zero, Dim.of(3))],
  ["a member of a concat", (emit, x) => emit.slice(emit.concat([emit.neg(x), x], 1), 1, Dim.of(3), Dim.of(6))],
  ["stop_gradient", (emit, x) => emit.op("stop_gradient", {}, x)],
])("%s is x", (_, make) => {
  expect(simplified(make)).toEqual(["input"]);
});

test.each<[string, (emit: Emitter, x: Value) => Value, readonly string[]]>([
  ["x - 1 keeps its operator", (emit, x) => emit.sub(x, emit.number(1, x)), ["input", "constant", "sub"]],
  ["0 - x is not x", (emit, x) => emit.sub(emit.number(0, x), x), ["input", "constant", "sub"]],
  ["1 / x is not x", (emit, x) => emit.div(emit.number(1, x), x), ["input", "constant", "div"]],
  [
    "a wider result keeps x * ones",
    (emit, x) => emit.mul(emit.sum(x, [0], true), emit.expand(emit.number(1, x), typeOf(x).shape)),
    ["input", "sum", "constant", "expand", "mul"],
  ],
  [
    "literals are computed",
    (emit, x) => emit.mul(x, emit.add(emit.number(2, x), emit.number(3, x))),
    ["input", "constant", "mul"],
  ],
  [
    "an expand before a sum of two goes",
    (emit, x) => emit.add(x, emit.expand(emit.sum(x, [0], true), typeOf(x).shape)),
    ["input", "sum", "add"],
  ],
  [
    "an expand that makes the shape stays",
    (emit, x) => emit.neg(emit.expand(emit.sum(x, [0], true), typeOf(x).shape)),
    ["input", "sum", "expand", "neg"],
  ],
  ["equal nodes are one", (emit, x) => emit.mul(emit.exp(x), emit.exp(x)), ["input", "exp", "mul"]],
  [
    "another part of a concat stays",
    (emit, x) => emit.slice(emit.concat([x, x], 1), 1, Dim.of(2), Dim.of(4)),
    ["input", "concat", "slice"],
  ],
])("%s", (_, make, expected) => {
  expect(simplified(make)).toEqual(expected);
});

test("two draws of different paths stay two", () => {
  const make = (emit: Emitter, x: Value, paths: readonly [string, string]): Value => {
    const draw = (path: string): Value => {
      const attributes = { distribution: "uniform", low: 0, high: 1, path };
      return { node: emit.builder.node("random", attributes, [], [typeOf(x)]), index: 0 };
    };
    return emit.add(draw(paths[0]), emit.add(draw(paths[1]), x));
  };
  const draws = (paths: readonly [string, string]): number =>
    simplified((emit, x) => make(emit, x, paths)).filter((op) => op === "random").length;
  expect(draws(["a", "b"])).toBe(2);
  expect(draws(["a", "a"])).toBe(1);
});

test("a pass says whether it changed anything, and gives back the same graph if not", () => {
  const graph = graphOf((emit, x) => emit.neg(x));
  for (const pass of [shorten, fold, share, prune]) expect(pass.run(graph)).toEqual({ graph, changed: false });
  const unread = graphOf((emit, x) => {
    emit.exp(x);
    return emit.neg(x);
  });
  expect(opsOf(prune.run(unread).graph)).toEqual(["input", "neg"]);
});

test("every sample means the same after simplification, and stays valid", () => {
  for (const entry of operatorSamples()) {
    for (const decomposed of [false, true]) {
      const built = buildSampleGraph(entry, rules, decomposed);
      if (built === undefined) continue;
      expect(verifyGraph(built.graph, rules), sampleName(entry)).toEqual([]);
      const smaller = simplify(built.graph, (graph, after) => assertValid(graph, rules, after));
      const run = (graph: Graph): ReadonlyMap<string, readonly number[]> => {
        const { outputs } = evaluate(graph, { precision: "f64", inputs: built.inputs, variables: new Map() });
        return new Map([...outputs].map(([name, { data }]) => [name, Array.from(data, (value) => value + 0)]));
      };
      expect(run(smaller), sampleName(entry)).toEqual(run(built.graph));
    }
  }
});

test("equal graphs print equally, whatever the numbers of their nodes", () => {
  const graph = graphOf((emit, x) => emit.mul(emit.neg(x), emit.number(0.5, x)));
  expect(printGraph(graph)).toBe(
    [
      "input x: f32[B, 3] = %0",
      '%0 = input(kind: "input", name: "x")(): f32[B, 3]',
      "%1 = neg(%0): f32[B, 3]",
      "%2 = constant(values: [0.5])(): f32[]",
      "%3 = mul(%1, %2): f32[B, 3]",
      "predict y = %3",
      "",
    ].join("\n"),
  );
  const renumbered = prune.run(graphOf((emit, x) => (emit.exp(x), emit.mul(emit.neg(x), emit.number(0.5, x))))).graph;
  expect(printGraph(renumbered)).toBe(printGraph(graph));
});

test("the verifier finds broken order, types, names and updates", () => {
  const graph = graphOf((emit, x) => emit.neg(x));
  const [input, neg] = graph.nodes;
  const [port] = graph.ports;
  expect(verifyGraph({ ...graph, nodes: [neg!, input!] }, rules)[0]).toMatch(/does not come before it/);
  const wrong = { ...neg!, outputs: [{ dtype: "f32", shape: two }] } as const;
  expect(verifyGraph({ ...graph, nodes: [input!, wrong], outputs: [] }, rules)[0]).toMatch(
    /gives f32\[2, 3\], its signature f32\[B, 3\]/,
  );
  expect(verifyGraph({ ...graph, ports: [port!, port!] }, rules)).toEqual(["there are two of port x"]);
  const other = { ...port!, name: "z" };
  expect(verifyGraph({ ...graph, ports: [other] }, rules)[0]).toMatch(/input z stands for node 0/);
});

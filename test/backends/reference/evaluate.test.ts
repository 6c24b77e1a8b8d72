/** The reference as a runner: what it binds, what it refuses, what it keeps; and the matrix kernel under it. */
import { expect, test } from "vitest";
import { createGemm, evaluate, EvaluationError, type Fed, FeedError } from "../../../src/backends/reference/index.ts";
import { GraphBuilder } from "../../../src/compiler/graph/builder.ts";
import type { Graph, Port, SizeAssert, TensorType, Value, Variable } from "../../../src/compiler/graph/graph.ts";
import { typeOf } from "../../../src/compiler/graph/graph.ts";
import { Emitter } from "../../../src/compiler/ops/emit.ts";
import { matrixLine, matrixStore } from "../../../src/compiler/ops/gemm.ts";
import { draws } from "../../../src/compiler/ops/sample-data.ts";
import { Dim } from "../../../src/compiler/types/dim.ts";
import { standardRules } from "../../support/rules.ts";

const rules = standardRules();
const [B, H] = [Dim.variable("B"), Dim.variable("H")];

interface Parts {
  readonly ports: Readonly<Record<string, TensorType>>;
  readonly variables?: Readonly<Record<string, TensorType>>;
  readonly asserts?: readonly SizeAssert[];
  readonly ranges?: Readonly<Record<string, { from: Dim; to: Dim }>>;
}
function graphOf(
  { ports, variables = {}, asserts = [], ranges = {} }: Parts,
  make: (
    emit: Emitter,
    named: Readonly<Record<string, Value>>,
  ) => { outputs: Readonly<Record<string, Value>>; updates?: Readonly<Record<string, Value>> },
): Graph {
  const builder = new GraphBuilder(rules);
  const leaf = (op: string, attributes: Record<string, string>, type: TensorType): Value => ({
    node: builder.node(op, attributes, [], [type]),
    index: 0,
  });
  const fed = Object.entries(ports).map(([name, type]): Port => {
    return {
      name,
      kind: "input",
      type,
      value: leaf("input", { name, kind: "input" }, type),
      range: ranges[name],
      span: undefined,
    };
  });
  const kept = Object.entries(variables).map(([path, type]): Variable => {
    const init = { kind: "constant", value: 0 } as const;
    return { path, kind: "param", type, init, trained: true, value: leaf("variable", { path }, type), span: undefined };
  });
  const named = Object.fromEntries([
    ...fed.map((p) => [p.name, p.value] as const),
    ...kept.map((v) => [v.path, v.value] as const),
  ]);
  const { outputs, updates = {} } = make(new Emitter(builder), named);
  return {
    nodes: builder.nodes,
    ports: fed,
    variables: kept,
    updates: kept.flatMap((variable) => (updates[variable.path] ? [{ variable, value: updates[variable.path]! }] : [])),
    outputs: Object.entries(outputs).map(([name, value]) => ({ name, kind: "value", value, span: undefined })),
    asserts,
  };
}
const feed = (shape: readonly number[], data: Fed["data"]): Fed => ({ shape, data });
const run = (
  graph: Graph,
  inputs: Readonly<Record<string, Fed>>,
  variables: Readonly<Record<string, Fed>> = {},
): ReturnType<typeof evaluate> =>
  evaluate(graph, {
    precision: "f64",
    inputs: new Map(Object.entries(inputs)),
    variables: new Map(Object.entries(variables)),
  });

function failureOf(make: () => unknown): Error {
  try {
    make();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error("nothing was refused");
}

const pair = graphOf(
  { ports: { x: { dtype: "f32", shape: [B, Dim.of(2)] }, y: { dtype: "f32", shape: [B] } } },
  (emit, { x, y }) => ({
    outputs: { sum: emit.add(emit.sum(x!, [1]), y!), count: emit.builder.axisSize(B.scaled(2), "f32") },
  }),
);

test("symbolic sizes take their value from the feed", () => {
  for (const n of [1, 3]) {
    const { outputs } = run(pair, {
      x: feed([n, 2], new Float32Array(2 * n).fill(1)),
      y: feed([n], new Float32Array(n)),
    });
    expect(outputs.get("sum")).toEqual({ dtype: "f32", shape: [n], data: new Float64Array(n).fill(2) });
    expect([...outputs.get("count")!.data]).toEqual([2 * n]);
  }
});

test.each<[string, Readonly<Record<string, Fed>>, string, RegExp]>([
  ["a missing input", { x: feed([1, 2], [1, 2]) }, "y", /the input y is missing/],
  ["sizes that disagree", { x: feed([2, 2], [1, 2, 3, 4]), y: feed([3], [1, 2, 3]) }, "y", /B is 2 in x and 3 in y/],
  [
    "a wrong size",
    { x: feed([1, 3], [1, 2, 3]), y: feed([1], [1]) },
    "x",
    /x is f32\[B, 2\] in the model, but got shape \[1, 3\]/,
  ],
  ["a wrong rank", { x: feed([2], [1, 2]), y: feed([1], [1]) }, "x", /x is f32\[B, 2\]/],
  ["too few numbers", { x: feed([1, 2], [1]), y: feed([1], [1]) }, "x", /so 2 numbers, but got 1/],
])("%s is refused, by name", (_, inputs, feed, message) => {
  const refusal = failureOf(() => run(pair, inputs));
  expect(refusal).toBeInstanceOf(FeedError);
  expect(refusal).toMatchObject({ feed, message: expect.stringMatching(message) as string });
});

test("a label outside its range is refused", () => {
  const parts = {
    ports: { age: { dtype: "i32", shape: [B] } },
    ranges: { age: { from: Dim.zero, to: Dim.of(101) } },
  } as const;
  const graph = graphOf(parts, (emit, { age }) => ({ outputs: { age: emit.cast(age!, "f32") } }));
  expect([...run(graph, { age: feed([2], Int32Array.of(0, 100)) }).outputs.get("age")!.data]).toEqual([0, 100]);
  expect(() => run(graph, { age: feed([1], [101]) })).toThrow(/age holds 101, outside 0 \.\.< 101/);
});

test("a size that an assert excludes is refused, with the condition", () => {
  const assert: SizeAssert = {
    left: H.modulo(Dim.of(4)),
    comparison: "==",
    right: Dim.zero,
    message: "the map is halved twice",
    span: undefined,
  };
  const graph = graphOf({ ports: { x: { dtype: "f32", shape: [H] } }, asserts: [assert] }, (emit, { x }) => ({
    outputs: { y: emit.neg(x!) },
  }));
  expect(run(graph, { x: feed([4], [1, 2, 3, 4]) }).outputs.get("y")?.shape).toEqual([4]);
  expect(() => run(graph, { x: feed([6], [1, 2, 3, 4, 5, 6]) })).toThrow(
    /== 0; it is 2 against 0: the map is halved twice/,
  );
});

test("updates read the old values, and variables must be there in their shape", () => {
  const type: TensorType = { dtype: "f32", shape: [Dim.of(2)] };
  const graph = graphOf({ ports: {}, variables: { w: type, v: type } }, (emit, { w, v }) => ({
    outputs: {},
    updates: { w: emit.add(w!, v!), v: emit.sub(w!, v!) },
  }));
  const { updates } = run(graph, {}, { w: feed([2], [5, 6]), v: feed([2], [1, 2]) });
  expect([...updates].map(([path, { data }]) => [path, [...data]])).toEqual([
    ["w", [6, 8]],
    ["v", [4, 4]],
  ]);
  expect(() => run(graph, {}, { w: feed([2], [5, 6]) })).toThrow(/the variable v has no value/);
  expect(() => run(graph, {}, { w: feed([2], [5, 6]), v: feed([3], [1, 2, 3]) })).toThrow(/v is f32\[2\] in the model/);
});

test("single precision rounds every result; whole numbers stay whole", () => {
  const types = { x: { dtype: "f32", shape: [] }, step: { dtype: "i64", shape: [] } } as const;
  const graph = graphOf({ ports: types }, (emit, { x, step }) => ({
    outputs: { third: emit.div(x!, emit.number(3, x!)), next: emit.add(step!, emit.number(1, step!)) },
  }));
  const inputs = new Map([
    ["x", feed([], [1])],
    ["step", feed([], BigInt64Array.of(16_777_216n))],
  ]);
  const { outputs } = evaluate(graph, { precision: "f32", inputs, variables: new Map() });
  expect(outputs.get("third")!.data).toEqual(Float32Array.of(1 / 3));
  expect([...outputs.get("next")!.data]).toEqual([16_777_217]);
});

test("draws follow seed and step, and no input means step 0", () => {
  const shape = [Dim.of(5)];
  const graph = graphOf({ ports: { step: { dtype: "i64", shape: [] } } }, (emit, { step }) => {
    const attributes = { distribution: "uniform", low: 0, high: 1, path: "drop.dice" };
    const draw = (inputs: readonly Value[]): Value => ({
      node: emit.builder.node("random", attributes, inputs, [{ dtype: "f32", shape }]),
      index: 0,
    });
    return { outputs: { now: draw([step!]), first: draw([]) } };
  });
  const at = (step: number, seed: number): Record<string, number[]> => {
    const inputs = new Map([["step", feed([], [step])]]);
    const { outputs } = evaluate(graph, { precision: "f64", inputs, variables: new Map(), seed });
    return { now: [...outputs.get("now")!.data], first: [...outputs.get("first")!.data] };
  };
  expect(at(0, 1).now).toEqual(at(0, 1).first);
  expect(at(4, 1)).toEqual(at(4, 1));
  expect(at(4, 1).now).not.toEqual(at(5, 1).now);
  expect(at(4, 1).first).not.toEqual(at(4, 2).first);
});

test("an operator that cannot compute names its place", () => {
  const graph = graphOf(
    { ports: { x: { dtype: "f32", shape: [Dim.of(2)] }, at: { dtype: "i64", shape: [B] } } },
    (emit, { x, at }) => ({
      outputs: {
        y: emit.builder.at({ path: "code.embedding", span: undefined }, () =>
          emit.op("gather", { axis: Dim.zero }, x!, at!),
        ),
      },
    }),
  );
  const failure = failureOf(() => run(graph, { x: feed([2], [1, 2]), at: feed([1], [2]) }));
  expect(failure).toBeInstanceOf(EvaluationError);
  expect(failure.message).toMatch(/gather at code\.embedding: the index 2 is outside 0 \.\.< 2/);
});

test("inner values can be kept; what nothing reads is not computed", () => {
  const builder = new GraphBuilder(rules);
  const emit = new Emitter(builder);
  const one = builder.constant(4, "f32");
  const root = emit.sqrt(one);
  const unread = emit.exp(one);
  const outputs = [{ name: "y", kind: "value", value: emit.neg(root), span: undefined }] as const;
  const graph: Graph = { nodes: builder.nodes, ports: [], variables: [], updates: [], outputs, asserts: [] };
  const seen: string[] = [];
  const result = evaluate(graph, {
    precision: "f64",
    inputs: new Map(),
    variables: new Map(),
    keep: [root],
    observe: (node) => seen.push(node.op),
  });
  expect([...result.value(root).data]).toEqual([2]);
  expect(seen).toEqual(["constant", "sqrt", "neg"]);
  expect(() => result.value(unread)).toThrow();
  expect(typeOf(unread).shape).toEqual([]);
});

test.each<["f64" | "f32", number]>([
  ["f64", 1e-13],
  ["f32", 1e-4],
])("the matrix kernel in %s equals sums by hand, whatever the edges", (precision, tolerance) => {
  const gemm = createGemm(precision);
  for (const [m, n, k] of [
    [1, 1, 1],
    [4, 4, 4],
    [3, 5, 7],
    [5, 9, 257],
    [129, 257, 3],
    [130, 300, 260],
    [2, 2, 0],
    [0, 3, 2],
  ] as const) {
    const [a, b, c] = [draws(m * k, -1, 1, m), draws(k * n, -1, 1, n), new Float64Array(m * n).fill(NaN)];
    gemm.multiply(m, n, k, matrixLine(a, 0, k, 1), matrixLine(b, 0, 1, n), matrixStore(c, 0, n));
    let worst = 0;
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let d = 0; d < k; d++) sum += a[i * k + d]! * b[d * n + j]!;
        worst = Math.max(worst, Math.abs(sum - c[i * n + j]!));
      }
    }
    expect(worst, `${m} x ${n} x ${k}`).toBeLessThan(tolerance);
  }
});

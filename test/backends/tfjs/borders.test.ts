/** What crosses between JavaScript and TensorFlow, and what the target refuses: element types, draws, sizes left open. */
import { describe, expect, test } from "vitest";
import { decomposeMissing } from "../../../src/backends/backend.ts";
import { emitTfjs } from "../../../src/backends/tfjs/index.ts";
import { GraphBuilder } from "../../../src/compiler/graph/builder.ts";
import type { Attributes, DType, Graph, Output, Port, Value, Variable } from "../../../src/compiler/graph/graph.ts";
import { typeOf } from "../../../src/compiler/graph/graph.ts";
import { decompose } from "../../../src/compiler/ops/decompose.ts";
import { fillNormal, fillUniform, streamOf } from "../../../src/compiler/ops/philox.ts";
import { Dim } from "../../../src/compiler/types/dim.ts";
import type { TensorData } from "../../../src/runtime/engine/tfjs/session.ts";
import { standardRules } from "../../support/rules.ts";
import { openProgram, programOf } from "../../support/tfjs.ts";

const rules = standardRules();

function portOf(builder: GraphBuilder, name: string, dtype: DType, shape: readonly Dim[]): Port {
  const type = { dtype, shape };
  const value = { node: builder.node("input", { name, kind: "input" }, [], [type]), index: 0 };
  return { name, kind: "input", type, value, range: undefined, span: undefined };
}
function variableOf(builder: GraphBuilder, path: string, dtype: DType, shape: readonly number[]): Variable {
  const type = { dtype, shape: shape.map((n) => Dim.of(n)) };
  const value = { node: builder.node("variable", { path }, [], [type]), index: 0 };
  return { path, kind: "state", type, init: { kind: "constant", value: 0 }, trained: false, value, span: undefined };
}
function graphOf(builder: GraphBuilder, outputs: Readonly<Record<string, Value>>, rest: Partial<Graph> = {}): Graph {
  const named = Object.entries(outputs).map(([name, value]): Output => ({
    name,
    kind: "predict",
    value,
    span: undefined,
  }));
  return { nodes: builder.nodes, ports: [], variables: [], updates: [], outputs: named, asserts: [], ...rest };
}

describe("element types", () => {
  test.each([
    ["f32", Float32Array.of(1.5, -2, 3.25), [1.5, -2, 3.25]],
    ["f16", Float32Array.of(1.5, -2, 0.1), [1.5, -2, 0.0999755859375]],
    ["bf16", Float32Array.of(1.5, -2, 0.1), [1.5, -2, 0.10009765625]],
    ["f64", Float32Array.of(1.5, -2, 3.25), [1.5, -2, 3.25]],
    ["i32", Int32Array.of(1, -2, 2 ** 31 - 1), [1, -2, 2 ** 31 - 1]],
    ["bool", Uint8Array.of(1, 0, 1), [1, 0, 1]],
  ] as const)("%s variables are set and read", async (dtype, data, expected) => {
    const builder = new GraphBuilder(rules);
    const variable = variableOf(builder, "held", dtype, [3]);
    const graph = graphOf(builder, { held: variable.value }, { variables: [variable] });
    const opened = await openProgram(programOf({ predict: graph }, [variable]), { mode: "predict" });
    opened.model.setWeights([["held", { shape: [3], data }]]);
    expect(Array.from(opened.model.getWeights().get("held")?.data ?? [])).toEqual(expected);
    expect(Array.from(opened.model.predict({})["held"]?.data ?? [])).toEqual(expected);
    await opened.close();
  });
  test("a variable keeps its numbers when the array that set it changes", async () => {
    const builder = new GraphBuilder(rules);
    const variable = variableOf(builder, "held", "f32", [64, 64]);
    const graph = graphOf(builder, { held: variable.value }, { variables: [variable] });
    const opened = await openProgram(programOf({ predict: graph }, [variable]), { mode: "predict" });
    // TensorFlow may adopt an array whose data lies at a multiple of 64 bytes: all places are tried.
    for (let offset = 0; offset < 64; offset += 4) {
      const data = new Float32Array(new ArrayBuffer(4096 * 4 + 64), offset, 4096).fill(1);
      opened.model.setWeights([["held", { shape: [64, 64], data }]]);
      data.fill(2);
      expect(
        opened.model.predict({})["held"]?.data.every((v) => v === 1),
        String(offset),
      ).toBe(true);
    }
    await opened.close();
  });
});

describe("draws", () => {
  const drawn = async (
    attributes: Attributes,
    count: number,
    steps: readonly number[],
    seed: number,
  ): Promise<TensorData[]> => {
    const builder = new GraphBuilder(rules);
    const step = portOf(builder, "step", "i64", []);
    const type = { dtype: "f32", shape: [Dim.of(count)] } as const;
    const value = {
      node: builder.node("random", { path: "drop.dice", ...attributes }, [step.value], [type]),
      index: 0,
    };
    const opened = await openProgram(programOf({ predict: graphOf(builder, { value }, { ports: [step] }) }), {
      mode: "predict",
      seed,
    });
    try {
      return steps.map((n) => opened.model.predict({ step: { shape: [], data: [n] } })["value"] as TensorData);
    } finally {
      await opened.close();
    }
  };
  test("uniforms are the language's own numbers, bit for bit", async () => {
    for (const [low, high] of [
      [0, 1],
      [-2, 3],
    ] as const) {
      const results = await drawn({ distribution: "uniform", low, high }, 11, [0, 7], 5);
      for (const [i, step] of [0, 7].entries()) {
        const expected = new Float32Array(11);
        fillUniform(expected, streamOf(5, "drop.dice", step), low, high);
        expect(Array.from(results[i]?.data ?? [])).toEqual(Array.from(expected));
      }
    }
  });
  test("normals too, but for the last bit of logarithm and cosine", async () => {
    const [result] = await drawn({ distribution: "normal", mean: 0.5, std: 2 }, 1001, [3], 0);
    const expected = new Float64Array(1001);
    fillNormal(expected, streamOf(0, "drop.dice", 3), 0.5, 2);
    expected.forEach((value, i) =>
      expect(Math.abs((result?.data[i] ?? NaN) - value)).toBeLessThan(1e-6 * (1 + Math.abs(value))),
    );
  });
});

describe("what the target lacks", () => {
  test("a size that a kernel must know is refused, with its place and a way out", () => {
    const builder = new GraphBuilder(rules);
    const x = portOf(builder, "x", "f32", [Dim.variable("B"), Dim.of(3), Dim.variable("H"), Dim.of(8)]);
    const value = builder.at({ path: "face.whole", span: undefined }, () =>
      builder.op("resize", { Ho: Dim.of(4), Wo: Dim.of(4) }, x.value),
    );
    const { files, refusals } = emitTfjs(programOf({ predict: graphOf(builder, { value }, { ports: [x] }) }), {
      mode: "predict",
    });
    expect(files.size).toBe(0);
    expect(refusals).toMatchObject([
      {
        op: "resize",
        path: "face.whole",
        reason: "the height of a resized map must be known when the graph is compiled, here it is H",
      },
    ]);
    expect(refusals[0]?.help).not.toBe("");
  });
  test("an operator without a form of its own is refused by name, each place once", () => {
    const builder = new GraphBuilder(rules);
    const x = portOf(builder, "x", "f32", [Dim.of(2)]);
    const node = builder.at({ path: "odd.one", span: undefined }, () =>
      builder.node("hologram", {}, [x.value], [typeOf(x.value)]),
    );
    const graph = graphOf(builder, { value: { node, index: 0 } }, { ports: [x] });
    const { refusals } = emitTfjs(programOf({ evaluate: graph, predict: graph }), { mode: "predict" });
    expect(refusals.map((r) => [r.op, r.path])).toEqual([["hologram", "odd.one"]]);
  });
  test("what is missing is decomposed until the table has it all", () => {
    const builder = new GraphBuilder(rules);
    const x = portOf(builder, "x", "f32", [Dim.of(4), Dim.of(3)]);
    const weights = portOf(builder, "w", "f32", [Dim.of(3)]);
    const [y] = builder.at({ path: "norm", span: undefined }, () =>
      builder.all("batch_norm_train", { eps: 1e-5 }, x.value, weights.value, weights.value),
    );
    if (y === undefined) throw new Error("no output");
    const lacks = new Set(["batch_norm_train"]);
    const lowered = decomposeMissing(
      graphOf(builder, { y }, { ports: [x, weights] }),
      (n) => !lacks.has(n.op),
      decompose,
      rules,
    );
    expect(lowered.nodes.some((n) => lacks.has(n.op))).toBe(false);
    expect(lowered.nodes.filter((n) => n.op !== "input").every((n) => n.path === "norm")).toBe(true);
    expect(typeOf(lowered.outputs[0]?.value as Value)).toEqual(typeOf(y));
  });
});

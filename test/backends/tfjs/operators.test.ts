/** Every sample of every operator on TensorFlow, held against the operator's own f64 evaluation and closed forms. */
import { describe, expect, test } from "vitest";
import { GraphBuilder } from "../../../src/compiler/graph/builder.ts";
import type { Graph, Node, Output, Port } from "../../../src/compiler/graph/graph.ts";
import { typeOf } from "../../../src/compiler/graph/graph.ts";
import { createGemm } from "../../../src/compiler/ops/gemm.ts";
import { operators } from "../../../src/compiler/ops/index.ts";
import type { Evaluation, Sample } from "../../../src/compiler/ops/operator.ts";
import type { Tensor } from "../../../src/compiler/ops/tensor.ts";
import { countOf } from "../../../src/compiler/ops/tensor.ts";
import { Dim } from "../../../src/compiler/types/dim.ts";
import { standardRules } from "../../support/rules.ts";
import { openProgram, programOf } from "../../support/tfjs.ts";

const rules = standardRules();

const evaluation: Evaluation = {
  precision: "f64",
  size: (dim) => dim.constant ?? Number.NaN,
  allocate: (dtype, shape) => ({ dtype, shape, data: new Float64Array(countOf(shape)) }),
  output(node: Node, index = 0) {
    const { dtype, shape } = typeOf({ node, index });
    return this.allocate(dtype, shape.map((d) => d.constant ?? 0));
  },
  round: (value) => value,
  gemm: createGemm("f64"),
  seed: 0,
  port: () => ({ dtype: "f32", shape: [], data: new Float64Array(1) }),
  variable: () => ({ dtype: "f32", shape: [], data: new Float64Array(1) }),
};

/** A graph that feeds every operand and gives every output. */
function graphOf(op: string, sample: Sample): { readonly graph: Graph; readonly node: Node } {
  const builder = new GraphBuilder(rules);
  const ports = sample.inputs.map(({ dtype, shape }, i): Port => {
    const type = { dtype, shape: shape.map((n) => Dim.of(n)) };
    const value = { node: builder.node("input", { name: `x${String(i)}`, kind: "input" }, [], [type]), index: 0 };
    return { name: `x${String(i)}`, kind: "input", type, value, range: undefined, span: undefined };
  });
  const values = builder.all(op, sample.attributes, ...ports.map((p) => p.value));
  const outputs = values.map((value, i): Output => ({ name: `y${String(i)}`, kind: "predict", value, span: undefined }));
  const node = values[0]?.node;
  if (node === undefined) throw new Error("no output");
  return { graph: { nodes: builder.nodes, ports, variables: [], updates: [], outputs, asserts: [] }, node };
}

function distance(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let [worst, largest] = [0, 1];
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs(expected[i] ?? 0));
    const difference = Math.abs((actual[i] ?? Number.NaN) - (expected[i] ?? 0));
    worst = Object.is(actual[i], expected[i]) ? worst : Math.max(worst, Number.isNaN(difference) ? Infinity : difference);
  }
  return worst / largest;
}

describe.each([...operators.values()].filter((o) => o.samples().length > 0))("$name", (operator) => {
  test.each(operator.samples())("$name", async (sample) => {
    const { graph, node } = graphOf(operator.name, sample);
    const inputs = sample.inputs.map(({ dtype, shape, values }): Tensor => ({ dtype, shape, data: values }));
    const expected = operator.evaluate(node, inputs, evaluation);
    const { model, close } = await openProgram(programOf({ predict: graph }), { mode: "predict" });
    try {
      const results = model.predict(Object.fromEntries(inputs.map((x, i) => [`x${String(i)}`, x])));
      expected.forEach(({ shape, data }, i) => {
        const result = results[`y${String(i)}`];
        expect(result?.shape).toEqual(shape);
        expect(distance(result?.data ?? [], data)).toBeLessThanOrEqual(sample.tolerance32 ?? 1e-5);
        const closed = sample.expected?.outputs?.[i];
        if (closed !== undefined) expect(distance(result?.data ?? [], closed)).toBeLessThanOrEqual(sample.tolerance32 ?? 1e-5);
      });
    } finally {
      await close();
    }
  });
});

/**
 * Every sample of every operator on ONNX Runtime as a training step has it, with its gradients: held against the f64
 * reference and the closed forms that samples carry. Where an operator takes a batch, also with its size left open.
 */
import { expect, test } from "vitest";
import { evaluate } from "../../../src/backends/reference/index.ts";
import type { Graph } from "../../../src/compiler/graph/graph.ts";
import type { Tensor } from "../../../src/compiler/ops/tensor.ts";
import { Dim } from "../../../src/compiler/types/dim.ts";
import { runOnnx, stepOptions } from "../../support/onnx.ts";
import {
  batchedInputs,
  buildSampleGraph,
  closedForm,
  difference,
  type OperatorSample,
  operatorSamples,
  sampleName,
} from "../../support/operators.ts";
import { standardRules } from "../../support/rules.ts";

const rules = standardRules();
const options = stepOptions();

async function check(s: OperatorSample, graph: Graph): Promise<void> {
  const inputs = new Map(
    s.sample.inputs.map(({ dtype, shape, values }, i): [string, Tensor] => [
      `x${String(i)}`,
      { dtype, shape, data: values },
    ]),
  );
  const expected = evaluate(graph, { precision: "f64", inputs, variables: new Map() }).outputs;
  const results = await runOnnx(graph, inputs, new Map(), options);
  expect([...results.keys()]).toEqual([...expected.keys()]);
  const within = s.sample.tolerance32 ?? 1e-5;
  for (const [name, { dtype, shape, data }] of expected) {
    const result = results.get(name);
    expect([result?.dtype, result?.shape], name).toEqual([dtype, shape]);
    expect(difference(result?.data ?? [], data), name).toBeLessThanOrEqual(within);
    const closed = closedForm(s, name);
    if (closed !== undefined) expect(difference(result?.data ?? [], closed), name).toBeLessThanOrEqual(within);
  }
}

test.each(operatorSamples().map((s) => [sampleName(s), s] as const))("%s", async (_, s) => {
  const built = buildSampleGraph(s, rules);
  if (built === undefined) throw new Error("a sample without a graph");
  await check(s, built.graph);
});

const open = operatorSamples().filter((s) => batchedInputs[s.operator.name] !== undefined);

test.each(open.map((s) => [sampleName(s), s] as const))("%s, batch left open", async (_, s) => {
  const axes = batchedInputs[s.operator.name] ?? [];
  const built = buildSampleGraph(s, rules, false, (input, axis) =>
    axis === 0 && axes.includes(input) ? Dim.variable("B") : undefined,
  );
  if (built === undefined) throw new Error("a sample without a graph");
  await check(s, built.graph);
});

/**
 * Every sample of every operator on TensorFlow, with its gradients: held against the f64 reference and the closed forms
 * that samples carry. Where an operator takes a batch, also with its size left open.
 */
import { expect, test } from "vitest";
import { evaluate } from "../../../src/backends/reference/index.ts";
import type { Graph } from "../../../src/compiler/graph/graph.ts";
import { Dim } from "../../../src/compiler/types/dim.ts";
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
import { openProgram, programOf } from "../../support/tfjs.ts";

const rules = standardRules();

async function check(
  s: OperatorSample,
  graph: Graph,
  inputs: ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: ArrayLike<number> }>,
): Promise<void> {
  const fed = new Map([...inputs].map(([name, { shape, data }]) => [name, { shape, data: Float64Array.from(data) }]));
  const expected = evaluate(graph, { precision: "f64", inputs: fed, variables: new Map() }).outputs;
  const opened = await openProgram(programOf({ predict: graph }), { mode: "predict" });
  try {
    const results = opened.model.predict(Object.fromEntries(inputs));
    expect(Object.keys(results)).toEqual([...expected.keys()]);
    const within = s.sample.tolerance32 ?? 1e-5;
    for (const [name, { shape, data }] of expected) {
      const result = results[name];
      expect(result?.shape, name).toEqual(shape);
      expect(difference(result?.data ?? [], data), name).toBeLessThanOrEqual(within);
      const closed = closedForm(s, name);
      if (closed !== undefined) expect(difference(result?.data ?? [], closed), name).toBeLessThanOrEqual(within);
    }
  } finally {
    await opened.close();
  }
}
test.each(operatorSamples().map((s) => [sampleName(s), s] as const))("%s", async (_, s) => {
  const built = buildSampleGraph(s, rules);
  if (built === undefined) throw new Error("a sample without a graph");
  await check(s, built.graph, built.inputs);
});

const open = operatorSamples().filter((s) => batchedInputs[s.operator.name] !== undefined);

test.each(open.map((s) => [sampleName(s), s] as const))("%s, batch left open", async (_, s) => {
  const axes = batchedInputs[s.operator.name] ?? [];
  const built = buildSampleGraph(s, rules, false, (input, axis) =>
    axis === 0 && axes.includes(input) ? Dim.variable("B") : undefined,
  );
  if (built === undefined) throw new Error("a sample without a graph");
  await check(s, built.graph, built.inputs);
});

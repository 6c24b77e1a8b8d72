/**
 * Every sample of every operator on TensorFlow, with its gradients: held against the f64 reference and the closed forms
 * that samples carry. Where an operator takes a batch, also with its size left open.
 */
import { expect, test } from "vitest";
import { evaluate } from "../../../src/backends/reference/index.ts";
import type { Graph } from "../../../src/compiler/graph/graph.ts";
import { Dim } from "../../../src/compiler/types/dim.ts";
import { buildSampleGraph, type OperatorSample, operatorSamples, sampleName } from "../../support/operators.ts";
import { standardRules } from "../../support/rules.ts";
import { openProgram, programOf } from "../../support/tfjs.ts";

const rules = standardRules();

/** The largest difference over the largest value, which counts as 1 at least. */
function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let [worst, largest] = [0, 1];
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs(expected[i] ?? NaN));
    const apart = Math.abs((actual[i] ?? NaN) - (expected[i] ?? NaN));
    if (!Object.is(actual[i], expected[i])) worst = Math.max(worst, Number.isNaN(apart) ? Infinity : apart);
  }
  return worst / largest;
}

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
function closedForm({ sample }: OperatorSample, name: string): readonly number[] | undefined {
  const output = /^y(\d+)$/.exec(name)?.[1];
  if (output !== undefined) return sample.expected?.outputs?.[Number(output)];
  const input = /^grad\.x(\d+)$/.exec(name)?.[1];
  return input === undefined ? undefined : sample.expected?.gradients?.[Number(input)];
}

test.each(operatorSamples().map((s) => [sampleName(s), s] as const))("%s", async (_, s) => {
  const built = buildSampleGraph(s, rules);
  if (built === undefined) throw new Error("a sample without a graph");
  await check(s, built.graph, built.inputs);
});

/** The inputs whose first axis is a batch, by operator. */
const batched: Readonly<Record<string, readonly number[]>> = {
  ...{ conv2d: [0], conv2d_transpose: [0], max_pool2d: [0], avg_pool2d: [0], resize: [0], affine_grid: [0] },
  ...{
    conv2d_input_gradient: [0],
    conv2d_weight_gradient: [0, 1],
    max_pool2d_gradient: [0, 1, 2],
    avg_pool2d_gradient: [0],
  },
  ...{ batch_norm_train: [0], batch_norm_eval: [0], batch_norm_train_gradient: [0, 4], softmax_cross_entropy: [0, 1] },
  ...{ grid_sample: [0, 1], grid_sample_input_gradient: [0, 1], grid_sample_grid_gradient: [0, 1, 2] },
  ...{ affine_grid_gradient: [0], resize_gradient: [0], roi_pool2d: [0, 1], roi_pool2d_gradient: [0, 1, 2] },
};

const open = operatorSamples().filter((s) => batched[s.operator.name] !== undefined);

test.each(open.map((s) => [sampleName(s), s] as const))("%s, batch left open", async (_, s) => {
  const axes = batched[s.operator.name] ?? [];
  const built = buildSampleGraph(s, rules, false, (input, axis) =>
    axis === 0 && axes.includes(input) ? Dim.variable("B") : undefined,
  );
  if (built === undefined) throw new Error("a sample without a graph");
  await check(s, built.graph, built.inputs);
});

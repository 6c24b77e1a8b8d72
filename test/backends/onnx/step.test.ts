/**
 * Every sample of every operator on ONNX Runtime as a training step has it, with its gradients: held against the f64
 * reference and the closed forms that samples carry. Where an operator takes a batch, also with its size left open.
 */
import { expect, test } from "vitest";
import { evaluate } from "../../../src/backends/reference/index.ts";
import type { Graph } from "../../../src/compiler/graph/graph.ts";
import { operatorNamed } from "../../../src/compiler/ops/index.ts";
import { dims } from "../../../src/compiler/ops/attributes.ts";
import { between } from "../../../src/compiler/ops/sample-data.ts";
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

/** Sizes at which a convolution's gradients take another form than in the samples, which are small. */
const sizes: readonly (readonly [
  C: number,
  O: number,
  side: number,
  stride: number,
  dilation: number,
  groups: number,
])[] = [
  [6, 5, 7, 1, 1, 1],
  [6, 5, 7, 2, 1, 1],
  [6, 5, 8, 1, 2, 1],
  [6, 5, 20, 2, 1, 1],
  [130, 4, 9, 1, 1, 1],
  [260, 256, 3, 1, 1, 1],
  [260, 256, 4, 2, 1, 1],
  [8, 8, 6, 1, 1, 8],
  [8, 16, 6, 2, 1, 8],
  [8, 6, 6, 2, 1, 2],
];
test.each(sizes)("gradients of %i to %i channels, %i px, stride %i, dilation %i, groups %i", async (...of) => {
  const [C, O, side, stride, dilation, groups] = of;
  const attributes = dims({ stride, pad: 1, dilation, groups });
  const inputs = [between(-1, 1, [2, C, side, side], 1), between(-1, 1, [O, C / groups, 3, 3], 2)];
  // Sums over many members lose digits; the sample's own tolerance is over the largest member.
  const s: OperatorSample = { operator: operatorNamed("conv2d"), sample: { name: "", attributes, inputs } };
  for (const open of [
    () => undefined,
    (input: number, axis: number) => (input + axis === 0 ? Dim.variable("B") : undefined),
  ]) {
    const built = buildSampleGraph(s, rules, false, open);
    if (built === undefined) throw new Error("a sample without a graph");
    await check(s, built.graph);
  }
});

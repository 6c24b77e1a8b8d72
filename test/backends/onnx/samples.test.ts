// Every sample of every forward operator on the real ONNX Runtime: against the operator's own evaluation in double
// precision, and against the closed forms that samples carry. Where an operator takes a batch, also with its size left open.
import { describe, expect, test } from "vitest";
import { evaluate } from "../../../src/backends/reference/index.ts";
import type { Tensor } from "../../../src/compiler/ops/tensor.ts";
import { runOnnx } from "../../support/onnx.ts";
import {
  batchedInputs,
  forwardGraph,
  isGradient,
  type OperatorSample,
  operatorSamples,
} from "../../support/operators.ts";
import { standardRules } from "../../support/rules.ts";

const rules = standardRules();
async function check(s: OperatorSample, openAxes: readonly number[]): Promise<void> {
  const graph = forwardGraph(s, rules, openAxes);
  const inputs = new Map(
    s.sample.inputs.map(({ dtype, shape, values }, i): [string, Tensor] => [
      `x${String(i)}`,
      { dtype, shape, data: values },
    ]),
  );
  const expected = evaluate(graph, { precision: "f64", inputs, variables: new Map() }).outputs;
  const results = await runOnnx(graph, inputs);
  expect([...results.keys()]).toEqual([...expected.keys()]);
  for (const [i, [name, wanted]] of [...expected].entries()) {
    const got = results.get(name)!;
    expect([got.dtype, got.shape]).toEqual([wanted.dtype, wanted.shape]);
    const scale = Math.max(1, ...wanted.data.map(Math.abs));
    for (const numbers of [wanted.data, s.sample.expected?.outputs?.[i] ?? []]) {
      for (const [at, value] of numbers.entries()) {
        const error = Math.abs((got.data[at] ?? NaN) - value);
        expect(error / scale, `${name}[${String(at)}] is ${String(got.data[at])}, not ${String(value)}`).toBeLessThan(
          s.sample.tolerance32 ?? 1e-5,
        );
      }
    }
  }
}

describe("every sample", () => {
  const forward = operatorSamples().filter((s) => !isGradient(s));
  test.each(forward.map((s) => [s.operator.name, s.sample.name, s] as const))("%s: %s", async (name, _, s) => {
    await check(s, []);
    const openAxes = batchedInputs[name];
    if (openAxes !== undefined) await check(s, openAxes);
  });
});

// Every sample of every forward operator on the real ONNX Runtime: against the operator's own evaluation in double
// precision, and against the closed forms that samples carry. Where an operator takes a batch, also with its size left open.
import { describe, expect, test } from "vitest";
import { evaluate } from "../../../src/backends/reference/index.ts";
import { GraphBuilder } from "../../../src/compiler/graph/builder.ts";
import type { Graph, Port } from "../../../src/compiler/graph/graph.ts";
import { operatorSamples, type OperatorSample } from "../../../src/compiler/ops/index.ts";
import type { Tensor } from "../../../src/compiler/ops/tensor.ts";
import { Dim } from "../../../src/compiler/types/dim.ts";
import { runOnnx } from "../../support/onnx.ts";
import { standardRules } from "../../support/rules.ts";

const rules = standardRules();
const isGradient = ({ operator: { name } }: OperatorSample): boolean =>
  name.endsWith("_gradient") && name !== "stop_gradient";

/** The inputs whose first axis is a batch, by operator. */
const batched: Readonly<Record<string, readonly number[]>> = {
  ...{ conv2d: [0], conv2d_transpose: [0], max_pool2d: [0], avg_pool2d: [0], resize: [0], affine_grid: [0] },
  ...{
    batch_norm_train: [0],
    batch_norm_eval: [0],
    grid_sample: [0, 1],
    roi_pool2d: [0, 1],
    softmax_cross_entropy: [0, 1],
  },
};

/** One operator over inputs `x0`, `x1`, …, with outputs `part.y0`, … */
function graphOf({ operator, sample }: OperatorSample, openAxes: readonly number[]): Graph {
  const builder = new GraphBuilder(rules);
  const ports = sample.inputs.map(({ dtype, shape }, i): Port => {
    const name = `x${String(i)}`;
    const sizes = shape.map((size, axis) => (axis === 0 && openAxes.includes(i) ? Dim.variable("B") : Dim.of(size)));
    const node = builder.node("input", { name, kind: "input" }, [], [{ dtype, shape: sizes }]);
    return {
      name,
      kind: "input",
      type: node.outputs[0]!,
      value: { node, index: 0 },
      range: undefined,
      span: undefined,
    };
  });
  const values = builder.at({ path: "part.layer", span: undefined }, () =>
    builder.all(operator.name, sample.attributes, ...ports.map((port) => port.value)),
  );
  const outputs = values.map(
    (value, i) => ({ name: `part.y${String(i)}`, kind: "value", value, span: undefined }) as const,
  );
  return { nodes: builder.nodes, ports, variables: [], updates: [], outputs, asserts: [] };
}

async function check(s: OperatorSample, openAxes: readonly number[]): Promise<void> {
  const graph = graphOf(s, openAxes);
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
    const openAxes = batched[name];
    if (openAxes !== undefined) await check(s, openAxes);
  });
});

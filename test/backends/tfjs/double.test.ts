// Batch norm in double precision, for which TensorFlow has no fused kernel: it is spelled out, and gives what the f64 reference does.
import { expect, it } from "vitest";
import { evaluate } from "../../../src/backends/reference/index.ts";
import { emitTfjs } from "../../../src/backends/tfjs/index.ts";
import { decompose } from "../../../src/compiler/ops/decompose.ts";
import { draws } from "../../../src/compiler/ops/sample-data.ts";
import { compileText } from "../../support/compile.ts";
import { difference } from "../../support/operators.ts";
import { standardRules } from "../../support/rules.ts";
import { openProgram } from "../../support/tfjs.ts";

const rules = standardRules();
const trained = (dtype: string): string => `model net() {
  input x: ${dtype}[B, 5]
  let a = x |> linear(4) as first |> batch_norm as bn
  head main { loss a ^ 2 |> mean(axis: [0, 1])  predict out = a }
  train { batch = 4  epochs = 1  optimize "**" by sgd() at constant(0.1) }
}`;

it.each([
  ["f32", true],
  ["f64", false],
])("of %s is one kernel: %s", (dtype, isFused) => {
  const { files } = emitTfjs(compileText(trained(dtype)), { mode: "train", decompose, rules });
  const graph = Buffer.from(files.get("saved_model.pb") as Uint8Array).toString("latin1");
  expect(graph.includes("FusedBatchNormV3")).toBe(isFused);
  expect(graph.includes("FusedBatchNormGradV3")).toBe(isFused);
});

it("gives the reference's numbers", async () => {
  const program = compileText(`model net() {
    input x: f64[B, 3, 2]
    input w: f64[3]
    input b: f64[3]
    let (y, _, _) = batch_norm_train(1e-5)(x, w, b)
    head main { predict out = y }
  }`);
  const fed = {
    x: { shape: [4, 3, 2], data: draws(24, -2, 2, 1) },
    w: { shape: [3], data: draws(3, 0.5, 1.5, 2) },
    b: { shape: [3], data: draws(3, -1, 1, 3) },
  };
  const inputs = new Map(Object.entries(fed));
  const expected = evaluate(program.predict, { precision: "f64", inputs, variables: new Map() }).outputs.get("out");
  const opened = await openProgram(program, { mode: "predict", decompose, rules });
  const made = opened.model.predict(fed)["out"];
  await opened.close();
  expect(made?.shape).toEqual([4, 3, 2]);
  expect(difference(made?.data ?? [], expected?.data ?? [])).toBeLessThan(1e-6);
});

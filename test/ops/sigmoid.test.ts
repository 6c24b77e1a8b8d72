// sigmoid keeps its digits on every engine, far below 0 too, where 0.5 tanh(0.5 x) + 0.5 has none left. The oracle is
// e^x / (1 + e^x) in double precision.
import { describe, expect, it } from "vitest";
import type { Tensor } from "../../src/compiler/ops/tensor.ts";
import { locateTensorflow } from "../../src/runtime/engine/index.ts";
import { type Engine, predictOnce } from "../../src/runtime/run/engine.ts";
import { onnx } from "../../src/runtime/run/onnx.ts";
import { reference } from "../../src/runtime/run/reference.ts";
import { tensorflow } from "../../src/runtime/run/tensorflow.ts";
import { seededWeights } from "../../src/runtime/weights.ts";
import { compileText } from "../support/compile.ts";
import { standardRules } from "../support/rules.ts";

const program = compileText(`model net() {
  input x: f32[B]
  head main {
    predict chance = sigmoid(x)
    predict gated  = x |> silu
  }
}
`);
const xs = [-80, -50, -30, -17, -10, -4.6, -1, -0.1, 0, 0.3, 1, 5, 20, 90].map(Math.fround);
const x: Tensor = { dtype: "f32", shape: [xs.length], data: Float64Array.from(xs) };
const exact = xs.map((v) => (v < 0 ? Math.exp(v) / (1 + Math.exp(v)) : 1 / (1 + Math.exp(-v))));

const engines: readonly (readonly [string, Engine, boolean])[] = [
  ["the reference in f64", reference("f64"), true],
  ["the reference in f32", reference("f32"), true],
  ["TensorFlow", tensorflow, locateTensorflow().found],
  ["ONNX Runtime", onnx, true],
];
describe.each(engines)("on %s", (_, engine, present) => {
  it.runIf(present)(
    "a sigmoid that is a result has all digits; one that is a gate is as exact as its product needs",
    async () => {
      const setting = { program, rules: standardRules(), weights: seededWeights(0), seed: 0 };
      const made = await predictOnce(engine, setting, new Map([["x", x]]));
      exact.forEach((wanted, i) => {
        // TensorFlow's exponential is right to some units in the last place.
        expect(Math.abs((made.get("chance")?.data[i] ?? NaN) - wanted) / wanted).toBeLessThan(5e-7);
        expect(Math.abs((made.get("gated")?.data[i] ?? NaN) - xs[i]! * wanted)).toBeLessThan(
          1e-6 * Math.max(1, xs[i]!),
        );
      });
    },
  );
});

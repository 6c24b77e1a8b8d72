/** The library's layers, activations and losses on the engines, in single precision, against PyTorch's numbers in double. */
import { beforeAll, describe, expect, it } from "vitest";
import { encodeElements } from "../../src/backends/bytes.ts";
import { rulesOf } from "../../src/compiler/compile.ts";
import type { Tensor } from "../../src/compiler/ops/tensor.ts";
import { locateTensorflow } from "../../src/runtime/engine/index.ts";
import { TestHost } from "../support/trees.ts";
import { fedTo, predictOnce, type Setting } from "../../src/runtime/run/engine.ts";
import { onnx } from "../../src/runtime/run/onnx.ts";
import { tensorflow } from "../../src/runtime/run/tensorflow.ts";
import { relativeL2 } from "../support/goldens.ts";
import { type GoldenCase, goldenCases, membersOf, modelOf, programFrom } from "../support/library.ts";
import { groups } from "./cases.ts";

/** Of a tensor's own size: a few roundings of single precision. */
const tolerance = 2e-5;

function settingOf(
  expr: (typeof groups)[string][string],
  golden: GoldenCase,
): Setting & { readonly inputs: Map<string, Tensor> } {
  const program = programFrom(modelOf(typeof expr === "string" ? { expr } : expr, golden));
  const given = new Map([...membersOf(golden, "x"), ...membersOf(golden, "w")]);
  const weights = {
    *read({ path, type }: { readonly path: string; readonly type: { readonly dtype: Tensor["dtype"] } }) {
      yield encodeElements(type.dtype, Float64Array.from(given.get(path)?.data ?? [], Number));
    },
    close: () => Promise.resolve(),
  };
  const inputs = new Map(
    [...membersOf(golden, "i"), ["c", golden.get("c")] as const].map(([name, t]): [string, Tensor] => {
      const dtype = t?.dtype === "f64" ? "f32" : (t?.dtype ?? "f32");
      const numbers = Float64Array.from(t?.data ?? [], Number);
      return [name, { dtype, shape: t?.shape ?? [], data: dtype === "f32" ? Float32Array.from(numbers) : numbers }];
    }),
  );
  return { program, rules: rulesOf(new TestHost("case.arch")), weights, seed: 0, inputs };
}
/** The distance; where all should be 0, the size of what is there. */
function distance(actual: Tensor | undefined, expected: Tensor | undefined): number {
  const [a, b] = [Array.from(actual?.data ?? [], Number), Array.from(expected?.data ?? [], Number)];
  return b.every((n) => Math.abs(n) < 1e-14) ? Math.max(...a.map(Math.abs)) : relativeL2(a, b);
}

describe.each(Object.entries(groups))("%s", (group, expressions) => {
  let cases: ReadonlyMap<string, GoldenCase>;
  beforeAll(async () => {
    cases = await goldenCases(group);
  });
  const found = (name: string): GoldenCase => {
    const golden = cases.get(name);
    if (golden === undefined) throw new Error(`there is no case ${name}`);
    return golden;
  };

  it.each(Object.entries(expressions))("%s on onnx", async (name, expr) => {
    const { inputs, ...setting } = settingOf(expr, found(name));
    const outputs = await predictOnce(onnx, setting, fedTo(setting.program.predict, inputs));
    expect(distance(outputs.get("out"), found(name).get("y"))).toBeLessThan(tolerance);
  });

  it.runIf(locateTensorflow().found).each(Object.entries(expressions))("%s on tfjs", async (name, expr) => {
    const golden = found(name);
    const { inputs, ...setting } = settingOf(expr, golden);
    const { train } = setting.program;
    if (train === undefined || tensorflow.train === undefined) throw new Error("the case has a loss");
    const { first, weights } = await tensorflow.train(setting, fedTo(train, inputs), 1);
    for (const [path, expected] of membersOf(golden, "grad"))
      expect(distance(first.get(`grad.${path}`), expected), path).toBeLessThan(tolerance);
    for (const [path, expected] of membersOf(golden, "after"))
      expect(distance(weights.get(path), expected), path).toBeLessThan(tolerance);
    const outputs = await predictOnce(tensorflow, setting, fedTo(setting.program.predict, inputs));
    expect(distance(outputs.get("out"), golden.get("y"))).toBeLessThan(tolerance);
  });
});

/**
 * Every sample of every operator on the reference: closed forms, gradients against central differences in double precision,
 * decompositions against operators, single precision against double.
 */
import { expect, test } from "vitest";
import { createGemm, evaluate } from "../../src/backends/reference/index.ts";
import type { Numbers } from "../../src/compiler/ops/tensor.ts";
import { isFloat } from "../../src/compiler/ops/tensor.ts";
import { buildSampleGraph, operatorSamples, sampleName, type SampleGraph } from "../support/operators.ts";
import { standardRules } from "../support/rules.ts";

const rules = standardRules();
const kernels = { f64: createGemm("f64"), f32: createGemm("f32") };
const run = ({ graph, inputs }: SampleGraph, precision: "f64" | "f32" = "f64"): ReadonlyMap<string, Numbers> => {
  const { outputs } = evaluate(graph, { precision, inputs, variables: new Map(), gemm: kernels[precision] });
  return new Map([...outputs].map(([name, { data }]) => [name, data]));
};

/** The largest difference, over `floor` + the largest expected size. */
function distance(actual: Numbers | undefined, expected: ArrayLike<number>, floor = 1): number {
  expect(actual?.length).toBe(expected.length);
  let [difference, size] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    difference = Math.max(difference, Math.abs(actual![i]! - expected[i]!));
    size = Math.max(size, Math.abs(expected[i]!));
    if (Number.isNaN(actual![i]!) !== Number.isNaN(expected[i]!)) return Infinity;
  }
  return difference / (floor + size);
}

for (const entry of operatorSamples()) {
  const { operator, sample } = entry;
  test(sampleName(entry), () => {
    const built = buildSampleGraph(entry, rules)!;
    const results = run(built);

    sample.expected?.outputs?.forEach((expected, i) => {
      if (expected) expect(distance(results.get(`y${String(i)}`), expected), `output ${String(i)}`).toBeLessThan(1e-9);
    });
    sample.expected?.gradients?.forEach((expected, i) => {
      if (expected)
        expect(distance(results.get(`grad.x${String(i)}`), expected), `gradient ${String(i)}`).toBeLessThan(1e-9);
    });

    if (sample.kink !== true && typeof operator.gradient === "function") {
      sample.inputs.forEach(({ dtype }, i) => {
        const name = `x${String(i)}`;
        if (!isFloat(dtype) || !results.has("loss")) return;
        const numeric = centralDifferences(built, name);
        const analytic = results.get(`grad.${name}`) ?? new Float64Array(numeric.length);
        expect(distance(analytic, numeric), `gradient of ${name}`).toBeLessThan(sample.tolerance ?? 1e-7);
      });
    }

    const meaning = buildSampleGraph(entry, rules, true);
    if (meaning !== undefined) {
      for (const [name, values] of run(meaning)) {
        if (sample.kink === true && name.startsWith("grad.")) continue;
        const own = results.get(name);
        if (own) expect(distance(values, own), `${name} of the decomposition`).toBeLessThan(1e-9);
      }
    }

    for (const [name, values] of run(built, "f32")) {
      expect(distance(values, results.get(name)!), `${name} in single precision`).toBeLessThan(
        sample.tolerance32 ?? 1e-5,
      );
    }
  });
}

function centralDifferences(built: SampleGraph, name: string): Float64Array {
  const fed = built.inputs.get(name)!;
  const lossAt = (data: Float64Array): number =>
    run({ ...built, inputs: new Map([...built.inputs, [name, { ...fed, data }]]) }).get("loss")![0]!;
  return Float64Array.from(fed.data, (value, i) => {
    const step = 1e-5 * Math.max(1, Math.abs(value));
    const moved = (by: number): Float64Array => Float64Array.from(fed.data, (v, k) => (k === i ? v + by : v));
    return (lossAt(moved(step)) - lossAt(moved(-step))) / (2 * step);
  });
}

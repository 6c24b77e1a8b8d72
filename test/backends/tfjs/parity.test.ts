/**
 * Whole models on TensorFlow against the f64 reference: losses, every gradient, and every variable after a step. Sampling,
 * regions, recurrence, sharing, dropout and label distributions are all in here. Distances are L2, a tensor, over its norm;
 * where that is below a thousandth of the largest gradient's (a bias before a batch norm has gradient 0), over the latter.
 * They may be ten times those of the reference's own f32, at least 3e-5: two orders of summation share no luck.
 */
import { describe, expect, test } from "vitest";
import { evaluate } from "../../../src/backends/reference/index.ts";
import type { Memory } from "../../../src/backends/tfjs/index.ts";
import type { InputDescription } from "../../../src/backends/tfjs/model.ts";
import { compile, type Setting } from "../../../src/compiler/compile.ts";
import { initialValues } from "../../../src/compiler/ops/initialize.ts";
import { draws } from "../../../src/compiler/ops/sample-data.ts";
import type { Tensor } from "../../../src/compiler/ops/tensor.ts";
import type { Program } from "../../../src/compiler/program.ts";
import type { TensorData } from "../../../src/runtime/engine/tfjs/session.ts";
import { TestHost } from "../../support/trees.ts";
import { openProgram } from "../../support/tfjs.ts";

const small: readonly Setting[] = Object.entries({ side: 32, size: 8, base: 2, width: 4, classes: 5, units: 1 }).map(
  ([path, value]) => ({ path, value: String(value) }),
);
const shallow: readonly Setting[] = Object.entries({ side: "32", growth: "4", layers: "[2, 2]", classes: "7" }).map(
  ([path, value]) => ({ path, value }),
);
const cases: readonly [file: string, model: string | undefined, settings: readonly Setting[], memory?: Memory][] = [
  ["siamese", undefined, []],
  ["ssr_net", undefined, []],
  ["stn", undefined, []],
  ["tabular_image", undefined, []],
  ["dhaa_ablations", "dhaa_roi", small],
  ["densenet121", undefined, shallow, "low"],
];

function programOf(name: string, variant: string | undefined, settings: readonly Setting[]): Program {
  const file = `models/${name}.arch`;
  const { program, diagnostics } = compile(new TestHost(file), { file, variant, settings });
  if (program === undefined) throw new Error(diagnostics.map((d) => `${d.code} ${d.message}`).join("\n"));
  return program;
}

interface Fed {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** Odd, for kernels that split a batch in two. */
const BATCH = 3;
function feedOf(input: InputDescription, salt: number): Fed {
  const shape = input.shape.map((dim) => (typeof dim === "number" ? dim : BATCH));
  const count = shape.reduce((product, n) => product * n, 1);
  const [from = 0, to = 2] = (input.range ?? []).map(Number);
  if (input.dtype === "f32") return { shape, data: draws(count, -1, 1, salt) };
  return { shape, data: draws(count, from, to, salt).map(Math.floor) };
}
function startOf(program: Program): Map<string, Fed> {
  return new Map(
    program.variables.map((v) => {
      const values = initialValues(v, 0);
      const data = Float64Array.from([...values].map(Number));
      return [v.path, { shape: v.type.shape.map((d) => d.constant ?? 0), data }];
    }),
  );
}
/** As the engine wants it: f32, or pairs of i32. */
function crossing(program: Program, start: ReadonlyMap<string, Fed>): (readonly [string, TensorData])[] {
  return program.variables.map((v) => {
    const { shape, data } = start.get(v.path) ?? { shape: [], data: [] };
    if (v.type.dtype !== "i64") return [v.path, { shape, data: Float32Array.from(data) }];
    return [v.path, { shape: [...shape, 2], data: Int32Array.from([...data].flatMap((n) => [n, 0])) }];
  });
}

function distance(actual: ArrayLike<number> | undefined, wanted: ArrayLike<number>, least: number): number {
  if (actual?.length !== wanted.length) return Infinity;
  let [difference, size] = [0, 0];
  for (let i = 0; i < wanted.length; i++) {
    difference += ((actual[i] ?? NaN) - (wanted[i] ?? NaN)) ** 2;
    size += (wanted[i] ?? NaN) ** 2;
  }
  return Math.sqrt(difference) / Math.max(Math.sqrt(size), least);
}

describe.each(cases)("%s %s", (file, variant, settings, memory = "normal") => {
  test("one training step", async () => {
    const program = programOf(file, variant, settings);
    const { train } = program;
    if (train === undefined) throw new Error("the model does not train");
    const variables = startOf(program);
    const opened = await openProgram(program, { mode: "train", probe: true, memory });
    try {
      const { model } = opened;
      const inputs = new Map(
        (model.description.signatures["train_step"]?.inputs ?? []).map((input, i) => [
          input.name,
          feedOf(input, i + 1),
        ]),
      );
      const [exact, rounded] = (["f64", "f32"] as const).map((precision) =>
        evaluate(train, { precision, inputs, variables }),
      );
      if (exact === undefined || rounded === undefined) throw new Error("no reference");
      model.setWeights(crossing(program, variables));
      const probe = model.run("gradients", Object.fromEntries(inputs));
      const losses = model.trainStep(Object.fromEntries(inputs));
      const weights = model.getWeights();
      const norms = [...exact.outputs]
        .filter(([name]) => name.startsWith("grad."))
        .map(([, { data }]) => Math.hypot(...data));
      const least = 1e-3 * Math.max(...norms);
      const wrong: string[] = [];
      const hold = (
        name: string,
        actual: ArrayLike<number> | undefined,
        wanted: Tensor,
        yardstick: Tensor | undefined,
        floor: number,
      ): void => {
        const allowed = Math.max(floor, 10 * distance(yardstick?.data, wanted.data, least));
        const measured = distance(actual, wanted.data, least);
        if (!(measured <= allowed))
          wrong.push(`${name}: ${measured.toExponential(2)}, allowed ${allowed.toExponential(2)}`);
      };
      for (const [name, wanted] of exact.outputs)
        hold(name, probe[name]?.data, wanted, rounded.outputs.get(name), 3e-5);
      for (const [name, loss] of Object.entries(losses)) {
        const wanted = exact.outputs.get(name);
        if (wanted !== undefined) hold(name, [loss], wanted, rounded.outputs.get(name), 3e-5);
      }
      for (const { path, kind, trained } of program.variables) {
        const wanted = exact.updates.get(path);
        if (wanted === undefined) continue;
        const ours = weights.get(path)?.data;
        const low = wanted.dtype === "i64" ? ours?.filter((_, i) => i % 2 === 0) : ours;
        // Adam's first step goes by the signs of gradients, also of those that are 0 but for rounding.
        const rough = (kind === "param" && trained) || kind === "optimizer";
        hold(path, low, wanted, rounded.updates.get(path), rough ? 1e-2 : 3e-5);
      }
      expect(wrong).toEqual([]);
      expect(exact.updates.size).toBeGreaterThan(0);
    } finally {
      await opened.close();
    }
  }, 120_000);
});

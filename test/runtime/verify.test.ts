// How engines are judged: the measure's closed form, the yardsticks, that a single wrong gradient is named in whole
// models, where training begins, and the first node that departs.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compile } from "../../src/compiler/compile.ts";
import type { Tensor } from "../../src/compiler/ops/tensor.ts";
import type { Program } from "../../src/compiler/program.ts";
import { TestHost } from "../support/trees.ts";
import type { MeasureJob } from "../../src/runtime/jobs.ts";
import { drawInputs } from "../../src/runtime/run/inputs.ts";
import { allowance, distance } from "../../src/runtime/run/measure.ts";
import { writeTensors } from "../../src/runtime/run/run.ts";
import { SafetensorsFile } from "../../src/runtime/safetensors.ts";
import { firstOf, groupsOf, withValues } from "../../src/runtime/verify/departure.ts";
import { distances, drift, type Zeros, zerosOf } from "../../src/runtime/verify/distances.ts";
import { isZero, judge, type Measured, sizesOfZeros, widest } from "../../src/runtime/verify/judge.ts";
import { measure } from "../../src/runtime/verify/measure-job.ts";
import { shakenInputs } from "../../src/runtime/verify/shake.ts";
import { firstStep } from "../../src/runtime/verify/start.ts";
import { seededWeights, writeWeights } from "../../src/runtime/weights.ts";

const folder = mkdtempSync(join(tmpdir(), "archc-judged-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the measure", () => {
  it("is relative L2, and takes what is no number for infinitely far", () => {
    expect(distance([3, 4.5], [3, 4])).toBeCloseTo(0.1, 12);
    expect(distance([0.5], [0])).toBe(0.5);
    expect(distance([NaN], [1])).toBe(Infinity);
    expect(distance([1], [1, 2])).toBe(Infinity);
  });
  it("is relative to the size it is given, where the tensor itself is smaller", () => {
    expect(distance([3e-9, 4e-9], [0, 0], 5e-3)).toBeCloseTo(1e-6, 12);
    expect(distance([3, 4.5], [3, 4], 1)).toBeCloseTo(0.1, 12);
  });
  it("allows four times what rounding did, a millionth at least, and nothing for a yardstick that is no number", () => {
    expect(allowance(1e-3)).toBeCloseTo(4e-3, 12);
    expect(allowance(0)).toBe(1e-6);
    expect(allowance(Infinity)).toBe(1e-6);
  });
});

const tensors = (kind: "outputs" | "gradients" | "weights", ...errors: number[]): readonly Measured[] =>
  errors.map((error, i) => ({ kind, name: `t${String(i)}`, error }));

describe("the judgement", () => {
  it("goes by each tensor's own yardstick, gradients too: what one is off by allows another nothing", () => {
    for (const kind of ["outputs", "gradients", "weights"] as const) {
      const verdict = judge("onnx", "1", tensors(kind, 2e-3, 2e-3), tensors(kind, 1e-2, 1e-7));
      expect(verdict.ok).toBe(false);
      expect(verdict.departures).toEqual([{ kind, name: "t1", error: 2e-3, allowed: 1e-6 }]);
      expect(verdict.maxError[kind]).toBe(2e-3);
    }
  });
  it("takes the widest of several yardsticks", () => {
    const runs = [tensors("gradients", 1e-7, 1e-2), tensors("gradients", 1e-3, 1e-7), tensors("weights", 1e-5)];
    expect(widest(...runs)).toEqual([...tensors("gradients", 1e-3, 1e-2), ...tensors("weights", 1e-5)]);
  });
  it("takes a gradient without a right digit for zero, and measures it against the nearest that is not", () => {
    expect([isZero(1, 0.4), isZero(1, 0.6), isZero(1e-17, 1e-9), isZero(0, 0), isZero(1, NaN)]).toEqual(
      [false, true, true, true, true], // prettier-ignore
    );
    const sizes = sizesOfZeros([
      { path: "a.key.bias", norm: 1e-18, count: 4, zero: true },
      { path: "a.key.weight", norm: 0.08, count: 16, zero: false },
      { path: "a.keyed.weight", norm: 100, count: 1, zero: false },
      { path: "b.weight", norm: 0, count: 9, zero: true },
      { path: "top", norm: 0, count: 1, zero: true },
    ]);
    // By entry: 0.08 / 4 beside the key's bias, 100 anywhere; times the root of the tensor's own count.
    expect([...sizes]).toEqual([["a.key.bias", 0.04], ["b.weight", 300], ["top", 100]]); // prettier-ignore
  });
});

it("moves inputs by sixty-four roundings at most, one way and the other, and leaves whole numbers", () => {
  const data = Float32Array.from({ length: 500 }, (_, i) => (i % 5 === 0 ? i : Math.fround(0.3 + i / 7)));
  const x: Tensor = { dtype: "f32", shape: [500], data };
  const [up, down] = [shakenInputs(new Map([["x", x]]), 1).get("x"), shakenInputs(new Map([["x", x]]), -1).get("x")];
  let moved = 0;
  data.forEach((value, i) => {
    const [a, b] = [up?.data[i] ?? NaN, down?.data[i] ?? NaN];
    if (i % 5 === 0) expect([a, b]).toEqual([value, value]);
    // Sixty-four roundings, and the one of storing what was moved.
    expect(Math.abs(a - value)).toBeLessThanOrEqual(value * 65 * 2 ** -24);
    expect(Math.abs(a - value + b - value)).toBeLessThanOrEqual(value * 2 ** -23);
    if (a !== value) moved += 1;
  });
  expect(moved).toBeGreaterThan(300);
});

/** Small, and each with something of its own: kinks and alignments, gradients that are zero in truth, in part exactly. */
const models: Readonly<Record<string, { readonly set: Readonly<Record<string, string>>; readonly begin: number }>> = {
  dhaa: { set: { side: "64", size: "14", base: "2", width: "4", classes: "11" }, begin: 0 },
  // A warm-up over 10,000 steps: the first power of two with half of the highest rate is 8192.
  bert: { set: { vocabulary: "50", steps: "16", hidden: "4", width: "16", layers: "2", heads: "2" }, begin: 8192 },
  efficientnet: { set: { side: "64", width: "0.25", classes: "7" }, begin: 0 },
  pointnet: { set: { base: "8", classes: "5" }, begin: 0 },
};

describe.each(Object.entries(models))("a wrong gradient in %s", (model, { set, begin }) => {
  const at = (name: string): string => join(folder, `${model}.${name}`);
  const file = `models/${model}.arch`;
  const settings = Object.entries(set).map(([path, value]) => ({ path, value }));
  let program: Program;
  let zeros: Zeros;
  let yardsticks: readonly Measured[];
  let single: ReadonlyMap<string, Tensor>;

  beforeAll(async () => {
    const made = compile(new TestHost(file), { file, settings });
    if (made.program?.train === undefined) throw new Error(`${file} does not compile`);
    program = made.program;
    const job: MeasureJob = {
      ...{ kind: "measure", file, settings, engine: "reference", precision: "f32", seed: 0, steps: 1, begin },
      ...{ weights: at("weights"), inputs: at("inputs"), output: at("f32") },
    };
    await writeWeights(program, seededWeights(0), job.weights);
    await writeTensors(job.inputs, await drawInputs(program, made.program.train, 2, 0));
    await measure(job);
    await measure({ ...job, precision: "f64", output: at("f64") });
    zeros = await zerosOf(at("f32"), at("f64"));
    const own = await distances(at("f32"), at("f64"), zeros);
    yardsticks = widest(own, await drift(program, zeros, job.weights, at("f32"), at("f64")));
    const read = await SafetensorsFile.open(at("f32"));
    const found = new Map<string, Tensor>();
    for (const name of read.tensors.keys()) found.set(name, await read.read(name));
    await read.close();
    single = found;
  }, 120_000);

  /** The f32 reference as an engine, with one of its tensors changed. */
  const judged = async (changed: ReadonlyMap<string, Tensor>) => {
    await writeTensors(at("engine"), new Map([...single, ...changed]));
    return judge("engine", "1", await distances(at("engine"), at("f64"), zeros), yardsticks);
  };
  const gradients = () => [...single].filter(([name]) => name.startsWith("first:grad."));
  const isOfZero = ([name]: readonly [string, Tensor]): boolean => zeros.has(name);
  const named = (key: string) => [{ kind: "gradients", name: key.slice("first:".length) }];

  it("is not there at first", async () => {
    expect((await judged(new Map())).departures).toEqual([]);
  });
  it("is named where it is a thousandth too large", async () => {
    const right = gradients().filter((one) => !isOfZero(one));
    const some = right.filter((_, i) => i % Math.ceil(right.length / 5) === 0);
    expect(some.length).toBeGreaterThan(2);
    for (const [key, tensor] of some) {
      const { departures } = await judged(new Map([[key, { ...tensor, data: tensor.data.map((v) => v * 1.001) }]]));
      expect(departures).toMatchObject(named(key));
      expect(departures).toHaveLength(1);
    }
  });
  it("is named where it is small and should be zero", async () => {
    const wrong = gradients().filter(isOfZero);
    for (const [key, tensor] of [...wrong.slice(0, 2), ...wrong.slice(-1)]) {
      // A ten-thousandth of the layer's largest, by entry.
      const by = (1e-4 * (zeros.get(key) ?? 0)) / Math.sqrt(tensor.data.length);
      const { departures } = await judged(new Map([[key, { ...tensor, data: tensor.data.map((v) => v + by) }]]));
      expect(departures).toMatchObject(named(key));
      expect(departures).toHaveLength(1);
    }
    const paths = wrong.map(([key]) => key.replace("first:grad.", ""));
    if (model === "dhaa") expect(paths).toEqual([]);
    else expect(paths.length).toBeGreaterThan(1);
    // A key's bias moves all scores of a row alike, which softmax does not see.
    if (model === "bert") expect(paths).toEqual([0, 1].map((i) => `encoder.${String(i)}.layer.attention.key.bias`));
  });
  it("would show in the weights: training begins where the rate is not zero", async () => {
    expect(await firstStep(program)).toBe(begin);
  });
});

it("finds the first node that departs, by its line", async () => {
  const file = "models/dhaa_ablations.arch";
  const { program } = compile(new TestHost(file), { file, variant: "dhaa_c_small" });
  const groups = groupsOf(program!.predict, await drawInputs(program!, program!.predict, 2, 0));
  const nodes = groups.flat();
  expect(nodes.length).toBeGreaterThan(100);
  const off = new Map(nodes.map(({ id }, i) => [id, i < 20 ? 5e-7 : 1e-3]));
  const first = firstOf(nodes, off, new Map());
  expect(first?.path).toBe(nodes[20]?.path);
  expect(first?.place).toMatch(/^(models\/dhaa\.arch|std:\w+):\d+:\d+$/);
  // Where single precision is as far off, nothing departs.
  expect(firstOf(nodes, off, off)).toBeUndefined();
  const probed = withValues(program!, "predict", [nodes[3]!.id]);
  expect(probed.predict.outputs.at(-1)).toMatchObject({
    name: `node:${String(nodes[3]!.id)}`,
    value: { node: nodes[3] },
  });
});

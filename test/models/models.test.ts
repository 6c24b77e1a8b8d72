/**
 * Every model that ships: checks clean, compiles to every target, and at a small size trains a step on TensorFlow and
 * predicts on all engines, as the reference does in f64. How far the reference's own f32 lies from its f64 is the yardstick.
 */
import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { encodeElements } from "../../src/backends/bytes.ts";
import { check, compile, listModels, rulesOf } from "../../src/compiler/compile.ts";
import type { Variable } from "../../src/compiler/graph/graph.ts";
import { initialValues, variableCount } from "../../src/compiler/ops/initialize.ts";
import { draws } from "../../src/compiler/ops/sample-data.ts";
import type { Program } from "../../src/compiler/program.ts";
import { locateTensorflow } from "../../src/runtime/engine/index.ts";
import { TestHost } from "../support/trees.ts";
import { type Engine, fedTo, predictOnce, type Setting, type Tensors } from "../../src/runtime/run/engine.ts";
import { drawInputs } from "../../src/runtime/run/inputs.ts";
import { portable } from "../support/portable.ts";
import { onnx } from "../../src/runtime/run/onnx.ts";
import { reference } from "../../src/runtime/run/reference.ts";
import { tensorflow } from "../../src/runtime/run/tensorflow.ts";
import type { Weights } from "../../src/runtime/weights.ts";

/** Settings that make a model small. Every model of `models/` must be here; variants follow their model. */
const small: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  bert: { width: "16", heads: "2", layers: "2", steps: "12", hidden: "3", vocabulary: "50" },
  dhaa: { side: "64", size: "14", base: "2", width: "4", classes: "11" },
  dcgan: { noise: "5", base: "2" },
  densenet121: { side: "64", growth: "4", layers: "[2, 3, 2]", classes: "7" },
  efficientnet: { width: "0.25", depth: "0.5", side: "64", classes: "5" },
  googlenet: { size: "80", classes: "7" },
  gpt: { vocab: "23", context: "12", width: "8", depth: "2", heads: "2" },
  mean_variance_age: { side: "64", base: "2", classes: "11" },
  mixer: { side: "8", width: "6", depth: "2", classes: "5" },
  mmoe: {},
  mobilenet_v2: { side: "64", width: "0.25", classes: "7" },
  pointnet: { base: "8", classes: "5" },
  price: { side: "64", width: "6" },
  resnet50: { side: "64", base: "2", classes: "7" },
  retinanet: { side: "128", base: "4", width: "8", units: "[1, 1, 1, 1]", classes: "3", most: "4" },
  siamese: { side: "33", width: "5" },
  ssr_net: { side: "16" },
  stn: {},
  tagger: { words: "30", tags: "5", length: "6", width: "4" },
  translate: { words: "20", length: "5", width: "8", depth: "1", heads: "2" },
  unet: { widths: "[2, 4]", bottom: "8" },
  vae: { side: "6", width: "5", code: "3" },
  vit: { size: "32", width: "8", depth: "2", heads: "2", classes: "7" },
  wavenet: { levels: "7", width: "4", depth: "3", stacks: "1", length: "20" },
};
const BATCH = 3;

const files = readdirSync("models").filter((name) => name.endsWith(".arch"));
const listed = files.flatMap((name) => {
  const file = `models/${name}`;
  const { models } = listModels(new TestHost(file), file);
  return models.filter(({ kind }) => kind === "model").map((model) => ({ file, name: model.name }));
});

describe("all of them", () => {
  it.each(files)("%s checks clean", (name) => {
    const file = `models/${name}`;
    expect(check(new TestHost(file), file).diagnostics).toEqual([]);
  });
  it("have small settings here", () => {
    expect(listed.map(({ name }) => name).sort()).toEqual(Object.keys(small).sort());
  });
});

/** Drawn as a training starts; but what would start equal everywhere is moved, so that no number hides another. */
const moved: Weights = {
  *read(variable) {
    yield encodeElements(variable.type.dtype, startOf(variable));
  },
  close: () => Promise.resolve(),
};
function startOf(variable: Variable): Float32Array {
  const count = variableCount(variable);
  if (variable.init.kind !== "constant" && variable.init.kind !== "values")
    return Float32Array.from(initialValues(variable, 1, 0, count), Number);
  const start = Float32Array.from(initialValues(variable, 0, 0, count), Number);
  return Float32Array.from(draws(count, -0.2, 0.2, count)).map((by, i) => by + (start[i] ?? 0));
}

interface Made {
  readonly outputs: Tensors;
  readonly first: Tensors;
  readonly weights: Tensors;
}
type Measured = Pick<Engine, "open" | "train"> & { readonly name: string };
async function measure(engine: Measured, setting: Setting, inputs: Tensors): Promise<Made> {
  const { program } = setting;
  const outputs = await predictOnce(engine, setting, fedTo(program.predict, inputs));
  if (engine.train === undefined || program.train === undefined)
    return { outputs, first: new Map(), weights: new Map() };
  const { first, weights } = await engine.train(setting, fedTo(program.train, inputs), 1);
  return { outputs, first, weights };
}

/**
 * The distance of each tensor, over its size; but at least over a thousandth of what its kind has on average, so that
 * gradients which cancel do not count as wrong in every digit.
 */
function distances(made: Tensors, exact: Tensors): Map<string, number> {
  const all = [...exact.values()].flatMap(({ data }) => Array.from(data, Number));
  const typical = norm(all) / Math.sqrt(Math.max(all.length, 1));
  return new Map(
    [...exact].map(([name, { data }]) => {
      const own = made.get(name)?.data;
      const apart = Array.from(data, (wanted, i) => (own?.[i] ?? NaN) - wanted);
      return [name, norm(apart) / Math.max(norm(Array.from(data, Number)), 1e-3 * typical * Math.sqrt(data.length))];
    }),
  );
}
function norm(values: readonly number[]): number {
  return Math.sqrt(values.reduce((sum, n) => sum + n * n, 0));
}
function departures(made: Tensors, exact: Tensors, single: Tensors, least: number): string[] {
  const yardsticks = distances(single, exact);
  return [...distances(made, exact)].flatMap(([name, error]) => {
    const allowed = Math.max(least, 10 * (yardsticks.get(name) ?? 0));
    return error <= allowed ? [] : [`${name}: ${error.toExponential(1)}, allowed ${allowed.toExponential(1)}`];
  });
}

function programOf(file: string, name: string): Program {
  const settings = Object.entries(small[name] ?? {}).map(([path, value]) => ({ path, value }));
  const { program, diagnostics } = compile(new TestHost(file), { file, model: name, settings });
  if (program === undefined) throw new Error(diagnostics.map((d) => `${d.code} ${d.message}`).join("\n"));
  return program;
}

describe.each(listed)("$name", ({ file, name }) => {
  const engines: readonly Measured[] = [...(locateTensorflow().found ? [tensorflow] : []), onnx, portable("wasm")];
  it(`is the same on ${engines.map((e) => e.name).join(" and ")} as in f64`, { timeout: 240_000 }, async () => {
    const program = programOf(file, name);
    const inputs = await drawInputs(program, program.train ?? program.predict, BATCH, 3);
    const setting: Setting = { program, rules: rulesOf(new TestHost(file)), weights: moved, seed: 5 };
    const exact = await measure(reference("f64"), setting, inputs);
    const single = await measure(reference("f32"), setting, inputs);
    for (const { data } of [...exact.outputs.values(), ...exact.first.values()])
      expect(Array.from(data, Number).every(Number.isFinite)).toBe(true);
    for (const engine of engines) {
      const made = await measure(engine, setting, inputs);
      expect(departures(made.outputs, exact.outputs, single.outputs, 1e-5), `${engine.name} predicts`).toEqual([]);
      if (engine.train === undefined) continue;
      expect(exact.first.has("loss")).toBe(true);
      expect(departures(made.first, exact.first, single.first, 2e-4), `${engine.name}'s gradients`).toEqual([]);
      // Adam's first step goes by the signs of gradients, also of the few that are 0 but for rounding.
      expect(departures(made.weights, exact.weights, single.weights, 1e-3), `${engine.name}'s step`).toEqual([]);
    }
  });
});

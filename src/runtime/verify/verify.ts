/**
 * Holds every engine present against the f64 reference on the same weights and inputs: outputs, losses, gradients, and the
 * weights after some steps, tensor by tensor. How far off an engine may be is measured on the f32 reference.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Program } from "../../compiler/program.ts";
import { probeEngines } from "../engine/index.ts";
import { onnxRuntimeVersion, OnnxSession } from "../engine/onnx.ts";
import type { MeasureJob } from "../jobs.ts";
import { type Engine, fedTo, type Precision, type Tensors } from "../run/engine.ts";
import { drawInputs } from "../run/inputs.ts";
import { allowance, distance } from "../run/measure.ts";
import { writeTensors } from "../run/run.ts";
import { SafetensorsFile } from "../safetensors.ts";
import { superviseMeasuring } from "../supervise.ts";
import { seededWeights, writeWeights } from "../weights.ts";
import { type FirstNode, firstOf, groupsOf } from "./departure.ts";

export interface VerifyRequest {
  readonly file: string;
  readonly model?: string;
  readonly variant?: string;
  readonly settings?: readonly { readonly path: string; readonly value: string }[];
  readonly weights: string | undefined;
  /** An ONNX file from elsewhere to compare instead of the engines. */
  readonly against: string | undefined;
  readonly batch: number;
  readonly steps: number;
  readonly seed: number;
  readonly onStage: (done: number, of: number, text: string) => void;
  readonly signal?: AbortSignal;
}

/** Null where the engine cannot do it. */
export interface ErrorsOf {
  readonly outputs: number | null;
  readonly losses: number | null;
  readonly gradients: number | null;
  readonly weights: number | null;
}
/** A tensor that is further off than it may be. */
export interface Departure {
  readonly kind: keyof ErrorsOf;
  readonly name: string;
  readonly error: number;
  readonly allowed: number;
}
export interface EngineVerdict {
  /** An engine's, or the file's that it was compared with. */
  readonly name: string;
  readonly version: string;
  readonly maxError: ErrorsOf;
  /** The f32 reference's own distance, the largest of each kind. */
  readonly yardstick: ErrorsOf;
  readonly ok: boolean;
  readonly departures: readonly Departure[];
  /** Where it leaves the reference; null where it does not. */
  readonly first: FirstNode | null;
}
export interface Verdict {
  readonly engines: readonly EngineVerdict[];
  readonly ok: boolean;
}

export async function verify(program: Program, request: VerifyRequest): Promise<Verdict> {
  const { seed, onStage, signal, against } = request;
  const folder = mkdtempSync(join(tmpdir(), "archc-verify-"));
  const at = (name: string): string => join(folder, `${name}.safetensors`);
  const present =
    against === undefined
      ? (await probeEngines()).filter((engine) => engine.present && engine.name !== "reference")
      : [];
  const stages = Math.max(1, present.length) + 3;
  try {
    onStage(0, stages, "weights and inputs");
    const weights = request.weights ?? at("weights");
    if (request.weights === undefined) await writeWeights(program, seededWeights(seed), weights);
    const inputs = await drawInputs(program, program.train ?? program.predict, request.batch, seed);
    await writeTensors(at("inputs"), inputs);
    const job = jobs(request, weights, at("inputs"));
    onStage(1, stages, "reference, f64");
    await superviseMeasuring(job("reference", "f64", at("f64")), signal);
    onStage(2, stages, "reference, f32");
    await superviseMeasuring(job("reference", "f32", at("f32")), signal);
    const yardsticks = await distances(at("f32"), at("f64"));
    const changes = await changedParts(program, weights, at("f64"));
    const engines: EngineVerdict[] = [];
    for (const [index, { name }] of present.entries()) {
      onStage(3 + index, stages, name);
      const { version } = await superviseMeasuring(job(name, "f32", at(name)), signal);
      const verdict = judge(name, version, await distances(at(name), at("f64")), yardsticks, changes);
      rmSync(at(name));
      if (!verdict.ok) onStage(3 + index, stages, `${name}: looking for the first node that departs`);
      engines.push(verdict.ok ? verdict : { ...verdict, first: await firstNode(program, verdict, request, job, at) });
    }
    if (against !== undefined) {
      onStage(3, stages, against);
      await runForeign(program, against, inputs, at("foreign"));
      const version = await onnxRuntimeVersion();
      engines.push(judge(against, version, await distances(at("foreign"), at("f64")), yardsticks));
    }
    onStage(stages, stages, "done");
    return { engines, ok: engines.every(({ ok }) => ok) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

type MakeJob = (engine: Engine["name"], precision: Precision, output: string) => MeasureJob;

function jobs(
  { file, model, variant, settings, seed, steps }: VerifyRequest,
  weights: string,
  inputs: string,
): MakeJob {
  const chosen = {
    ...(model === undefined ? {} : { model }),
    ...(variant === undefined ? {} : { variant }),
    ...(settings === undefined ? {} : { settings }),
  };
  return (engine, precision, output) => ({
    kind: "measure",
    file,
    ...chosen,
    engine,
    precision,
    weights,
    inputs,
    seed,
    steps,
    output,
  });
}

/** Compares values inside the graph, group by group, until one departs. */
async function firstNode(
  program: Program,
  { name, departures }: EngineVerdict,
  { batch, signal }: VerifyRequest,
  job: MakeJob,
  at: (name: string) => string,
): Promise<FirstNode | null> {
  const mode = departures.some(({ kind }) => kind === "outputs") ? "predict" : "train";
  const graph = mode === "predict" ? program.predict : program.train;
  if (graph === undefined || (mode === "train" && name === "onnx")) return null;
  for (const group of groupsOf(graph, batch)) {
    const values = { mode, nodes: group.map(({ id }) => id) } as const;
    const measured: ReadonlyMap<number, number>[] = [];
    await superviseMeasuring({ ...job("reference", "f64", at("v64")), values }, signal);
    for (const [engine, place] of [
      ["reference", "v32"],
      [name as Engine["name"], "vengine"],
    ] as const) {
      await superviseMeasuring({ ...job(engine, "f32", at(place)), values }, signal);
      const found = await distances(at(place), at("v64"));
      measured.push(new Map(found.map(({ name: node, error }) => [Number(node.replace("node:", "")), error])));
    }
    const first = firstOf(group, measured[1] ?? new Map(), measured[0] ?? new Map());
    if (first !== undefined) return first;
  }
  return null;
}

/** Runs an ONNX file that archc need not have made. Its outputs are matched by name, else by their order. */
async function runForeign(program: Program, path: string, inputs: Tensors, output: string): Promise<void> {
  const session = await OnnxSession.open(path);
  try {
    const wanted = program.predict.outputs.map(({ name }) => name);
    const made = await session.run(fedTo(program.predict, inputs));
    const found = [...made].map(
      ([name, tensor], i) => [`output:${made.has(wanted[i] ?? "") ? name : (wanted[i] ?? name)}`, tensor] as const,
    );
    await writeTensors(output, new Map(found));
  } finally {
    await session.close();
  }
}

interface Measured {
  readonly kind: keyof ErrorsOf;
  readonly name: string;
  readonly error: number;
}

/** The distance of each tensor of a file from the oracle's. A tensor that the oracle has and the engine lacks is infinitely far. */
async function distances(path: string, oracle: string): Promise<readonly Measured[]> {
  const [mine, wanted] = [await SafetensorsFile.open(path), await SafetensorsFile.open(oracle)];
  try {
    const trained = [...mine.tensors.keys()].some((key) => key.startsWith("first:") || key.startsWith("value:"));
    const found: Measured[] = [];
    for (const key of wanted.tensors.keys()) {
      const [prefix, name] = split(key);
      if (prefix !== "output" && !trained) continue;
      const kind =
        prefix === "output"
          ? "outputs"
          : prefix === "weight"
            ? "weights"
            : name.startsWith("grad.")
              ? "gradients"
              : "losses";
      const there = mine.tensors.has(key);
      const error = there ? distance((await mine.read(key)).data, (await wanted.read(key)).data) : Infinity;
      found.push({ kind, name, error });
    }
    return found;
  } finally {
    await mine.close();
    await wanted.close();
  }
}

function split(key: string): readonly [string, string] {
  const at = key.indexOf(":");
  return [key.slice(0, at), key.slice(at + 1)];
}

/**
 * How far each tensor may be off. Values of the forward pass: four times the f32 reference's distance on the same tensor.
 * Gradients jump where rounding moves a value over a kink (a ReLU's, a maximum's), each run at other places, so one of them
 * may be as far off as four times the worst of the f32 reference; but half of them at least must hold by their own. A
 * weight moves by its gradient, so its gradient's allowance counts for the part of it that changed.
 */
export function judge(
  name: string,
  version: string,
  found: readonly Measured[],
  yardsticks: readonly Measured[],
  changes: ReadonlyMap<string, number> = new Map(),
): EngineVerdict {
  const own = new Map(yardsticks.map(({ kind, name: tensor, error }) => [`${kind} ${tensor}`, error]));
  const strict = ({ kind, name: tensor }: Measured): number => allowance(own.get(`${kind} ${tensor}`) ?? 0);
  const kinked = allowance(largest(yardsticks).gradients ?? 0);
  const gradients = found.filter(({ kind }) => kind === "gradients");
  const holding = gradients.filter((one) => one.error <= strict(one)).length;
  const mostHold = 2 * holding >= gradients.length;
  const allowedFor = (one: Measured): number => {
    if (one.kind === "gradients") return mostHold ? Math.max(strict(one), kinked) : strict(one);
    if (one.kind === "weights") return Math.max(strict(one), kinked * (changes.get(one.name) ?? 0));
    return strict(one);
  };
  const departures = found.flatMap((one): Departure[] => {
    const { kind, name: tensor, error } = one;
    const allowed = allowedFor(one);
    return error <= allowed ? [] : [{ kind, name: tensor, error, allowed }];
  });
  const ok = departures.length === 0;
  return { name, version, maxError: largest(found), yardstick: largest(yardsticks), ok, departures, first: null };
}

/** The part of each trained weight that the steps changed: |after - before| / |after|. */
async function changedParts(program: Program, weights: string, oracle: string): Promise<ReadonlyMap<string, number>> {
  const [before, after] = [await SafetensorsFile.open(weights), await SafetensorsFile.open(oracle)];
  try {
    const parts = new Map<string, number>();
    for (const { path, trained } of program.variables) {
      const key = `weight:${path}`;
      if (!trained || !before.tensors.has(path) || !after.tensors.has(key)) continue;
      parts.set(path, distance((await before.read(path)).data, (await after.read(key)).data));
    }
    return parts;
  } finally {
    await before.close();
    await after.close();
  }
}

function largest(found: readonly Measured[]): ErrorsOf {
  const of = (kind: keyof ErrorsOf): number | null => {
    const errors = found.filter((one) => one.kind === kind).map(({ error }) => error);
    return errors.length === 0 ? null : Math.max(...errors);
  };
  return { outputs: of("outputs"), losses: of("losses"), gradients: of("gradients"), weights: of("weights") };
}

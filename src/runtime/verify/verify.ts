/**
 * Holds every engine present against the f64 reference on the same weights and inputs: outputs, losses, gradients, and the
 * weights after some steps, tensor by tensor. An engine may be as far off as four times the f32 reference is.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Program } from "../../compiler/program.ts";
import { probeEngines } from "../engine/index.ts";
import type { MeasureJob } from "../jobs.ts";
import type { Engine } from "../run/engine.ts";
import { drawInputs } from "../run/inputs.ts";
import { allowance, distance } from "../run/measure.ts";
import { writeTensors } from "../run/run.ts";
import { SafetensorsFile } from "../safetensors.ts";
import { superviseMeasuring } from "../supervise.ts";
import { seededWeights, writeWeights } from "../weights.ts";

export interface VerifyRequest {
  readonly file: string;
  readonly model?: string;
  readonly variant?: string;
  readonly settings?: readonly { readonly path: string; readonly value: string }[];
  readonly weights: string | undefined;
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
  readonly name: Engine["name"];
  readonly version: string;
  readonly maxError: ErrorsOf;
  /** The f32 reference's own distance, the largest of each kind. */
  readonly yardstick: ErrorsOf;
  readonly ok: boolean;
  readonly departures: readonly Departure[];
}
export interface Verdict {
  readonly engines: readonly EngineVerdict[];
  readonly ok: boolean;
}

export async function verify(program: Program, request: VerifyRequest): Promise<Verdict> {
  const { seed, steps, onStage, signal } = request;
  const present = (await probeEngines()).filter(({ name, present: there }) => there && name !== "reference");
  const folder = mkdtempSync(join(tmpdir(), "archc-verify-"));
  const at = (name: string): string => join(folder, `${name}.safetensors`);
  const stages = present.length + 3;
  try {
    onStage(0, stages, "weights and inputs");
    const weights = request.weights ?? at("weights");
    if (request.weights === undefined) await writeWeights(program, seededWeights(seed), weights);
    const graph = program.train ?? program.predict;
    await writeTensors(at("inputs"), await drawInputs(program, graph, request.batch, seed));
    const { file, model, variant, settings } = request;
    const job = (engine: Engine["name"], precision: "f32" | "f64", output: string): MeasureJob => ({
      kind: "measure",
      file,
      ...(model === undefined ? {} : { model }),
      ...(variant === undefined ? {} : { variant }),
      ...(settings === undefined ? {} : { settings }),
      engine,
      precision,
      weights,
      inputs: at("inputs"),
      seed,
      steps,
      output,
    });
    onStage(1, stages, "reference, f64");
    await superviseMeasuring(job("reference", "f64", at("f64")), signal);
    onStage(2, stages, "reference, f32");
    await superviseMeasuring(job("reference", "f32", at("f32")), signal);
    const yardsticks = await distances(at("f32"), at("f64"));
    const engines: EngineVerdict[] = [];
    for (const [index, { name }] of present.entries()) {
      onStage(3 + index, stages, name);
      const { version } = await superviseMeasuring(job(name, "f32", at(name)), signal);
      engines.push(judge(name, version, await distances(at(name), at("f64")), yardsticks));
      rmSync(at(name));
    }
    onStage(stages, stages, "done");
    return { engines, ok: engines.every(({ ok }) => ok) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
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
    const trained = [...mine.tensors.keys()].some((key) => key.startsWith("first:"));
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

export function judge(
  name: Engine["name"],
  version: string,
  found: readonly Measured[],
  yardsticks: readonly Measured[],
): EngineVerdict {
  const own = new Map(yardsticks.map(({ kind, name: tensor, error }) => [`${kind} ${tensor}`, error]));
  const departures = found.flatMap(({ kind, name: tensor, error }): Departure[] => {
    const allowed = allowance(own.get(`${kind} ${tensor}`) ?? 0);
    return error <= allowed ? [] : [{ kind, name: tensor, error, allowed }];
  });
  return {
    name,
    version,
    maxError: largest(found),
    yardstick: largest(yardsticks),
    ok: departures.length === 0,
    departures,
  };
}

function largest(found: readonly Measured[]): ErrorsOf {
  const of = (kind: keyof ErrorsOf): number | null => {
    const errors = found.filter((one) => one.kind === kind).map(({ error }) => error);
    return errors.length === 0 ? null : Math.max(...errors);
  };
  return { outputs: of("outputs"), losses: of("losses"), gradients: of("gradients"), weights: of("weights") };
}

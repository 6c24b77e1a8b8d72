/**
 * Holds every engine present against the f64 reference on the same weights and inputs: outputs, losses, gradients, and the
 * weights after some steps, tensor by tensor. How far off an engine may be is measured on the f32 reference.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Program } from "../../compiler/program.ts";
import { probeEngines } from "../engine/index.ts";
import { onnxRuntimeVersion } from "../engine/onnx.ts";
import type { MeasureJob } from "../jobs.ts";
import { type Engine, fedTo, type Precision, type Tensors } from "../run/engine.ts";
import { drawInputs, readAllInputs } from "../run/inputs.ts";
import { openFile, requireInputs } from "../run/onnx.ts";
import { writeTensors } from "../run/run.ts";
import { superviseMeasuring } from "../supervise.ts";
import { openWeights, seededWeights, writeWeights } from "../weights.ts";
import { type FirstNode, firstOf, groupsOf } from "./departure.ts";
import { distances, drift, zerosOf } from "./distances.ts";
import { type EngineVerdict, type ErrorsOf, judge, type Measured, widest } from "./judge.ts";
import { shakenInputs, shakenWeights } from "./shake.ts";
import { firstStep } from "./start.ts";

export type { ErrorsOf };

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
  /** A file with the inputs, instead of drawn ones. */
  readonly input: string | undefined;
  readonly onStage: (done: number, of: number, text: string) => void;
  readonly signal?: AbortSignal;
}

export interface Verdict {
  readonly engines: readonly EngineVerdict[];
  /** The step that training began at: 0, or where each rate of the model is no longer near 0. */
  readonly begin: number;
  readonly ok: boolean;
}

export async function verify(program: Program, request: VerifyRequest): Promise<Verdict> {
  const { seed, onStage, signal, against, input } = request;
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
    const graph = program.train ?? program.predict;
    const inputs =
      input === undefined
        ? await drawInputs(program, graph, request.batch, seed)
        : await readAllInputs(program, graph, input);
    await writeTensors(at("inputs"), inputs);
    const begin = await firstStep(program);
    const job = jobs(request, begin, { weights, inputs: at("inputs") });
    onStage(1, stages, "reference, f64");
    await superviseMeasuring(job("reference", "f64", at("f64")), signal);
    onStage(2, stages, "reference, f32");
    await superviseMeasuring(job("reference", "f32", at("f32")), signal);
    const zeros = await zerosOf(at("f32"), at("f64"));
    const distancesOf = (name: string): Promise<readonly Measured[]> => distances(at(name), at("f64"), zeros);
    let yardsticks = widest(await distancesOf("f32"), await drift(program, zeros, weights, at("f32"), at("f64")));
    let shaken: readonly Changes[] = [];
    /** Two more yardsticks, and time for them only where the first does not do. */
    const judged = async (name: string, version: string, found: readonly Measured[]): Promise<EngineVerdict> => {
      const verdict = judge(name, version, found, yardsticks);
      if (verdict.ok || shaken.length > 0) return verdict;
      onStage(3, stages, "reference, f32, weights and inputs moved by a few roundings");
      shaken = await shake(program, weights, inputs, at);
      for (const [i, changes] of shaken.entries()) {
        await superviseMeasuring({ ...job("reference", "f32", at(`shaken${i}`)), ...changes }, signal);
        yardsticks = widest(yardsticks, await distancesOf(`shaken${i}`));
      }
      return judge(name, version, found, yardsticks);
    };
    const engines: EngineVerdict[] = [];
    for (const [index, { name }] of present.entries()) {
      onStage(3 + index, stages, name);
      const { version } = await superviseMeasuring(job(name, "f32", at(name)), signal);
      const verdict = await judged(name, version, await distancesOf(name));
      rmSync(at(name));
      if (!verdict.ok) onStage(3 + index, stages, `${name}: looking for the first node that departs`);
      const first = verdict.ok ? null : await firstNode(program, verdict, { request, inputs, job, shaken, at });
      engines.push({ ...verdict, first });
    }
    if (against !== undefined) {
      onStage(3, stages, against);
      await runForeign(program, against, inputs, at("foreign"));
      engines.push(await judged(against, await onnxRuntimeVersion(), await distancesOf("foreign")));
    }
    onStage(stages, stages, "done");
    return { engines, begin, ok: engines.every(({ ok }) => ok) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What a job computes on. */
interface Changes {
  readonly weights: string;
  readonly inputs: string;
}

/** Weights and inputs moved one way and the other. */
async function shake(
  program: Program,
  weights: string,
  inputs: Tensors,
  at: (name: string) => string,
): Promise<readonly Changes[]> {
  const made: Changes[] = [];
  for (const way of [1, -1] as const) {
    const place = { weights: at(`weights${way}`), inputs: at(`inputs${way}`) };
    const source = await openWeights(program, weights);
    try {
      await writeWeights(program, shakenWeights(source, way), place.weights);
    } finally {
      await source.close();
    }
    await writeTensors(place.inputs, shakenInputs(inputs, way));
    made.push(place);
  }
  return made;
}

type MakeJob = (engine: Engine["name"], precision: Precision, output: string) => MeasureJob;

function jobs(
  { file, model, variant, settings, seed, steps }: VerifyRequest,
  begin: number,
  { weights, inputs }: Changes,
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
    begin,
    output,
  });
}

interface Search {
  readonly request: VerifyRequest;
  readonly inputs: Tensors;
  readonly job: MakeJob;
  readonly shaken: readonly Changes[];
  readonly at: (name: string) => string;
}

/** Compares values inside the graph, group by group, until one departs. */
async function firstNode(
  program: Program,
  { name, departures }: EngineVerdict,
  { request: { signal }, inputs, job, shaken, at }: Search,
): Promise<FirstNode | null> {
  const mode = departures.some(({ kind }) => kind === "outputs") ? "predict" : "train";
  const graph = mode === "predict" ? program.predict : program.train;
  if (graph === undefined) return null;
  for (const group of groupsOf(graph, inputs)) {
    const values = { mode, nodes: group.map(({ id }) => id) } as const;
    const distancesOf = async (made: MeasureJob): Promise<readonly Measured[]> => {
      await superviseMeasuring({ ...made, values }, signal);
      return distances(made.output, at("v64"));
    };
    await superviseMeasuring({ ...job("reference", "f64", at("v64")), values }, signal);
    const single = job("reference", "f32", at("v32"));
    const yardsticks: (readonly Measured[])[] = [];
    for (const changes of [{}, ...shaken]) yardsticks.push(await distancesOf({ ...single, ...changes }));
    const engine = await distancesOf(job(name as Engine["name"], "f32", at("vengine")));
    const first = firstOf(group, byNode(engine), byNode(widest(...yardsticks)));
    if (first !== undefined) return first;
  }
  return null;
}

function byNode(found: readonly Measured[]): ReadonlyMap<number, number> {
  return new Map(found.map(({ name, error }) => [Number(name.replace("node:", "")), error]));
}

/** Runs an ONNX file that archc need not have made. Its outputs are matched by name, else by their order. */
async function runForeign(program: Program, path: string, inputs: Tensors, output: string): Promise<void> {
  const session = await openFile(path);
  try {
    requireInputs(session, fedTo(program.predict, inputs), path);
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

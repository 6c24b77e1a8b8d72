/**
 * The training loop, in a process of its own: batches in, steps on the engine, metrics and checkpoints out. It knows the
 * engine by a few calls and tells its parent everything through `tell`.
 */
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Batches } from "../data/batches.ts";
import type { Batch } from "../data/batches.ts";
import { noSuchRows, readManifest } from "../data/manifest.ts";
import type { Watch } from "../data/parallel.ts";
import type { Fault } from "../data/table.ts";
import { InputError } from "../error.ts";
import { writeBeside } from "../files.ts";
import { RUN_FILES, type StepMessage, type StepRecord, type TrainJob } from "./job.ts";

/** What training needs of an engine. */
export interface TrainingEngine {
  readonly name: string;
  readonly version: string;
  readonly device: string;
  /** It takes images as bytes. */
  readonly pictures: boolean;
  /** One step; the losses before it, by output name, with their sum as `loss`. */
  step(batch: Batch): Promise<Record<string, number>>;
  /** A micro-batch before the last of a step; its losses. */
  accumulate(batch: Batch): Promise<Record<string, number>>;
  /** Losses and metrics of a batch, without a step: each a number, or one number a sample. */
  evaluate(batch: Batch): Promise<Record<string, ArrayLike<number>>>;
  setStepsPerEpoch(steps: number): void;
  /** Everything, for a checkpoint, or what predictions need. */
  save(path: string, what: "all" | "weights"): Promise<void>;
  close(): Promise<void>;
}

/** The counter that a schedule divides the step by. */
export const STEPS_PER_EPOCH = "steps_per_epoch";

export interface LoopOptions {
  readonly job: TrainJob;
  readonly engine: TrainingEngine;
  readonly tell: (message: StepMessage) => void;
  readonly signal: AbortSignal;
}

/** What a run reads, checked before an engine is loaded. */
export interface TrainingData {
  readonly training: Batches;
  readonly validation: Batches | undefined;
  readonly rows: number;
  readonly skipped: readonly Fault[];
}

/** Where `look` is given, the files of all rows are looked at; else the rows that the job leaves out are known. */
export async function openData(
  job: TrainJob,
  tell: (message: StepMessage) => void = () => undefined,
  look?: Watch,
): Promise<TrainingData> {
  const { recipe, manifest: path, skipBad, batch, seed, accumulate, split, limit, leftOut, sampling } = job;
  const onBad = skipBad ? { onBad: (problem: string) => tell({ kind: "skipped", rows: [problem] }) } : {};
  const known = look === undefined ? { known: new Set(leftOut.map(({ line }) => line)) } : look;
  const manifest = await readManifest(path, recipe, { skipBad, splits: [split, job.validation], ...known });
  const { rows, skipped } = manifest;
  const mine = rows.filter(({ columns }) => (columns["split"] ?? split) === split).slice(0, limit);
  if (mine.length === 0) throw noSuchRows(path, [split], rows);
  const others = rows.filter(({ columns }) => columns["split"] === job.validation);
  const training = new Batches({ ...manifest, rows: mine }, recipe, {
    batch,
    accumulate,
    seed,
    training: true,
    sampling,
    ...onBad,
  });
  const validation =
    others.length === 0
      ? undefined
      : new Batches({ ...manifest, rows: others }, recipe, { batch, seed, training: false, ...onBad });
  return { training, validation, rows: mine.length, skipped };
}

export async function trainLoop({ job, engine, tell, signal }: LoopOptions, data: TrainingData): Promise<void> {
  const { training, validation } = data;
  const { perEpoch } = training;
  const total = job.steps ?? job.epochs * perEpoch;
  const metrics = join(job.run, RUN_FILES.metrics);
  if (job.from > 0 && existsSync(metrics)) writeBeside(metrics, linesUntil(job.from, readFileSync(metrics, "utf8")));
  const record = (line: object): void => appendFileSync(metrics, `${JSON.stringify(line)}\n`);
  engine.setStepsPerEpoch(perEpoch);
  if (job.leftOut.length > 0)
    tell({ kind: "skipped", rows: job.leftOut.map(({ line, problem }) => `${job.manifest}:${line}: ${problem}`) });
  const { name, version, device } = engine;
  tell({ kind: "ready", engine: `${name} ${version}`, device, rows: data.rows, perEpoch, steps: total });

  let saved = performance.now();
  let best = job.best ?? Infinity;
  // All of a step's micro-batches at once: a step is made whole or not at all.
  const batchesAt = (step: number): Promise<Batch[]> => {
    const at = job.overfitOneBatch ? 0 : step;
    return Promise.all(Array.from({ length: job.accumulate }, (_, part) => batchOf(engine, training, at, part)));
  };
  let next = batchesAt(job.from);
  for (let step = job.from; step < total; step += 1) {
    const batches = await next.catch(async (error: unknown) => {
      // Data that cannot be read must not cost the steps that were made.
      if (step > job.from) await checkpoint(step);
      throw error;
    });
    // The next pictures are decoded while the engine computes.
    if (step + 1 < total) next = batchesAt(step + 1);
    next.catch(() => undefined);
    await breath();
    if (signal.aborted) return stop(step);
    const started = performance.now();
    const parts: Record<string, number>[] = [];
    for (const [i, batch] of batches.entries())
      parts.push(await (i + 1 < batches.length ? engine.accumulate(batch) : engine.step(batch)));
    const milliseconds = performance.now() - started;
    const losses = meanOf(parts);
    const line = stepRecord(step, perEpoch, job.batch * job.accumulate, losses, milliseconds);
    const bad = Object.entries(losses).filter(([, value]) => !Number.isFinite(value));
    if (bad.length > 0) {
      record(line);
      tell({ kind: "diverged", step: step + 1, problem: bad.map(([name, value]) => `${name} is ${value}`).join(", ") });
      return;
    }
    record(line);
    tell(line);
    if ((step + 1) % perEpoch === 0 && validation !== undefined && !job.overfitOneBatch) {
      const values = await validate(engine, validation, signal);
      if (values === undefined) return stop(step + 1);
      const loss = values["loss"] ?? Infinity;
      const isBest = loss < best;
      best = Math.min(best, loss);
      const epoch = {
        kind: "epoch",
        epoch: (step + 1) / perEpoch,
        step: step + 1,
        validation: values,
        best: isBest,
      } as const;
      record(epoch);
      tell(epoch);
      if (isBest) await engine.save(join(job.run, RUN_FILES.best), "weights");
    }
    if (performance.now() - saved > job.checkpointSeconds * 1000 && step + 1 < total) {
      await checkpoint(step + 1);
      saved = performance.now();
    }
  }
  await checkpoint(total);
  await engine.save(join(job.run, RUN_FILES.weights), "weights");
  tell({ kind: "done", step: total, reason: "finished" });

  async function stop(step: number): Promise<void> {
    await checkpoint(step);
    tell({ kind: "done", step, reason: "stopped" });
  }

  async function checkpoint(step: number): Promise<void> {
    const path = join(job.run, RUN_FILES.checkpoint);
    await engine.save(path, "all");
    writeBeside(
      join(job.run, RUN_FILES.state),
      `${JSON.stringify({ step, ...(Number.isFinite(best) && { best }) })}\n`,
    );
    tell({ kind: "saved", step, path });
  }
}

function stepRecord(
  step: number,
  perEpoch: number,
  batch: number,
  all: Record<string, number>,
  milliseconds: number,
): StepRecord {
  const { loss, ...others } = all;
  const losses = Object.fromEntries(Object.entries(others).filter(([name]) => name.startsWith("loss.")));
  const total = loss ?? Object.values(losses).reduce((sum, value) => sum + value, 0);
  return {
    kind: "step",
    step: step + 1,
    epoch: Number(((step + 1) / perEpoch).toFixed(4)),
    loss: total,
    losses,
    milliseconds: Number(milliseconds.toFixed(1)),
    samplesPerSecond: Number(((1000 * batch) / milliseconds).toFixed(2)),
  };
}

/** The losses of a step are the means of its micro-batches'. */
function meanOf(parts: readonly Record<string, number>[]): Record<string, number> {
  const [first, ...others] = parts;
  if (first === undefined || others.length === 0) return first ?? {};
  const mean = (name: string): number => parts.reduce((sum, part) => sum + (part[name] ?? NaN), 0) / parts.length;
  return Object.fromEntries(Object.keys(first).map((name) => [name, mean(name)]));
}

function batchOf({ pictures }: TrainingEngine, of: Batches, at: number, part = 0): Promise<Batch> {
  return pictures ? of.picturesAt(at, part) : of.at(at, part);
}

/** Means over all validation rows; undefined where it was interrupted. `loss` is the sum of the losses. */
async function validate(
  engine: TrainingEngine,
  batches: Batches,
  signal: AbortSignal,
): Promise<Record<string, number> | undefined> {
  const sums = new Map<string, { total: number; count: number }>();
  for (let i = 0; i < batches.perEpoch; i += 1) {
    const batch = await batchOf(engine, batches, i);
    await breath();
    if (signal.aborted) return undefined;
    const size = [...batch.values()][0]?.shape[0] ?? 0;
    for (const [name, values] of Object.entries(await engine.evaluate(batch))) {
      const sum = sums.get(name) ?? { total: 0, count: 0 };
      // A number for the batch counts for each of its samples.
      for (let k = 0; k < values.length; k += 1) sum.total += ((values[k] ?? 0) * size) / values.length;
      sum.count += size;
      sums.set(name, sum);
    }
  }
  const means = Object.fromEntries([...sums].map(([name, { total, count }]) => [name, total / count]));
  const losses = Object.entries(means).filter(([name]) => name.startsWith("loss."));
  return losses.length === 0 ? means : { loss: losses.reduce((sum, [, value]) => sum + value, 0), ...means };
}

/** Lets messages in: an engine's step blocks everything else. */
function breath(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Metrics of steps that came after the checkpoint, where a run was ended at once: they are made again. */
function linesUntil(step: number, text: string): string {
  const lines = text.split("\n").filter((line) => line !== "");
  return lines
    .filter((line) => stepOf(line) <= step)
    .map((line) => `${line}\n`)
    .join("");
}
/** Past every step where the line was not written to its end. */
function stepOf(line: string): number {
  try {
    return (JSON.parse(line) as StepRecord).step;
  } catch {
    return Infinity;
  }
}

/** The step that a run's checkpoint is of, and the lowest validation loss until then. */
export function parseState(text: string, path: string): { readonly from: number; readonly best: number | undefined } {
  const state: unknown = JSON.parse(text);
  if (typeof state === "object" && state !== null && "step" in state && typeof state.step === "number")
    return { from: state.step, best: "best" in state && typeof state.best === "number" ? state.best : undefined };
  throw new InputError(`${path} does not say which step its checkpoint is of.`);
}

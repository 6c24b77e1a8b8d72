/**
 * Runs a job in a worker process: an environment that TensorFlow reads before it loads, messages while it goes, an orderly
 * stop. The parent stays free to draw a bar and to hear Ctrl-C, and gets all memory back when the worker ends.
 */
import { fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { ModelDescription } from "../backends/tfjs/model.ts";
import { EngineError } from "./engine/error.ts";
import { InputError } from "./error.ts";
import type { Failed, Job, JobMessage, Measured, MeasureJob, ParentMessage } from "./jobs.ts";
import { packageRoot } from "./package-root.ts";
import type { Diverged, Outcome, StepMessage, TrainJob } from "./train/job.ts";

/**
 * What a worker's process is started with; what the user has set stays. `kernels`: how many run side by side
 * (`SignatureDescription.kernels`); each gets its share of the cores.
 */
export function workerEnvironment(kernels = 1, env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const cores = availableParallelism();
  return {
    // One arena of glibc's allocator: less memory, no time.
    MALLOC_ARENA_MAX: "1",
    TF_NUM_INTEROP_THREADS: "2",
    // Two at least: where one kernel has to wait for another, the rest of a machine of two cores would idle.
    TF_NUM_INTRAOP_THREADS: String(Math.min(cores, Math.max(2, Math.floor(cores / kernels)))),
    TF_CPP_MIN_LOG_LEVEL: "3",
    ...env,
  };
}

/** An environment that makes the engine write, and who reads it. */
export interface WorkerLog {
  readonly env: NodeJS.ProcessEnv;
  readonly take: (text: string) => void;
}

/** Resolves when the training has ended or was stopped; throws what the worker failed with. */
export async function superviseTraining(
  job: TrainJob,
  onMessage: (message: StepMessage) => void,
  signal?: AbortSignal,
  log?: WorkerLog,
): Promise<Outcome | Diverged> {
  let outcome: Outcome | Diverged | undefined;
  await supervise(
    job,
    (message) => {
      if (message.kind === "measured") return;
      if (message.kind === "done" || message.kind === "diverged") outcome = message;
      onMessage(message);
    },
    signal,
    log,
  );
  if (outcome === undefined) throw new EngineError("The training process ended without a word.");
  return outcome;
}

export async function superviseMeasuring(job: MeasureJob, signal?: AbortSignal): Promise<Measured> {
  let measured: Measured | undefined;
  await supervise(
    job,
    (message) => {
      if (message.kind === "measured") measured = message;
    },
    signal,
  );
  signal?.throwIfAborted();
  if (measured === undefined) throw new EngineError(`The process of the ${job.engine} engine ended without a word.`);
  return measured;
}

function supervise(
  job: Job,
  onMessage: (message: Exclude<JobMessage, Failed>) => void,
  signal: AbortSignal | undefined,
  log?: WorkerLog,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = fork(join(packageRoot(), "dist", "worker.mjs"), {
      env: {
        ...workerEnvironment(job.kind === "train" && job.engine === "tfjs" ? kernelsOf(job.model) : 1),
        ...log?.env,
      },
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    let failure: Error | undefined;
    let stderr = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      log?.take(text);
      stderr = (stderr + text).slice(-4000);
    });
    const send = (message: ParentMessage): void => {
      if (child.connected) child.send(message);
    };
    const stop = (): void => {
      // A training stops between two steps and saves; a measurement has nothing to save.
      if (job.kind === "train") send({ kind: "stop" });
      else child.kill("SIGKILL");
    };
    signal?.addEventListener("abort", stop, { once: true });
    child.on("message", (message: JobMessage) => {
      if (message.kind === "failed") failure = failureOf(message);
      else onMessage(message);
    });
    child.on("error", reject);
    child.on("close", (status, ended) => {
      signal?.removeEventListener("abort", stop);
      if (failure !== undefined) reject(failure);
      else if (status === 0 || signal?.aborted === true) resolve();
      else reject(new EngineError(lost(status, ended), [], stderr.trim()));
    });
    send(job);
    if (signal?.aborted === true) stop();
  });
}

/** How many kernels of a compiled folder's training step run side by side. */
export function kernelsOf(folder: string): number {
  const model = JSON.parse(readFileSync(join(folder, "model.json"), "utf8")) as ModelDescription;
  return model.signatures["train_step"]?.kernels ?? 1;
}

function failureOf({ name, message, help }: Failed): Error {
  if (name === "InputError") return new InputError(message, ...help);
  if (name === "SafetensorsError" || name === "FeedError") return new InputError(message);
  return new EngineError(message, help.length === 0 ? [] : [{ text: help.join("\n  "), commands: [] }]);
}

function lost(status: number | null, signal: NodeJS.Signals | null): string {
  if (signal === "SIGKILL")
    return "The engine's process was killed, probably for want of memory; a smaller --batch needs less.";
  return signal === null
    ? `The engine's process ended with status ${String(status)}.`
    : `The engine's process ended by ${signal}.`;
}

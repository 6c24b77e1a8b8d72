/**
 * Runs a training job in a worker process: an environment that TensorFlow reads before it loads, messages while it goes,
 * and an orderly stop. The parent stays free to draw a progress bar and to hear Ctrl-C.
 */
import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { EngineError } from "../engine/error.ts";
import { InputError } from "../error.ts";
import { packageRoot } from "../package-root.ts";
import type { ParentMessage, TrainJob, WorkerMessage } from "./job.ts";

export type Outcome = Extract<WorkerMessage, { kind: "done" | "diverged" }>;

/** What a worker's process is started with; what the user has set stays. */
export function workerEnvironment(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  return {
    // One arena of glibc's allocator: less memory, no time.
    MALLOC_ARENA_MAX: "1",
    TF_NUM_INTEROP_THREADS: "2",
    TF_NUM_INTRAOP_THREADS: String(availableParallelism()),
    TF_CPP_MIN_LOG_LEVEL: "3",
    ...env,
  };
}

/** Resolves when the worker has done its job or was stopped; throws what the worker failed with. */
export function superviseTraining(
  job: TrainJob,
  onMessage: (message: WorkerMessage) => void,
  signal?: AbortSignal,
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = fork(join(packageRoot(), "dist", "worker.mjs"), {
      env: workerEnvironment(),
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      serialization: "json",
    });
    let outcome: Outcome | undefined;
    let failure: Error | undefined;
    let stderr = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      stderr = (stderr + text).slice(-4000);
    });
    const send = (message: ParentMessage): void => {
      if (child.connected) child.send(message);
    };
    const stop = (): void => send({ kind: "stop" });
    signal?.addEventListener("abort", stop, { once: true });
    child.on("message", (message: WorkerMessage) => {
      if (message.kind === "failed") failure = failureOf(message);
      else if (message.kind === "done" || message.kind === "diverged") outcome = message;
      onMessage(message);
    });
    child.on("error", reject);
    child.on("close", (status, ended) => {
      signal?.removeEventListener("abort", stop);
      if (failure !== undefined) reject(failure);
      else if (outcome !== undefined) resolve(outcome);
      else reject(new EngineError(lost(status, ended), [], stderr.trim()));
    });
    send(job);
    if (signal?.aborted === true) stop();
  });
}

function failureOf({ name, message, help }: Extract<WorkerMessage, { kind: "failed" }>): Error {
  if (name === "InputError") return new InputError(message, ...help);
  if (name === "SafetensorsError" || name === "FeedError") return new InputError(message);
  return new EngineError(message, help.length === 0 ? [] : [{ text: help.join("\n  "), commands: [] }]);
}

function lost(status: number | null, signal: NodeJS.Signals | null): string {
  if (signal === "SIGKILL")
    return "The training process was killed, probably for want of memory; a smaller --batch needs less.";
  return signal === null
    ? `The training process ended with status ${String(status)} without a word.`
    : `The training process ended by ${signal}.`;
}

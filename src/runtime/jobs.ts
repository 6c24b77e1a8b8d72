/** What a worker process can be asked for, and what it says. Plain data, sent as JSON. */
import type { StepMessage, TrainJob } from "./train/job.ts";
import type { Engine, Precision } from "./run/engine.ts";

/** Runs a program on one engine and writes everything that comparisons need to a safetensors file. */
export interface MeasureJob {
  readonly kind: "measure";
  readonly file: string;
  readonly model?: string;
  readonly variant?: string;
  readonly settings?: readonly { readonly path: string; readonly value: string }[];
  readonly engine: Engine["name"];
  readonly precision: Precision;
  readonly weights: string;
  readonly inputs: string;
  readonly seed: number;
  readonly steps: number;
  /** The step that training begins at. */
  readonly begin: number;
  /** Instead of everything: the values of these nodes of a graph. */
  readonly values?: { readonly mode: "predict" | "train"; readonly nodes: readonly number[] };
  readonly output: string;
}

export type Job = TrainJob | MeasureJob;
export type ParentMessage = Job | { readonly kind: "stop" };

export interface Failed {
  readonly kind: "failed";
  readonly name: string;
  readonly message: string;
  readonly help: readonly string[];
}
export interface Measured {
  readonly kind: "measured";
  readonly version: string;
  /** False for an engine that only predicts. */
  readonly trained: boolean;
}
export type JobMessage = StepMessage | Measured | Failed;

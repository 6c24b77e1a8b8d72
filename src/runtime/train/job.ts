/**
 * What the two sides of a training agree on: the job that a worker process gets, what it tells, and the folder of a run.
 * Plain data only.
 */
import type { Recipe } from "../data/recipe.ts";
import type { Sampling } from "../data/sampling.ts";
import type { Fault } from "../data/table.ts";

export type TrainingEngineName = "tfjs" | "onnx";

export interface TrainJob {
  readonly kind: "train";
  readonly engine: TrainingEngineName;
  /** The compiled folder. */
  readonly model: string;
  /** The weights to start from, or a checkpoint; the folder's own where it is left out. */
  readonly weights: string | undefined;
  readonly manifest: string;
  readonly recipe: Recipe;
  /** Rows with this `split`, where the manifest has such a column. */
  readonly split: string;
  /** Rows that validate after each epoch; none where the manifest has no such rows. */
  readonly validation: string;
  readonly skipBad: boolean;
  /** Rows that were found unusable before the run began. */
  readonly leftOut: readonly Fault[];
  readonly limit: number | undefined;
  readonly sampling: Sampling;
  readonly batch: number;
  /** Micro-batches a step. */
  readonly accumulate: number;
  readonly seed: number;
  /** The step to begin with, from 0, and the one to end before; epochs where steps are undefined. */
  readonly from: number;
  /** The lowest validation loss before it. */
  readonly best?: number | undefined;
  readonly steps: number | undefined;
  readonly epochs: number;
  /** The folder of the run. */
  readonly run: string;
  readonly checkpointSeconds: number;
  /** The counter that the graph divides the step by, where the model has one. */
  readonly overfitOneBatch: boolean;
}

/** One step, as metrics.jsonl holds it. */
export interface StepRecord {
  readonly kind: "step";
  /** From 1: how many steps have been made. */
  readonly step: number;
  readonly epoch: number;
  readonly loss: number;
  readonly losses: Readonly<Record<string, number>>;
  readonly milliseconds: number;
  readonly samplesPerSecond: number;
}
export interface EpochRecord {
  readonly kind: "epoch";
  readonly epoch: number;
  readonly step: number;
  /** Means over the validation rows. */
  readonly validation: Readonly<Record<string, number>>;
  /** Whether it is the lowest validation loss so far; its weights are kept. */
  readonly best: boolean;
}

export interface Outcome {
  readonly kind: "done";
  readonly step: number;
  readonly reason: "finished" | "stopped";
}
export interface Diverged {
  readonly kind: "diverged";
  readonly step: number;
  /** Which losses are what: "loss is NaN". As text, for JSON has no such numbers. */
  readonly problem: string;
}

/** What a training tells as it goes. */
export type StepMessage =
  | {
      readonly kind: "ready";
      /** Its name and version. */
      readonly engine: string;
      readonly device: string;
      readonly rows: number;
      readonly perEpoch: number;
      readonly steps: number;
    }
  | StepRecord
  | EpochRecord
  | { readonly kind: "skipped"; readonly rows: readonly string[] }
  | { readonly kind: "saved"; readonly step: number; readonly path: string }
  | Outcome
  | Diverged;

export const RUN_FILES = {
  config: "config.json",
  leftOut: "left_out.csv",
  metrics: "metrics.jsonl",
  model: "model",
  checkpoint: "checkpoints/last.safetensors",
  /** Which step the checkpoint is of. */
  state: "checkpoints/last.json",
  weights: "weights.safetensors",
  best: "best.safetensors",
  profile: "profile.json",
  trace: "trace.json",
} as const;

/** What the files of an ONNX run's model are called, without their endings. */
export const STEP_FILE = "step";

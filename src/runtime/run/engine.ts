/**
 * What commands ask of an engine: one pass of prediction, or training steps with their losses, gradients and the weights
 * after them. One implementation an engine; each says what it cannot do.
 */
import type { TypeRules } from "../../compiler/graph/builder.ts";
import type { Graph, Output } from "../../compiler/graph/graph.ts";
import type { Tensor } from "../../compiler/ops/tensor.ts";
import type { Program } from "../../compiler/program.ts";
import type { Weights } from "../weights.ts";

export type Tensors = ReadonlyMap<string, Tensor>;
export type Precision = "f32" | "f64" | "bf16";

/** A program with its numbers. */
export interface Setting {
  readonly program: Program;
  readonly rules: TypeRules;
  readonly weights: Weights;
  /** The key of random draws. */
  readonly seed: number;
  /** The step that training begins at; 0 unless said. */
  readonly begin?: number;
  /** f32 unless said. */
  readonly precision?: Precision;
}

/** The counter of its steps that a training graph has. */
export const STEP = "step";

/** A program made ready to predict, batch after batch. */
export interface Predictor {
  run(inputs: Tensors): Promise<Tensors>;
  close(): Promise<void>;
}

export interface Trained {
  /** Of the first step, before it: `loss`, `loss.HEAD.NAME` and `grad.PATH`. */
  readonly first: Tensors;
  /** Params and states after the steps, by path. */
  readonly weights: Tensors;
}

export interface Engine {
  readonly name: "reference" | "tfjs" | "onnx";
  version(): Promise<string>;
  open(setting: Setting): Promise<Predictor>;
  /** Undefined where the engine cannot train. `steps` of 0 gives the losses and gradients alone. */
  train: ((setting: Setting, inputs: Tensors, steps: number) => Promise<Trained>) | undefined;
}

/** One batch. */
export async function predictOnce(engine: Pick<Engine, "open">, setting: Setting, inputs: Tensors): Promise<Tensors> {
  const predictor = await engine.open(setting);
  try {
    return await predictor.run(inputs);
  } finally {
    await predictor.close();
  }
}

/** Those of the inputs that a graph takes. */
export function fedTo(graph: Graph, inputs: Tensors): Tensors {
  const names = new Set(graph.ports.map(({ name }) => name));
  return new Map([...inputs].filter(([name]) => names.has(name)));
}

/** The outputs of a training step that are compared and written. */
export function isOfStep({ kind }: Output): boolean {
  return kind === "loss" || kind === "total" || kind === "gradient" || kind === "value";
}

/** The training graph as a question: its losses and gradients, and no change. */
export function withoutUpdates(graph: Graph): Graph {
  return { ...graph, updates: [] };
}

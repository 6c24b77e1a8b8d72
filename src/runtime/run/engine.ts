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
export type Precision = "f32" | "f64";

export interface Setting {
  readonly program: Program;
  readonly rules: TypeRules;
  readonly weights: Weights;
  /** The key of random draws. */
  readonly seed: number;
  readonly inputs: Tensors;
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
  predict(setting: Setting): Promise<Tensors>;
  /** Undefined where the engine cannot train. `steps` of 0 gives the losses and gradients alone. */
  train: ((setting: Setting, steps: number) => Promise<Trained>) | undefined;
}

/** The outputs of a training step that are compared and written. */
export function isOfStep({ kind }: Output): boolean {
  return kind === "loss" || kind === "total" || kind === "gradient" || kind === "value";
}

/** The training graph as a question: its losses and gradients, and no change. */
export function withoutUpdates(graph: Graph): Graph {
  return { ...graph, updates: [] };
}

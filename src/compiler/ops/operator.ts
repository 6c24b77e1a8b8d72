/**
 * The contract of an operator: what one definition says about a primitive. Signatures (and so shapes) are not here but in
 * the library's `.arch` files; backends add their own rows elsewhere.
 */
import type { Attributes, DType, Node, Value } from "../graph/graph.ts";
import type { Dim } from "../types/dim.ts";
import type { Emitter } from "./emit.ts";
import type { Gemm } from "./gemm.ts";
import type { Numbers, Tensor } from "./tensor.ts";

/** What a run of a graph lends to the operators it evaluates. */
export interface Evaluation {
  /**
   * `f64`: every float type is computed and kept in double precision. `f32`: every float tensor is kept in single precision,
   * so each result is rounded once; contractions also add their products in single precision.
   */
  readonly precision: "f64" | "f32";
  /** The run's value of a dim. */
  size(dim: Dim): number;
  /** A new tensor, all zeros. */
  allocate(dtype: DType, shape: readonly number[]): Tensor;
  /** A new tensor for one output of a node, all zeros: its type and this run's sizes say the shape. */
  output(node: Node, index?: number): Tensor;
  /** Rounds a number to the precision of the run. */
  round(value: number): number;
  readonly gemm: Gemm;
  /** The key of random draws. */
  readonly seed: number;
  /** The tensor fed for an input or target. */
  port(name: string): Tensor;
  /** The tensor of a variable before the run. */
  variable(path: string): Tensor;
}

/** One node on its way back: its operands, the gradients of its outputs, and what is asked. */
export interface Backward {
  readonly node: Node;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  /** Undefined where no gradient reaches an output. At least one is there. */
  readonly gradients: readonly (Value | undefined)[];
  /** Which inputs lead to something that a gradient is asked of. Nothing is emitted for the others. */
  readonly needs: readonly boolean[];
  readonly emit: Emitter;
}

/** The gradients of the inputs, in their order; undefined for zero and for what is not needed. */
export type GradientRule = (backward: Backward) => readonly (Value | undefined)[];

export interface Cost {
  /** Two per multiply-add of convolutions and matrix products, their gradients included; nothing else counts. */
  readonly flops: Dim;
  /** What is read and written once. */
  readonly bytes: Dim;
}

/** One case an operator must get right, on every backend. All sizes are known. */
export interface Sample {
  readonly name: string;
  readonly attributes: Attributes;
  readonly inputs: readonly SampleInput[];
  /** Central differences say nothing here (a tie, a border): `expected` gives the gradient instead. */
  readonly kink?: boolean;
  /** Closed forms, row-major: outputs, and the gradients of the inputs where every output's gradient is 1. */
  readonly expected?: {
    readonly outputs?: readonly (readonly number[] | undefined)[];
    readonly gradients?: readonly (readonly number[] | undefined)[];
  };
  /** Largest difference of a gradient to central differences in f64, over 1 + the largest gradient. 1e-7 unless said. */
  readonly tolerance?: number;
  /** Largest difference of an f32 engine to f64, over the tensor's largest value (1 at least). 1e-5 unless said. */
  readonly tolerance32?: number;
}
export interface SampleInput {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Row-major; floats are exact in single precision, so that every engine reads the same numbers. */
  readonly values: Numbers;
}

export interface OperatorDefinition {
  readonly name: string;
  evaluate(node: Node, inputs: readonly Tensor[], evaluation: Evaluation): readonly Tensor[];
  /** `none`: the result does not move with its inputs, or is not a float. `once`: gradients end here; it cannot be derived again. */
  readonly gradient: GradientRule | "none" | "once";
  /** Absent: no multiply-adds, each operand read and each result written once. */
  cost?(node: Node): Cost;
  /** The input of whole numbers that are places on an axis, and that axis' size: what lies outside cannot be computed with. */
  places?(node: Node): { readonly input: number; readonly size: Dim };
  samples(): readonly Sample[];
  /** The same meaning in other primitives, for backends without the operator and for tests to compare with. Undefined where it needs a size that is not known. */
  decompose?(node: Node, inputs: readonly Value[], emit: Emitter): readonly Value[] | undefined;
}

/**
 * The graph: what a model computes, as immutable nodes over typed values. Logical layout is NCHW; symbolic sizes (the
 * batch) stay symbolic. A graph is a plain value: passes make new graphs, backends read them. No operator is known here.
 */
import type { Span } from "../source/source.ts";
import type { Dim } from "../types/dim.ts";
import type { TensorType } from "../types/tensor.ts";

export type { DType, TensorType } from "../types/tensor.ts";

/** The static configuration of a node. Sizes are dims, for they may be symbolic. */
export type Attribute =
  | Dim
  | number
  | boolean
  | string
  | readonly Attribute[]
  /** Literal numbers of a constant, row-major, in f64; exact for every element type. */
  | Float64Array;
export type Attributes = Readonly<Record<string, Attribute>>;

export interface Node {
  /** Unique in its graph; inputs come from nodes before this one in `Graph.nodes`. */
  readonly id: number;
  /** The name of an operator definition. */
  readonly op: string;
  readonly attributes: Attributes;
  readonly inputs: readonly Value[];
  readonly outputs: readonly TensorType[];
  /** Where in the model the node stands, e.g. `global.near.b2.0.unit.conv1`; for gradients, that of the node derived. */
  readonly path: string;
  readonly span: Span | undefined;
}

/** One output of a node. */
export interface Value {
  readonly node: Node;
  readonly index: number;
}

export function typeOf(value: Value): TensorType {
  const type = value.node.outputs[value.index];
  if (type === undefined)
    throw new Error(`node ${String(value.node.id)} (${value.node.op}) has no output ${String(value.index)}`);
  return type;
}

/** A tensor that is fed: an `input` or a `target` of the model. Its node has op `input` and attribute `name`. */
export interface Port {
  readonly name: string;
  readonly kind: "input" | "target";
  readonly type: TensorType;
  readonly value: Value;
  /** Values must lie in `from ..< to` (label ranges). */
  readonly range: { readonly from: Dim; readonly to: Dim } | undefined;
  readonly span: Span | undefined;
}

/** How a param or state starts: resolved to one of a closed set, drawn by the runtime's own generator. */
export type Initializer =
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "uniform"; readonly low: number; readonly high: number }
  | { readonly kind: "normal"; readonly mean: number; readonly std: number }
  /** Literal values, row-major. */
  | { readonly kind: "values"; readonly values: Float64Array };

/** A tensor that lives across steps. Its node has op `variable` and attribute `path`. */
export interface Variable {
  readonly path: string;
  /** `param`: learned; `state`: kept by the model (batch-norm statistics); `optimizer`: kept by the optimizer; `counter`: the step and steps_per_epoch. */
  readonly kind: "param" | "state" | "optimizer" | "counter";
  readonly type: TensorType;
  readonly init: Initializer;
  /** Changed by the optimizer (a param that is not frozen). */
  readonly trained: boolean;
  readonly value: Value;
  readonly span: Span | undefined;
}

/** At the end of a run, `variable` becomes `value`; all reads of a run see the old one. */
export interface Update {
  readonly variable: Variable;
  readonly value: Value;
}

export interface Output {
  /** `final.years`, `loss.final.loss`, `loss`, `metric.final.mae`, `grad.PATH` … */
  readonly name: string;
  readonly kind: "predict" | "loss" | "total" | "metric" | "gradient" | "value";
  readonly value: Value;
  readonly span: Span | undefined;
}

export interface Graph {
  /** In an order in which each node comes after its inputs. */
  readonly nodes: readonly Node[];
  readonly ports: readonly Port[];
  readonly variables: readonly Variable[];
  readonly updates: readonly Update[];
  readonly outputs: readonly Output[];
  /** Preconditions over input sizes (`assert H % 16 == 0`): each must hold for what is fed. */
  readonly asserts: readonly SizeAssert[];
}

export interface SizeAssert {
  readonly left: Dim;
  readonly comparison: "==" | "!=" | "<" | "<=" | ">" | ">=";
  readonly right: Dim;
  readonly message: string;
  readonly span: Span | undefined;
}

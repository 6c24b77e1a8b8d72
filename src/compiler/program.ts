/**
 * What compiling a model yields: three graphs over the same variables, and what the runtime needs to know beside them.
 * Data only; `compile.ts` makes it, backends and the runtime read it.
 */
import type { Graph, Value, Variable } from "./graph/graph.ts";

/** Static values as plain data: what `data` and `pretrained` sections hold after evaluation. */
export type Plain = number | boolean | string | readonly Plain[] | { readonly [key: string]: Plain };

export interface PretrainedRule {
  readonly kind: "map" | "fresh" | "unused";
  readonly patterns: readonly string[];
  /** For `map`: the source's name pattern. */
  readonly source: string | undefined;
  /** For `map`: a graph from one tensor `source` to the output `value`, where the source is piped through a block. */
  readonly transform: ((shape: readonly number[]) => Graph) | undefined;
}
export interface PretrainedMap {
  readonly name: string;
  readonly from: string;
  readonly rules: readonly PretrainedRule[];
}

/** A part of the model for summaries: `low`, `global`, `global.near`, `final`, … with the path prefix of what it owns. */
export interface Part {
  readonly path: string;
  readonly kind: "let" | "regions" | "branch" | "member" | "fuse" | "head";
}

export interface Program {
  /** The model's or variant's name. */
  readonly name: string;
  /** The variants between `name` and its model, nearest first; empty for a model. */
  readonly basis: readonly string[];
  readonly file: string;
  /** The model's parameters as set. */
  readonly settings: Readonly<Record<string, Plain>>;
  /**
   * One optimizer step: forward with `training` true, every loss (`loss.HEAD.NAME`, kind `loss`), their sum (`loss`, kind
   * `total`), every gradient (`grad.PATH`, kind `gradient`), updates of params, states, optimizer states and the counters
   * `step` and `steps_per_epoch`. Absent where the model has no loss.
   */
  readonly train: Graph | undefined;
  /**
   * A micro-batch that others follow before the step: the losses, updates of states, and gradients added to sums, which the
   * training step takes into its own. Present where `train` says `accumulate`.
   */
  readonly accumulate: Graph | undefined;
  /** Every loss, metric and prediction with `training` false; reads params and states, changes none. */
  readonly evaluate: Graph;
  /** The predictions alone. */
  readonly predict: Graph;
  /** All variables of the three graphs in the order of declaration, each once; optimizer states and counters last. */
  readonly variables: readonly Variable[];
  readonly parts: readonly Part[];
  /** What the model names, by path (`global.near.b2`, `joined`): values of `train`, and of `evaluate` and `predict`. */
  readonly named: { readonly train: ReadonlyMap<string, Value>; readonly evaluate: ReadonlyMap<string, Value> };
  /** Parts that reach no loss, prediction or metric: what a variant leaves out. */
  readonly pruned: readonly string[];
  /** Fields of `train` that are numbers: batch, epochs, … */
  readonly training: Readonly<Record<string, Plain>>;
  readonly data: Readonly<Record<string, Plain>> | undefined;
  readonly pretrained: readonly PretrainedMap[];
  /** `@renamed("old", "new")`, in order. */
  readonly renames: readonly { readonly old: string; readonly new: string }[];
  /** SHA-256 over the printed graphs: equal programs have equal hashes. */
  readonly hash: string;
}

/**
 * The contract of a backend: a table from operators to its own nodes, behind one pure function from a program to files.
 * What the table lacks is replaced by its decomposition here; what has none is refused with a reason, never dropped.
 */
import type { GraphBuilder, TypeRules } from "../compiler/graph/builder.ts";
import type { Graph, Node, Value } from "../compiler/graph/graph.ts";
import { rewrite } from "../compiler/graph/rewrite.ts";
import type { Program } from "../compiler/program.ts";
import type { Span } from "../compiler/source/source.ts";

export { rewrite } from "../compiler/graph/rewrite.ts";

/** Something that a target cannot express. The caller turns it into a diagnostic at `span`. */
export interface Refusal {
  readonly op: string;
  /** The path of the node. */
  readonly path: string;
  readonly span: Span | undefined;
  /** What is missing, in a user's words, without a full stop. */
  readonly reason: string;
  /** The way out. */
  readonly help: string;
}

/** Thrown while a node is emitted; a backend collects one a node and goes on, so that all of them are reported. */
export class RefusalError extends Error {
  readonly refusal: Refusal;
  constructor(node: Node, reason: string, help: string) {
    super(`${node.op} at ${node.path}: ${reason}`);
    this.refusal = { op: node.op, path: node.path, span: node.span, reason, help };
  }
}

export interface Emission {
  /** By file name relative to the artifact; equal programs and options give equal bytes. */
  readonly files: ReadonlyMap<string, string | Uint8Array>;
  /** Empty where the artifact is whole. */
  readonly refusals: readonly Refusal[];
}

export interface Backend<Options> {
  readonly name: string;
  emit(program: Program, options: Options): Emission;
}

/** The meaning of an operator in simpler ones; undefined where it is not composite. */
export type Decompose = (builder: GraphBuilder, node: Node, inputs: readonly Value[]) => readonly Value[] | undefined;

const leaves: ReadonlySet<string> = new Set(["input", "variable", "constant", "axis_size", "random"]);

/**
 * The graph with every operator that `has` denies replaced by its decomposition, again and again until the table has
 * all that is left or nothing decomposes; such nodes stay as they are, for the table to refuse.
 */
export function decomposeMissing(
  graph: Graph,
  has: (node: Node) => boolean,
  decompose: Decompose,
  rules: TypeRules,
): Graph {
  let current = graph;
  for (let round = 0; round < 16; round++) {
    const missing = current.nodes.filter((node) => !leaves.has(node.op) && !has(node));
    if (missing.length === 0) break;
    const next = rewrite(current, rules, (builder, node, inputs) =>
      has(node) || leaves.has(node.op) ? undefined : decompose(builder, node, inputs),
    );
    if (next === undefined) break;
    current = next;
  }
  return current;
}

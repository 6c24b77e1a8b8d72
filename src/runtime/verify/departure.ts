/**
 * Where an engine leaves the reference: the first node, in the order of the graph, whose value is further off than single
 * precision explains. Nodes are asked for in groups, so that a large model's values are never all in memory.
 */
import { bindSizes, sizeOf } from "../../backends/reference/sizes.ts";
import type { Graph, Node } from "../../compiler/graph/graph.ts";
import { isFloat } from "../../compiler/ops/tensor.ts";
import type { Program } from "../../compiler/program.ts";
import { positionOf } from "../../compiler/source/source.ts";
import { elementCount } from "../../compiler/types/dim.ts";
import type { Tensors } from "../run/engine.ts";
import { allowance } from "../run/measure.ts";

/** The node that departs first, and its line of the model. */
export interface FirstNode {
  readonly op: string;
  readonly path: string;
  /** FILE:LINE:COLUMN; empty for nodes that no line wrote. */
  readonly place: string;
  readonly error: number;
  readonly allowed: number;
}

/** The name under which a node's value is asked for. */
export function valueName(id: number): string {
  return `node:${String(id)}`;
}

/** A program whose outputs are these nodes of one of its graphs, beside its own. */
export function withValues(program: Program, mode: "predict" | "train", ids: readonly number[]): Program {
  const wanted = new Set(ids);
  const extended = (graph: Graph): Graph => ({
    ...graph,
    outputs: [
      ...graph.outputs,
      ...graph.nodes
        .filter(({ id }) => wanted.has(id))
        .map((node) => ({
          name: valueName(node.id),
          kind: "value" as const,
          value: { node, index: 0 },
          span: node.span,
        })),
    ],
  });
  if (mode === "predict") return { ...program, predict: extended(program.predict) };
  return program.train === undefined ? program : { ...program, train: extended(program.train) };
}

const LEAVES: ReadonlySet<string> = new Set(["input", "variable", "constant", "axis_size", "random"]);
/** Bytes of the values of one group, in double precision. */
const GROUP_BYTES = 256e6;

/** The nodes to compare, in the graph's order, in groups that fit into memory. */
export function groupsOf(graph: Graph, inputs: Tensors): readonly (readonly Node[])[] {
  const sizes = bindSizes(graph, inputs);
  const groups: Node[][] = [];
  let bytes = Infinity;
  for (const node of graph.nodes) {
    const type = node.outputs[0];
    if (LEAVES.has(node.op) || type === undefined || !isFloat(type.dtype)) continue;
    const size = 8 * sizeOf(sizes, elementCount(type.shape));
    if (bytes + size > GROUP_BYTES) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1)?.push(node);
    bytes += size;
  }
  return groups;
}

/** The first of the nodes that is further off than allowed, by the distances of the engine and of the f32 reference. */
export function firstOf(
  nodes: readonly Node[],
  engine: ReadonlyMap<number, number>,
  yardstick: ReadonlyMap<number, number>,
): FirstNode | undefined {
  for (const { id, op, path, span } of nodes) {
    const error = engine.get(id);
    const allowed = allowance(yardstick.get(id) ?? 0);
    if (error === undefined || error <= allowed) continue;
    const position = span === undefined ? undefined : positionOf(span.file, span.start);
    const place =
      span === undefined || position === undefined ? "" : `${span.file.name}:${position.line}:${position.column}`;
    return { op, path, place, error, allowed };
  }
  return undefined;
}

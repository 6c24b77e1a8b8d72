/**
 * What a node costs: multiply-adds of products and convolutions, and bytes moved, for any size of the batch; and a guess at
 * its time, for choices.
 */
import type { Node } from "../graph/graph.ts";
import { Dim } from "../types/dim.ts";
import { plainBytes } from "./bytes.ts";
import { operators } from "./index.ts";
import type { Cost } from "./operator.ts";

export function costOf(node: Node): Cost {
  return operators.get(node.op)?.cost?.(node) ?? { flops: Dim.zero, bytes: plainBytes(node) };
}
/** The sum over nodes, as over the whole graph or those of one path. */
export function totalCost(nodes: Iterable<Node>): Cost {
  let [flops, bytes] = [Dim.zero, Dim.zero];
  for (const node of nodes) {
    const cost = costOf(node);
    flops = flops.plus(cost.flops);
    bytes = bytes.plus(cost.bytes);
  }
  return { flops, bytes };
}

/** A size, those that only a run knows guessed: for choices, which must be the same everywhere. */
export function guessed(size: Dim): number {
  return size.evaluate((_key, _name, unit) => Math.ceil(GUESSED_SIZE / unit) * unit);
}
const GUESSED_SIZE = 8;

/** Of one core; a multiply-add is two. Only their ratio matters. */
const FLOP_A_SECOND = 120e9;
const BYTES_A_SECOND = 8e9;
/** The time of a node, guessed. */
export function secondsOf(node: Node): number {
  const { flops, bytes } = costOf(node);
  return guessed(flops) / FLOP_A_SECOND + guessed(bytes) / BYTES_A_SECOND;
}

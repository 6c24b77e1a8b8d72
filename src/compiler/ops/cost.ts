/** What a node costs: multiply-adds of products and convolutions, and bytes moved, for any size of the batch. */
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

/** Computes equal things once: nodes of the same operator, attributes and inputs become one (the first). */
import type { Graph, Node, Value } from "../graph/graph.ts";
import { printAttributes } from "../graph/print.ts";
import { rewrite } from "../graph/rewrite.ts";
import { noRules, type Pass, type PassResult } from "./pass.ts";

export const share: Pass = {
  name: "share",
  run(graph: Graph): PassResult {
    /** Where in the new graph the first node of each key stands. */
    const places = new Map<string, number>();
    const shared = rewrite(graph, noRules, (builder, node, inputs) => {
      const key = keyOf(node, inputs);
      const place = places.get(key);
      const first = place === undefined ? undefined : builder.nodes[place];
      if (first !== undefined) return first.outputs.map((_, index) => ({ node: first, index }));
      places.set(key, builder.nodes.length);
      return undefined;
    });
    return { graph: shared ?? graph, changed: shared !== undefined };
  },
};

function keyOf(node: Node, inputs: readonly Value[]): string {
  const operands = inputs.map((value) => `${value.node.id}.${value.index}`);
  const types = node.outputs.map(({ dtype, shape }) => `${dtype}[${shape.map((size) => size.key).join(",")}]`);
  return [node.op, printAttributes(node.attributes), ...operands, ...types].join(" ");
}

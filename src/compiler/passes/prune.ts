/** Drops nodes that no output and no update needs. Ports and variables stay: they are the graph's contract with its user. */
import type { Graph } from "../graph/graph.ts";
import { reachableFrom } from "../graph/reach.ts";
import type { Pass, PassResult } from "./pass.ts";

export const prune: Pass = {
  name: "prune",
  run(graph: Graph): PassResult {
    const roots = [...graph.outputs, ...graph.updates, ...graph.ports, ...graph.variables].map(({ value }) => value);
    const needed = reachableFrom(roots);
    if (needed.size === graph.nodes.length) return { graph, changed: false };
    return { graph: { ...graph, nodes: graph.nodes.filter((node) => needed.has(node)) }, changed: true };
  },
};

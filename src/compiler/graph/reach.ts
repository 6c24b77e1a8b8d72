/** Which nodes a set of values needs. */
import type { Graph, Node, Value } from "./graph.ts";

export function reachableFrom(values: Iterable<Value>, start: Set<Node> = new Set()): Set<Node> {
  const open = [...values].map((v) => v.node);
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (start.has(node)) continue;
    start.add(node);
    for (const input of node.inputs) open.push(input.node);
  }
  return start;
}

/** The graph without what neither its outputs nor its updates need. Ports that nothing reads go, too. */
export function withoutUnread(graph: Graph): Graph {
  const needed = reachableFrom([...graph.outputs.map((o) => o.value), ...graph.updates.map((u) => u.value)]);
  return {
    ...graph,
    nodes: graph.nodes.filter((n) => needed.has(n)),
    ports: graph.ports.filter((p) => needed.has(p.value.node)),
    variables: graph.variables.filter((v) => needed.has(v.value.node) || graph.updates.some((u) => u.variable === v)),
  };
}

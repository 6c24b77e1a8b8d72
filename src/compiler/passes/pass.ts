/** The contract of passes: a function from a graph to a graph that means the same, and says whether it did anything. */
import type { TypeRules } from "../graph/builder.ts";
import type { Graph } from "../graph/graph.ts";

export interface PassResult {
  readonly graph: Graph;
  readonly changed: boolean;
}
export interface Pass {
  readonly name: string;
  run(graph: Graph): PassResult;
}

/** Runs passes in order, again and again until none changes anything. `check` sees the graph after each. */
export function runPasses(graph: Graph, passes: readonly Pass[], check?: (graph: Graph, after: string) => void): Graph {
  const mostRounds = 32;
  let current = graph;
  for (let round = 0; round < mostRounds; round++) {
    let changed = false;
    for (const pass of passes) {
      const result = pass.run(current);
      if (!result.changed) continue;
      check?.(result.graph, pass.name);
      current = result.graph;
      changed = true;
    }
    if (!changed) return current;
  }
  throw new Error(`the passes ${passes.map((pass) => pass.name).join(", ")} do not come to rest`);
}

/** For passes that only copy nodes and make literals: they never need a signature. */
export const noRules: TypeRules = {
  outputs(op) {
    throw new Error(`this pass makes no ${op}`);
  },
};

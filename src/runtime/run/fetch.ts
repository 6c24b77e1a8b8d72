/**
 * Values inside a program by the path of the part that makes them: `global.near.b2` is what comes out of that part. Adds
 * them to a graph's outputs, so every engine can give them.
 */
import { nearest } from "../../compiler/diagnostics/suggest.ts";
import type { Graph, Node, Output } from "../../compiler/graph/graph.ts";
import { reachableFrom } from "../../compiler/graph/reach.ts";
import type { Program } from "../../compiler/program.ts";
import { InputError } from "../error.ts";

export function withFetched(program: Program, mode: "predict" | "train", paths: readonly string[]): Program {
  if (paths.length === 0) return program;
  if (mode === "predict") return { ...program, predict: extended(program.predict, paths) };
  return program.train === undefined ? program : { ...program, train: extended(program.train, paths) };
}

function extended(graph: Graph, paths: readonly string[]): Graph {
  const forward = forwardNodes(graph);
  const added = paths
    .filter((path) => graph.outputs.every(({ name }) => name !== path))
    .map((path): Output => {
      const node = forward.findLast((candidate) => candidate.path === path || candidate.path.startsWith(`${path}.`));
      if (node === undefined) throw unknown(graph, forward, path);
      return { name: path, kind: "value", value: { node, index: 0 }, span: node.span };
    });
  return { ...graph, outputs: [...graph.outputs, ...added] };
}

/** The nodes of the model itself. Those of gradients bear the same paths and come later. */
export function forwardNodes(graph: Graph): readonly Node[] {
  const ends = graph.outputs.filter(({ kind }) => kind !== "gradient").map(({ value }) => value);
  const reached = reachableFrom(ends);
  return graph.nodes.filter((node) => reached.has(node) && node.path !== "");
}

function unknown(graph: Graph, nodes: readonly Node[], path: string): InputError {
  const known = new Set(graph.outputs.map(({ name }) => name));
  for (const node of nodes) {
    const words = node.path.split(".");
    for (let length = 1; length <= words.length; length += 1) known.add(words.slice(0, length).join("."));
  }
  const near = nearest(path, known);
  return new InputError(
    `No value is called \`${path}\`.`,
    near.length > 0
      ? `Did you mean ${near.join(" or ")}?`
      : `Among others there are ${[...known].slice(0, 8).join(", ")}.`,
  );
}

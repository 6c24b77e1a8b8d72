/**
 * Values inside a program: those that the model names (`joined`, `global.near.b2`), and by the path of the layer that makes
 * them (`global.near.b2.0.unit.conv1`). Adds them to a graph's outputs, so every engine can give them.
 */
import { nearest } from "../../compiler/diagnostics/suggest.ts";
import type { Graph, Node, Output, Value } from "../../compiler/graph/graph.ts";
import { reachableFrom, withoutUnread } from "../../compiler/graph/reach.ts";
import type { Program } from "../../compiler/program.ts";
import { InputError } from "../error.ts";

export function withFetched(program: Program, mode: "predict" | "train", paths: readonly string[]): Program {
  if (paths.length === 0) return program;
  if (mode === "predict") return { ...program, predict: predicting(program, paths) };
  const { train, named } = program;
  return train === undefined ? program : { ...program, train: extended(train, train, named.train, paths) };
}

/** The predictions with what else is asked; that may read more than they do. */
function predicting({ predict, evaluate, named }: Program, paths: readonly string[]): Graph {
  const whole = { ...evaluate, outputs: predict.outputs };
  return withoutUnread(extended(whole, evaluate, named.evaluate, paths));
}

function extended(graph: Graph, all: Graph, named: ReadonlyMap<string, Value>, paths: readonly string[]): Graph {
  const nodes = new Set(all.nodes);
  const leaves = new Set([...all.variables, ...all.ports].map(({ value }) => value.node));
  const isThere = (node: Node): boolean => (node.op !== "variable" && node.op !== "input") || leaves.has(node);
  const forward = forwardNodes(all);
  const added = paths
    .filter((path) => graph.outputs.every(({ name }) => name !== path))
    .map((path): Output => {
      const given = named.get(path);
      // what no output reads may need weights or inputs that the program does not have
      const needed = given === undefined ? [] : [...reachableFrom([given])];
      if (given !== undefined && needed.every(isThere)) {
        for (const node of needed) nodes.add(node);
        return { name: path, kind: "value", value: given, span: given.node.span };
      }
      const node = forward.findLast((candidate) => candidate.path === path || candidate.path.startsWith(`${path}.`));
      if (node === undefined) throw unknown(graph, forward, named, path);
      return { name: path, kind: "value", value: { node, index: 0 }, span: node.span };
    });
  const inOrder = [...nodes].sort((a, b) => a.id - b.id);
  return { ...graph, nodes: inOrder, outputs: [...graph.outputs, ...added] };
}

/** The nodes of the model itself. Those of gradients bear the same paths and come later. */
export function forwardNodes(graph: Graph): readonly Node[] {
  const ends = graph.outputs.filter(({ kind }) => kind !== "gradient").map(({ value }) => value);
  const reached = reachableFrom(ends);
  return graph.nodes.filter((node) => reached.has(node) && node.path !== "");
}

function unknown(graph: Graph, nodes: readonly Node[], named: ReadonlyMap<string, Value>, path: string): InputError {
  const known = new Set([...graph.outputs.map(({ name }) => name), ...named.keys()]);
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

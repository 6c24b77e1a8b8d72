/**
 * Makes what a backward pass reads anew from what it keeps anyhow, where that takes no product or convolution: a batch norm
 * and its ReLU from the convolution before them, say. Nearly half of what a convolutional network keeps is of this kind.
 * The graph means the same up to rounding. It must be the last pass, for others would find the copies equal and share them.
 */
import type { GraphBuilder } from "../graph/builder.ts";
import type { Graph, Node, Value } from "../graph/graph.ts";
import { typeOf } from "../graph/graph.ts";
import { reachableFrom } from "../graph/reach.ts";
import { rewrite } from "../graph/rewrite.ts";
import { noRules, type Pass, type PassResult } from "./pass.ts";

/** Operators that cost about as much as reading their inputs. */
const CHEAP: ReadonlySet<string> = new Set([
  ...["relu", "neg", "abs", "add", "sub", "mul", "div", "min", "max", "sigmoid", "tanh"],
  ...["batch_norm_train", "batch_norm_eval", "concat", "slice", "pad", "reshape", "expand", "transpose"],
]);

export const recompute: Pass = {
  name: "recompute",
  run(graph: Graph): PassResult {
    const results = graph.outputs.filter((output) => output.kind !== "gradient");
    const forward = reachableFrom(results.map((output) => output.value));
    const remade = remadeOf(graph, forward);
    const made = new Map<Node, readonly Value[]>();
    const changed = rewrite(graph, noRules, (builder, node, inputs) => {
      if (forward.has(node)) return undefined;
      const again = node.inputs.map((old, i) => {
        const given = inputs[i] as Value;
        return remade.has(old.node) && !isSmall(old) ? remake(builder, old, given, remade, made) : given;
      });
      if (again.every((value, i) => value === inputs[i])) return undefined;
      const copy = builder.node(node.op, node.attributes, again, node.outputs);
      return node.outputs.map((_, index) => ({ node: copy, index }));
    });
    return { graph: changed ?? graph, changed: changed !== undefined };
  },
};

/** Nodes of the forward pass that are cheap and made of what is there anyhow. */
function remadeOf(graph: Graph, forward: ReadonlySet<Node>): ReadonlySet<Node> {
  const kept = new Set<Node>();
  for (const node of graph.nodes) {
    if (forward.has(node)) continue;
    for (const input of node.inputs) if (forward.has(input.node) && !isCheap(input.node)) kept.add(input.node);
  }
  const remade = new Set<Node>();
  for (const node of graph.nodes) {
    if (!forward.has(node) || !isCheap(node)) continue;
    const there = node.inputs.every(
      (input) => isLeaf(input.node) || isSmall(input) || kept.has(input.node) || remade.has(input.node),
    );
    if (there) remade.add(node);
  }
  return remade;
}

function isLeaf(node: Node): boolean {
  return node.inputs.length === 0 && node.op !== "random";
}
/** A few numbers a channel, or fewer: kept without a thought. */
function isSmall(value: Value): boolean {
  return typeOf(value).shape.length < 3;
}
function isCheap(node: Node): boolean {
  return CHEAP.has(node.op);
}

/** `old` of the graph that is read, `given` the same value of the one that is made. */
function remake(
  builder: GraphBuilder,
  old: Value,
  given: Value,
  remade: ReadonlySet<Node>,
  made: Map<Node, readonly Value[]>,
): Value {
  const known = made.get(given.node)?.[given.index];
  if (known !== undefined) return known;
  const inputs = old.node.inputs.map((input, i) => {
    const there = given.node.inputs[i] as Value;
    return remade.has(input.node) && !isSmall(input) ? remake(builder, input, there, remade, made) : there;
  });
  const { op, attributes, outputs, path, span } = given.node;
  const copy = builder.at({ path, span }, () => {
    if (op !== "batch_norm_train") return builder.node(op, attributes, inputs, outputs);
    // with the batch's own statistics, which the forward pass has found
    const statistics = [1, 2].map((index): Value => ({ node: given.node, index }));
    return builder.node("batch_norm_eval", attributes, [...inputs, ...statistics], outputs.slice(0, 1));
  });
  const values = outputs.map((_, index): Value => ({ node: copy, index }));
  made.set(given.node, values);
  return values[given.index] as Value;
}

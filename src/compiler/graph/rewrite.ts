/** Copies a graph node by node, with a chance to put something else in a node's place: the base of every pass. */
import { GraphBuilder, type TypeRules } from "./builder.ts";
import type { Graph, Node, Value } from "./graph.ts";

/**
 * What stands for the outputs of `node`, whose inputs are `inputs` in the new graph: values of the new graph, emitted with
 * `builder` or there already. Undefined keeps the node.
 */
export type Replace = (builder: GraphBuilder, node: Node, inputs: readonly Value[]) => readonly Value[] | undefined;

/** The new graph; undefined where `replace` left every node. Replacements carry the path and span of what they replace. */
export function rewrite(graph: Graph, rules: TypeRules, replace: Replace): Graph | undefined {
  const builder = new GraphBuilder(rules);
  const copies = new Map<Node, readonly Value[]>();
  const progress = { changed: false };
  const mapped = (value: Value): Value => {
    const copy = copies.get(value.node)?.[value.index];
    if (copy === undefined) throw new Error(`node ${value.node.id} (${value.node.op}) comes after its use`);
    return copy;
  };
  for (const node of graph.nodes) {
    const inputs = node.inputs.map(mapped);
    const values = builder.at({ path: node.path, span: node.span }, () => {
      const other = replace(builder, node, inputs);
      if (other !== undefined) {
        progress.changed = true;
        return other;
      }
      const copy = builder.node(node.op, node.attributes, inputs, node.outputs);
      return node.outputs.map((_, index) => ({ node: copy, index }));
    });
    copies.set(node, values);
  }
  if (!progress.changed) return undefined;
  const variables = new Map(
    graph.variables.map((variable) => [variable, { ...variable, value: mapped(variable.value) }]),
  );
  return {
    nodes: builder.nodes,
    ports: graph.ports.map((port) => ({ ...port, value: mapped(port.value) })),
    variables: [...variables.values()],
    updates: graph.updates.map(({ variable, value }) => ({
      variable: variables.get(variable) ?? { ...variable, value: mapped(variable.value) },
      value: mapped(value),
    })),
    outputs: graph.outputs.map((output) => ({ ...output, value: mapped(output.value) })),
    asserts: graph.asserts,
  };
}

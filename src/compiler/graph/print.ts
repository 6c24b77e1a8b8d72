/** A graph as readable text, the same for equal graphs: for hashes, tests and eyes. Places in the source are left out. */
import { Dim } from "../types/dim.ts";
import { showType } from "../types/tensor.ts";
import type { Attribute, Graph, Node, Value } from "./graph.ts";

export function printGraph(graph: Graph): string {
  const names = new Map<Node, string>();
  const nameOf = ({ node, index }: Value): string =>
    `${names.get(node) ?? "?"}${node.outputs.length > 1 ? `.${String(index)}` : ""}`;
  const lines = graph.nodes.map((node, i) => {
    names.set(node, `%${String(i)}`);
    const attributes = Object.entries(node.attributes).map(([key, value]) => `${key}: ${printAttribute(value)}`);
    const settings = attributes.length === 0 ? "" : `(${attributes.join(", ")})`;
    const inputs = node.inputs.length === 0 ? "" : ` ${node.inputs.map(nameOf).join(", ")}`;
    return `%${String(i)} = ${node.op}${settings}${inputs} : ${node.outputs.map(showType).join(", ")}  // ${node.path}`;
  });
  for (const { variable, value } of graph.updates) lines.push(`update ${variable.path} = ${nameOf(value)}`);
  for (const { name, kind, value } of graph.outputs) lines.push(`${kind} ${name} = ${nameOf(value)}`);
  for (const { left, comparison, right } of graph.asserts)
    lines.push(`assert ${left.toString()} ${comparison} ${right.toString()}`);
  return lines.join("\n") + "\n";
}

function printAttribute(attribute: Attribute): string {
  if (attribute instanceof Dim) return attribute.toString();
  if (attribute instanceof Float64Array) return `[${attribute.join(", ")}]`;
  if (typeof attribute === "string") return JSON.stringify(attribute);
  if (typeof attribute === "number") return Object.is(attribute, -0) ? "-0" : String(attribute);
  if (typeof attribute === "boolean") return String(attribute);
  return `[${attribute.map(printAttribute).join(", ")}]`;
}

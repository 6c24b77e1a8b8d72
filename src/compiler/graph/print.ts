/**
 * A graph as text, one node a line: for reading, for comparing, and for the hash of a program. Equal graphs print equally,
 * whatever the numbers of their nodes; spans are left out, for they move when a comment is added.
 */
import { sha256Hex } from "../hash/sha256.ts";
import { Dim } from "../types/dim.ts";
import type { Attribute, Attributes, Graph, Initializer, Node, TensorType, Value } from "./graph.ts";

/** Longer literals print as their count and digest. */
const longestLiteral = 16;

export function printGraph(graph: Graph): string {
  const places = new Map<Node, number>(graph.nodes.map((node, place) => [node, place]));
  const name = ({ node, index }: Value): string => {
    const place = places.get(node);
    const base = place === undefined ? `%unknown${String(node.id)}` : `%${String(place)}`;
    return node.outputs.length === 1 ? base : `${base}.${String(index)}`;
  };
  const lines = [
    ...graph.ports.map(({ kind, name: port, type, value, range }) => {
      const limits = range === undefined ? "" : ` in ${range.from.toString()} ..< ${range.to.toString()}`;
      return `${kind} ${port}: ${printType(type)}${limits} = ${name(value)}`;
    }),
    ...graph.variables.map(
      ({ kind, path, type, init, trained, value }) =>
        `${kind} ${path}: ${printType(type)} = ${name(value)} from ${printInitializer(init)}${trained ? "" : " fixed"}`,
    ),
    ...graph.asserts.map(
      ({ left, comparison, right }) => `assert ${left.toString()} ${comparison} ${right.toString()}`,
    ),
    ...graph.nodes.map((node) => printNode(node, name)),
    ...graph.outputs.map(({ kind, name: output, value }) => `${kind} ${output} = ${name(value)}`),
    ...graph.updates.map(({ variable, value }) => `update ${variable.path} = ${name(value)}`),
  ];
  return lines.join("\n") + "\n";
}

function printNode(node: Node, name: (value: Value) => string): string {
  const index = node.outputs.map((_, i) => name({ node, index: i })).join(", ");
  const attributes = printAttributes(node.attributes);
  const settings = attributes === "" ? "" : `(${attributes})`;
  const types = node.outputs.map(printType).join(", ");
  const path = node.path === "" ? "" : ` @ ${node.path}`;
  return `${index} = ${node.op}${settings}(${node.inputs.map(name).join(", ")}): ${types}${path}`;
}

/** In the order of their names. */
export function printAttributes(attributes: Attributes): string {
  return Object.entries(attributes)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}: ${printAttribute(value)}`)
    .join(", ");
}

export function printType({ dtype, shape }: TensorType): string {
  return `${dtype}[${shape.map(String).join(", ")}]`;
}

export function printAttribute(value: Attribute): string {
  if (value instanceof Float64Array) return printNumbers(value);
  if (value instanceof Dim) return value.toString();
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "object") return `[${value.map(printAttribute).join(", ")}]`;
  // A float keeps its point, so that 1.0 and the whole number 1 stay apart.
  if (typeof value === "number") return Number.isInteger(value) ? `${printNumber(value)}.0` : printNumber(value);
  return String(value);
}
function printNumbers(values: Float64Array): string {
  if (values.length <= longestLiteral) return `[${Array.from(values, printNumber).join(", ")}]`;
  // The digest is over the big-endian bytes: the same on every machine.
  const bytes = new DataView(new ArrayBuffer(values.length * 8));
  values.forEach((value, i) => {
    bytes.setFloat64(i * 8, value);
  });
  return `${String(values.length)} numbers ${sha256Hex(new Uint8Array(bytes.buffer))}`;
}
function printNumber(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}
function printInitializer(init: Initializer): string {
  switch (init.kind) {
    case "constant":
      return printNumber(init.value);
    case "uniform":
      return `uniform(${printNumber(init.low)}, ${printNumber(init.high)})`;
    case "normal":
      return `normal(${printNumber(init.mean)}, ${printNumber(init.std)})`;
    case "values":
      return printNumbers(init.values);
  }
}

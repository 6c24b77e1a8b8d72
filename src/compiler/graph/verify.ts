/**
 * What every graph must keep, whatever pass made it: order, types by the signatures, unique names. It reports all that is
 * wrong and mends nothing; a finding is a bug of the compiler.
 */
import { Dim } from "../types/dim.ts";
import type { TypeRules } from "./builder.ts";
import type { Graph, Node, TensorType, Value } from "./graph.ts";
import { printType } from "./print.ts";

/** Nodes that carry their own type. */
const leaves: ReadonlySet<string> = new Set(["input", "variable", "constant", "axis_size", "random"]);

export function verifyGraph(graph: Graph, rules: TypeRules): readonly string[] {
  const problems: string[] = [];
  const known = new Set<Node>();
  const ids = new Set<number>();
  const checkRead = (value: Value, reader: string): void => {
    if (!known.has(value.node)) problems.push(`${reader} reads ${named(value.node)}, which does not come before it`);
    else if (value.node.outputs[value.index] === undefined) {
      problems.push(
        `${reader} reads output ${value.index} of ${named(value.node)}, which has ${value.node.outputs.length}`,
      );
    }
  };
  for (const node of graph.nodes) {
    if (ids.has(node.id)) problems.push(`two nodes have the number ${node.id}`);
    ids.add(node.id);
    for (const value of node.inputs) checkRead(value, named(node));
    problems.push(...(leaves.has(node.op) ? checkLeaf(node) : checkTypes(node, rules)));
    known.add(node);
  }
  for (const { name, kind, type, value } of graph.ports) {
    checkRead(value, `${kind} ${name}`);
    if (value.node.op !== "input" || value.node.attributes["name"] !== name) {
      problems.push(`${kind} ${name} stands for ${named(value.node)}, which is another node`);
    }
    expectType(`${kind} ${name}`, type, value);
  }
  for (const { path, type, value } of graph.variables) {
    checkRead(value, `variable ${path}`);
    if (value.node.op !== "variable" || value.node.attributes["path"] !== path) {
      problems.push(`variable ${path} stands for ${named(value.node)}, which is another node`);
    }
    expectType(`variable ${path}`, type, value);
  }
  for (const { variable, value } of graph.updates) {
    checkRead(value, `the update of ${variable.path}`);
    if (!graph.variables.includes(variable))
      problems.push(`${variable.path} is updated, but is no variable of the graph`);
    expectType(`the update of ${variable.path}`, variable.type, value);
  }
  for (const { name, value } of graph.outputs) checkRead(value, `output ${name}`);
  unique(
    "port",
    graph.ports.map((port) => port.name),
  );
  unique(
    "variable",
    graph.variables.map((variable) => variable.path),
  );
  unique(
    "output",
    graph.outputs.map((output) => output.name),
  );
  unique(
    "update",
    graph.updates.map((update) => update.variable.path),
  );
  return problems;

  function unique(what: string, names: readonly string[]): void {
    const seen = new Set<string>();
    for (const name of names) {
      if (seen.has(name)) problems.push(`there are two of ${what} ${name}`);
      seen.add(name);
    }
  }
  function expectType(what: string, type: TensorType, { node, index }: Value): void {
    const actual = node.outputs[index];
    if (actual !== undefined && !sameType(actual, type)) {
      problems.push(`${what} is ${printType(type)}, but its value ${printType(actual)}`);
    }
  }
}

/** Throws with all that is wrong. */
export function assertValid(graph: Graph, rules: TypeRules, after: string): void {
  const problems = verifyGraph(graph, rules);
  if (problems.length > 0) throw new Error(`after ${after}:\n${problems.join("\n")}`);
}

function named(node: Node): string {
  return `node ${node.id} (${node.op}${node.path === "" ? "" : ` at ${node.path}`})`;
}
export function sameType(a: TensorType, b: TensorType): boolean {
  const sizes = a.shape.length === b.shape.length && a.shape.every((size, axis) => b.shape[axis]?.equals(size));
  return a.dtype === b.dtype && sizes;
}
function checkTypes(node: Node, rules: TypeRules): readonly string[] {
  try {
    const inputs = node.inputs.map(({ node: from, index }) => from.outputs[index]);
    if (inputs.includes(undefined)) return [];
    const expected = rules.outputs(
      node.op,
      node.attributes,
      inputs.filter((type) => type !== undefined),
    );
    const fits =
      expected.length === node.outputs.length && expected.every((type, i) => sameType(type, node.outputs[i] ?? type));
    if (fits) return [];
    return [
      `${named(node)} gives ${node.outputs.map(printType).join(", ")}, its signature ${expected.map(printType).join(", ")}`,
    ];
  } catch (error) {
    return [`${named(node)}: ${error instanceof Error ? error.message : String(error)}`];
  }
}
function checkLeaf(node: Node): readonly string[] {
  const [type, ...others] = node.outputs;
  if (type === undefined || others.length > 0) return [`${named(node)} should have one output`];
  if (node.op === "constant") {
    const { values } = node.attributes;
    const count = type.shape.reduce((product, size) => product.times(size), Dim.one).constant;
    if (values instanceof Float64Array && values.length === count) return [];
    return [`${named(node)} does not hold the numbers of ${printType(type)}`];
  }
  const inputs = node.op === "random" ? 1 : 0;
  return node.inputs.length > inputs ? [`${named(node)} takes too many inputs`] : [];
}

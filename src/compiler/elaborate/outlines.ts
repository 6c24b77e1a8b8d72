/**
 * What a check needs of an application that it evaluated once: the weights it makes, and of each result its type and what it
 * depends on. One node then stands for a whole application, so that a network of like layers is checked at the cost of its
 * own lines. Such nodes are in graphs that nobody runs.
 */
import type { TypeRules } from "../graph/builder.ts";
import type { Node, Value, Variable } from "../graph/graph.ts";
import { typeOf } from "../graph/graph.ts";
import { type Asked, gradientFlow } from "../ops/differentiate.ts";
import { isFloat, type TensorType } from "../types/tensor.ts";
import { type TensorVal, type Val, mapTensors, valuesIn } from "./values.ts";

/** An application as it was evaluated: the nodes `from ..< to` of a graph. */
export interface Evaluated {
  readonly nodes: readonly Node[];
  readonly from: number;
  readonly to: number;
  readonly inputs: readonly Value[];
  readonly variables: readonly Variable[];
  readonly updates: readonly { readonly path: string; readonly value: Value }[];
  readonly result: Val;
}

/** Something that a result reads: an operand or a weight by its number, or a value from elsewhere in the same graph. */
type Read =
  { readonly kind: "operand" | "variable"; readonly at: number } | { readonly kind: "outside"; readonly value: Value };

interface Dependent {
  readonly type: TensorType;
  readonly reads: readonly Read[];
  /** Whether the gradient of the result reaches what it reads. */
  readonly gives: readonly boolean[];
  /** The result is what it reads, unchanged. */
  readonly same: boolean;
}

export interface Outline {
  readonly variables: readonly Variable[];
  readonly updates: readonly { readonly path: string; readonly value: Dependent }[];
  readonly results: readonly Dependent[];
  readonly result: Val;
}

/** Whether an outline holds in other graphs, too. */
export function standsAlone({ updates, results }: Outline): boolean {
  return [...results, ...updates.map((u) => u.value)].every((d) => d.reads.every((read) => read.kind !== "outside"));
}

export function outlineOf(
  evaluated: Evaluated,
  rules: TypeRules,
  flows: ReadonlyMap<Node, readonly boolean[]>,
  asked: Asked,
  isScalar: (node: Node) => boolean,
  withGradients: boolean,
): Outline {
  const { nodes, from, to, inputs, variables, updates, result } = evaluated;
  const own = nodes.slice(from, to);
  const inside = new Set(own);
  const weights = new Map(variables.map((v, at) => [v.value.node, at]));
  const operands = new Map<Node, { readonly index: number; readonly at: number }[]>();
  for (const [at, { node, index }] of inputs.entries())
    operands.set(node, [...(operands.get(node) ?? []), { index, at }]);
  const readAt = ({ node, index }: Value): Read | undefined => {
    const operand = operands.get(node)?.find((o) => o.index === index);
    if (operand !== undefined) return { kind: "operand", at: operand.at };
    const weight = weights.get(node);
    if (weight !== undefined) return { kind: "variable", at: weight };
    return inside.has(node) ? undefined : { kind: "outside", value: { node, index } };
  };

  const dependent = (value: Value): Dependent => {
    const type = typeOf(value);
    const itself = readAt(value);
    if (itself !== undefined) return { type, reads: [itself], gives: [true], same: true };
    const reads: Read[] = [];
    const leaves: Value[] = [];
    const seen = new Set<string>();
    const visited = new Set<Node>();
    const open = [value];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const read = readAt(next);
      if (read === undefined) {
        if (visited.has(next.node)) continue;
        visited.add(next.node);
        open.push(...next.node.inputs);
        continue;
      }
      const key = `${String(next.node.id)}.${String(next.index)}`;
      if (seen.has(key) || (read.kind === "outside" && isScalar(next.node))) continue;
      seen.add(key);
      reads.push(read);
      leaves.push(next);
    }
    const floats = leaves.filter((leaf) => isFloat(typeOf(leaf).dtype));
    const reached = withGradients && isFloat(type.dtype) ? gradientFlow(own, value, floats, rules, flows, asked) : [];
    const gives = leaves.map((leaf) => reached[floats.indexOf(leaf)] === true);
    return { type, reads, gives, same: false };
  };
  return {
    variables,
    updates: updates.map(({ path, value }) => ({ path, value: dependent(value) })),
    results: valuesIn(result).map(dependent),
    result,
  };
}

/** The result of an application that an outline stands for; `emit` makes the one node of a result. */
export function standFor(
  outline: Outline,
  inputs: readonly Value[],
  weights: readonly Value[],
  emit: (
    dependent: { readonly type: TensorType; readonly gives: readonly boolean[] },
    reads: readonly Value[],
  ) => Value,
): { readonly result: Val; readonly updates: readonly { readonly path: string; readonly value: Value }[] } {
  const given = (read: Read): Value => {
    const value = read.kind === "outside" ? read.value : (read.kind === "operand" ? inputs : weights)[read.at];
    if (value === undefined) throw new Error("unreachable: an outline reads only what its application has");
    return value;
  };
  const made = (dependent: Dependent): Value => {
    const reads = dependent.reads.map(given);
    const [only] = reads;
    return dependent.same && only !== undefined ? only : emit(dependent, reads);
  };
  const results = outline.results.map(made);
  let next = 0;
  const result = mapTensors(outline.result, (tensor): TensorVal => {
    const value = results[next++];
    return value === undefined ? tensor : { ...tensor, value };
  });
  return { result, updates: outline.updates.map(({ path, value }) => ({ path, value: made(value) })) };
}

/**
 * What a check needs of an application that it evaluated once: the weights it makes, and of each result its type and what it
 * depends on. One node then stands for a whole application, so that a network of like layers is checked at the cost of its
 * own lines. Such nodes are in graphs that nobody runs.
 */
import type { TypeRules } from "../graph/builder.ts";
import type { Node, Value, Variable } from "../graph/graph.ts";
import { typeOf } from "../graph/graph.ts";
import { type Asked, gradientFlow } from "../ops/differentiate.ts";
import type { Span } from "../source/source.ts";
import type { Dim } from "../types/dim.ts";
import { isFloat, type TensorType } from "../types/tensor.ts";
import type { Clock } from "./clock.ts";
import { sizesOf } from "./sizes.ts";
import { type Reason, type TensorVal, type Val, mapTensors, tensorsIn, valuesIn } from "./values.ts";

/** An application, or a line, as it was evaluated. */
export interface Evaluated {
  /** The nodes that it made. */
  readonly nodes: readonly Node[];
  /** What it was given. */
  readonly operands: readonly Val[];
  readonly variables: readonly Variable[];
  readonly updates: readonly { readonly path: string; readonly value: Value }[];
  readonly result: Val;
}

/** Something that a result reads: an operand or a weight by its number, the clock, or a value from elsewhere in the same graph. */
type Read =
  | { readonly kind: "operand" | "variable"; readonly at: number }
  | { readonly kind: "clock"; readonly of: keyof Clock }
  | { readonly kind: "outside"; readonly value: Value };

interface Dependent {
  readonly type: TensorType;
  readonly reads: readonly Read[];
  /** Whether the gradient of the result reaches what it reads. */
  readonly gives: readonly boolean[];
  /** The result is what it reads, unchanged. */
  readonly same: boolean;
  /** Sizes that what it is made of has. */
  readonly sizes: readonly Dim[];
}
/** The reason of a size that came with an operand: with which of the tensors, and of which axis. */
interface Brought {
  readonly at: number;
  readonly axis: number;
}

export interface Outline {
  readonly variables: readonly Variable[];
  /** For each variable, the place that reads it first. */
  readonly readers: readonly (Span | undefined)[];
  readonly updates: readonly { readonly path: string; readonly value: Dependent }[];
  readonly results: readonly Dependent[];
  /** Without its tensors' values. */
  readonly result: Val;
  /** Why the axes of each tensor of the result have their sizes. */
  readonly reasons: readonly (readonly (Reason | Brought | undefined)[])[];
  /** A result is made of another one, which nodes that stand for each cannot show. */
  readonly entangled: boolean;
  /** It holds in other graphs, too. */
  readonly standsAlone: boolean;
  /** What its weights are called where it stood, by the path of the place. */
  readonly paths: Map<string, readonly string[]>;
}
const clockValues = ["step", "epoch", "draws"] as const;
const nowhere: Value = {
  node: { id: -1, op: "", attributes: {}, inputs: [], outputs: [], path: "", span: undefined },
  index: 0,
};

export function outlineOf(
  evaluated: Evaluated,
  rules: TypeRules,
  flows: ReadonlyMap<Node, readonly boolean[]>,
  asked: Asked,
  isScalar: (node: Node) => boolean,
  withGradients: boolean,
  clock: Clock | undefined,
): Outline {
  const { nodes: own, variables, updates, result } = evaluated;
  const given = evaluated.operands.flatMap(tensorsIn);
  const inputs = given.map(({ value }) => value);
  const made = valuesIn(result);
  let entangled = false;
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
    for (const of of clock === undefined ? [] : clockValues)
      if (clock?.[of].node === node && clock[of].index === index) return { kind: "clock", of };
    return inside.has(node) ? undefined : { kind: "outside", value: { node, index } };
  };

  const dependent = (value: Value): Dependent => {
    const type = typeOf(value);
    const itself = readAt(value);
    if (itself !== undefined) return { type, reads: [itself], gives: [true], same: true, sizes: [] };
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
        if (next.node !== value.node && made.some((other) => other.node === next.node)) entangled = true;
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
    const between = withGradients && isFloat(type.dtype) ? own.filter((node) => visited.has(node)) : [];
    const reached = gradientFlow(between, value, floats, rules, flows, asked);
    const gives = leaves.map((leaf) => reached[floats.indexOf(leaf)] === true);
    return { type, reads, gives, same: false, sizes: distinctSizes(visited) };
  };
  const results = made.map(dependent);
  const isEntangled = entangled;
  const readers = new Map<Node, Span | undefined>();
  for (const node of own)
    for (const input of node.inputs) if (!readers.has(input.node)) readers.set(input.node, node.span);
  const brought = new Map<Reason, Brought>();
  for (const [at, { reasons }] of given.entries())
    for (const [axis, reason] of reasons.entries())
      if (reason !== undefined && !brought.has(reason)) brought.set(reason, { at, axis });
  const changes = updates.map(({ path, value }) => ({ path, value: dependent(value) }));
  const all = [...results, ...changes.map((u) => u.value)];
  return {
    variables,
    readers: variables.map((v) => readers.get(v.value.node)),
    updates: changes,
    results,
    result: mapTensors(result, (tensor) => ({ ...tensor, value: nowhere, reasons: [] })),
    reasons: tensorsIn(result).map((tensor) => tensor.reasons.map((r) => r && (brought.get(r) ?? r))),
    entangled: isEntangled,
    paths: new Map(),
    standsAlone: all.every((d) => d.reads.every((read) => read.kind !== "outside")),
  };
}
function distinctSizes(nodes: Iterable<Node>): readonly Dim[] {
  const found = new Map<string, Dim>();
  for (const node of nodes) for (const [key, { dim }] of sizesOf(node)) found.set(key, dim);
  return [...found.values()];
}

/** The result of what an outline stands for; `emit` makes the one node of a result. */
export function standFor(
  outline: Outline,
  operands: readonly TensorVal[],
  weights: readonly Value[],
  clock: Clock | undefined,
  emit: (dependent: Pick<Outline["results"][number], "type" | "gives" | "sizes">, reads: readonly Value[]) => Value,
): { readonly result: Val; readonly updates: readonly { readonly path: string; readonly value: Value }[] } {
  const found = (read: Read): Value | undefined => {
    switch (read.kind) {
      case "operand":
        return operands[read.at]?.value;
      case "variable":
        return weights[read.at];
      case "clock":
        return clock?.[read.of];
      case "outside":
        return read.value;
    }
  };
  const given = (read: Read): Value => {
    const value = found(read);
    if (value === undefined) throw new Error("unreachable: an outline reads only what its application has");
    return value;
  };
  const made = (dependent: Dependent): Value => {
    const reads = dependent.reads.map(given);
    const [only] = reads;
    return dependent.same && only !== undefined ? only : emit(dependent, reads);
  };
  let next = 0;
  const result = mapTensors(outline.result, (tensor): TensorVal => {
    const dependent = outline.results[next];
    const reasons = outline.reasons[next++] ?? [];
    return {
      ...tensor,
      value: dependent === undefined ? nowhere : made(dependent),
      reasons: reasons.map((r) => (r && "at" in r ? operands[r.at]?.reasons[r.axis] : r)),
    };
  });
  return { result, updates: outline.updates.map(({ path, value }) => ({ path, value: made(value) })) };
}

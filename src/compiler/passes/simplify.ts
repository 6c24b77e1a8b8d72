/**
 * Leaves out what does nothing: neutral operands, moves that another move undoes, stretching before an operator that
 * stretches by itself. Every rule keeps the value to the last bit (signs of zeros aside) and the type.
 */
import type { Attribute, Graph, Node, Value } from "../graph/graph.ts";
import { typeOf } from "../graph/graph.ts";
import { rewrite } from "../graph/rewrite.ts";
import { sameType } from "../graph/verify.ts";
import { uniformNumber } from "../ops/emit.ts";
import { Dim, type Shape } from "../types/dim.ts";
import type { GraphBuilder } from "../graph/builder.ts";
import { fold } from "./fold.ts";
import { noRules, type Pass, type PassResult, runPasses } from "./pass.ts";
import { prune } from "./prune.ts";
import { share } from "./share.ts";

/** All passes that make a graph smaller without changing what it means. */
export function simplify(graph: Graph, check?: (graph: Graph, after: string) => void): Graph {
  return runPasses(graph, [shorten, fold, share, prune], check);
}

type Rule = (builder: GraphBuilder, node: Node, inputs: readonly Value[]) => Value | undefined;

export const shorten: Pass = {
  name: "shorten",
  run(graph: Graph): PassResult {
    const shorter = rewrite(graph, noRules, (builder, node, inputs) => {
      for (const rule of rules[node.op] ?? []) {
        const value = rule(builder, node, inputs);
        if (value !== undefined) return [value];
      }
      return undefined;
    });
    return { graph: shorter ?? graph, changed: shorter !== undefined };
  },
};

/** The other operand, where one is the neutral number and the result has the other's type. */
function neutral(number: number, sides: readonly (0 | 1)[]): Rule {
  return (_, node, inputs) => {
    for (const side of sides) {
      const operand = inputs[side];
      const other = inputs[1 - side];
      if (operand && other && uniformNumber(operand) === number && unchanged(node, other)) return other;
    }
    return undefined;
  };
}
/** The operand, where it has the type of the result: for operators that then do nothing. */
const sameAsInput: Rule = (_, node, [x]) => (x && unchanged(node, x) ? x : undefined);
const always: Rule = (_, _node, [x]) => x;
/** The operand of the operand, where an operator undoes itself. */
const undone: Rule = (_, node, [x]) => {
  const inner = x?.node.inputs[0];
  if (x?.node.op !== node.op || inner === undefined) return undefined;
  return sameAttributes(node, x.node) ? inner : undefined;
};

const identityOrder: Rule = (_, node, [x]) => (orderOf(node).every((from, to) => from === to) ? x : undefined);
const turnedTwice: Rule = (builder, node, [x]) => {
  const inner = x?.node.inputs[0];
  if (x?.node.op !== "transpose" || inner === undefined) return undefined;
  const first = orderOf(x.node);
  const order = orderOf(node).map((axis) => Dim.of(first[axis] ?? 0));
  return { node: builder.node("transpose", { order }, [inner], node.outputs), index: 0 };
};
const reshapedTwice: Rule = (builder, node, [x]) => {
  const inner = x?.node.inputs[0];
  if (x?.node.op !== "reshape" || inner === undefined) return undefined;
  return { node: builder.node("reshape", node.attributes, [inner], node.outputs), index: 0 };
};
const slicedMember: Rule = (_, node, [x]) => {
  if (x?.node.op !== "concat" || !sameSize(x.node.attributes["axis"], node.attributes["axis"])) return undefined;
  const axis = sizeOf(node.attributes["axis"])?.constant ?? 0;
  let from = Dim.zero;
  for (const member of x.node.inputs) {
    const to = from.plus(typeOf(member).shape[axis] ?? Dim.zero);
    if (sameSize(node.attributes["from"], from) && sameSize(node.attributes["to"], to)) return member;
    from = to;
  }
  return undefined;
};

/** Operands before they were stretched, where the operator stretches them to the same shape itself. */
const unstretched: Rule = (builder, node, inputs) => {
  const [type] = node.outputs;
  if (type === undefined) return undefined;
  let shorter = inputs;
  inputs.forEach((value, i) => {
    const [small] = value.node.inputs;
    if (value.node.op !== "expand" || small === undefined) return;
    const tried = shorter.map((other, k) => (k === i ? small : other));
    if (stretchesTo(tried, type.shape)) shorter = tried;
  });
  return shorter === inputs
    ? undefined
    : { node: builder.node(node.op, node.attributes, shorter, node.outputs), index: 0 };
};
/** Whether each axis of `shape` is the size of some operand there: then broadcasting gives it. */
function stretchesTo(operands: readonly Value[], shape: Shape): boolean {
  return shape.every((size, axis) =>
    operands.some((value) => {
      const own = typeOf(value).shape;
      return own[axis - (shape.length - own.length)]?.equals(size) === true;
    }),
  );
}

const broadcasting: readonly Rule[] = [unstretched];
const rules: Readonly<Record<string, readonly Rule[]>> = {
  add: [neutral(0, [0, 1]), unstretched],
  sub: [neutral(0, [1]), unstretched],
  mul: [neutral(1, [0, 1]), unstretched],
  div: [neutral(1, [1]), unstretched],
  pow: [neutral(1, [1]), unstretched],
  mod: broadcasting,
  min: broadcasting,
  max: broadcasting,
  select: broadcasting,
  ...Object.fromEntries(
    ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "logical_and", "logical_or"].map(
      (name) => [name, broadcasting],
    ),
  ),
  neg: [undone],
  logical_not: [undone],
  flip: [undone],
  stop_gradient: [always],
  cast: [sameAsInput],
  reshape: [sameAsInput, reshapedTwice],
  expand: [sameAsInput],
  pad: [sameAsInput],
  slice: [sameAsInput, slicedMember],
  transpose: [identityOrder, turnedTwice],
  concat: [sameAsInput],
};

function unchanged(node: Node, value: Value): boolean {
  const [type] = node.outputs;
  return type !== undefined && sameType(type, typeOf(value));
}
function sizeOf(attribute: Attribute | undefined): Dim | undefined {
  return attribute instanceof Dim ? attribute : undefined;
}
function sameSize(a: Attribute | undefined, b: Attribute | undefined): boolean {
  return a instanceof Dim && b instanceof Dim && a.equals(b);
}
function sameAttributes(a: Node, b: Node): boolean {
  return Object.entries(a.attributes).every(([name, value]) => sameSize(value, b.attributes[name]));
}
function orderOf(node: Node): readonly number[] {
  const { order } = node.attributes;
  if (!Array.isArray(order)) throw new Error("a transpose has an order");
  const axes: readonly Attribute[] = order;
  return axes.map((axis) => sizeOf(axis)?.constant ?? 0);
}

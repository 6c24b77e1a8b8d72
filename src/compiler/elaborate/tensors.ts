/**
 * Operators and indexing on tensors, and how static numbers become tensors beside them. Emits nodes; knows no names.
 */
import type { Value } from "../graph/graph.ts";
import type { Related } from "../diagnostics/diagnostic.ts";
import type { Span } from "../source/source.ts";
import type { BinaryExpr, BinaryOp, Expr, IndexExpr } from "../syntax/ast.ts";
import { spanText } from "../source/source.ts";
import { Dim } from "../types/dim.ts";
import { broadcast, BroadcastError, type JoinError } from "../types/shapes.ts";
import { type FloatValue, type IntValue, isNumber, StaticError } from "../types/static.ts";
import { type DType, isFloat, showType } from "../types/tensor.ts";
import type { Context } from "./context.ts";
import { castTo, castTogether, closingAssert, joinWay, waysTogether } from "./ways.ts";
import { describe, type Reason, type TensorVal, unknown, type Val } from "./values.ts";

const operatorNames: Readonly<
  Partial<Record<BinaryOp, { readonly op: string; readonly verb: string; readonly boolean?: true }>>
> = {
  "+": { op: "add", verb: "added" },
  "-": { op: "sub", verb: "subtracted" },
  "*": { op: "mul", verb: "multiplied" },
  "/": { op: "div", verb: "divided" },
  "%": { op: "mod", verb: "divided" },
  "^": { op: "pow", verb: "raised to each other" },
  "==": { op: "equal", verb: "compared", boolean: true },
  "!=": { op: "not_equal", verb: "compared", boolean: true },
  "<": { op: "less", verb: "compared", boolean: true },
  "<=": { op: "less_equal", verb: "compared", boolean: true },
  ">": { op: "greater", verb: "compared", boolean: true },
  ">=": { op: "greater_equal", verb: "compared", boolean: true },
  and: { op: "logical_and", verb: "joined by `and`" },
  or: { op: "logical_or", verb: "joined by `or`" },
};

/** What a size of an axis is called: images have channels, height and width. */
export function axisNoun(fromEnd: number, rank: number): string {
  if (rank === 4) return ["pixels of width", "pixels of height", "channels", "samples"][fromEnd] ?? "entries";
  return fromEnd === 0 && rank === 2 ? "numbers a row" : `entries in axis ${rank - 1 - fromEnd}`;
}
const noWay = { help: "", fixes: [] };

/** A short name for what an expression gives, for labels. */
export function nounOf(expr: Expr | undefined): string {
  if (expr === undefined) return "this";
  if (expr.kind === "name" || expr.kind === "member") return spanText(expr.span);
  return "this";
}

export function makeTensor(
  value: Value,
  reasons: readonly (Reason | undefined)[],
  range?: TensorVal["range"],
): TensorVal {
  const type = value.node.outputs[value.index];
  if (type === undefined) throw new Error("a value without a type");
  return { kind: "tensor", value, type, range, reasons };
}

/** A static number as a scalar tensor: a symbolic size becomes an `axis_size`. */
export function liftNumber(context: Context, number: IntValue | FloatValue, dtype: DType): Value {
  if (number.kind === "float") return context.scalar(number.value, dtype);
  const known = number.dim.constant;
  return known === undefined ? context.graph.axisSize(number.dim, dtype) : context.scalar(known, dtype);
}

/** `a op b` where at least one side is a tensor. */
export function tensorBinary(context: Context, expr: BinaryExpr, left: Val, right: Val): Val {
  const name = operatorNames[expr.op];
  const dtype = left.kind === "tensor" ? left.type.dtype : right.kind === "tensor" ? right.type.dtype : "f32";
  if (name === undefined) {
    context.report(
      "E0206",
      { what: `\`${expr.op}\``, wanted: "whole numbers", given: describe(left.kind === "tensor" ? left : right) },
      expr.span,
    );
    return unknown;
  }
  const [a, b] = [operand(context, left, dtype, expr, right), operand(context, right, dtype, expr, right)];
  if (a === undefined || b === undefined) return unknown;
  if (
    a.type.dtype !== b.type.dtype ||
    ((expr.op === "and" || expr.op === "or") !== (a.type.dtype === "bool") && expr.op !== "==" && expr.op !== "!=")
  ) {
    const isLogical = expr.op === "and" || expr.op === "or";
    const { help, fixes } = isLogical ? noWay : castTogether(expr, a.type, b.type);
    context.report(
      "E0305",
      {
        verb: name.verb,
        left: showType(a.type),
        right: showType(b.type),
        help: isLogical ? `\`${expr.op}\` joins what is true or false:   x > 0.0 ${expr.op} y > 0.0` : help,
      },
      expr.span,
      { fixes },
    );
    return unknown;
  }
  if ((expr.op === "/" || expr.op === "^") && !isFloat(a.type.dtype)) {
    const { help, fixes } = castTogether(
      expr,
      left.kind === "tensor" ? left.type : undefined,
      right.kind === "tensor" ? right.type : undefined,
    );
    context.report("E0306", { op: expr.op, given: showType(a.type), help }, expr.span, { fixes });
    return unknown;
  }
  try {
    const shape = broadcast(a.type.shape, b.type.shape, context.facts);
    const node = context.graph.node(
      name.op,
      {},
      [a.value, b.value],
      [{ dtype: name.boolean ? "bool" : a.type.dtype, shape }],
    );
    const reasons = shape.map((d, i) => reasonAt(a, shape.length - 1 - i, d) ?? reasonAt(b, shape.length - 1 - i, d));
    return makeTensor({ node, index: 0 }, reasons);
  } catch (error) {
    if (!(error instanceof BroadcastError)) throw error;
    reportBroadcast(context, expr, name.verb, a, b, error);
    return unknown;
  }
}

function operand(context: Context, value: Val, dtype: DType, expr: BinaryExpr, right: Val): TensorVal | undefined {
  if (value.kind === "tensor") return value;
  if (isNumber(value)) {
    if (value.kind === "float" && !isFloat(dtype)) {
      const side = value === right ? expr.left : expr.right;
      const { help, fixes } = castTo("f32", side);
      context.report("E0305", { verb: "combined", left: dtype, right: "a fraction", help }, expr.span, { fixes });
      return undefined;
    }
    return makeTensor(liftNumber(context, value, dtype), []);
  }
  if (value.kind === "bool") return makeTensor(context.scalar(value.value ? 1 : 0, "bool"), []);
  context.report("E0206", { what: `\`${expr.op}\``, wanted: "numbers or tensors", given: describe(value) }, expr.span);
  return undefined;
}

/** The reason for the size of an axis counted from the end, if the tensor's axis has that size. */
export function reasonAt(tensor: TensorVal, fromEnd: number, size: Dim): Reason | undefined {
  const place = tensor.type.shape.length - 1 - fromEnd;
  return tensor.type.shape[place]?.equals(size) === true ? tensor.reasons[place] : undefined;
}

function reportBroadcast(
  context: Context,
  expr: BinaryExpr,
  verb: string,
  a: TensorVal,
  b: TensorVal,
  error: BroadcastError,
): void {
  const rank = Math.max(a.type.shape.length, b.type.shape.length);
  const noun = axisNoun(error.fromEnd, rank);
  const label = (side: Expr, tensor: TensorVal, size: Dim): { span: Span; label: string }[] => {
    const reason = reasonAt(tensor, error.fromEnd, size);
    return reason
      ? [
          {
            span: context.place(reason.span),
            label: `${nounOf(side)} has ${size.toString()} ${axisNoun(error.fromEnd, tensor.type.shape.length)}: ${reason.text}`,
          },
        ]
      : [];
  };
  const { help, fixes } = waysTogether(expr, a.type.shape, b.type.shape, context.facts);
  const types = `${showType(a.type)} ${expr.op} ${showType(b.type)}`;
  const related = [...label(expr.left, a, error.left), ...label(expr.right, b, error.right)];
  if (reportOpen(context, error, types, expr.span, related)) return;
  const [left, right] = [error.left.toString(), error.right.toString()];
  context.report("E0301", { verb, left, right, noun, types, help }, expr.span, { related, fixes });
}

/** Sizes that differ only for some inputs: no shape is wrong, but the model must say which sizes it takes. */
function reportOpen(
  context: Context,
  { left, right }: { readonly left: Dim; readonly right: Dim },
  types: string,
  span: Span,
  related: readonly Related[],
): boolean {
  const help = closingAssert(left, right);
  if (help === "" || context.facts.decide(left, "==", right) !== undefined) return false;
  const problem = `${left.toString()} may differ from ${right.toString()}`;
  context.report("E0312", { problem, types, help }, span, { related });
  return true;
}

/** `concat` of tensors that differ in another axis than the one they are joined along. */
export function reportJoin(context: Context, error: JoinError, callee: string, given: Val, at: Expr, span: Span): void {
  const members = given.kind === "collection" || given.kind === "tuple" ? given.members : [];
  const [first, other] = [members[0], members[error.member]];
  if (first?.kind !== "tensor" || other?.kind !== "tensor") return;
  const rank = first.type.shape.length;
  const noun = axisNoun(rank - 1 - error.axis, rank);
  const texts = at.kind === "list" ? at.members.map((m) => nounOf(m.value)) : [];
  const related = [
    { tensor: first, index: 0, size: error.left },
    { tensor: other, index: error.member, size: error.right },
  ].flatMap(({ tensor, index, size }) => {
    const reason = tensor.reasons[error.axis];
    const name = texts[index] === undefined || texts[index] === "this" ? `member ${String(index)}` : texts[index];
    return reason
      ? [{ span: context.place(reason.span), label: `${name} has ${size.toString()} ${noun}: ${reason.text}` }]
      : [];
  });
  const types = `${showType(first.type)} and ${showType(other.type)}`;
  if (reportOpen(context, error, types, span, related)) return;
  const help = joinWay(callee, rank, error);
  const [left, right] = [error.left.toString(), error.right.toString()];
  context.report("E0301", { verb: "joined", left, right, noun, types, help }, span, { related });
}

export function tensorUnary(context: Context, op: "-" | "not", of: TensorVal, span: Span): Val {
  if ((op === "not") !== (of.type.dtype === "bool")) {
    context.report(
      "E0206",
      {
        what: `\`${op}\``,
        wanted: op === "not" ? "true or false" : "numbers",
        given: showType(of.type),
        help: op === "not" ? "compare first:   not (x > 0.0)" : "count it first:   x |> cast(to: f32)",
      },
      span,
    );
    return unknown;
  }
  const node = context.graph.node(op === "not" ? "logical_not" : "neg", {}, [of.value], [of.type]);
  return makeTensor({ node, index: 0 }, of.reasons);
}

/** One entry of an index, its static parts computed. */
export type IndexEntry =
  | { readonly kind: "all" | "rest" | "new" }
  | { readonly kind: "at"; readonly position: Dim }
  | { readonly kind: "range"; readonly from: Dim; readonly to: Dim };

/** `x[:, 0, 2 ..< 4, new]`: slices, then one reshape that drops and adds axes. Throws StaticError on what does not fit. */
export function tensorIndex(context: Context, of: TensorVal, entries: readonly IndexEntry[], expr: IndexExpr): Val {
  const rank = of.type.shape.length;
  const consumed = entries.filter((e) => e.kind !== "new" && e.kind !== "rest").length;
  if (consumed > rank) {
    context.report(
      "E0303",
      {
        what: nounOf(expr.of),
        wanted: `at most ${rank} positions`,
        given: `${consumed}`,
        type: showType(of.type),
        help: "leave one of the positions out",
      },
      expr.span,
    );
    return unknown;
  }
  const rest = entries.findIndex((e) => e.kind === "rest");
  const fill = Array.from({ length: rank - consumed }, (): IndexEntry => ({ kind: "all" }));
  const full = rest === -1 ? [...entries, ...fill] : [...entries.slice(0, rest), ...fill, ...entries.slice(rest + 1)];
  let value = of.value;
  const kept: Dim[] = [];
  const reasons: (Reason | undefined)[] = [];
  let place = 0;
  let reshaped = false;
  for (const entry of full) {
    if (entry.kind === "new") {
      kept.push(Dim.one);
      reasons.push(undefined);
      reshaped = true;
      continue;
    }
    const size = of.type.shape[place];
    if (size === undefined) throw new StaticError("too many positions");
    if (entry.kind !== "at" && entry.kind !== "range") {
      kept.push(size);
      reasons.push(of.reasons[place]);
    } else {
      const [from, to] =
        entry.kind === "at" ? single(entry.position, size) : [fromEnd(entry.from, size), fromEnd(entry.to, size)];
      const inside =
        context.facts.decide(from, ">=", Dim.zero) !== false &&
        context.facts.decide(to, "<=", size) !== false &&
        context.facts.decide(from, "<=", to) !== false;
      if (!inside)
        throw new StaticError(
          `axis ${place} has ${size.toString()} entries, and ${entry.kind === "at" ? entry.position.toString() : `${from.toString()} ..< ${to.toString()}`} lies outside`,
          `positions go from 0 to ${size.minus(Dim.one).toString()}, or from the end as -1`,
        );
      if (!(from.constant === 0 && to.equals(size))) {
        const shape = (value.node.outputs[value.index]?.shape ?? []).map((d, i) => (i === place ? to.minus(from) : d));
        const node = context.graph.node(
          "slice",
          { axis: Dim.of(place), from, to },
          [value],
          [{ dtype: of.type.dtype, shape }],
        );
        value = { node, index: 0 };
      }
      if (entry.kind === "at") reshaped = true;
      else {
        kept.push(to.minus(from));
        reasons.push(undefined);
      }
    }
    place++;
  }
  if (reshaped)
    value = {
      node: context.graph.node("reshape", { to: kept }, [value], [{ dtype: of.type.dtype, shape: kept }]),
      index: 0,
    };
  return makeTensor(value, reasons, of.range);
}
function fromEnd(position: Dim, size: Dim): Dim {
  const known = position.constant;
  return known !== undefined && known < 0 ? size.plus(position) : position;
}
function single(position: Dim, size: Dim): [Dim, Dim] {
  const from = fromEnd(position, size);
  return [from, from.plus(Dim.one)];
}

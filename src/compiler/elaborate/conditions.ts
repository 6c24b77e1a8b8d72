/**
 * A condition (`where`) that does not hold, with the numbers that broke it and settings nearby with which it would hold.
 */
import { isSizedElsewhere } from "../diagnostics/foreign-names.ts";
import { type Span, spanText } from "../source/source.ts";
import type { Expr } from "../syntax/ast.ts";
import { type Bindings, namesIn } from "../types/signature.ts";
import { type Static, StaticError } from "../types/static.ts";
import type { Context } from "./context.ts";
import { listsOf } from "./slots.ts";
import type { BlockVal } from "./values.ts";
import { describe } from "./values.ts";

export function reportCondition(
  context: Context,
  block: BlockVal,
  condition: Expr,
  bindings: Bindings,
  span: Span,
): void {
  const values = [...namesIn(condition)].flatMap((name) => {
    const value = bindings.values.get(name);
    return value?.kind === "int" || value?.kind === "float" || value?.kind === "bool"
      ? [`${name} is ${text(value)}`]
      : [];
  });
  const file = condition.span.file.name;
  const related = [...block.config.values()]
    .map((setting) => context.place(setting.span))
    .filter((place) => place.file !== span.file || place.end <= span.start || place.start >= span.end)
    .map((place) => ({ span: place, label: "set here" }))
    .slice(0, 1);
  const { callable } = block;
  const isPrimitive = callable.kind === "declared" && callable.declaration.kind === "prim";
  const args = {
    // a primitive inside of the library speaks of the settings of who was called
    callee: (isPrimitive ? context.callee(span) : undefined) ?? block.name,
    condition: spanText(condition.span),
    values: [...values, ...sides(condition, bindings)],
    file,
    help:
      multiples(condition, bindings) ||
      sameCount(condition, bindings) ||
      keptEntries(condition, bindings, span) ||
      sizeless(block) ||
      atLeast(condition) ||
      fraction(condition, bindings, block.name),
  };
  context.report("E0310", args, span, { related });
}

function text(value: Static): string {
  return value.kind === "int"
    ? value.dim.toString()
    : value.kind === "float" || value.kind === "bool"
      ? String(value.value)
      : describe(value);
}

function valueOf(expr: Expr, bindings: Bindings): Static | undefined {
  try {
    return bindings.evaluate(expr);
  } catch (error) {
    if (error instanceof StaticError) return undefined;
    throw error;
  }
}

/** A whole number where it cannot be right, in a layer that other libraries give the size of what comes in. */
function sizeless(block: BlockVal): string {
  const whole = [...block.config.values()].some(({ span }) => /^\d+$/.test(spanText(span)));
  if (!whole || !isSizedElsewhere(block.name)) return "";
  const settings = listsOf(block).config.map((p) => p.name.text);
  const has = settings.length === 1 ? `has the setting ${settings.join()} alone` : `has ${settings.join(", ")}`;
  return `the size of what comes in is not written, it comes with the tensor; \`${block.name}\` ${has}`;
}

/** For `min(stride) >= 1` and `groups >= 1`. */
function atLeast(condition: Expr): string {
  if (condition.kind !== "binary" || condition.op !== ">=" || condition.right.kind !== "number") return "";
  const [of] = condition.left.kind === "call" ? condition.left.args.map((a) => a.value) : [condition.left];
  return of?.kind === "name" ? `\`${of.text}\` is ${spanText(condition.right.span)} or more` : "";
}

/** For `rate < 1.0` with a percentage. */
function fraction(condition: Expr, bindings: Bindings, callee: string): string {
  if (condition.kind !== "binary" || condition.op !== "<" || condition.left.kind !== "name") return "";
  const [value, limit] = [condition.left, condition.right].map((side) => valueOf(side, bindings));
  const number = value?.kind === "float" ? value.value : value?.kind === "int" ? value.dim.constant : undefined;
  if (number === undefined || limit?.kind !== "float" || limit.value !== 1 || number <= 1 || number > 100) return "";
  return `\`${condition.left.text}\` is a fraction, not a percentage:   ${callee}(${String(number / 100)})`;
}

/** For `P == len(weights)`: how many members the list needs. */
function sameCount(condition: Expr, bindings: Bindings): string {
  if (condition.kind !== "binary" || condition.op !== "==") return "";
  const { left, right } = condition;
  const [size, list] = left.kind === "name" ? [left, right] : [right, left];
  const [of] = list.kind === "call" && list.callee.kind === "name" && list.callee.text === "len" ? list.args : [];
  if (size.kind !== "name" || of?.value.kind !== "name") return "";
  const [wanted, given] = [size, list].map((side) => valueOf(side, bindings));
  if (wanted?.kind !== "int" || given?.kind !== "int") return "";
  const axis = bindings.places.get(size.text)?.axis;
  const place = axis === undefined ? "" : `, one for each entry in axis ${String(axis)} of the tensor`;
  return `\`${of.value.text}\` has ${given.dim.toString()} members and needs ${wanted.dim.toString()}${place}`;
}

/** For `prod(S) == prod(to)`: the one number of `to` that could make up for what is missing or too much. */
function keptEntries(condition: Expr, bindings: Bindings, span: Span): string {
  if (condition.kind !== "binary" || condition.op !== "==") return "";
  const list = [condition.left, condition.right].map(productOf);
  if (list.some((e) => e === undefined)) return "";
  const [have, want] = [condition.left, condition.right].map((side) => valueOf(side, bindings));
  const to = list[1] && valueOf(list[1], bindings);
  if (have?.kind !== "int" || want?.kind !== "int" || to?.kind !== "collection") return "";
  const callee = spanText(span).replace(/\(.*/s, "");
  for (const [i, member] of to.members.entries()) {
    const size = member.kind === "int" ? member.dim.constant : undefined;
    if (size === undefined || size === 0) continue;
    const mended = have.dim.scaled(size).dividedBy(want.dim);
    if (mended === undefined || (mended.constant ?? 1) <= 0) continue;
    const sizes = to.members.map((m, k) => (k === i ? mended.toString() : text(m)));
    const why = size === -1 ? "no size is worked out" : "the entries stay as many as they are";
    return `${why}:   ${callee}([${sizes.join(", ")}])`;
  }
  return "the entries stay as many as they are: the two products must be equal";
}
function productOf(expr: Expr): Expr | undefined {
  const isProduct = expr.kind === "call" && expr.callee.kind === "name" && expr.callee.text === "prod";
  return isProduct ? expr.args[0]?.value : undefined;
}

/** What the two sides of a comparison come to, where they are more than names. */
function sides(condition: Expr, bindings: Bindings): readonly string[] {
  if (condition.kind !== "binary") return [];
  return [condition.left, condition.right].flatMap((side) => {
    const value = side.kind === "name" || side.kind === "number" ? undefined : valueOf(side, bindings);
    return value?.kind === "int" || value?.kind === "float" ? [`${spanText(side.span)} is ${text(value)}`] : [];
  });
}

/** For `C % heads == 0`: the next sizes that are multiples, and the next counts that divide. */
function multiples(condition: Expr, bindings: Bindings): string {
  if (condition.kind !== "binary" || condition.op !== "==" || condition.left.kind !== "binary") return "";
  const { left } = condition;
  if (left.op !== "%" || left.left.kind !== "name" || left.right.kind !== "name") return "";
  const [of, by] = [left.left, left.right].map((side) => {
    const value = valueOf(side, bindings);
    return value?.kind === "int" ? value.dim.constant : undefined;
  });
  if (of === undefined || by === undefined || of < 1 || by < 1) return "";
  const sizes = [Math.floor(of / by) * by, Math.ceil(of / by) * by].filter((n) => n > 0);
  const divisors = Array.from({ length: of }, (_, i) => i + 1)
    .filter((n) => of % n === 0)
    .sort((a, b) => Math.abs(a - by) - Math.abs(b - by))
    .slice(0, 3)
    .sort((a, b) => a - b);
  return `${left.left.text} could be ${sizes.join(" or ")}, or ${left.right.text} ${divisors.join(", ")}`;
}

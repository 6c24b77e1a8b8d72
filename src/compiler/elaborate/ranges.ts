/** The ranges that types of ports and lets state. It binds no names of signatures: what arguments bring is `Bindings`' work. */
import { spanText } from "../source/source.ts";
import type { Expr, TypeNode } from "../syntax/ast.ts";
import { Dim } from "../types/dim.ts";
import type { Range } from "../types/signature.ts";
import { showType } from "../types/tensor.ts";
import type { Environment } from "./environment.ts";
import type { Evaluator } from "./evaluator.ts";
import { makeTensor } from "./tensors.ts";
import { type TensorVal, unknown, type Val } from "./values.ts";

/** `in 0 ..< classes` of a declared type. */
export function resolveRange(evaluator: Evaluator, node: TypeNode, env: Environment): Range | undefined {
  const range = node.kind === "tensor" ? node.range : undefined;
  if (range?.kind !== "binary") return undefined;
  const [from, to] = [evaluator.static(range.left, env), evaluator.static(range.right, env)];
  if (from?.kind !== "int" || to?.kind !== "int") return undefined;
  return { from: from.dim, to: range.op === "..=" ? to.dim.plus(Dim.one) : to.dim };
}

/** Whether two values are known to lie in the same range, or neither in any. */
export function sameRange(a: Val | undefined, b: Val | undefined): boolean {
  const [left, right] = [a, b].map((value) => (value?.kind === "tensor" ? value.range : undefined));
  if (left === undefined || right === undefined) return left === right;
  return left.from.equals(right.from) && left.to.equals(right.to);
}

/**
 * The value of a `let` whose type states a range: what comes in must lie inside as far as its own range is known; what was
 * computed has none, and is taken as it is.
 */
export function withRange(
  evaluator: Evaluator,
  name: string,
  annotation: TypeNode,
  value: TensorVal,
  at: Expr,
  env: Environment,
): Val {
  const range = resolveRange(evaluator, annotation, env);
  if (range === undefined || annotation.kind !== "tensor" || annotation.range === undefined) return value;
  const { context } = evaluator;
  const { range: given } = value;
  const [low, high] = given
    ? [context.facts.decide(given.from, ">=", range.from), context.facts.decide(given.to, "<=", range.to)]
    : [];
  if (given !== undefined && (low === false || high === false)) {
    const shown = (r: Range): string => `${showType(value.type)} in ${r.from.toString()} ..< ${r.to.toString()}`;
    const upper =
      high === false ? `min(${spanText(at.span)}, ${range.to.minus(Dim.one).toString()})` : spanText(at.span);
    const inside = low === false ? `max(${upper}, ${range.from.toString()})` : upper;
    const declared = context.rangeDeclaration(value);
    context.report(
      "E0304",
      {
        what: name === "" ? "this" : `\`${name}\``,
        declared: shown(range),
        given: shown(given),
        help: `bring what is outside to the border:   ${inside}   or declare the range where it comes from`,
      },
      at.span,
      {
        related: [
          { span: annotation.range.span, label: "declared here" },
          ...(declared === undefined ? [] : [{ span: declared.span, label: `comes in as ${declared.text}` }]),
        ],
      },
    );
    return unknown;
  }
  const { node } = value.value;
  // a node that is an input has what was declared there
  if (!context.ranges.has(node)) {
    const { span } = annotation.range;
    context.ranges.set(node, { span, text: spanText(span), model: span, size: undefined });
  }
  return makeTensor(value.value, value.reasons, range);
}

/** Walks over syntax trees. */
import type { Expr } from "./ast.ts";

/** The direct sub-expressions. */
export function childrenOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case "tuple":
      return expr.members;
    case "list":
      return expr.members.map((m) => m.value);
    case "map":
      return expr.entries.map((e) => e.value);
    case "unary":
    case "member":
    case "star":
    case "pick":
    case "label":
      return [expr.of];
    case "binary":
      return [expr.left, expr.right];
    case "index":
      return [expr.of, ...expr.items.flatMap((i) => (i.kind === "at" ? [i.value] : []))];
    case "with":
      return [expr.of, expr.map];
    case "pipe":
      return [expr.input, expr.target];
    case "call":
      return [expr.callee, ...expr.args.map((a) => a.value)];
    case "if":
      return [expr.condition, expr.then, expr.else];
    case "comprehension":
      return [expr.for.in, ...(expr.for.if ? [expr.for.if] : []), expr.member];
    case "fold":
      return [expr.start, expr.for.in, ...(expr.for.if ? [expr.for.if] : []), expr.body.result];
    default:
      return [];
  }
}

/**
 * Takes the certainty out of a node that was mended by a guess: its values become `bad`, so that later phases, which
 * stay silent about `bad`, do not report what follows from the guess. Names and lines inside stay.
 */
import type { Body, Expr } from "./ast.ts";

/** Fields of nodes that hold one expression which a guess may have got wrong. */
const valueFields: ReadonlySet<string> = new Set(["value", "condition", "range", "by", "at", "of", "fuse", "in"]);

interface PlainNode {
  readonly kind?: string;
  readonly span?: unknown;
}

export function poisoned(node: unknown): unknown {
  if (typeof node !== "object" || node === null) return node;
  if (isExpression(node)) return bad(node);
  return Object.fromEntries(
    Object.entries(node).map(([key, value]) => {
      if (valueFields.has(key) && isExpression(value)) return [key, bad(value)];
      if (key === "for" && typeof value === "object" && value !== null && !Array.isArray(value))
        return [key, poisoned(value)];
      if (key === "body" && isInlineBody(value)) return [key, { ...value, result: bad(value.result) }];
      return [key, value];
    }),
  );
}

/** Every node but an expression holds other things than a span beside its kind or its name. */
function isExpression(value: unknown): value is Expr {
  if (typeof value !== "object" || value === null) return false;
  const { kind = "" } = value as PlainNode;
  // a line that maps weights is a `map` too
  return expressionKinds.has(kind) && !(kind === "map" && !("entries" in value));
}

const expressionKinds: ReadonlySet<string> = new Set([
  ...["number", "string", "bool", "training", "name", "tuple", "list", "comprehension", "map", "call", "index"],
  ...["member", "star", "pick", "with", "pipe", "label", "unary", "binary", "if", "fold"],
]);

function isInlineBody(value: unknown): value is Body {
  return typeof value === "object" && value !== null && "braces" in value && value.braces === false;
}

function bad(expression: Expr): Expr {
  return { kind: "bad", span: expression.span };
}

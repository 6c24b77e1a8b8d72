/**
 * Evaluates the static expressions that signatures may hold: arithmetic, comparisons, calls of static functions, indexing
 * of lists. Programs have more (comprehensions, `fn` calls, tensors): `elaborate/` evaluates those and hands the common
 * part back to the functions used here.
 */
import type { Expr } from "../syntax/ast.ts";
import type { Facts } from "./facts.ts";
import { staticFunctions } from "./shapes.ts";
import {
  boolValue,
  divisionByZero,
  floatValue,
  intValue,
  listOf,
  type Static,
  staticBinary,
  StaticError,
  stringValue,
  toNumber,
} from "./static.ts";

export type Lookup = (name: string) => Static | undefined;

export function evaluateStatic(expr: Expr, lookup: Lookup, facts: Facts): Static {
  const go = (e: Expr): Static => evaluateStatic(e, lookup, facts);
  switch (expr.kind) {
    case "number":
      return expr.int ? intValue(expr.value) : floatValue(expr.value);
    case "string":
      return stringValue(expr.value);
    case "bool":
      return boolValue(expr.value);
    case "name": {
      const value = lookup(expr.text);
      if (value === undefined) throw new StaticError(`nothing here is called \`${expr.text}\``);
      return value;
    }
    case "tuple":
      return { kind: "tuple", members: expr.members.map(go) };
    case "list":
      return listOf(
        expr.members.flatMap(({ spread, value }) => {
          const member = go(value);
          if (!spread) return [member];
          if (member.kind !== "collection") throw new StaticError("only a list can be spread");
          return member.members;
        }),
      );
    case "unary": {
      const of = go(expr.of);
      return staticUnary(expr.op, of);
    }
    case "binary": {
      // and / or decide without their right side where the left one settles it
      const left = go(expr.left);
      if (left.kind === "bool" && expr.op === "and" && !left.value) return left;
      if (left.kind === "bool" && expr.op === "or" && left.value) return left;
      const result = staticBinary(expr.op, left, go(expr.right), facts);
      if (result === undefined) throw new OpenError();
      return result;
    }
    case "if": {
      const condition = go(expr.condition);
      if (condition.kind !== "bool") throw new StaticError("`if` takes true or false");
      return go(condition.value ? expr.then : expr.else);
    }
    case "call": {
      if (expr.callee.kind !== "name") throw new StaticError("only functions by name are called here");
      return callStatic(
        expr.callee.text,
        expr.args.map((a) => a.value),
        go,
        facts,
      );
    }
    case "index":
      return expr.items.reduce<Static>((of, item) => {
        if (item.kind !== "at") throw new StaticError("a list takes a position or a range");
        return indexStatic(of, go(item.value));
      }, go(expr.of));
    default:
      throw new StaticError("this cannot be computed in a signature");
  }
}

/** A comparison that depends on a size known only at run time. */
export class OpenError extends StaticError {
  constructor() {
    super("this depends on a size that is known only when the network runs");
  }
}

export function staticUnary(op: "-" | "not", of: Static): Static {
  if (op === "not") {
    if (of.kind !== "bool") throw new StaticError("`not` takes true or false");
    return boolValue(!of.value);
  }
  if (of.kind === "int") return intValue(of.dim.scaled(-1));
  if (of.kind === "float") return floatValue(-of.value);
  throw new StaticError("`-` takes a number");
}

/** A call of a static function; `floor(a / b)` and `ceil(a / b)` of whole numbers divide without rest. */
export function callStatic(name: string, args: readonly Expr[], go: (e: Expr) => Static, facts: Facts): Static {
  const only = args[0];
  if ((name === "floor" || name === "ceil") && args.length === 1 && only?.kind === "binary" && only.op === "/") {
    const [a, b] = [go(only.left), go(only.right)];
    if (a.kind === "int" && b.kind === "int") {
      if (b.dim.constant === 0) throw new StaticError(divisionByZero);
      const [p, q] = [facts.normalize(a.dim), facts.normalize(b.dim)];
      return intValue(name === "floor" ? p.floorDividedBy(q) : p.ceilDividedBy(q));
    }
    const quotient = staticBinary("/", a, b, facts);
    if (quotient?.kind === "float") return intValue(Math[name](quotient.value));
  }
  const f = staticFunctions[name];
  if (!Object.hasOwn(staticFunctions, name) || f === undefined)
    throw new StaticError(`\`${name}\` is no function of numbers`);
  return f(args.map(go), facts);
}

export function indexStatic(of: Static, by: Static): Static {
  if (of.kind !== "collection" && of.kind !== "tuple") throw new StaticError("only lists and tuples have members");
  const pick = (index: Static): Static => {
    if (index.kind !== "int") throw new StaticError("a position is a whole number");
    const n = toNumber(index);
    const member = of.members[n < 0 ? n + of.members.length : n];
    if (member === undefined)
      throw new StaticError(
        `there is no member ${String(n)}; the list has ${String(of.members.length)}`,
        of.members.length === 0
          ? "nothing can be taken from an empty list"
          : `positions go from 0 to ${String(of.members.length - 1)}, or from the end as -1`,
      );
    return member;
  };
  return by.kind === "collection" ? listOf(by.members.map(pick)) : pick(by);
}

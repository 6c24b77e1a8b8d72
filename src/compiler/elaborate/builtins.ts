/** The functions of numbers and collections that are no declarations: `zip`, `reverse`, `len`, `floor`, … */
import type { CallExpr } from "../syntax/ast.ts";
import { callStatic } from "../types/evaluate.ts";
import { isStaticFunction } from "../types/shapes.ts";
import { intValue, StaticError } from "../types/static.ts";
import type { Environment } from "./environment.ts";
import type { Evaluator } from "./evaluator.ts";
import { reportRounding } from "./mistakes.ts";
import { describe, isStatic, unknown, UnknownError, type Val } from "./values.ts";

/** Undefined where no function has this name. */
export function callBuiltin(evaluator: Evaluator, name: string, expr: CallExpr, env: Environment): Val | undefined {
  const { context } = evaluator;
  if (name !== "zip" && name !== "reverse" && !isStaticFunction(name)) return undefined;
  const named = expr.args.find((a) => a.name !== undefined);
  if (named) throw new StaticError(`\`${name}\` takes its arguments by position`);
  if (name === "zip" || name === "reverse" || name === "len") {
    const collections = expr.args.map((a) => evaluator.plain(a.value, env));
    if (collections.some((c) => c.kind === "unknown")) return unknown;
    const lists = collections.map((c) => {
      if (c.kind !== "collection")
        throw new StaticError(
          `\`${name}\` takes lists or maps, not ${describe(c)}`,
          c.kind === "tensor" ? "the sizes of a tensor have names in its type, such as B, C, H and W" : "",
        );
      return c;
    });
    const [first] = lists;
    if (first === undefined) throw new StaticError(`\`${name}\` takes a list`);
    if (name === "len") return intValue(first.keys.length);
    if (name === "reverse") {
      return {
        kind: "collection",
        named: first.named,
        keys: first.named ? first.keys.toReversed() : first.keys,
        members: first.members.toReversed(),
      };
    }
    const differ = lists.some((l) => l.keys.length !== first.keys.length);
    if (differ && context.generic && !lists.every(isStatic)) return unknown;
    if (differ) {
      throw new StaticError(
        `\`zip\` needs equal lengths; here ${lists.map((l) => String(l.keys.length)).join(" and ")}`,
        `cut the longer one:   xs[0 ..< ${String(Math.min(...lists.map((l) => l.keys.length)))}]`,
      );
    }
    const members = first.members.map((_, i): Val => ({
      kind: "tuple",
      members: lists.map((l) => l.members[i] ?? unknown),
    }));
    return { kind: "collection", named: first.named, keys: first.keys, members };
  }
  return callStatic(
    name,
    expr.args.map((a) => a.value),
    (e) => {
      const value = evaluator.plain(e, env);
      if (value.kind === "tensor" && (name === "floor" || name === "ceil")) reportRounding(context, name, value, expr);
      else if (!isStatic(value)) evaluator.static(e, env);
      if (!isStatic(value)) throw new UnknownError();
      return value;
    },
    context.facts,
  );
}

/** `e with { input: value }`: the same part of the network over other inputs and the same weights. */
import type { Expr } from "../syntax/ast.ts";
import type { Context } from "./context.ts";
import type { Environment } from "./environment.ts";
import type { Evaluator } from "./evaluator.ts";
import { sameRange } from "./ranges.ts";
import { describe, unknown, type Val } from "./values.ts";

/** `of with { input: value }`. */
export function evaluateWith(evaluator: Evaluator, of: Expr, map: Expr, env: Environment): Val {
  const { context } = evaluator;
  const replaced = evaluator.plain(map, env);
  if (replaced.kind === "unknown") return unknown;
  if (env.world === undefined) {
    context.report("E0209", { why: "stands only in a model's lets, predictions and metrics" }, of.span);
    return unknown;
  }
  if (context.training) {
    context.report("E0209", { why: "cannot be part of a loss: a second pass must not change states" }, of.span);
    return unknown;
  }
  if (replaced.kind !== "collection" || !replaced.named) {
    context.report(
      "E0206",
      { what: "`with`", wanted: "a map from inputs to tensors", given: describe(replaced) },
      map.span,
    );
    return unknown;
  }
  const inputs = new Map<string, Val>();
  for (const [i, key] of replaced.keys.entries()) {
    const value = replaced.members[i] ?? unknown;
    const input = env.world.input(key);
    if (input === undefined && env.removed?.(key)) continue; // whoever reads it says so
    if (input === undefined)
      context.report(
        "E0209",
        {
          why: `replaces inputs, and \`${key}\` is none`,
          help: "the keys are names of inputs:   { image: mirrored }",
        },
        map.span,
      );
    else if (value.kind === "tensor" && input.kind === "tensor" && describe(value) !== describe(input)) {
      context.report(
        "E0209",
        { why: `gives \`${key}\` as ${describe(value)}, and the input is ${describe(input)}` },
        map.span,
      );
    } else inputs.set(key, value);
  }
  // inputs of the same types and label ranges can give no mistake that the pass at hand does not give
  const isAlike = [...inputs].every(([key, value]) => sameRange(value, env.world?.input(key)));
  if (context.shared.checkOnly && isAlike) return readsToo(context, evaluator.plain(of, env), [...inputs.values()]);
  return evaluator.plain(of, env.world.withInputs(inputs));
}
/** The same value, for those who ask what it depends on; only for graphs that nobody runs. */
function readsToo(context: Context, value: Val, read: readonly Val[]): Val {
  if (value.kind === "tuple" || value.kind === "collection")
    return { ...value, members: value.members.map((m) => readsToo(context, m, read)) };
  if (value.kind !== "tensor") return value;
  const inputs = [value, ...read].flatMap((v) => (v.kind === "tensor" ? [v.value] : []));
  const node = context.graph.node("reads_too", {}, inputs, [value.type]);
  return { ...value, value: { node, index: 0 } };
}

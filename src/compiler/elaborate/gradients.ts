/**
 * What `train { gradients = … }` makes of a training step's gradients before the optimizers see them: a block from their
 * list to a list of the same types, such as one that clips their common norm. Which block it is, nothing here knows.
 */
import type { Value, Variable } from "../graph/graph.ts";
import { showType } from "../types/tensor.ts";
import { WeightScope } from "./environment.ts";
import type { Evaluator } from "./evaluator.ts";
import type { Network } from "./network.ts";
import { sameType } from "./bodies.ts";
import { makeTensor } from "./tensors.ts";
import { describe, hasUnknown } from "./values.ts";

/** The field of `train` that is a block of gradients and no setting of a run. */
export const gradientField = "gradients";

export function treatGradients(
  evaluator: Evaluator,
  network: Network,
  gradients: ReadonlyMap<Variable, Value>,
): ReadonlyMap<Variable, Value> {
  const { context } = evaluator;
  const part = network.plan.training.get(gradientField);
  if (part === undefined || gradients.size === 0) return gradients;
  const { expr } = part;
  const scope = new WeightScope(`optimizer.${gradientField}`, gradientField);
  const env = network.partEnvironment(part, scope, undefined, new Map());
  const block = evaluator.evaluate(expr, env, { block: true });
  if (block.kind !== "block") {
    if (block.kind !== "unknown")
      context.report(
        "E0206",
        {
          what: `\`${gradientField}\``,
          wanted: "a block from the list of gradients to one like it",
          given: describe(block),
        },
        expr.span,
      );
    return gradients;
  }
  const variables = [...gradients.keys()];
  const members = [...gradients.values()].map((value) => makeTensor(value, []));
  const list = { kind: "collection", named: true, keys: variables.map((v) => v.path), members } as const;
  const made = context.graph.at({ path: gradientField, span: expr.span }, () =>
    evaluator.applier.apply(block, [{ value: list, expr: undefined }], { expr, span: expr.span, env, want: {}, scope }),
  );
  if (hasUnknown(made)) return gradients;
  const results = made.kind === "collection" ? made.members : [];
  const treated = new Map<Variable, Value>();
  for (const [i, variable] of variables.entries()) {
    const result = results[i];
    if (result?.kind === "tensor" && sameType(evaluator, result.type, variable.type)) {
      treated.set(variable, result.value);
      continue;
    }
    const wanted = `a list like the one it is given, with ${showType(variable.type)} for ${variable.path}`;
    context.report("E0602", { given: describe(result ?? made), wanted }, expr.span);
    return gradients;
  }
  return treated;
}

/** What a prediction may be: made from inputs alone, a row for each sample. It only looks at graphs and reports. */
import type { Output } from "../graph/graph.ts";
import { reachableFrom } from "../graph/reach.ts";
import { spanText } from "../source/source.ts";
import { showType } from "../types/tensor.ts";
import type { Context } from "./context.ts";

/** Predictions are made from inputs, a row for each sample. */
export function checkPredictions(context: Context, outputs: readonly Output[]): void {
  const sizes = new Set(context.ports.flatMap(({ type }) => [...(type.shape[0]?.variables().keys() ?? [])]));
  for (const { kind, value, span } of outputs) {
    if (kind !== "predict" || span === undefined) continue;
    const reached = reachableFrom([value]);
    const target = context.ports.find((p) => p.kind === "target" && reached.has(p.value.node));
    if (target !== undefined) {
      const args = { wanted: "made from inputs alone", given: `made from the target \`${target.name}\` too` };
      const help = `what compares with a target is a metric:   metric NAME = ${spanText(span)}`;
      context.report("E0410", { kind: "prediction", ...args, help }, span);
      continue;
    }
    const type = value.node.outputs[value.index];
    const batch = type?.shape[0]?.variables().keys() ?? [];
    if (type === undefined || sizes.size === 0 || [...batch].some((key) => sizes.has(key))) continue;
    const args = { kind: "prediction", wanted: "a tensor with the batch as its first axis", given: showType(type) };
    context.report("E0410", { ...args, help: "" }, span);
  }
}

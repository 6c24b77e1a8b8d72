/**
 * The counters of a run and the clock that schedules read: the training step counts, evaluation reads how far it has
 * come, and predictions do without.
 */
import { report } from "../diagnostics/catalog.ts";
import type { DiagnosticBag } from "../diagnostics/diagnostic.ts";
import type { Graph, Value, Variable } from "../graph/graph.ts";
import { reachableFrom } from "../graph/reach.ts";
import type { Context } from "./context.ts";

export interface Clock {
  readonly step: Value;
  readonly epoch: Value;
  /** The number that draws go by. */
  readonly draws: Value;
}

/** The counters, declared where a graph first needs them, and the epoch they come to. */
export function declareCounters(context: Context): { readonly step: Variable; readonly clock: Clock } {
  const { graph, variables } = context;
  const i64 = { dtype: "i64", shape: [] } as const;
  const counter = (path: string, value: number): Variable =>
    variables.declare("counter", path, i64, () => ({ kind: "constant", value }), undefined);
  const [step, stepsPerEpoch] = [counter("step", 0), counter("steps_per_epoch", 1)];
  const epoch = graph.at({ path: "epoch", span: undefined }, () => {
    const [done, each] = [step.value, stepsPerEpoch.value].map((v) => graph.op("cast", { to: "f32" }, v));
    if (done === undefined || each === undefined) throw new Error("unreachable: two casts");
    return graph.op("div", {}, done, each);
  });
  return { step, clock: { step: step.value, epoch, draws: step.value } };
}

/** Reports predictions that follow the step: whoever predicts has none. */
export function refuseTimedPredictions(evaluate: Graph, note: string, bag: DiagnosticBag): void {
  const counters = evaluate.variables.filter((v) => v.kind === "counter");
  if (counters.length === 0) return;
  for (const { kind, value, span } of evaluate.outputs) {
    if (kind !== "predict" || span === undefined) continue;
    const reached = reachableFrom([value]);
    if (!counters.some((v) => reached.has(v.value.node))) continue;
    const help = "say what it is outside training:   if training then now(…) else 1.0";
    const args = { kind: "prediction", wanted: "the same at every step", given: "made from one that follows it", help };
    report(bag, "E0410", args, span, { note });
  }
}

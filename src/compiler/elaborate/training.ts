/**
 * The training step: losses, their gradients, and what optimizers and schedules make of them. Optimizers are blocks of the
 * language; nothing here knows one.
 */
import { differentiate } from "../ops/differentiate.ts";
import type { Output, Value, Variable } from "../graph/graph.ts";
import { showType } from "../types/tensor.ts";
import type { OptimizeLine } from "../syntax/ast.ts";
import { type Environment, WeightScope } from "./environment.ts";
import type { Evaluator } from "./evaluator.ts";
import type { Network } from "./network.ts";
import { PathPattern } from "./patterns.ts";
import type { Scoped } from "./plan.ts";
import { makeTensor } from "./tensors.ts";
import { type BlockVal, describe, hasUnknown, type Val } from "./values.ts";
import { sameType } from "./bodies.ts";

/** The counters of a training graph, and the clock that schedules read. */
export function declareClock(evaluator: Evaluator): { readonly step: Variable; readonly stepsPerEpoch: Variable } {
  const { context } = evaluator;
  const { graph, variables } = context;
  const i64 = { dtype: "i64", shape: [] } as const;
  const step = variables.declare("counter", "step", i64, () => ({ kind: "constant", value: 0 }), undefined);
  const stepsPerEpoch = variables.declare(
    "counter",
    "steps_per_epoch",
    i64,
    () => ({ kind: "constant", value: 1 }),
    undefined,
  );
  const epoch = graph.at({ path: "epoch", span: undefined }, () => {
    const [done, each] = [step.value, stepsPerEpoch.value].map((v) => graph.op("cast", { to: "f32" }, v));
    if (done === undefined || each === undefined) throw new Error("unreachable: two casts");
    return graph.op("div", {}, done, each);
  });
  context.clock = { step: step.value, epoch };
  return { step, stepsPerEpoch };
}

interface Group {
  readonly line: Scoped<OptimizeLine>;
  readonly patterns: readonly PathPattern[];
  readonly optimizer: BlockVal | undefined;
  readonly rate: Value | undefined;
  used: boolean;
}

/** Adds gradients and updates for the sum of the losses; gives the outputs that a training step has beside them. */
export function addTraining(evaluator: Evaluator, network: Network, losses: readonly Output[]): readonly Output[] {
  const { context } = evaluator;
  const { graph, variables } = context;
  const { plan } = network;
  const values = losses.map((l) => l.value);
  const [first, ...rest] = values;
  if (first === undefined) return [];
  const total = graph.at({ path: "loss", span: undefined }, () =>
    rest.reduce((sum, loss) => graph.op("add", {}, sum, loss), first),
  );
  const trained = variables.all.filter((v) => v.kind === "param" && v.trained && !context.isFrozen(v.path));
  const gradients = differentiate(
    graph,
    total,
    trained.map((v) => v.value),
  );
  const outputs: Output[] = [{ name: "loss", kind: "total", value: total, span: undefined }];

  const scope = new WeightScope("", "train");
  const groups = plan.optimize.map((line): Group => makeGroup(evaluator, network, line, scope));
  for (const [i, variable] of trained.entries()) {
    const gradient = gradients[i];
    if (gradient === undefined) continue;
    outputs.push({ name: `grad.${variable.path}`, kind: "gradient", value: gradient, span: variable.span });
    const group = groups.find((g) => g.patterns.some((p) => p.matches(variable.path)));
    if (group === undefined) {
      if (plan.steps.length === 0)
        context.report("E0601", { path: variable.path, has: groups.length > 0 }, variable.span ?? plan.model.name.span);
      continue;
    }
    group.used = true;
    if (group.optimizer === undefined || group.rate === undefined) continue;
    const { by } = group.line.node;
    const weights = new WeightScope(`optimizer.${variable.path}`, `optimizer.${variable.path}`);
    const env: Environment = network.partEnvironment(
      { expr: by, scope: group.line.scope, base: undefined },
      weights,
      undefined,
      new Map(),
    );
    const operands = [variable.value, gradient, group.rate].map((value) => ({
      value: makeTensor(value, []),
      expr: undefined,
    }));
    const next = graph.at({ path: `optimizer.${variable.path}`, span: by.span }, () =>
      evaluator.applier.apply(group.optimizer as BlockVal, operands, {
        expr: by,
        span: by.span,
        env,
        want: {},
        scope: weights,
      }),
    );
    if (next.kind === "tensor" && sameType(evaluator, next.type, variable.type))
      variables.update(variable.path, next.value);
    else if (next.kind !== "unknown")
      context.report("E0602", { given: describe(next), wanted: showType(variable.type) }, by.span);
  }
  for (const group of groups) {
    if (!group.used && plan.basis.length === 0) {
      context.report("E0603", { patterns: group.patterns.map((p) => p.text) }, group.line.node.span);
    }
  }
  return outputs;
}

function makeGroup(evaluator: Evaluator, network: Network, line: Scoped<OptimizeLine>, scope: WeightScope): Group {
  const { context } = evaluator;
  const { node } = line;
  const env = network.partEnvironment(
    { expr: node.by, scope: line.scope, base: undefined },
    scope,
    undefined,
    new Map(),
  );
  const optimizer = evaluator.evaluate(node.by, env, { block: true });
  const schedule = evaluator.evaluate(node.at, env, { block: true });
  const { clock } = context;
  let rate: Value | undefined;
  if (schedule.kind === "block" && clock) {
    const operands = [clock.step, clock.epoch].map((value) => ({ value: makeTensor(value, []), expr: undefined }));
    const made = context.graph.at({ path: "rate", span: node.at.span }, () =>
      evaluator.applier.apply(schedule, operands, {
        expr: node.at,
        span: node.at.span,
        env,
        want: { type: { dtype: "f32", shape: [] } },
        scope,
      }),
    );
    rate = scalarOf(evaluator, made);
    if (rate === undefined && !hasUnknown(made))
      context.report("E0602", { given: describe(made), wanted: "f32[]" }, node.at.span);
  } else if (schedule.kind !== "unknown" && schedule.kind !== "block") {
    context.report("E0203", { what: "what follows `at`", given: describe(schedule) }, node.at.span);
  }
  if (optimizer.kind !== "block" && optimizer.kind !== "unknown") {
    context.report("E0203", { what: "what follows `by`", given: describe(optimizer) }, node.by.span);
  }
  return {
    line,
    patterns: node.patterns.map((p) => new PathPattern(p.value)),
    optimizer: optimizer.kind === "block" ? optimizer : undefined,
    rate,
    used: false,
  };
}
function scalarOf(evaluator: Evaluator, value: Val): Value | undefined {
  if (value.kind === "tensor") return value.type.shape.length === 0 ? value.value : undefined;
  if (value.kind === "float") return evaluator.context.scalar(value.value, "f32");
  return value.kind === "int" ? evaluator.context.scalar(value.dim.constant ?? 0, "f32") : undefined;
}

/** The step counter's own update. */
export function countStep(evaluator: Evaluator, step: Variable): void {
  const { graph, variables } = evaluator.context;
  const next = graph.at({ path: "step", span: undefined }, () =>
    graph.op("add", {}, step.value, graph.constant(1, "i64")),
  );
  variables.update(step.path, next);
}

/**
 * The training step: losses, their gradients, and what optimizers and schedules make of them. Optimizers are blocks of the
 * language; nothing here knows one.
 */
import { differentiate, haveGradients } from "../ops/differentiate.ts";
import type { Node, Output, Value, Variable } from "../graph/graph.ts";
import { showType, type TensorType } from "../types/tensor.ts";
import { type Span, spanText } from "../source/source.ts";
import type { OptimizeLine } from "../syntax/ast.ts";
import type { Accumulation } from "./accumulation.ts";
import { type Environment, WeightScope } from "./environment.ts";
import type { Evaluator } from "./evaluator.ts";
import { gradientField, treatGradients } from "./gradients.ts";
import { reportNoBlock } from "./mistakes.ts";
import type { Network } from "./network.ts";
import { PathPattern } from "./patterns.ts";
import type { Plan, Scoped } from "./plan.ts";
import { listsOf } from "./slots.ts";
import type { Templates } from "./templates.ts";
import { makeTensor } from "./tensors.ts";
import { type BlockVal, describe, hasUnknown, type Val } from "./values.ts";
import { sameType } from "./bodies.ts";

/** How many micro-batches make a step. */
export const accumulateField = "accumulate";
/** What a training run reads of `train`; everything else there is for the compiler. */
export const trainFields: readonly string[] = ["batch", "epochs", accumulateField, gradientField];

/** A part of a training step with optimizers of its own; without `step` there is one, and it has no name. */
export interface Turn {
  readonly name: string | undefined;
  readonly lines: readonly Scoped<OptimizeLine>[];
  readonly span: Span;
}
export function turnsOf(plan: Plan): readonly Turn[] {
  if (plan.steps.length === 0) return [{ name: undefined, lines: plan.optimize, span: plan.model.name.span }];
  return plan.steps.map(({ name, lines, span }) => ({ name, lines: [...lines, ...plan.optimize], span }));
}
/** Which losses (`HEAD.NAME`) the lines minimise: those after `for`, all where a line says none. */
export function lossFilter(lines: readonly Scoped<OptimizeLine>[]): (label: string) => boolean {
  const wanted = lines.map(({ node }) => servesLoss(node));
  return (label) => wanted.length === 0 || wanted.some((w) => w(label));
}
function servesLoss(line: OptimizeLine): (label: string) => boolean {
  const heads = line.for.map((path) => path.parts.map((p) => p.text).join("."));
  return (label) => heads.length === 0 || heads.some((head) => label === head || label.startsWith(`${head}.`));
}

interface Group {
  readonly line: Scoped<OptimizeLine>;
  readonly optimizer: BlockVal | undefined;
  readonly rate: Value | undefined;
}
interface Work extends Turn {
  readonly losses: readonly Output[];
  /** Which turn trains a weight first. */
  readonly served: Map<string, string | undefined>;
  readonly accumulation: Accumulation | undefined;
}

export interface Trained {
  readonly gradients: readonly Output[];
  /** The sum of the losses. */
  readonly total: Value | undefined;
}

/** Adds gradients and updates for the losses of a turn. */
export function addTraining(evaluator: Evaluator, network: Network, work: Work): Trained {
  const { context } = evaluator;
  const { graph, variables } = context;
  const { lines, losses, served } = work;
  const patterns = lines.map(({ node }) => node.patterns.map((p) => new PathPattern(p.value)));
  // the first line that fits a weight decides
  const trained = variables.all
    .filter((v) => v.kind === "param" && v.trained && !context.isFrozen(v.path))
    .map((variable) => ({ variable, line: patterns.findIndex((all) => all.some((p) => p.matches(variable.path))) }));
  reportIdle(evaluator, network.plan, work, new Set(trained.map(({ line }) => line)));

  const outputs: Output[] = [];
  const gradients = new Map<Variable, Value>();
  // lines with the same losses share one way back
  let all: Value | undefined;
  const keys = lines.map(({ node }) => losses.map((l) => servesLoss(node)(l.name.slice("loss.".length))).join());
  for (const key of new Set(keys)) {
    const picked = losses.filter((_, i) => key.split(",")[i] === "true").map((l) => l.value);
    const total = sumOf(evaluator, picked);
    if (total === undefined) continue;
    const own = trained.filter(({ line }) => line >= 0 && keys[line] === key).map(({ variable }) => variable);
    const read = own.map((v) => variables.read(v));
    const made = context.shared.checkOnly
      ? haveGradients(graph, total, read, context.templates.flows, context.templates.asked).map((has, i) =>
          has ? read[i] : undefined,
        )
      : differentiate(graph, total, read);
    for (const [i, variable] of own.entries()) if (made[i] !== undefined) gradients.set(variable, made[i]);
    if (picked.length === losses.length) all = total;
  }
  all ??= sumOf(
    evaluator,
    losses.map((l) => l.value),
  );

  const scope = new WeightScope("", "train");
  const groups = lines.map((line): Group => makeGroup(evaluator, network, line, scope));
  const treated = treatGradients(evaluator, network, work.accumulation?.means(gradients) ?? gradients);
  const checked = new Set<string>();
  const shown = new Map<TensorType, string>();
  const lineOf = new Map<TensorType, number>();
  for (const { variable, line } of trained) {
    const [gradient, given] = [gradients.get(variable), treated.get(variable)];
    const group = groups[line];
    if (gradient === undefined || given === undefined || group === undefined) continue;
    const again = served.has(variable.path);
    if (!again) {
      served.set(variable.path, work.name);
      outputs.push({ name: `grad.${variable.path}`, kind: "gradient", value: gradient, span: variable.span });
    }
    if (group.optimizer === undefined || group.rate === undefined) continue;
    // nearly all weights have the type of one before
    if (context.shared.checkOnly && lineOf.get(variable.type) === line) continue;
    lineOf.set(variable.type, line);
    const type = shown.get(variable.type) ?? showType(variable.type);
    shown.set(variable.type, type);
    const like = `${String(line)} ${type}`;
    if (context.shared.checkOnly && checked.has(like)) continue;
    checked.add(like);
    const { by } = group.line.node;
    // a weight that two steps train has two optimizers
    const path = again ? `optimizer.${work.name ?? ""}.${variable.path}` : `optimizer.${variable.path}`;
    const weights = new WeightScope(path, path);
    const env: Environment = network.partEnvironment(
      { expr: by, scope: group.line.scope, base: undefined },
      weights,
      undefined,
      new Map(),
    );
    const operands = [variables.read(variable), given, group.rate].map((value) => ({
      value: makeTensor(value, []),
      expr: undefined,
    }));
    const next = graph.at({ path, span: by.span }, () =>
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
  return { gradients: outputs, total: all };
}

export function sumOf(evaluator: Evaluator, values: readonly Value[]): Value | undefined {
  const { graph } = evaluator.context;
  const [first, ...rest] = values;
  if (first === undefined) return undefined;
  return graph.at({ path: "loss", span: undefined }, () =>
    rest.reduce((sum, loss) => graph.op("add", {}, sum, loss), first),
  );
}

/** Lines that train nothing, and steps that minimise nothing. */
function reportIdle(
  evaluator: Evaluator,
  plan: Plan,
  { name, lines, losses, span }: Work,
  used: ReadonlySet<number>,
): void {
  const { context } = evaluator;
  if (plan.basis.length > 0) return;
  if (name !== undefined && losses.length === 0) {
    const wanted = lines.flatMap(({ node }) => node.for.map((path) => path.parts.map((p) => p.text).join(".")));
    context.report("E0606", { step: name, wanted, heads: [...plan.heads.keys()] }, span);
    return;
  }
  for (const [i, { node }] of lines.entries()) {
    const shared = name !== undefined && plan.optimize.some((line) => line.node === node);
    if (used.has(i) || shared) continue;
    const patterns = node.patterns.map((p) => new PathPattern(p.value));
    const paths = context.variables.all.filter((v) => v.kind === "param").map((v) => v.path);
    // only where nothing at all fits it helps to see what there is
    const weights = paths.some((path) => patterns.some((p) => p.matches(path))) ? [] : paths;
    context.report("E0603", { patterns: node.patterns.map((p) => p.value), weights }, node.span);
  }
}

/** After every turn: each weight has its optimizer. */
export function checkServed(evaluator: Evaluator, plan: Plan, served: ReadonlyMap<string, string | undefined>): void {
  const { context } = evaluator;
  const patterns = [...plan.optimize, ...plan.steps.flatMap((s) => s.lines)].flatMap(({ node }) =>
    node.patterns.map((p) => new PathPattern(p.value)),
  );
  const left = context.variables.all.filter(
    (v) =>
      v.kind === "param" &&
      v.trained &&
      !served.has(v.path) &&
      !context.isFrozen(v.path) &&
      !patterns.some((p) => p.matches(v.path)), // or else no loss depends on it
  );
  const [first] = left;
  if (first === undefined) return;
  // a field such as `optimizer` is told what it should have been
  if (patterns.length === 0 && [...plan.training.keys()].some((name) => !trainFields.includes(name))) return;
  // the layer's place in the model, not that of the `param` in the library
  const place = readerOf(first, context.graph.nodes, context.templates);
  const section = plan.model.items.some((item) => item.kind === "train");
  const args = { paths: left.map((v) => v.path), has: patterns.length > 0, section };
  context.report("E0601", args, place ?? plan.model.name.span);
}
/** The place that reads a weight first. */
export function readerOf(variable: Variable, nodes: readonly Node[], templates: Templates): Span | undefined {
  const { value } = variable;
  const known = templates.readerOf(variable);
  if (known) return known.place;
  return nodes.find((n) => n.inputs.some((input) => input.node === value.node))?.span;
}

/** Reports what is wrong with optimizers and schedules where other errors keep the training step from being made. */
export function checkOptimizers(evaluator: Evaluator, network: Network, lines: readonly Scoped<OptimizeLine>[]): void {
  const scope = new WeightScope("", "train");
  for (const line of lines) makeGroup(evaluator, network, line, scope);
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
    const isNumber = schedule.kind === "float" || schedule.kind === "int";
    const constant = isNumber ? `constant(${spanText(node.at.span)})` : "";
    const help =
      constant === "" ? "behind `at` stands a schedule:   constant(0.01)" : `a rate that stays:   ${constant}`;
    reportNoBlock(context, "what follows `at`", schedule, node.at.span, help, constant);
  }
  if (optimizer.kind !== "block" && optimizer.kind !== "unknown") {
    reportNoBlock(
      context,
      "what follows `by`",
      optimizer,
      node.by.span,
      "behind `by` stands an optimizer:   sgd(momentum: 0.9)",
    );
  }
  // said here too, for where other mistakes keep the step from being made
  if (optimizer.kind === "block") {
    const { tensors = [] } = listsOf(optimizer);
    const { name } = optimizer;
    const help = `an optimizer is made of a weight, its gradient and the rate:   block ${name}(w: float[...S], g: float[...S], rate: f32[]) -> float[...S]`;
    const args = { callee: name, wanted: tensors.length, given: 3, names: tensors.map((p) => p.name.text), help };
    if (tensors.length !== 3) context.report("E0205", args, node.by.span);
  }
  return { line, optimizer: optimizer.kind === "block" ? optimizer : undefined, rate };
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

/**
 * Elaborates a plan: one network for training and one for evaluation and prediction, and from them the three graphs of a
 * program. Everything is checked here once, also what no graph ends up reading.
 */
import { report } from "../diagnostics/catalog.ts";
import type { DiagnosticBag } from "../diagnostics/diagnostic.ts";
import type { TypeRules } from "../graph/builder.ts";
import type { Graph, Output, Value, Variable } from "../graph/graph.ts";
import { reachableFrom, withoutUnread } from "../graph/reach.ts";
import type { Part, Program } from "../program.ts";
import { isFloat } from "../types/tensor.ts";
import { Accumulation } from "./accumulation.ts";
import { declareCounters, refuseTimedPredictions } from "./clock.ts";
import { pipedOn } from "./edits.ts";
import { refuseUnsaidSizes } from "./sizes.ts";
import { waysToMean } from "./ways.ts";
import { BudgetError, Context, newSharedState, type SharedState } from "./context.ts";
import { Evaluator } from "./evaluator.ts";
import { accumulates } from "./records.ts";
import { namedValues } from "./named.ts";
import type { CheckMemo } from "./memo.ts";
import { Network } from "./network.ts";
import { PathPattern } from "./patterns.ts";
import { outputName, type Plan } from "./plan.ts";
import { checkPredictions } from "./predictions.ts";
import {
  addTraining,
  checkOptimizers,
  checkServed,
  countStep,
  lossFilter,
  readerOf,
  sumOf,
  turnsOf,
} from "./training.ts";
import { describe, hasUnknown, tensorsIn, unknown, type Val } from "./values.ts";
import type { Span } from "../source/source.ts";
import type { Target } from "../syntax/ast.ts";

export interface Elaborated {
  readonly network: Network;
  readonly evaluator: Evaluator;
  readonly train: Graph | undefined;
  readonly accumulate: Graph | undefined;
  readonly evaluate: Graph;
  readonly predict: Graph;
  readonly variables: readonly Variable[];
  readonly parts: readonly Part[];
  readonly named: Program["named"];
  readonly pruned: readonly string[];
}

type Frozen = (path: string) => boolean;

export interface ElaborateOptions {
  /** Copies applications of one block to like tensors, as it always does; a test looks whether that changes anything. */
  readonly copies?: boolean;
  /** Only mistakes are wanted: the graphs that come back are not whole. */
  readonly checkOnly?: boolean;
  /** For checks of one program after another. */
  readonly memo?: CheckMemo | undefined;
}

export function elaborate(
  plan: Plan,
  rules: TypeRules,
  bag: DiagnosticBag,
  { copies = true, checkOnly = false, memo }: ElaborateOptions = {},
): Elaborated | undefined {
  const frozen = plan.freeze.flatMap(({ node }) => node.patterns.map((p) => p.value));
  const shared = newSharedState(copies, checkOnly, checkOnly ? memo : undefined, frozen.join());
  const freeze = frozen.map((pattern) => new PathPattern(pattern));
  const isFrozen =
    freeze.length === 0
      ? undefined
      : (path: string): boolean => freeze.some((p) => p.matches(path) || p.matches(`${path}.weight`));
  try {
    const evaluation = evaluationGraph(plan, rules, bag, shared, isFrozen);
    const { graph: training, accumulation, network } = trainingGraph(plan, rules, bag, shared, isFrozen);
    const { evaluate } = evaluation;
    const pruned = unreadParts(plan, evaluation, bag);
    if (training) warnUnmoved(plan, training, network, bag);
    refuseIdleFreezes(plan, [evaluate, training], bag);
    if (!bag.hasErrors) {
      const note = variantOf(plan) === undefined ? "" : `(in the variant \`${plan.name}\`)`;
      const predictions = evaluate.outputs.filter((o) => o.kind === "predict");
      refuseTimedPredictions(evaluate, note, bag);
      refuseUnsaidSizes(evaluate, predictions, note, bag);
      refuseUnsaidSizes(evaluate, evaluate.outputs, note, bag);
      if (training) refuseUnsaidSizes(training, training.outputs, note, bag);
    }
    if (checkOnly)
      return {
        ...evaluation,
        train: training,
        accumulate: undefined,
        predict: evaluate,
        variables: [],
        parts: [],
        named: { train: new Map(), evaluate: new Map() },
        pruned,
      };
    const existing = existingVariables(evaluate, training);
    const train = training && keepVariables(training, existing);
    const predict = withoutUnread({ ...evaluate, outputs: evaluate.outputs.filter((o) => o.kind === "predict") });
    const order = [...(train?.variables ?? []), ...evaluate.variables].filter((v) => existing.has(v.path));
    const unique = new Map<string, Variable>();
    for (const kind of ["param", "state", "optimizer", "counter"] as const) {
      for (const v of evaluate.variables)
        if (v.kind === kind && existing.has(v.path))
          unique.set(v.path, train?.variables.find((t) => t.path === v.path) ?? v);
      for (const v of order) if (v.kind === kind && !unique.has(v.path)) unique.set(v.path, v);
    }
    return {
      ...evaluation,
      train,
      accumulate: train && accumulation?.graphOf(train),
      evaluate: keepVariables(evaluate, existing),
      predict,
      variables: [...unique.values()],
      parts: partsOf(plan, evaluation.network),
      named: { train: namedValues(network), evaluate: namedValues(evaluation.network) },
      pruned,
    };
  } catch (error) {
    if (error instanceof BudgetError) return undefined;
    throw error;
  }
}

type Mode = { readonly network: Network; readonly evaluator: Evaluator; readonly evaluate: Graph };

function evaluationGraph(
  plan: Plan,
  rules: TypeRules,
  bag: DiagnosticBag,
  shared: SharedState,
  isFrozen: Frozen | undefined,
): Mode {
  const context = new Context({
    bag,
    rules,
    training: false,
    shared,
    variant: variantOf(plan),
    ...(isFrozen && { isFrozen }),
  });
  const evaluator = new Evaluator(context);
  const network = Network.over(evaluator, plan);
  const outputs = headOutputs(network, () => true);
  checkPredictions(context, outputs);
  // what no output reads is checked all the same
  network.section.force();
  for (const name of plan.regions.keys())
    for (const key of network.regions(name)?.keys() ?? []) network.regions(name)?.member(key);
  for (const [name, branch] of plan.branches) network.branch(name)?.force(branch.item.name.span);
  for (const name of network.headNames())
    for (const member of network.head(name)?.instances() ?? []) member.section.force();
  return { network, evaluator, evaluate: graphOf(context, outputs, []) };
}

function trainingGraph(
  plan: Plan,
  rules: TypeRules,
  bag: DiagnosticBag,
  shared: SharedState,
  isFrozen: Frozen | undefined,
): { readonly graph: Graph | undefined; readonly accumulation?: Accumulation | undefined; readonly network: Network } {
  const context = new Context({
    bag,
    rules,
    training: true,
    shared,
    variant: variantOf(plan),
    ...(isFrozen && { isFrozen }),
  });
  const evaluator = new Evaluator(context);
  const { step, clock } = declareCounters(context);
  context.clock = clock;
  const base = Network.over(evaluator, plan);
  const accumulation = accumulates(base) && !shared.checkOnly ? new Accumulation(context) : undefined;
  if (accumulation) context.clock = { ...clock, draws: accumulation.drawsOf(step.value) };
  const [outputs, more, totals]: [Output[], Output[], Value[]] = [[], [], []];
  const served = new Map<string, string | undefined>();
  // steps run one after the other, each over the weights that the one before left
  for (const [turn, { name, lines, span }] of turnsOf(plan).entries()) {
    const network = turn === 0 ? base : base.again();
    if (turn > 0) context.variables.settle();
    const wanted = lossFilter(lines);
    const losses = headOutputs(network, (kind, label) => kind === "loss" && wanted(label));
    if (losses.length === 0 && name === undefined) {
      if (bag.hasErrors) checkOptimizers(evaluator, network, lines);
      return { graph: undefined, network };
    }
    network.section.finish();
    for (const branch of plan.branches.keys()) network.branch(branch)?.finish();
    for (const head of network.headNames())
      for (const member of network.head(head)?.instances() ?? []) member.section.finish();
    outputs.push(...losses);
    if (bag.hasErrors) {
      checkOptimizers(evaluator, network, lines);
      continue;
    }
    const { gradients, total } = addTraining(evaluator, network, { name, lines, span, losses, served, accumulation });
    more.push(...gradients);
    if (total !== undefined) totals.push(total);
  }
  if (!bag.hasErrors) checkServed(evaluator, plan, served);
  const total = sumOf(evaluator, totals);
  if (total !== undefined) outputs.push({ name: "loss", kind: "total", value: total, span: undefined });
  outputs.push(...more);
  countStep(evaluator, step);
  const updates = shared.checkOnly ? [] : context.variables.updates().map((u) => ({ ...u }));
  return { graph: graphOf(context, outputs, updates), accumulation, network: base };
}

function variantOf(plan: Plan): string | undefined {
  return plan.basis.length > 0 ? plan.name : undefined;
}

function graphOf(context: Context, outputs: readonly Output[], updates: Graph["updates"]): Graph {
  context.templates.remember();
  const frozen = (v: Variable): Variable => (v.trained && context.isFrozen(v.path) ? { ...v, trained: false } : v);
  return {
    nodes: context.graph.nodes,
    ports: context.ports,
    variables: context.anyFrozen ? context.variables.all.map(frozen) : context.variables.all,
    updates,
    outputs,
    asserts: context.asserts,
  };
}

/** The outputs of every head that `keep` leaves, in order; predictions go by their own name where it is unique. */
function headOutputs(
  network: Network,
  wanted: (kind: "loss" | "predict" | "metric", label: string) => boolean,
): Output[] {
  const { evaluator, plan } = network;
  const predicted = network
    .headNames()
    .flatMap((n) =>
      [...(plan.heads.get(n)?.outputs.values() ?? [])]
        .filter((o) => o.output.kind === "predict")
        .map((o) => outputName(o.output)),
    );
  const outputs: Output[] = [];
  for (const name of network.headNames()) {
    const head = plan.heads.get(name);
    for (const member of network.head(name)?.instances() ?? []) {
      for (const [key, { output, value: part }] of head?.outputs ?? []) {
        if (!wanted(output.kind, `${member.path}.${key}`)) continue;
        const value = member.output(key) ?? unknown;
        const tensor = checkedOutput(evaluator, output.kind, value, part.expr.span);
        if (tensor === undefined) continue;
        const path = `${member.path}.${key}`;
        const alone = head?.in === undefined && predicted.filter((p) => p === key).length === 1;
        const label = output.kind === "predict" ? (alone ? key : path) : `${output.kind}.${path}`;
        outputs.push({ name: label, kind: output.kind, value: tensor, span: part.expr.span });
      }
    }
  }
  return outputs;
}
function checkedOutput(
  evaluator: Evaluator,
  kind: "loss" | "predict" | "metric",
  value: Val,
  span: Output["span"],
): Value | undefined {
  if (hasUnknown(value) || span === undefined) return undefined;
  const rank = value.kind === "tensor" ? value.type.shape.length : -1;
  const fits = kind === "loss" ? rank === 0 : kind === "metric" ? rank === 0 || rank === 1 : rank >= 1;
  const counts = kind === "predict" || (value.kind === "tensor" && isFloat(value.type.dtype));
  if (value.kind === "tensor" && fits && counts) return value.value;
  const wanted = { loss: "one number, f32[]", metric: "a number a sample, f32[B], or one number", predict: "a tensor" }[
    kind
  ];
  const { help, fixes } =
    value.kind !== "tensor" || kind === "predict"
      ? { help: "", fixes: [] }
      : fits
        ? { help: "count it as a number:   … |> cast(to: f32)", fixes: [pipedOn("cast it", span, "cast(to: f32)")] }
        : waysToMean(span, rank, kind === "loss" ? 0 : 1);
  evaluator.context.report(
    "E0410",
    { kind: kind === "predict" ? "prediction" : kind, wanted, given: describe(value), help },
    span,
    { fixes },
  );
  return undefined;
}

/**
 * A param or state exists if an output of some graph depends on it (3.6 of docs/language.md): reading a state only to
 * update it does not count.
 */
function existingVariables(evaluate: Graph, train: Graph | undefined): ReadonlySet<string> {
  const existing = new Set<string>();
  const seen = reachableFrom(evaluate.outputs.map((o) => o.value));
  for (const v of evaluate.variables) if (seen.has(v.value.node)) existing.add(v.path);
  if (train === undefined) return existing;
  const roots = [...train.outputs.filter((o) => o.kind !== "gradient").map((o) => o.value)];
  const reached = reachableFrom(roots);
  const waiting = new Set(train.updates);
  for (let grew = true; grew;) {
    grew = false;
    for (const v of train.variables) if (reached.has(v.value.node) || v.kind === "counter") existing.add(v.path);
    for (const update of waiting) {
      if (!existing.has(update.variable.path)) continue;
      waiting.delete(update);
      reachableFrom([update.value], reached);
      grew = true;
    }
  }
  return existing;
}
/** Parts whose values reach no output; in a model of its own that is worth a warning, in a variant it is how it prunes. */
function unreadParts(plan: Plan, { network, evaluate }: Mode, bag: DiagnosticBag): readonly string[] {
  const reached = reachableFrom(evaluate.outputs.map((o) => o.value));
  const unread: string[] = [];
  const look = (part: string, kind: string, value: Val | undefined, span: Span): void => {
    const nodes = value === undefined ? [] : tensorsIn(value).map((t) => t.value.node);
    if (nodes.length === 0 || nodes.some((n) => reached.has(n))) return;
    unread.push(part);
    // a mistake may be why nothing reads it
    if (plan.basis.length === 0 && !bag.hasErrors) report(bag, "E0702", { part, kind }, span);
  };
  for (const { line } of plan.lines) {
    if (line.kind !== "let") continue;
    for (const target of namesOf(line.target))
      if (!target.text.startsWith("_")) look(target.text, "let", network.section.lookup(target.text), target.span);
  }
  for (const [name, { members }] of plan.regions) {
    const regions = network.regions(name);
    for (const [key, { expr }] of members) look(`${name}.${key}`, "region", regions?.member(key), expr.span);
  }
  for (const [name, { item }] of plan.branches) {
    const results =
      network
        .branch(name)
        ?.results()
        .map(([, value]) => value) ?? [];
    const lines =
      network
        .branch(name)
        ?.members()
        .flatMap((m) => [...m.section.names()].flatMap((n) => m.section.lookup(n) ?? [])) ?? [];
    look(name, "branch", { kind: "tuple", members: [...results, ...lines] }, item.name.span);
  }
  return unread;
}
function namesOf(target: Target): readonly (Target & { readonly kind: "name" })[] {
  return target.kind === "name" ? [target] : target.members.flatMap(namesOf);
}

/** Weights that the losses do not depend on although an optimizer is to serve them. */
function warnUnmoved(plan: Plan, train: Graph, { evaluator }: Network, bag: DiagnosticBag): void {
  // without any `optimize` line that is what is told
  if (plan.basis.length > 0 || bag.hasErrors || (plan.optimize.length === 0 && plan.steps.length === 0)) return;
  const reached = reachableFrom(train.outputs.filter((o) => o.kind === "loss").map((o) => o.value));
  const moved = new Set(train.outputs.filter((o) => o.kind === "gradient").map((o) => o.name.slice("grad.".length)));
  const still = train.variables.filter((v) => v.trained && reached.has(v.value.node) && !moved.has(v.path));
  const [first] = still;
  if (first === undefined) return;
  // the layer's place in the model, not that of the `param` in the library
  const place = readerOf(first, train.nodes, evaluator.context.templates);
  report(bag, "E0703", { paths: still.map((v) => v.path) }, place ?? plan.model.name.span);
}

/** Patterns of `freeze` that hold nothing still; in a variant, what they fit may be gone on purpose. */
function refuseIdleFreezes(plan: Plan, graphs: readonly (Graph | undefined)[], bag: DiagnosticBag): void {
  if (plan.freeze.length === 0 || plan.basis.length > 0 || bag.hasErrors) return;
  const paths = [...new Set(graphs.flatMap((g) => g?.variables ?? []).map((v) => v.path))];
  for (const { node } of plan.freeze)
    for (const { value, span } of node.patterns) {
      const pattern = new PathPattern(value);
      if (paths.some((path) => pattern.matches(path))) continue;
      const weights = paths.filter((path) => !path.startsWith("optimizer.") && path.includes("."));
      report(bag, "E0603", { patterns: [value], weights }, span);
    }
}

function keepVariables(graph: Graph, existing: ReadonlySet<string>): Graph {
  return withoutUnread({
    ...graph,
    updates: graph.updates.filter((u) => existing.has(u.variable.path)),
    outputs: graph.outputs.filter((o) => o.kind !== "gradient" || existing.has(o.name.slice("grad.".length))),
    variables: graph.variables.filter((v) => existing.has(v.path)),
  });
}

function partsOf(plan: Plan, network: Network): readonly Part[] {
  const parts: Part[] = [];
  for (const { line } of plan.lines) {
    if (line.kind === "let" && line.target.kind === "name") parts.push({ path: line.target.text, kind: "let" });
  }
  for (const name of plan.regions.keys()) parts.push({ path: name, kind: "regions" });
  for (const name of plan.branches.keys()) {
    parts.push({ path: name, kind: "branch" });
    for (const member of network.branch(name)?.members() ?? [])
      parts.push({ path: `${name}.${member.key}`, kind: "member" });
    if (plan.branches.get(name)?.fuse) parts.push({ path: `${name}.fuse`, kind: "fuse" });
  }
  for (const name of network.headNames()) parts.push({ path: name, kind: "head" });
  return parts;
}

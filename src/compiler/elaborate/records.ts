/**
 * The `train`, `data` and `pretrained` sections as plain data: evaluated and checked here, run by the runtime.
 */
import type { Graph } from "../graph/graph.ts";
import type { Plain, PretrainedMap, PretrainedRule } from "../program.ts";
import type { Expr } from "../syntax/ast.ts";
import { Dim } from "../types/dim.ts";
import type { Static } from "../types/static.ts";
import { WeightScope } from "./environment.ts";
import { Context, newSharedState } from "./context.ts";
import { Evaluator } from "./evaluator.ts";
import type { Network } from "./network.ts";
import type { PartExpr, Plan } from "./plan.ts";
import { makeTensor } from "./tensors.ts";
import { accumulateField, trainFields } from "./training.ts";
import { foreignSetting } from "../diagnostics/foreign-names.ts";
import { suggest } from "../diagnostics/suggest.ts";
import { type Span, spanText } from "../source/source.ts";

/** A static value as plain data; a symbolic size has none. */
export function plainOf(value: Static): Plain {
  switch (value.kind) {
    case "int":
      return value.dim.constant ?? value.dim.toString();
    case "float":
    case "bool":
    case "string":
      return value.value;
    case "dtype":
      return value.dtype;
    case "tuple":
      return value.members.map(plainOf);
    case "collection":
      return value.named
        ? Object.fromEntries(value.keys.map((k, i) => [k, memberOf(value.members, i)]))
        : value.members.map(plainOf);
  }
}
function memberOf(members: readonly Static[], index: number): Plain {
  const member = members[index];
  return member === undefined ? "" : plainOf(member);
}

export function settingsOf(network: Network): Record<string, Plain> {
  const settings: Record<string, Plain> = {};
  for (const name of network.settingNames()) {
    const value = network.setting(name);
    if (value === undefined) continue;
    if (value.kind === "block") settings[name] = value.name;
    else if (value.kind !== "unknown") settings[name] = plainOf(value as Static);
  }
  return settings;
}

const counts = ["batch", "epochs", accumulateField];

export function trainingFields(network: Network): Record<string, Plain> {
  const { plan, evaluator } = network;
  for (const [name, part] of plan.training) {
    if (trainFields.includes(name)) continue;
    const span = fieldName(plan, "train", name) ?? part.expr.span;
    const { near, advice, fixes } = suggest(name, span, trainFields, foreignSetting(name, trainFields));
    evaluator.context.report("E0607", { name, known: trainFields, near, advice }, span, { fixes });
  }
  const made = fields(network, new Map([...plan.training].filter(([name]) => counts.includes(name))));
  for (const name of counts) {
    const value = made[name];
    const span = plan.training.get(name)?.expr.span;
    if (value === undefined || span === undefined || (Number.isSafeInteger(value) && Number(value) >= 1)) continue;
    const args = { what: `\`${name}\``, wanted: "a whole number of 1 or more", given: JSON.stringify(value) };
    evaluator.context.report("E0206", { ...args, help: `such as ${name} = 32` }, span);
  }
  return made;
}
/** Whether a step sums over micro-batches. Where steps take turns none can: each is over the weights that the one before left. */
export function accumulates(network: Network): boolean {
  const { plan, evaluator } = network;
  const part = plan.training.get(accumulateField);
  if (part === undefined) return false;
  const value = fields(network, new Map([[accumulateField, part]]))[accumulateField];
  if (value === 1 || plan.steps.length === 0) return Number(value) > 1;
  const given = JSON.stringify(value ?? null);
  const args = { what: `\`${accumulateField}\``, wanted: "1 where steps take turns", given };
  const help = "each step is over the weights that the one before left; take a larger batch";
  evaluator.context.report("E0206", { ...args, help }, part.expr.span);
  return false;
}
/** Where the name of a field stands in the model itself; an edit of a variant has no such place. */
function fieldName(plan: Plan, section: "train" | "data", name: string): Span | undefined {
  for (const item of plan.model.items) {
    if (item.kind !== section) continue;
    const lines = item.kind === "train" ? item.lines.filter((line) => line.kind === "field") : item.fields;
    const field = lines.find((f) => f.name.text === name);
    if (field) return field.name.span;
  }
  return undefined;
}
function fields(network: Network, parts: ReadonlyMap<string, PartExpr>): Record<string, Plain> {
  const result: Record<string, Plain> = {};
  for (const [name, part] of parts) {
    const env = network.partEnvironment(part, new WeightScope("", name), undefined, new Map());
    const value = network.evaluator.static(part.expr, env);
    if (value !== undefined) result[name] = plainOf(value);
  }
  return result;
}

const dataLists = ["prepare", "augment"];

/** The `data` section: a loader for each input and target, and lists of what is done to the samples. */
export function dataFields(network: Network): Record<string, Plain> | undefined {
  const { plan, evaluator } = network;
  if (plan.data === undefined) return undefined;
  const names = [...plan.ports.keys(), ...dataLists];
  for (const [name, part] of plan.data) {
    if (names.includes(name)) continue;
    const ports = [...plan.ports.keys()];
    const span = fieldName(plan, "data", name) ?? part.expr.span;
    const { near, fixes } = suggest(name, span, names, undefined);
    evaluator.context.report("E0604", { name, near, ports }, span, { fixes });
  }
  const made = fields(network, plan.data);
  for (const [name, value] of Object.entries(made)) {
    const span = plan.data.get(name)?.expr.span;
    if (span !== undefined && names.includes(name)) checkDataField(network, name, value, span);
  }
  return made;
}

/** What a field of `data` has to be, as far as it does not depend on what the runtime knows. */
function checkDataField(network: Network, name: string, value: Plain, span: Span): void {
  const { context } = network.evaluator;
  const isRecord = (v: Plain): boolean => typeof v === "object" && !Array.isArray(v) && "kind" in v;
  const text = spanText(span);
  if (dataLists.includes(name)) {
    // A map of steps is a list of them; a map with a `kind` is one step.
    if (Array.isArray(value) || (typeof value === "object" && !isRecord(value))) return;
    const fixes = isRecord(value) ? [{ title: `write \`[${text}]\``, span, text: `[${text}]` }] : [];
    const args = { what: `\`${name}\``, wanted: "a list of what is done to the samples", given: "no list" };
    context.report("E0206", { ...args, help: `${name} = [${isRecord(value) ? text : "random_flip()"}]` }, span, {
      fixes,
    });
  } else if (!isRecord(value)) {
    const given = typeof value === "string" ? "a string" : Array.isArray(value) ? "a list" : "no loader";
    const loader =
      typeof value === "string" ? `column(${text})` : Array.isArray(value) ? `columns(${text})` : 'column("NAME")';
    const fixes = typeof value === "string" ? [{ title: `write \`${loader}\``, span, text: loader }] : [];
    const args = { what: `\`${name}\``, wanted: "a loader", given, help: `${name} = ${loader}` };
    context.report("E0206", args, span, { fixes });
  }
}

export function pretrainedMaps(network: Network): PretrainedMap[] {
  return [...network.plan.pretrained].map(([name, { item, rules }]): PretrainedMap => ({
    name,
    from: item.from.value,
    rules: rules.map(({ node, scope }): PretrainedRule => {
      if (node.kind !== "map")
        return {
          kind: node.kind,
          patterns: node.patterns.map((p) => p.value),
          source: undefined,
          transform: undefined,
        };
      const source = sourceOf(node.value);
      if (source === undefined) reportNoSource(network, node.value);
      else if (node.value.kind === "pipe") checkTransform(network, { expr: node.value, scope, base: undefined });
      const piped = node.value.kind === "pipe" ? node.value : undefined;
      return {
        kind: "map",
        patterns: [node.pattern.value],
        source,
        transform: piped && ((shape) => transformGraph(network, { expr: piped, scope, base: undefined }, shape)),
      };
    }),
  }));
}
/** A name of a weight without its quotes. */
function reportNoSource(network: Network, expr: Expr): void {
  const text = spanText(expr.span);
  const source = /^[a-z_][\w.]*$/i.test(text) ? JSON.stringify(text) : "";
  const fixes = source === "" ? [] : [{ title: `write ${source}`, span: expr.span, text: source }];
  network.evaluator.context.report("E0605", { source, block: false }, expr.span, { fixes });
}
function sourceOf(expr: Expr): string | undefined {
  if (expr.kind === "string") return expr.value;
  return expr.kind === "pipe" ? sourceOf(expr.input) : undefined;
}
function checkTransform(network: Network, part: PartExpr): void {
  if (part.expr.kind !== "pipe") return;
  const env = network.partEnvironment(part, new WeightScope("", "pretrained"), undefined, new Map());
  const block = network.evaluator.evaluate(part.expr.target, env, { block: true });
  if (block.kind !== "block" && block.kind !== "unknown")
    network.evaluator.context.report("E0605", { source: "", block: true }, part.expr.target.span);
}

/** The graph that makes a weight of the model from a source tensor of this shape: input `source`, output `value`. */
function transformGraph(network: Network, part: PartExpr, shape: readonly number[]): Graph {
  const { bag, graph } = network.evaluator.context;
  const context = new Context({ bag, rules: graph.rules, training: false, shared: newSharedState() });
  const evaluator = new Evaluator(context);
  const type = { dtype: "f32", shape: shape.map((n) => Dim.of(n)) } as const;
  const node = context.graph.node("input", { name: "source", kind: "input" }, [], [type]);
  const source = makeTensor({ node, index: 0 }, []);
  const env = network.partEnvironment(part, new WeightScope("", "pretrained"), undefined, new Map());
  const apply = (expr: Expr): ReturnType<Evaluator["plain"]> => {
    if (expr.kind !== "pipe") return source;
    const given = apply(expr.input);
    const block = evaluator.evaluate(expr.target, env, { block: true });
    if (block.kind !== "block") return { kind: "unknown" };
    return evaluator.applier.apply(block, [{ value: given, expr: undefined }], {
      expr,
      span: expr.target.span,
      env,
      want: {},
    });
  };
  const made = apply(part.expr);
  const outputs =
    made.kind === "tensor" ? [{ name: "value", kind: "value", value: made.value, span: part.expr.span } as const] : [];
  return {
    nodes: context.graph.nodes,
    ports: [{ name: "source", kind: "input", type, value: { node, index: 0 }, range: undefined, span: undefined }],
    variables: [],
    updates: [],
    outputs,
    asserts: [],
  };
}

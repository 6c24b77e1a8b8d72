/**
 * A model evaluated over certain inputs: its ports, lets, regions, branches and heads, each when first read. The same model
 * with inputs replaced (`e with …`) is another network over the same weights.
 */
import type { FileScope } from "../resolve/modules.ts";
import type { Span } from "../source/source.ts";
import { spanText } from "../source/source.ts";
import type { AssertLine, PortItem } from "../syntax/ast.ts";
import { intValue, mapOf } from "../types/static.ts";
import { Dim } from "../types/dim.ts";
import { isDType, isDTypeClass } from "../types/tensor.ts";
import { resolveType } from "./bodies.ts";
import { withBase } from "./base.ts";
import { BranchInstance } from "./branch.ts";
import { type Environment, extend, noNaming, WeightScope, type WorldContext } from "./environment.ts";
import type { Evaluator } from "./evaluator.ts";
import { fileEnvironment } from "./files.ts";
import { fitStatic } from "./functions.ts";
import { reportWrongValue } from "./mistakes.ts";
import { HeadInstance } from "./head.ts";
import type { PartExpr, Plan } from "./plan.ts";
import { resolveRange } from "./ranges.ts";
import { RegionsInstance } from "./regions.ts";
import { Section, sectionEnvironment } from "./section.ts";
import { checkSlot } from "./slots.ts";
import { makeTensor } from "./tensors.ts";
import { hasUnknown, type PartVal, unknown, type Val } from "./values.ts";

export class Network {
  readonly evaluator: Evaluator;
  readonly plan: Plan;
  readonly #replaced: ReadonlyMap<string, Val>;
  readonly #settings: ReadonlyMap<string, Val>;
  readonly #ports: Map<string, Val>;
  readonly section: Section;
  readonly #weights = new WeightScope("", "the model");
  readonly #branches = new Map<string, BranchInstance>();
  readonly #regions = new Map<string, RegionsInstance>();
  readonly #heads = new Map<string, HeadInstance>();
  readonly #others: Map<string, Network>;
  readonly #files = new Map<FileScope, Environment>();
  readonly #symbolic: ReadonlySet<string>;
  /** What the model's asserts know to divide a symbolic size. */
  readonly #divisors: Map<string, number>;
  readonly #removed = (name: string): Span | undefined => this.plan.removed.get(name);

  private constructor(
    evaluator: Evaluator,
    plan: Plan,
    settings: ReadonlyMap<string, Val>,
    ports: Map<string, Val>,
    replaced: ReadonlyMap<string, Val>,
    others: Map<string, Network>,
    divisors: Map<string, number>,
  ) {
    this.evaluator = evaluator;
    this.plan = plan;
    this.#settings = settings;
    this.#ports = ports;
    this.#replaced = replaced;
    this.#others = others;
    this.#divisors = divisors;
    this.#symbolic = symbolicSizes(plan);
    this.section = new Section(evaluator, plan.lines, (part, section) =>
      this.partEnvironment(part, this.#weights, section, new Map()),
    );
  }
  /** The same model over the same inputs, evaluated anew: it reads what became of the variables. */
  again(): Network {
    const { evaluator, plan } = this;
    return new Network(evaluator, plan, this.#settings, this.#ports, new Map(), new Map(), this.#divisors);
  }
  static over(evaluator: Evaluator, plan: Plan): Network {
    const settings = new Map<string, Val>();
    const network = new Network(evaluator, plan, settings, new Map(), new Map(), new Map(), new Map());
    network.#bindSettings(settings);
    network.#declareDims();
    network.#declarePorts();
    return network;
  }

  #bindSettings(settings: Map<string, Val>): void {
    const { context } = this.evaluator;
    for (const [name, { param, value }] of this.plan.params) {
      const part = value ?? (param.default && { expr: param.default, scope: this.plan.scope, base: undefined });
      if (part === undefined) {
        context.report("E0221", { name, model: this.plan.name }, param.span);
        settings.set(name, unknown);
        continue;
      }
      const given = this.evaluator.plain(part.expr, this.partEnvironment(part, this.#weights, undefined, settings), {
        block: param.type?.kind === "block",
      });
      const fitted = hasUnknown(given) ? unknown : fitStatic(given, param.type);
      if (fitted === undefined) {
        reportWrongValue(context, name, param.type, given, part.expr);
      }
      if (fitted !== undefined && !checkSlot(context, this.plan.name, param, fitted, part.expr.span)) {
        settings.set(name, unknown);
        continue;
      }
      const slot = fitted?.kind === "block" ? { ...fitted, slot: { name, config: [] } } : fitted;
      settings.set(name, slot ?? unknown);
    }
  }
  #declareDims(): void {
    const { context } = this.evaluator;
    for (const { node, scope } of this.plan.dims) {
      const env = this.partEnvironment(
        { expr: node.range, scope, base: undefined },
        this.#weights,
        undefined,
        new Map(),
      );
      const { range } = node;
      if (range.kind !== "binary" || (range.op !== "..<" && range.op !== "..=")) {
        context.report(
          "E0206",
          { what: `\`dim ${node.name.text}\``, wanted: "a range such as 16 ..= 2048", given: spanText(range.span) },
          range.span,
        );
        continue;
      }
      const [low, high] = [this.evaluator.static(range.left, env), this.evaluator.static(range.right, env)];
      if (low?.kind !== "int" || high?.kind !== "int") continue;
      const to = high.dim.constant ?? Infinity;
      const bounds = { low: low.dim.constant ?? 1, high: range.op === "..<" ? to - 1 : to };
      context.facts = context.facts.bounded(node.name.text, bounds);
      this.#checkAtRunTime(node.name.text, bounds, range.span);
    }
    for (const { line, value } of this.plan.lines) if (line.kind === "assert") this.#assumeDivisor(line, value);
  }
  #checkAtRunTime(name: string, { low, high }: { readonly low: number; readonly high: number }, span: Span): void {
    const checks = [
      { comparison: ">=", bound: low, said: low > 1 },
      { comparison: "<=", bound: high, said: Number.isFinite(high) },
    ] as const;
    for (const { comparison, bound, said } of checks) {
      const right = said ? Dim.of(bound) : undefined;
      if (right)
        this.evaluator.context.asserts.push({ left: Dim.variable(name), comparison, right, message: "", span });
    }
  }
  /** `assert H % 16 == 0` over a size that is known at run time: an engine checks it, everything here may rely on it. */
  #assumeDivisor(line: AssertLine, { expr, scope }: PartExpr): void {
    const { context } = this.evaluator;
    if (expr.kind !== "binary" || expr.op !== "==" || expr.left.kind !== "binary" || expr.left.op !== "%") return;
    const env = this.partEnvironment({ expr, scope, base: undefined }, this.#weights, undefined, new Map());
    const [of, by, rest] = [expr.left.left, expr.left.right, expr.right].map((e) => this.evaluator.static(e, env));
    const size = of?.kind === "int" ? of.dim.asVariable : undefined;
    const divisor = by?.kind === "int" ? by.dim.constant : undefined;
    if (size === undefined || divisor === undefined || rest?.kind !== "int" || rest.dim.constant !== 0) return;
    const before = this.#divisors.get(size.name) ?? 1;
    const unit = leastCommonMultiple(before, divisor);
    const plain = Dim.variable(size.name);
    context.asserts.push({
      left: plain.modulo(Dim.of(divisor)),
      comparison: "==",
      right: Dim.zero,
      message: line.message ?? "",
      span: expr.span,
    });
    this.#divisors.set(size.name, unit);
    const { low, high } = context.facts.interval(plain);
    const part = Dim.variable(size.name, "", unit).terms[0]?.factors[0]?.atom;
    if (part !== undefined)
      context.facts = context.facts.bounded(part.key, { low: Math.ceil(low / unit), high: Math.floor(high / unit) });
  }
  #declarePorts(): void {
    const { evaluator } = this;
    const { context } = evaluator;
    for (const [name, { node, scope }] of this.plan.ports) {
      const env = this.partEnvironment(
        { expr: { kind: "bad", span: node.span }, scope, base: undefined },
        this.#weights,
        undefined,
        new Map(),
      );
      const type = this.#isClass(name, node) ? undefined : resolveType(evaluator, node.type, env);
      if (type === undefined) {
        this.#ports.set(name, unknown);
        continue;
      }
      const range = resolveRange(evaluator, node.type, env);
      const made = context.graph.at({ path: name, span: node.span }, () =>
        context.graph.node("input", { name, kind: node.kind }, [], [type]),
      );
      const reason = { span: node.span, text: `declared by \`${node.kind} ${name}\``, argument: undefined };
      const value = { node: made, index: 0 };
      context.ports.push({ name, kind: node.kind, type, value, range, span: node.span });
      if (range && node.type.kind === "tensor" && node.type.range) {
        const to = node.type.range.kind === "binary" ? node.type.range.right : undefined;
        const param = to?.kind === "name" ? this.plan.params.get(to.text)?.param : undefined;
        context.ranges.set(made, {
          span: param?.name.span ?? node.type.range.span,
          text: spanText(node.type.range.span),
          model: this.plan.model.span,
          size: to && spanText(to.span),
        });
      }
      this.#ports.set(
        name,
        makeTensor(
          value,
          type.shape.map(() => reason),
          range,
        ),
      );
    }
  }

  /** An input says which element type it has: `float` stands for several, in the signatures of blocks. */
  #isClass(name: string, { type }: PortItem): boolean {
    if (type.kind !== "tensor" || type.dims === undefined) return false;
    const given = type.name.text;
    if (isDType(given) || !isDTypeClass(given)) return false;
    const text = given === "int" ? "i64" : "f32";
    const args = { what: `\`${name}\``, wanted: "one element type", given: `\`${given}\`, which stands for several` };
    const fixes = [{ title: `write \`${text}\``, span: type.name.span, text }];
    const help = `${name}: ${text}${spanText(type.span).slice(given.length)}`;
    this.evaluator.context.report("E0206", { ...args, help }, type.name.span, { fixes });
    return true;
  }

  // --- names --------------------------------------------------------------------------------------------------------

  lookup(name: string): Val | undefined {
    const direct =
      this.#settings.get(name) ?? this.#replaced.get(name) ?? this.#ports.get(name) ?? this.section.lookup(name);
    if (direct !== undefined) return direct;
    if (name === "branch") return this.#allBranches();
    if (this.plan.branches.has(name)) return this.branch(name)?.value;
    if (this.plan.regions.has(name)) return this.regions(name)?.value;
    return this.#symbolic.has(name) ? intValue(Dim.variable(name, "", this.#divisors.get(name))) : undefined;
  }
  /** Predictions are in scope by name, where nothing else has it: they hide nothing. */
  #predicted(name: string): Val | undefined {
    for (const [head, plan] of this.plan.heads) {
      if (plan.in === undefined && plan.outputs.get(name)?.output.kind === "predict")
        return this.head(head)?.instances()[0]?.output(name);
    }
    return undefined;
  }
  *names(): Iterable<string> {
    yield* this.#settings.keys();
    yield* this.#ports.keys();
    yield* this.section.names();
    yield* this.plan.branches.keys();
    yield* this.plan.regions.keys();
  }
  setting(name: string): Val | undefined {
    return this.#settings.get(name);
  }
  settingNames(): Iterable<string> {
    return this.#settings.keys();
  }

  /** Where a part is read: `inner` names first, then the model's, then the file that wrote the part. */
  partEnvironment(
    part: PartExpr,
    weights: WeightScope,
    section: Section | undefined,
    inner: ReadonlyMap<string, Val>,
    world?: (network: Network) => Environment,
  ): Environment {
    const file = this.#files.get(part.scope) ?? fileEnvironment(this.evaluator, part.scope);
    this.#files.set(part.scope, file);
    // one is made for each part and each line, so it is written out
    const outer: Environment = {
      file: file.file,
      weights,
      naming: noNaming,
      dtypes: file.dtypes,
      world: this.#world(world ?? ((network) => network.partEnvironment(part, weights, network.section, inner))),
      removed: this.#removed,
      reader: undefined,
      readsAsBranch: undefined,
      lookup: (name) => this.lookup(name) ?? file.lookup(name) ?? this.#predicted(name),
      names: () => chain(this.names(), file.names()),
    };
    const env =
      section === undefined || section === this.section
        ? extend(outer, inner)
        : sectionEnvironment(outer, section, inner);
    const { base, place } = part;
    if (base === undefined) return env;
    return withBase(this.evaluator, env, base, place, () => this.partEnvironment(base, weights, section, inner, world));
  }
  #world(environment: (network: Network) => Environment): WorldContext {
    return {
      input: (name) => (this.plan.ports.get(name)?.node.kind === "input" ? this.#ports.get(name) : undefined),
      withInputs: (replaced) => environment(this.#with(replaced)),
    };
  }
  #with(replaced: ReadonlyMap<string, Val>): Network {
    const key = [...replaced]
      .map(([name, v]) => `${name}=${v.kind === "tensor" ? `${v.value.node.id}.${v.value.index}` : ""}`)
      .join();
    const known = this.#others.get(key);
    if (known) return known;
    const network = new Network(
      this.evaluator,
      this.plan,
      this.#settings,
      this.#ports,
      replaced,
      this.#others,
      this.#divisors,
    );
    this.#others.set(key, network);
    return network;
  }

  // --- parts --------------------------------------------------------------------------------------------------------

  branch(name: string): BranchInstance | undefined {
    const plan = this.plan.branches.get(name);
    if (plan === undefined) return undefined;
    const known = this.#branches.get(name) ?? new BranchInstance(this, name, plan);
    this.#branches.set(name, known);
    return known;
  }
  regions(name: string): RegionsInstance | undefined {
    const plan = this.plan.regions.get(name);
    if (plan === undefined) return undefined;
    const known = this.#regions.get(name) ?? new RegionsInstance(this, name, plan);
    this.#regions.set(name, known);
    return known;
  }
  head(name: string): HeadInstance | undefined {
    const plan = this.plan.heads.get(name);
    if (plan === undefined) return undefined;
    const known = this.#heads.get(name) ?? new HeadInstance(this, name, plan);
    this.#heads.set(name, known);
    return known;
  }
  /** Branches that `keep` leaves in the collection. */
  branchNames(): readonly string[] {
    return [...this.plan.branches.keys()].filter((n) => this.plan.keptBranches?.has(n) !== false);
  }
  headNames(): readonly string[] {
    return [...this.plan.heads.keys()].filter((n) => this.plan.keptHeads?.has(n) !== false);
  }

  /** `branch`: the namespace of all branches. */
  #allBranches(): PartVal {
    const members = (): readonly BranchInstance[] => this.branchNames().flatMap((n) => this.branch(n) ?? []);
    const star: PartVal = {
      kind: "part",
      name: "branch.*",
      member: () => undefined,
      memberNames: () => [],
      star: () =>
        mapOf(members().flatMap((b) => b.results().map(([key, value]): [string, Val] => [`${b.name}.${key}`, value]))),
      plain: (at: Span) => mapOf(members().map((b): [string, Val] => [b.name, b.value.plain(at)])),
    };
    return {
      kind: "part",
      name: "branch",
      member: (name) => this.branch(name)?.value,
      memberNames: () => this.branchNames(),
      star: () => star,
      plain: (at) => star.plain(at),
    };
  }
}

function* chain(...parts: Iterable<string>[]): Iterable<string> {
  for (const part of parts) yield* part;
}

/** Upper-case names in the shapes of inputs and targets that nothing else defines: sizes known at run time. */
function symbolicSizes(plan: Plan): ReadonlySet<string> {
  const names = new Set<string>(plan.dims.map((d) => d.node.name.text));
  for (const { node } of plan.ports.values()) {
    if (node.type.kind !== "tensor") continue;
    for (const dim of node.type.dims ?? []) {
      if (dim.kind === "expr" && dim.value.kind === "name" && /^[A-Z]/.test(dim.value.text)) names.add(dim.value.text);
    }
  }
  return names;
}

function leastCommonMultiple(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y !== 0) [x, y] = [y, x % y];
  return (a / x) * b;
}

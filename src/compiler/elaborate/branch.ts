/** A branch: one body for each member of a collection, and what fuses the results. Evaluated when read. */
import type { Span } from "../source/source.ts";
import { mapOf } from "../types/static.ts";
import { bindTarget, evaluateNamed } from "./bodies.ts";
import { type Environment, WeightScope } from "./environment.ts";
import { reportNoBlock } from "./mistakes.ts";
import type { Network } from "./network.ts";
import type { BranchPlan, PartExpr } from "./plan.ts";
import { recall } from "./recall.ts";
import { Section } from "./section.ts";
import { hasUnknown, type PartVal, unknown, type Val } from "./values.ts";
import { stringValue } from "../types/static.ts";

/** One sub-network. */
class Member {
  readonly key: string;
  readonly section: Section;
  readonly #network: Network;
  readonly #plan: BranchPlan;
  readonly #locals: ReadonlyMap<string, Val>;
  readonly #weights: WeightScope;
  #result: Val | undefined;

  constructor(network: Network, branch: string, plan: BranchPlan, key: string, locals: ReadonlyMap<string, Val>) {
    this.#network = network;
    this.#plan = plan;
    this.key = key;
    this.#locals = locals;
    this.#weights = new WeightScope(`${branch}.${key}`, `${branch}.${key}`);
    this.section = new Section(network.evaluator, plan.lines, (part, section) => this.#environment(part, section));
  }
  #environment(part: PartExpr, section: Section): Environment {
    return this.#network.partEnvironment(part, this.#weights, section, this.#locals);
  }
  /** The sub-network's result, where it was read. */
  get result(): Val | undefined {
    return this.#result;
  }
  /** The sub-network's result. */
  evaluate(): Val {
    const { evaluator } = this.#network;
    const { expr } = this.#plan.result;
    const env = this.#environment(this.#plan.result, this.section);
    this.#result ??= recall(evaluator, { expr }, env, (own) => evaluateNamed(evaluator, expr, undefined, own, {}));
    return this.#result;
  }
}

export class BranchInstance {
  readonly name: string;
  readonly value: PartVal;
  readonly #network: Network;
  readonly #plan: BranchPlan;
  #members: readonly Member[] | undefined;
  /** What it goes over could not be read: its values fit everything. */
  #broken = false;
  #fused: Val | undefined;

  constructor(network: Network, name: string, plan: BranchPlan) {
    this.#network = network;
    this.#plan = plan;
    this.name = name;
    const star: PartVal = {
      kind: "part",
      name: `${name}.*`,
      member: (line) => this.#column(line),
      memberNames: () => [...new Set(this.members().flatMap((m) => [...m.section.names()]))],
      star: () => undefined,
      plain: () => (this.members().length === 0 && this.#broken ? unknown : mapOf(this.results())),
    };
    this.value = {
      kind: "part",
      name,
      member: (key) => (this.members().length === 0 && this.#broken ? unknown : this.#memberValue(key)),
      memberNames: () => this.members().map((m) => m.key),
      star: () => star,
      plain: (at) => this.#fusedValue(at),
    };
  }

  /** The sub-networks that were read so far. */
  get evaluated(): readonly Member[] {
    return this.#members ?? [];
  }
  /** What fuses the results, where it was read. */
  get fused(): Val | undefined {
    return this.#fused;
  }
  members(): readonly Member[] {
    if (this.#members) return this.#members;
    this.#members = []; // a branch that goes over itself ends here
    const { evaluator } = this.#network;
    const { item } = this.#plan;
    const clause = { ...item.for, in: this.#plan.in.expr };
    const env = this.#network.partEnvironment(
      this.#plan.in,
      new WeightScope(this.name, this.name),
      undefined,
      new Map(),
    );
    const made: Member[] = [];
    const over = evaluator.collection(clause.in, { ...env, reader: this.name, readsAsBranch: true });
    this.#broken = over === undefined;
    for (const [i, value] of (over?.members ?? []).entries()) {
      const key = over?.keys[i] ?? String(i);
      if (key === "fuse") {
        // `NAME.fuse` is where the weights of the fusion are
        const help = "the weights of a branch's fusion are called so; another key, such as `fused`";
        evaluator.context.report("E0106", { word: key, help }, clause.in.span);
        this.#broken = true;
        return [];
      }
      const locals = new Map<string, Val>();
      if (clause.key) locals.set(clause.key.text, stringValue(key));
      bindTarget(evaluator, clause.target, value, locals);
      if (clause.if) {
        const keep = evaluator.static(
          clause.if,
          this.#network.partEnvironment(this.#plan.in, new WeightScope(this.name, this.name), undefined, locals),
        );
        if (keep?.kind !== "bool" || !keep.value) continue;
      }
      made.push(new Member(this.#network, this.name, this.#plan, key, locals));
    }
    this.#members = made;
    return made;
  }
  /** Every sub-network's result by its key. */
  results(): readonly (readonly [string, Val])[] {
    return this.members().map((m) => [m.key, m.evaluate()] as const);
  }
  #column(line: string): Val | undefined {
    const entries: [string, Val][] = [];
    if (this.members().length === 0 && this.#broken) return unknown;
    for (const member of this.members()) {
      const value = member.section.lookup(line);
      if (value === undefined) return undefined;
      entries.push([member.key, value]);
    }
    return mapOf(entries);
  }
  #memberValue(key: string): PartVal | undefined {
    const member = this.members().find((m) => m.key === key);
    return (
      member && {
        kind: "part",
        name: `${this.name}.${key}`,
        member: (line) => member.section.lookup(line),
        memberNames: () => [...member.section.names()],
        star: () => undefined,
        plain: () => member.evaluate(),
      }
    );
  }
  #fusedValue(at: Span): Val {
    if (this.#fused) return this.#fused;
    if (this.members().length === 0 && this.#broken) return unknown;
    const { evaluator } = this.#network;
    const { fuse } = this.#plan;
    if (fuse === undefined) {
      const results = this.results();
      const [only] = results;
      if (results.length === 1 && only) return (this.#fused = only[1]);
      evaluator.context.report("E0220", { branch: this.name }, at);
      return unknown;
    }
    const weights = new WeightScope(`${this.name}.fuse`, `${this.name}.fuse`);
    const environment = this.#network.partEnvironment(fuse, weights, undefined, new Map());
    const { expr, base } = fuse;
    const features = mapOf(this.results());
    const apply = (env: Environment): Val => {
      const block = evaluator.evaluate(expr, env, { block: true });
      if (block.kind !== "block" && block.kind !== "unknown") {
        const help = "behind `fuse` stands a block that takes a list:   fuse dense(64)   (std:fusion)";
        reportNoBlock(evaluator.context, "what follows `fuse`", block, expr.span, help);
      }
      if (block.kind !== "block" || hasUnknown(features)) return unknown;
      const operands = [{ value: features, expr: undefined }];
      return evaluator.applier.apply(block, operands, { expr, span: expr.span, env, want: {}, scope: weights });
    };
    const site = { expr, given: features };
    return (this.#fused = base ? apply(environment) : recall(evaluator, site, environment, apply));
  }
  force(at: Span): void {
    for (const member of this.members()) {
      member.section.force();
      member.evaluate();
    }
    if (this.#plan.fuse) this.#fusedValue(at);
  }
  finish(): void {
    for (const member of this.#members ?? []) member.section.finish();
  }
}

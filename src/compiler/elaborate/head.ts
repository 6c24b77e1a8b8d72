/** A head: losses, predictions and metrics, once or for each member of a collection. Evaluated when read. */
import { stringValue } from "../types/static.ts";
import { bindTarget, evaluateNamed } from "./bodies.ts";
import { type Environment, WeightScope } from "./environment.ts";
import type { Network } from "./network.ts";
import type { HeadPlan, PartExpr } from "./plan.ts";
import { recall } from "./recall.ts";
import { Section } from "./section.ts";
import type { Val } from "./values.ts";

/** A head for one member; `path` is `final` or `region.global.near`. */
export class HeadMember {
  readonly path: string;
  readonly section: Section;
  readonly #network: Network;
  readonly #plan: HeadPlan;
  readonly #head: string;
  readonly #index: number;
  readonly #locals: ReadonlyMap<string, Val>;
  readonly #weights: WeightScope;
  readonly #outputs = new Map<string, Val>();

  constructor(
    network: Network,
    head: string,
    plan: HeadPlan,
    path: string,
    index: number,
    locals: ReadonlyMap<string, Val>,
  ) {
    this.#network = network;
    this.#plan = plan;
    this.#head = head;
    this.#index = index;
    this.#locals = locals;
    this.path = path;
    this.#weights = new WeightScope(path, path);
    this.section = new Section(network.evaluator, plan.lines, (part, section) => this.environment(part, section));
  }
  environment(part: PartExpr, section: Section): Environment {
    // `e with …` reads the same head in the network with other inputs
    return this.#network.partEnvironment(part, this.#weights, section, this.#locals, (network) => {
      const other = network.head(this.#head)?.instances()[this.#index];
      return other === undefined
        ? network.partEnvironment(part, this.#weights, undefined, this.#locals)
        : other.environment(part, other.section);
    });
  }
  output(name: string): Val | undefined {
    const plan = this.#plan.outputs.get(name);
    if (plan === undefined) return undefined;
    const known = this.#outputs.get(name);
    if (known) return known;
    const { evaluator } = this.#network;
    const { expr, base } = plan.value;
    const env = { ...this.environment(plan.value, this.section), reader: this.path };
    const evaluate = (own: Environment): Val => evaluateNamed(evaluator, expr, undefined, own, {});
    const value = base ? evaluate(env) : recall(evaluator, { expr }, env, evaluate);
    this.#outputs.set(name, value);
    return value;
  }
}

export class HeadInstance {
  readonly #network: Network;
  readonly #name: string;
  readonly #plan: HeadPlan;
  #members: readonly HeadMember[] | undefined;

  constructor(network: Network, name: string, plan: HeadPlan) {
    this.#network = network;
    this.#name = name;
    this.#plan = plan;
  }
  /** The members that were read so far. */
  get evaluated(): readonly HeadMember[] {
    return this.#members ?? [];
  }
  instances(): readonly HeadMember[] {
    if (this.#members) return this.#members;
    const { evaluator } = this.#network;
    const clause = this.#plan.item.for;
    const over = this.#plan.in;
    if (clause === undefined || over === undefined) {
      this.#members = [new HeadMember(this.#network, this.#name, this.#plan, this.#name, 0, new Map())];
      return this.#members;
    }
    const env = this.#network.partEnvironment(over, new WeightScope(this.#name, this.#name), undefined, new Map());
    const collection = evaluator.collection(over.expr, { ...env, reader: this.#name });
    const made: HeadMember[] = [];
    for (const [i, value] of (collection?.members ?? []).entries()) {
      const key = collection?.keys[i] ?? String(i);
      const locals = new Map<string, Val>();
      if (clause.key) locals.set(clause.key.text, stringValue(key));
      bindTarget(evaluator, clause.target, value, locals);
      if (clause.if) {
        const inner = this.#network.partEnvironment(over, new WeightScope(this.#name, this.#name), undefined, locals);
        const keep = evaluator.static(clause.if, inner);
        if (keep?.kind !== "bool" || !keep.value) continue;
      }
      made.push(new HeadMember(this.#network, this.#name, this.#plan, `${this.#name}.${key}`, made.length, locals));
    }
    this.#members = made;
    return made;
  }
}

/** Regions: pools applied to the same tensors, each giving the declared type. Evaluated when read. */
import type { Expr } from "../syntax/ast.ts";
import { mapOf } from "../types/static.ts";
import { evaluateNamed, resolveType, sameType } from "./bodies.ts";
import { type Environment, WeightScope } from "./environment.ts";
import type { Network } from "./network.ts";
import type { PartExpr, RegionsPlan } from "./plan.ts";
import { recall } from "./recall.ts";
import { listsOf } from "./slots.ts";
import { type Span, spanText } from "../source/source.ts";
import { type BlockVal, describe, hasUnknown, type PartVal, unknown, type Val } from "./values.ts";
import { showType, type TensorType } from "../types/tensor.ts";

export class RegionsInstance {
  readonly name: string;
  readonly value: PartVal;
  readonly #network: Network;
  readonly #plan: RegionsPlan;
  readonly #members = new Map<string, Val>();
  readonly #misfits = new Set<string>();
  #of: Val | undefined;
  #miscounted = false;

  constructor(network: Network, name: string, plan: RegionsPlan) {
    this.#network = network;
    this.#plan = plan;
    this.name = name;
    const all = (): Val => mapOf(this.keys().map((key): [string, Val] => [key, this.member(key) ?? unknown]));
    this.value = {
      kind: "part",
      name,
      member: (key) => this.member(key),
      memberNames: () => this.keys(),
      star: all,
      plain: all,
    };
  }
  /** The regions that were read so far, by key. */
  get evaluated(): ReadonlyMap<string, Val> {
    return this.#members;
  }
  keys(): readonly string[] {
    return [...this.#plan.members.keys()].filter((k) => this.#plan.kept?.has(k) !== false);
  }
  member(key: string): Val | undefined {
    const part = this.#plan.members.get(key);
    if (part === undefined) return undefined;
    const known = this.#members.get(key);
    if (known) return known;
    this.#members.set(key, unknown);
    const value = this.#pool(key, part);
    this.#members.set(key, value);
    return value;
  }
  /** Whether the pool takes as many tensors as the regions are made of; said once for all of them. */
  #countFits(block: BlockVal, of: Val, span: Span): boolean {
    const { item, of: source } = this.#plan;
    const wanted = block.callable.kind === "declared" ? listsOf(block).tensors : undefined;
    const given = of.kind === "tuple" ? of.members.length : 1;
    if (wanted === undefined || wanted.length === given) return true;
    if (wanted.length < given) {
      const help = `a pool takes all of ${spanText(source.expr.span)}; write a block around \`${block.name}\` that takes ${String(given)} and reads what it needs`;
      const names = wanted.map((p) => p.name.text);
      const args = { callee: block.name, wanted: wanted.length, given, names, help };
      this.#network.evaluator.context.report("E0205", args, span);
      return false;
    }
    if (this.#miscounted) return false;
    this.#miscounted = true;
    const names = wanted.map((p) => p.name.text);
    const [text, ...more] = spanText(source.expr.span)
      .replace(/^\(|\)$/g, "")
      .split(/, */);
    const filled = wanted.map((p, i) => (i === 0 ? text : (more[i - 1] ?? p.name.text.replace(/^_/, "")))).join(", ");
    const help = `name all that the pools take:   regions ${item.name.text} of ${wanted.length === 1 ? filled : `(${filled})`} -> …`;
    const args = { callee: block.name, wanted: wanted.length, given, names, help };
    const related = [{ span: span, label: "applied here" }];
    this.#network.evaluator.context.report("E0205", args, source.expr.span, { related });
    return false;
  }
  #pool(key: string, part: PartExpr): Val {
    const { evaluator } = this.#network;
    const weights = new WeightScope(`${this.name}.${key}`, `${this.name}.${key}`);
    const env = this.#network.partEnvironment(part, weights, undefined, new Map());
    const typeEnv = this.#network.partEnvironment(this.#plan.of, weights, undefined, new Map());
    const type = resolveType(evaluator, this.#plan.item.type, typeEnv);
    this.#of ??= evaluateNamed(evaluator, this.#plan.of.expr, undefined, typeEnv, {});
    const { expr, base } = part;
    const site = { expr, given: this.#of, type };
    const apply = (own: Environment): Val => this.#apply(key, expr, type, own);
    return base ? apply(env) : recall(evaluator, site, env, apply);
  }
  #apply(key: string, expr: Expr, type: TensorType | undefined, env: Environment): Val {
    const { evaluator } = this.#network;
    const { context } = evaluator;
    const block = evaluator.evaluate(expr, env, { block: true });
    if (type === undefined || hasUnknown(block) || this.#of === undefined || hasUnknown(this.#of)) return unknown;
    if (block.kind !== "block") {
      const help = "a region is made by a pool, such as whole or roi_pool(…)";
      context.report("E0203", { what: `\`${this.name}.${key}\``, given: describe(block), help }, expr.span);
      return unknown;
    }
    const odd = (this.#of.kind === "tuple" ? this.#of.members : [this.#of]).find((v) => v.kind !== "tensor");
    if (odd) {
      const help = "pools take tensors:   regions NAME of (image, landmarks) -> …";
      const args = { what: `\`${this.name}\``, wanted: "tensors", given: describe(odd), help };
      context.report("E0206", args, this.#plan.of.expr.span);
      this.#of = unknown;
      return unknown;
    }
    if (!this.#countFits(block, this.#of, expr.span)) return unknown;
    const operands = (this.#of.kind === "tuple" ? this.#of.members : [this.#of]).map((value) => ({
      value,
      expr: undefined,
    }));
    const made = evaluator.applier.apply(block, operands, {
      expr,
      span: expr.span,
      env,
      want: { type },
      scope: env.weights,
    });
    if (made.kind === "tensor" && !sameType(evaluator, made.type, type)) {
      // what the pools are applied to makes all of them alike
      if (this.#misfits.has(showType(made.type))) return unknown;
      this.#misfits.add(showType(made.type));
      const axis = made.type.shape.findIndex((d, i) => !type.shape[i] || !context.facts.equal(d, type.shape[i]));
      const reason = made.reasons[axis];
      context.report(
        "E0304",
        { what: `\`${this.name}.${key}\``, declared: showType(type), given: showType(made.type) },
        expr.span,
        {
          related: [
            { span: this.#plan.item.type.span, label: "declared here" },
            ...(reason ? [{ span: context.place(reason.span), label: reason.text }] : []),
          ],
        },
      );
      return unknown;
    }
    return made;
  }
}

/**
 * Parts of a model that an earlier check evaluated: where a part reads what it read then, its outline stands for it. What it
 * reads is asked name by name, in the order of the evaluation, so nothing is evaluated for a question that this part would
 * not ask. A part that left a mistake, or whose value is more than tensors and numbers, is evaluated each time.
 */
import type { SizeAssert } from "../graph/graph.ts";
import type { Expr, Line } from "../syntax/ast.ts";
import type { TensorType } from "../types/tensor.ts";
import type { Context, Progress } from "./context.ts";
import type { Claim, Environment, Naming, WeightScope } from "./environment.ts";
import type { Evaluator } from "./evaluator.ts";
import { Key, showShape } from "./keys.ts";
import { portOf } from "./labels.ts";
import type { Outlined } from "./templates.ts";
import { isStatic, tensorsIn, type Val } from "./values.ts";

/** The next name that a part reads, or, after the last one, what it came to. */
export type Step = { readonly number: number; readonly reads: string } | Found;
interface Found extends Outlined {
  readonly claims: readonly Claim[];
  readonly asserts: readonly SizeAssert[];
  readonly steps: number;
  readonly naming: Naming | undefined;
}
export interface Site {
  readonly expr: Expr;
  /** The let whose value it is, and the name that the let gives to weights. */
  readonly line?: Line;
  readonly name?: string | undefined;
  /** What it is applied to, beside what it reads. */
  readonly given?: Val;
  /** The type that is asked of it. */
  readonly type?: TensorType | undefined;
}

/** An input as `with` asks for it. */
const asked = "with ";

export function recall({ context }: Evaluator, site: Site, env: Environment, evaluate: (env: Environment) => Val): Val {
  const { memo, names } = context.shared;
  if (memo === undefined) return evaluate(env);
  const lookup = (name: string): Val | undefined =>
    name.startsWith(asked) ? env.world?.input(name.slice(asked.length)) : env.lookup(name);
  const key = new Key(context);
  const operands = site.given ? [site.given] : [];
  const { ids } = memo;
  let start = `${String(ids.of(site.expr))};${context.mode}`;
  if (site.line) start += `;let ${String(ids.of(site.line))}`;
  if (context.anyFrozen) start += `;in ${env.weights.path}`;
  if (site.given) start += `;of ${key.show(site.given)}`;
  if (site.type) start += `;as ${showShape(site.type)}`;
  if (!key.lasts()) return evaluate(env);
  let at = start;
  for (let step = memo.steps.get(at); step !== undefined; step = memo.steps.get(at)) {
    if ("outline" in step) {
      const value = stand(context, step, site, env, operands);
      if (value === undefined) break;
      names.adopt(site.expr, site.name, step.naming);
      return value;
    }
    const value = lookup(step.reads);
    at = `${String(step.number)};${key.show(value)}`;
    if (!key.lasts()) return evaluate(env);
    if (value) operands.push(value);
  }

  const recorder = new Recorder(context, env);
  const result = evaluate(recorder.environment);
  const found = recorder.found(site, result);
  if (found === undefined) return result;
  const told = new Key(context);
  told.show(site.given);
  at = start;
  for (const [reads, value] of recorder.read) {
    const step = memo.steps.get(at) ?? memo.steps.set(at, { number: ids.of({}), reads });
    if (!("reads" in step) || step.reads !== reads) return result;
    at = `${String(step.number)};${told.show(value)}`;
    if (!told.lasts()) return result;
  }
  memo.steps.set(at, found);
  return result;
}

function stand(context: Context, found: Found, { expr }: Site, { weights }: Environment, operands: readonly Val[]) {
  if (!found.claims.every(({ segment, site }) => weights.admits(segment, site))) return undefined;
  const value = context.templates.stand(found, { operands, path: weights.path, place: expr.span });
  if (value === undefined) return undefined;
  for (const { segment, site } of found.claims) weights.claim(segment, site);
  context.asserts.push(...found.asserts);
  context.tick(expr.span, found.steps);
  return value;
}

interface Mark extends Progress {
  readonly claims: number;
}

/** Listens to an evaluation: what it reads, and what is made meanwhile by others whose values it reads. */
class Recorder {
  readonly environment: Environment;
  readonly read = new Map<string, Val | undefined>();
  readonly #context: Context;
  readonly #weights: WeightScope;
  readonly #start: Mark;
  /** While names were looked up, from and to. */
  readonly #others: (readonly [Mark, Mark])[] = [];
  /** It asked something that is not known to the memo. */
  #lost = false;

  constructor(context: Context, env: Environment) {
    this.#context = context;
    this.#weights = env.weights;
    this.#start = this.#mark();
    const { world, removed } = env;
    this.environment = {
      ...env,
      lookup: (name) => this.#note(name, () => env.lookup(name)),
      world: world && {
        input: (name) => this.#note(`${asked}${name}`, () => world.input(name)),
        withInputs: (replaced) => {
          this.#lost = true;
          return world.withInputs(replaced);
        },
      },
      removed: (name) => {
        this.#lost = true;
        return removed?.(name);
      },
    };
  }
  #mark(): Mark {
    return { ...this.#context.progress(), claims: this.#weights.claims.length };
  }
  #note(name: string, look: () => Val | undefined): Val | undefined {
    if (this.read.has(name)) return look();
    const from = this.#mark();
    const value = look();
    this.#others.push([from, this.#mark()]);
    this.read.set(name, value);
    return value;
  }

  /** What stands for the evaluation from now on; undefined where nothing can. */
  found({ expr, name, given }: Site, result: Val): Found | undefined {
    const context = this.#context;
    const { variables, graph, templates, asserts } = context;
    const end = this.#mark();
    const count = (of: keyof Mark): number =>
      this.#others.reduce((sum, [from, to]) => sum - (to[of] - from[of]), end[of] - this.#start[of]);
    if (this.#lost || count("reports") > 0 || count("leaves") > 0 || !isPlain(result)) return undefined;
    /** What was added to a list by this evaluation itself. */
    const own = <T>(all: readonly T[], of: keyof Mark): readonly T[] => {
      const parts: T[] = [];
      let at = this.#start[of];
      for (const [from, to] of [...this.#others, [end, end] as const]) {
        for (; at < from[of]; at++) parts.push(all[at] as T);
        at = Math.max(at, to[of]);
      }
      return parts;
    };
    const made = new Set(own(variables.all, "variables"));
    if (own(variables.reused, "reused").some((v) => !made.has(v))) return undefined;
    const { path } = this.#weights;
    const updates = own(variables.log, "updates");
    const isOwn = (of: { readonly path: string }): boolean => path === "" || of.path.startsWith(`${path}.`);
    if (![...made].every(isOwn) || !updates.every(isOwn)) return undefined;
    const operands = [given, ...this.read.values()].filter((value) => value !== undefined);
    const outline = templates.outlineOf({
      nodes: own(graph.nodes, "nodes"),
      operands,
      variables: [...made],
      updates,
      result,
    });
    if (!outline.standsAlone || outline.entangled) return undefined;
    // where labels come from is asked of the nodes themselves
    const hides = tensorsIn(result).some(
      ({ value, range }, i) =>
        outline.results[i]?.same !== true && (range !== undefined || portOf(context, value.node) !== undefined),
    );
    if (hides) return undefined;
    return {
      outline,
      path,
      place: expr.span,
      claims: own(this.#weights.claims, "claims"),
      asserts: own(asserts, "asserts"),
      steps: count("steps"),
      naming: context.shared.names.of(expr, name),
    };
  }
}

function isPlain(value: Val): boolean {
  if (value.kind === "tensor" || value.kind === "unknown" || isStatic(value)) return true;
  return (value.kind === "collection" || value.kind === "tuple") && value.members.every(isPlain);
}

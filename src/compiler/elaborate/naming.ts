/**
 * The names of weights (3.4 of docs/language.md). Looks at the applications of a line, finds those whose block owns a
 * `param` or a `state`, and gives each its segment. It reads syntax and what names stand for; it evaluates nothing.
 */
import type { Declared, FileScope } from "../resolve/modules.ts";
import type { BlockDecl, Body, Expr, Param } from "../syntax/ast.ts";
import { childrenOf } from "../syntax/walk.ts";
import { classify } from "../types/signature.ts";
import type { Naming } from "./environment.ts";
import { noNaming } from "./environment.ts";
import type { BlockVal, Val } from "./values.ts";

type Meaning = { readonly weighted: boolean; readonly requiredConfig: boolean; readonly source: boolean };
/** What a callee's name stands for, as far as naming weights needs it. */
type Resolve = (name: string) => Meaning | undefined;

interface Site {
  readonly expr: Expr;
  readonly label: string | undefined;
  /** The block's or slot's name; empty for a loop. */
  readonly name: string;
}

/** The weighted applications of an expression, and how many of them can run together. */
interface Found {
  readonly sites: readonly Site[];
  readonly count: number;
}

export class WeightNames {
  readonly #weighted = new Map<BlockDecl, boolean>();
  readonly #lines = new WeakMap<Expr, Map<string, Naming>>();

  /** The naming of one line: `letName` is the name it binds, undefined for results, tuples and outputs. */
  forLine(expr: Expr, letName: string | undefined, lookup: (name: string) => Val | undefined): Naming {
    const known = this.of(expr, letName);
    // who listens to what a line reads is to hear the same each time
    for (const name of known?.reads ?? []) lookup(name);
    if (known) return known;
    const reads: string[] = [];
    const found = this.#sites(expr, undefined, (name) => {
      reads.push(name);
      return this.#meaningOf(lookup(name));
    });
    const naming = { ...(found.count === 0 ? noNaming : segments(found, letName)), reads };
    this.adopt(expr, letName, naming);
    return naming;
  }
  /** The naming of a line that was read already. */
  of(expr: Expr, letName: string | undefined): Naming | undefined {
    return this.#lines.get(expr)?.get(letName ?? "");
  }
  /** What an earlier check found, where the line was not read yet. */
  adopt(expr: Expr, letName: string | undefined, naming: Naming | undefined): void {
    if (naming === undefined) return;
    const perName = this.#lines.get(expr) ?? new Map<string, Naming>();
    this.#lines.set(expr, perName);
    if (!perName.has(letName ?? "")) perName.set(letName ?? "", naming);
  }

  #sites(expr: Expr, label: string | undefined, resolve: Resolve): Found {
    const go = (e: Expr): Found => this.#sites(e, undefined, resolve);
    switch (expr.kind) {
      case "label":
        return this.#sites(expr.of, expr.name.text, resolve);
      case "pipe": {
        const inner = together([go(expr.input), this.#argumentsOf(expr.target, resolve)]);
        const name = rootName(expr.target);
        const weighted =
          name === undefined ? this.#holdsWeighted(expr.target, resolve) : resolve(name)?.weighted === true;
        return weighted ? together([inner, one({ expr, label, name: name ?? "" })]) : inner;
      }
      case "call": {
        const inner = this.#argumentsOf(expr, resolve);
        const name = rootName(expr);
        const meaning = name === undefined ? undefined : resolve(name);
        if (name === undefined || meaning?.weighted !== true || meaning.source) return inner;
        const positional = expr.args.length > 0 && expr.args.every((a) => a.name === undefined);
        const applied = callDepth(expr) > 1 || (!meaning.requiredConfig && positional);
        return applied ? together([inner, one({ expr, label, name })]) : inner;
      }
      case "fold": {
        const loop = this.#bodyWeighted(expr.body, resolve) ? [one({ expr, label, name: "" })] : [];
        return together([go(expr.start), go(expr.for.in), ...loop]);
      }
      case "comprehension": {
        const loop = this.#holdsWeighted(expr.member, resolve) ? [one({ expr, label, name: "" })] : [];
        return together([go(expr.for.in), ...loop]);
      }
      case "if": {
        // only one of the sides runs: with one application each, both may carry the let's name
        const sides = [go(expr.then), go(expr.else)];
        const either = { sites: sides.flatMap((f) => f.sites), count: Math.max(...sides.map((f) => f.count)) };
        return together([go(expr.condition), either]);
      }
      default:
        return together(childrenOf(expr).map(go));
    }
  }
  #argumentsOf(expr: Expr, resolve: Resolve): Found {
    if (expr.kind !== "call") return expr.kind === "name" ? none : this.#sites(expr, undefined, resolve);
    const args = expr.args.map((a) => this.#sites(a.value, undefined, resolve));
    return together([this.#argumentsOf(expr.callee, resolve), ...args]);
  }
  #holdsWeighted(expr: Expr, resolve: Resolve): boolean {
    if (expr.kind === "block") return this.#bodyWeighted(expr.body, without(resolve, expr.params));
    return this.#sites(expr, undefined, resolve).count > 0;
  }
  #bodyWeighted(body: Body, resolve: Resolve): boolean {
    return (
      body.lines.some((line) => {
        if (line.kind === "param" || line.kind === "state" || line.kind === "shared") return true;
        return line.kind === "let" && this.#holdsWeighted(line.value, resolve);
      }) || this.#holdsWeighted(body.result, resolve)
    );
  }

  #meaningOf(value: Val | undefined): Meaning | undefined {
    if (value?.kind !== "block") return undefined;
    return { weighted: this.isWeighted(value), ...requirements(value) };
  }
  /** Whether applying the block makes weights, however deep. A block that came through a parameter counts as if. */
  isWeighted(block: BlockVal): boolean {
    if (block.slot !== undefined) return true;
    const { callable } = block;
    if (callable.kind === "shared") return false; // its weights are named where it is declared
    if (callable.kind === "abstract") return true;
    if (callable.kind === "anonymous")
      return this.#bodyWeighted(
        callable.expr.body,
        without((name) => this.#meaningOf(callable.env.lookup(name)), callable.expr.params),
      );
    const { declaration, scope } = callable;
    return declaration.kind === "block" && this.#declarationWeighted(declaration, scope);
  }
  #declarationWeighted(block: BlockDecl, scope: FileScope): boolean {
    const known = this.#weighted.get(block);
    if (known !== undefined) return known;
    this.#weighted.set(block, false); // a cycle is reported elsewhere; here it just ends
    const slots = new Set(
      block.lists
        .flat()
        .filter((p) => p.type?.kind === "block")
        .map((p) => p.name.text),
    );
    const resolve: Resolve = (name) => {
      if (slots.has(name)) return { weighted: true, requiredConfig: true, source: false };
      return meaningOfDeclared(
        scope.lookup(name),
        (declared) =>
          declared.declaration.kind === "block" && this.#declarationWeighted(declared.declaration, declared.scope),
      );
    };
    const result = this.#bodyWeighted(block.body, resolve);
    this.#weighted.set(block, result);
    return result;
  }
}

const none: Found = { sites: [], count: 0 };
function one(site: Site): Found {
  return { sites: [site], count: 1 };
}
function together(found: readonly Found[]): Found {
  return { sites: found.flatMap((f) => f.sites), count: found.reduce((sum, f) => sum + f.count, 0) };
}
function segments({ sites, count }: Found, letName: string | undefined): Naming {
  const bySite = new Map<Expr, string>();
  for (const { expr, label, name } of sites) {
    const inLet = letName === undefined ? name : count === 1 || name === "" ? letName : `${letName}.${name}`;
    bySite.set(expr, label ?? inLet);
  }
  return { segmentOf: (expr) => bySite.get(expr), reads: [] };
}
function meaningOfDeclared(declared: Declared | undefined, weighted: (d: Declared) => boolean): Meaning | undefined {
  if (declared?.declaration.kind !== "block" && declared?.declaration.kind !== "prim") return undefined;
  const { config, tensors } = classify(declared.declaration.lists);
  return { weighted: weighted(declared), requiredConfig: required(config), source: tensors === undefined };
}
function requirements(block: BlockVal): Omit<Meaning, "weighted"> {
  const { callable } = block;
  if (callable.kind === "declared") {
    const { config, tensors } = classify(callable.declaration.lists);
    return {
      requiredConfig: required(config.filter((p) => !block.config.has(p.name.text))),
      source: tensors === undefined,
    };
  }
  return { requiredConfig: false, source: false };
}
function required(config: readonly Param[]): boolean {
  return config.some((p) => p.default === undefined);
}
function without(resolve: Resolve, params: readonly Param[]): Resolve {
  const own = new Set(params.map((p) => p.name.text));
  return (name) => (own.has(name) ? undefined : resolve(name));
}
/** `f` of `f`, `f(a)`, `f(a)(b)`. */
export function rootName(expr: Expr): string | undefined {
  if (expr.kind === "name") return expr.text;
  return expr.kind === "call" ? rootName(expr.callee) : undefined;
}
function callDepth(expr: Expr): number {
  return expr.kind === "call" ? 1 + callDepth(expr.callee) : 0;
}

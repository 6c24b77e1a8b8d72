/**
 * Evaluates expressions: static values are computed, tensors become nodes of the graph. Calls are configured and applied
 * in `apply.ts`, lines in `bodies.ts`. A mistake is reported once and leaves an unknown value, which fits everything.
 */
import type { Span } from "../source/source.ts";
import { spanText } from "../source/source.ts";
import type { BinaryExpr, CallExpr, Expr, IndexExpr, NameExpr } from "../syntax/ast.ts";
import { indexStatic, staticUnary } from "../types/evaluate.ts";
import { type Dim, SizeError } from "../types/dim.ts";
import { JoinError } from "../types/shapes.ts";
import {
  boolValue,
  type Collection,
  divisionByZero,
  floatValue,
  intValue,
  listOf,
  mapOf,
  type Static,
  staticBinary,
  StaticError,
  SymbolicError,
  stringValue,
} from "../types/static.ts";
import { isDType, isDTypeClass, type TensorType } from "../types/tensor.ts";
import { Applier } from "./apply.ts";
import type { Context } from "./context.ts";
import type { Environment } from "./environment.ts";
import { callFunction } from "./functions.ts";
import { callBuiltin } from "./builtins.ts";
import { evaluateComprehension, evaluateFold } from "./loops.ts";
import {
  reportEqualNames,
  reportNoBlock,
  reportTensorCondition,
  reportUnknownMember,
  reportUnknownName,
} from "./mistakes.ts";
import { type IndexEntry, tensorBinary, tensorIndex, tensorUnary } from "./tensors.ts";
import { evaluateWith } from "./with.ts";
import { describe, hasUnknown, isStatic, unknown, UnknownError, type Val } from "./values.ts";

/** What the place of an expression asks of it. */
export interface Want {
  /** The type asked for, for sizes that only the use knows. */
  readonly type?: TensorType | undefined;
  /** A block is wanted, so a source stays a block. */
  readonly block?: boolean;
}
const nothing: Want = {};

export class Evaluator {
  readonly context: Context;
  readonly applier: Applier;

  constructor(context: Context) {
    this.context = context;
    this.applier = new Applier(this);
  }

  evaluate(expr: Expr, env: Environment, want: Want = nothing): Val {
    try {
      return this.#evaluate(expr, env, want);
    } catch (error) {
      if (error instanceof SizeError) {
        const problem = "this comes to no whole number that is exact";
        this.context.report("E0207", { problem, help: "whole numbers go up to 2 ^ 53 - 1" }, expr.span);
        return unknown;
      }
      // who joins tensors knows where their sizes come from
      if (!(error instanceof StaticError) || error instanceof JoinError) throw error;
      if (error instanceof UnknownError || (this.context.generic && error instanceof SymbolicError)) return unknown;
      // what stands in a signature of the library cannot be rewritten, only given other sizes
      const isLibrary = expr.span.file.name.startsWith("std:");
      const zero = error.message === divisionByZero ? divisorOf(expr) : undefined;
      const help =
        isLibrary && error.message.endsWith("a rest")
          ? "sizes and settings of this call must divide: change one of them"
          : isLibrary && zero !== undefined
            ? "the settings of this call must make it 1 or more"
            : error.help;
      const problem = zero === undefined ? error.message : `${error.message}: \`${spanText(zero.span)}\` is 0`;
      this.context.report("E0207", { problem, help }, expr.span);
      return unknown;
    }
  }
  /** A value of a plain kind: parts of the model become what they stand for. */
  plain(expr: Expr, env: Environment, want: Want = nothing): Val {
    const value = this.evaluate(expr, env, want);
    return value.kind === "part" ? value.plain(expr.span) : value;
  }
  /** A static value, or undefined after a report. */
  static(expr: Expr, env: Environment): Static | undefined {
    const value = this.plain(expr, env);
    if (isStatic(value)) return value;
    if (!hasUnknown(value))
      this.context.report(
        "E0206",
        { what: "this place", wanted: "a value known before the network runs", given: describe(value) },
        expr.span,
      );
    return undefined;
  }

  #evaluate(expr: Expr, env: Environment, want: Want): Val {
    this.context.tick(expr.span);
    switch (expr.kind) {
      case "number":
        if (Number.isNaN(expr.value)) return unknown; // was reported when it was read
        return expr.int ? intValue(expr.value) : floatValue(expr.value);
      case "string":
        return stringValue(expr.value);
      case "bool":
        return boolValue(expr.value);
      case "training":
        if (this.context.generic) return unknown; // blocks run in both
        return boolValue(this.context.training && !this.context.isFrozen(env.weights.path));
      case "name":
        return this.#name(expr, env);
      case "branch":
        return env.lookup("branch") ?? this.#unknownName("branch", expr.span, env);
      case "tuple":
        return { kind: "tuple", members: expr.members.map((m) => this.plain(m, env)) };
      case "list":
        return this.#list(expr.members, env);
      case "map":
        return mapOf(expr.entries.map((e) => [e.key.text, this.plain(e.value, env)]));
      case "comprehension":
        return evaluateComprehension(this, expr, env);
      case "call":
        return this.#call(expr, env, want);
      case "pipe":
        return this.#pipe(expr.input, expr.target, expr, env, want);
      case "label":
        return this.#evaluate(expr.of, env, want);
      case "index":
        return this.#index(expr, env);
      case "member": {
        const of = this.evaluate(expr.of, env);
        return this.#member(of, expr.name.text, expr.name.span, spanText(expr.of.span), env);
      }
      case "star":
        return this.#star(this.evaluate(expr.of, env), expr.span);
      case "pick": {
        const of = this.evaluate(expr.of, env);
        return mapOf(
          expr.names.map((n) => {
            const member = this.#member(of, n.text, n.span, spanText(expr.of.span), env);
            return [n.text, member.kind === "part" ? member.plain(n.span) : member];
          }),
        );
      }
      case "with":
        return evaluateWith(this, expr.of, expr.map, env);
      case "unary": {
        const of = this.plain(expr.of, env);
        if (of.kind === "unknown") return unknown;
        if (of.kind === "tensor") return tensorUnary(this.context, expr.op, of, expr.span);
        if (isStatic(of)) return staticUnary(expr.op, of);
        throw new StaticError(`\`${expr.op}\` takes a number, not ${describe(of)}`);
      }
      case "binary":
        return this.#binary(expr, env);
      case "if":
        return this.#if(expr, env, want);
      case "fold":
        return evaluateFold(this, expr, env);
      case "block":
        return {
          kind: "block",
          callable: { kind: "anonymous", expr, env },
          name: "block",
          config: new Map(),
          slot: undefined,
        };
      case "bad":
        return unknown;
    }
  }

  #name(expr: NameExpr, env: Environment): Val {
    const value = env.lookup(expr.text);
    if (value !== undefined) return value;
    if (isDType(expr.text)) return { kind: "dtype", dtype: expr.text };
    if (isDTypeClass(expr.text)) {
      const dtype = env.dtypes.get(expr.text);
      if (dtype !== undefined) return { kind: "dtype", dtype };
    }
    return this.#unknownName(expr.text, expr.span, env);
  }
  #unknownName(name: string, span: Span, env: Environment): Val {
    reportUnknownName(this.context, name, span, env);
    return unknown;
  }

  #list(members: readonly { readonly spread: boolean; readonly value: Expr }[], env: Environment): Val {
    const values: Val[] = [];
    for (const { spread, value } of members) {
      const member = this.plain(value, env);
      if (!spread) values.push(member);
      else if (member.kind === "collection") values.push(...member.members);
      else if (member.kind === "unknown") return unknown;
      else this.context.report("E0206", { what: "`...`", wanted: "a list", given: describe(member) }, value.span);
    }
    return listOf(values);
  }

  /** A collection to go over; undefined after a report. */
  collection(expr: Expr, env: Environment): Collection<Val> | undefined {
    const value = this.plain(expr, env);
    if (value.kind === "collection") return value;
    if (value.kind !== "unknown")
      this.context.report(
        "E0206",
        { what: "`for`", wanted: "a list, a map or a range", given: describe(value) },
        expr.span,
      );
    return undefined;
  }
  reportEqualNames(segment: string, site: Expr, holder: Expr, env: Environment): void {
    reportEqualNames(this.context, segment, site, holder, env);
  }

  #if(expr: Expr & { kind: "if" }, env: Environment, want: Want): Val {
    const condition = this.plain(expr.condition, env);
    if (condition.kind === "bool") {
      const [taken, dead] = condition.value ? [expr.then, expr.else] : [expr.else, expr.then];
      // in a body's own check, for all uses; with the settings of one use a decided condition is what `if` is for
      if (this.context.generic && this.context.frames.length === 0)
        this.context.report("E0704", { value: condition.value }, dead.span, {
          related: [{ span: expr.condition.span, label: `always ${String(condition.value)}` }],
        });
      return this.#evaluate(taken, env, want);
    }
    if (condition.kind === "unknown" && this.context.generic) {
      const [then, otherwise] = [this.#evaluate(expr.then, env, want), this.#evaluate(expr.else, env, want)];
      return describe(then) === describe(otherwise) ? then : unknown;
    }
    if (condition.kind === "tensor") reportTensorCondition(this.context, expr, describe(condition));
    else if (condition.kind !== "unknown")
      this.context.report(
        "E0206",
        { what: "`if`", wanted: "true or false", given: describe(condition) },
        expr.condition.span,
      );
    return unknown;
  }

  #binary(expr: BinaryExpr, env: Environment): Val {
    const left = this.plain(expr.left, env);
    if (left.kind === "bool" && ((expr.op === "and" && !left.value) || (expr.op === "or" && left.value))) return left;
    const right = this.plain(expr.right, env);
    if (left.kind === "unknown" || right.kind === "unknown") return unknown;
    if (left.kind === "tensor" || right.kind === "tensor") {
      return this.context.graph.at({ path: env.weights.path, span: expr.span }, () =>
        tensorBinary(this.context, expr, left, right),
      );
    }
    if (!isStatic(left) || !isStatic(right)) {
      const odd = isStatic(left) ? right : left;
      const [other, side] = odd === right ? [left, expr.right] : [right, expr.left];
      const quoted = other.kind === "string" && side.kind === "name" ? JSON.stringify(side.text) : "";
      const help = quoted === "" ? "" : `a text stands in quotes:   ${quoted}`;
      const fixes = quoted === "" ? [] : [{ title: `write ${quoted}`, span: side.span, text: quoted }];
      const wanted = other.kind === "string" ? "another text" : "numbers or tensors";
      const args = { what: `\`${expr.op}\``, wanted, given: describe(odd), help };
      const at = odd === right ? expr.right : expr.left;
      this.context.report("E0206", args, quoted === "" ? at.span : side.span, { fixes });
      return unknown;
    }
    const result = staticBinary(expr.op, left, right, this.context.facts);
    if (result !== undefined) return result;
    if (this.context.generic) return unknown;
    const [a, b] = [spanText(expr.left.span), spanText(expr.right.span)];
    const problem = `\`${a}\` and \`${b}\` cannot be compared for every size`;
    this.context.report("E0312", { problem, types: "", help: "" }, expr.span);
    return unknown;
  }

  #index(expr: IndexExpr, env: Environment): Val {
    const of = this.plain(expr.of, env);
    if (of.kind === "unknown") return unknown;
    if (of.kind === "tensor") {
      const entries = expr.items.map((item): IndexEntry => {
        if (item.kind !== "at") return { kind: item.kind };
        const { value } = item;
        if (value.kind === "binary" && (value.op === "..<" || value.op === "..=")) {
          const [from, to] = [this.#position(value.left, env), this.#position(value.right, env)];
          return { kind: "range", from, to: value.op === "..=" ? to.plus(intValue(1).dim) : to };
        }
        return { kind: "at", position: this.#position(value, env) };
      });
      return this.context.graph.at({ path: env.weights.path, span: expr.span }, () =>
        tensorIndex(this.context, of, entries, expr),
      );
    }
    return expr.items.reduce<Val>((value, item) => {
      if (item.kind !== "at") {
        const list = spanText(expr.of.span);
        throw new StaticError(
          "a list has one axis, of positions and ranges",
          `its last member is   ${list}[-1]   and the axes of a member stand behind:   ${list}[-1][:, 0]`,
        );
      }
      const by = this.static(item.value, env);
      if (by === undefined) return unknown;
      // a list that only uses of a block know may be longer than the one it is checked with
      if (this.context.generic && by.kind === "int" && !isStatic(value)) return memberOf(value, by) ?? unknown;
      return indexStatic(value as Static, by); // picks members, static or not
    }, of);
  }
  #position(expr: Expr, env: Environment): ReturnType<typeof intValue>["dim"] {
    const value = this.static(expr, env);
    if (value === undefined) throw new UnknownError();
    if (value.kind !== "int") throw new StaticError("a position is a whole number");
    return value.dim;
  }

  #member(of: Val, name: string, span: Span, owner: string, env: Environment): Val {
    if (of.kind === "unknown") return unknown;
    const names = of.kind === "part" ? of.memberNames() : of.kind === "collection" && of.named ? of.keys : [];
    const found =
      of.kind === "part" ? of.member(name) : of.kind === "collection" ? of.members[of.keys.indexOf(name)] : undefined;
    if (found !== undefined) return found;
    reportUnknownMember(this.context, of, { owner, name, names, span }, env);
    return unknown;
  }
  #star(of: Val, span: Span): Val {
    if (of.kind === "unknown") return unknown;
    const all = of.kind === "part" ? of.star() : of.kind === "collection" ? of : undefined;
    if (all !== undefined) return all;
    this.context.report("E0206", { what: "`.*`", wanted: "a branch, regions or a map", given: describe(of) }, span);
    return unknown;
  }

  // --- calls --------------------------------------------------------------------------------------------------------

  #pipe(input: Expr, target: Expr, site: Expr, env: Environment, want: Want): Val {
    const given = this.plain(input, env);
    const block = this.evaluate(target, env, { block: true });
    if (block.kind !== "block") {
      if (block.kind !== "unknown") this.#reportNoBlock(target, block);
      return unknown;
    }
    if (hasUnknown(given)) return unknown;
    const args = given.kind === "tuple" ? given.members : [given];
    return this.applier.apply(
      block,
      args.map((value) => ({ value, expr: given.kind === "tuple" ? undefined : input })),
      { expr: site, span: target.span, env, want },
    );
  }

  #call(expr: CallExpr, env: Environment, want: Want): Val {
    const { callee } = expr;
    if (callee.kind === "name" && env.lookup(callee.text) === undefined) {
      const special = callBuiltin(this, callee.text, expr, env);
      if (special !== undefined) return special;
    }
    const target = this.evaluate(callee, env, { block: true });
    if (target.kind === "fn") return callFunction(this, target, expr, env);
    if (target.kind === "block") return this.applier.call(target, expr, env, want);
    for (const arg of expr.args) this.evaluate(arg.value, env, { block: true });
    if (target.kind !== "unknown") this.#reportNoBlock(callee, target);
    return unknown;
  }
  #reportNoBlock(expr: Expr, value: Val): void {
    const help =
      expr.kind === "call" && value.kind === "tensor"
        ? "a block takes its settings, then its tensors, and is done; the next one follows behind `|>`"
        : value.kind === "collection"
          ? `one of the list:   ${spanText(expr.span)}[0]   or each of them:   [x |> f for f in ${spanText(expr.span)}]`
          : "";
    reportNoBlock(this.context, `\`${spanText(expr.span)}\``, value, expr.span, help);
  }
  /** An argument or default evaluated in a place that knows whether it wants a block. */
  argument(expr: Expr, env: Environment, block: boolean): Val {
    const value = this.evaluate(expr, env, { block });
    return value.kind === "part" ? value.plain(expr.span) : value;
  }
}

/** What `a / b`, `a % b` or a rounded division divides by, unless a reader sees that it is 0. */
function divisorOf(expr: Expr): Expr | undefined {
  const of = expr.kind === "call" ? expr.args[0]?.value : expr;
  return of?.kind === "binary" && (of.op === "/" || of.op === "%") && of.right.kind !== "number" ? of.right : undefined;
}
function memberOf(value: Val, { dim }: { readonly dim: Dim }): Val | undefined {
  return value.kind === "collection" && dim.constant !== undefined ? value.members.at(dim.constant) : undefined;
}

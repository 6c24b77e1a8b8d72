/**
 * Loops: comprehensions and folds. Both unroll; going over a collection keeps its keys, and keys name the weights of each
 * round. A fold's written type is its invariant, checked before every round and after the last.
 */
import type { ComprehensionExpr, Expr, FoldExpr, ForClause, TypeNode } from "../syntax/ast.ts";
import { Dim } from "../types/dim.ts";
import { type Collection, intValue, listOf, stringValue } from "../types/static.ts";
import { showType, type TensorType } from "../types/tensor.ts";
import { bindTarget, evaluateBody, resolveType, sameType, toTensor } from "./bodies.ts";
import { type Environment, extend } from "./environment.ts";
import type { Evaluator } from "./evaluator.ts";
import { hole } from "./holes.ts";
import { describe, hasUnknown, unknown, type Val } from "./values.ts";

const STEPS_A_ROUND = 50;

/** Runs `round` for each member of the clause that its `if` lets through; gives what it went over. */
function forEach(
  evaluator: Evaluator,
  clause: ForClause,
  env: Environment,
  round: (locals: Map<string, Val>, key: string) => void,
): Collection<Val> | undefined {
  const collection = evaluator.collection(clause.in, env);
  if (collection === undefined) {
    if (evaluator.context.generic) anyRound(evaluator, clause, env, round);
    return undefined;
  }
  for (const [i, member] of collection.members.entries()) {
    evaluator.context.tick(clause.in.span, STEPS_A_ROUND);
    const key = collection.keys[i] ?? String(i);
    const locals = new Map<string, Val>();
    if (clause.key && clause.key.text !== "_") {
      locals.set(clause.key.text, collection.named ? stringValue(key) : intValue(i));
    }
    bindTarget(evaluator, clause.target, member, locals);
    if (clause.if) {
      const keep = evaluator.static(clause.if, extend(env, locals));
      // which members are left is not known: neither is what is made of them
      if (keep === undefined) return undefined;
      if (keep.kind !== "bool") {
        const args = { what: "`if`", wanted: "true or false", given: describe(keep), help: "compare:   if n > 0" };
        evaluator.context.report("E0206", args, clause.if.span);
        return undefined;
      }
      if (!keep.value) continue;
    }
    round(locals, key);
  }
  return collection;
}

/** One round over a member that only uses know, so that the loop's body is checked. */
function anyRound(
  evaluator: Evaluator,
  clause: ForClause,
  env: Environment,
  round: (locals: Map<string, Val>, key: string) => void,
): void {
  const locals = new Map<string, Val>();
  if (clause.key) locals.set(clause.key.text, unknown);
  bindTarget(evaluator, clause.target, unknown, locals);
  if (clause.if) evaluator.plain(clause.if, extend(env, locals));
  round(locals, "0");
}

/** The scope of a round of a loop: under the loop's name where it has one. */
function roundEnvironment(
  evaluator: Evaluator,
  site: Expr,
  key: string,
  locals: ReadonlyMap<string, Val>,
  env: Environment,
): Environment {
  const segment = env.naming.segmentOf(site);
  if (segment === undefined) return extend(env, locals);
  if (segment === "") {
    const holder = env.weights.claim(key, site);
    if (holder) evaluator.reportEqualNames(key, site, holder, env);
  }
  const scope = segment === "" ? env.weights : env.weights.child(segment);
  return extend(env, locals, { weights: scope.child(key, segment === "" ? `round ${key}` : `${segment}.${key}`) });
}

export function evaluateComprehension(evaluator: Evaluator, expr: ComprehensionExpr, env: Environment): Val {
  const keys: string[] = [];
  const members: Val[] = [];
  const over = forEach(evaluator, expr.for, env, (locals, key) => {
    const inner = roundEnvironment(evaluator, expr, key, locals, env);
    const naming = evaluator.context.shared.names.forLine(expr.member, undefined, (name) => inner.lookup(name));
    keys.push(key);
    members.push(evaluator.plain(expr.member, extend(inner, new Map(), { naming })));
  });
  if (over === undefined) return unknown;
  return over.named ? { kind: "collection", named: true, keys, members } : listOf(members);
}

export function evaluateFold(evaluator: Evaluator, expr: FoldExpr, env: Environment): Val {
  const anySteps = evaluator.context.generic ? foldForAll(evaluator, expr, env) : undefined;
  if (anySteps !== undefined) return anySteps;
  let state = evaluator.plain(expr.start, env);
  let next: ReadonlyMap<string, Val> = new Map();
  const over = forEach(evaluator, expr.for, env, (locals, key) => {
    state = holdInvariant(evaluator, expr, state, extend(env, locals), next.size === 0);
    next = afterRound(expr, locals);
    bindTarget(evaluator, expr.target, state, locals);
    state = evaluateBody(evaluator, expr.body, roundEnvironment(evaluator, expr, key, locals, env), {});
  });
  if (over === undefined) {
    evaluator.context.leave(expr.span, "the same type after each round");
    return unknown;
  }
  // after the last round the invariant speaks of the round that would follow
  return next.size > 0 ? holdInvariant(evaluator, expr, state, extend(env, next)) : state;
}

/** The loop's number after a round: one more. Empty where the loop counts nothing. */
function afterRound(expr: FoldExpr, locals: ReadonlyMap<string, Val>): ReadonlyMap<string, Val> {
  const { target } = expr.for;
  const value = target.kind === "name" ? locals.get(target.text) : undefined;
  if (target.kind !== "name" || value?.kind !== "int") return new Map();
  return new Map([[target.text, intValue(value.dim.plus(Dim.one))]]);
}

/** Checks the state against the invariant of a fold at hand; gives the state as a tensor of that type. */
function holdInvariant(evaluator: Evaluator, expr: FoldExpr, state: Val, env: Environment, isStart = false): Val {
  if (expr.type?.kind !== "tensor" || expr.type.dims === undefined || state.kind === "unknown") return state;
  const type = resolveType(evaluator, expr.type, env);
  if (type === undefined) return unknown;
  const given = toTensor(evaluator, state, type, expr.start);
  return checkState(evaluator, expr, expr.type, given, type, isStart);
}
function checkState(
  evaluator: Evaluator,
  expr: FoldExpr,
  node: TypeNode,
  state: Val,
  type: TensorType,
  isStart = false,
): Val {
  if (state.kind !== "tensor" || sameType(evaluator, state.type, type)) return state;
  const name = expr.target.kind === "name" ? `\`${expr.target.text}\`` : "the state";
  evaluator.context.report(
    "E0304",
    {
      what: `${name}, before each round,`,
      declared: showType(type),
      given: describe(state),
      ...(isStart && { help: startHelp(expr) }),
    },
    isStart ? expr.start.span : expr.body.result.span,
    { related: [{ span: node.span, label: "the loop's invariant" }] },
  );
  return unknown;
}

/** The invariant is wrong for the first round already. */
function startHelp({ target, for: clause }: FoldExpr): string {
  const name = target.kind === "name" ? target.text : "the state";
  const round = clause.target.kind === "name" && clause.target.text !== "_" ? clause.target.text : "i";
  return `the type is that before round ${round}, at first that of the start:   ${name}: float[B, D + ${round} * 16]`;
}

/**
 * A fold over a range whose ends only uses know, with an invariant I: start gives I(first), a round takes I(i) to I(i + 1),
 * so the result is I(last + 1). Undefined where the fold is no such one.
 */
function foldForAll(evaluator: Evaluator, expr: FoldExpr, env: Environment): Val | undefined {
  const { target, in: range } = expr.for;
  const { type } = expr;
  if (type?.kind !== "tensor" || type.dims === undefined || target.kind !== "name" || expr.target.kind !== "name")
    return undefined;
  if (range.kind !== "binary" || (range.op !== "..<" && range.op !== "..=")) return undefined;
  const [from, to] = [evaluator.plain(range.left, env), evaluator.plain(range.right, env)];
  if (from.kind !== "int" || to.kind !== "int") return undefined;
  const end = range.op === "..=" ? to.dim.plus(Dim.one) : to.dim;
  const at = (i: Dim): TensorType | undefined =>
    resolveType(evaluator, type, extend(env, new Map([[target.text, intValue(i)]])));
  const round = Dim.variable(target.text);
  const [first, before, after, last] = [from.dim, round, round.plus(Dim.one), end].map(at);
  if (!first || !before || !after || !last) return unknown;
  const { context } = evaluator;
  context.facts = context.facts.unbounded(target.text).bounded(target.text, { low: 0, high: Infinity });
  const start = toTensor(evaluator, evaluator.plain(expr.start, env), first, expr.start);
  const starts = checkState(evaluator, expr, type, start, first, true);
  const locals = new Map<string, Val>([
    [target.text, intValue(round)],
    [expr.target.text, hole(evaluator.context, before, expr.target.text)],
  ]);
  const made = evaluateBody(evaluator, expr.body, roundEnvironment(evaluator, expr, "0", locals, env), {});
  const goesOn = checkState(evaluator, expr, type, made, after);
  if (hasUnknown(starts) || hasUnknown(goesOn)) return unknown; // what it comes to would be said a second time
  return hole(evaluator.context, last, expr.target.text);
}

/**
 * Evaluates the lines of bodies: lets, params, states, updates, shared blocks and asserts, then the result.
 */
import type { Initializer, SizeAssert } from "../graph/graph.ts";
import type { BinaryOp, Body, Expr, Line, Target, TypeNode } from "../syntax/ast.ts";
import { spanText } from "../source/source.ts";
import { foreignType } from "../diagnostics/foreign-names.ts";
import { suggest } from "../diagnostics/suggest.ts";
import { dtypeClasses, dtypes, isDType, isDTypeClass, isNothing, showType, type TensorType } from "../types/tensor.ts";
import { namesIn } from "../types/signature.ts";
import type { Dim } from "../types/dim.ts";
import { fitStatic, showTypeNode } from "./functions.ts";
import { type Environment, extend, join } from "./environment.ts";
import type { Evaluator, Want } from "./evaluator.ts";
import { reportSharedValue } from "./mistakes.ts";
import { withRange } from "./ranges.ts";
import { initializerOf } from "./initial.ts";
import { liftNumber, makeTensor } from "./tensors.ts";
import { describe, hasUnknown, isStatic, unknown, type Val } from "./values.ts";

export function evaluateBody(evaluator: Evaluator, body: Body, env: Environment, want: Want): Val {
  const locals = new Map<string, Val>();
  const inner = extend(env, locals);
  const pending: (() => void)[] = [];
  for (const line of body.lines) evaluateLine(evaluator, line, inner, locals, pending);
  const result = evaluateNamed(evaluator, body.result, undefined, inner, want);
  for (const update of pending) update();
  return result;
}

/** Evaluates an expression whose weighted applications are named as those of a line (3.4). */
export function evaluateNamed(
  evaluator: Evaluator,
  expr: Expr,
  letName: string | undefined,
  env: Environment,
  want: Want,
): Val {
  const naming = evaluator.context.shared.names.forLine(expr, letName, (name) => env.lookup(name));
  return evaluator.plain(expr, extend(env, new Map(), { naming }), want);
}

/** Evaluates a line and binds its names in `locals`. Updates wait in `pending` for the end of the body. */
export function evaluateLine(
  evaluator: Evaluator,
  line: Line,
  env: Environment,
  locals: Map<string, Val>,
  pending: (() => void)[],
): void {
  const { context } = evaluator;
  switch (line.kind) {
    case "let": {
      bindTarget(evaluator, line.target, evaluateLet(evaluator, line.target, line.type, line.value, env), locals);
      return;
    }
    case "shared": {
      const value = evaluator.evaluate(line.value, env, { block: true });
      if (value.kind === "block") {
        const path = join(env.weights.path, line.name.text);
        claimName(evaluator, line.name.text, line.value, env);
        locals.set(line.name.text, {
          kind: "block",
          callable: { kind: "shared", of: value, path },
          name: line.name.text,
          config: value.config,
          slot: undefined,
        });
        return;
      }
      if (value.kind !== "unknown") reportSharedValue(context, line.value, value);
      locals.set(line.name.text, unknown);
      return;
    }
    case "param":
    case "state": {
      locals.set(line.name.text, unknown);
      const type = resolveType(evaluator, line.type, env);
      if (type === undefined) return;
      const open = context.generic ? undefined : type.shape.find((size) => size.constant === undefined);
      if (open !== undefined) {
        const block = context.frames.at(-1)?.name;
        const owner = block === undefined ? `\`${line.name.text}\`` : `\`${block}\``;
        context.report("E0314", { owner, type: showType(type), size: open.toString() }, line.type.span);
        return;
      }
      if (isNothing(type)) {
        const callee = context.callee(line.type.span) ?? line.name.text;
        context.report("E0311", { callee, shape: showType(type), weight: true }, line.type.span);
        return;
      }
      const path = join(env.weights.path, line.name.text);
      claimName(evaluator, line.name.text, line.value, env);
      const init = (): Initializer => {
        const known = context.shared.inits.get(path);
        if (known) return known;
        const made = initializerOf(evaluator, line.value, env, type);
        context.shared.inits.set(path, made);
        return made;
      };
      const kind = line.kind === "state" && path.startsWith("optimizer.") ? "optimizer" : line.kind;
      const variable = context.variables.declare(kind, path, type, init, line.span);
      if (!sameType(evaluator, variable.type, type)) {
        const [first, second] = [variable.type, type].map(showType);
        const args = { owner: env.weights.path, path, first: first ?? "", second: second ?? "" };
        context.report("E0406", args, line.span);
        return;
      }
      const reason = { span: line.type.span, text: `declared by \`${line.name.text}\``, argument: undefined };
      locals.set(
        line.name.text,
        makeTensor(
          context.variables.read(variable),
          type.shape.map(() => reason),
        ),
      );
      return;
    }
    case "update": {
      const current = env.lookup(line.name.text);
      const node = current?.kind === "tensor" ? current.value.node : undefined;
      const path = join(env.weights.path, line.name.text);
      const variable = context.variables.get(path);
      if (node === undefined || variable === undefined || variable.kind === "param") {
        if (current?.kind !== "unknown") context.report("E0401", { name: line.name.text }, line.name.span);
        return;
      }
      const training = context.training && !context.isFrozen(env.weights.path);
      if (!training) return;
      const value = toTensor(
        evaluator,
        evaluateNamed(evaluator, line.value, undefined, env, { type: variable.type }),
        variable.type,
        line.value,
      );
      if (value.kind !== "tensor") return;
      if (showType(value.type) !== showType(variable.type)) {
        context.report(
          "E0304",
          { what: `\`${line.name.text}\``, declared: showType(variable.type), given: showType(value.type) },
          line.value.span,
        );
        return;
      }
      pending.push(() => {
        context.variables.update(path, value.value);
      });
      return;
    }
    case "assert":
      evaluateAssert(evaluator, line.condition, line.message ?? "", env);
  }
}

/** The name by which a let's weights go. */
export function nameOf(target: Target): string | undefined {
  return target.kind === "name" && target.text !== "_" ? target.text : undefined;
}
export function evaluateLet(
  evaluator: Evaluator,
  target: Target,
  annotation: TypeNode | undefined,
  value: Expr,
  env: Environment,
): Val {
  const name = nameOf(target);
  const tensor = annotation?.kind === "tensor" && annotation.dims !== undefined;
  const type = tensor ? resolveType(evaluator, annotation, env) : undefined;
  // without the type that was meant, a size that the use would say is not to be missed
  if (tensor && type === undefined) return unknown;
  const given = evaluateNamed(evaluator, value, name, env, { type });
  if (annotation === undefined || hasUnknown(given)) return given;
  if (type === undefined) {
    if (tensor) return unknown;
    const fitted = fitStatic(given, annotation);
    if (fitted !== undefined || annotation.kind !== "tensor") return fitted ?? given;
    evaluator.context.report(
      "E0206",
      { what: `\`${name ?? "this"}\``, wanted: showTypeNode(annotation), given: describe(given) },
      value.span,
    );
    return unknown;
  }
  const lifted = toTensor(evaluator, given, type, value);
  if (lifted.kind !== "tensor") return lifted;
  if (!sameType(evaluator, lifted.type, type)) {
    evaluator.context.report(
      "E0304",
      {
        what: name === undefined ? "this" : `\`${name}\``,
        declared: showType(type),
        given: showType(lifted.type),
        ...classInstead(annotation, type, lifted.type, env),
      },
      value.span,
      {
        related: [{ span: annotation.span, label: "declared here" }, ...evaluator.context.usedHere(value.span)],
      },
    );
    return unknown;
  }
  return withRange(evaluator, name ?? "", annotation, lifted, value, env);
}

/** Where a block takes `int` or `float`, one of them is a stand-in: neither type holds for all uses, the class does. */
function classInstead(annotation: TypeNode, type: TensorType, given: TensorType, env: Environment): { help?: string } {
  if (annotation.kind !== "tensor" || type.dtype === given.dtype) return {};
  const { file, start } = annotation.span;
  const above = file.text.slice(Math.max(0, file.text.lastIndexOf("block ", start)), start);
  const name = [...env.dtypes.keys()].find(
    (word) => env.dtypes.get(word) === given.dtype && above.includes(`${word}[`),
  );
  if (name === undefined || !isDTypeClass(name) || !dtypeClasses[name](type.dtype)) return {};
  const written = showTypeNode(annotation).replace(/^\w+/, name);
  return { help: `the block takes \`${name}\`, of any width; what is made of it keeps that:   ${written}` };
}

export function sameType(evaluator: Evaluator, a: TensorType, b: TensorType): boolean {
  const { facts } = evaluator.context;
  return (
    a.dtype === b.dtype &&
    a.shape.length === b.shape.length &&
    a.shape.every((d, i) => {
      const other = b.shape[i];
      return other !== undefined && facts.equal(d, other);
    })
  );
}

/** A number in a place where a scalar tensor is wanted becomes one; a tensor stays. */
export function toTensor(evaluator: Evaluator, value: Val, type: TensorType, at: Expr): Val {
  if (value.kind === "tensor" || value.kind === "unknown") return value;
  if ((value.kind === "int" || value.kind === "float") && type.shape.length === 0) {
    return makeTensor(liftNumber(evaluator.context, value, type.dtype), []);
  }
  evaluator.context.report("E0206", { what: "this place", wanted: showType(type), given: describe(value) }, at.span);
  return unknown;
}

export function bindTarget(evaluator: Evaluator, target: Target, value: Val, locals: Map<string, Val>): void {
  if (target.kind === "name") {
    if (target.text !== "_") locals.set(target.text, value);
    return;
  }
  const members = value.kind === "tuple" || value.kind === "collection" ? value.members : undefined;
  const count = target.members.length;
  if (members?.length !== count) {
    // in the check for all uses, a list of tensors stands for one of any length
    const anyLength = evaluator.context.generic && value.kind === "collection" && !isStatic(value);
    if (value.kind !== "unknown" && !anyLength) {
      evaluator.context.report(
        "E0206",
        {
          what: `this pattern of ${String(count)}`,
          wanted: `${String(count)} values`,
          given:
            members === undefined
              ? describe(value)
              : `${describe(value)} of ${String(members.length)}`.replace(/ of (\d+) of \d+$/, " of $1"),
          help:
            members === undefined
              ? ""
              : `name as many as there are:   (${members.map((_, i) => "abcdefgh"[i] ?? "_").join(", ")})`,
        },
        target.span,
      );
    }
    for (const member of target.members) bindTarget(evaluator, member, unknown, locals);
    return;
  }
  for (const [i, member] of target.members.entries()) bindTarget(evaluator, member, members[i] ?? unknown, locals);
}

/** The type that a declaration in a body or model states, with its names filled in; undefined after a report. */
export function resolveType(evaluator: Evaluator, node: TypeNode, env: Environment): TensorType | undefined {
  const { context } = evaluator;
  if (node.kind !== "tensor" || node.dims === undefined) {
    const isNumber = node.kind === "tensor" && (isDType(node.name.text) || isDTypeClass(node.name.text));
    if (node.kind !== "bad")
      context.report(
        "E0206",
        {
          what: "this declaration",
          wanted: "a tensor type such as f32[B, 3]",
          given: node.kind === "tensor" ? `\`${node.name.text}\`` : showTypeNode(node),
          help: isNumber ? `one number is a tensor without axes:   ${node.name.text}[]` : "",
        },
        node.span,
        {
          fixes: isNumber
            ? [{ title: `write \`${node.name.text}[]\``, span: node.span, text: `${node.name.text}[]` }]
            : [],
        },
      );
    return undefined;
  }
  const name = node.name.text;
  const bound = isDTypeClass(name) ? env.dtypes.get(name) : undefined;
  const given = isDType(name) ? name : (bound ?? (isDTypeClass(name) && name === "float" ? "f32" : undefined));
  const asValue = given === undefined ? env.lookup(name) : undefined;
  const dtype = given ?? (asValue?.kind === "dtype" ? asValue.dtype : undefined);
  if (dtype === undefined) {
    const { near, fixes } = suggest(name, node.name.span, [...dtypes, ...Object.keys(dtypeClasses)], foreignType(name));
    const advice = "element types are f16, bf16, f32, f64, i32, i64 and bool";
    context.report("E0202", { name, near, advice }, node.name.span, { fixes });
    return undefined;
  }
  const shape: Dim[] = [];
  for (const dim of node.dims) {
    if (dim.kind === "any" || (dim.kind === "run" && dim.of === undefined)) {
      context.report("E0206", { what: "this declaration", wanted: "every size", given: "an open one" }, dim.span);
      return undefined;
    }
    const expr = dim.kind === "run" ? dim.of : dim.value;
    if (expr === undefined) return undefined;
    const value = evaluator.static(expr, env);
    if (value === undefined) return undefined;
    if (dim.kind === "expr" && value.kind === "int") shape.push(value.dim);
    else if (dim.kind === "run" && value.kind === "collection") {
      for (const member of value.members) if (member.kind === "int") shape.push(member.dim);
    } else {
      context.report("E0206", { what: "a size", wanted: "a whole number", given: describe(value) }, expr.span);
      return undefined;
    }
  }
  if (shape.some((d) => d.constant !== undefined && d.constant < 0)) {
    context.report("E0311", { shape: showType({ dtype, shape }) }, node.span);
    return undefined;
  }
  return { dtype, shape };
}

/** A condition that must hold: decided now, or kept as a precondition on what is fed. */
export function evaluateAssert(evaluator: Evaluator, condition: Expr, message: string, env: Environment): void {
  const { context } = evaluator;
  if (condition.kind === "binary" && isComparison(condition.op)) {
    const [left, right] = [evaluator.static(condition.left, env), evaluator.static(condition.right, env)];
    if (left?.kind === "int" && right?.kind === "int") {
      const holds = context.facts.decide(left.dim, condition.op, right.dim);
      if (holds === false) {
        const values = shownSides(evaluator, condition, env);
        context.report("E0313", { condition: spanText(condition.span), message, values }, condition.span);
      }
      if (holds === undefined) {
        context.asserts.push({
          left: left.dim,
          comparison: condition.op,
          right: right.dim,
          message,
          span: condition.span,
        });
      }
      return;
    }
    if (left === undefined || right === undefined) return;
  }
  const value = evaluator.static(condition, env);
  if (value?.kind === "bool" && !value.value)
    context.report("E0313", { condition: spanText(condition.span), message }, condition.span);
}
/** What the two sides come to, where they are more than numbers. */
function shownSides(evaluator: Evaluator, condition: Expr & { kind: "binary" }, env: Environment): readonly string[] {
  return [...namesIn(condition)]
    .map((name): Expr => ({ kind: "name", text: name, span: condition.span }))
    .concat([condition.left, condition.right].filter((side) => side.kind !== "name" && side.kind !== "number"))
    .flatMap((side) => {
      const value = evaluator.plain(side, env);
      const text = side.kind === "name" ? side.text : spanText(side.span);
      return value.kind === "int" ? [`${text} is ${value.dim.toString()}`] : [];
    });
}
function isComparison(op: BinaryOp): op is SizeAssert["comparison"] {
  return ["==", "!=", "<", "<=", ">", ">="].includes(op);
}

function claimName(evaluator: Evaluator, name: string, site: Expr, env: Environment): void {
  const holder = env.weights.claim(name, site);
  if (holder) evaluator.reportEqualNames(name, site, holder, env);
}

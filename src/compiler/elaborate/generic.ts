/**
 * Checks declarations once for all uses: the body of a block over sizes that are only names, with settings that nobody has
 * set. What depends on a use is unknown and left to it; what is wrong in every use is reported here, also where no model
 * uses the block.
 */
import { DiagnosticBag, type Fix } from "../diagnostics/diagnostic.ts";
import type { TypeRules } from "../graph/builder.ts";
import type { FileScope } from "../resolve/modules.ts";
import type { BlockDecl, FnDecl, Param, TypeNode } from "../syntax/ast.ts";
import { Dim } from "../types/dim.ts";
import { Bindings, classify, isTensorType, namesIn } from "../types/signature.ts";
import { type IntValue, intValue, listOf, type Static, StaticError } from "../types/static.ts";
import { type DType, isDType, showType, type TensorType, usualDtypes } from "../types/tensor.ts";
import { evaluateBody, resolveType, sameType } from "./bodies.ts";
import { BudgetError, Context, newSharedState, type PerUse } from "./context.ts";
import type { CheckMemo } from "./memo.ts";
import { type Environment, extend, WeightScope } from "./environment.ts";
import { Evaluator } from "./evaluator.ts";
import { fileEnvironment } from "./files.ts";
import { hole } from "./holes.ts";
import { checkSlot } from "./slots.ts";
import {
  type AbstractCallable,
  type BlockVal,
  hasUnknown,
  isStatic,
  unknown,
  UnknownError,
  type Val,
} from "./values.ts";
import type { Operand } from "./operands.ts";
import { resolveRange } from "./ranges.ts";

/** What the classes of element types stand for where no use says it. */
const genericDtypes: ReadonlyMap<string, DType> = new Map(Object.entries(usualDtypes));

/** Checks every block, function and constant that a file declares; gives what is left to their uses. */
export function checkDeclarations(
  scope: FileScope,
  rules: TypeRules,
  bag: DiagnosticBag,
  memo?: CheckMemo,
): readonly PerUse[] {
  const left: PerUse[] = [];
  for (const declaration of scope.declarations.values()) {
    if (declaration.kind !== "block" && declaration.kind !== "fn" && declaration.kind !== "const") continue;
    const stamp = memo && String(memo.stampOf(declaration, scope));
    const known = stamp === undefined ? undefined : memo?.declarations.get(stamp);
    if (known) {
      left.push(...known);
      continue;
    }
    const context = new Context({
      bag: new DiagnosticBag(),
      rules,
      training: true,
      generic: true,
      shared: newSharedState(true, true, memo),
    });
    const evaluator = new Evaluator(context);
    const shapesVary =
      declaration.kind === "block" &&
      (declaration.lists.flat().some((p) => hasRun(p.type)) || hasRun(declaration.result));
    const evaluate = (): void => {
      if (declaration.kind === "block") checkBlock(evaluator, declaration, scope);
      else if (declaration.kind === "fn") checkFunction(evaluator, declaration, scope);
      else fileEnvironment(evaluator, scope).lookup(declaration.name.text);
      context.templates.remember();
    };
    try {
      if (memo) memo.evaluating(declaration, evaluate);
      else evaluate();
    } catch (error) {
      if (!(error instanceof BudgetError)) throw error;
    }
    // a run of axes stands for any number of them; two were tried, and a shape that fails with two may do with others
    for (const d of context.bag.sorted()) if (!shapesVary || !d.code.startsWith("E03")) bag.add(d);
    left.push(...context.left.values());
    if (stamp !== undefined && context.bag.told === 0) memo?.declarations.set(stamp, [...context.left.values()]);
  }
  return left;
}

function hasRun(type: TypeNode | undefined): boolean {
  if (type?.kind === "tensor") return (type.dims ?? []).some((d) => d.kind === "run");
  if (type?.kind === "list") return hasRun(type.member);
  return type?.kind === "tuple" && type.members.some(hasRun);
}

function checkFunction(evaluator: Evaluator, fn: FnDecl, scope: FileScope): void {
  const file = fileEnvironment(evaluator, scope);
  const locals = new Map(fn.params.map((p): [string, Val] => [p.name.text, genericSetting(evaluator, p, file)]));
  evaluateBody(evaluator, fn.body, extend(file, locals), {});
}

/** The edit that puts tensors behind settings into a list of their own. */
function apart(list: readonly Param[]): readonly Fix[] {
  const at = list.findIndex((p) => isTensorType(p.type));
  const [before, first] = [list[at - 1], list[at]];
  if (!before || !first || list.slice(at).some((p) => !isTensorType(p.type))) return [];
  const span = { ...first.span, start: before.span.end, end: first.span.start };
  return [{ title: "put the tensors into a list of their own", span, text: ")(" }];
}

/** `out: i32`: a setting is a number, and `i32` the element type of tensors. */
function refuseElementType(evaluator: Evaluator, { name, type }: Param): void {
  if (type?.kind !== "tensor" || type.dims !== undefined || !isDType(type.name.text)) return;
  const given = type.name.text;
  if (given === "bool") return;
  const text = given.startsWith("i") ? "int" : "float";
  const args = { what: `\`${name.text}\``, wanted: "the type of a setting", given: `the element type \`${given}\`` };
  const help = `a number is   ${name.text}: ${text}   and a tensor has brackets:   ${name.text}: ${given}[]`;
  const fixes = [{ title: `write \`${text}\``, span: type.span, text }];
  evaluator.context.report("E0206", { ...args, help }, type.span, { fixes });
}

function checkBlock(evaluator: Evaluator, block: BlockDecl, scope: FileScope): void {
  const { context } = evaluator;
  for (const list of block.lists) {
    const [tensor] = list.filter((p) => isTensorType(p.type));
    const [setting] = list.filter((p) => !isTensorType(p.type));
    if (!tensor || !setting) continue;
    // what its uses would say follows from this
    scope.broken.add(block.name.text);
    context.report(
      "E0224",
      { block: block.name.text, tensor: tensor.name.text, setting: setting.name.text },
      tensor.span,
      { fixes: block.lists.length === 1 ? apart(list) : [] },
    );
  }
  const { config, tensors = [] } = classify(block.lists);
  for (const param of config) refuseElementType(evaluator, param);
  const file = fileEnvironment(evaluator, scope);
  const locals = sizesOf([...tensors.map((p) => p.type), block.result]);
  const env = extend(file, locals, { weights: new WeightScope("", block.name.text), dtypes: genericDtypes });
  for (const param of config) locals.set(param.name.text, genericSetting(evaluator, param, env));
  for (const param of tensors) locals.set(param.name.text, genericTensor(evaluator, param.type, param.name.text, env));
  for (const param of config) {
    if (!param.default) continue;
    const value = evaluator.argument(param.default, env, param.type?.kind === "block");
    checkSlot(context, block.name.text, param, value, param.default.span);
  }
  for (const condition of block.where) evaluator.plain(condition, env);
  const quiet = new Evaluator(
    new Context({
      bag: new DiagnosticBag(),
      rules: context.graph.rules,
      training: true,
      generic: true,
      shared: context.shared,
    }),
  );
  const stated = block.result?.kind === "tensor" && !isOpen(block.result) ? block.result : undefined;
  const declared = stated && resolveType(quiet, stated, env);
  const result = evaluateBody(evaluator, block.body, env, { type: declared });
  if (declared === undefined || result.kind !== "tensor" || sameType(evaluator, result.type, declared)) return;
  context.report(
    "E0304",
    { what: `\`${block.name.text}\``, declared: showType(declared), given: showType(result.type) },
    block.body.result.span,
    { related: stated ? [{ span: stated.span, label: "declared here" }] : [] },
  );
}
function isOpen(type: TypeNode & { kind: "tensor" }): boolean {
  return (type.dims ?? []).some((d) => d.kind === "any" || (d.kind === "run" && d.of === undefined));
}

/** The upper-case names of a signature, each a size of its own; a run stands for two axes. */
function sizesOf(types: readonly (TypeNode | undefined)[]): Map<string, Val> {
  const sizes = new Map<string, Val>();
  const visit = (type: TypeNode | undefined): void => {
    if (type?.kind === "list") visit(type.member);
    else if (type?.kind === "tuple") type.members.forEach(visit);
    else if (type?.kind === "tensor") {
      for (const dim of type.dims ?? []) {
        const expr = dim.kind === "any" ? undefined : dim.kind === "run" ? dim.of : dim.value;
        for (const name of expr ? namesIn(expr) : []) {
          if (!/^[A-Z]/.test(name) || sizes.has(name)) continue;
          const run = dim.kind === "run" && expr?.kind === "name";
          sizes.set(
            name,
            run
              ? listOf([0, 1].map((i) => intValue(Dim.variable(`${name}${String(i)}`))))
              : intValue(Dim.variable(name)),
          );
        }
      }
      if (type.range)
        for (const name of namesIn(type.range))
          if (/^[A-Z]/.test(name) && !sizes.has(name)) sizes.set(name, intValue(Dim.variable(name)));
    }
  };
  types.forEach(visit);
  return sizes;
}

function genericSetting(evaluator: Evaluator, param: Param, env: Environment): Val {
  const { type } = param;
  if (type?.kind === "block") {
    const callable: AbstractCallable = { kind: "abstract", type, env };
    const { config } = classify(type.lists);
    return {
      kind: "block",
      callable,
      name: param.name.text,
      config: new Map(),
      slot: { name: param.name.text, config },
    };
  }
  const { context } = evaluator;
  if (isInt(type)) return anyInt(context, param.name.text);
  if (type?.kind === "tuple" && type.members.every(isInt)) {
    return { kind: "tuple", members: type.members.map((_, i) => anyInt(context, `${param.name.text}[${String(i)}]`)) };
  }
  return unknown;
}
function isInt(type: TypeNode | undefined): boolean {
  return type?.kind === "tensor" && type.dims === undefined && type.name.text === "int";
}
/** A whole number of this name, which may be negative. */
function anyInt(context: Context, name: string): IntValue {
  context.facts = context.facts.unbounded(name);
  return intValue(Dim.variable(name));
}

function genericTensor(evaluator: Evaluator, type: TypeNode | undefined, name: string, env: Environment): Val {
  if (type?.kind === "list") return listOf([0, 1].map(() => genericTensor(evaluator, type.member, name, env)));
  if (type?.kind === "tuple")
    return { kind: "tuple", members: type.members.map((m) => genericTensor(evaluator, m, name, env)) };
  if (type?.kind !== "tensor" || isOpen(type)) return unknown;
  const resolved = resolveType(evaluator, type, env);
  if (resolved === undefined) return unknown;
  return hole(evaluator.context, resolved, name, resolveRange(evaluator, type, env));
}
/** The result of a block of which only the signature is known. */
export function applyAbstract(
  evaluator: Evaluator,
  block: BlockVal,
  callable: AbstractCallable,
  operands: readonly Operand[],
  want: TensorType | undefined,
): Val {
  const { type, env } = callable;
  const { config, tensors = [] } = classify(type.lists);
  if (type.result.kind !== "tensor") return unknown;
  const locals = new Map<string, Val>();
  for (const param of config) locals.set(param.name.text, block.config.get(param.name.text)?.value ?? unknown);
  const bindings: Bindings = new Bindings(evaluator.context.facts, (expr, b): Static => {
    const inner: Environment = { ...env, lookup: (name) => locals.get(name) ?? b.values.get(name) ?? env.lookup(name) };
    const value = evaluator.plain(expr, inner);
    if (!isStatic(value)) throw new UnknownError();
    return value;
  });
  for (const [name, value] of locals) if (isStatic(value)) bindings.values.set(name, value);
  try {
    const given = operands.map(({ value }) =>
      value.kind === "tensor"
        ? ({ kind: "tensor", type: value.type, range: value.range } as const)
        : ({ kind: "unknown" } as const),
    );
    bindings.match(tensors, given);
    if (bindings.asked(type.result).length > 0)
      return want === undefined ? unknown : hole(evaluator.context, want, block.name);
    const made = bindings.instantiate(type.result, "f32");
    return made === undefined || operands.some((o) => hasUnknown(o.value))
      ? unknown
      : hole(evaluator.context, made, block.name);
  } catch (error) {
    if (error instanceof StaticError) return unknown;
    throw error;
  }
}

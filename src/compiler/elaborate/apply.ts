/**
 * Configures blocks and applies them to tensors (3.1, 5.2 of docs/language.md): matches arguments against the signature,
 * checks conditions, evaluates the body or emits the primitive, and says why each axis of the result has its size.
 */
import { spanText } from "../source/source.ts";
import type { Argument, BlockDecl, CallExpr, Param, PrimDecl, TypeNode } from "../syntax/ast.ts";
import { OpenError } from "../types/evaluate.ts";
import { Bindings, classify, type ParamList } from "../types/signature.ts";
import type { Dim } from "../types/dim.ts";
import { type Static, StaticError } from "../types/static.ts";
import { isStaticFunction, JoinError } from "../types/shapes.ts";
import { callStatic } from "../types/evaluate.ts";
import { isNothing, showType, type TensorType } from "../types/tensor.ts";
import { reportMismatch } from "./blame.ts";
import { evaluateBody } from "./bodies.ts";
import { type Environment, extend, WeightScope } from "./environment.ts";
import type { Evaluator, Want } from "./evaluator.ts";
import { fileEnvironment } from "./files.ts";
import { fitStatic } from "./functions.ts";
import { applyAbstract } from "./generic.ts";
import { reportCondition } from "./conditions.ts";
import { warnOpenLabels } from "./labels.ts";
import { reportAsked, reportCount, reportLevels, reportUnknownSetting, reportWrongSetting } from "./mistakes.ts";
import { type Given, positionalParam, reportUnnamed, withoutSizes } from "./positions.ts";
import { argumentType, isEmpty, type Operand, shapesOf, type Site, withReasons } from "./operands.ts";
import { emitPrimitive } from "./primitives.ts";
import { checkSlot, listsOf } from "./slots.ts";
import { reportJoin } from "./tensors.ts";
import {
  type BlockVal,
  type Callable,
  hasUnknown,
  holdsTensor,
  isStatic,
  unknown,
  UnknownError,
  type Val,
} from "./values.ts";

export class Applier {
  readonly #evaluator: Evaluator;

  constructor(evaluator: Evaluator) {
    this.#evaluator = evaluator;
  }

  /** `f(…)`: the next list of `f` is its settings, or its tensors where the settings are complete (3.1). */
  call(block: BlockVal, call: CallExpr, env: Environment, want: Want): Val {
    const evaluator = this.#evaluator;
    const { context } = evaluator;
    const lists = listsOf(block);
    const open = lists.config.filter((p) => !block.config.has(p.name.text));
    let position = 0;
    const args = call.args.map((arg) => {
      const param = arg.name
        ? lists.config.find((p) => p.name.text === arg.name?.text)
        : positionalParam(block, lists.config, position++);
      // of a setting that is not there nobody knows what its value was to be
      const alone = param === undefined ? arg.name !== undefined : param.type?.kind === "block";
      return { arg, param, value: evaluator.argument(arg.value, env, alone) };
    });
    if (args.some((a) => hasUnknown(a.value))) return unknown;
    const site: Site = { expr: call, span: call.callee.span, env, want };
    const anyTensor = args.some((a) => holdsTensor(a.value));
    const anyNamed = args.some((a) => a.arg.name !== undefined);
    const odd = args.find(({ arg, param }) => param === undefined && arg.name !== undefined && !takes(lists, arg));
    if (anyTensor && odd) {
      // whichever list it is written in, no block has it
      reportUnknownSetting(context, block.name, odd.arg, lists.config);
      return unknown;
    }
    const missing = open.filter((p) => p.default === undefined);

    if (
      block.callable.kind === "declared" &&
      block.callable.declaration.kind === "prim" &&
      !anyTensor &&
      !anyNamed &&
      isStaticFunction(block.name) &&
      lists.tensors !== undefined &&
      open.length === 0
    ) {
      return callStatic(
        block.name,
        call.args.map((a) => a.value),
        (e) => args.find((a) => a.arg.value === e)?.value as Static,
        context.facts,
      );
    }
    const applies = anyTensor
      ? missing.length === 0 && !anyNamed
      : lists.tensors !== undefined && open.length === 0 && args.length > 0 && !anyNamed;
    const [first] = call.args;
    const extra = args.filter((a) => !holdsTensor(a.value));
    if (
      applies &&
      anyTensor &&
      extra.length > 0 &&
      args.length > (lists.tensors?.length ?? 0) &&
      lists.config.length > 0
    ) {
      reportLevels(context, block.name, call, lists.config[0], args, lists.tensors ?? []);
      return unknown;
    }
    if (applies && !anyTensor && first && args.length !== lists.tensors?.length && lists.config.length === 0) {
      // numbers where there is nothing to set
      reportUnknownSetting(context, block.name, first, lists.config);
      return unknown;
    }
    if (applies) {
      const tuple = args.length === 1 && args[0]?.value.kind === "tuple" ? args[0].value.members : undefined;
      const operands =
        tuple?.map((value): Operand => ({ value, expr: undefined })) ??
        args.map(({ arg, value }): Operand => ({ value, expr: arg.value }));
      return this.apply(block, operands, site);
    }
    const named = args.find((a) => a.arg.name !== undefined && holdsTensor(a.value));
    if (named?.param && args.every((a) => a === named || !holdsTensor(a.value))) {
      reportWrongSetting(context, block.name, named.param, named.arg, named.value, lists.config);
      return unknown;
    }
    if (anyTensor) {
      const setting = missing[0] ?? args.find((a) => holdsTensor(a.value))?.param;
      reportLevels(context, block.name, call, setting, args, lists.tensors ?? []);
      return unknown;
    }
    const configured = this.#configure(block, args, call, lists);
    if (configured === undefined) return unknown;
    const source = lists.tensors === undefined && configured.callable.kind !== "anonymous";
    return source && want.block !== true ? this.apply(configured, [], site) : configured;
  }

  #configure(block: BlockVal, args: readonly Given[], call: CallExpr, lists: ParamList): BlockVal | undefined {
    const { context } = this.#evaluator;
    if (reportUnnamed(context, block, args, call)) return undefined;
    const config = new Map(block.config);
    let failed = false;
    for (const { arg, param, value } of args) {
      if (param === undefined) {
        const instead = arg.name === undefined ? withoutSizes(block.name, call, lists.config, args) : "";
        reportUnknownSetting(context, block.name, arg, lists.config, instead);
        if (arg.name === undefined) return undefined; // those behind it have no place either
        failed = true;
        continue;
      }
      const name = param.name.text;
      if (config.has(name)) {
        const first = config.get(name)?.span;
        const related = first ? [{ span: first, label: "set here first" }] : [];
        context.report("E0217", { callee: block.name, name }, arg.span, { related });
      }
      const fitted = fitStatic(value, param.type);
      if (fitted === undefined && !config.has(name)) {
        reportWrongSetting(context, block.name, param, arg, value, lists.config);
      }
      const fits = fitted === undefined || checkSlot(context, block.name, param, fitted, arg.value.span);
      if (fitted === undefined || !fits || config.has(name)) failed = true;
      else config.set(name, { value: fitted.kind === "block" ? asSlot(fitted, param) : fitted, span: arg.value.span });
    }
    return failed ? undefined : { ...block, config };
  }

  /** Applies a block whose settings are complete to its tensors. */
  apply(block: BlockVal, operands: readonly Operand[], site: Site): Val {
    const { context } = this.#evaluator;
    context.tick(site.span);
    if (operands.some((o) => hasUnknown(o.value))) return unknown;
    return context.within({ span: site.span, name: block.name }, () => this.#applyAny(block, operands, site));
  }

  #applyAny(block: BlockVal, operands: readonly Operand[], site: Site): Val {
    const { callable } = block;
    if (callable.kind === "shared") {
      const scope = new WeightScope(callable.path, block.name);
      return this.#run(
        { ...callable.of, config: new Map([...callable.of.config, ...block.config]) },
        callable.of.callable,
        operands,
        site,
        scope,
      );
    }
    return this.#run(block, callable, operands, site, site.scope ?? this.#weightScope(block, site));
  }

  /** The scope of the weights that the application makes; claims its name (3.4). */
  #weightScope(block: BlockVal, site: Site): WeightScope {
    const { names } = this.#evaluator.context.shared;
    const { env } = site;
    if (!names.isWeighted(block)) return new WeightScope(env.weights.path, env.weights.label);
    const segment = env.naming.segmentOf(site.expr) ?? block.slot?.name ?? block.name;
    const holder = env.weights.claim(segment, site.expr);
    if (holder === undefined) return env.weights.child(segment);
    this.#evaluator.reportEqualNames(segment, site.expr, holder, env);
    return env.weights.child(`${segment} again`); // apart from the first one's weights, so that nothing else is reported
  }

  #run(block: BlockVal, callable: Callable, operands: readonly Operand[], site: Site, weights: WeightScope): Val {
    if (callable.kind === "shared") {
      return this.#run(callable.of, callable.of.callable, operands, site, new WeightScope(callable.path, block.name));
    }
    if (callable.kind === "anonymous") return this.#applyAnonymous(callable, operands, site, weights);
    if (callable.kind === "abstract") return applyAbstract(this.#evaluator, block, callable, operands, site.want.type);
    return this.#applyDeclared(block, callable.declaration, callable, operands, site, weights);
  }

  #applyAnonymous(
    callable: Callable & { kind: "anonymous" },
    operands: readonly Operand[],
    site: Site,
    weights: WeightScope,
  ): Val {
    const { params, body } = callable.expr;
    if (!this.#checkCount("block", params, operands, site)) return unknown;
    const locals = new Map(params.map((p, i) => [p.name.text, operands[i]?.value ?? unknown]));
    return evaluateBody(this.#evaluator, body, extend(callable.env, locals, { weights, world: undefined }), site.want);
  }
  #checkCount(name: string, wanted: readonly Param[], operands: readonly Operand[], site: Site): boolean {
    if (operands.length === wanted.length) return true;
    reportCount(this.#evaluator.context, name, wanted, operands, site);
    return false;
  }

  #applyDeclared(
    block: BlockVal,
    declaration: BlockDecl | PrimDecl,
    callable: Callable & { kind: "declared" },
    operands: readonly Operand[],
    site: Site,
    weights: WeightScope,
  ): Val {
    const evaluator = this.#evaluator;
    const { context } = evaluator;
    const { config, tensors = [] } = classify(declaration.lists);
    if (!this.#checkCount(block.name, tensors, operands, site)) return unknown;

    const locals = new Map<string, Val>();
    const file = fileEnvironment(evaluator, callable.scope);
    // dim variables and runs live in the bindings, everything else in `locals`
    const signature: Environment = {
      ...extend(file, locals, { weights }),
      lookup: (name) => locals.get(name) ?? bindings.values.get(name) ?? file.lookup(name),
    };
    const bindings: Bindings = new Bindings(context.facts, (expr, b) => {
      const value = evaluator.plain(expr, { ...signature, dtypes: b.dtypes });
      if (hasUnknown(value)) throw new UnknownError();
      if (!isStatic(value)) throw new StaticError(`${spanText(expr.span)} is no number`);
      return value;
    });
    const missing = config.filter((p) => p.default === undefined && !block.config.has(p.name.text));
    if (missing.length > 0) {
      const given = /^[\w.]+\((.*)\)$/s.exec(spanText(site.span))?.[1] ?? "";
      context.report("E0218", { callee: block.name, missing: missing.map((p) => p.name.text), given }, site.span);
      return unknown;
    }
    for (const param of config) {
      const given = block.config.get(param.name.text)?.value;
      const value =
        given ?? (param.default ? evaluator.argument(param.default, signature, param.type?.kind === "block") : unknown);
      const fitted = given ?? fitStatic(value, param.type) ?? value;
      if (hasUnknown(fitted)) return unknown;
      locals.set(param.name.text, fitted.kind === "block" ? asSlot(fitted, param) : fitted);
      if (isStatic(fitted)) bindings.values.set(param.name.text, fitted);
    }
    const args = operands.map((o) => argumentType(o.value));
    for (const [i, param] of tensors.entries()) {
      const value = operands[i]?.value ?? unknown;
      // a primitive's signature speaks of the shapes of a list (`concatenated(xs, axis)`), a body of its tensors
      if (declaration.kind === "block" || value.kind !== "collection") locals.set(param.name.text, value);
      else bindings.values.set(param.name.text, shapesOf(value));
    }
    const failures = bindings.match(tensors, args);
    // one misfit often shows at several tensors; what is left shows when the first is mended
    for (const failure of failures.filter(
      (f, i) => failures.findIndex((g) => g.mismatch.kind === f.mismatch.kind) === i,
    ))
      reportMismatch(
        context,
        { callee: block.name, tensors, operands, bindings, site, scope: callable.scope },
        failure,
      );
    if (failures.length > 0) return unknown;
    warnOpenLabels(context, block.name, tensors, operands, bindings);
    if (!this.#bindAsked(block, declaration.result, bindings, site)) return unknown;
    if (!this.#checkConditions(block, declaration, bindings, site)) return unknown;

    let declared: TensorType | undefined;
    try {
      if (declaration.result?.kind === "tensor")
        declared = bindings.instantiate(declaration.result, site.want.type?.dtype);
    } catch (error) {
      if (!(error instanceof JoinError)) throw error;
      const given = operands.find((o) => o.value.kind === "collection" || o.value.kind === "tuple") ?? operands[0];
      if (given) reportJoin(context, error, block.name, given.value, given.expr ?? site.expr, site.span);
      return unknown;
    }
    if (declared !== undefined && isNothing(declared) && !operands.some((o) => isEmpty(o.value))) {
      const [first] = operands;
      const given = first?.value.kind === "tensor" ? showType(first.value.type) : "";
      const setting = noSize(declaration, bindings);
      context.report("E0311", { callee: block.name, shape: showType(declared), given, setting }, site.span);
      return unknown;
    }
    if (declaration.kind === "prim") {
      const made = context.graph.at({ path: weights.path, span: context.place(site.span) }, () =>
        emitPrimitive(evaluator, declaration, bindings, locals, operands, site, weights),
      );
      return withReasons(made, declaration.result, bindings, tensors, operands, block, site);
    }
    for (const [name, value] of bindings.values) if (!locals.has(name)) locals.set(name, value);
    const inner = extend(file, locals, { weights, dtypes: bindings.dtypes });
    const application = {
      declaration,
      scope: callable.scope,
      config,
      locals,
      operands: operands.map((o) => o.value),
      want: declared,
      path: weights.path,
      place: context.place(site.span),
    };
    const result = context.templates.apply(application, () =>
      evaluateBody(evaluator, declaration.body, inner, { type: declared }),
    );
    if (hasUnknown(result)) return unknown;
    if (declared !== undefined && result.kind === "tensor" && !this.#fits(result.type, declared)) {
      context.report(
        "E0304",
        { what: `\`${block.name}\``, declared: showType(declared), given: showType(result.type) },
        declaration.body.result.span,
        {
          related: [
            ...(declaration.result ? [{ span: declaration.result.span, label: "declared here" }] : []),
            ...context.usedHere(declaration.body.result.span),
          ],
        },
      );
      return unknown;
    }
    return withReasons(result, declaration.result, bindings, tensors, operands, block, site);
  }
  #fits(a: { readonly dtype: string; readonly shape: readonly Dim[] }, b: typeof a): boolean {
    const { facts } = this.#evaluator.context;
    return (
      a.dtype === b.dtype &&
      a.shape.length === b.shape.length &&
      a.shape.every((d, i) => {
        const other = b.shape[i];
        return other !== undefined && facts.equal(d, other);
      })
    );
  }

  /** Sizes that only the result names come from the type that the use expects. */
  #bindAsked(block: BlockVal, result: TypeNode | undefined, bindings: Bindings, site: Site): boolean {
    const asked = bindings.asked(result);
    if (asked.length === 0 || result?.kind !== "tensor") return true;
    const want = site.want.type;
    if (want === undefined) {
      reportAsked(this.#evaluator.context, block.name, asked, site.span);
      return false;
    }
    const mismatch = bindings.bindAsked(result, want);
    if (mismatch === undefined && bindings.asked(result).length === 0) return true;
    this.#evaluator.context.report(
      "E0304",
      { what: `\`${block.name}\``, declared: showType(want), given: spanText(result.span) },
      site.span,
    );
    return false;
  }

  #checkConditions(block: BlockVal, declaration: BlockDecl | PrimDecl, bindings: Bindings, site: Site): boolean {
    const { context } = this.#evaluator;
    for (const condition of declaration.where) {
      try {
        const holds = bindings.evaluate(condition);
        if (holds.kind === "bool" && holds.value) continue;
      } catch (error) {
        // depends on what is fed, which the engine sees, or on what only uses of this block know
        const isOpen = error instanceof OpenError || (context.generic && error instanceof StaticError);
        if (isOpen && context.generic) context.leave(site.span, spanText(condition.span));
        if (isOpen) continue;
        if (error instanceof UnknownError) return false; // why it cannot be computed was said
        if (!(error instanceof StaticError)) throw error;
      }
      reportCondition(context, block, condition, bindings, site.span);
      return false;
    }
    return true;
  }
}

/** A block as the value of a block parameter: its weights go by the parameter's name. */
function asSlot(block: BlockVal, param: Param | undefined): BlockVal {
  if (param?.type?.kind !== "block") return block;
  const { config } = classify(param.type.lists);
  return { ...block, slot: { name: param.name.text, config } };
}

/** The setting that is a size of the result, as `out` or `size[0]`, and is 0 or less. */
function noSize({ lists, result }: BlockDecl | PrimDecl, bindings: Bindings): string | undefined {
  const settings = classify(lists).config.map((p) => p.name.text);
  const dims = result?.kind === "tensor" ? (result.dims ?? []) : [];
  for (const dim of dims) {
    if (dim.kind !== "expr") continue;
    const of = dim.value.kind === "index" ? dim.value.of : dim.value;
    if (of.kind !== "name" || !settings.includes(of.text)) continue;
    const size = bindings.evaluate(dim.value);
    if (size.kind === "int" && (size.dim.constant ?? 1) < 1) return of.text;
  }
  return undefined;
}
/** Whether one of the tensors has the name of an argument. */
function takes({ tensors = [] }: ParamList, { name }: Argument): boolean {
  return tensors.some((param) => param.name.text === name?.text);
}

/**
 * Signatures of blocks and primitives: which parameter list is static, and the matching of arguments against declared
 * types (5.1 and 5.2 of docs/language.md). One mechanism for programs, primitives and the passes that emit primitives.
 * It reports nothing: what does not fit comes back as a `Mismatch` for the caller to put in words.
 */
import type { Expr, Param, TypeNode } from "../syntax/ast.ts";
import { Dim, type Shape } from "./dim.ts";
import type { Facts } from "./facts.ts";
import { type Collection, intValue, shapeValue, type Static, StaticError } from "./static.ts";
import { type DType, dtypeClasses, fittingDtype, isDType, isDTypeClass, isInt, type TensorType } from "./tensor.ts";

export interface ParamList {
  readonly config: readonly Param[];
  /** Undefined for a source. */
  readonly tensors: readonly Param[] | undefined;
}

/** Whether a declared type stands for tensors. `float` alone is a number, `float[]` a scalar tensor. */
export function isTensorType(type: TypeNode | undefined): boolean {
  if (type === undefined) return true;
  if (type.kind === "tensor") return type.dims !== undefined;
  if (type.kind === "list") return isTensorType(type.member);
  if (type.kind === "tuple") return type.members.some(isTensorType);
  return false;
}

/** Sorts the written lists into configuration and tensors: a list is the tensor list if all of it are tensors. */
export function classify(lists: readonly (readonly Param[])[]): ParamList {
  const [first = [], second] = lists;
  if (second !== undefined) return { config: first, tensors: second };
  return first.length > 0 && first.every((p) => isTensorType(p.type))
    ? { config: [], tensors: first }
    : { config: first, tensors: undefined };
}

/** What a tensor parameter is given. */
export type ArgumentType =
  | { readonly kind: "tensor"; readonly type: TensorType; readonly range: Range | undefined }
  | { readonly kind: "list"; readonly members: readonly ArgumentType[]; readonly keys: readonly string[] }
  | { readonly kind: "tuple"; readonly members: readonly ArgumentType[] }
  /** A static number, or true or false, that becomes a tensor without axes here. */
  | { readonly kind: "static"; readonly of: "int" | "float" | "bool" }
  /** What an earlier error left behind: fits everything. */
  | { readonly kind: "unknown" };

export interface Range {
  readonly from: Dim;
  readonly to: Dim;
}

export type Mismatch =
  | {
      readonly kind: "size";
      readonly axis: number;
      readonly expected: Dim;
      readonly actual: Dim;
      readonly wanted: Expr | undefined;
      readonly whole: ArgumentType;
    }
  | { readonly kind: "rank"; readonly declared: TypeNode; readonly whole: ArgumentType }
  | { readonly kind: "dtype"; readonly wanted: string; readonly bound: DType | undefined; readonly whole: ArgumentType }
  | { readonly kind: "range"; readonly name: string | undefined; readonly expected: Range; readonly actual: Range }
  /** More or fewer axes than the run of this name has in an earlier tensor. */
  | { readonly kind: "run"; readonly name: string; readonly expected: number; readonly whole: ArgumentType }
  | { readonly kind: "form"; readonly declared: TypeNode; readonly whole: ArgumentType };
export interface Failure {
  readonly param: Param;
  readonly mismatch: Mismatch;
}

/** Where a size was bound, for blame: axis `axis` of argument `param` (or of member `member` of a list). */
export interface Binding {
  readonly param: number;
  readonly member: number | undefined;
  readonly axis: number;
}

/** The names of one application: settings, sizes, runs of axes and element type classes. */
export class Bindings {
  readonly values = new Map<string, Static>();
  readonly dtypes = new Map<string, DType>();
  /** First places of the dim variables. */
  readonly places = new Map<string, Binding>();
  readonly #facts: Facts;
  /** What was known before the tensors. */
  #settings: ReadonlySet<string> = new Set();
  /** Evaluates an expression in which the bound names are known. */
  readonly #evaluate: (expr: Expr, bindings: Bindings) => Static;

  constructor(facts: Facts, evaluate: (expr: Expr, bindings: Bindings) => Static) {
    this.#facts = facts;
    this.#evaluate = evaluate;
  }
  evaluate(expr: Expr): Static {
    // most sizes are a bound name or a number
    if (expr.kind === "name") {
      const bound = this.values.get(expr.text);
      if (bound !== undefined) return bound;
    }
    return this.#evaluate(expr, this);
  }
  dim(expr: Expr): Dim {
    const value = this.evaluate(expr);
    if (value.kind !== "int") throw new StaticError("a size is a whole number");
    return value.dim;
  }

  /** Binds the names of the tensor list from what is given, left to right; then checks every equation. */
  match(params: readonly Param[], args: readonly ArgumentType[]): readonly Failure[] {
    this.#settings = new Set(this.values.keys());
    const failures: Failure[] = [];
    const failed = new Set<Param>();
    const record = (param: Param, mismatch: Mismatch | undefined): void => {
      if (mismatch === undefined || failed.has(param)) return;
      failed.add(param);
      failures.push({ param, mismatch });
    };
    for (const phase of ["bind", "ranges", "check"] as const) {
      for (const [i, param] of params.entries()) {
        const arg = args[i];
        if (arg === undefined || param.type === undefined || failed.has(param)) continue;
        record(param, this.#visit(param.type, arg, phase, { param: i, member: undefined, axis: 0 }));
      }
    }
    return failures;
  }

  #visit(type: TypeNode, arg: ArgumentType, phase: "bind" | "ranges" | "check", at: Binding): Mismatch | undefined {
    if (arg.kind === "unknown") return undefined;
    switch (type.kind) {
      case "list": {
        const members = "members" in arg ? arg.members : undefined;
        if (members === undefined) return { kind: "form", declared: type, whole: arg };
        for (const [i, member] of members.entries()) {
          const mismatch = this.#visit(type.member, member, phase, { ...at, member: i });
          if (mismatch) return mismatch;
        }
        return undefined;
      }
      case "tuple": {
        const members = "members" in arg ? arg.members : undefined;
        if (members?.length !== type.members.length) return { kind: "form", declared: type, whole: arg };
        for (const [i, member] of type.members.entries()) {
          const given = members[i];
          const mismatch = given && this.#visit(member, given, phase, { ...at, member: i });
          if (mismatch) return mismatch;
        }
        return undefined;
      }
      case "tensor": {
        if (arg.kind !== "tensor" && arg.kind !== "static") return { kind: "form", declared: type, whole: arg };
        if (phase === "bind") return this.#bind(type, arg, at);
        if (phase === "ranges") return this.#range(type, arg);
        return this.#check(type, arg);
      }
      default:
        return { kind: "form", declared: type, whole: arg };
    }
  }

  #bind(
    type: TypeNode & { kind: "tensor" },
    arg: ArgumentType & { kind: "tensor" | "static" },
    at: Binding,
  ): Mismatch | undefined {
    const shape = arg.kind === "tensor" ? arg.type.shape : [];
    const dims = type.dims ?? [];
    const run = dims.findIndex((d) => d.kind === "run");
    const fits = run === -1 ? shape.length === dims.length : shape.length >= dims.length - 1;
    if (!fits) return { kind: "rank", declared: type, whole: arg };
    if (arg.kind === "tensor") {
      const mismatch = this.#dtype(type.name.text, arg);
      if (mismatch) return mismatch;
    } else if (arg.of === "bool" && type.name.text === "any" && !this.dtypes.has("any")) this.dtypes.set("any", "bool");
    const behind = run === -1 ? 0 : dims.length - run - 1;
    for (const [i, dim] of dims.entries()) {
      if (dim.kind === "run") {
        const name = dim.of?.kind === "name" ? dim.of.text : undefined;
        if (name !== undefined && !this.values.has(name)) {
          this.values.set(name, shapeValue(shape.slice(run, shape.length - behind)));
          this.places.set(name, { ...at, axis: run });
        }
      } else if (dim.kind === "expr" && dim.value.kind === "name" && !this.values.has(dim.value.text)) {
        const place = run === -1 || i < run ? i : shape.length - dims.length + i;
        const size = shape[place];
        if (size === undefined || !isSizeName(dim.value.text)) continue;
        this.values.set(dim.value.text, intValue(size));
        this.places.set(dim.value.text, { ...at, axis: place });
      }
    }
    return undefined;
  }

  #dtype(name: string, arg: ArgumentType & { kind: "tensor" }): Mismatch | undefined {
    const { dtype } = arg.type;
    if (isDType(name))
      return name === dtype ? undefined : { kind: "dtype", wanted: name, bound: undefined, whole: arg };
    if (!isDTypeClass(name)) {
      const value = this.values.get(name);
      const wanted = value?.kind === "dtype" ? value.dtype : undefined;
      return wanted === dtype ? undefined : { kind: "dtype", wanted: wanted ?? name, bound: undefined, whole: arg };
    }
    if (!dtypeClasses[name](dtype)) return { kind: "dtype", wanted: name, bound: undefined, whole: arg };
    const bound = this.dtypes.get(name);
    if (bound !== undefined && bound !== dtype) return { kind: "dtype", wanted: name, bound, whole: arg };
    this.dtypes.set(name, dtype);
    return undefined;
  }

  #range(type: TypeNode & { kind: "tensor" }, arg: ArgumentType & { kind: "tensor" | "static" }): Mismatch | undefined {
    const declared = type.range;
    if (declared?.kind !== "binary" || arg.kind !== "tensor" || arg.range === undefined) return undefined;
    const bound = declared.right;
    if (bound.kind === "name" && !this.values.has(bound.text)) {
      this.values.set(bound.text, intValue(declared.op === "..=" ? arg.range.to.minus(Dim.one) : arg.range.to));
    }
    const to = this.dim(bound).plus(declared.op === "..=" ? Dim.one : Dim.zero);
    const from = this.dim(declared.left);
    const fits =
      this.#facts.decide(arg.range.to, "<=", to) !== false && this.#facts.decide(arg.range.from, ">=", from) !== false;
    // a setting may leave room (a table with more rows than there are words); scores of a tensor are one a class
    const exact =
      bound.kind !== "name" || this.#settings.has(bound.text) || this.#facts.decide(arg.range.to, "==", to) !== false;
    if (fits && exact) return undefined;
    return {
      kind: "range",
      name: bound.kind === "name" ? bound.text : undefined,
      expected: { from, to },
      actual: arg.range,
    };
  }

  #check(type: TypeNode & { kind: "tensor" }, arg: ArgumentType & { kind: "tensor" | "static" }): Mismatch | undefined {
    if (arg.kind === "static") return this.#checkNumber(type.name.text, arg); // it stretches: broadcasting checks it
    const { shape } = arg.type;
    const dims = type.dims ?? [];
    let place = 0;
    for (const [i, dim] of dims.entries()) {
      if (dim.kind === "run") {
        const length = shape.length - (dims.length - 1);
        const expected = dim.of && this.evaluate(dim.of);
        if (expected?.kind === "collection") {
          const name = dim.of?.kind === "name" ? dim.of.text : undefined;
          if (name !== undefined && expected.members.length !== length)
            return { kind: "run", name, expected: expected.members.length, whole: arg };
          const mismatch = this.#checkRun(expected, shape.slice(place, place + length), place, arg);
          if (mismatch) return mismatch;
        }
        place += length;
        continue;
      }
      const actual = shape[place];
      if (dim.kind === "expr" && actual !== undefined) {
        const expected = this.#solved(dim.value, actual);
        if (!this.#facts.equal(expected, actual)) {
          return { kind: "size", axis: i < dims.length ? place : i, expected, actual, wanted: dim.value, whole: arg };
        }
      }
      place++;
    }
    return undefined;
  }
  /** A number takes the element type that the tensors of its class have. */
  #checkNumber(name: string, arg: ArgumentType & { kind: "static" }): Mismatch | undefined {
    const bound = isDTypeClass(name) ? this.dtypes.get(name) : undefined;
    const dtype = bound ?? (isDType(name) ? name : undefined);
    const whole = dtype === undefined ? name === "int" : isInt(dtype);
    const fits = arg.of === "bool" ? dtype === "bool" : dtype !== "bool" && (arg.of === "int" || !whole);
    return fits ? undefined : { kind: "dtype", wanted: name, bound, whole: arg };
  }
  #checkRun(expected: Collection<Static>, actual: Shape, from: number, whole: ArgumentType): Mismatch | undefined {
    for (let k = 0; k < Math.max(expected.members.length, actual.length); k++) {
      const wanted = expected.members[k];
      const size = actual[k];
      if (wanted?.kind === "int" && size && this.#facts.equal(wanted.dim, size)) continue;
      if (wanted?.kind === "int" && size)
        return { kind: "size", axis: from + k, expected: wanted.dim, actual: size, wanted: undefined, whole };
      return {
        kind: "size",
        axis: from + k,
        expected: wanted?.kind === "int" ? wanted.dim : Dim.one,
        actual: size ?? Dim.one,
        wanted: undefined,
        whole,
      };
    }
    return undefined;
  }
  /** The value of a size expression; one unbound variable is solved for where it stands alone with a factor (`2 * C`). */
  #solved(expr: Expr, actual: Dim): Dim {
    if (expr.kind === "number" || (expr.kind === "name" && this.values.has(expr.text))) return this.dim(expr);
    const unbound = [...namesIn(expr)].filter((n) => isSizeName(n) && !this.values.has(n));
    const [name] = unbound;
    if (unbound.length !== 1 || name === undefined) return this.dim(expr);
    this.values.set(name, intValue(Dim.variable(name, "solve")));
    const form = this.dim(expr);
    this.values.delete(name);
    const rest = form.substitute((key) => (key === `${name}#solve` ? Dim.zero : undefined));
    const factor = form.substitute((key) => (key === `${name}#solve` ? Dim.one : undefined)).minus(rest);
    const solution = actual.minus(rest).dividedBy(factor);
    if (solution === undefined) return form;
    this.values.set(name, intValue(solution));
    return this.dim(expr);
  }

  /** The dim variables of a result that nothing has bound: sizes asked of the use. */
  asked(result: TypeNode | undefined): readonly string[] {
    if (result?.kind === "tuple") return [...new Set(result.members.flatMap((m) => this.asked(m)))];
    if (result?.kind === "list") return this.asked(result.member);
    if (result?.kind !== "tensor") return [];
    const asked = new Set<string>();
    for (const d of result.dims ?? []) {
      const expr = d.kind === "any" ? undefined : d.kind === "run" ? d.of : d.value;
      for (const name of expr ? namesIn(expr) : []) if (isSizeName(name) && !this.values.has(name)) asked.add(name);
    }
    return [...asked];
  }
  /** Binds asked sizes from the type that the use expects. */
  bindAsked(result: TypeNode & { kind: "tensor" }, expected: TensorType): Mismatch | undefined {
    return this.#bind(
      result,
      { kind: "tensor", type: expected, range: undefined },
      { param: -1, member: undefined, axis: 0 },
    );
  }

  /** The declared type with every name filled in; undefined where an axis is left open (`_`, `...`). */
  instantiate(type: TypeNode & { kind: "tensor" }, fallback: DType | undefined): TensorType | undefined {
    const shape: Dim[] = [];
    for (const dim of type.dims ?? []) {
      if (dim.kind === "any" || (dim.kind === "run" && dim.of === undefined)) return undefined;
      if (dim.kind === "expr") {
        shape.push(this.dim(dim.value));
        continue;
      }
      const run = dim.of && this.evaluate(dim.of);
      if (run?.kind !== "collection") throw new StaticError("`...` takes a list of sizes");
      for (const member of run.members) {
        if (member.kind !== "int") throw new StaticError("`...` takes a list of sizes");
        shape.push(member.dim);
      }
    }
    const { text } = type.name;
    const dtype = this.dtypeOf(text) ?? (isDTypeClass(text) && fallback ? fittingDtype(text, fallback) : fallback);
    return dtype === undefined ? undefined : { dtype, shape };
  }
  dtypeOf(name: string): DType | undefined {
    if (isDType(name)) return name;
    const value = this.values.get(name);
    return value?.kind === "dtype" ? value.dtype : this.dtypes.get(name);
  }
}

/** Names of sizes start with a capital letter. */
function isSizeName(name: string): boolean {
  const first = name.charCodeAt(0);
  return first >= 0x41 && first <= 0x5a;
}

/** Every name that an expression reads, without those that calls name as functions. */
export function namesIn(expr: Expr): ReadonlySet<string> {
  if (expr.kind === "name") return new Set([expr.text]);
  const found = new Set<string>();
  const visit = (e: Expr): void => {
    switch (e.kind) {
      case "name":
        found.add(e.text);
        break;
      case "binary":
        visit(e.left);
        visit(e.right);
        break;
      case "unary":
        visit(e.of);
        break;
      case "call":
        if (e.callee.kind !== "name") visit(e.callee);
        e.args.forEach((a) => {
          visit(a.value);
        });
        break;
      case "tuple":
        e.members.forEach(visit);
        break;
      case "list":
        e.members.forEach((m) => {
          visit(m.value);
        });
        break;
      case "index":
        visit(e.of);
        e.items.forEach((i) => {
          if (i.kind === "at") visit(i.value);
        });
        break;
      case "if":
        [e.condition, e.then, e.else].forEach(visit);
        break;
      default:
    }
  };
  visit(expr);
  return found;
}

/**
 * Static values: what the compiler computes while it reads a program (3.1 of docs/language.md), with the operators on
 * them. Whole numbers are dims throughout, so a size that is symbolic is computed with like any other.
 * Failures are `StaticError`s: a sentence in a user's words, without a place, which the caller knows.
 */
import { Dim } from "./dim.ts";
import { Facts } from "./facts.ts";
import type { DType } from "./tensor.ts";
import type { BinaryOp } from "../syntax/ast.ts";

export interface IntValue {
  readonly kind: "int";
  readonly dim: Dim;
}
export interface FloatValue {
  readonly kind: "float";
  readonly value: number;
}
export interface BoolValue {
  readonly kind: "bool";
  readonly value: boolean;
}
export interface StringValue {
  readonly kind: "string";
  readonly value: string;
}
export interface DTypeValue {
  readonly kind: "dtype";
  readonly dtype: DType;
}
/** Lists and maps: ordered, with keys; a list's keys are its positions. */
export interface Collection<Member> {
  readonly kind: "collection";
  readonly named: boolean;
  readonly keys: readonly string[];
  readonly members: readonly Member[];
}
export interface Tuple<Member> {
  readonly kind: "tuple";
  readonly members: readonly Member[];
}
export type Static = IntValue | FloatValue | BoolValue | StringValue | DTypeValue | Collection<Static> | Tuple<Static>;

export class StaticError extends Error {
  override readonly name = "StaticError";
  /** The way out, where there is a plain one. */
  readonly help: string;

  constructor(problem: string, help = "") {
    super(problem);
    this.help = help;
  }
}

export const divisionByZero = "a division by 0";

/** A number is needed and there is only a size that is known when the network runs. */
export class SymbolicError extends StaticError {
  constructor(size: Dim) {
    super(
      `${size.toString()} is known only when the network runs`,
      `loops and settings need a number: write one for ${size.toString()} where the input is declared, or in a setting`,
    );
  }
}

export const intValue = (n: number | Dim): IntValue => ({ kind: "int", dim: typeof n === "number" ? Dim.of(n) : n });
export const floatValue = (value: number): FloatValue => ({ kind: "float", value });
export const boolValue = (value: boolean): BoolValue => ({ kind: "bool", value });
export const stringValue = (value: string): StringValue => ({ kind: "string", value });

export function listOf<Member>(members: readonly Member[]): Collection<Member> {
  return { kind: "collection", named: false, keys: members.map((_, i) => String(i)), members };
}
export function mapOf<Member>(entries: readonly (readonly [string, Member])[]): Collection<Member> {
  return { kind: "collection", named: true, keys: entries.map(([k]) => k), members: entries.map(([, m]) => m) };
}
export function shapeValue(shape: readonly Dim[]): Collection<Static> {
  return listOf(shape.map(intValue));
}

/** As a user would write it. */
export function showStatic(value: Static): string {
  switch (value.kind) {
    case "int":
      return value.dim.toString();
    case "float":
      return Number.isInteger(value.value) && Math.abs(value.value) < 1e15
        ? value.value.toFixed(1)
        : String(value.value);
    case "bool":
      return String(value.value);
    case "string":
      return JSON.stringify(value.value);
    case "dtype":
      return value.dtype;
    case "tuple":
      return `(${value.members.map(showStatic).join(", ")})`;
    case "collection":
      return value.named
        ? `{ ${value.keys.map((k, i) => `${k}: ${showMember(value.members[i])}`).join(", ")} }`
        : `[${value.members.map(showStatic).join(", ")}]`;
  }
}
function showMember(member: Static | undefined): string {
  return member === undefined ? "" : showStatic(member);
}

/** What a value is called in messages: `a whole number`, `a list`, … */
export function describeStatic(value: Static): string {
  switch (value.kind) {
    case "int":
      return "a whole number";
    case "float":
      return "a number";
    case "bool":
      return "true or false";
    case "string":
      return "a string";
    case "dtype":
      return "an element type";
    case "tuple":
      return "a tuple";
    case "collection":
      return value.named ? "a map" : "a list";
  }
}

export function staticEquals(a: Static, b: Static, facts: Facts = Facts.none): boolean | undefined {
  if (a.kind === "int" && b.kind === "int") return facts.decide(a.dim, "==", b.dim);
  if (isNumber(a) && isNumber(b)) return toNumber(a) === toNumber(b);
  if (a.kind === "collection" && b.kind === "collection") {
    if (a.named !== b.named || a.keys.length !== b.keys.length) return false;
    if (a.named && a.keys.some((k, i) => b.keys[i] !== k)) return false;
    return allEqual(a.members, b.members, facts);
  }
  if (a.kind === "tuple" && b.kind === "tuple")
    return a.members.length === b.members.length && allEqual(a.members, b.members, facts);
  if (a.kind === "dtype" && b.kind === "dtype") return a.dtype === b.dtype;
  if ((a.kind === "bool" && b.kind === "bool") || (a.kind === "string" && b.kind === "string"))
    return a.value === b.value;
  throw new StaticError(`${describeStatic(a)} and ${describeStatic(b)} cannot be compared`);
}
function allEqual(a: readonly Static[], b: readonly Static[], facts: Facts): boolean | undefined {
  let open = false;
  for (const [i, member] of a.entries()) {
    const other = b[i];
    const equal = other === undefined ? false : staticEquals(member, other, facts);
    if (equal === false) return false;
    if (equal === undefined) open = true;
  }
  return open ? undefined : true;
}

export function isNumber(value: { readonly kind: string }): value is IntValue | FloatValue {
  return value.kind === "int" || value.kind === "float";
}
/** The number, for an int without symbolic size. */
export function toNumber(value: IntValue | FloatValue): number {
  if (value.kind === "float") return value.value;
  const known = value.dim.constant;
  if (known === undefined) throw new SymbolicError(value.dim);
  return known;
}

/** The operators on static values. `undefined` for a comparison that depends on a symbolic size. */
export function staticBinary(op: BinaryOp, a: Static, b: Static, facts: Facts): Static | undefined {
  switch (op) {
    case "and":
    case "or": {
      if (a.kind !== "bool" || b.kind !== "bool") throw new StaticError(`\`${op}\` takes true or false on both sides`);
      return boolValue(op === "and" ? a.value && b.value : a.value || b.value);
    }
    case "==":
    case "!=": {
      const equal = staticEquals(a, b, facts);
      return equal === undefined ? undefined : boolValue(equal === (op === "=="));
    }
    case "..<":
    case "..=": {
      if (a.kind !== "int" || b.kind !== "int") throw new StaticError("a range runs between whole numbers");
      const to = toNumber(b) + (op === "..=" ? 1 : 0);
      const from = toNumber(a);
      if (to - from > 65_536)
        throw new StaticError(
          `a range of ${(to - from).toLocaleString("en")} members is too long (at most 65,536)`,
          "loops unroll, round by round, into the graph: a smaller number",
        );
      return listOf(Array.from({ length: Math.max(0, to - from) }, (_, i) => intValue(from + i)));
    }
    default:
  }
  if (!isNumber(a) || !isNumber(b)) {
    throw new StaticError(`\`${op}\` takes numbers; here ${describeStatic(a)} and ${describeStatic(b)} meet`);
  }
  if (op === "<" || op === "<=" || op === ">" || op === ">=") {
    if (a.kind === "int" && b.kind === "int") {
      const decided = facts.decide(a.dim, op, b.dim);
      return decided === undefined ? undefined : boolValue(decided);
    }
    const [x, y] = [toNumber(a), toNumber(b)];
    return boolValue(op === "<" ? x < y : op === "<=" ? x <= y : op === ">" ? x > y : x >= y);
  }
  if (a.kind === "int" && b.kind === "int") return intArithmetic(op, a.dim, b.dim, facts);
  const [x, y] = [toNumber(a), toNumber(b)];
  switch (op) {
    case "+":
      return floatValue(x + y);
    case "-":
      return floatValue(x - y);
    case "*":
      return floatValue(x * y);
    case "/":
      return floatValue(x / y);
    case "%":
      return floatValue(x - y * Math.floor(x / y));
    case "^":
      return floatValue(x ** y);
  }
}
function intArithmetic(op: "+" | "-" | "*" | "/" | "%" | "^", a: Dim, b: Dim, facts: Facts): Static {
  switch (op) {
    case "+":
      return intValue(a.plus(b));
    case "-":
      return intValue(a.minus(b));
    case "*":
      return intValue(a.times(b));
    case "^": {
      const exponent = b.constant;
      if (exponent === undefined) throw new SymbolicError(b);
      return exponent < 0 ? floatValue(toNumber(intValue(a)) ** exponent) : intValue(a.power(exponent));
    }
    case "%":
      if (b.constant === 0) throw new StaticError(divisionByZero);
      return intValue(facts.normalize(a).modulo(facts.normalize(b)));
    case "/": {
      if (b.constant === 0) throw new StaticError(divisionByZero);
      const quotient = facts.divide(a, b);
      if (quotient !== undefined) return intValue(quotient);
      const [x, y] = [a.toString(), b.toString()];
      const rest = a.constant !== undefined && b.constant !== undefined;
      throw new StaticError(
        rest ? `${x} / ${y} leaves a rest` : `${x} / ${y} may leave a rest`,
        rest
          ? `a whole number:   floor(${x} / ${y})   or a fraction:   ${x}.0 / ${y}`
          : "a whole number:   floor(a / b)   or a condition under which it divides:   assert a % b == 0",
      );
    }
  }
}

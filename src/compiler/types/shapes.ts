/**
 * The static functions that signatures and programs share: whole-number functions (`floor`, `prod`, `len`) and the shape
 * functions of the type checker (`broadcast`, `reduced`, …). The set is closed; `docs/language.md` lists it.
 */
import { Dim, type Shape } from "./dim.ts";
import type { Facts } from "./facts.ts";
import {
  floatValue,
  intValue,
  isNumber,
  shapeValue,
  type Static,
  StaticError,
  SymbolicError,
  toNumber,
} from "./static.ts";

type StaticFunction = (args: readonly Static[], facts: Facts) => Static;

/** Functions of numbers that are also primitives on tensors: static in, static out. */
const elementwise: Readonly<Record<string, (x: number) => number>> = {
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  sin: Math.sin,
  cos: Math.cos,
  tanh: Math.tanh,
};

export const staticFunctions: Readonly<Record<string, StaticFunction>> = {
  ...Object.fromEntries(
    Object.entries(elementwise).map(([name, f]): [string, StaticFunction] => [
      name,
      ([x]) => {
        if (!x || !isNumber(x)) throw new StaticError(`\`${name}\` takes a number`);
        return floatValue(f(toNumber(x)));
      },
    ]),
  ),
  floor: ([x]) => rounded("floor", x, Math.floor),
  ceil: ([x]) => rounded("ceil", x, Math.ceil),
  abs: ([x]) => {
    if (!x || !isNumber(x)) throw new StaticError("`abs` takes a number");
    return x.kind === "int" ? intValue(Math.abs(toNumber(x))) : floatValue(Math.abs(x.value));
  },
  min: (args) => extremum("min", args),
  max: (args) => extremum("max", args),
  float: ([x]) => {
    if (!x || !isNumber(x)) throw new StaticError("`float` takes a number");
    return floatValue(toNumber(x));
  },
  prod: ([xs]) => intValue(dims("prod", xs).reduce((product, d) => product.times(d), Dim.one)),
  len: ([xs]) => {
    if (xs?.kind !== "collection") throw new StaticError("`len` takes a list or a map");
    return intValue(xs.keys.length);
  },
  broadcast: (args, facts) =>
    shapeValue(args.map((a) => dims("broadcast", a)).reduce((a, b) => broadcast(a, b, facts))),
  reduced: ([shape, axes, keepdims]) => {
    const of = dims("reduced", shape);
    const places = dims("reduced", axes).map((d) => axis(d, of.length));
    const out = new Set(places);
    const twice = places.find((place, i) => places.indexOf(place) !== i);
    if (twice !== undefined) throw new StaticError(`axis ${String(twice)} is named twice`, "name each axis once");
    if (keepdims?.kind !== "bool") throw new StaticError("`keepdims` is true or false");
    return shapeValue(keepdims.value ? of.map((d, i) => (out.has(i) ? Dim.one : d)) : of.filter((_, i) => !out.has(i)));
  },
  permuted: ([shape, order]) => {
    const of = dims("permuted", shape);
    const places = dims("permuted", order).map((d) => axis(d, of.length));
    if (new Set(places).size !== of.length || places.length !== of.length) {
      throw new StaticError(
        `the order of a transpose names each of the ${String(of.length)} axes once`,
        `such as transpose([${[0, ...of.keys()].filter((k, i) => i !== 1 && k !== 1).join(", ")}${of.length > 1 ? ", 1" : ""}])`,
      );
    }
    return shapeValue(places.map((p) => at(of, p)));
  },
  concatenated: ([shapes, along], facts) => shapeValue(concatenated(shapes, along, facts)),
  inserted: ([shape, along, size]) => {
    const of = dims("inserted", shape);
    const place = axis(int("stack", along), of.length + 1);
    return shapeValue([...of.slice(0, place), int("inserted", size), ...of.slice(place)]);
  },
  divided: ([shape, along, parts], facts) => {
    const of = dims("split", shape);
    const place = axis(int("split", along), of.length);
    const share = facts.divide(at(of, place), int("split", parts));
    if (share === undefined)
      throw new StaticError(
        `an axis of ${at(of, place).toString()} has no ${int("split", parts).toString()} equal parts`,
      );
    return shapeValue(of.map((d, i) => (i === place ? share : d)));
  },
  replaced: ([shape, along, size]) => {
    const of = dims("replaced", shape);
    const place = axis(int("replaced", along), of.length);
    return shapeValue(of.map((d, i) => (i === place ? int("replaced", size) : d)));
  },
  padded: ([shape, before, after]) => {
    const of = dims("pad", shape);
    const [low, high] = [dims("pad", before), dims("pad", after)];
    if (low.length !== of.length || high.length !== of.length) {
      throw new StaticError(
        `\`pad\` takes one number an axis, ${String(of.length)} before and ${String(of.length)} after`,
      );
    }
    const less = [...low, ...high].find((d) => (d.constant ?? 0) < 0);
    if (less !== undefined)
      throw new StaticError(`\`pad\` cannot put ${less.toString()} around a tensor`, "cut it instead:   x[:, 1 ..< 8]");
    return shapeValue(of.map((d, i) => d.plus(at(low, i)).plus(at(high, i))));
  },
  shape_of: ([values]) => shapeValue(literalShape(values)),
};

export function isStaticFunction(name: string): boolean {
  return Object.hasOwn(staticFunctions, name);
}

/** Aligned from the right; only a literal 1 stretches. */
export function broadcast(a: Shape, b: Shape, facts: Facts): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[i - rank + a.length];
    const y = b[i - rank + b.length];
    if (x === undefined || y === undefined) return x ?? y ?? Dim.one;
    if (x.constant === 1) return y;
    if (y.constant === 1 || facts.equal(x, y)) return x;
    throw new BroadcastError(x, y, rank - 1 - i);
  });
}
/** Two sizes that do not stretch to each other, `fromEnd` axes from the last. */
export class BroadcastError extends StaticError {
  readonly left: Dim;
  readonly right: Dim;
  readonly fromEnd: number;
  constructor(left: Dim, right: Dim, fromEnd: number) {
    super(`sizes ${left.toString()} and ${right.toString()} do not match`);
    this.left = left;
    this.right = right;
    this.fromEnd = fromEnd;
  }
}

/** Two tensors that are joined along one axis and differ in another one: `axis` of the first and of member `member`. */
export class JoinError extends StaticError {
  readonly left: Dim;
  readonly right: Dim;
  readonly axis: number;
  readonly member: number;
  constructor(left: Dim, right: Dim, axis: number, member: number) {
    super(`axis ${String(axis)} is ${left.toString()} in member 0 and ${right.toString()} in member ${String(member)}`);
    this.left = left;
    this.right = right;
    this.axis = axis;
    this.member = member;
  }
}

/** An axis number from 0; negative ones count from the end. */
export function axis(of: Dim, rank: number): number {
  const number = of.constant;
  if (number === undefined) throw new SymbolicError(of);
  const place = number < 0 ? number + rank : number;
  if (place < 0 || place >= rank)
    throw new StaticError(
      `there is no axis ${String(number)} in ${String(rank)} ${rank === 1 ? "axis" : "axes"}`,
      rank === 0 ? "a single number has no axes" : `axes count from 0 to ${String(rank - 1)}, or from the end as -1`,
    );
  return place;
}

/** The shape of nested lists of numbers; every list of a level has the same length. */
export function literalShape(value: Static | undefined): Shape {
  if (value?.kind !== "collection" && value?.kind !== "tuple") return [];
  const shapes = value.members.map(literalShape);
  const first = shapes[0] ?? [];
  for (const shape of shapes) {
    if (shape.length !== first.length || shape.some((d, i) => !d.equals(at(first, i)))) {
      throw new StaticError("the lists of a literal tensor have different lengths");
    }
  }
  return [Dim.of(value.members.length), ...first];
}

function concatenated(shapes: Static | undefined, along: Static | undefined, facts: Facts): Shape {
  if (shapes?.kind !== "collection" || shapes.members.length === 0)
    throw new StaticError("`concat` needs at least one tensor");
  const all = shapes.members.map((s) => dims("concat", s));
  const first = at(all, 0);
  const place = axis(int("concat", along), first.length);
  let sum = Dim.zero;
  for (const [i, shape] of all.entries()) {
    if (shape.length !== first.length) {
      throw new StaticError(
        `\`concat\` joins tensors of equal rank; member 0 has ${String(first.length)} axes, member ${String(i)} has ${String(shape.length)}`,
        "bring them to one rank first:   flatten, global_avg_pool or x[:, new]",
      );
    }
    for (const [k, d] of shape.entries()) {
      if (k !== place && !facts.equal(d, at(first, k))) {
        throw new JoinError(at(first, k), d, k, i);
      }
    }
    sum = sum.plus(at(shape, place));
  }
  return first.map((d, i) => (i === place ? sum : d));
}

function at<T>(list: readonly T[], index: number): T {
  const member = list[index];
  if (member === undefined)
    throw new StaticError(`there is no member ${String(index)} in a list of ${String(list.length)}`);
  return member;
}
function int(who: string, value: Static | undefined): Dim {
  if (value?.kind !== "int") throw new StaticError(`\`${who}\` takes a whole number`);
  return value.dim;
}
function dims(who: string, value: Static | undefined): Shape {
  if (value?.kind !== "collection" && value?.kind !== "tuple")
    throw new StaticError(`\`${who}\` takes a list of whole numbers`);
  return value.members.map((m) => int(who, m));
}
function rounded(who: string, x: Static | undefined, by: (x: number) => number): Static {
  if (!x || !isNumber(x)) throw new StaticError(`\`${who}\` takes a number`);
  return x.kind === "int" ? x : intValue(by(x.value));
}
function extremum(kind: "min" | "max", args: readonly Static[]): Static {
  const [only] = args;
  const flat = args.length === 1 && (only?.kind === "collection" || only?.kind === "tuple") ? only.members : args;
  const numbers = flat.filter(isNumber);
  if (numbers.length !== flat.length || numbers.length === 0) throw new StaticError(`\`${kind}\` takes numbers`);
  const ints = numbers.filter((n) => n.kind === "int");
  if (ints.length === numbers.length)
    return intValue(
      Dim.extremum(
        kind,
        ints.map((i) => i.dim),
      ),
    );
  return floatValue(Math[kind](...numbers.map(toNumber)));
}

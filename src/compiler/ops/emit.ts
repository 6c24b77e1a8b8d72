/**
 * Short names for emitting primitives, and the few compound forms that gradient rules and decompositions share. It adds no
 * meaning of its own: every method is one primitive or says which ones.
 */
import type { GraphBuilder } from "../graph/builder.ts";
import type { Attributes, DType, Value } from "../graph/graph.ts";
import { typeOf } from "../graph/graph.ts";
import type { Shape } from "../types/dim.ts";
import { Dim, elementCount } from "../types/dim.ts";
import { ints } from "./attributes.ts";

export class Emitter {
  readonly builder: GraphBuilder;

  constructor(builder: GraphBuilder) {
    this.builder = builder;
  }

  op(name: string, attributes: Attributes, ...inputs: readonly Value[]): Value {
    return this.builder.op(name, attributes, ...inputs);
  }
  all(name: string, attributes: Attributes, ...inputs: readonly Value[]): readonly Value[] {
    return this.builder.all(name, attributes, ...inputs);
  }
  /** A scalar of the type of `like`. */
  number(value: number, like: Value): Value {
    return this.builder.constant(value, typeOf(like).dtype);
  }
  /** The number of members that a mean over `axes` of `x` divides by, in the type of `x`. */
  countOver(x: Value, axes: readonly number[]): Value {
    const { shape, dtype } = typeOf(x);
    return this.builder.axisSize(elementCount(shape.filter((_, axis) => axes.includes(axis))), dtype);
  }

  neg(x: Value): Value {
    return this.op("neg", {}, x);
  }
  exp(x: Value): Value {
    return this.op("exp", {}, x);
  }
  log(x: Value): Value {
    return this.op("log", {}, x);
  }
  sqrt(x: Value): Value {
    return this.op("sqrt", {}, x);
  }
  add(x: Value, y: Value): Value {
    return this.op("add", {}, x, y);
  }
  sub(x: Value, y: Value): Value {
    return this.op("sub", {}, x, y);
  }
  mul(x: Value, y: Value): Value {
    return this.op("mul", {}, x, y);
  }
  div(x: Value, y: Value): Value {
    return this.op("div", {}, x, y);
  }
  matmul(x: Value, y: Value): Value {
    return this.op("matmul", {}, x, y);
  }
  pow(x: Value, y: Value): Value {
    return this.op("pow", {}, x, y);
  }
  scaled(x: Value, by: number): Value {
    return by === 1 ? x : this.mul(x, this.number(by, x));
  }
  select(when: Value, x: Value, y: Value): Value {
    return this.op("select", {}, when, x, y);
  }
  cast(x: Value, to: DType): Value {
    return typeOf(x).dtype === to ? x : this.op("cast", { to }, x);
  }

  sum(x: Value, axes: readonly number[], keepdims = false): Value {
    return axes.length === 0 ? x : this.op("sum", { axis: ints(axes), keepdims }, x);
  }
  mean(x: Value, axes: readonly number[], keepdims = false): Value {
    return this.op("mean", { axis: ints(axes), keepdims }, x);
  }
  amax(x: Value, axes: readonly number[], keepdims = false): Value {
    return this.op("amax", { axis: ints(axes), keepdims }, x);
  }

  reshape(x: Value, shape: Shape): Value {
    return sameShape(typeOf(x).shape, shape) ? x : this.op("reshape", { to: shape }, x);
  }
  expand(x: Value, shape: Shape): Value {
    return sameShape(typeOf(x).shape, shape) ? x : this.op("expand", { to: shape }, x);
  }
  transpose(x: Value, order: readonly number[]): Value {
    return order.every((from, to) => from === to) ? x : this.op("transpose", { order: ints(order) }, x);
  }
  slice(x: Value, axis: number, from: Dim, to: Dim): Value {
    return this.op("slice", { axis: Dim.of(axis), from, to }, x);
  }
  concat(xs: readonly Value[], axis: number): Value {
    return this.op("concat", { axis: Dim.of(axis) }, ...xs);
  }
  zeros(like: Value): Value {
    return this.expand(this.number(0, like), typeOf(like).shape);
  }

  /** Brings the result of a reduction over `axes` (without kept axes) back to the shape before it, each member repeated. */
  spread(reduced: Value, axes: readonly number[], shape: Shape): Value {
    return this.expand(this.keep(reduced, axes, shape), shape);
  }
  /** The result of a reduction over `axes` with these axes back, of size 1. */
  keep(reduced: Value, axes: readonly number[], shape: Shape): Value {
    return this.reshape(
      reduced,
      shape.map((size, axis) => (axes.includes(axis) ? Dim.one : size)),
    );
  }
  /** [C] as [1, C, 1 …], to stand beside a tensor whose axis 1 has the channels. */
  perChannel(x: Value, rank: number): Value {
    const [channels] = typeOf(x).shape;
    if (channels === undefined) throw new Error("a scalar has no channels");
    return this.reshape(
      x,
      Array.from({ length: rank }, (_, axis) => (axis === 1 ? channels : Dim.one)),
    );
  }
  /** The adjoint of broadcasting: sums over what was stretched, so that the result has `shape`. */
  sumTo(x: Value, shape: Shape): Value {
    const from = typeOf(x).shape;
    if (sameShape(from, shape)) return x;
    const lead = from.length - shape.length;
    const axes: number[] = [];
    from.forEach((size, axis) => {
      const target = shape[axis - lead];
      if (target === undefined || (target.equals(Dim.one) && !size.equals(Dim.one))) axes.push(axis);
    });
    return this.reshape(this.sum(x, axes), shape);
  }
}

export function sameShape(x: Shape, y: Shape): boolean {
  return x.length === y.length && x.every((size, axis) => y[axis]?.equals(size) === true);
}
export function allAxes(shape: Shape): number[] {
  return shape.map((_, axis) => axis);
}

/** The one number that a value holds in all its places, where the graph shows it. */
export function uniformNumber(value: Value): number | undefined {
  const { node } = value;
  if (node.op === "constant") {
    const values = node.attributes["values"];
    if (!(values instanceof Float64Array) || values.length === 0) return undefined;
    return values.every((v) => v === values[0]) ? values[0] : undefined;
  }
  const [only] = node.inputs;
  const passes = node.op === "expand" || node.op === "reshape" || node.op === "cast";
  return passes && only !== undefined ? uniformNumber(only) : undefined;
}

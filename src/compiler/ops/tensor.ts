/**
 * Concrete tensors: plain row-major typed arrays, and the walks over them that operators share. Nothing here knows an
 * operator. Indices inside loops stay within bounds that the loop itself states.
 */
import type { DType } from "../graph/graph.ts";

/** Integers and bools (0 or 1) lie in a Float64Array too: exact up to 2^53. */
export type Numbers = Float64Array | Float32Array;

export interface Tensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: Numbers;
}

export function isFloat(dtype: DType): boolean {
  return dtype === "f16" || dtype === "bf16" || dtype === "f32" || dtype === "f64";
}

/** Bytes of one element as engines store it. */
export function bytesOf(dtype: DType): number {
  if (dtype === "bool") return 1;
  if (dtype === "f16" || dtype === "bf16") return 2;
  return dtype === "f64" || dtype === "i64" ? 8 : 4;
}

export function countOf(shape: readonly number[]): number {
  let count = 1;
  for (const size of shape) count *= size;
  return count;
}

/** The size of an axis that is known to exist. */
export function sizeAt(shape: readonly number[], axis: number): number {
  const size = shape[axis];
  if (size === undefined) throw new Error(`a shape of ${String(shape.length)} axes has no axis ${String(axis)}`);
  return size;
}

/** Row-major steps: how far the next member of each axis is. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = step;
    step *= sizeAt(shape, axis);
  }
  return strides;
}

/** The steps of a tensor of `shape` read as one of shape `as`: 0 along the axes that it stretches. */
export function stretchedStrides(shape: readonly number[], as: readonly number[]): number[] {
  const own = stridesOf(shape);
  const lead = as.length - shape.length;
  return as.map((_, axis) => (axis < lead || sizeAt(shape, axis - lead) === 1 ? 0 : sizeAt(own, axis - lead)));
}

/** What a walk does with one row: `count` members from `offsets[k]` on in steps of `steps[k]`, for each operand k. */
export type Row = (count: number, offsets: readonly number[], steps: readonly number[]) => void;

/**
 * Visits all places of `shape` row by row. Neighbouring axes that every operand walks as one are merged first, so that
 * tensors of equal layout are a single row. The arrays that `row` gets are the walk's own: they change after the call.
 */
export function walk(shape: readonly number[], strides: readonly (readonly number[])[], row: Row): void {
  if (countOf(shape) === 0) return;
  const sizes: number[] = [];
  const steps: number[][] = strides.map(() => []);
  for (let axis = 0; axis < shape.length; axis++) {
    const size = sizeAt(shape, axis);
    if (size === 1) continue;
    const last = sizes.length - 1;
    const merges = last >= 0 && strides.every((s, k) => steps[k]?.[last] === sizeAt(s, axis) * size);
    if (merges) sizes[last] = sizeAt(sizes, last) * size;
    else sizes.push(size);
    const at = sizes.length - 1;
    strides.forEach((s, k) => {
      const mine = steps[k];
      if (mine !== undefined) mine[at] = sizeAt(s, axis);
    });
  }
  const inner = sizes.length - 1;
  const offsets = strides.map(() => 0);
  if (inner < 0) {
    row(1, offsets, offsets.slice());
    return;
  }
  const rowSteps = steps.map((s) => sizeAt(s, inner));
  const count = sizeAt(sizes, inner);
  const place = new Array<number>(inner).fill(0);
  for (;;) {
    row(count, offsets, rowSteps);
    let axis = inner - 1;
    for (; axis >= 0; axis--) {
      const next = sizeAt(place, axis) + 1;
      const wraps = next === sizeAt(sizes, axis);
      place[axis] = wraps ? 0 : next;
      const moves = wraps ? 1 - next : 1;
      for (let k = 0; k < offsets.length; k++) offsets[k]! += moves * steps[k]![axis]!;
      if (!wraps) break;
    }
    if (axis < 0) return;
  }
}

/** A place in a typed array and the steps from there. */
export interface View {
  readonly data: Numbers;
  readonly offset: number;
  readonly strides: readonly number[];
}

/** Copies a block of `shape` from one view to another. */
export function copyBlock(shape: readonly number[], to: View, from: View): void {
  const out = to.data;
  const source = from.data;
  walk(shape, [to.strides, from.strides], (count, offsets, steps) => {
    const o = to.offset + offsets[0]!;
    const s = from.offset + offsets[1]!;
    const so = steps[0]!;
    const ss = steps[1]!;
    if (so === 1 && ss === 1) out.set(source.subarray(s, s + count), o);
    else for (let i = 0; i < count; i++) out[o + i * so] = source[s + i * ss]!;
  });
}

/** The members before and after an axis: `[outer, size, inner]`. */
export function aroundAxis(shape: readonly number[], axis: number): { outer: number; size: number; inner: number } {
  return { outer: countOf(shape.slice(0, axis)), size: sizeAt(shape, axis), inner: countOf(shape.slice(axis + 1)) };
}

/**
 * Numbers for samples: a fixed sequence, the same on every machine, rounded to single precision so that each engine reads
 * them exactly. Not for weights or draws of a model; those have their own generator.
 */
import type { DType } from "../graph/graph.ts";
import type { SampleInput } from "./operator.ts";
import { countOf } from "./tensor.ts";

/** Draws in [low, high), different for each `salt`. */
export function draws(count: number, low: number, high: number, salt: number): Float64Array {
  // A linear congruential generator (Knuth's MMIX multiplier is too wide for doubles; this is Borland's), high bits used.
  let state = (salt * 2654435761 + 12345) >>> 0;
  return Float64Array.from({ length: count }, () => {
    state = (Math.imul(state, 22695477) + 1) >>> 0;
    return Math.fround(low + ((high - low) * (state >>> 8)) / 0x1000000);
  });
}
/** A float tensor of draws in [low, high). */
export function between(low: number, high: number, shape: readonly number[], salt = 1): SampleInput {
  return { dtype: "f32", shape, values: draws(countOf(shape), low, high, salt) };
}
/** A float tensor of draws with sizes in [low, high) and either sign: away from kinks and poles at 0. */
export function apart(low: number, high: number, shape: readonly number[], salt = 1): SampleInput {
  const sizes = draws(countOf(shape), low, high, salt);
  const signs = draws(countOf(shape), -1, 1, salt + 1000);
  return { dtype: "f32", shape, values: sizes.map((size, i) => (signs[i]! < 0 ? -size : size)) };
}
/** A float tensor whose members all differ by at least `gap`, in mixed order: no ties, whatever is perturbed a little. */
export function distinct(gap: number, shape: readonly number[], salt = 1): SampleInput {
  const count = countOf(shape);
  const keys = draws(count, 0, 1, salt);
  const order = Array.from({ length: count }, (_, i) => i).sort((i, j) => keys[i]! - keys[j]! || i - j);
  const values = new Float64Array(count);
  order.forEach((place, rank) => (values[place] = Math.fround((rank - count / 2) * gap)));
  return { dtype: "f32", shape, values };
}
/** Given numbers. */
export function given(shape: readonly number[], values: readonly number[], dtype: DType = "f32"): SampleInput {
  const round = dtype === "f32" ? Math.fround : (value: number) => value;
  return { dtype, shape, values: Float64Array.from(values, round) };
}

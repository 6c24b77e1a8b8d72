/** How far two tensors are apart, and how far they may be. Arithmetic only. */

/** The root of the sum of squares. */
export function norm(a: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += a[i]! ** 2;
  return Math.sqrt(sum);
}

/** |a - b|. Not a number anywhere makes it infinite. */
export function apart(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let sum = 0;
  for (let i = 0; i < b.length; i += 1) sum += (a[i]! - b[i]!) ** 2;
  return Number.isNaN(sum) ? Infinity : Math.sqrt(sum);
}

/** Relative L2: |a - b| / |b|, or over `size` where that is larger; |a| where both are 0. */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>, size = 0): number {
  const against = Math.max(norm(b), size);
  const result = apart(a, b) / (against === 0 ? 1 : against);
  return Number.isNaN(result) ? Infinity : result;
}

/** What rounding was seen to do, four times over; never less than 1e-6. A yardstick that is no number allows nothing more. */
export function allowance(yardstick: number): number {
  return Number.isFinite(yardstick) ? Math.max(1e-6, 4 * yardstick) : 1e-6;
}

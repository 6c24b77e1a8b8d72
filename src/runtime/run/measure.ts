/** How far two tensors are apart, and how far they may be. Arithmetic only. */

/** Relative L2: |a - b| / |b|; |a| where b is all zeros. Not a number anywhere makes it infinite. */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let [difference, size] = [0, 0];
  for (let i = 0; i < b.length; i += 1) {
    const wanted = b[i]!;
    difference += (a[i]! - wanted) ** 2;
    size += wanted ** 2;
  }
  const result = size === 0 ? Math.sqrt(difference) : Math.sqrt(difference / size);
  return Number.isNaN(result) ? Infinity : result;
}

/** Single precision's own distance from double precision, four times over; never less than 1e-6. */
export function allowance(yardstick: number): number {
  return Math.max(1e-6, 4 * yardstick);
}

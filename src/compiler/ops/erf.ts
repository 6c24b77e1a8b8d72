/** The error function in double precision: JavaScript has none. */

/**
 * Below 3 the series of positive terms 2/sqrt(pi) exp(-x^2) sum 2^n x^(2n+1) / (2n+1)!! (Abramowitz and Stegun 7.1.6), which
 * cancels nothing; above, 1 - erfc with the continued fraction 7.1.14, evaluated from its tail.
 */
export function erf(x: number): number {
  const size = Math.abs(x);
  if (Number.isNaN(x)) return x;
  if (size > 6) return Math.sign(x);
  const scale = Math.exp(-size * size) / Math.sqrt(Math.PI);
  if (size < 3) {
    let term = size;
    let sum = size;
    for (let n = 1; term > sum * 1e-17; n++) {
      term *= (2 * size * size) / (2 * n + 1);
      sum += term;
    }
    return Math.sign(x) * 2 * scale * sum;
  }
  let tail = size;
  for (let k = 60; k >= 1; k--) tail = size + k / 2 / tail;
  return Math.sign(x) * (1 - scale / tail);
}

/**
 * Seeded random numbers for data: faces, orders, augmentations. The same keys give the same numbers on every machine,
 * and what one key draws never moves another's. (Weights and dropout use the compiler's Philox, which engines repeat.)
 */
import { createHash } from "node:crypto";

export class Draws {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** Every key counts: `new Draws(seed, "flip", epoch, index)`. */
  constructor(...keys: readonly (number | string)[]) {
    const digest = createHash("sha256").update(JSON.stringify(keys)).digest();
    this.#a = digest.readUInt32LE(0);
    this.#b = digest.readUInt32LE(4);
    this.#c = digest.readUInt32LE(8);
    for (let i = 0; i < 12; i += 1) this.bits();
  }

  /** 32 random bits: the small fast counting generator (sfc32). */
  bits(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    return sum >>> 0;
  }

  uniform(low = 0, high = 1): number {
    return low + (high - low) * (this.bits() / 4294967296);
  }

  /** A whole number in 0 ..< n. */
  below(n: number): number {
    return Math.floor(this.uniform() * n);
  }

  chance(probability: number): boolean {
    return this.uniform() < probability;
  }

  normal(mean = 0, deviation = 1): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return mean + deviation * radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** 0 ..< n in random order. */
  permutation(n: number): number[] {
    const order = Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i -= 1) {
      const j = this.below(i + 1);
      const kept = order[i] as number;
      order[i] = order[j] as number;
      order[j] = kept;
    }
    return order;
  }
}

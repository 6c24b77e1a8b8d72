/**
 * Perceptual hashes of pictures (pHash): 64 bits that stay nearly the same when a picture is scaled, compressed again or made
 * a little lighter. The picture in grey at 32 x 32, its cosine transform, and of the 8 x 8 lowest frequencies which lie above
 * their median.
 */
import { coarse } from "./image.ts";

/** The bits, row by row of the frequencies: 32 in each, the first the highest. */
export interface Hash {
  readonly high: number;
  readonly low: number;
}

const SIDE = 32;
const KEPT = 8;
/** cos(pi (2 n + 1) k / 64), frequency by frequency. */
const COSINES = Float64Array.from({ length: KEPT * SIDE }, (_, i) => {
  const [k, n] = [Math.floor(i / SIDE), i % SIDE];
  return Math.cos((Math.PI * (2 * n + 1) * k) / (2 * SIDE));
});

export async function hashPicture(path: string): Promise<Hash> {
  const rgb = await coarse(path, SIDE);
  // Luma as in JPEG and in Pillow, whole numbers as there.
  return hashGrey(
    Float64Array.from({ length: SIDE * SIDE }, (_, i) =>
      Math.floor(
        ((rgb[3 * i] ?? 0) * 19595 + (rgb[3 * i + 1] ?? 0) * 38470 + (rgb[3 * i + 2] ?? 0) * 7471 + 32768) / 65536,
      ),
    ),
  );
}

/** Of 32 x 32 numbers, row by row. */
export function hashGrey(grey: ArrayLike<number>): Hash {
  const across = new Float64Array(SIDE * KEPT);
  for (let row = 0; row < SIDE; row += 1)
    for (let k = 0; k < KEPT; k += 1) {
      let sum = 0;
      for (let n = 0; n < SIDE; n += 1) sum += (grey[row * SIDE + n] ?? 0) * (COSINES[k * SIDE + n] ?? 0);
      across[row * KEPT + k] = sum;
    }
  const low = new Float64Array(KEPT * KEPT);
  for (let k = 0; k < KEPT; k += 1)
    for (let column = 0; column < KEPT; column += 1) {
      let sum = 0;
      for (let n = 0; n < SIDE; n += 1) sum += (across[n * KEPT + column] ?? 0) * (COSINES[k * SIDE + n] ?? 0);
      low[k * KEPT + column] = sum;
    }
  const sorted = Float64Array.from(low).sort();
  const median = ((sorted[31] ?? 0) + (sorted[32] ?? 0)) / 2;
  const word = (from: number): number => {
    let bits = 0;
    for (let i = 0; i < 32; i += 1) bits = (bits << 1) | ((low[from + i] ?? 0) > median ? 1 : 0);
    return bits >>> 0;
  };
  return { high: word(0), low: word(32) };
}

/** In how many bits they differ. */
export function distance(a: Hash, b: Hash): number {
  return ones(a.high ^ b.high) + ones(a.low ^ b.low);
}

function ones(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/**
 * Hashes, to be asked which of them lie under a distance. The 64 bits are cut into as many blocks as the distance: two
 * hashes that differ in fewer bits than there are blocks agree in one of them, so only those that share a block are compared.
 */
export class Near {
  readonly #under: number;
  readonly #blocks: readonly Map<number, number[]>[];
  readonly #hashes: Hash[] = [];

  constructor(under: number) {
    this.#under = under;
    this.#blocks = Array.from({ length: Math.min(64, under) }, () => new Map<number, number[]>());
  }

  add(hash: Hash): void {
    const place = this.#hashes.push(hash) - 1;
    this.#blocks.forEach((block, b) => {
      const key = this.#key(hash, b);
      const mine = block.get(key);
      if (mine === undefined) block.set(key, [place]);
      else mine.push(place);
    });
  }

  /** The nearest of those that were added and that `fits`, the first of several; undefined where none is near enough. */
  nearest(hash: Hash, fits: (place: number) => boolean = () => true): { place: number; apart: number } | undefined {
    let best: { place: number; apart: number } | undefined;
    this.#blocks.forEach((block, b) => {
      for (const place of block.get(this.#key(hash, b)) ?? []) {
        const apart = distance(hash, this.#hashes[place] as Hash);
        const most = best === undefined ? this.#under : best.apart + (place < best.place ? 1 : 0);
        if (apart < most && fits(place)) best = { place, apart };
      }
    });
    return best;
  }

  /** The bits of a block as a number. One block alone is wider than numbers are exact, which only costs comparisons. */
  #key({ high, low }: Hash, block: number): number {
    const count = this.#blocks.length;
    const [from, to] = [Math.floor((64 * block) / count), Math.floor((64 * (block + 1)) / count)];
    const upper = from < 32 ? cut(high, from, Math.min(32, to)) : 0;
    return to > 32 ? upper * 2 ** (to - Math.max(32, from)) + cut(low, Math.max(32, from) - 32, to - 32) : upper;
  }
}

/** Bits `from ..< to`, counted from the highest. */
function cut(word: number, from: number, to: number): number {
  return (word << from) >>> (32 - to + from);
}

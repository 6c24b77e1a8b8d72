/**
 * Random numbers by counter: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"). A draw
 * depends on the seed, the path of what is drawn, the step and the place in the tensor, and on nothing else.
 */
import { sha256 } from "../hash/sha256.ts";

/** Four 32-bit words from a counter of four and a key of two. */
export function philox(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
): Uint32Array {
  const words = new Uint32Array(4);
  scramble(words, counter[0], counter[1], counter[2], counter[3], key[0], key[1]);
  return words;
}

function scramble(out: Uint32Array, c0: number, c1: number, c2: number, c3: number, k0: number, k1: number): void {
  let [a, b, c, d, low, high] = [c0, c1, c2, c3, k0, k1];
  for (let round = 0; round < 10; round++) {
    const [productA, productC] = [Math.imul(a, 0xd2511f53), Math.imul(c, 0xcd9e8d57)];
    const [upperA, upperC] = [upperHalf(a, 0xd251, 0x1f53), upperHalf(c, 0xcd9e, 0x8d57)];
    [a, b, c, d] = [upperC ^ b ^ low, productC, upperA ^ d ^ high, productA];
    low = (low + 0x9e3779b9) | 0;
    high = (high + 0xbb67ae85) | 0;
  }
  out[0] = a;
  out[1] = b;
  out[2] = c;
  out[3] = d;
}
/** The upper 32 bits of word * (high * 2^16 + low). */
function upperHalf(word: number, high: number, low: number): number {
  const [x1, x0] = [word >>> 16, word & 0xffff];
  const middle = x1 * low + ((x0 * low) >>> 16);
  const cross = x0 * high + (middle & 0xffff);
  return (x1 * high + Math.floor(middle / 0x10000) + (cross >>> 16)) | 0;
}

/** A stream of draws: words 4 i … 4 i + 3 come from the counter (i, step), each of its two numbers as 64 bits, low word first. */
export interface Stream {
  readonly key: readonly [number, number];
  readonly step: number;
}
/** The key is the first 64 bits of SHA-256 over the text `SEED:PATH`, as two big-endian words. */
export function streamOf(seed: number, path: string, step: number): Stream {
  const digest = new DataView(sha256(new TextEncoder().encode(`${String(seed)}:${path}`)).buffer);
  return { key: [digest.getUint32(0), digest.getUint32(4)], step };
}

/** Fills `out` with what the places from `from` on hold: multiples of 2^-24 in [0, 1), scaled to [low, high). */
export function fillUniform(
  out: Float64Array | Float32Array,
  stream: Stream,
  low: number,
  high: number,
  from = 0,
): void {
  eachWord(stream, from, out.length, (i, word) => {
    out[i] = low + ((high - low) * (word >>> 8)) / 0x1000000;
  });
}

/** Box and Muller's transform of neighbouring places: words (2 i, 2 i + 1) give places 2 i (cosine) and 2 i + 1 (sine). */
export function fillNormal(
  out: Float64Array | Float32Array,
  stream: Stream,
  mean: number,
  std: number,
  from = 0,
): void {
  const start = from - (from % 2);
  const count = Math.ceil((from + out.length - start) / 2) * 2;
  let radius = 0;
  eachWord(stream, start, count, (i, word) => {
    if (i % 2 === 0) {
      radius = std * Math.sqrt(-2 * Math.log(((word >>> 8) + 1) / 0x1000000));
      return;
    }
    const angle = (2 * Math.PI * (word >>> 8)) / 0x1000000;
    const place = start + i - from;
    if (place >= 1) out[place - 1] = mean + radius * Math.cos(angle);
    if (place < out.length) out[place] = mean + radius * Math.sin(angle);
  });
}

function eachWord({ key, step }: Stream, from: number, count: number, run: (i: number, word: number) => void): void {
  const words = new Uint32Array(4);
  const [stepLow, stepHigh] = [step >>> 0, Math.floor(step / 0x100000000)];
  let block = -1;
  for (let i = 0; i < count; i++) {
    const place = from + i;
    const wanted = Math.floor(place / 4);
    if (wanted !== block) {
      block = wanted;
      scramble(words, block >>> 0, Math.floor(block / 0x100000000), stepLow, stepHigh, key[0], key[1]);
    }
    run(i, words[place % 4]!);
  }
}

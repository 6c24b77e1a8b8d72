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

/** Plain temporaries throughout: this runs once for every four weights of a network. */
function scramble(out: Uint32Array, c0: number, c1: number, c2: number, c3: number, k0: number, k1: number): void {
  let a = c0;
  let b = c1;
  let c = c2;
  let d = c3;
  let low = k0;
  let high = k1;
  for (let round = 0; round < 10; round++) {
    const nextA = upperHalf(c, 0xcd9e, 0x8d57) ^ b ^ low;
    const nextC = upperHalf(a, 0xd251, 0x1f53) ^ d ^ high;
    b = Math.imul(c, 0xcd9e8d57);
    d = Math.imul(a, 0xd2511f53);
    a = nextA;
    c = nextC;
    low = (low + 0x9e3779b9) | 0;
    high = (high + 0xbb67ae85) | 0;
  }
  out[0] = a;
  out[1] = b;
  out[2] = c;
  out[3] = d;
}
/** The upper 32 bits of word * (high * 2^16 + low): partial products of 16 bits, carried like digits. */
function upperHalf(word: number, high: number, low: number): number {
  const upper = word >>> 16;
  const lower = word & 0xffff;
  const first = Math.imul(lower, low) >>> 16;
  const second = (Math.imul(upper, low) >>> 0) + first;
  const third = (Math.imul(lower, high) >>> 0) + (second & 0xffff);
  return (Math.imul(upper, high) + (second >>> 16) + (third >>> 16)) | 0;
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
  const words = new Uint32Array(4);
  const scale = (high - low) / 0x1000000;
  for (let block = Math.floor(from / 4); block * 4 < from + out.length; block++) {
    blockOf(words, stream, block);
    const start = block * 4 - from;
    for (let k = Math.max(0, -start); k < 4 && start + k < out.length; k++)
      out[start + k] = low + scale * (words[k]! >>> 8);
  }
}

/** Box and Muller's transform of neighbouring places: words (2 i, 2 i + 1) give places 2 i (cosine) and 2 i + 1 (sine). */
export function fillNormal(
  out: Float64Array | Float32Array,
  stream: Stream,
  mean: number,
  std: number,
  from = 0,
): void {
  const words = new Uint32Array(4);
  for (let block = Math.floor(from / 4); block * 4 < from + out.length; block++) {
    blockOf(words, stream, block);
    for (let k = 0; k < 4; k += 2) {
      const radius = std * Math.sqrt(-2 * Math.log(((words[k]! >>> 8) + 1) / 0x1000000));
      const angle = (2 * Math.PI * (words[k + 1]! >>> 8)) / 0x1000000;
      const place = block * 4 + k - from;
      if (place >= 0 && place < out.length) out[place] = mean + radius * Math.cos(angle);
      if (place + 1 >= 0 && place + 1 < out.length) out[place + 1] = mean + radius * Math.sin(angle);
    }
  }
}

function blockOf(words: Uint32Array, { key, step }: Stream, block: number): void {
  scramble(words, block | 0, Math.floor(block / 0x100000000), step | 0, Math.floor(step / 0x100000000), key[0], key[1]);
}

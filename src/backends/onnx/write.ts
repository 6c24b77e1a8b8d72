/**
 * Turns a plan into the bytes of its file, chunk by chunk. Weights pass through and are never held: only the few numbers
 * a channel that batch norm needs are. Opens no file itself.
 */
import type { DType } from "../../compiler/graph/graph.ts";
import { bytesOf, type Numbers } from "../../compiler/ops/tensor.ts";
import { decodeElements, encodeElements } from "../bytes.ts";
import type { FilePlan, Norm, Recipe, Segment, Source } from "./plan.ts";

/**
 * The numbers of a variable as bytes of its declared type, little-endian and row-major, in chunks of whole elements. A
 * chunk needs to stay as it is only until the next one is asked for.
 */
export type ReadVariable = (path: string) => AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** The file's bytes in order. A chunk is good until the next one is asked for. */
export async function* planChunks(plan: FilePlan, read: ReadVariable): AsyncGenerator<Uint8Array, void, undefined> {
  const scratch: Scratch = {};
  for (const segment of plan.segments) {
    if (segment.kind === "bytes") yield segment.bytes;
    else yield* tensorChunks(segment, read, scratch);
  }
}

/** The array that scaled weights are written to, the same for all: fresh ones would pile up faster than they are collected. */
interface Scratch {
  numbers?: Numbers;
}

async function* tensorChunks(
  { name, recipe, dtype, bytes }: Extract<Segment, { kind: "tensor" }>,
  read: ReadVariable,
  scratch: Scratch,
): AsyncGenerator<Uint8Array, void, undefined> {
  let given = 0;
  for await (const chunk of recipeChunks(recipe, dtype, read, scratch)) {
    given += chunk.byteLength;
    yield chunk;
  }
  if (given !== bytes) throw new Error(`${name} has ${String(bytes)} bytes, its weights gave ${String(given)}`);
}

async function* recipeChunks(
  recipe: Recipe,
  dtype: DType,
  read: ReadVariable,
  scratch: Scratch,
): AsyncGenerator<Uint8Array, void, undefined> {
  switch (recipe.kind) {
    case "copy":
      yield* sourceChunks(recipe.of, read);
      return;
    case "scaled": {
      const { scale } = await foldNorm(recipe.norm, read);
      let at = 0;
      for await (const chunk of sourceChunks(recipe.of, read)) {
        if (chunk.byteLength % bytesOf(dtype) !== 0) throw new Error("a chunk of weights ends inside of an element");
        const given = decodeElements(dtype, chunk);
        const { numbers: free } = scratch;
        const large = free?.constructor === given.constructor && free.length >= given.length;
        const all = large ? free : (scratch.numbers = given.slice());
        const numbers = all.subarray(0, given.length);
        scaleByChannel(given, numbers, scale, recipe.inner, at);
        at += numbers.length;
        yield encodeElements(dtype, numbers);
      }
      return;
    }
    case "shifted": {
      const { scale, mean, bias } = await foldNorm(recipe.norm, read);
      const own = recipe.of === undefined ? undefined : await numbersOf(recipe.of, read);
      const shifted = scale.map((s, i) => ((own?.[i] ?? 0) - (mean[i] ?? 0)) * s + (bias[i] ?? 0));
      yield encodeElements(dtype, shifted);
    }
  }
}

/** Runs over the numbers once, channel by channel: the inner loop multiplies by one number. */
function scaleByChannel(from: Numbers, to: Numbers, scale: Float64Array, inner: number, first: number): void {
  for (let i = 0; i < from.length;) {
    const place = first + i;
    const factor = scale[Math.floor(place / inner) % scale.length] ?? 1;
    const end = Math.min(from.length, i + inner - (place % inner));
    for (; i < end; i++) to[i] = (from[i] ?? 0) * factor;
  }
}

async function foldNorm(
  norm: Norm,
  read: ReadVariable,
): Promise<{ scale: Float64Array; mean: Float64Array; bias: Float64Array }> {
  const weight = await numbersOf(norm.weight, read);
  const variance = await numbersOf(norm.variance, read);
  const scale = weight.map((w, i) => w / Math.sqrt((variance[i] ?? 0) + norm.eps));
  return { scale, mean: await numbersOf(norm.mean, read), bias: await numbersOf(norm.bias, read) };
}

async function numbersOf(source: Source, read: ReadVariable): Promise<Float64Array> {
  if (source.kind === "values") return source.values;
  const numbers = new Float64Array(source.count);
  let at = 0;
  for await (const chunk of read(source.path)) {
    const part = decodeElements(source.dtype, chunk);
    if (at + part.length > numbers.length)
      throw new Error(`${source.path} has more than ${String(source.count)} numbers`);
    numbers.set(part, at);
    at += part.length;
  }
  if (at !== source.count)
    throw new Error(`${source.path} has ${String(source.count)} numbers, ${String(at)} were given`);
  return numbers;
}

async function* sourceChunks(source: Source, read: ReadVariable): AsyncGenerator<Uint8Array, void, undefined> {
  if (source.kind === "values") yield encodeElements(source.dtype, source.values);
  else yield* read(source.path);
}

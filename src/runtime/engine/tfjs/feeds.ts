/**
 * Checks what is fed against the description of a signature: names, shapes, element types, ranges of labels and asserted
 * sizes. TensorFlow itself checks none of this.
 */
import type { DimDescription, InputDescription, SignatureDescription } from "../../../backends/tfjs/model.ts";
import type { FeedNode, TensorData } from "./session.ts";

/** A tensor as it may be given: plain numbers, or a tfjs tensor. */
export type Feed =
  | { readonly shape: readonly number[]; readonly data: ArrayLike<number> }
  | { readonly shape: readonly number[]; dataSync(): ArrayLike<number> };
export type Feeds = Readonly<Record<string, Feed>>;

/** What was fed does not fit the model. */
export class FeedError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "FeedError";
  }
}

/** What a signature says of an input; how an engine calls it is left to the engine. */
export type InputForm = Omit<InputDescription, "node" | "dtype"> & { readonly dtype: InputDescription["dtype"] | "u8" };
export interface SignatureForm {
  readonly inputs: readonly InputForm[];
  readonly asserts: SignatureDescription["asserts"];
}
/** What is fed, as far as its shape is known. */
export type Shaped = Readonly<Record<string, { readonly shape: readonly number[] }>>;

export function checkFeeds(name: string, signature: SignatureDescription, feeds: Feeds): FeedNode[] {
  const given = signature.inputs.map((input) => picturesOf(input, feeds[input.name]));
  const inputs = signature.inputs.map((input, i): InputForm => given[i]?.form ?? input);
  const sizes = checkShapes(name, { ...signature, inputs }, feeds);
  return signature.inputs.map((input, i): FeedNode => {
    const pictures = given[i];
    if (pictures) return { node: pictures.node, dtype: "i32", value: wordsOf(pictures) };
    const data = numbersOf(input, feedNamed(input.name, feeds));
    checkRange(input, data, sizes);
    return { node: input.node, dtype: input.dtype, value: { shape: feeds[input.name]?.shape ?? [], data } };
  });
}

/** An image that is fed as the bytes of pictures. */
interface Pictures {
  readonly node: string;
  readonly form: InputForm;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array | Uint8ClampedArray;
}
function picturesOf({ picture, ...input }: InputDescription, feed: Feed | undefined): Pictures | undefined {
  if (picture === undefined || feed === undefined || !("data" in feed)) return undefined;
  const { shape, data: bytes } = feed;
  if (!(bytes instanceof Uint8Array || bytes instanceof Uint8ClampedArray)) return undefined;
  return { node: picture.node, form: { ...input, dtype: "u8", shape: picture.shape }, shape, bytes };
}
/** Four bytes a word, and each picture in whole words. The bytes themselves where they lie so. */
function wordsOf({ form, shape, bytes }: Pictures): TensorData {
  checkCount(form, shape, bytes);
  const [count = 0, ...rest] = shape;
  const each = rest.reduce((product, n) => product * n, 1);
  const words = Math.ceil(each / 4);
  if (each === 4 * words && bytes.byteOffset % 4 === 0)
    return { shape: [count, words], data: new Int32Array(bytes.buffer, bytes.byteOffset, count * words) };
  const packed = new Uint8Array(4 * words * count);
  for (let i = 0; i < count; i += 1) packed.set(bytes.subarray(i * each, (i + 1) * each), 4 * words * i);
  return { shape: [count, words], data: new Int32Array(packed.buffer) };
}
function checkCount({ name }: InputForm, shape: readonly number[], given: ArrayLike<number>): void {
  const count = shape.reduce((product, n) => product * n, 1);
  if (given.length !== count)
    throw new FeedError(
      `\`${name}\` has ${String(given.length)} numbers; its shape [${shape.join(", ")}] needs ${String(count)}`,
    );
}
function feedNamed(name: string, feeds: Feeds): Feed {
  const feed = feeds[name];
  if (feed === undefined) throw new FeedError(`there is no input \`${name}\``);
  return feed;
}

/** Names, shapes and asserted sizes; reads no number of what is fed. Returns the sizes that the shapes give. */
export function checkShapes(name: string, signature: SignatureForm, feeds: Shaped): Sizes {
  const known = new Set(signature.inputs.map((input) => input.name));
  const extra = Object.keys(feeds).filter((given) => !known.has(given));
  if (extra.length > 0) {
    throw new FeedError(`${name} takes ${listOf([...known])}; there is no input \`${extra.join("`, `")}\``);
  }
  const sizes = new Map<string, { readonly size: number; readonly from: string }>();
  for (const input of signature.inputs) {
    const feed = feeds[input.name];
    if (feed === undefined)
      throw new FeedError(`${name} needs the ${input.kind} \`${input.name}\`: ${typeText(input)}`);
    checkShape(input, feed.shape, sizes);
  }
  // Sizes that are computed from others are known only now.
  for (const input of signature.inputs) {
    input.shape.forEach((dim, axis) => {
      const given = feeds[input.name]?.shape[axis];
      const wanted = evaluate(dim, sizes);
      if (wanted !== given)
        throw new FeedError(
          `\`${input.name}\`, axis ${String(axis)}, has size ${String(given)}; ${showDim(dim)} is ${String(wanted)}`,
        );
    });
  }
  for (const { left, comparison, right, message } of signature.asserts) {
    const [a, b] = [evaluate(left, sizes), evaluate(right, sizes)];
    if (!holds(a, comparison, b))
      throw new FeedError(
        `${message === "" ? "a condition on sizes fails" : message}: ${showDim(left)} is ${String(a)}, and it must be ${comparison} ${showDim(right)}${typeof right === "number" ? "" : ` = ${String(b)}`}`,
      );
  }
  return sizes;
}

export type Sizes = ReadonlyMap<string, { readonly size: number; readonly from: string }>;

function checkShape(
  input: InputForm,
  shape: readonly number[],
  sizes: Map<string, { size: number; from: string }>,
): void {
  const given = `[${shape.join(", ")}]`;
  if (shape.length !== input.shape.length) {
    throw new FeedError(`\`${input.name}\` has shape ${given}; it is ${typeText(input)}`);
  }
  input.shape.forEach((dim, axis) => {
    const size = shape[axis] ?? 0;
    if (typeof dim === "number" && size !== dim)
      throw new FeedError(`\`${input.name}\` has shape ${given}; it is ${typeText(input)}`);
    if (typeof dim !== "string") return;
    const before = sizes.get(dim);
    if (before === undefined) {
      if (size < 1) throw new FeedError(`\`${input.name}\` has shape ${given}: ${dim} must be at least 1`);
      sizes.set(dim, { size, from: input.name });
    } else if (before.size !== size) {
      throw new FeedError(
        `${dim} is ${String(before.size)} in \`${before.from}\` and ${String(size)} in \`${input.name}\``,
      );
    }
  });
}

export function numbersOf(input: InputForm, feed: Feed): TensorData["data"] {
  const given = "data" in feed ? feed.data : feed.dataSync();
  checkCount(input, feed.shape, given);
  if (input.dtype === "f32") {
    if (given instanceof Int32Array)
      throw new FeedError(`\`${input.name}\` holds whole numbers; it is ${typeText(input)}`);
    return given instanceof Float32Array ? given : Float32Array.from(given);
  }
  if (input.dtype === "bool") return given instanceof Uint8Array ? given : Uint8Array.from(given, (v) => (v ? 1 : 0));
  if (given instanceof Int32Array) return given;
  return Int32Array.from(given, (v, i) => {
    if (!Number.isInteger(v) || Math.abs(v) > 0x7fffffff)
      throw new FeedError(`\`${input.name}\` holds ${String(v)} at place ${String(i)}; it is ${typeText(input)}`);
    return v;
  });
}

/** Labels must lie in their range. */
export function checkRange({ name, range }: InputForm, data: TensorData["data"], sizes: Sizes): void {
  if (range === undefined) return;
  const [from, to] = [evaluate(range[0], sizes), evaluate(range[1], sizes)];
  for (let i = 0; i < data.length; i++) {
    const value = data[i] ?? 0;
    if (value < from || value >= to) {
      throw new FeedError(
        `\`${name}\` holds ${String(value)} at place ${String(i)}; its values lie in ${String(from)} ..< ${String(to)}`,
      );
    }
  }
}

function evaluate(dim: DimDescription, sizes: Sizes): number {
  if (typeof dim === "number") return dim;
  if (typeof dim === "string") {
    const known = sizes.get(dim);
    if (known === undefined) throw new FeedError(`the size ${dim} is not known from what was fed`);
    return known.size;
  }
  const of = dim.of.map((d) => evaluate(d, sizes));
  if (dim.op === "add") return of.reduce((a, b) => a + b);
  if (dim.op === "mul") return of.reduce((a, b) => a * b);
  if (dim.op === "floor_div") return of.reduce((a, b) => Math.floor(a / b));
  return dim.op === "min" ? Math.min(...of) : Math.max(...of);
}
function holds(a: number, comparison: string, b: number): boolean {
  switch (comparison) {
    case "==":
      return a === b;
    case "!=":
      return a !== b;
    case "<":
      return a < b;
    case "<=":
      return a <= b;
    case ">":
      return a > b;
    default:
      return a >= b;
  }
}
function showDim(dim: DimDescription): string {
  if (typeof dim !== "object") return String(dim);
  const of = dim.of.map(showDim);
  if (dim.op === "floor_div") return `floor(${of.join(" / ")})`;
  if (dim.op === "min" || dim.op === "max") return `${dim.op}(${of.join(", ")})`;
  return of.join(dim.op === "add" ? " + " : " * ");
}
function typeText(input: InputForm): string {
  const range = input.range === undefined ? "" : ` in ${showDim(input.range[0])} ..< ${showDim(input.range[1])}`;
  return `${input.dtype}[${input.shape.map(showDim).join(", ")}]${range}`;
}
function listOf(names: readonly string[]): string {
  return names.length === 0 ? "no inputs" : names.map((n) => `\`${n}\``).join(", ");
}

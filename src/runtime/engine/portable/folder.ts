/**
 * A compiled portable folder in use, in a browser or in Node, on whichever backend of tfjs is set. This very source,
 * bundled, is the `index.mjs` of such folders, so it needs nothing of archc, and of Node only where files are on disk.
 */
import type * as tfjs from "@tensorflow/tfjs-core";
import { decodeElements } from "../../../backends/bytes.ts";
import type { PortableDescription, PortableSignature } from "../../../backends/portable/api.ts";
import { parseHeader, type TensorEntry } from "../../safetensors-header.ts";
import { checkRange, checkShapes, FeedError, type InputForm, numbersOf } from "../tfjs/feeds.ts";
import type { TensorData } from "../tfjs/session.ts";
import * as module from "./model.mjs";

export { FeedError } from "../tfjs/feeds.ts";

type Tf = typeof tfjs;
type Tensors = Record<string, tfjs.Tensor>;
type Numbers = ArrayLike<number>;
/** Numbers alone, where at most one size is open; numbers with a shape; a tensor of tfjs, which stays the caller's. */
export type Feed = Numbers | { readonly shape: readonly number[]; readonly data: Numbers } | tfjs.Tensor;
export type Feeds = Readonly<Record<string, Feed>>;

export interface CreateOptions {
  /** `@tensorflow/tfjs-core` or `@tensorflow/tfjs`, with a backend; imported by the first name unless given. */
  readonly tf?: Tf;
  /** Where the weights are, or their bytes; `weights.safetensors` beside this file unless told. */
  readonly weights?: string | URL | ArrayBuffer | Uint8Array;
  /** Told how many bytes of the weights have come, and of how many, where that is known. */
  readonly onProgress?: (bytes: number, all: number | undefined) => void;
}

export async function create(options: CreateOptions = {}): Promise<PortableModel> {
  const tf = options.tf ?? (await import("@tensorflow/tfjs-core"));
  await tf.ready();
  const description = JSON.parse(
    new TextDecoder().decode(await bytesAt(new URL("model.json", import.meta.url))),
  ) as PortableDescription;
  const given = options.weights ?? new URL("weights.safetensors", import.meta.url);
  const file = typeof given === "object" && !(given instanceof URL) ? "the weights" : String(given);
  const bytes =
    typeof given === "string" || given instanceof URL
      ? await bytesAt(new URL(given, baseAddress()), options.onProgress)
      : new Uint8Array(given instanceof ArrayBuffer ? given : given.slice());
  return new PortableModel(tf, description, weightsOf(tf, description, bytes, file));
}

export class PortableModel {
  readonly description: PortableDescription;
  readonly #tf: Tf;
  readonly #weights: Tensors;
  readonly #constants: Tensors;

  constructor(tf: Tf, description: PortableDescription, weights: Tensors) {
    this.description = description;
    this.#tf = tf;
    this.#weights = weights;
    this.#constants = kept(tf, () => module.constants(tf));
  }

  /** Predictions of a batch, as numbers. */
  async predict(feeds: Feeds): Promise<Record<string, TensorData>> {
    return numbers(this.execute(feeds));
  }
  /** Predictions of a batch, as tensors that the caller frees; needs no wait. */
  execute(feeds: Feeds): Tensors {
    return this.#run("predict", this.description.signatures.predict, feeds);
  }
  /**
   * The outline of each region that the model reads its maps in: [batch, 4, (x, y)], in [-1, 1] of the map, from the
   * corner that becomes the region's top left on clockwise. Takes what the regions depend on, as a rule the landmarks.
   */
  async regions(feeds: Feeds): Promise<Record<string, TensorData>> {
    const { regions } = this.description.signatures;
    return regions.outputs.length === 0 ? {} : numbers(this.#run("regions", regions, feeds));
  }
  #run(name: "predict" | "regions", signature: PortableSignature, feeds: Feeds): Tensors {
    const shaped = Object.fromEntries(
      Object.entries(feeds).map(([input, feed]) => [
        input,
        withShape(
          signature.inputs.find((i) => i.name === input),
          feed,
        ),
      ]),
    );
    const sizes = checkShapes(name, signature, shaped);
    return this.#tf.tidy(() => {
      const inputs: Tensors = {};
      for (const input of signature.inputs) {
        const feed = shaped[input.name];
        if (feed === undefined) continue;
        if (isTensor(feed)) {
          inputs[input.name] = this.#tf.cast(feed, jsTypes[input.dtype]);
          continue;
        }
        const data = numbersOf(input, feed);
        checkRange(input, data, sizes);
        inputs[input.name] = this.#tf.tensor(data, [...feed.shape], jsTypes[input.dtype]);
      }
      return module[name](this.#tf, this.#weights, this.#constants, inputs);
    });
  }
  dispose(): void {
    this.#tf.dispose([this.#weights, this.#constants]);
  }
}

const jsTypes = { f32: "float32", i32: "int32", bool: "bool" } as const;

function isTensor(feed: Feed): feed is tfjs.Tensor {
  return "dataSync" in feed;
}
type WithShape = Exclude<Feed, Numbers>;
/** Numbers without a shape get the input's, its one open size being what is left. */
function withShape(input: InputForm | undefined, feed: Feed): WithShape {
  if ("shape" in feed) return feed;
  const shape = input?.shape ?? [];
  const known = shape.reduce<number>((product, dim) => (typeof dim === "number" ? product * dim : product), 1);
  const open = shape.filter((dim) => typeof dim !== "number").length;
  if (open > 1) throw new FeedError(`\`${input?.name ?? ""}\` has several open sizes; feed { shape, data }`);
  const rest = feed.length / known;
  if (!Number.isInteger(rest))
    throw new FeedError(`\`${input?.name ?? ""}\` has ${feed.length} numbers, not a multiple of ${known}`);
  return { shape: shape.map((dim) => (typeof dim === "number" ? dim : rest)), data: feed };
}

async function numbers(tensors: Tensors): Promise<Record<string, TensorData>> {
  const results: Record<string, TensorData> = {};
  try {
    for (const [name, tensor] of Object.entries(tensors))
      results[name] = { shape: tensor.shape, data: await tensor.data() };
    return results;
  } finally {
    for (const tensor of Object.values(tensors)) tensor.dispose();
  }
}

/** Makes tensors that outlive any scope. */
function kept(tf: Tf, make: () => Tensors): Tensors {
  const tensors = tf.tidy(make);
  for (const tensor of Object.values(tensors)) tf.keep(tensor);
  return tensors;
}

function weightsOf(tf: Tf, description: PortableDescription, bytes: Uint8Array, file: string): Tensors {
  const header = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const text = new TextDecoder().decode(bytes.subarray(8, 8 + header));
  const body = bytes.subarray(8 + header);
  const { tensors } = parseHeader(file, text, body.byteLength);
  return kept(tf, () => {
    const weights: Tensors = {};
    for (const { path, shape, order } of description.variables) {
      const entry = tensors.get(path);
      if (entry === undefined) throw new Error(`${file} does not hold \`${path}\``);
      if (entry.shape.join() !== shape.join())
        throw new Error(
          `${file}: \`${path}\` has shape [${entry.shape.join(", ")}]; the model's is [${shape.join(", ")}]`,
        );
      const tensor = tensorOf(tf, entry, body.subarray(entry.start, entry.start + entry.bytes), path);
      weights[path] = order === undefined ? tensor : tf.transpose(tensor, [...order]);
    }
    return weights;
  });
}
function tensorOf(tf: Tf, { dtype, shape }: TensorEntry, bytes: Uint8Array, path: string): tfjs.Tensor {
  if (dtype === undefined) throw new Error(`the weights hold \`${path}\` in an element type that is not read here`);
  const values = decodeElements(dtype, bytes);
  if (dtype === "bool") return tf.tensor(Uint8Array.from(values), [...shape], "bool");
  if (dtype === "i32" || dtype === "i64") return tf.tensor(Int32Array.from(values), [...shape], "int32");
  return tf.tensor(values instanceof Float32Array ? values : Float32Array.from(values), [...shape], "float32");
}

/** Addresses are taken from the page where there is one, else from this file. */
function baseAddress(): string {
  const { location } = globalThis as { location?: { href: string } };
  return location?.href ?? import.meta.url;
}

async function bytesAt(url: URL, onProgress?: CreateOptions["onProgress"]): Promise<Uint8Array> {
  if (url.protocol === "file:") {
    // Asked of the process, not imported, so that bundlers for browsers find nothing of Node here.
    const { readFile } = globalThis.process.getBuiltinModule("node:fs/promises");
    return readFile(url);
  }
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url.href}: ${String(response.status)} ${response.statusText}`);
  if (response.body === null || onProgress === undefined) return new Uint8Array(await response.arrayBuffer());
  const length = response.headers.get("content-encoding") === null ? response.headers.get("content-length") : null;
  const all = length === null ? undefined : Number(length);
  const chunks: Uint8Array[] = [];
  let come = 0;
  const reader = response.body.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    come += value.byteLength;
    onProgress(come, all);
  }
  const whole = new Uint8Array(come);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}

/**
 * Batches of samples in the order and with the augmentation that (seed, epoch, row) draw: the same everywhere, whatever
 * was loaded before. Decoding runs ahead of whoever asks for the next batch.
 */
import { isFloat, type Numbers, type Tensor } from "../../compiler/ops/tensor.ts";
import { Draws } from "../draws.ts";
import { InputError } from "../error.ts";
import {
  type Affine,
  alignFace,
  apply,
  compose,
  type DrawnAugmentation,
  drawAugmentation,
  identity,
  invert,
  pixelsToUnit,
  type Point,
} from "./affine.ts";
import { outside } from "./cells.ts";
import { decode, type Picture, warp } from "./image.ts";
import type { Manifest, Row } from "./manifest.ts";
import { readNpy } from "./npy.ts";
import type { Field, ImageField, Recipe } from "./recipe.ts";
import { faultOfShape } from "./row-files.ts";
import { drawShowings, type Sampling, type Showing, type Weights, weightsOf } from "./sampling.ts";

/** Pictures as bytes: [B, H, W, 3], row by row, R, G and B of a pixel together. */
export interface Pictures {
  readonly dtype: "u8";
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}
/** By input or target name. */
export type Batch = ReadonlyMap<string, Tensor | Pictures>;

export interface BatchOptions {
  readonly batch: number;
  /** How many of them make a step. 1 unless told. */
  readonly accumulate?: number;
  readonly seed: number;
  /** Shuffle and augment, as training does. Otherwise rows come as they stand, and the last batch may be short. */
  readonly training: boolean;
  /** What an epoch of training shows; every row once where it is left out. */
  readonly sampling?: Sampling | undefined;
  /** A picture that cannot be read is replaced by the next row's, and told once, instead of ending the work. */
  readonly onBad?: (problem: string) => void;
}

export class Batches {
  readonly #manifest: Manifest;
  readonly #recipe: Recipe;
  readonly #options: BatchOptions;
  /** Steps an epoch. */
  readonly perEpoch: number;
  readonly #accumulate: number;
  readonly #bad = new Set<number>();
  readonly #weights: Weights | undefined;
  #order: { readonly epoch: number; readonly showings: readonly Showing[] } | undefined;

  constructor(manifest: Manifest, recipe: Recipe, options: BatchOptions) {
    const { rows, path } = manifest;
    const { batch, training, accumulate = 1 } = options;
    const each = batch * accumulate;
    this.#manifest = manifest;
    this.#recipe = recipe;
    this.#options = options;
    this.#weights = training ? weightsOf(path, rows, options.sampling ?? {}) : undefined;
    // A short last batch would give batch statistics of another size; its rows come up in another epoch.
    this.perEpoch = training ? Math.floor(rows.length / each) : Math.ceil(rows.length / each);
    this.#accumulate = accumulate;
    if (this.perEpoch === 0) {
      throw new InputError(
        `${path} has ${rows.length} rows to train on, and ${accumulate === 1 ? "a batch is" : `a step takes ${accumulate} batches of ${batch}, which is`} ${each}.`,
        `--batch ${Math.max(1, Math.floor(rows.length / accumulate))}   or more rows`,
      );
    }
  }

  /** What step `step` (from 0) of the whole training takes, or one micro-batch of it: epochs follow one another. */
  async at(step: number, part = 0): Promise<ReadonlyMap<string, Tensor>> {
    const samples = await this.#samples(step, part);
    return new Map(this.#recipe.fields.map((field) => [field.name, collate(field, samples)]));
  }
  /** The same with images as bytes, for whoever normalises them. */
  async picturesAt(step: number, part = 0): Promise<Batch> {
    const samples = await this.#samples(step, part);
    return new Map(
      this.#recipe.fields.map((field) => [
        field.name,
        field.from.kind === "image" ? interleave(field, samples) : collate(field, samples),
      ]),
    );
  }

  async #samples(step: number, part: number): Promise<readonly Sample[]> {
    const { batch, seed, training } = this.#options;
    const epoch = Math.floor(step / this.perEpoch);
    const place = ((step % this.perEpoch) * this.#accumulate + part) * batch;
    const showings = this.#showingsOf(epoch).slice(place, place + batch);
    return Promise.all(
      showings.map(({ row: at, nth }) =>
        this.#readable(at, (row) => {
          // A row that an epoch shows again is moved otherwise.
          const keys = nth === 0 ? [] : [nth];
          const drawn = training
            ? drawAugmentation(this.#recipe.augmentations, new Draws(seed, "augment", epoch, row.index, ...keys))
            : { map: identity, swaps: [] };
          return sampleOf(row, this.#recipe, drawn);
        }),
      ),
    );
  }

  /** The sample of a row, or of the next one that can be read where that is allowed. */
  async #readable<T>(index: number, read: (row: Row) => Promise<T>): Promise<T> {
    const { rows } = this.#manifest;
    const { onBad } = this.#options;
    for (let tried = 0; ; tried += 1) {
      const at = (index + tried) % rows.length;
      try {
        return await read(rows[at] as Row);
      } catch (error) {
        if (onBad === undefined || !(error instanceof InputError) || tried + 1 >= rows.length) throw error;
        if (!this.#bad.has(at)) onBad(error.message);
        this.#bad.add(at);
      }
    }
  }

  #showingsOf(epoch: number): readonly Showing[] {
    if (this.#order?.epoch !== epoch) {
      const n = this.#manifest.rows.length;
      const { seed, training } = this.#options;
      const once = (rows: readonly number[]): Showing[] => rows.map((row) => ({ row, nth: 0 }));
      const draws = new Draws(seed, "order", epoch);
      const showings = !training
        ? once(Array.from({ length: n }, (_, i) => i))
        : this.#weights === undefined
          ? once(draws.permutation(n))
          : drawShowings(this.#weights, draws);
      this.#order = { epoch, showings };
    }
    return this.#order.showings;
  }
}

/** By field name; of an image the planes R, G and B, 0 to 255. */
type Sample = ReadonlyMap<string, Numbers>;

/** One row's values. Every image goes through the same augmentation, and so do points. */
export async function sampleOf(row: Row, recipe: Recipe, drawn: DrawnAugmentation): Promise<Sample> {
  const values = new Map<string, Numbers>();
  let map: Affine = drawn.map;
  for (const field of recipe.fields) {
    if (field.from.kind === "image") {
      const picture = await pictureOf(row, field);
      let toCrop = pixelsToUnit(picture.width, picture.height);
      if (recipe.alignment !== undefined) toCrop = alignFace(recipe.alignment, row.points, row.lip) ?? toCrop;
      map = compose(drawn.map, toCrop);
      const { size } = field.from;
      values.set(field.name, warp(picture, compose(invert(map), pixelsToUnit(size, size)), size));
    } else if (field.from.kind === "array") values.set(field.name, await arrayOf(row, field));
    else values.set(field.name, Float64Array.from(row.values.get(field.name) ?? []));
  }
  const points = recipe.fields.find(({ from }) => from.kind === "points");
  if (points !== undefined)
    values.set(
      points.name,
      Float64Array.from(swapped(row.points, drawn.swaps).flatMap((point) => [...apply(map, point)])),
    );
  return values;
}

function pictureOf(row: Row, { name }: Field): Promise<Picture> | Picture {
  const file = row.files.get(name);
  return typeof file === "object" ? file : decode(file ?? "");
}

/** What its header could not tell is told here. */
async function arrayOf(row: Row, field: Field): Promise<Numbers> {
  const path = row.files.get(field.name);
  if (typeof path !== "string") throw new InputError(`row ${row.line} has no file for \`${field.name}\`.`);
  const { header, data } = await readNpy(path);
  const problem = faultOfShape(field, path, header.shape) ?? outside(field, data);
  if (problem !== undefined) throw new InputError(`${path}: ${problem}.`);
  return data;
}

function swapped(points: readonly Point[], swaps: DrawnAugmentation["swaps"]): readonly Point[] {
  const out = [...points];
  for (const [i, j] of swaps) [out[i], out[j]] = [out[j] as Point, out[i] as Point];
  return out;
}

function collate(field: Field, samples: readonly Sample[]): Tensor {
  const each = field.shape.reduce((product, size) => product * size, 1);
  // Whole numbers stay exact past 2^24.
  const exact = !isFloat(field.dtype) || field.dtype === "f64";
  const data = exact ? new Float64Array(each * samples.length) : new Float32Array(each * samples.length);
  samples.forEach((sample, i) => {
    const values = sample.get(field.name) as Numbers;
    data.set(field.from.kind === "image" ? normalise(values, field.from) : values, i * each);
  });
  return { dtype: field.dtype, shape: [samples.length, ...field.shape], data };
}

/** (pixel / 255 - mean) / std, channel by channel. A pixel is a byte, whoever normalises it. */
function normalise(planes: Numbers, image: ImageField): Numbers {
  const plane = image.size * image.size;
  return planes.map((value, i) => {
    const c = Math.floor(i / plane);
    return (Math.round(value) / 255 - (image.mean[c] ?? 0)) / (image.std[c] ?? 1);
  });
}

function interleave({ name, shape }: Field, samples: readonly Sample[]): Pictures {
  const [channels = 3, height = 0, width = 0] = shape;
  const plane = height * width;
  const data = new Uint8Array(samples.length * channels * plane);
  samples.forEach((sample, i) => {
    const planes = sample.get(name) as Numbers;
    for (let c = 0; c < channels; c += 1)
      for (let at = 0; at < plane; at += 1)
        data[(i * plane + at) * channels + c] = Math.round(planes[c * plane + at] ?? 0);
  });
  return { dtype: "u8", shape: [samples.length, height, width, channels], data };
}

/**
 * Predictions for pictures: rows of a manifest, or files with their points beside them. The pictures are prepared as in
 * training, without augmentation.
 */
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Program } from "../compiler/program.ts";
import { degenerate, type Point } from "./data/affine.ts";
import { Batches } from "./data/batches.ts";
import { columnsOf, type Manifest, readManifest, type Row } from "./data/manifest.ts";
import { limitedRecipe } from "./data/limits.ts";
import type { Recipe } from "./data/recipe.ts";
import { fileProblem, InputError } from "./error.ts";
import type { Predictor } from "./run/engine.ts";

export interface PredictRequest {
  /** Pictures by path; with a manifest, those of its rows that are named, or all. */
  readonly images: readonly string[];
  readonly data: string | undefined;
  readonly split: string | undefined;
  readonly limit: number | undefined;
  readonly batch: number;
  readonly skipBad: boolean;
  readonly onDone: (done: number, of: number) => void;
  readonly signal: AbortSignal;
}

export interface Prediction {
  /** The picture as it was given; undefined where the model takes none. */
  readonly image: string | undefined;
  /** What names a row without a picture: the manifest's own column for that, or its line. */
  readonly row: string;
  /** By output: a number, or a list where an output has several a sample. */
  readonly values: Readonly<Record<string, number | readonly number[]>>;
  /** The manifest's columns, where there is one. */
  readonly columns: Readonly<Record<string, string>>;
}

export function openPictures(
  program: Program,
  request: PredictRequest,
): { readonly recipe: Recipe; readonly manifest: Manifest } {
  const recipe = limitedRecipe(program, program.predict);
  const manifest =
    request.data === undefined ? fromFiles(recipe, request.images) : fromManifest(recipe, request.data, request);
  const rows = request.limit === undefined ? manifest.rows : manifest.rows.slice(0, request.limit);
  return { recipe, manifest: { ...manifest, rows } };
}

export async function predictAll(
  predictor: Predictor,
  { recipe, manifest }: ReturnType<typeof openPictures>,
  request: PredictRequest,
): Promise<readonly Prediction[]> {
  const { batch, onDone, signal } = request;
  const batches = new Batches(manifest, recipe, { batch, seed: 0, training: false });
  const made: Prediction[] = [];
  const names = rowNames(manifest, recipe);
  for (let i = 0; i < batches.perEpoch; i += 1) {
    signal.throwIfAborted();
    const outputs = await predictor.run(await batches.at(i));
    const rows = manifest.rows.slice(i * batch, (i + 1) * batch);
    rows.forEach((row, place) => {
      const values = [...outputs].map(([name, { shape, data }]) => {
        const each = shape.slice(1).reduce((product, size) => product * size, 1);
        const mine = Array.from(data.subarray(place * each, (place + 1) * each));
        return [name, shape.length === 1 ? (mine[0] ?? NaN) : mine] as const;
      });
      const about = { image: pictureOf(row, recipe), row: names(row), columns: row.columns };
      made.push({ ...about, values: Object.fromEntries(values) });
    });
    onDone(made.length, manifest.rows.length);
  }
  return made;
}

function pictureOf(row: Row, recipe: Recipe): string | undefined {
  const from = recipe.fields.map((field) => field.from).find(({ kind }) => kind === "image");
  if (from?.kind !== "image") return undefined;
  return row.columns[from.column] ?? (typeof row.image === "string" ? row.image : `row ${row.line}`);
}

/** The first column of texts that differ from row to row, as a name or a key does; the line of the manifest where there is none. */
function rowNames({ rows }: Manifest, recipe: Recipe): (row: Row) => string {
  const read = new Set(recipe.fields.flatMap(columnsOf));
  const column = Object.keys(rows[0]?.columns ?? {}).find((name) => {
    const texts = rows.map(({ columns }) => columns[name] ?? "");
    return (
      name !== "split" &&
      !read.has(name) &&
      texts.every((text) => Number.isNaN(Number(text))) &&
      new Set(texts).size === rows.length
    );
  });
  return (row) => (column === undefined ? undefined : row.columns[column]) ?? String(row.line);
}

function fromManifest(recipe: Recipe, path: string, request: PredictRequest): Manifest {
  const { split, skipBad, images } = request;
  const manifest = readManifest(path, recipe, { skipBad, ...(split === undefined ? {} : { split }) });
  if (images.length === 0) return manifest;
  const wanted = new Map(images.map((image) => [resolve(image), image]));
  const rows = manifest.rows.filter(({ image }) => typeof image === "string" && wanted.delete(image));
  const [missing] = wanted.values();
  if (missing !== undefined) throw new InputError(`${path} has no row for ${missing}.`);
  return { ...manifest, rows };
}

function fromFiles(recipe: Recipe, images: readonly string[]): Manifest {
  const others = recipe.fields.filter(({ from }) => from.kind !== "image" && from.kind !== "points");
  if (others.length > 0) {
    const names = others.map(({ name }) => `\`${name}\``).join(", ");
    throw new InputError(
      `The model also needs ${names}, which a picture alone does not give.`,
      "--data MANIFEST   with these columns",
    );
  }
  const points = recipe.fields.find(({ from }) => from.kind === "points");
  const rows = images.map((image, index): Row => {
    if (!existsSync(image)) throw new InputError(`${image}: there is no such file.`);
    const found = points === undefined ? [] : sidecar(image, points.name, points.shape[0] ?? 0);
    return {
      index,
      line: index + 1,
      image: resolve(image),
      points: found,
      lip: undefined,
      values: new Map(),
      columns: {},
    };
  });
  return { path: "the command line", rows, skipped: [] };
}

/** `IMAGE.json` beside a picture: {"points": [[x, y], …]} in its pixels. */
function sidecar(image: string, input: string, count: number): readonly Point[] {
  const path = `${image}.json`;
  const form = `{"points": [[x, y], …]}, ${count} of them, in pixels`;
  if (!existsSync(path)) {
    throw new InputError(
      `The model needs \`${input}\`, and nothing says where the points of ${image} are.`,
      `${path} with ${form}`,
      "or --data MANIFEST with their columns",
    );
  }
  let read: unknown;
  try {
    read = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new InputError(`${path} cannot be read: ${fileProblem(error)}.`, `It has the form ${form}.`);
  }
  const points: unknown = typeof read === "object" && read !== null && "points" in read ? read.points : undefined;
  const isPoint = (point: unknown): point is Point =>
    Array.isArray(point) && point.length === 2 && point.every((value) => Number.isFinite(value));
  if (!Array.isArray(points) || points.length !== count || !points.every(isPoint))
    throw new InputError(`${path} does not have the form ${form}.`);
  if (degenerate(points))
    throw new InputError(`${path}: the points lie on one line, so no face can be aligned by them.`);
  return points;
}

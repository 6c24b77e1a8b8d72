/**
 * Predictions for pictures: rows of a manifest, or files with their points beside them. The pictures are prepared as in
 * training, without augmentation.
 */
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Tensor } from "../compiler/ops/tensor.ts";
import type { Program } from "../compiler/program.ts";
import type { Point } from "./data/affine.ts";
import { Batches } from "./data/batches.ts";
import { columnsOf, fileColumn } from "./data/cells.ts";
import { faultOfFace } from "./data/landmarks.ts";
import { limitedRecipe } from "./data/limits.ts";
import { type Manifest, readManifest, type Row } from "./data/manifest.ts";
import type { Recipe } from "./data/recipe.ts";
import { faultsOfFiles } from "./data/row-files.ts";
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
  /** Told of each row that cannot be decoded and is left out. */
  readonly onSkipped: (problem: string) => void;
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

export interface Pictures {
  readonly recipe: Recipe;
  readonly manifest: Manifest;
}

export async function openPictures(program: Program, request: PredictRequest): Promise<Pictures> {
  const recipe = limitedRecipe(program, program.predict);
  const manifest =
    request.data === undefined
      ? await fromFiles(recipe, request.images)
      : await fromManifest(recipe, request.data, request);
  const rows = request.limit === undefined ? manifest.rows : manifest.rows.slice(0, request.limit);
  return { recipe, manifest: { ...manifest, rows } };
}

export async function predictAll(
  predictor: Predictor,
  { recipe, manifest }: Pictures,
  request: PredictRequest,
): Promise<readonly Prediction[]> {
  const { batch, onDone, signal } = request;
  const made: Prediction[] = [];
  const names = rowNames(manifest, recipe);
  for (let from = 0; from < manifest.rows.length; from += batch) {
    signal.throwIfAborted();
    const wanted = { ...manifest, rows: manifest.rows.slice(from, from + batch) };
    const { rows, inputs } = await readable(wanted, recipe, request);
    const outputs = rows.length === 0 ? new Map<string, Tensor>() : await predictor.run(inputs);
    rows.forEach((row, place) => {
      const values = [...outputs].map(([name, { shape, data }]) => {
        const each = shape.slice(1).reduce((product, size) => product * size, 1);
        const mine = Array.from(data.subarray(place * each, (place + 1) * each));
        return [name, shape.length === 1 ? (mine[0] ?? NaN) : mine] as const;
      });
      const about = { image: pictureOf(row, recipe), row: names(row), columns: row.columns };
      made.push({ ...about, values: Object.fromEntries(values) });
    });
    onDone(Math.min(from + batch, manifest.rows.length), manifest.rows.length);
  }
  return made;
}

/** The rows as one batch; with `skipBad` without those that cannot be decoded, which are told. */
async function readable(
  manifest: Manifest,
  recipe: Recipe,
  { skipBad, onSkipped }: Pick<PredictRequest, "skipBad" | "onSkipped">,
): Promise<{ readonly rows: readonly Row[]; readonly inputs: ReadonlyMap<string, Tensor> }> {
  const { rows } = manifest;
  const read = (some: readonly Row[]): Promise<ReadonlyMap<string, Tensor>> =>
    new Batches({ ...manifest, rows: some }, recipe, { batch: some.length, seed: 0, training: false }).at(0);
  try {
    return { rows, inputs: await read(rows) };
  } catch (error) {
    if (!skipBad || !(error instanceof InputError)) throw error;
    if (rows.length === 1) {
      onSkipped(error.message);
      return { rows: [], inputs: new Map() };
    }
  }
  const alone = await Promise.all(
    rows.map((row) => readable({ ...manifest, rows: [row] }, recipe, { skipBad, onSkipped })),
  );
  const good = alone.flatMap((each) => each.rows);
  return { rows: good, inputs: good.length === 0 ? new Map() : await read(good) };
}

function pictureOf(row: Row, recipe: Recipe): string | undefined {
  const image = recipe.fields.find(({ from }) => from.kind === "image");
  if (image === undefined) return undefined;
  const path = row.files.get(image.name);
  return row.columns[fileColumn(image) ?? ""] ?? (typeof path === "string" ? path : `row ${row.line}`);
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

async function fromManifest(recipe: Recipe, path: string, request: PredictRequest): Promise<Manifest> {
  const { split, skipBad, images, signal } = request;
  const splits = split === undefined ? {} : { splits: [split] };
  const manifest = await readManifest(path, recipe, { skipBad, signal, ...splits });
  if (images.length === 0) return manifest;
  const wanted = new Map(images.map((image) => [resolve(image), image]));
  const named = (row: Row): boolean =>
    [...row.files.values()].some((file) => typeof file === "string" && wanted.delete(file));
  const rows = manifest.rows.filter(named);
  const [missing] = wanted.values();
  if (missing !== undefined) throw new InputError(`${path} has no row for ${missing}.`);
  return { ...manifest, rows };
}

async function fromFiles(recipe: Recipe, images: readonly string[]): Promise<Manifest> {
  const image = recipe.fields.find(({ from }) => from.kind === "image");
  const others = recipe.fields.filter((field) => field !== image && field.from.kind !== "points");
  if (others.length > 0) {
    const names = others.map(({ name }) => `\`${name}\``).join(", ");
    throw new InputError(
      `The model also needs ${names}, which a picture alone does not give.`,
      "--data MANIFEST   with these columns",
    );
  }
  const points = recipe.fields.find(({ from }) => from.kind === "points");
  const rows = images.map((path, index): Row => {
    if (!existsSync(path)) throw new InputError(`${path}: there is no such file.`);
    const found = points === undefined ? [] : sidecar(path, recipe, points.name, points.shape[0] ?? 0);
    const files = new Map(image === undefined ? [] : [[image.name, resolve(path)]]);
    return { index, line: index + 1, files, points: found, lip: undefined, values: new Map(), columns: {} };
  });
  const problems = (await faultsOfFiles(rows, recipe)).map(({ problem }) => problem.replace(/^columns?[^:]*: /, ""));
  if (problems.length > 0) throw new InputError(`${problems.join("\n  ")}.`);
  return { path: "the command line", rows, skipped: [] };
}

/** `IMAGE.json` beside a picture: {"points": [[x, y], …]} in its pixels. */
function sidecar(image: string, recipe: Recipe, input: string, count: number): readonly Point[] {
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
  const problem = faultOfFace(recipe, points, undefined);
  if (problem !== undefined) throw new InputError(`${path}: ${problem}.`);
  return points;
}

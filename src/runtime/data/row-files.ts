/**
 * Looks at the files that rows name, before any is loaded: that they are there, are what the recipe takes, and fit the row.
 * Each file is opened once, however many rows name it; only headers and ends are read.
 */
import { InputError } from "../error.ts";
import { fileColumn } from "./cells.ts";
import { sizeOf } from "./image.ts";
import { faultOfSize } from "./landmarks.ts";
import type { Row } from "./manifest.ts";
import { readNpyHeader } from "./npy.ts";
import { inParallel, type Watch } from "./parallel.ts";
import type { Field, Recipe } from "./recipe.ts";
import type { Fault } from "./table.ts";

/** Of each file, what is to say about rows that name it. */
type Finding = (row: Row) => string | undefined;

export async function faultsOfFiles(rows: readonly Row[], recipe: Recipe, watch?: Watch): Promise<readonly Fault[]> {
  const fields = recipe.fields.filter((field) => fileColumn(field) !== undefined);
  const wanted = new Map<string, { field: Field; path: string }>();
  for (const { files } of rows)
    for (const field of fields) {
      const path = files.get(field.name);
      if (typeof path === "string") wanted.set(keyOf(field, path), { field, path });
    }
  const findings = await inParallel([...wanted.values()], ({ field, path }) => lookAt(field, path, recipe), watch);
  const byKey = new Map([...wanted.keys()].map((key, i) => [key, findings[i]]));
  return rows.flatMap((row) => {
    for (const field of fields) {
      const path = row.files.get(field.name);
      const problem = typeof path === "string" ? byKey.get(keyOf(field, path))?.(row) : undefined;
      if (problem !== undefined) return [{ line: row.line, problem }];
    }
    return [];
  });
}

function keyOf(field: Field, path: string): string {
  return `${field.name}\0${path}`;
}

async function lookAt(field: Field, path: string, recipe: Recipe): Promise<Finding> {
  const at = `column ${fileColumn(field) ?? ""}`;
  try {
    if (field.from.kind === "image") {
      const size = await sizeOf(path);
      return (row) => faultOfSize(recipe, row.points, size);
    }
    const { shape } = await readNpyHeader(path);
    const problem = `${at}: ${faultOfShape(field, path, shape) ?? ""}`;
    return () => (faultOfShape(field, path, shape) === undefined ? undefined : problem);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const problem = `${at}: ${error.message.replace(/\.$/, "")}`;
    return () => problem;
  }
}

/** An array has the shape that the model takes a sample in. */
export function faultOfShape(field: Field, path: string, shape: readonly number[]): string | undefined {
  if (shape.length === field.shape.length && shape.every((size, axis) => size === field.shape[axis])) return undefined;
  return `${path} is [${shape.join(", ")}], and \`${field.name}\` is [${field.shape.join(", ")}] a sample`;
}

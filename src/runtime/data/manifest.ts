/**
 * Reads a CSV manifest against a recipe. Every row is checked, and the headers of the files it names, so that what would stop
 * a training is told before it begins: each fault with its row and column. Nothing is decoded.
 */
import { dirname, resolve } from "node:path";
import { InputError } from "../error.ts";
import type { Point } from "./affine.ts";
import { columnsOf, fileColumn, numbersOf, readNumbers } from "./cells.ts";
import type { Picture } from "./image.ts";
import { faultOfFace } from "./landmarks.ts";
import type { Watch } from "./parallel.ts";
import type { Recipe } from "./recipe.ts";
import { faultsOfFiles } from "./row-files.ts";
import {
  type Cells,
  count,
  type Fault,
  faultLines,
  isEnough,
  readTable,
  requireColumns,
  type Table,
  type TableRow,
} from "./table.ts";

/** One sample as the manifest gives it. */
export interface Row {
  /** From 0, among all rows of the file: a row keeps its number when others are left out. */
  readonly index: number;
  /** The line of the file, for messages. */
  readonly line: number;
  /** By field: the absolute path of an image or an array, or the picture itself. */
  readonly files: ReadonlyMap<string, string | Picture>;
  readonly points: readonly Point[];
  readonly lip: Point | undefined;
  /** The numbers of the fields that have theirs in the manifest, points aside, by field name. */
  readonly values: ReadonlyMap<string, readonly number[]>;
  /** Every column as it stands, for filters and reports. */
  readonly columns: Cells;
}

export interface Manifest {
  readonly path: string;
  readonly rows: readonly Row[];
  /** The rows that were left out; none unless `skipBad`. */
  readonly skipped: readonly Fault[];
}

export interface ManifestOptions extends Watch {
  /** Leave faulty rows out instead of refusing the file. */
  readonly skipBad?: boolean;
  /** Rows whose column `split` has one of these values; all rows where the manifest has no such column. */
  readonly splits?: readonly string[];
  /** Lines that an earlier look left out. They are left out again, and the files of the others are not looked at again. */
  readonly known?: ReadonlySet<number>;
}

export async function readManifest(path: string, recipe: Recipe, options: ManifestOptions = {}): Promise<Manifest> {
  const { known, skipBad = false, splits } = options;
  const table = readTable(path);
  requireRecipe(table, recipe);
  const chosen = chosenRows(table, splits);
  const of = chosen.length + table.faults.length;
  const faults = table.faults.filter(({ line }) => known?.has(line) !== true);
  const rows: Row[] = [];
  const seen = new Map<string, number>();
  for (const each of chosen) {
    if (known?.has(each.line) === true) continue;
    const row = rowOf(table, each, recipe);
    const problem = typeof row === "string" ? row : repeated(row, recipe, seen);
    if (problem !== undefined) faults.push({ line: each.line, problem });
    else if (typeof row !== "string") rows.push(row);
  }
  const refused = isEnough(faults) && !skipBad;
  if (known === undefined && !refused) faults.push(...(await faultsOfFiles(rows, recipe, options)));
  faults.sort((a, b) => a.line - b.line);
  if (faults.length > 0 && !skipBad) {
    throw new InputError(
      [
        `${faults.length} of ${of} rows cannot be used${refused ? ", even before a file is looked at" : ""}:`,
        ...faultLines(path, faults),
      ].join("\n  "),
      ...(faults.some(({ problem }) => problem.includes("there is no such file"))
        ? [`Paths in a manifest are relative to its own folder, ${dirname(resolve(path))}.`]
        : []),
      "Mend these rows, or leave them out with --skip-bad.",
    );
  }
  const bad = new Set(faults.map(({ line }) => line));
  const usable = rows.filter(({ line }) => !bad.has(line));
  if (usable.length === 0)
    throw new InputError([`${path} has no row that can be used.`, ...faultLines(path, faults)].join("\n  "));
  return { path, rows: usable, skipped: faults };
}

function chosenRows(table: Table, splits: readonly string[] | undefined): readonly TableRow[] {
  if (splits === undefined || !table.columns.includes("split")) return table.rows;
  const chosen = table.rows.filter(({ cells }) => splits.includes(cells["split"] ?? ""));
  if (chosen.length === 0 && table.rows.length > 0)
    throw noSuchRows(
      table.path,
      splits,
      table.rows.map(({ cells }) => ({ columns: cells })),
    );
  return chosen;
}

/** The error of a manifest that has no row with one of these splits. */
export function noSuchRows(
  path: string,
  splits: readonly string[],
  rows: readonly { readonly columns: Cells }[],
): InputError {
  const counts = new Map<string, number>();
  for (const { columns } of rows) counts.set(columns["split"] ?? "", (counts.get(columns["split"] ?? "") ?? 0) + 1);
  const there = [...counts].map(([name, n]) => `"${name}" (${count(n, "row")})`).join(", ");
  return new InputError(
    `${path} has no row with split ${splits.map((name) => `"${name}"`).join(" or ")}.`,
    `The column \`split\` has ${there}.`,
    "archc data split   writes manifests with train, val and test.",
  );
}

function requireRecipe(table: Table, recipe: Recipe): void {
  const needed = recipe.fields.flatMap((field) => columnsOf(field).map((column) => ({ column, why: field.name })));
  requireColumns(table, needed, "Rename a column, or name yours in the model's `data` section.");
  const lip = recipe.alignment?.columns ?? [];
  // Both or none: without them the middle of the mouth stands in.
  if (lip.some((column) => table.columns.includes(column)))
    requireColumns(
      table,
      lip.map((column) => ({ column, why: "align_face" })),
      "The upper lip has both of its columns, or neither.",
    );
}

/** The row, or what is wrong with it. */
function rowOf(table: Table, { index, line, cells }: TableRow, recipe: Recipe): Row | string {
  const files = new Map<string, string>();
  const values = new Map<string, readonly number[]>();
  let points: Point[] = [];
  for (const field of recipe.fields) {
    const column = fileColumn(field);
    if (column !== undefined) {
      const named = cells[column] ?? "";
      if (named === "") return `column ${column} is empty`;
      files.set(field.name, resolve(dirname(table.path), named));
      continue;
    }
    const read = numbersOf(field, cells);
    if (typeof read === "string") return read;
    if (field.from.kind === "points")
      points = Array.from({ length: read.length / 2 }, (_, i) => [read[2 * i]!, read[2 * i + 1]!]);
    else values.set(field.name, read);
  }
  const lip = lipOf(recipe, cells);
  if (typeof lip === "string") return lip;
  const problem = faultOfFace(recipe, points, lip) ?? faultOfKnown(recipe, cells);
  return problem ?? { index, line, files, points, lip, values, columns: cells };
}

function lipOf(recipe: Recipe, cells: Cells): Point | string | undefined {
  const columns = recipe.alignment?.columns ?? [];
  if (columns.every((column) => (cells[column] ?? "") === "")) return undefined;
  const read = readNumbers(cells, columns);
  return typeof read === "string" ? read : [read[0]!, read[1]!];
}

/** What metrics of faces read beside a model's own columns. Empty cells say nothing. */
const KNOWN: Readonly<Record<string, { readonly fits: (value: number) => boolean; readonly what: string }>> = {
  sigma: { fits: (value) => value > 0, what: "a standard deviation, a number above 0" },
  apparent: { fits: () => true, what: "a mean age, a number" },
};

function faultOfKnown(recipe: Recipe, cells: Cells): string | undefined {
  if (recipe.alignment === undefined) return undefined;
  for (const [column, { fits, what }] of Object.entries(KNOWN)) {
    const text = cells[column] ?? "";
    if (text === "" || (Number.isFinite(Number(text)) && fits(Number(text)))) continue;
    return `column ${column}: "${text}" is not ${what}`;
  }
  return undefined;
}

/** A row that gives a model the same picture with the same other inputs as an earlier one. */
function repeated(row: Row, recipe: Recipe, seen: Map<string, number>): string | undefined {
  const image = recipe.fields.find(({ from }) => from.kind === "image");
  if (image === undefined) return undefined;
  const inputs = recipe.fields.filter(({ target }) => target !== true);
  const key = JSON.stringify(
    inputs.map(({ name, from }) => row.files.get(name) ?? (from.kind === "points" ? row.points : row.values.get(name))),
  );
  const before = seen.get(key);
  if (before !== undefined) return `column ${fileColumn(image) ?? ""}: line ${before} gives the same picture already`;
  seen.set(key, row.line);
  return undefined;
}

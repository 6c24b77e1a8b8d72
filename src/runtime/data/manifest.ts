/**
 * Reads a CSV manifest against a recipe: every row checked, every fault named with its row and column. It opens no picture;
 * it looks that each one is there.
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parse } from "csv-parse/sync";
import { fileProblem, InputError } from "../error.ts";
import { alignFace, degenerate, type Point } from "./affine.ts";
import type { Picture } from "./image.ts";
import type { Field, Recipe } from "./recipe.ts";

/** One sample as the manifest gives it. */
export interface Row {
  /** From 0, among all rows of the file: a row keeps its number when others are filtered out. */
  readonly index: number;
  /** The line of the file, for messages. */
  readonly line: number;
  /** The picture's absolute path, or the picture; empty where the recipe has no image. */
  readonly image: string | Picture;
  readonly points: readonly Point[];
  readonly lip: Point | undefined;
  /** The values of the fields that are neither image nor points, by field name. */
  readonly values: ReadonlyMap<string, readonly number[]>;
  /** Every column as it stands, for filters and reports. */
  readonly columns: Readonly<Record<string, string>>;
}

export interface Manifest {
  readonly path: string;
  readonly rows: readonly Row[];
  /** What is wrong with rows that were left out; empty unless `skipBad`. */
  readonly skipped: readonly string[];
}

export interface ManifestOptions {
  /** Leave faulty rows out instead of refusing the file. */
  readonly skipBad?: boolean;
  /** Rows whose column `split` has this value; all rows where the manifest has no such column. */
  readonly split?: string;
}

const SHOWN = 10;

export function readManifest(path: string, recipe: Recipe, options: ManifestOptions = {}): Manifest {
  const records = readRecords(path);
  const header = Object.keys(records[0]?.record ?? {});
  requireColumns(path, header, recipe);
  const rows: Row[] = [];
  const faults: string[] = [];
  const filtered = options.split !== undefined && header.includes("split");
  records.forEach(({ record, line }, index) => {
    if (filtered && record["split"] !== options.split) return;
    const row = rowOf(dirname(path), record, index, line, recipe);
    if (typeof row === "string") faults.push(`${path}:${line}: ${row}`);
    else rows.push(row);
  });
  if (faults.length > 0 && options.skipBad !== true) {
    const more = faults.length > SHOWN ? [`… and ${faults.length - SHOWN} more rows`] : [];
    throw new InputError(
      [`${faults.length} of ${records.length} rows cannot be used:`, ...faults.slice(0, SHOWN), ...more].join("\n  "),
      "Mend these rows, or leave them out with --skip-bad.",
    );
  }
  if (rows.length === 0) {
    const of = filtered ? ` with split "${options.split ?? ""}"` : "";
    throw new InputError(`${path} has no usable row${of}.`);
  }
  return { path, rows, skipped: faults };
}

interface CsvRecord {
  readonly record: Readonly<Record<string, string>>;
  readonly line: number;
}

function readRecords(path: string): readonly CsvRecord[] {
  let contents: string;
  try {
    contents = readFileSync(path, "utf8");
  } catch (error) {
    throw new InputError(
      `The manifest ${path} cannot be read: ${fileProblem(error)}.`,
      "archc data faces -o DIR --count 200 --seed 1   makes one to try.",
    );
  }
  let parsed: readonly { record: Record<string, string>; info: { lines: number } }[];
  try {
    parsed = parse(contents, {
      columns: true,
      bom: true,
      trim: true,
      skip_empty_lines: true,
      info: true,
    }) as unknown as typeof parsed;
  } catch (error) {
    throw new InputError(
      `The manifest ${path} is not a CSV table: ${error instanceof Error ? error.message : String(error)}.`,
    );
  }
  if (parsed.length === 0) throw new InputError(`The manifest ${path} has no rows under its header.`);
  return parsed.map(({ record, info }) => ({ record, line: info.lines }));
}

export function columnsOf(field: Field): readonly string[] {
  const { from } = field;
  return from.kind === "image" || from.kind === "tokens" ? [from.column] : from.columns;
}

function requireColumns(path: string, header: readonly string[], recipe: Recipe): void {
  const needed = [
    ...recipe.fields.flatMap((field) => columnsOf(field).map((column) => ({ column, field: field.name }))),
  ];
  for (const column of recipe.alignment?.columns ?? []) needed.push({ column, field: "align_face" });
  const missing = needed.filter(({ column }) => !header.includes(column));
  if (missing.length === 0) return;
  const names = missing.map(({ column, field }) => `\`${column}\` (for ${field})`).join(", ");
  throw new InputError(
    `${path} lacks the column${missing.length > 1 ? "s" : ""} ${names}.`,
    `It has: ${header.join(", ")}.`,
    "Rename a column, or name yours in the model's `data` section.",
  );
}

/** The row, or what is wrong with it. */
function rowOf(
  folder: string,
  record: Readonly<Record<string, string>>,
  index: number,
  line: number,
  recipe: Recipe,
): Row | string {
  let image = "";
  let points: Point[] = [];
  const values = new Map<string, readonly number[]>();
  for (const field of recipe.fields) {
    const { from } = field;
    if (from.kind === "image") {
      const named = record[from.column] ?? "";
      if (named === "") return `column ${from.column} is empty`;
      image = resolve(folder, named);
      if (!existsSync(image)) return `column ${from.column}: there is no picture ${image}`;
      continue;
    }
    const read =
      from.kind === "tokens"
        ? readTokens(record, from.column, from.length, from.pad)
        : readNumbers(record, from.columns);
    if (typeof read === "string") return read;
    if (from.kind === "points") {
      points = Array.from({ length: read.length / 2 }, (_, i) => [read[2 * i]!, read[2 * i + 1]!]);
      continue;
    }
    const fault = outside(field, read);
    if (fault !== undefined) return fault;
    values.set(field.name, read);
  }
  if (points.length >= 3 && degenerate(points))
    return "the landmarks lie on one line, so no face can be aligned by them";
  let lip: Point | undefined;
  const lipColumns = recipe.alignment?.columns ?? [];
  // A row may leave the lip out: the middle of the mouth stands in.
  if (lipColumns.length === 2 && lipColumns.some((column) => (record[column] ?? "") !== "")) {
    const read = readNumbers(record, lipColumns);
    if (typeof read === "string") return read;
    lip = [read[0]!, read[1]!];
  }
  if (recipe.alignment !== undefined && alignFace(recipe.alignment, points, lip) === undefined)
    return "the eyes and the mouth are at one place, so the face cannot be aligned";
  return { index, line, image, points, lip, values, columns: record };
}

function readNumbers(record: Readonly<Record<string, string>>, columns: readonly string[]): number[] | string {
  const out: number[] = [];
  for (const column of columns) {
    const text = record[column] ?? "";
    const value = text === "" ? NaN : Number(text);
    if (!Number.isFinite(value))
      return text === "" ? `column ${column} is empty` : `column ${column}: "${text}" is not a number`;
    out.push(value);
  }
  return out;
}

function readTokens(
  record: Readonly<Record<string, string>>,
  column: string,
  length: number,
  pad: number,
): number[] | string {
  const words = (record[column] ?? "").split(/\s+/).filter((word) => word !== "");
  const out = words.slice(0, length).map(Number);
  const bad = out.findIndex((value) => !Number.isInteger(value));
  if (bad !== -1) return `column ${column}: "${words[bad] ?? ""}" is not a whole number`;
  while (out.length < length) out.push(pad);
  return out;
}

/** What is wrong with a field's numbers, with the column of the first that is. */
function outside(field: Field, values: readonly number[]): string | undefined {
  const { name, dtype, range, limits, from } = field;
  const whole = dtype === "i32" || dtype === "i64";
  for (const [i, value] of values.entries()) {
    const fault = (): string | undefined => {
      if (whole && !Number.isInteger(value)) return `${value} is not a whole number, which \`${name}\` needs`;
      if (range !== undefined && (value < range.from || value >= range.to))
        return `${value} is not in ${range.from} ..< ${range.to}, where \`${name}\` lies`;
      const limit = limits?.[i] ?? undefined;
      if (limit !== undefined && (value < 0 || value >= limit))
        return `${value} is not in 0 ..< ${limit}, the places that the model has for it`;
      return undefined;
    };
    const found = fault();
    if (found === undefined) continue;
    const column = from.kind === "numbers" ? from.columns[i] : columnsOf(field).join(", ");
    const which = from.kind === "tokens" ? `, number ${i + 1}` : "";
    return `column ${column ?? ""}${which}: ${found}`;
  }
  return undefined;
}

/**
 * CSV tables: a header, then rows of texts, each with its line in the file. It knows no column's meaning; a row with another
 * number of cells than the header is a fault of that row, anything that spoils the whole file is an error.
 */
import { readFileSync } from "node:fs";
import { isAbsolute, relative, resolve, sep } from "node:path";
import { CsvError, parse } from "csv-parse/sync";
import { stringify } from "csv-stringify/sync";
import { fileProblem, InputError } from "../error.ts";
import { writeBeside } from "../files.ts";

export interface TableRow {
  /** From 0, among all rows of the file: a row keeps its number when others are left out. */
  readonly index: number;
  /** The line of the file, from 1. */
  readonly line: number;
  readonly cells: Cells;
}
/** By column. */
export type Cells = Readonly<Record<string, string>>;

/** What is wrong with a row. */
export interface Fault {
  readonly line: number;
  readonly problem: string;
}

export interface Table {
  readonly path: string;
  readonly columns: readonly string[];
  readonly rows: readonly TableRow[];
  /** Rows that are not among `rows`. */
  readonly faults: readonly Fault[];
}

export function readTable(path: string): Table {
  const [header, ...records] = recordsOf(path, textOf(path));
  if (header === undefined) throw new InputError(`The manifest ${path} is empty.`, "Its first line names its columns.");
  const columns = header.cells;
  requireNames(path, columns);
  if (records.length === 0) throw new InputError(`The manifest ${path} has no rows under its header.`);
  const rows: TableRow[] = [];
  const faults: Fault[] = [];
  records.forEach(({ cells, line }, index) => {
    if (cells.length === columns.length)
      rows.push({ index, line, cells: Object.fromEntries(columns.map((name, i) => [name, cells[i] ?? ""])) });
    else
      faults.push({
        line,
        problem: `it has ${count(cells.length, "cell")}, and the header has ${count(columns.length, "column")}`,
      });
  });
  return { path, columns, rows, faults };
}

/** The same, where no row may be at fault. */
export function readWholeTable(path: string): Table {
  const table = readTable(path);
  const { faults, rows } = table;
  if (faults.length === 0) return table;
  const told = `${faults.length} of ${rows.length + faults.length} rows cannot be read:`;
  throw new InputError([told, ...faultLines(path, faults)].join("\n  "));
}

/** The columns that name files, which move with a manifest: what is relative is made so to the new folder. */
export function moved(cells: Cells, columns: readonly string[], from: string, to: string): Cells {
  const paths = columns
    .filter((column) => (cells[column] ?? "") !== "" && !isAbsolute(cells[column] ?? ""))
    .map((column) => [column, relative(resolve(to), resolve(from, cells[column] ?? "")).replaceAll(sep, "/")]);
  return { ...cells, ...(Object.fromEntries(paths) as Cells) };
}

export function writeTable(path: string, columns: readonly string[], rows: readonly Cells[]): void {
  const lines = rows.map((cells) => columns.map((name) => cells[name] ?? ""));
  writeBeside(path, stringify([columns, ...lines].map((cells) => [...cells])));
}

/** An error unless the table has these columns. `why` says what each is for. */
export function requireColumns(table: Table, needed: readonly { column: string; why: string }[], help: string): void {
  const missing = needed.filter(({ column }) => !table.columns.includes(column));
  if (missing.length === 0) return;
  const names = missing.map(({ column, why }) => `\`${column}\` (for ${why})`).join(", ");
  throw new InputError(
    `${table.path} lacks the column${missing.length > 1 ? "s" : ""} ${names}.`,
    `It has: ${table.columns.join(", ")}.`,
    help,
  );
}

const SHOWN = 10;

/** The first faults with their places, one a line. */
export function faultLines(path: string, faults: readonly Fault[]): readonly string[] {
  const shown = faults.slice(0, SHOWN).map(({ line, problem }) => `${path}:${line}: ${problem}`);
  return faults.length > SHOWN ? [...shown, `… and ${faults.length - SHOWN} more rows`] : shown;
}

/** So many faults say enough: what takes long need not be looked at any more. */
export function isEnough(faults: readonly Fault[]): boolean {
  return faults.length >= SHOWN;
}

const SPLITS = ["train", "val", "test"];

/** The order in which splits are listed: the usual ones first. */
export function bySplit(a: string, b: string): number {
  const place = (name: string): number => (SPLITS.includes(name) ? SPLITS.indexOf(name) : SPLITS.length);
  return place(a) - place(b) || (a < b ? -1 : a > b ? 1 : 0);
}

export function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}

function textOf(path: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new InputError(
      `The manifest ${path} cannot be read: ${fileProblem(error)}.`,
      "archc data faces -o DIR --count 200 --seed 1   makes one to try.",
    );
  }
  const text = bytes.toString("utf8");
  const wrong = text.indexOf("\uFFFD");
  if (wrong === -1 || bytes.includes("\uFFFD")) return text;
  const line = text.slice(0, wrong).split("\n").length;
  throw new InputError(`${path}:${line}: the manifest is not in UTF-8.`, "Save it as CSV in UTF-8.");
}

interface CsvRecord {
  readonly cells: readonly string[];
  readonly line: number;
}

function recordsOf(path: string, text: string): readonly CsvRecord[] {
  try {
    const parsed = parse(text, {
      bom: true,
      trim: true,
      skip_empty_lines: true,
      skip_records_with_empty_values: true,
      relax_column_count: true,
      info: true,
    }) as unknown as readonly { record: string[]; info: { lines: number } }[];
    return parsed.map(({ record, info }) => ({ cells: record, line: info.lines }));
  } catch (error) {
    const at = error instanceof CsvError && typeof error["lines"] === "number" ? `:${error["lines"]}` : "";
    throw new InputError(
      `${path}${at}: the manifest is no CSV table: ${error instanceof Error ? error.message : String(error)}.`,
      'A cell with a comma or a quote in it stands in quotes: "a, ""b""".',
    );
  }
}

function requireNames(path: string, columns: readonly string[]): void {
  const [only = ""] = columns;
  const other = [";", "\t"].find((separator) => columns.length === 1 && only.includes(separator));
  if (other !== undefined)
    throw new InputError(
      `${path}:1: the columns are separated by ${other === ";" ? "semicolons" : "tabs"}.`,
      "Save it with commas between the cells.",
    );
  const twice = columns.find((name, i) => columns.indexOf(name) !== i);
  if (twice !== undefined)
    throw new InputError(
      twice === ""
        ? `${path}:1: more than one column has no name.`
        : `${path}:1: two columns are called \`${twice}\`, so neither can be meant.`,
      "Give each column a name of its own.",
    );
}

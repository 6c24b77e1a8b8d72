/**
 * Protocols: from a manifest to manifests whose column `split` says which rows train, validate and test. One fold, or
 * several, each a manifest of its own. Nothing but the manifest is read.
 */
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { Draws } from "../draws.ts";
import { InputError } from "../error.ts";
import { deal, type Part } from "./deal.ts";
import {
  bySplit,
  type Cells,
  count,
  moved,
  readWholeTable,
  requireColumns,
  type Table,
  type TableRow,
  writeTable,
} from "./table.ts";
import { rowsWhere } from "./where.ts";

export type Protocol = "random" | "s1-s2-s3" | "leave-one-out" | "given";

export interface SplitRequest {
  readonly manifest: string;
  readonly folder: string;
  readonly protocol: Protocol;
  readonly seed: number;
  /** Names and shares; the protocol's own where left out. */
  readonly parts?: readonly Part[] | undefined;
  /** Percent of each fold's training rows that validate instead. */
  readonly validate?: number | undefined;
  readonly where: readonly string[];
  /** So many rows only, drawn by chance. */
  readonly sample?: number | undefined;
  /** Columns, or COLUMN/WIDTH for numbers. */
  readonly stratify: readonly string[];
  /** Rows with the same value of this column stay together. */
  readonly together?: string | undefined;
  /** The column of which leave-one-out leaves out one value a fold. */
  readonly by: string;
  /** A table that gives the split by the value of other columns. */
  readonly lists?: string | undefined;
  /** The columns that name files. */
  readonly files: readonly string[];
}

export interface SplitResult {
  readonly protocol: Protocol;
  readonly seed: number;
  /** Rows that the protocol is about. */
  readonly rows: number;
  /** Rows of the manifest that it is not about. */
  readonly leftOut: number;
  readonly folds: readonly FoldResult[];
}
export interface FoldResult {
  readonly name: string;
  readonly manifest: string;
  readonly counts: Readonly<Record<string, number>>;
}

/** What a protocol says of each row, in the order of the rows; nothing of rows that it leaves out. */
interface Fold {
  readonly name: string;
  readonly splits: readonly (string | undefined)[];
  /** A further column. */
  readonly subsets?: readonly string[];
}

export function splitManifest(request: SplitRequest): SplitResult {
  const { manifest, folder, protocol, seed } = request;
  if (existsSync(folder) && readdirSync(folder).length > 0)
    throw new InputError(`${folder} is there already and is not empty.`, "Name a new folder with -o.");
  const table = readWholeTable(manifest);
  const rows = sampled(rowsWhere(table, request.where), request);
  const folds = foldsOf(table, rows, request).map((fold) => withValidation(fold, table, rows, request));
  const made = folds.map((fold) => write(table, rows, fold, folds.length === 1, request));
  const used = rows.filter((_, i) => folds.some(({ splits }) => splits[i] !== undefined)).length;
  return { protocol, seed, rows: used, leftOut: table.rows.length - used, folds: made };
}

function sampled(rows: readonly TableRow[], { manifest, sample, seed }: SplitRequest): readonly TableRow[] {
  if (sample === undefined) return rows;
  if (sample > rows.length)
    throw new InputError(`${manifest} has ${count(rows.length, "row")} to draw from, and --sample asks for ${sample}.`);
  const drawn = new Set(new Draws(seed, "sample").permutation(rows.length).slice(0, sample));
  return rows.filter((_, place) => drawn.has(place));
}

function foldsOf(table: Table, rows: readonly TableRow[], request: SplitRequest): readonly Fold[] {
  switch (request.protocol) {
    case "random": {
      const parts = request.parts ?? [
        { name: "train", share: 80 },
        { name: "test", share: 20 },
      ];
      return [{ name: "", splits: dealRows(table, rows, parts, "deal", request) }];
    }
    case "s1-s2-s3":
      return subsets(table, rows, request);
    case "leave-one-out":
      return leaveOneOut(table, rows, request);
    case "given":
      return [{ name: "", splits: given(table, rows, request) }];
  }
}

function dealRows(
  table: Table,
  rows: readonly TableRow[],
  parts: readonly Part[],
  key: string,
  { seed, stratify, together }: SplitRequest,
): readonly string[] {
  const strata = stratify.map((text) => stratumBy(table, text));
  if (together !== undefined) need(table, together, "--together");
  const dealt = rows.map(({ cells, line, index }) => {
    const group = together === undefined ? "" : cells[together];
    // A row of no group is a group.
    return {
      stratum: JSON.stringify(strata.map((of) => of(cells, line))),
      group: group === undefined || group === "" ? `row ${index}` : `group ${group}`,
    };
  });
  const given = deal(dealt, parts, new Draws(seed, key));
  const without = parts.find(({ name }) => !given.includes(name));
  if (without === undefined) return given;
  throw new InputError(
    `${count(rows.length, "row")} of ${table.path} are too few: \`${without.name}\` gets none.`,
    ...(together === undefined ? [] : [`Rows with the same \`${together}\` stay together.`]),
  );
}

/** "ancestry", or "age/5" for bins of five. */
function stratumBy(table: Table, text: string): (cells: Cells, line: number) => string | number {
  const [, column = text, width] = /^(.+)\/([\d.]+)$/.exec(text) ?? [];
  need(table, column, "--stratify");
  return (cells, line) => {
    const cell = cells[column] ?? "";
    if (width === undefined) return cell;
    const bin = Math.floor(Number(cell) / Number(width));
    if (cell !== "" && Number.isFinite(bin)) return bin;
    throw new InputError(`${table.path}:${line}: column ${column}: "${cell}" is not a number, so it has no bin.`);
  };
}

/** Three disjoint subsets; one fold trains on the first and tests on the others, one trains on the second. */
function subsets(table: Table, rows: readonly TableRow[], request: SplitRequest): readonly Fold[] {
  const parts = request.parts ?? ["S1", "S2", "S3"].map((name) => ({ name, share: 1 }));
  if (parts.length !== 3)
    throw new InputError(`s1-s2-s3 takes three parts, and --parts names ${parts.length}.`, "--parts S1=20,S2=20,S3=60");
  const mine = dealRows(table, rows, parts, "subsets", request);
  return parts.slice(0, 2).map(({ name }, i) => ({
    name: `${i + 1}-${name}`,
    splits: mine.map((part) => (part === name ? "train" : "test")),
    subsets: mine,
  }));
}

function leaveOneOut(table: Table, rows: readonly TableRow[], { by }: SplitRequest): readonly Fold[] {
  need(table, by, "leave-one-out; --by names another");
  const empty = rows.find(({ cells }) => (cells[by] ?? "") === "");
  if (empty !== undefined)
    throw new InputError(
      `${table.path}:${empty.line}: column ${by} is empty, so it cannot be said whose row it is.`,
      `--where ${by}!=   leaves such rows out.`,
    );
  const names = [...new Set(rows.map(({ cells }) => cells[by] ?? ""))].sort((a, b) =>
    a.localeCompare(b, "en", { numeric: true }),
  );
  if (names.length < 2)
    throw new InputError(`${table.path} has one value of \`${by}\` only, so nothing would be left to train on.`);
  const digits = String(names.length).length;
  return names.map((name, i) => ({
    name: `${String(i + 1).padStart(digits, "0")}-${name.replaceAll(/[^\w.-]+/g, "_")}`,
    splits: rows.map(({ cells }) => (cells[by] === name ? "test" : "train")),
  }));
}

function given(table: Table, rows: readonly TableRow[], { lists }: SplitRequest): readonly (string | undefined)[] {
  if (lists === undefined) {
    need(table, "split", "given; or --lists names a table");
    return rows.map(({ cells }) => (cells["split"] === "" ? undefined : cells["split"]));
  }
  const list = readWholeTable(lists);
  need(list, "split", "given splits");
  const keys = list.columns.filter((column) => column !== "split");
  if (keys.length === 0)
    throw new InputError(`${lists} has no column beside \`split\`, so it cannot be said whose split it is.`);
  for (const key of keys) need(table, key, lists);
  const keyOf = (cells: Cells): string => JSON.stringify(keys.map((key) => cells[key] ?? ""));
  const splits = new Map<string, string>();
  for (const { cells, line } of list.rows) {
    const split = cells["split"] ?? "";
    if ((splits.get(keyOf(cells)) ?? split) !== split)
      throw new InputError(
        `${lists}:${line}: ${keys.map((key) => cells[key] ?? "").join(", ")} has another split in an earlier line.`,
      );
    splits.set(keyOf(cells), split);
  }
  const mine = rows.map(({ cells }) => splits.get(keyOf(cells)));
  if (mine.every((split) => split === undefined))
    throw new InputError(`No row of ${table.path} is in ${lists}.`, `They are matched by ${keys.join(", ")}.`);
  return mine;
}

function withValidation(fold: Fold, table: Table, rows: readonly TableRow[], request: SplitRequest): Fold {
  const { validate } = request;
  if (validate === undefined) return fold;
  const training = rows.filter((_, i) => fold.splits[i] === "train");
  const parts = [
    { name: "train", share: 100 - validate },
    { name: "val", share: validate },
  ];
  const dealt = dealRows(table, training, parts, `validation ${fold.name}`, request);
  const byIndex = new Map(training.map(({ index }, i) => [index, dealt[i]]));
  return { ...fold, splits: rows.map(({ index }, i) => byIndex.get(index) ?? fold.splits[i]) };
}

function write(
  table: Table,
  rows: readonly TableRow[],
  { name, splits, subsets: subset }: Fold,
  alone: boolean,
  { folder, files }: SplitRequest,
): FoldResult {
  const added = ["split", ...(subset === undefined ? [] : ["subset"])];
  const columns = [...table.columns.filter((column) => !added.includes(column)), ...added];
  const counts: Record<string, number> = {};
  const chosen = rows.flatMap(({ cells }, i): Cells[] => {
    const split = splits[i];
    if (split === undefined) return [];
    counts[split] = (counts[split] ?? 0) + 1;
    const more = subset === undefined ? {} : { subset: subset[i] ?? "" };
    return [{ ...moved(cells, files, dirname(table.path), folder), split, ...more }];
  });
  const manifest = join(folder, alone ? "manifest.csv" : `fold-${name}.csv`);
  writeTable(manifest, columns, chosen);
  const sorted = Object.entries(counts).sort(([a], [b]) => bySplit(a, b));
  return { name: alone ? "manifest" : `fold-${name}`, manifest, counts: Object.fromEntries(sorted) };
}

function need(table: Table, column: string, why: string): void {
  requireColumns(table, [{ column, why }], "Columns are named as the first line of the manifest does.");
}

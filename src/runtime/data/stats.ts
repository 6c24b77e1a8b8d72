/**
 * What is in a data set: counts and a histogram a split, and what leaks from one split into another. It changes nothing.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileProblem } from "../error.ts";
import { inParallel, type Watch } from "./parallel.ts";
import { Near } from "./phash.ts";
import { hashAll, type NamedPicture, picturesOf } from "./pictures.ts";
import { bySplit, readWholeTable, requireColumns, type Table, type TableRow } from "./table.ts";

export interface StatsRequest extends Watch {
  readonly manifests: readonly string[];
  /** The column that is counted. */
  readonly column: string;
  /** How wide a bin of its numbers is. */
  readonly width: number;
  /** The column that names files; where no manifest has it, there are none. */
  readonly files: string;
  /** Also look for pictures whose hashes differ in fewer bits. */
  readonly near?: number | undefined;
}

/** Of numbers. */
export interface Spread {
  readonly mean: number;
  /** Of the rows themselves, not of a larger population. */
  readonly deviation: number;
  readonly least: number;
  readonly median: number;
  readonly most: number;
}
export interface SplitStats {
  readonly rows: number;
  readonly subjects: number | null;
  readonly files: number | null;
  /** Rows where the column is empty. */
  readonly empty: number;
  /** Null where the column holds something other than numbers. */
  readonly spread: Spread | null;
}
export interface Bin {
  readonly label: string;
  /** By split. */
  readonly counts: Readonly<Record<string, number>>;
}
export type LeakKind = "path" | "content" | "subject" | "near";
/** One thing that is in several splits. */
export interface Leak {
  readonly what: string;
  readonly splits: readonly string[];
  /** MANIFEST:LINE of a row in each of them. */
  readonly places: readonly string[];
}
export interface Stats {
  readonly column: string;
  readonly splits: Readonly<Record<string, SplitStats>>;
  readonly histogram: readonly Bin[];
  /** Null where it was not looked for, or the columns for it are not there. */
  readonly leaks: Readonly<Record<LeakKind, readonly Leak[] | null>>;
  /** Files that cannot be read. */
  readonly unreadable: readonly string[];
}

interface Entry {
  readonly table: Table;
  readonly row: TableRow;
  readonly split: string;
}

export async function statsOf(request: StatsRequest): Promise<Stats> {
  const { manifests, column, files, width, near } = request;
  const tables = manifests.map(readWholeTable);
  for (const table of tables) requireColumns(table, [{ column, why: "the histogram" }], "--column names another.");
  const entries = tables.flatMap((table) =>
    table.rows.map((row): Entry => ({ table, row, split: splitOf(table, row, tables.length > 1) })),
  );
  const has = (name: string): boolean => tables.every((table) => table.columns.includes(name));
  const pictures = has(files) ? named(tables, entries, files) : undefined;
  const names = [...new Set(entries.map(({ split }) => split))].sort(bySplit);
  const splits = names.map((name) => {
    const mine = entries.filter(({ split }) => split === name);
    const paths = pictures?.filter(({ members }) => members.some(({ split }) => split === name)).length ?? null;
    return [name, statsOfSplit(mine, column, has("subject"), paths)] as const;
  });
  const looked = pictures === undefined ? undefined : await lookAt(pictures, near, request);
  const subjects = has("subject")
    ? leaksOf(
        groupBy(entries, ({ row }) => row.cells["subject"] ?? ""),
        (name) => name,
      )
    : null;
  return {
    column,
    splits: Object.fromEntries(splits),
    histogram: histogramOf(entries, column, width, names),
    leaks: {
      path: looked?.path ?? null,
      content: looked?.content ?? null,
      subject: subjects,
      near: looked?.near ?? null,
    },
    unreadable: looked?.unreadable ?? [],
  };
}

/** The row's split; a manifest without that column is a split by itself, where there are others. */
function splitOf(table: Table, { cells }: TableRow, several: boolean): string {
  if (table.columns.includes("split")) return cells["split"] === "" ? "none" : (cells["split"] ?? "");
  return several ? basename(table.path, ".csv") : "all";
}

function statsOfSplit(
  entries: readonly Entry[],
  column: string,
  hasSubjects: boolean,
  files: number | null,
): SplitStats {
  const cells = entries.map(({ row }) => row.cells[column] ?? "").filter((cell) => cell !== "");
  const subjects = hasSubjects ? new Set(entries.map(({ row }) => row.cells["subject"])).size : null;
  return { rows: entries.length, subjects, files, empty: entries.length - cells.length, spread: spreadOf(cells) };
}

function spreadOf(cells: readonly string[]): Spread | null {
  const values = Float64Array.from(cells, Number).sort();
  if (values.length === 0 || !values.every(Number.isFinite)) return null;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  const at = (place: number): number => values[place] ?? NaN;
  const half = (values.length - 1) / 2;
  const median = (at(Math.floor(half)) + at(Math.ceil(half))) / 2;
  return { mean, deviation, least: at(0), median, most: at(values.length - 1) };
}

/** Bins from the lowest to the highest, empty ones between them too; of texts, each by itself. */
function histogramOf(
  entries: readonly Entry[],
  column: string,
  width: number,
  splits: readonly string[],
): readonly Bin[] {
  const cellOf = ({ row }: Entry): string => row.cells[column] ?? "";
  const filled = entries.filter((entry) => cellOf(entry) !== "");
  const numeric = filled.length > 0 && filled.every((entry) => Number.isFinite(Number(cellOf(entry))));
  const countsOf = (members: readonly Entry[]): Record<string, number> =>
    Object.fromEntries(splits.map((name) => [name, members.filter(({ split }) => split === name).length]));
  if (!numeric)
    return [...groupBy(filled, cellOf)]
      .sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }))
      .map(([label, members]) => ({ label, counts: countsOf(members) }));
  const bins = groupBy(filled, (entry) => Math.floor(Number(cellOf(entry)) / width));
  const [first, last] = [Math.min(...bins.keys()), Math.max(...bins.keys())];
  const whole = Number.isInteger(width) && filled.every((entry) => Number.isInteger(Number(cellOf(entry))));
  return Array.from({ length: last - first + 1 }, (_, i) => {
    const from = (first + i) * width;
    const label = !whole ? `${from} ..< ${from + width}` : width === 1 ? String(from) : `${from}-${from + width - 1}`;
    return { label, counts: countsOf(bins.get(first + i) ?? []) };
  });
}

interface Named extends NamedPicture {
  readonly members: readonly Entry[];
}

/** Each file once, over all manifests. */
function named(tables: readonly Table[], entries: readonly Entry[], column: string): readonly Named[] {
  const byRow = new Map(entries.map((entry) => [entry.row, entry]));
  const all = new Map<string, { picture: NamedPicture; members: Entry[] }>();
  for (const picture of tables.flatMap((table) => picturesOf(table, column))) {
    const members = picture.rows.flatMap((row) => byRow.get(row) ?? []);
    const before = all.get(picture.path);
    if (before === undefined) all.set(picture.path, { picture, members });
    else before.members.push(...members);
  }
  return [...all.values()].map(({ picture, members }) => ({ ...picture, members }));
}

interface Looked {
  readonly path: readonly Leak[];
  readonly content: readonly Leak[];
  readonly near: readonly Leak[] | null;
  readonly unreadable: readonly string[];
}

async function lookAt(files: readonly Named[], near: number | undefined, watch: Watch): Promise<Looked> {
  const { groups, unreadable } = await byContent(files, watch);
  const readable = files.filter(({ path }) => !unreadable.has(path));
  const hashed = near === undefined ? undefined : await hashAll(readable, watch);
  for (const { picture, problem } of hashed?.bad ?? []) unreadable.set(picture.path, problem);
  return {
    path: leaksOf(new Map(files.map((file) => [file, file.members])), ({ name }) => name),
    content: leaksOf(new Map(groups.map((group) => [group, group.flatMap(({ members }) => members)])), (group) =>
      group.map(({ name }) => name).join(" = "),
    ),
    near: hashed === undefined || near === undefined ? null : nearLeaks(hashed.pictures, near),
    unreadable: [...unreadable.values()],
  };
}

/** Files with the same bytes: only those of one size are read. */
async function byContent(
  files: readonly Named[],
  watch: Watch,
): Promise<{ readonly groups: readonly (readonly Named[])[]; readonly unreadable: Map<string, string> }> {
  const unreadable = new Map<string, string>();
  const tried = async <T>(path: string, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      unreadable.set(path, `${path}: ${fileProblem(error)}`);
      return undefined;
    }
  };
  const sizes = await inParallel(files, ({ path }) => tried(path, async () => (await stat(path)).size), watch);
  const alike = [
    ...groupBy(
      files.map((file, i) => ({ file, size: sizes[i] })),
      ({ size }) => size,
    ),
  ].flatMap(([size, members]) => (size === undefined || members.length < 2 ? [] : members.map(({ file }) => file)));
  const digests = await inParallel(alike, ({ path }) => tried(path, () => digestOf(path)), watch);
  const same = groupBy(
    alike.map((file, i) => ({ file, digest: digests[i] })),
    ({ digest }) => digest,
  );
  const groups = [...same].flatMap(([digest, members]) =>
    digest === undefined || members.length < 2 ? [] : [members.map(({ file }) => file)],
  );
  return { groups, unreadable };
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

/** Of each picture, the nearest one in another split. */
function nearLeaks(
  pictures: readonly (Named & { readonly hash: { high: number; low: number } })[],
  under: number,
): Leak[] {
  const index = new Near(under);
  for (const { hash } of pictures) index.add(hash);
  const seen = new Set<string>();
  return pictures.flatMap((picture, i) => {
    const mine = new Set(picture.members.map(({ split }) => split));
    const found = index.nearest(
      picture.hash,
      (place) => place !== i && pictures[place]?.members.some(({ split }) => !mine.has(split)) === true,
    );
    const other = found && pictures[found.place];
    if (found === undefined || other === undefined || seen.has(`${found.place} ${i}`)) return [];
    seen.add(`${i} ${found.place}`);
    return [
      leakOf(`${picture.name} and ${other.name}, ${found.apart} bits apart`, [...picture.members, ...other.members]),
    ];
  });
}

function leaksOf<K>(groups: ReadonlyMap<K, readonly Entry[]>, what: (key: K) => string): Leak[] {
  return [...groups].flatMap(([key, members]) => {
    const several = new Set(members.map(({ split }) => split)).size > 1;
    return several && key !== "" ? [leakOf(what(key), members)] : [];
  });
}

function leakOf(what: string, members: readonly Entry[]): Leak {
  const bySplits = groupBy(members, ({ split }) => split);
  const splits = [...bySplits.keys()].sort(bySplit);
  const places = splits.flatMap((split) => {
    const [first] = bySplits.get(split) ?? [];
    return first === undefined ? [] : [`${first.table.path}:${first.row.line}`];
  });
  return { what, splits, places };
}

function groupBy<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const mine = groups.get(key);
    if (mine === undefined) groups.set(key, [item]);
    else mine.push(item);
  }
  return groups;
}

/**
 * Finds pictures that are nearly the same as an earlier one of a manifest, and writes the manifest without them. What stays
 * is pairwise at least the distance apart.
 */
import { dirname, resolve } from "node:path";
import { InputError } from "../error.ts";
import type { Watch } from "./parallel.ts";
import { Near } from "./phash.ts";
import { hashAll, picturesOf, refuseBad } from "./pictures.ts";
import { type Fault, moved, readWholeTable, writeTable } from "./table.ts";

export interface DedupeRequest extends Watch {
  readonly manifest: string;
  /** The column that names the pictures. */
  readonly column: string;
  /** Pictures whose hashes differ in fewer bits are duplicates. */
  readonly under: number;
  readonly skipBad: boolean;
  /** Where to write the manifest without duplicates, and the list of them. */
  readonly output?: string | undefined;
  readonly list?: string | undefined;
}

export interface Duplicate {
  readonly path: string;
  readonly line: number;
  /** The earlier picture. */
  readonly of: string;
  readonly ofLine: number;
  readonly distance: number;
}

export interface DedupeResult {
  readonly pictures: number;
  readonly kept: number;
  readonly duplicates: readonly Duplicate[];
  readonly skipped: readonly Fault[];
}

export async function dedupe(request: DedupeRequest): Promise<DedupeResult> {
  const { manifest, column, under, skipBad, output, list } = request;
  if (output !== undefined && resolve(output) === resolve(manifest))
    throw new InputError(`${manifest} is not written over.`, "Name another file with -o.");
  const table = readWholeTable(manifest);
  const all = picturesOf(table, column);
  const { pictures, bad } = await hashAll(all, request);
  const empty = table.rows.filter(({ cells }) => cells[column] === "");
  const skipped = [
    ...empty.map(({ line }) => ({ line, problem: `column ${column} is empty` })),
    ...bad.flatMap(({ picture, problem }) =>
      picture.rows.map(({ line }) => ({ line, problem: `column ${column}: ${problem}` })),
    ),
  ].sort((a, b) => a.line - b.line);
  if (!skipBad) refuseBad(manifest, skipped);
  const near = new Near(under);
  const kept: (typeof pictures)[number][] = [];
  const duplicates: Duplicate[] = [];
  for (const picture of pictures) {
    const found = near.nearest(picture.hash);
    const first = found && kept[found.place];
    if (found === undefined || first === undefined) {
      near.add(picture.hash);
      kept.push(picture);
    } else
      duplicates.push({
        path: picture.name,
        line: picture.rows[0]?.line ?? 0,
        of: first.name,
        ofLine: first.rows[0]?.line ?? 0,
        distance: found.apart,
      });
  }
  if (output !== undefined) {
    const stay = new Set(kept.flatMap(({ rows }) => rows));
    const rows = table.rows.filter((row) => stay.has(row));
    writeTable(
      output,
      table.columns,
      rows.map(({ cells }) => moved(cells, [column], dirname(manifest), dirname(output))),
    );
  }
  if (list !== undefined)
    writeTable(
      list,
      ["path", "line", "of", "of_line", "distance"],
      duplicates.map(({ path, line, of, ofLine, distance }) => ({
        ...{ path, line: String(line), of, of_line: String(ofLine), distance: String(distance) },
      })),
    );
  return { pictures: all.length, kept: kept.length, duplicates, skipped };
}

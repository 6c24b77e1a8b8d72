/**
 * The pictures that a table names, each once, with the rows that name it: what duplicates and leaks are looked for among.
 */
import { dirname, resolve } from "node:path";
import { InputError } from "../error.ts";
import { inParallel, type Watch } from "./parallel.ts";
import { hashPicture, type Hash } from "./phash.ts";
import { count, type Fault, faultLines, requireColumns, type Table, type TableRow } from "./table.ts";

export interface NamedPicture {
  /** Absolute. */
  readonly path: string;
  /** As the first row that names it does. */
  readonly name: string;
  readonly rows: readonly TableRow[];
}

/** In the order in which they come up. Rows without a picture have none. */
export function picturesOf(table: Table, column: string): readonly NamedPicture[] {
  requireColumns(table, [{ column, why: "pictures" }], "--files names the column.");
  const pictures = new Map<string, { path: string; name: string; rows: TableRow[] }>();
  for (const row of table.rows) {
    const name = row.cells[column] ?? "";
    if (name === "") continue;
    const path = resolve(dirname(table.path), name);
    const before = pictures.get(path);
    if (before === undefined) pictures.set(path, { path, name, rows: [row] });
    else before.rows.push(row);
  }
  return [...pictures.values()];
}

export interface Hashed<T> {
  readonly pictures: readonly (T & { readonly hash: Hash })[];
  /** Those that cannot be read. */
  readonly bad: readonly { readonly picture: T; readonly problem: string }[];
}

export async function hashAll<T extends { readonly path: string }>(
  pictures: readonly T[],
  watch: Watch,
): Promise<Hashed<T>> {
  const hashes = await inParallel(
    pictures,
    async ({ path }) => {
      try {
        return await hashPicture(path);
      } catch (error) {
        if (error instanceof InputError) return error.message.replace(/\.$/, "");
        throw error;
      }
    },
    watch,
  );
  const good: (T & { readonly hash: Hash })[] = [];
  const bad: { picture: T; problem: string }[] = [];
  pictures.forEach((picture, i) => {
    const hash = hashes[i];
    if (typeof hash === "object") good.push({ ...picture, hash });
    else bad.push({ picture, problem: hash ?? "" });
  });
  return { pictures: good, bad };
}

/** An error that lists rows of which the picture cannot be read. */
export function refuseBad(path: string, faults: readonly Fault[]): void {
  if (faults.length === 0) return;
  throw new InputError(
    [`${count(faults.length, "row")} without a picture that can be read:`, ...faultLines(path, faults)].join("\n  "),
    "Mend these rows, or leave them out with --skip-bad.",
  );
}

/**
 * Whole folders as artifacts: built beside their place, then put there by renames, so that nobody sees half of one and a
 * failed build leaves the old one as it was. A folder that archc did not make is never replaced.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { besideName } from "./files.ts";
import { InputError } from "./error.ts";

/** Runs `build` on an empty folder and puts the result at `path`. `mark`: a file that every folder of this kind has. */
export async function buildFolder<T>(path: string, mark: string, build: (folder: string) => Promise<T>): Promise<T> {
  requireReplaceable(path, mark);
  mkdirSync(dirname(path), { recursive: true });
  const beside = besideName(path);
  rmSync(beside, { recursive: true, force: true });
  mkdirSync(beside);
  try {
    const result = await build(beside);
    const old = `${beside}.old`;
    const there = existsSync(path);
    if (there) renameSync(path, old);
    renameSync(beside, path);
    if (there) rmSync(old, { recursive: true, force: true });
    return result;
  } catch (error) {
    rmSync(beside, { recursive: true, force: true });
    throw error;
  }
}

function requireReplaceable(path: string, mark: string): void {
  if (!existsSync(path)) return;
  if (!statSync(path).isDirectory())
    throw new InputError(`${path} is a file, and a folder is to be written there.`, "Name another place with -o.");
  if (existsSync(join(path, mark)) || readdirSync(path).length === 0) return;
  throw new InputError(
    `${path} is there already and holds other things (it has no ${mark}), so it is not replaced.`,
    "Name another place with -o, or empty this folder.",
  );
}

/**
 * Writing files so that nobody ever sees half of one: beside the place, then renamed. Knows nothing of what is written.
 */
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** The name of a file that is being written for `path`: in the same folder, so that the rename is one step. */
export function besideName(path: string): string {
  return `${path}.${String(process.pid)}.part`;
}

/** Writes a whole file or nothing. Makes the folder where it is missing. */
export function writeBeside(path: string, contents: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  const beside = besideName(path);
  try {
    writeFileSync(beside, contents);
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}

/**
 * Writing files so that nobody ever sees half of one: beside the place, then renamed. Knows nothing of what is written.
 */
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
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

/** As `writeBeside`, chunk by chunk: a chunk is written before the next one is asked for. */
export async function writeChunks(
  path: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const beside = besideName(path);
  try {
    const file = await open(beside, "w");
    try {
      for await (const chunk of chunks) {
        for (let done = 0; done < chunk.byteLength;) done += (await file.write(chunk, done)).bytesWritten;
      }
    } finally {
      await file.close();
    }
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

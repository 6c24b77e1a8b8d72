/**
 * Writing files so that nobody ever sees half of one: beside the place, then renamed. Knows nothing of what is written.
 */
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
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

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.byteLength;) done += (await file.write(bytes, done)).bytesWritten;
}

/** What is gathered before it is written: large enough that a call costs nothing beside it. */
const GATHERED_BYTES = 1 << 20;

/** As `writeBeside`, chunk by chunk. What was gathered is written while further chunks are made; none is needed any more when the next is asked for. */
export async function writeChunks(
  path: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const beside = besideName(path);
  try {
    const file = await open(beside, "w");
    let writing = Promise.resolve();
    try {
      let [gathered, other] = [new Uint8Array(GATHERED_BYTES), new Uint8Array(GATHERED_BYTES)];
      let size = 0;
      const flush = async (): Promise<void> => {
        await writing;
        writing = writeAll(file, gathered.subarray(0, size));
        // Where it fails, that is told when it is waited for.
        writing.catch(() => undefined);
        [gathered, other, size] = [other, gathered, 0];
      };
      for await (const chunk of chunks) {
        for (let done = 0; done < chunk.byteLength;) {
          const part = chunk.subarray(done, done + gathered.byteLength - size);
          gathered.set(part, size);
          size += part.byteLength;
          done += part.byteLength;
          if (size === gathered.byteLength) await flush();
        }
      }
      await flush();
      await writing;
    } finally {
      await writing.catch(() => undefined);
      await file.close();
    }
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

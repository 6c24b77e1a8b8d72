/**
 * Weight files in the safetensors format: the header is read and checked once, tensors are read, sliced or streamed one
 * by one, and files are written tensor by tensor, so that no more than one chunk of a large file is ever held.
 */
import { type FileHandle, open } from "node:fs/promises";
import { decodeElements } from "../backends/bytes.ts";
import type { DType } from "../compiler/graph/graph.ts";
import { bytesOf, countOf, type Tensor } from "../compiler/ops/tensor.ts";
import { writeChunks } from "./files.ts";
import { parseHeader, SafetensorsError, type TensorEntry } from "./safetensors-header.ts";

export { SafetensorsError, type TensorEntry } from "./safetensors-header.ts";

const CHUNK_BYTES = 1 << 20;
/** What the format's own reader accepts; a larger number says that the file is something else. */
const MAX_HEADER_BYTES = 100_000_000;

export class SafetensorsFile {
  readonly path: string;
  /** In the order of their bytes. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly #file: FileHandle;
  readonly #start: number;
  /** Buffers that no stream uses at the moment: new ones for each tensor would cost more than reading it. */
  readonly #spare: Uint8Array[] = [];

  private constructor(path: string, file: FileHandle, start: number, header: ReturnType<typeof parseHeader>) {
    this.path = path;
    this.#file = file;
    this.#start = start;
    this.tensors = header.tensors;
    this.metadata = header.metadata;
  }

  /** Reads and checks the header. Close the file when done, or let `using` do it. */
  static async open(path: string): Promise<SafetensorsFile> {
    let file: FileHandle;
    try {
      file = await open(path, "r");
    } catch (error) {
      throw unreadable(path, error);
    }
    try {
      const stat = await file.stat();
      if (stat.isDirectory())
        throw new SafetensorsError(path, "this is a folder, not a weights file", "Name the .safetensors file in it.");
      const header = await readHeader(path, file, stat.size);
      return new SafetensorsFile(path, file, header.start, parseHeader(path, header.text, stat.size - header.start));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The entry of a tensor that must be there. */
  entry(name: string): TensorEntry {
    const entry = this.tensors.get(name);
    if (entry !== undefined) return entry;
    const names = [...this.tensors.keys()];
    const some = names.slice(0, 5).join(", ") + (names.length > 5 ? `, … (${String(names.length)} in all)` : "");
    throw new SafetensorsError(
      this.path,
      `there is no tensor \`${name}\``,
      `The file holds ${names.length === 0 ? "no tensors" : some}.`,
    );
  }

  /**
   * The bytes of a tensor, little-endian and row-major, in chunks of whole elements. A chunk is only good until the next
   * one is asked for. While its reader has it, the one after it is read.
   */
  async *stream(name: string, chunkBytes = CHUNK_BYTES): AsyncGenerator<Uint8Array, void, undefined> {
    const { start, bytes } = this.entry(name);
    const size = Math.min(CHUNK_BYTES, Math.max(chunkBytes - (chunkBytes % 8), 8));
    const take = (): Uint8Array => this.#spare.pop() ?? new Uint8Array(CHUNK_BYTES);
    const fill = (buffer: Uint8Array, from: number): Promise<Uint8Array> => {
      const chunk = buffer.subarray(0, Math.min(size, bytes - from));
      const filled = this.#fill(chunk, start + from, name).then(() => chunk);
      // Where it fails, that is told when its turn comes.
      filled.catch(() => undefined);
      return filled;
    };
    let [buffer, other] = [take(), take()];
    let next = bytes === 0 ? undefined : fill(buffer, 0);
    try {
      for (let done = 0; next !== undefined;) {
        const chunk = await next;
        done += chunk.byteLength;
        [buffer, other] = [other, buffer];
        next = done < bytes ? fill(buffer, done) : undefined;
        yield chunk;
      }
    } finally {
      // A reader that stops early leaves a read under way.
      await next?.catch(() => undefined);
      this.#spare.push(buffer, other);
    }
  }

  /** A whole tensor as numbers. */
  async read(name: string): Promise<Tensor> {
    const { shape } = this.entry(name);
    const { dtype, data } = await this.slice(name, 0, countOf(shape));
    return { dtype, shape, data };
  }

  /** `count` elements of a tensor from element `from` on, row-major, as a tensor of one axis. */
  async slice(name: string, from: number, count: number): Promise<Tensor> {
    const entry = this.entry(name);
    const dtype = this.dtype(name);
    const size = bytesOf(dtype);
    if (from < 0 || count < 0 || (from + count) * size > entry.bytes) {
      throw new RangeError(`elements ${String(from)} ..< ${String(from + count)} are outside of \`${name}\``);
    }
    const bytes = new Uint8Array(count * size);
    await this.#fill(bytes, entry.start + from * size, name);
    return { dtype, shape: [count], data: decodeElements(dtype, bytes) };
  }

  /** The element type of a tensor; an error where it is one that archc does not compute with. */
  dtype(name: string): DType {
    const { dtype, stored } = this.entry(name);
    if (dtype !== undefined) return dtype;
    const help = "archc reads F64, F32, F16, BF16, I64, I32 and BOOL: convert the tensor to one of them.";
    throw new SafetensorsError(this.path, `the tensor \`${name}\` has the element type ${stored}`, help);
  }

  async #fill(target: Uint8Array, start: number, name: string): Promise<void> {
    for (let done = 0; done < target.byteLength;) {
      const { bytesRead } = await this.#file.read(target, done, target.byteLength - done, this.#start + start + done);
      if (bytesRead === 0) {
        throw new SafetensorsError(
          this.path,
          `the file ended inside \`${name}\` while it was read`,
          "Something shortened it meanwhile; write it again.",
        );
      }
      done += bytesRead;
    }
  }
}

/** A tensor to be written: its bytes are asked for when its turn comes. */
export interface TensorToWrite {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Little-endian, row-major. */
  bytes(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** Writes a file in the given order, beside its place and then renamed. Equal tensors give equal bytes. */
export async function writeSafetensors(
  path: string,
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const header: Record<string, unknown> = {};
  if (Object.keys(metadata).length > 0) header["__metadata__"] = metadata;
  let end = 0;
  for (const { name, dtype, shape } of tensors) {
    if (Object.hasOwn(header, name)) throw new Error(`two tensors are called ${name}`);
    const start = end;
    end += countOf(shape) * bytesOf(dtype);
    header[name] = { dtype: dtype.toUpperCase(), shape, data_offsets: [start, end] };
  }
  // Spaces after the header let the tensors start at a multiple of 8, as readers that map the file expect.
  const text = new TextEncoder().encode(JSON.stringify(header));
  const head = new Uint8Array(8 + Math.ceil(text.byteLength / 8) * 8).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(head.byteLength - 8), true);
  head.set(text, 8);
  await writeChunks(path, chunks());

  async function* chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    yield head;
    for (const tensor of tensors) {
      const bytes = countOf(tensor.shape) * bytesOf(tensor.dtype);
      let given = 0;
      for await (const chunk of tensor.bytes()) {
        given += chunk.byteLength;
        yield chunk;
      }
      if (given !== bytes)
        throw new Error(`the tensor ${tensor.name} has ${String(bytes)} bytes, ${String(given)} were given`);
    }
  }
}

async function readHeader(path: string, file: FileHandle, size: number): Promise<{ text: string; start: number }> {
  const again = "Download or write it again.";
  if (size < 8)
    throw new SafetensorsError(
      path,
      `the file is cut off: it has ${String(size)} bytes, its header alone needs more`,
      again,
    );
  const lead = new Uint8Array(8);
  await file.read(lead, 0, 8, 0);
  const length = new DataView(lead.buffer).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw new SafetensorsError(
      path,
      "this is not a safetensors file",
      "A PyTorch .pt or .bin file has to be saved anew with safetensors.torch.save_file.",
    );
  }
  const bytes = Number(length);
  if (8 + bytes > size) {
    throw new SafetensorsError(
      path,
      `the file is cut off inside its header: ${String(8 + bytes)} bytes were expected, it has ${String(size)}`,
      again,
    );
  }
  const text = new Uint8Array(bytes);
  await file.read(text, 0, bytes, 8);
  return { text: new TextDecoder().decode(text), start: 8 + bytes };
}

function unreadable(path: string, error: unknown): SafetensorsError {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT")
    return new SafetensorsError(
      path,
      "there is no such file",
      "Check the path, or make weights with `archc weights init`.",
    );
  if (code === "EACCES") return new SafetensorsError(path, "the file may not be read", "Change its permissions.");
  return new SafetensorsError(path, error instanceof Error ? error.message : String(error), "Check the path.");
}

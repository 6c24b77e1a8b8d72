/**
 * NumPy's array files (.npy): the header by itself, so that many can be checked fast, and the numbers in row-major order.
 */
import { open, readFile } from "node:fs/promises";
import { decodeElements } from "../../backends/bytes.ts";
import type { Numbers } from "../../compiler/ops/tensor.ts";
import { fileProblem, InputError } from "../error.ts";

export interface NpyHeader {
  readonly shape: readonly number[];
  /** As NumPy writes it: "<f4", "|u1". */
  readonly descr: string;
  readonly fortran: boolean;
  /** Where the numbers begin. */
  readonly start: number;
}

/** Of each of NumPy's types: how many bytes a number takes, and the numbers in little-endian bytes. */
const TYPES: Readonly<Record<string, { readonly bytes: number; readonly read: (bytes: Uint8Array) => Numbers }>> = {
  f2: { bytes: 2, read: (bytes) => decodeElements("f16", bytes) },
  f4: { bytes: 4, read: (bytes) => decodeElements("f32", bytes) },
  f8: { bytes: 8, read: (bytes) => decodeElements("f64", bytes) },
  i1: { bytes: 1, read: (bytes) => Float64Array.from(new Int8Array(bytes.buffer)) },
  i2: { bytes: 2, read: (bytes) => Float64Array.from(new Int16Array(bytes.buffer)) },
  i4: { bytes: 4, read: (bytes) => decodeElements("i32", bytes) },
  i8: { bytes: 8, read: (bytes) => decodeElements("i64", bytes) },
  u1: { bytes: 1, read: (bytes) => Float64Array.from(bytes) },
  u2: { bytes: 2, read: (bytes) => Float64Array.from(new Uint16Array(bytes.buffer)) },
  u4: { bytes: 4, read: (bytes) => Float64Array.from(new Uint32Array(bytes.buffer)) },
  b1: { bytes: 1, read: (bytes) => decodeElements("bool", bytes) },
};

const MAGIC = Buffer.from("\u0093NUMPY", "latin1");
/** Headers of plain arrays are far shorter. */
const HEADER_BYTES = 4096;

/** The header, after a look that the file is as long as it says. */
export async function readNpyHeader(path: string): Promise<NpyHeader> {
  try {
    const file = await open(path);
    try {
      const bytes = Buffer.alloc(HEADER_BYTES);
      const { bytesRead } = await file.read(bytes, 0, HEADER_BYTES, 0);
      return checked(headerOf(bytes.subarray(0, bytesRead)), (await file.stat()).size);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw told(path, error);
  }
}

export async function readNpy(path: string): Promise<{ readonly header: NpyHeader; readonly data: Numbers }> {
  try {
    const bytes = await readFile(path);
    const header = checked(headerOf(bytes), bytes.length);
    return { header, data: numbersOf(header, bytes) };
  } catch (error) {
    throw told(path, error);
  }
}

function told(path: string, error: unknown): InputError {
  return new InputError(`${path} cannot be read as an array: ${fileProblem(error)}.`, "numpy.save writes such files.");
}

function headerOf(bytes: Buffer): NpyHeader {
  if (bytes.length < 12 || !bytes.subarray(0, 6).equals(MAGIC)) throw new Error("it is no .npy file");
  const long = (bytes[6] ?? 0) > 1;
  const start = long ? 12 + bytes.readUInt32LE(8) : 10 + bytes.readUInt16LE(8);
  const text = bytes.toString("latin1", long ? 12 : 10, start);
  const descr = /'descr':\s*'([<>|=]\w+)'/.exec(text)?.[1];
  const sizes = /'shape':\s*\(([\d,\s]*)\)/.exec(text)?.[1];
  if (descr === undefined || sizes === undefined || typeOf(descr) === undefined)
    throw new Error("it holds something other than numbers");
  const shape = sizes
    .split(",")
    .filter((size) => size.trim() !== "")
    .map(Number);
  return { shape, descr, fortran: /'fortran_order':\s*True/.test(text), start };
}

function typeOf(descr: string): (typeof TYPES)[string] | undefined {
  return TYPES[descr.slice(1)];
}

function checked(header: NpyHeader, size: number): NpyHeader {
  const needed = header.start + countOf(header) * (typeOf(header.descr)?.bytes ?? 0);
  if (size >= needed) return header;
  throw new Error(`it ends early: ${size} bytes of ${needed}`);
}

function countOf({ shape }: NpyHeader): number {
  return shape.reduce((product, size) => product * size, 1);
}

function numbersOf(header: NpyHeader, file: Buffer): Numbers {
  const type = typeOf(header.descr);
  if (type === undefined) throw new Error(`${header.descr} is no type of numbers`);
  // A copy begins at a place where any type may.
  const bytes = Uint8Array.from(file.subarray(header.start, header.start + countOf(header) * type.bytes));
  if (header.descr.startsWith(">"))
    for (let at = 0; at < bytes.length; at += type.bytes) bytes.subarray(at, at + type.bytes).reverse();
  const data = type.read(bytes);
  return header.fortran ? rowMajor(data, header.shape) : data;
}

/** From the order in which the first axis runs fastest. */
function rowMajor(data: Numbers, shape: readonly number[]): Numbers {
  const steps = shape.map((_, axis) => shape.slice(0, axis).reduce((product, size) => product * size, 1));
  return data.map((_, place) => {
    let [rest, from] = [place, 0];
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      const size = shape[axis] ?? 1;
      from += (rest % size) * (steps[axis] ?? 0);
      rest = Math.floor(rest / size);
    }
    return data[from] ?? NaN;
  });
}

/**
 * The header of a safetensors file: parsed and checked against the size of the file, so that whoever reads a tensor later
 * need not doubt it. Opens nothing.
 */
import type { DType } from "../compiler/graph/graph.ts";
import { InputError } from "./error.ts";

export interface TensorEntry {
  /** Undefined where archc has no such element type (an 8-bit one, say): it can be listed and streamed, not computed with. */
  readonly dtype: DType | undefined;
  /** As the file says it: `F32`. */
  readonly stored: string;
  readonly shape: readonly number[];
  /** The first byte, counted from the end of the header. */
  readonly start: number;
  readonly bytes: number;
}

/** A weights file is missing, cut off or not what it says. */
export class SafetensorsError extends InputError {
  readonly file: string;
  /** What is wrong, without the file's name. */
  readonly problem: string;

  constructor(file: string, problem: string, help: string) {
    super(`${file}: ${problem}`, help);
    this.name = "SafetensorsError";
    this.file = file;
    this.problem = problem;
  }
}

const known: Readonly<Record<string, DType>> = {
  F64: "f64",
  F32: "f32",
  F16: "f16",
  BF16: "bf16",
  I64: "i64",
  I32: "i32",
  BOOL: "bool",
};
const bits: Readonly<Record<string, number>> = {
  ...{
    F64: 64,
    F32: 32,
    F16: 16,
    BF16: 16,
    I64: 64,
    I32: 32,
    I16: 16,
    I8: 8,
    U64: 64,
    U32: 32,
    U16: 16,
    U8: 8,
    BOOL: 8,
  },
  ...{ F8_E4M3: 8, F8_E5M2: 8, F8_E8M0: 8, C64: 64 },
};

/** `size` is the number of bytes after the header. */
export function parseHeader(
  file: string,
  text: string,
  size: number,
): { tensors: ReadonlyMap<string, TensorEntry>; metadata: Readonly<Record<string, string>> } {
  const header = parseJson(file, text);
  const entries: (readonly [string, TensorEntry])[] = [];
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(header)) {
    if (name === "__metadata__") metadata = parseMetadata(file, value);
    else entries.push([name, parseEntry(file, name, value)]);
  }
  entries.sort(([, a], [, b]) => a.start - b.start || a.bytes - b.bytes);
  let end = 0;
  for (const [name, { start, bytes }] of entries) {
    if (start !== end)
      throw damaged(file, `the tensor \`${name}\` starts at byte ${String(start)}, ${String(end)} was expected`);
    end = start + bytes;
  }
  if (end > size) {
    const problem = `the file is cut off: its tensors need ${String(end)} bytes after the header, there are ${String(size)}`;
    throw new SafetensorsError(file, problem, "Download or write it again.");
  }
  if (end < size) throw damaged(file, `${String(size - end)} bytes follow the last tensor`);
  return { tensors: new Map(entries), metadata };
}

function parseJson(file: string, text: string): Readonly<Record<string, unknown>> {
  try {
    const header: unknown = JSON.parse(text);
    if (isRecord(header)) return header;
  } catch {
    // Told below: what JSON.parse says of strange bytes helps nobody.
  }
  const help = "A PyTorch .pt or .bin file has to be saved anew with safetensors.torch.save_file.";
  throw new SafetensorsError(file, "this is not a safetensors file: its header is not a JSON object", help);
}

function parseMetadata(file: string, value: unknown): Record<string, string> {
  const metadata: Record<string, string> = {};
  for (const [key, text] of Object.entries(isRecord(value) ? value : {})) {
    if (typeof text !== "string") throw damaged(file, `the metadata \`${key}\` is not a text`);
    metadata[key] = text;
  }
  return metadata;
}

function parseEntry(file: string, name: string, value: unknown): TensorEntry {
  if (!isRecord(value)) throw damaged(file, `the entry of \`${name}\` is not an object`);
  const { dtype: stored, shape, data_offsets: offsets } = value;
  if (typeof stored !== "string") throw damaged(file, `the tensor \`${name}\` has no element type`);
  if (!isSizes(shape)) throw damaged(file, `the tensor \`${name}\` has no shape of whole numbers`);
  if (!isSizes(offsets) || offsets.length !== 2) throw damaged(file, `the tensor \`${name}\` has no two data offsets`);
  const [start = 0, end = 0] = offsets;
  const width = bits[stored];
  const expected = width === undefined ? end - start : (shape.reduce((count, n) => count * n, 1) * width) / 8;
  if (end - start !== expected) {
    throw damaged(
      file,
      `the tensor \`${name}\`, ${stored} [${shape.join(", ")}], needs ${String(expected)} bytes and has ${String(end - start)}`,
    );
  }
  return { dtype: known[stored], stored, shape, start, bytes: end - start };
}

function damaged(file: string, problem: string): SafetensorsError {
  return new SafetensorsError(file, `the file is damaged: ${problem}`, "Download or write it again.");
}
function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
function isSizes(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && (n as number) >= 0);
}

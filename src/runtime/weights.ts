/**
 * Where a program's numbers come from: a seed, or a safetensors file that fits it exactly. Numbers are streamed; nothing
 * here holds more than a chunk of a tensor.
 */
import type { Variable } from "../compiler/graph/graph.ts";
import { initialValues, variableCount } from "../compiler/ops/initialize.ts";
import { bytesOf, isFloat, type Numbers, type Tensor } from "../compiler/ops/tensor.ts";
import { decodeElements, encodeElements } from "../backends/bytes.ts";
import type { Program } from "../compiler/program.ts";
import { InputError } from "./error.ts";
import { SafetensorsFile, type TensorToWrite, writeSafetensors } from "./safetensors.ts";

export interface Weights {
  /** The variable's numbers as bytes of its declared type, little-endian and row-major, in chunks of whole elements. */
  read(variable: Variable): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  close(): Promise<void>;
}

/** Elements of one chunk. */
const CHUNK = 1 << 18;

/** What weight files hold: params and states. The optimizer's own and the counters start by themselves. */
export function weightVariables(program: Program): readonly Variable[] {
  return program.variables.filter(({ kind }) => kind === "param" || kind === "state");
}

export function seededWeights(seed: number): Weights {
  return {
    read: (variable) => draw(variable, seed),
    close: () => Promise.resolve(),
  };
}

function* draw(variable: Variable, seed: number): Generator<Uint8Array, void, undefined> {
  const count = variableCount(variable);
  const { dtype } = variable.type;
  for (let from = 0; from < count; from += CHUNK) {
    const values = initialValues(variable, seed, from, Math.min(count, from + CHUNK));
    // 16-bit floats are drawn in single precision and rounded here.
    if (values instanceof Float32Array && dtype !== "f32") yield encodeElements(dtype, values);
    else yield new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  }
}

/** Opens a weights file and holds it against the program: every param and state there, of its shape, and nothing else. */
export async function openWeights(program: Program, path: string): Promise<Weights> {
  const file = await SafetensorsFile.open(path);
  try {
    const names = requireFit(program, file);
    return {
      read: (variable) => stream(file, names.get(variable.path) ?? variable.path, variable),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** From `--weights` or `--seed`. */
export function weightsFor(
  program: Program,
  from: { readonly weights?: string | undefined; readonly seed: number },
): Promise<Weights> {
  return from.weights === undefined ? Promise.resolve(seededWeights(from.seed)) : openWeights(program, from.weights);
}

async function* stream(
  file: SafetensorsFile,
  name: string,
  variable: Variable,
): AsyncGenerator<Uint8Array, void, undefined> {
  const stored = file.dtype(name);
  const { dtype } = variable.type;
  let done = 0;
  for await (const chunk of file.stream(name)) {
    const numbers = isFloat(stored) ? decodeElements(stored, chunk) : undefined;
    const bad = numbers === undefined ? -1 : firstNaN(numbers);
    if (bad >= 0)
      throw new InputError(
        `${file.path}: \`${name}\` holds NaN, which is no number, at place ${done + bad}.`,
        "The training that wrote it may have diverged; take an earlier checkpoint.",
      );
    done += numbers?.length ?? 0;
    yield stored === dtype ? chunk : encodeElements(dtype, numbers ?? decodeElements(stored, chunk));
  }
}

/** A plain loop: a callback an element would take longer than reading and writing all of a large file. */
function firstNaN(numbers: Numbers): number {
  for (let i = 0; i < numbers.length; i++) if (Number.isNaN(numbers[i])) return i;
  return -1;
}

export interface WeightsReport {
  /** Paths that the file holds and the model has, with one shape. */
  readonly kept: readonly string[];
  /** Paths of both, of other shapes. */
  readonly reshaped: readonly {
    readonly path: string;
    readonly file: readonly number[];
    readonly model: readonly number[];
  }[];
  /** Paths that only the model has. */
  readonly new: readonly string[];
  /** Names that only the file has. */
  readonly unused: readonly string[];
}

/** Compares a file with a program. `names` gives the file's name of each path, after the model's renames. */
export function compareWeights(
  program: Program,
  file: SafetensorsFile,
): { readonly report: WeightsReport; readonly names: ReadonlyMap<string, string> } {
  const names = new Map<string, string>();
  const kept: string[] = [];
  const reshaped: { path: string; file: readonly number[]; model: readonly number[] }[] = [];
  const missing: string[] = [];
  const used = new Set<string>();
  const renamed = renamer(program, [...file.tensors.keys()]);
  for (const variable of weightVariables(program)) {
    const { path } = variable;
    const name = file.tensors.has(path) ? path : renamed.get(path);
    const entry = name === undefined ? undefined : file.tensors.get(name);
    if (name === undefined || entry === undefined) {
      missing.push(path);
      continue;
    }
    names.set(path, name);
    used.add(name);
    const model = variable.type.shape.map((dim) => dim.constant ?? -1);
    if (model.length === entry.shape.length && model.every((size, axis) => size === entry.shape[axis])) kept.push(path);
    else reshaped.push({ path, file: entry.shape, model });
  }
  // Checkpoints hold the optimizer's states and the counters too; they are no surprise.
  const known = new Set(program.variables.map(({ path }) => path));
  const unused = [...file.tensors.keys()].filter((name) => !used.has(name) && !known.has(name));
  return { report: { kept, reshaped, new: missing, unused }, names };
}

function requireFit(program: Program, file: SafetensorsFile): ReadonlyMap<string, string> {
  const { report, names } = compareWeights(program, file);
  const { reshaped, new: missing, unused } = report;
  const mixed = weightVariables(program).flatMap(({ path, type }) => {
    const stored = file.tensors.get(names.get(path) ?? "")?.dtype;
    return stored === undefined || isFloat(stored) === isFloat(type.dtype)
      ? []
      : [`${path} is ${stored} in the file, and ${type.dtype} in the model`];
  });
  if (reshaped.length + missing.length + unused.length + mixed.length === 0) return names;
  const lines = [
    ...mixed,
    ...reshaped.map(
      ({ path, file: was, model }) =>
        `${path} is [${was.join(", ")}] in the file, and [${model.join(", ")}] in the model`,
    ),
    ...missing.map((path) => `${path} is not in the file`),
    ...unused.map((name) => `${name} is in the file only`),
  ];
  const shown = lines.slice(0, 8);
  if (lines.length > shown.length) shown.push(`… and ${lines.length - shown.length} more`);
  const help: string[] = [];
  if (missing.length === 1 && unused.length === 1) {
    help.push(`If it was renamed, say so before the model:   @renamed("${unused[0] ?? ""}", "${missing[0] ?? ""}")`);
  } else if (missing.length > 0 && unused.length > 0) {
    help.push('If parts were renamed, say so before the model:   @renamed("old.{rest**}", "new.{rest**}")');
  }
  if (reshaped.length > 0)
    help.push("Weights of another variant or other settings? --variant and --set choose the program.");
  throw new InputError(`${file.path} does not fit ${program.name}:\n  ${shown.join("\n  ")}`, ...help);
}

/** What each new path was called in the file, by the model's `@renamed` lines; the first that fits decides. */
function renamer(program: Program, names: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const name of names) {
    for (const rule of program.renames) {
      const path = rename(name, rule.old, rule.new);
      if (path === undefined) continue;
      if (!found.has(path)) found.set(path, name);
      break;
    }
  }
  return found;
}

/** Patterns: `{x}` part of a segment, `{x**}` segments, `*` one segment, `**` any number. Captures are put into `to`. */
export function rename(name: string, from: string, to: string): string | undefined {
  const captures: string[] = [];
  const source = from.replace(
    /\{(\w+)(\*\*)?\}|\*\*|\*|[^{*]+/g,
    (part: string, capture: string | undefined, many: string | undefined) => {
      if (capture !== undefined) {
        captures.push(capture);
        return many === undefined ? "([^.]+)" : "(.*)";
      }
      if (part === "**") return ".*";
      if (part === "*") return "[^.]+";
      return part.replace(/[.+^$()|[\]\\?}]/g, "\\$&");
    },
  );
  const match = new RegExp(`^${source}$`).exec(name);
  if (match === null) return undefined;
  return to.replace(/\{(\w+)(?:\*\*)?\}/g, (_, capture: string) => match[captures.indexOf(capture) + 1] ?? "");
}

/** A program's weights as tensors to write, in the order of declaration. */
export function tensorsToWrite(variables: readonly Variable[], weights: Weights): readonly TensorToWrite[] {
  return variables.map((variable) => ({
    name: variable.path,
    dtype: variable.type.dtype,
    shape: variable.type.shape.map((dim) => dim.constant ?? -1),
    bytes: () => weights.read(variable),
  }));
}

/** Writes params and states. `format: pt` is what PyTorch's reader expects. */
export function writeWeights(program: Program, weights: Weights, path: string): Promise<void> {
  return writeSafetensors(path, tensorsToWrite(weightVariables(program), weights), { format: "pt" });
}

/** One variable as numbers. */
export async function readVariable(weights: Weights, variable: Variable): Promise<Tensor> {
  const { dtype } = variable.type;
  const bytes = new Uint8Array(variableCount(variable) * bytesOf(dtype));
  let at = 0;
  for await (const chunk of weights.read(variable)) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return { dtype, shape: variable.type.shape.map((dim) => dim.constant ?? -1), data: decodeElements(dtype, bytes) };
}

/**
 * The goldens of the small DHAA that `scripts/goldens/` made with PyTorch in f64, and the program they belong to. The
 * tensors are read whole; nothing here computes.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { compile } from "../../src/compiler/compile.ts";
import type { Program } from "../../src/compiler/program.ts";
import { TestHost } from "./trees.ts";
import { SafetensorsFile } from "../../src/runtime/safetensors.ts";

export interface GoldenTensor {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}
export type GoldenFile = "inputs" | "weights" | "outputs" | "gradients" | "after1" | "after3" | "values";

/** The sizes that the goldens were made with. */
export const goldenSettings = [
  ["side", "64"],
  ["size", "14"],
  ["base", "2"],
  ["width", "4"],
  ["classes", "11"],
].map(([path = "", value = ""]) => ({ path, value }));

const folder = new URL("../goldens/dhaa-small/", import.meta.url);

export function goldenPath(name: GoldenFile): string {
  return fileURLToPath(new URL(`${name}.safetensors`, folder));
}
export async function golden(name: GoldenFile): Promise<ReadonlyMap<string, GoldenTensor>> {
  await using file = await SafetensorsFile.open(goldenPath(name));
  const tensors = new Map<string, GoldenTensor>();
  for (const key of file.tensors.keys()) {
    const { shape, data } = await file.read(key);
    tensors.set(key, { shape, data: Float64Array.from(data, Number) });
  }
  return tensors;
}
/** The largest relative L2 error of PyTorch's own f32 over eight orders of summation, a tensor. */
export function goldenYardsticks(): Readonly<
  Record<"values" | "predictions" | "losses" | "gradients" | "after1", Readonly<Record<string, number>>>
> {
  const read = JSON.parse(readFileSync(new URL("f32-errors.json", folder), "utf8")) as {
    largest: ReturnType<typeof goldenYardsticks>;
  };
  return read.largest;
}

let made: Program | undefined;
export function goldenProgram(): Program {
  if (made) return made;
  const { program, diagnostics } = compile(new TestHost("models/dhaa.arch"), {
    file: "models/dhaa.arch",
    settings: goldenSettings,
  });
  if (program === undefined) throw new Error(diagnostics.map((d) => `${d.code} ${d.message}`).join("\n"));
  made = program;
  return program;
}

/** The largest difference over the largest value. */
export function maxDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let [difference, largest] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    difference = Math.max(difference, Math.abs((actual[i] ?? NaN) - (expected[i] ?? NaN)));
    largest = Math.max(largest, Math.abs(expected[i] ?? NaN));
  }
  return Number.isNaN(difference) || actual.length !== expected.length
    ? Infinity
    : largest === 0
      ? difference
      : difference / largest;
}
/** The L2 norm of the difference over that of what is expected. */
export function relativeL2(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let [difference, norm] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    difference += ((actual[i] ?? NaN) - (expected[i] ?? NaN)) ** 2;
    norm += (expected[i] ?? NaN) ** 2;
  }
  return actual.length !== expected.length ? Infinity : Math.sqrt(norm === 0 ? difference : difference / norm);
}

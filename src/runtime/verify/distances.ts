/** Distances between the files that measuring jobs write. It reads one pair of tensors at a time. */
import type { Program } from "../../compiler/program.ts";
import { apart, distance, norm } from "../run/measure.ts";
import { SafetensorsFile } from "../safetensors.ts";
import { type ErrorsOf, isZero, type Measured, type Sized, sizesOfZeros } from "./judge.ts";

const GRADIENT = "first:grad.";
const WEIGHT = "weight:";

/** Both files open, and closed whatever happens. */
async function withFiles<T>(
  paths: readonly [string, string],
  use: (a: SafetensorsFile, b: SafetensorsFile) => Promise<T>,
): Promise<T> {
  const a = await SafetensorsFile.open(paths[0]);
  try {
    const b = await SafetensorsFile.open(paths[1]);
    try {
      return await use(a, b);
    } finally {
      await b.close();
    }
  } finally {
    await a.close();
  }
}

/** What tensors of gradients that are zero in truth are measured against, by their names in the files. */
export type Zeros = ReadonlyMap<string, number>;

/** The distance of each tensor of a file from the oracle's. A tensor that the oracle has and the engine lacks is infinitely far. */
export function distances(path: string, oracle: string, zeros: Zeros = new Map()): Promise<readonly Measured[]> {
  return withFiles([path, oracle], async (mine, wanted) => {
    const trained = [...mine.tensors.keys()].some((key) => key.startsWith("first:") || key.startsWith("value:"));
    const found: Measured[] = [];
    for (const key of wanted.tensors.keys()) {
      const kind = kindOf(key);
      if (kind !== "outputs" && !trained) continue;
      const there = mine.tensors.has(key);
      const error = there
        ? distance((await mine.read(key)).data, (await wanted.read(key)).data, zeros.get(key))
        : Infinity;
      found.push({ kind, name: key.slice(key.indexOf(":") + 1), error });
    }
    return found;
  });
}

function kindOf(key: string): keyof ErrorsOf {
  if (key.startsWith("output:")) return "outputs";
  if (key.startsWith(WEIGHT)) return "weights";
  return key.startsWith(GRADIENT) ? "gradients" : "losses";
}

export function zerosOf(single: string, oracle: string): Promise<Zeros> {
  return withFiles([single, oracle], async (mine, wanted) => {
    const gradients: Sized[] = [];
    const weights: Sized[] = [];
    for (const key of wanted.tensors.keys()) {
      if (!key.startsWith(GRADIENT) || !mine.tensors.has(key)) continue;
      const path = key.slice(GRADIENT.length);
      const [own, { data }] = [await mine.read(key), await wanted.read(key)];
      const gradient = { path, norm: norm(data), count: data.length };
      const zero = isZero(gradient.norm, apart(own.data, data));
      gradients.push({ ...gradient, zero });
      if (wanted.tensors.has(WEIGHT + path))
        weights.push({ path, norm: norm((await wanted.read(WEIGHT + path)).data), count: data.length, zero });
    }
    const named = (prefix: string, tensors: readonly Sized[]): (readonly [string, number])[] =>
      [...sizesOfZeros(tensors)].map(([path, size]) => [prefix + path, size]);
    return new Map([...named(GRADIENT, gradients), ...named(WEIGHT, weights)]);
  });
}

/**
 * How far weights moved whose gradient is zero in truth. An optimizer that divides by the gradient's size takes whole steps
 * along what is rounding alone, each run into another direction, so such a weight may be as far off as it moved.
 */
export async function drift(
  program: Program,
  zeros: Zeros,
  weights: string,
  after: string,
  oracle: string,
): Promise<readonly Measured[]> {
  const names = program.variables.filter(({ path, trained }) => trained && zeros.has(GRADIENT + path));
  return withFiles([weights, after], (before, made) =>
    withFiles([oracle, weights], async (wanted) => {
      const found: Measured[] = [];
      for (const { path: name } of names) {
        const key = WEIGHT + name;
        if (!before.tensors.has(name) || !made.tensors.has(key) || !wanted.tensors.has(key)) continue;
        const [start, own, { data }] = [await before.read(name), await made.read(key), await wanted.read(key)];
        const moved = Math.max(apart(own.data, start.data), apart(data, start.data));
        const size = Math.max(norm(data), zeros.get(key) ?? 0);
        found.push({ kind: "weights", name, error: moved / (size === 0 ? 1 : size) });
      }
      return found;
    }),
  );
}

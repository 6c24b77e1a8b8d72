/**
 * How an engine is judged: the distance of each tensor to the f64 reference against what rounding was seen to do to that
 * very tensor. Arithmetic only; docs/decisions/verification.md says why it is this.
 */
import { allowance } from "../run/measure.ts";
import type { FirstNode } from "./departure.ts";

/** Null where the engine cannot do it. */
export interface ErrorsOf {
  readonly outputs: number | null;
  readonly losses: number | null;
  readonly gradients: number | null;
  readonly weights: number | null;
}
/** How far one tensor is from the f64 reference's. */
export interface Measured {
  readonly kind: keyof ErrorsOf;
  readonly name: string;
  readonly error: number;
}
/** A tensor that is further off than it may be. */
export interface Departure extends Measured {
  readonly allowed: number;
}
export interface EngineVerdict {
  /** An engine's, or the file's that it was compared with. */
  readonly name: string;
  readonly version: string;
  readonly maxError: ErrorsOf;
  /** What rounding was seen to do, the largest of each kind. */
  readonly yardstick: ErrorsOf;
  readonly ok: boolean;
  readonly departures: readonly Departure[];
  /** Where it leaves the reference; null where it does not. */
  readonly first: FirstNode | null;
}

/** Each tensor's largest distance in any of several runs in single precision. */
export function widest(...runs: readonly (readonly Measured[])[]): readonly Measured[] {
  const found = new Map<string, Measured>();
  for (const one of runs.flat()) {
    const before = found.get(keyOf(one));
    if (before === undefined || one.error > before.error) found.set(keyOf(one), one);
  }
  return [...found.values()];
}

export function judge(
  name: string,
  version: string,
  found: readonly Measured[],
  yardsticks: readonly Measured[],
): EngineVerdict {
  const own = new Map(yardsticks.map((one) => [keyOf(one), one.error]));
  const departures = found.flatMap((one): Departure[] => {
    const allowed = allowance(own.get(keyOf(one)) ?? 0);
    return one.error <= allowed ? [] : [{ ...one, allowed }];
  });
  const ok = departures.length === 0;
  return { name, version, maxError: largest(found), yardstick: largest(yardsticks), ok, departures, first: null };
}

function keyOf({ kind, name }: Measured): string {
  return `${kind} ${name}`;
}

function largest(found: readonly Measured[]): ErrorsOf {
  const of = (kind: keyof ErrorsOf): number | null => {
    const errors = found.filter((one) => one.kind === kind).map(({ error }) => error);
    return errors.length === 0 ? null : errors.reduce((a, b) => Math.max(a, b));
  };
  return { outputs: of("outputs"), losses: of("losses"), gradients: of("gradients"), weights: of("weights") };
}

/** A tensor of one parameter, and whether its gradient is zero in truth. */
export interface Sized {
  readonly path: string;
  readonly norm: number;
  readonly count: number;
  readonly zero: boolean;
}

/** A gradient is zero in truth, as that of a bias before a normalisation is, where single precision has no right digit of it. */
export function isZero(norm: number, error: number): boolean {
  return !(error < norm / 2);
}

/**
 * What the tensors of gradients that are zero in truth are measured against, for nothing can be relative to them: the largest
 * such tensor, by entry, of the layer they belong to, or of the nearest part around with a gradient that is not zero.
 */
export function sizesOfZeros(tensors: readonly Sized[]): ReadonlyMap<string, number> {
  const others = tensors.filter(({ zero }) => !zero);
  const sizes = new Map<string, number>();
  for (const { path, count } of tensors.filter(({ zero }) => zero)) {
    let part = path;
    let inside: readonly Sized[] = [];
    while (part !== "" && inside.length === 0) {
      part = part.slice(0, Math.max(0, part.lastIndexOf(".")));
      inside = part === "" ? others : others.filter((other) => other.path.startsWith(`${part}.`));
    }
    const entry = inside.reduce((size, other) => Math.max(size, other.norm / Math.sqrt(other.count)), 0);
    sizes.set(path, entry * Math.sqrt(count));
  }
  return sizes;
}

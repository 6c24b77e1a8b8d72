/**
 * Affine maps of the plane and the frames they go between: pixels of a picture (whole numbers are pixel centres) and a
 * crop's [-1, 1]. Arithmetic only.
 */
import type { Alignment, Augmentation } from "./recipe.ts";
import type { Draws } from "../draws.ts";

export type Point = readonly [number, number];

/** (x, y) -> (a x + b y + c, d x + e y + f). */
export interface Affine {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  readonly e: number;
  readonly f: number;
}

export const identity: Affine = { a: 1, b: 0, c: 0, d: 0, e: 1, f: 0 };

export function apply(map: Affine, [x, y]: Point): Point {
  return [map.a * x + map.b * y + map.c, map.d * x + map.e * y + map.f];
}

/** First `first`, then `then`. */
export function compose(then: Affine, first: Affine): Affine {
  return {
    a: then.a * first.a + then.b * first.d,
    b: then.a * first.b + then.b * first.e,
    c: then.a * first.c + then.b * first.f + then.c,
    d: then.d * first.a + then.e * first.d,
    e: then.d * first.b + then.e * first.e,
    f: then.d * first.c + then.e * first.f + then.f,
  };
}

export function determinant(map: Affine): number {
  return map.a * map.e - map.b * map.d;
}

export function invert(map: Affine): Affine {
  const det = determinant(map);
  const [a, b, d, e] = [map.e / det, -map.b / det, -map.d / det, map.a / det];
  return { a, b, c: -(a * map.c + b * map.f), d, e, f: -(d * map.c + e * map.f) };
}

/** Pixel centre i of n lies at (2 i + 1) / n - 1. */
export function pixelsToUnit(width: number, height: number): Affine {
  return { a: 2 / width, b: 0, c: 1 / width - 1, d: 0, e: 2 / height, f: 1 / height - 1 };
}

/** The rotation, scale and shift that takes `from[0]` to `to[0]` and `from[1]` to `to[1]`; undefined where both are one point. */
export function similarity(from: readonly [Point, Point], to: readonly [Point, Point]): Affine | undefined {
  // As complex numbers: z -> m z + t with m = (to1 - to0) / (from1 - from0).
  const [px, py] = [from[1][0] - from[0][0], from[1][1] - from[0][1]];
  const [qx, qy] = [to[1][0] - to[0][0], to[1][1] - to[0][1]];
  const length = px * px + py * py;
  if (length < 1e-12) return undefined;
  const re = (qx * px + qy * py) / length;
  const im = (qy * px - qx * py) / length;
  const [x, y] = from[0];
  return { a: re, b: -im, c: to[0][0] - re * x + im * y, d: im, e: re, f: to[0][1] - im * x - re * y };
}

/** From pixels of the picture to the aligned crop. `lip` is the upper lip where it is known. */
export function alignFace(alignment: Alignment, points: readonly Point[], lip: Point | undefined): Affine | undefined {
  const between = (p: Point | undefined, q: Point | undefined): Point => [
    ((p?.[0] ?? 0) + (q?.[0] ?? 0)) / 2,
    ((p?.[1] ?? 0) + (q?.[1] ?? 0)) / 2,
  ];
  const eyes = between(points[0], points[1]);
  const mouth = lip ?? between(points.at(-2), points.at(-1));
  return similarity([eyes, mouth], [alignment.eyes, alignment.lip]);
}

export interface DrawnAugmentation {
  /** Of the crop's [-1, 1], forward: where a point goes. */
  readonly map: Affine;
  /** Pairs of points that change places. */
  readonly swaps: readonly (readonly [number, number])[];
}

/** Draws one sample's augmentation. Every step draws its numbers whether or not it acts, so steps do not move each other. */
export function drawAugmentation(steps: readonly Augmentation[], draws: Draws): DrawnAugmentation {
  let map = identity;
  const swaps: (readonly [number, number])[] = [];
  for (const step of steps) {
    const [u, v] = [draws.uniform(), draws.uniform()];
    switch (step.kind) {
      case "flip":
        if (u < step.chance) {
          map = compose({ ...identity, a: -1 }, map);
          swaps.push(...step.swap);
        }
        break;
      case "scale": {
        const factor = step.low + (step.high - step.low) * u;
        map = compose({ ...identity, a: factor, e: factor }, map);
        break;
      }
      case "rotate": {
        const angle = ((2 * u - 1) * step.degrees * Math.PI) / 180;
        const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
        map = compose({ a: cos, b: -sin, c: 0, d: sin, e: cos, f: 0 }, map);
        break;
      }
      case "shift":
        // A fraction of the crop's side, which is 2 units long.
        map = compose({ ...identity, c: 2 * step.fraction * (2 * u - 1), f: 2 * step.fraction * (2 * v - 1) }, map);
        break;
    }
  }
  return { map, swaps };
}

/**
 * Whether points lie on a line, by the test that the models' alignment uses on them: the determinant of their covariance
 * against the size that it could have.
 */
export function degenerate(points: readonly Point[]): boolean {
  const n = points.length;
  const mx = points.reduce((sum, [x]) => sum + x, 0) / n;
  const my = points.reduce((sum, [, y]) => sum + y, 0) / n;
  let [xx, xy, yy] = [0, 0, 0];
  for (const [x, y] of points) {
    xx += (x - mx) ** 2;
    xy += (x - mx) * (y - my);
    yy += (y - my) ** 2;
  }
  return Math.abs(xx * yy - xy * xy) <= 1e-6 * (xx + yy) ** 2;
}

/**
 * A small painter: shapes given by signed distances or soft lines in face coordinates, laid over an image of floats with
 * smooth edges. It knows how a turned head maps to pixels; it does not know what a face looks like.
 */

export type Rgb = readonly [number, number, number];
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Where a head stands in the picture. */
export interface Pose {
  /** To the image's right, in radians. */
  readonly yaw: number;
  /** Clockwise on the image, in radians. */
  readonly roll: number;
  /** Pixels of one face unit. */
  readonly scale: number;
  /** The pixel of the face's origin. */
  readonly x: number;
  readonly y: number;
}

/** How far the middle of a face stands before its sides, in face units. */
const DEPTH = 0.42;

/** The pixel (index coordinates: whole numbers are pixel centres) of a point of the face. */
export function project(pose: Pose, x: number, y: number): [number, number] {
  const turned = turn(x, pose.yaw) * pose.scale;
  const down = y * pose.scale;
  const [cos, sin] = [Math.cos(pose.roll), Math.sin(pose.roll)];
  return [pose.x + turned * cos - down * sin, pose.y + turned * sin + down * cos];
}

function turn(x: number, yaw: number): number {
  const depth = Math.abs(x) < 1 ? DEPTH * (1 - x * x) : 0;
  return x * Math.cos(yaw) + depth * Math.sin(yaw);
}

/** The x of the face that `turn` takes to `u`. */
function unturn(u: number, yaw: number): number {
  const [cos, sin] = [Math.cos(yaw), Math.sin(yaw)];
  if (Math.abs(u) >= cos || Math.abs(sin) < 1e-9) return u / cos;
  // u = x cos + DEPTH sin (1 - x^2): the root that is u / cos at yaw 0.
  const a = DEPTH * sin;
  return (cos - Math.sqrt(cos * cos - 4 * a * (u - a))) / (2 * a);
}

export class Canvas {
  readonly size: number;
  readonly pixels: Float32Array;
  readonly #pose: Pose;
  /** The face coordinates of every pixel. */
  readonly #x: Float32Array;
  readonly #y: Float32Array;

  constructor(size: number, pose: Pose) {
    this.size = size;
    this.pixels = new Float32Array(size * size * 3);
    this.#pose = pose;
    this.#x = new Float32Array(size * size);
    this.#y = new Float32Array(size * size);
    const [cos, sin] = [Math.cos(pose.roll) / pose.scale, Math.sin(pose.roll) / pose.scale];
    for (let row = 0; row < size; row += 1) {
      for (let column = 0; column < size; column += 1) {
        const [dx, dy] = [column - pose.x, row - pose.y];
        this.#x[row * size + column] = unturn(dx * cos + dy * sin, pose.yaw);
        this.#y[row * size + column] = dy * cos - dx * sin;
      }
    }
  }

  /** Calls `paint` on every pixel of the box with its face coordinates and its place in `pixels`. */
  each(box: Box, paint: (x: number, y: number, at: number) => void): void {
    const corners = [
      project(this.#pose, box.left, box.top),
      project(this.#pose, box.right, box.top),
      project(this.#pose, box.left, box.bottom),
      project(this.#pose, box.right, box.bottom),
      // A turned face bulges: the middle of the box may reach further than its corners.
      project(this.#pose, (box.left + box.right) / 2, box.top),
      project(this.#pose, (box.left + box.right) / 2, box.bottom),
    ];
    const limit = (value: number): number => Math.min(this.size - 1, Math.max(0, value));
    const left = limit(Math.floor(Math.min(...corners.map(([x]) => x))) - 3);
    const right = limit(Math.ceil(Math.max(...corners.map(([x]) => x))) + 3);
    const top = limit(Math.floor(Math.min(...corners.map(([, y]) => y))) - 3);
    const bottom = limit(Math.ceil(Math.max(...corners.map(([, y]) => y))) + 3);
    for (let row = top; row <= bottom; row += 1) {
      for (let column = left; column <= right; column += 1) {
        const at = row * this.size + column;
        paint(this.#x[at] as number, this.#y[at] as number, at * 3);
      }
    }
  }

  blend(at: number, color: Rgb, alpha: number): void {
    const { pixels } = this;
    pixels[at]! += (color[0] - pixels[at]!) * alpha;
    pixels[at + 1]! += (color[1] - pixels[at + 1]!) * alpha;
    pixels[at + 2]! += (color[2] - pixels[at + 2]!) * alpha;
  }

  /** Fills where `distance` (in face units) is negative, with an edge one pixel wide or `soft` units if wider. */
  fill(
    box: Box,
    distance: (x: number, y: number) => number,
    color: Rgb | ((x: number, y: number) => Rgb),
    alpha = 1,
    soft = 0,
  ): void {
    const edge = Math.max(1 / this.#pose.scale, soft);
    this.each(box, (x, y, at) => {
      const coverage = 0.5 - distance(x, y) / edge;
      if (coverage > 0)
        this.blend(at, typeof color === "function" ? color(x, y) : color, alpha * Math.min(1, coverage));
    });
  }

  ellipse(x: number, y: number, rx: number, ry: number, color: Rgb, alpha = 1, soft = 0): void {
    const box = { left: x - rx - soft, right: x + rx + soft, top: y - ry - soft, bottom: y + ry + soft };
    this.fill(box, (px, py) => ellipseDistance(px - x, py - y, rx, ry), color, alpha, soft);
  }

  /** A soft line along points, thinner towards its ends; `width` is where it has faded to a third. */
  line(points: readonly (readonly [number, number])[], width: number, color: Rgb, alpha: number, taper = true): void {
    const xs = points.map(([x]) => x);
    const ys = points.map(([, y]) => y);
    const reach = width * 2.5;
    const box = {
      left: Math.min(...xs) - reach,
      right: Math.max(...xs) + reach,
      top: Math.min(...ys) - reach,
      bottom: Math.max(...ys) + reach,
    };
    const pixel = 0.5 / this.#pose.scale;
    const found = { distance: 0, along: 0 };
    this.each(box, (x, y, at) => {
      toLine(points, x, y, found);
      const thin = taper ? 0.35 + 0.65 * Math.sin(Math.PI * found.along) : 1;
      const w = Math.max(width * thin, pixel);
      const far = found.distance / w;
      if (far > 2.4) return;
      const strength = alpha * Math.min(1, (width * thin) / w) * Math.exp(-far * far);
      if (strength > 0.004) this.blend(at, color, strength);
    });
  }

  /** 8-bit RGB. */
  bytes(): Uint8Array {
    const { pixels } = this;
    const out = new Uint8Array(pixels.length);
    for (let i = 0; i < out.length; i += 1) out[i] = Math.max(0, Math.min(255, Math.round(pixels[i]! * 255)));
    return out;
  }
}

export function ellipseDistance(x: number, y: number, rx: number, ry: number): number {
  const k = Math.hypot(x / rx, y / ry);
  const slope = Math.hypot(x / (rx * rx), y / (ry * ry));
  return slope < 1e-9 ? -Math.min(rx, ry) : (k * (k - 1)) / slope;
}

/** The nearest place of a polyline: written into `out`, for it is asked for at every pixel. */
function toLine(
  points: readonly (readonly [number, number])[],
  x: number,
  y: number,
  out: { distance: number; along: number },
): void {
  let nearest = Infinity;
  for (let i = 0; i + 1 < points.length; i += 1) {
    const [ax, ay] = points[i]!;
    const [bx, by] = points[i + 1]!;
    const dx = bx - ax;
    const dy = by - ay;
    const t = Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy + 1e-12)));
    const ox = x - ax - t * dx;
    const oy = y - ay - t * dy;
    const squared = ox * ox + oy * oy;
    if (squared >= nearest) continue;
    nearest = squared;
    out.along = (i + t) / (points.length - 1);
  }
  out.distance = Math.sqrt(nearest);
}

/** Points of an arc from `a` to `b` whose middle is moved by `bend` downwards. */
export function arc(
  a: readonly [number, number],
  b: readonly [number, number],
  bend: number,
  pieces = 6,
): [number, number][] {
  return Array.from({ length: pieces + 1 }, (_, i) => {
    const t = i / pieces;
    return [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t + 4 * bend * t * (1 - t)];
  });
}

/** Smooth noise in about -1 .. 1, the same for the same place and `salt`. */
export function noise(x: number, y: number, salt: number): number {
  const left = Math.floor(x);
  const top = Math.floor(y);
  const fx = ease(x - left);
  const fy = ease(y - top);
  const upper = lattice(left, top, salt) * (1 - fx) + lattice(left + 1, top, salt) * fx;
  const lower = lattice(left, top + 1, salt) * (1 - fx) + lattice(left + 1, top + 1, salt) * fx;
  return upper * (1 - fy) + lower * fy;
}

function ease(t: number): number {
  return t * t * (3 - 2 * t);
}

function lattice(x: number, y: number, salt: number): number {
  let h = Math.imul(x, 374761393) ^ Math.imul(y, 668265263) ^ Math.imul(salt, 2147483647 - 1640531);
  h = Math.imul(h ^ (h >>> 13), 1274126177);
  h = Math.imul(h ^ (h >>> 16), 2246822519);
  return ((h ^ (h >>> 15)) >>> 0) / 2147483648 - 1;
}

export function mix(a: Rgb, b: Rgb, t: number): Rgb {
  return [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t];
}

export function shade(color: Rgb, factor: number): Rgb {
  return [color[0] * factor, color[1] * factor, color[2] * factor];
}

/** 0 before `from`, 1 after `to`, smooth between. */
export function ramp(value: number, from: number, to: number): number {
  return ease(Math.max(0, Math.min(1, (value - from) / (to - from))));
}

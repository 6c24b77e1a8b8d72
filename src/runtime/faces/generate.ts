/**
 * Synthetic faces with known ages, landmarks and poses: a folder of PNG files and their manifest. Each picture depends on
 * (seed, index) alone, so a longer series starts with the shorter one. Writes nothing but what it was asked for.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "csv-stringify/sync";
import sharp from "sharp";
import { Draws } from "../draws.ts";
import { writeBeside } from "../files.ts";
import type { Pose } from "./canvas.ts";
import { drawFace, type Picture } from "./draw.ts";
import { face, person } from "./person.ts";

export const FACE_SIZE = 320;
/** Pictures of one person, at different ages. */
const PER_SUBJECT = 5;

export interface FaceRecord extends Picture {
  readonly age: number;
  readonly subject: number;
  /** Degrees. */
  readonly yaw: number;
  readonly roll: number;
  readonly split: "train" | "val" | "test";
}

/** Ages drawn evenly from `from` to `to`, both included. */
export interface Ages {
  readonly from: number;
  readonly to: number;
}

export function makeFace(seed: number, index: number, ages?: Ages, size = FACE_SIZE): FaceRecord {
  const subject = Math.floor(index / PER_SUBJECT);
  const draws = new Draws(seed, "face", index);
  const age = ages === undefined ? drawAge(draws) : ages.from + draws.below(ages.to - ages.from + 1);
  const degrees = (deviation: number, most: number): number =>
    Math.max(-most, Math.min(most, draws.normal(0, deviation)));
  const yaw = degrees(12, 30);
  const roll = degrees(7, 20);
  const scale = size * draws.uniform(0.31, 0.38);
  const pose: Pose = {
    yaw: (yaw * Math.PI) / 180,
    roll: (roll * Math.PI) / 180,
    scale,
    x: size * (0.5 + draws.uniform(-0.06, 0.06)),
    y: size * (0.5 + draws.uniform(-0.05, 0.05)),
  };
  const picture = drawFace(size, pose, face(person(seed, subject), age), draws);
  return { ...picture, age, subject, yaw, roll, split: splitOf(subject) };
}

/** As in collections of photographs: most people are between 20 and 45, and all ages from 0 to 100 are there. */
function drawAge(draws: Draws): number {
  const kind = draws.uniform();
  if (kind < 0.1) return draws.below(16);
  if (kind < 0.18) return 55 + draws.below(46);
  return Math.max(0, Math.min(100, Math.round(draws.normal(32, 9))));
}

/** Eight people of ten train, one validates, one tests; nobody is in two of them. */
function splitOf(subject: number): FaceRecord["split"] {
  const place = subject % 10;
  return place < 8 ? "train" : place === 8 ? "val" : "test";
}

export interface FacesOptions {
  readonly folder: string;
  readonly count: number;
  readonly seed: number;
  /** As in collections of photographs where it is left out. */
  readonly ages?: Ages | undefined;
  readonly onDone?: (done: number) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface FacesResult {
  readonly manifest: string;
  readonly count: number;
  readonly subjects: number;
  readonly train: number;
  readonly val: number;
  readonly test: number;
}

/** Writes the pictures, then `manifest.csv`: a folder with a manifest is whole. */
export async function generateFaces(options: FacesOptions): Promise<FacesResult> {
  const { folder, count, seed } = options;
  mkdirSync(join(folder, "images"), { recursive: true });
  const rows: string[][] = [];
  const counts = { train: 0, val: 0, test: 0 };
  let pending: Promise<void> = Promise.resolve();
  for (let index = 0; index < count; index += 1) {
    options.signal?.throwIfAborted();
    const made = makeFace(seed, index, options.ages);
    const path = `images/${String(index).padStart(5, "0")}.png`;
    // One file is compressed while the next picture is drawn.
    await pending;
    pending = encode(made.pixels, join(folder, path));
    counts[made.split] += 1;
    const points = made.landmarks.flatMap(([x, y]) => [x.toFixed(2), y.toFixed(2)]);
    rows.push([
      path,
      String(made.age),
      ...points,
      `s${String(made.subject)}`,
      made.yaw.toFixed(1),
      made.roll.toFixed(1),
      made.split,
    ]);
    options.onDone?.(index + 1);
  }
  await pending;
  const points = [1, 2, 3, 4, 5].flatMap((n) => [`x${String(n)}`, `y${String(n)}`]);
  const manifest = join(folder, "manifest.csv");
  writeBeside(manifest, stringify([["path", "age", ...points, "subject", "yaw", "roll", "split"], ...rows]));
  return { manifest, count, subjects: Math.ceil(count / PER_SUBJECT), ...counts };
}

async function encode(pixels: Uint8Array, path: string): Promise<void> {
  const raw = { width: FACE_SIZE, height: FACE_SIZE, channels: 3 } as const;
  writeBeside(path, await sharp(pixels, { raw }).png({ compressionLevel: 6 }).toBuffer());
}

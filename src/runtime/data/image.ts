/**
 * Pictures: a look at a file without decoding it, decoding (PNG, JPEG, WebP; turned as their EXIF says), and sampling through
 * an affine map with bilinear weights. What lies outside a picture is black.
 */
import { open } from "node:fs/promises";
import sharp, { type Sharp } from "sharp";
import { fileProblem, InputError } from "../error.ts";
import { type Affine, determinant } from "./affine.ts";

/** 8-bit RGB, row by row. */
export interface Picture extends Size {
  readonly pixels: Uint8Array;
}
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A picture of more would take more than 300 MB once it is decoded. */
const MOST_PIXELS = 100_000_000;
const FORMATS: readonly string[] = ["png", "jpeg", "webp"];

function picture(path: string): Sharp {
  return sharp(path, { failOn: "error", limitInputPixels: MOST_PIXELS });
}

export async function decode(path: string): Promise<Picture> {
  try {
    const image = picture(path).autoOrient().flatten().toColourspace("srgb").removeAlpha();
    const { data, info } = await image.raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
    if (info.channels === 3) return { width: info.width, height: info.height, pixels: data };
    if (info.channels !== 1) throw new Error(`it has ${info.channels} channels`);
    const pixels = new Uint8Array(data.length * 3);
    for (let i = 0; i < data.length; i += 1) pixels.fill(data[i]!, 3 * i, 3 * i + 3);
    return { width: info.width, height: info.height, pixels };
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** A picture at `side` x `side`, whatever its proportions, as RGB. A JPEG is decoded no finer than that needs. */
export async function coarse(path: string, side: number): Promise<Uint8Array> {
  try {
    const image = picture(path).autoOrient().resize(side, side, { fit: "fill", kernel: "lanczos3" });
    const rgb = image.flatten().toColourspace("srgb").removeAlpha().raw({ depth: "uchar" });
    const { data, info } = await rgb.toBuffer({ resolveWithObject: true });
    return info.channels === 3
      ? data
      : Uint8Array.from({ length: 3 * side * side }, (_, i) => data[Math.floor(i / 3)] ?? 0);
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** How large a picture is, after EXIF's turn: its header is read, and its end looked at. Far faster than decoding. */
export async function sizeOf(path: string): Promise<Size> {
  try {
    const ends = await endsOf(path);
    const { format, width, height, autoOrient } = await sharp(path, { limitInputPixels: false }).metadata();
    if (!FORMATS.includes(format)) throw new Error(`it is ${format.toUpperCase()}`);
    if (width * height > MOST_PIXELS)
      throw new Error(`it has ${width} x ${height} pixels; at most ${MOST_PIXELS / 1e6} million are read`);
    // Whatever lacks its end is decoded, which tells whether that is all it lacks: cameras write more behind a picture.
    if (!isWhole(format, ends)) await picture(path).stats();
    return autoOrient;
  } catch (error) {
    throw unreadable(path, error);
  }
}

interface Ends {
  readonly size: number;
  readonly head: Buffer;
  readonly tail: Buffer;
}

async function endsOf(path: string): Promise<Ends> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const [head, tail] = [Buffer.alloc(8), Buffer.alloc(Math.min(64, size))];
    await file.read(head, 0, head.length, 0);
    await file.read(tail, 0, tail.length, size - tail.length);
    if (size === 0) throw new Error("it is empty");
    return { size, head, tail };
  } finally {
    await file.close();
  }
}

function isWhole(format: string, { size, head, tail }: Ends): boolean {
  // RIFF counts what follows; the others end with a mark.
  if (format === "webp") return size >= head.readUInt32LE(4) + 8;
  return tail.includes(format === "png" ? "IEND" : Buffer.of(0xff, 0xd9));
}

function unreadable(path: string, error: unknown): InputError {
  const reason = fileProblem(error).split("\n")[0]?.replace(/\.$/, "");
  return new InputError(
    `${path} cannot be read as a picture: ${reason ?? "unknown format"}.`,
    "PNG, JPEG and WebP are read.",
  );
}

/**
 * `size` x `size` samples, planes R, G, B after one another, values 0 to 255. `toPicture` takes the crop's pixel (column,
 * row), whole numbers being centres, to the picture's. Where the crop is much coarser than the picture, whole blocks of
 * pixels are averaged first, so that nothing is skipped.
 */
export function warp(picture: Picture, toPicture: Affine, size: number): Float32Array {
  const coarse = Math.floor(Math.sqrt(Math.abs(determinant(toPicture))));
  if (coarse >= 2) {
    const map = toPicture;
    // Block k covers pixels coarse k .. coarse k + coarse - 1; its centre is coarse k + (coarse - 1) / 2.
    const half = (coarse - 1) / 2;
    const small = {
      a: map.a / coarse,
      b: map.b / coarse,
      c: (map.c - half) / coarse,
      d: map.d / coarse,
      e: map.e / coarse,
      f: (map.f - half) / coarse,
    };
    return sample(shrink(picture, coarse), small, size);
  }
  return sample(picture, toPicture, size);
}

function sample({ width, height, pixels }: Picture, map: Affine, size: number): Float32Array {
  const plane = size * size;
  const out = new Float32Array(3 * plane);
  for (let row = 0; row < size; row += 1) {
    for (let column = 0; column < size; column += 1) {
      const x = map.a * column + map.b * row + map.c;
      const y = map.d * column + map.e * row + map.f;
      const left = Math.floor(x);
      const top = Math.floor(y);
      if (left < -1 || top < -1 || left >= width || top >= height) continue;
      const [fx, fy] = [x - left, y - top];
      const at = row * size + column;
      for (let corner = 0; corner < 4; corner += 1) {
        const cx = left + (corner & 1);
        const cy = top + (corner >> 1);
        if (cx < 0 || cy < 0 || cx >= width || cy >= height) continue;
        const weight = (corner & 1 ? fx : 1 - fx) * (corner >> 1 ? fy : 1 - fy);
        const from = (cy * width + cx) * 3;
        out[at]! += weight * pixels[from]!;
        out[at + plane]! += weight * pixels[from + 1]!;
        out[at + 2 * plane]! += weight * pixels[from + 2]!;
      }
    }
  }
  return out;
}

function shrink({ width, height, pixels }: Picture, by: number): Picture {
  const [w, h] = [Math.max(1, Math.floor(width / by)), Math.max(1, Math.floor(height / by))];
  const out = new Uint8Array(w * h * 3);
  const [bw, bh] = [Math.min(by, width), Math.min(by, height)];
  for (let y = 0; y < h; y += 1) {
    for (let x = 0; x < w; x += 1) {
      let [r, g, b] = [0, 0, 0];
      for (let j = 0; j < bh; j += 1) {
        let from = ((y * by + j) * width + x * by) * 3;
        for (let i = 0; i < bw; i += 1, from += 3) {
          r += pixels[from]!;
          g += pixels[from + 1]!;
          b += pixels[from + 2]!;
        }
      }
      const at = (y * w + x) * 3;
      out[at] = Math.round(r / (bw * bh));
      out[at + 1] = Math.round(g / (bw * bh));
      out[at + 2] = Math.round(b / (bw * bh));
    }
  }
  return { width: w, height: h, pixels: out };
}

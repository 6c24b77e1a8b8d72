/**
 * Pictures: decoding (PNG, JPEG, WebP; turned as their EXIF says) and sampling through an affine map with bilinear weights.
 * What lies outside a picture is black.
 */
import sharp from "sharp";
import { InputError } from "../error.ts";
import { type Affine, determinant } from "./affine.ts";

/** 8-bit RGB, row by row. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

export async function decode(path: string): Promise<Picture> {
  try {
    const image = sharp(path, { failOn: "error" }).autoOrient().flatten().toColourspace("srgb").removeAlpha();
    const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
    if (info.channels === 3) return { width: info.width, height: info.height, pixels: data };
    if (info.channels !== 1) throw new Error(`it has ${info.channels} channels`);
    const pixels = new Uint8Array(data.length * 3);
    for (let i = 0; i < data.length; i += 1) pixels.fill(data[i]!, 3 * i, 3 * i + 3);
    return { width: info.width, height: info.height, pixels };
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n")[0] : String(error);
    throw new InputError(
      `${path} cannot be read as a picture: ${reason ?? "unknown format"}.`,
      "PNG, JPEG and WebP are read.",
    );
  }
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

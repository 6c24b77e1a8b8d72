/**
 * Convolution and its two adjoints on plain arrays, as matrix products over patches that are read in place: lines of the
 * patch matrix are written straight into the product's blocks. Layouts NCHW and OIHW; no node, no graph.
 */
import type { Gemm, Line, Store } from "./gemm.ts";
import { matrixLine } from "./gemm.ts";
import type { Numbers } from "./tensor.ts";

export interface Geometry {
  readonly batch: number;
  /** Of the side that is read: channels (all groups), height, width. */
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** Of the side that is made. */
  readonly outChannels: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  /** These three for height and width. */
  readonly stride: readonly [number, number];
  readonly pad: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly groups: number;
}

/** Where each tap and each output pixel lie in one image: a patch member is at `origin[pixel] + tap[tap]`, if it is inside. */
interface Patches {
  readonly taps: number;
  readonly pixels: number;
  readonly tap: Int32Array;
  readonly tapRow: Int32Array;
  readonly tapColumn: Int32Array;
  readonly origin: Int32Array;
  readonly top: Int32Array;
  readonly left: Int32Array;
}

function patchesOf(g: Geometry): Patches {
  const groupChannels = g.channels / g.groups;
  const taps = groupChannels * g.kernelHeight * g.kernelWidth;
  const pixels = g.outHeight * g.outWidth;
  const [tap, tapRow, tapColumn] = [new Int32Array(taps), new Int32Array(taps), new Int32Array(taps)];
  for (let c = 0, k = 0; c < groupChannels; c++) {
    for (let row = 0; row < g.kernelHeight; row++) {
      for (let column = 0; column < g.kernelWidth; column++, k++) {
        tapRow[k] = row * g.dilation[0];
        tapColumn[k] = column * g.dilation[1];
        tap[k] = (c * g.height + row * g.dilation[0]) * g.width + column * g.dilation[1];
      }
    }
  }
  const [origin, top, left] = [new Int32Array(pixels), new Int32Array(pixels), new Int32Array(pixels)];
  for (let row = 0, p = 0; row < g.outHeight; row++) {
    for (let column = 0; column < g.outWidth; column++, p++) {
      top[p] = row * g.stride[0] - g.pad[0];
      left[p] = column * g.stride[1] - g.pad[1];
      origin[p] = top[p]! * g.width + left[p]!;
    }
  }
  return { taps, pixels, tap, tapRow, tapColumn, origin, top, left };
}

/** Lines over the taps of one pixel; lines are numbered over the whole batch. */
function pixelLines(x: Numbers, g: Geometry, patches: Patches, group: number): Line {
  const { tap, tapRow, tapColumn, origin, top, left, pixels } = patches;
  const lastRow = (g.kernelHeight - 1) * g.dilation[0];
  const lastColumn = (g.kernelWidth - 1) * g.dilation[1];
  const [height, width] = [g.height, g.width];
  const groupStart = group * (g.channels / g.groups) * height * width;
  const image = g.channels * height * width;
  return (line, depth, count, out, at, step) => {
    const b = Math.floor(line / pixels);
    const p = line - b * pixels;
    const from = b * image + groupStart + origin[p]!;
    const [y, z] = [top[p]!, left[p]!];
    const whole = y >= 0 && z >= 0 && y + lastRow < height && z + lastColumn < width;
    let to = at;
    if (whole) {
      for (let k = depth; k < depth + count; k++, to += step) out[to] = x[from + tap[k]!]!;
      return;
    }
    for (let k = depth; k < depth + count; k++, to += step) {
      const [row, column] = [y + tapRow[k]!, z + tapColumn[k]!];
      const inside = row >= 0 && row < height && column >= 0 && column < width;
      out[to] = inside ? x[from + tap[k]!]! : 0;
    }
  };
}

/** Lines over the pixels of the whole batch at one tap. */
function tapLines(x: Numbers, g: Geometry, patches: Patches, group: number): Line {
  const { tap, tapRow, tapColumn, origin, top, left, pixels } = patches;
  const [height, width] = [g.height, g.width];
  const groupStart = group * (g.channels / g.groups) * height * width;
  const image = g.channels * height * width;
  return (line, depth, count, out, at, step) => {
    const [down, right, shift] = [tapRow[line]!, tapColumn[line]!, tap[line]!];
    let b = Math.floor(depth / pixels);
    let p = depth - b * pixels;
    let from = b * image + groupStart + shift;
    for (let i = 0, to = at; i < count; i++, to += step) {
      const [row, column] = [top[p]! + down, left[p]! + right];
      const inside = row >= 0 && row < height && column >= 0 && column < width;
      out[to] = inside ? x[from + origin[p]!]! : 0;
      if (++p === pixels) {
        p = 0;
        b++;
        from += image;
      }
    }
  };
}

/** Lines over the pixels of the whole batch of one channel of the made side. */
function channelLines(dy: Numbers, g: Geometry, pixels: number, group: number): Line {
  const first = (group * g.outChannels) / g.groups;
  return (line, depth, count, out, at, step) => {
    let b = Math.floor(depth / pixels);
    let p = depth - b * pixels;
    let from = (b * g.outChannels + first + line) * pixels;
    for (let i = 0, to = at; i < count; i++, to += step) {
      out[to] = dy[from + p]!;
      if (++p === pixels) {
        p = 0;
        b++;
        from += g.outChannels * pixels;
      }
    }
  };
}

/** Lines over the channels of one pixel of the made side. */
function pixelChannelLines(dy: Numbers, g: Geometry, pixels: number, group: number): Line {
  const first = (group * g.outChannels) / g.groups;
  return (line, depth, count, out, at, step) => {
    const b = Math.floor(line / pixels);
    let from = (b * g.outChannels + first + depth) * pixels + (line - b * pixels);
    for (let i = 0, to = at; i < count; i++, to += step, from += pixels) out[to] = dy[from]!;
  };
}

/** Calls `run` for each stretch of columns within one image. */
function perImage(
  column: number,
  count: number,
  pixels: number,
  run: (b: number, p: number, n: number, skip: number) => void,
): void {
  for (let done = 0; done < count;) {
    const b = Math.floor((column + done) / pixels);
    const p = column + done - b * pixels;
    const n = Math.min(count - done, pixels - p);
    run(b, p, n, done);
    done += n;
  }
}

export function convolve(gemm: Gemm, g: Geometry, x: Numbers, w: Numbers, out: Numbers): void {
  const patches = patchesOf(g);
  const { taps, pixels } = patches;
  const outGroup = g.outChannels / g.groups;
  for (let group = 0; group < g.groups; group++) {
    const store: Store = (row, column, count, values, at) => {
      perImage(column, count, pixels, (b, p, n, skip) => {
        const to = (b * g.outChannels + group * outGroup + row) * pixels + p;
        out.set(values.subarray(at + skip, at + skip + n), to);
      });
    };
    const left = matrixLine(w, group * outGroup * taps, taps, 1);
    gemm.multiply(outGroup, g.batch * pixels, taps, left, pixelLines(x, g, patches, group), store);
  }
}

/** Adds up to `dx`, which starts as zeros, what each output pixel sends back to its patch. */
export function convolveBack(gemm: Gemm, g: Geometry, dy: Numbers, w: Numbers, dx: Numbers): void {
  const patches = patchesOf(g);
  const { taps, pixels, tap, tapRow, tapColumn, origin, top, left } = patches;
  const [height, width] = [g.height, g.width];
  const outGroup = g.outChannels / g.groups;
  const image = g.channels * height * width;
  for (let group = 0; group < g.groups; group++) {
    const groupStart = group * (g.channels / g.groups) * height * width;
    const store: Store = (row, column, count, values, at) => {
      const [down, right] = [tapRow[row]!, tapColumn[row]!];
      perImage(column, count, pixels, (b, p, n, skip) => {
        const to = b * image + groupStart + tap[row]!;
        for (let i = 0; i < n; i++) {
          const [y, z] = [top[p + i]! + down, left[p + i]! + right];
          if (y < 0 || y >= height || z < 0 || z >= width) continue;
          const place = to + origin[p + i]!;
          dx[place] = dx[place]! + values[at + skip + i]!;
        }
      });
    };
    const weights = matrixLine(w, group * outGroup * taps, 1, taps);
    gemm.multiply(taps, g.batch * pixels, outGroup, weights, pixelChannelLines(dy, g, pixels, group), store);
  }
}

export function convolveWeights(gemm: Gemm, g: Geometry, x: Numbers, dy: Numbers, dw: Numbers): void {
  const patches = patchesOf(g);
  const { taps, pixels } = patches;
  const outGroup = g.outChannels / g.groups;
  for (let group = 0; group < g.groups; group++) {
    const store: Store = (row, column, count, values, at) => {
      dw.set(values.subarray(at, at + count), (group * outGroup + row) * taps + column);
    };
    const rows = channelLines(dy, g, pixels, group);
    gemm.multiply(outGroup, taps, g.batch * pixels, rows, tapLines(x, g, patches, group), store);
  }
}

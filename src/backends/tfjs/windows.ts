/**
 * How a symmetric padding is said in TensorFlow. `EXPLICIT` leaves oneDNN, so windows use `SAME` where it means the same,
 * else a `Pad` before a `VALID` window; padding that no window reads is left out.
 */
import { Dim, type Shape } from "../../compiler/types/dim.ts";
import type { NodeEmitter } from "./emitter.ts";
import { paddings } from "./rows-basic.ts";
import { attr, type TfValue } from "./nodes.ts";

export interface Window {
  /** How far a kernel reaches along each axis, gaps of a dilation counted. */
  readonly reach: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly pad: readonly [number, number];
}
export interface Padding {
  readonly mode: "SAME" | "VALID";
  /** Rows and columns to add before the window runs; undefined for none. */
  readonly before: readonly [number, number] | undefined;
  readonly after: readonly [number, number];
}

/** `size`: height and width of the input. */
export function paddingOf(size: readonly [Dim, Dim], window: Window, allowSame = true): Padding {
  const { reach, stride, pad } = window;
  const none: Padding = { mode: "VALID", before: undefined, after: [0, 0] };
  if (pad[0] === 0 && pad[1] === 0) return none;
  const axes = ([0, 1] as const).map((i) => axisPadding(size[i].constant, reach[i], stride[i], pad[i]));
  if (allowSame && axes.every((a) => a.same)) return { mode: "SAME", before: undefined, after: [0, 0] };
  return { mode: "VALID", before: pad, after: [axes[0]?.after ?? pad[0], axes[1]?.after ?? pad[1]] };
}
function axisPadding(
  size: number | undefined,
  reach: number,
  stride: number,
  pad: number,
): { readonly same: boolean; readonly after: number } {
  if (size === undefined) return { same: stride === 1 && reach === 2 * pad + 1, after: pad };
  const result = Math.floor((size + 2 * pad - reach) / stride) + 1;
  const needed = (result - 1) * stride + reach;
  const total = Math.max(needed - size, 0);
  const same = result === Math.ceil(size / stride) && Math.floor(total / 2) === pad;
  return { same, after: Math.max(needed - size - pad, 0) };
}

/** Adds the padding to `[B, H, W, C]`. */
export function padInput(e: NodeEmitter, x: TfValue, padding: Padding, fill = 0): TfValue {
  if (padding.before === undefined) return x;
  const dims = (pair: readonly [number, number]) => [0, pair[0], pair[1], 0].map((n) => Dim.of(n));
  const by = paddings(e, dims(padding.before), dims(padding.after));
  const attributes = { T: attr.type(x.type), Tpaddings: attr.type("i32") };
  if (fill === 0) return e.tf.one("Pad", [x, by], x.type, attributes);
  return e.tf.one("PadV2", [x, by, e.graph.literal([fill], x.type, [])], x.type, attributes);
}
/** Cuts the padding off again. `shape`: the logical `[B, C, H, W]` without padding. */
export function cropGradient(e: NodeEmitter, dx: TfValue, padding: Padding, shape: Shape): TfValue {
  if (padding.before === undefined) return dx;
  const begin = e.tf.ints([0, padding.before[0], padding.before[1], 0]);
  const [, , height = Dim.one, width = Dim.one] = shape;
  const size = e.graph.shape([Dim.of(-1), height, width, Dim.of(-1)]);
  return e.tf.one("Slice", [dx, begin, size], dx.type, { T: attr.type(dx.type), Index: attr.type("i32") });
}
/** The sizes `[B, H, W, C]` of the padded input. */
export function paddedSizes(e: NodeEmitter, padding: Padding, shape: Shape): TfValue {
  const [batch = Dim.one, channels = Dim.one, height = Dim.one, width = Dim.one] = shape;
  const [top, left] = padding.before ?? [0, 0];
  const [bottom, right] = padding.after;
  return e.graph.shape([batch, height.plus(Dim.of(top + bottom)), width.plus(Dim.of(left + right)), channels]);
}

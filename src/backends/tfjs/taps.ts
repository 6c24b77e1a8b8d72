/**
 * The weight gradient of a convolution as matrix products, one a tap of the kernel: the pixels that a tap reads, turned,
 * times the gradient. oneDNN's own kernel for bf16 reaches half of a product's speed on small maps and with strides.
 */
import { Dim, type Shape } from "../../compiler/types/dim.ts";
import type { NodeEmitter } from "./emitter.ts";
import { attr, type TfValue } from "./nodes.ts";
import { paddings } from "./rows-basic.ts";

export interface Taps {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly pad: readonly [number, number];
  /** Logical `[B, C, H, W]` of the input and `[B, O, H, W]` of the result. */
  readonly input: Shape;
  readonly output: Shape;
}

/** Products of fewer weights a tap lose more by cutting out pixels than they win, as do those over larger maps without a stride. */
const FEWEST_WEIGHTS = 64 * 128;
const LARGEST_SIDE = 16;

/** Whether the products are the faster form, measured for bf16 on maps of 7 to 64 pixels a side. */
export function tapsAreFaster({ input, output, stride }: Taps): boolean {
  const [inputs, outputs] = [input[1]?.constant ?? 0, output[1]?.constant ?? 0];
  const sides = [output[2], output[3]].map((side) => side?.constant ?? Infinity);
  const known = [input[2], input[3], output[2], output[3]].every((side) => side?.constant !== undefined);
  return known && inputs * outputs >= FEWEST_WEIGHTS && (Math.max(...stride) > 1 || Math.max(...sides) <= LARGEST_SIDE);
}

/** `[Kh, Kw, C, O]` from `x` `[B, H, W, C]` and `dy` `[B, Ho, Wo, O]`. */
export function weightGradientByTaps(e: NodeEmitter, x: TfValue, dy: TfValue, taps: Taps): TfValue {
  const { kernel, stride, dilation, output } = taps;
  const [batch = Dim.one, outputs = Dim.one, height = Dim.one, width = Dim.one] = output;
  const channels = e.static(taps.input[1], "the channels of a convolution");
  const pixels = batch.times(height).times(width);
  const columns = e.graph.reshape(dy, [pixels, outputs]);
  const grid = strideGrid(e, x, taps);
  const offsets = Array.from({ length: kernel[0] * kernel[1] }, (_, tap) => [
    Math.floor(tap / kernel[1]) * dilation[0],
    (tap % kernel[1]) * dilation[1],
  ]);
  const products = offsets.map(([down = 0, right = 0]) => {
    const begin = [0, down / stride[0], down % stride[0], right / stride[1], (right % stride[1]) * channels];
    const read =
      grid === undefined
        ? x
        : e.tf.one(
            "Slice",
            [
              grid,
              e.tf.ints(begin.map(Math.floor)),
              e.graph.shape([Dim.of(-1), height, Dim.one, width, Dim.of(channels)]),
            ],
            x.type,
            { T: attr.type(x.type), Index: attr.type("i32") },
          );
    const rows = e.graph.reshape(read, [pixels, Dim.of(channels)]);
    return e.tf.one("MatMul", [rows, columns], x.type, {
      T: attr.type(x.type),
      transpose_a: attr.bool(true),
      transpose_b: attr.bool(false),
    });
  });
  const stacked = e.tf.one("Pack", products, x.type, {
    T: attr.type(x.type),
    N: attr.int(products.length),
    axis: attr.int(0),
  });
  return e.graph.reshape(stacked, [Dim.of(kernel[0]), Dim.of(kernel[1]), Dim.of(channels), outputs]);
}

/**
 * The padded input as `[B, H / s, s, W / s, s * C]`, so that the pixels of a tap are a plain block for any stride s;
 * undefined where every pixel is read just so.
 */
function strideGrid(e: NodeEmitter, x: TfValue, taps: Taps): TfValue | undefined {
  const { kernel, stride, dilation, pad, input, output } = taps;
  const [batch = Dim.one, channels = Dim.one] = input;
  const axes = ([0, 1] as const).map((i) => {
    const [size, result] = [input[2 + i], output[2 + i]].map((d) => e.static(d, "the size of a convolved map"));
    const step = stride[i];
    const read = ((result ?? 0) - 1) * step + dilation[i] * (kernel[i] - 1) + 1;
    const whole = Math.ceil(Math.max((size ?? 0) + pad[i], read) / step);
    return { whole, after: whole * step - pad[i] - (size ?? 0) };
  });
  const [rows, columns] = axes as [(typeof axes)[number], (typeof axes)[number]];
  const untouched = rows.after === 0 && columns.after === 0 && Math.max(...pad) === 0;
  if (untouched && Math.max(...kernel, ...stride) === 1) return undefined;
  const dims = (pair: readonly number[]) => [0, ...pair, 0].map((n) => Dim.of(n));
  const padded = untouched
    ? x
    : e.tf.one("Pad", [x, paddings(e, dims(pad), dims([rows.after, columns.after]))], x.type, {
        T: attr.type(x.type),
        Tpaddings: attr.type("i32"),
      });
  const [down, right] = stride;
  return e.graph.reshape(padded, [
    batch,
    ...[rows.whole, down, columns.whole].map((n) => Dim.of(n)),
    channels.scaled(right),
  ]);
}

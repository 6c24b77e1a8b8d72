/**
 * Gradients of convolutions in ONNX, in the form that engines run fastest for each kernel: docs/decisions/onnx-training.md
 * has the measurements. No form adds at places that coincide.
 */
import { dimAttribute, intAttribute, pairAttribute } from "../../../compiler/ops/attributes.ts";
import type { Node } from "../../../compiler/graph/graph.ts";
import { Dim, elementCount, type Shape } from "../../../compiler/types/dim.ts";
import { END, type NodeEmitter, type Row, type Table } from "../emitter.ts";

type Pair = readonly [number, number];

interface Window {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly pad: Pair;
  readonly dilation: Pair;
  readonly groups: number;
}
function windowOf(node: Node, kernel: readonly (Dim | undefined)[]): Window {
  const [height, width] = kernel.map((size) => size?.constant);
  if (height === undefined || width === undefined) throw new Error("a filter's size is not known");
  const [stride, pad, dilation] = ["stride", "pad", "dilation"].map((name) => pairAttribute(node, name));
  if (stride === undefined || pad === undefined || dilation === undefined) throw new Error("a filter has a window");
  return { kernel: [height, width], stride, pad, dilation, groups: intAttribute(node, "groups") };
}
const both = (pair: Pair, holds: (value: number, axis: 0 | 1) => boolean): boolean =>
  holds(pair[0], 0) && holds(pair[1], 1);

/** Above, turning a filter around costs more than it saves. */
const MOST_TURNED = 128;

const inputGradient: Row = (n) => {
  const [, , ...kernel] = n.type(1).shape;
  const window = windowOf(n.node, kernel);
  const [, outer, ...from] = n.type(0).shape;
  const inner = n.type(1).shape[1]?.constant ?? Infinity;
  const isPoint = both(window.kernel, (size) => size === 1);
  const isFew = Math.max(inner, outer?.constant ?? Infinity) <= MOST_TURNED;
  const reaches = both(window.pad, (pad, axis) => pad <= window.dilation[axis] * (window.kernel[axis] - 1));
  const plain = both(window.stride, (step) => step === 1) && reaches;
  const perChannel = inner === 1 && outer?.constant === window.groups;
  if (plain && ((window.groups === 1 && (isPoint || isFew)) || perChannel)) return turned(n, window, perChannel);
  if (window.groups === 1 && isSmall(from)) return spread(n, window);
  return transposedConvolution(n, n.input(0), n.input(1), { ...window, from, to: n.result.shape.slice(2) });
};

/** So few pixels that a filter of many channels is larger than what it is multiplied with: then it is moved once at most. */
const FEW_PIXELS = 64;
function isSmall(image: Shape): boolean {
  return (elementCount(image).constant ?? Infinity) <= FEW_PIXELS;
}

/** All pixels of the batch times the filter in one product, each row then added to the places that its pixel met. */
function spread(n: NodeEmitter, { kernel, stride, pad, dilation }: Window): string {
  const [batch = Dim.one, outer = Dim.one, ...image] = n.type(0).shape;
  const inner = n.type(1).shape[1] ?? Dim.one;
  const all = inner.scaled(kernel[0] * kernel[1]);
  const last = n.one("Transpose", [n.input(0)], { perm: { ints: [0, 2, 3, 1] } });
  const pixels = n.reshape(last, [batch, ...image, outer], [elementCount([batch, ...image]), outer]);
  const filter = n.reshape(n.input(1), n.type(1).shape, [outer, all]);
  const product = n.one("MatMul", [pixels, filter]);
  const rows = n.one("Reshape", [product, n.shape([batch, elementCount(image), all])]);
  const columns = n.one("Transpose", [rows], { perm: { ints: [0, 2, 1] } });
  return n.one("Col2Im", [columns, n.shape(n.result.shape.slice(2)), n.ints(kernel)], {
    strides: { ints: stride },
    pads: { ints: [...pad, ...pad] },
    dilations: { ints: dilation },
  });
}

/** A convolution of dy with the filter turned around, its channels exchanged. */
function turned(n: NodeEmitter, { kernel, pad, dilation, groups }: Window, perChannel: boolean): string {
  let filter = perChannel ? n.input(1) : n.one("Transpose", [n.input(1)], { perm: { ints: [1, 0, 2, 3] } });
  const axes = [2, 3].filter((axis) => kernel[axis - 2] !== 1);
  if (axes.length > 0) {
    const all = (value: number): string => n.ints(axes.map(() => value));
    filter = n.one("Slice", [filter, all(-1), all(-END), n.ints(axes), all(-1)]);
  }
  const pads = [0, 1].map((axis) => (dilation[axis] ?? 1) * ((kernel[axis] ?? 1) - 1) - (pad[axis] ?? 0));
  return n.one("Conv", [n.input(0), filter], {
    kernel_shape: { ints: kernel },
    pads: { ints: [...pads, ...pads] },
    dilations: { ints: dilation },
    group: { int: groups },
  });
}

/** The adjoint of a convolution that reads images of size `to` and makes some of size `from`. */
export function transposedConvolution(
  n: NodeEmitter,
  x: string,
  filter: string,
  window: Window & { readonly from: Shape; readonly to: Shape },
): string {
  const { kernel, stride, pad, dilation, groups, from, to } = window;
  // Rows and columns at the end that no window read.
  const extra = ([0, 1] as const).map((axis) => {
    const reached = (from[axis] ?? Dim.one)
      .minus(Dim.one)
      .scaled(stride[axis])
      .plus(Dim.of(dilation[axis] * (kernel[axis] - 1) + 1 - 2 * pad[axis]));
    return (to[axis] ?? Dim.one).minus(reached).constant;
  });
  const known = extra.every((size) => size !== undefined);
  const made = n.one("ConvTranspose", [x, filter], {
    kernel_shape: { ints: kernel },
    strides: { ints: stride },
    pads: { ints: [...pad, ...pad] },
    dilations: { ints: dilation },
    group: { int: groups },
    output_padding: { ints: extra.map((size, axis) => (known ? (size ?? 0) : (stride[axis] ?? 1) - 1)) },
  });
  // As many as there can be, and what is too much is cut off.
  return known ? made : n.one("Slice", [made, n.ints([0, 0]), n.shape(to), n.ints([2, 3])]);
}

const weightGradient: Row = (n) => {
  const window = windowOf(n.node, [dimAttribute(n.node, "kernel_height"), dimAttribute(n.node, "kernel_width")]);
  const channels = n.type(0).shape[1]?.constant ?? 0;
  const isPoint = both(window.kernel, (size) => size === 1) && both(window.pad, (pad) => pad === 0);
  if (window.groups === 1 && isPoint) return ofPoints(n, window);
  if (window.groups > 1 && window.groups === channels) return perChannel(n, window);
  if (window.groups > 1 || channels <= FEW) return bySamples(n, window);
  const outer = n.type(1).shape[1]?.constant ?? 0;
  const isLarge = Math.max(channels, outer) > MOST_TURNED && isSmall(n.type(1).shape.slice(2));
  return isLarge && channels * outer > 256 * 256 ? atOnce(n, window) : byRows(n, window);
};
/** So few channels make products too narrow to be worth their start. */
const FEW = 4;

/** The members of the image that place (i, j) of the filter met, in an image whose height is at `axis`. */
function met(n: NodeEmitter, x: string, { stride, dilation }: Window, [i, j]: Pair, axis: number): string {
  const made = n.type(1).shape.slice(2);
  const starts = [i * dilation[0], j * dilation[1]];
  const ends = starts.map((start, k) =>
    (made[k] ?? Dim.one)
      .minus(Dim.one)
      .scaled(stride[k] ?? 1)
      .plus(Dim.of(start + 1)),
  );
  return n.one("Slice", [x, n.ints(starts), n.shape(ends), n.ints([axis, axis + 1]), n.ints(stride)]);
}
function places({ kernel }: Window): readonly Pair[] {
  return Array.from({ length: kernel[0] * kernel[1] }, (_, k): Pair => [Math.floor(k / kernel[1]), k % kernel[1]]);
}
function padded(n: NodeEmitter, x: string, pad: Pair, axis: number): string {
  if (both(pad, (width) => width === 0)) return x;
  const widths = Array.from({ length: 4 }, (_, i) => pad[i - axis] ?? 0);
  return n.one("Pad", [x, n.ints([...widths, ...widths]), n.scalar(0, n.result.dtype)]);
}
/** [B, O, Ho, Wo] as [O, B Ho Wo]. */
function channelRows(n: NodeEmitter, x: string, shape: Shape): string {
  const [batch = Dim.one, channels = Dim.one, ...image] = shape;
  const turned = n.one("Transpose", [x], { perm: { ints: [1, 0, 2, 3] } });
  return n.reshape(turned, [channels, batch, ...image], [channels, elementCount([batch, ...image])]);
}

/** One product over all pixels. */
function ofPoints(n: NodeEmitter, window: Window): string {
  const [batch = Dim.one, channels = Dim.one] = n.type(0).shape;
  const made = n.type(1).shape;
  const image = both(window.stride, (step) => step === 1) ? n.input(0) : met(n, n.input(0), window, [0, 0], 2);
  const x = channelRows(n, image, [batch, channels, ...made.slice(2)]);
  const product = n.one("Gemm", [channelRows(n, n.input(1), made), x], { transB: { int: 1 } });
  return n.reshape(product, [made[1] ?? Dim.one, channels], n.result.shape);
}

/** A product over all pixels for each place of the filter, of the image with its channels last. */
function byRows(n: NodeEmitter, window: Window): string {
  const channels = n.type(0).shape[1] ?? Dim.one;
  const made = n.type(1).shape;
  const [batch = Dim.one, outer = Dim.one, ...image] = made;
  const dy = channelRows(n, n.input(1), made);
  const x = padded(n, n.one("Transpose", [n.input(0)], { perm: { ints: [0, 2, 3, 1] } }), window.pad, 1);
  const products = places(window).map((place) => {
    const rows = n.reshape(
      met(n, x, window, place, 1),
      [batch, ...image, channels],
      [elementCount([batch, ...image]), channels],
    );
    return n.one("MatMul", [dy, rows]);
  });
  return placesLast(n, n.one("Concat", products, { axis: { int: 1 } }), outer, channels, products.length);
}

/** One product, of the image with all places of the filter behind each channel: what it gives lies as the filter does. */
function atOnce(n: NodeEmitter, window: Window): string {
  const channels = n.type(0).shape[1] ?? Dim.one;
  const made = n.type(1).shape;
  const [batch = Dim.one, outer = Dim.one, ...image] = made;
  const x = padded(n, n.one("Transpose", [n.input(0)], { perm: { ints: [0, 2, 3, 1] } }), window.pad, 1);
  const parts = places(window).map((place) => n.one("Unsqueeze", [met(n, x, window, place, 1), n.ints([4])]));
  const joined = n.one("Concat", parts, { axis: { int: 4 } });
  const all = channels.scaled(parts.length);
  const columns = n.reshape(
    joined,
    [batch, ...image, channels, Dim.of(parts.length)],
    [elementCount([batch, ...image]), all],
  );
  return n.reshape(n.one("MatMul", [channelRows(n, n.input(1), made), columns]), [outer, all], n.result.shape);
}

/** A product a sample (and group) over the image's pixels with all places of the filter side by side, then their sum. */
function bySamples(n: NodeEmitter, window: Window): string {
  const [batch = Dim.one, channels = Dim.one] = n.type(0).shape;
  const made = n.type(1).shape;
  const [, outer = Dim.one, ...image] = made;
  const groups = Dim.of(window.groups);
  const inner = n.result.shape[1] ?? Dim.one;
  const pixels = elementCount(image);
  const x = padded(n, n.input(0), window.pad, 2);
  const parts = places(window).map((place) =>
    n.reshape(met(n, x, window, place, 2), [batch, channels, ...image], [batch, groups, inner, pixels]),
  );
  const columns = n.one("Concat", parts, { axis: { int: 2 } });
  const dy = n.reshape(n.input(1), made, [batch, groups, outer.floorDividedBy(groups), pixels]);
  const products = n.one("MatMul", [dy, n.one("Transpose", [columns], { perm: { ints: [0, 1, 3, 2] } })]);
  const sum = n.one("ReduceSum", [products, n.ints([0])], { keepdims: { int: 0 } });
  return placesLast(n, sum, outer, inner, parts.length);
}

/** A filter a channel: there is nothing to multiply matrices for. */
function perChannel(n: NodeEmitter, window: Window): string {
  const [batch = Dim.one, channels = Dim.one] = n.type(0).shape;
  const made = n.type(1).shape;
  const [, outer = Dim.one, ...image] = made;
  const each = outer.floorDividedBy(channels);
  const x = padded(n, n.input(0), window.pad, 2);
  const dy = n.reshape(n.input(1), made, [batch, channels, each, ...image]);
  const sums = places(window).map((place) => {
    const part = n.reshape(
      met(n, x, window, place, 2),
      [batch, channels, ...image],
      [batch, channels, Dim.one, ...image],
    );
    const planes = n.one("ReduceSum", [n.one("Mul", [dy, part]), n.ints([3, 4])], { keepdims: { int: 0 } });
    return n.one("ReduceSum", [planes, n.ints([0])], { keepdims: { int: 0 } });
  });
  const stacked = n.one(
    "Concat",
    sums.map((sum) => n.one("Unsqueeze", [sum, n.ints([2])])),
    { axis: { int: 2 } },
  );
  return n.reshape(stacked, [channels, each, Dim.of(sums.length)], n.result.shape);
}

/** [O, places C] as [O, C, Kh, Kw]. */
function placesLast(n: NodeEmitter, x: string, outer: Dim, inner: Dim, count: number): string {
  const apart = n.one("Reshape", [x, n.shape([outer, Dim.of(count), inner])]);
  const last = n.one("Transpose", [apart], { perm: { ints: [0, 2, 1] } });
  return n.reshape(last, [outer, inner, Dim.of(count)], n.result.shape);
}

export const convolutionGradients: Table = {
  conv2d_input_gradient: inputGradient,
  conv2d_weight_gradient: weightGradient,
};

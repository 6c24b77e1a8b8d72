/** Rows of convolutions and pools, forward and gradients, channels last. */
import type { Node } from "../../compiler/graph/graph.ts";
import { pairAttribute } from "../../compiler/ops/attributes.ts";
import { Dim, type Shape } from "../../compiler/types/dim.ts";
import type { NodeEmitter, Produced, Row, Table } from "./emitter.ts";
import { channelsLast, kernelLayout, type Layout, type LayoutRule } from "../layout.ts";
import { attr, type TfValue } from "./nodes.ts";
import type { AttrValue } from "./proto.ts";
import { tapsAreFaster, weightGradientByTaps } from "./taps.ts";
import { cropGradient, paddedSizes, padInput, paddingOf, type Padding } from "./windows.ts";

const last = channelsLast(4);
/** Padding of a maximum: the lowest number, for oneDNN is slow with infinities and both never win. */
const LOWEST = -3.4028234663852886e38;

const fixed = (inputs: readonly Layout[], output: Layout) => (): LayoutRule => ({
  kind: "fixed",
  inputs,
  outputs: [output],
});
const produced = (value: TfValue, layout: Layout = last): readonly Produced[] => [{ value, layout }];

interface Convolution {
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly groups: number;
  readonly padding: Padding;
  readonly kernel: readonly [number, number];
  /** A kernel a channel: the groups are single channels. */
  readonly depthwise: boolean;
  /** Logical `[B, C, H, W]` of the input. */
  readonly input: Shape;
}

function convolution(e: NodeEmitter, input: Shape, kernel: readonly [number, number]): Convolution {
  const [stride, pad] = [pairAttribute(e.node, "stride"), pairAttribute(e.node, "pad")];
  const dilation = pairAttribute(e.node, "dilation", 1);
  const groups = e.attribute("groups") === undefined ? 1 : e.int("groups");
  const reach: [number, number] = [dilation[0] * (kernel[0] - 1) + 1, dilation[1] * (kernel[1] - 1) + 1];
  const size: [Dim, Dim] = [input[2] ?? Dim.one, input[3] ?? Dim.one];
  const padding = paddingOf(size, { reach, stride, pad });
  return {
    stride,
    dilation,
    groups,
    padding,
    kernel,
    // TensorFlow's depthwise kernels take even steps only, and no gaps
    depthwise: groups > 1 && input[1]?.constant === groups && Math.max(...dilation) === 1 && stride[0] === stride[1],
    input,
  };
}
function kernelOf(e: NodeEmitter, shape: Shape): [number, number] {
  return [e.static(shape[2], "a kernel's height"), e.static(shape[3], "a kernel's width")];
}
function attributes(c: Convolution, type: TfValue["type"]): Record<string, AttrValue> {
  const common = {
    T: attr.type(type),
    strides: attr.ints([1, ...c.stride, 1]),
    padding: attr.string(c.padding.mode),
    data_format: attr.string("NHWC"),
    dilations: attr.ints([1, ...c.dilation, 1]),
  };
  return c.depthwise ? common : { ...common, use_cudnn_on_gpu: attr.bool(true) };
}
function split(e: NodeEmitter, x: TfValue, parts: number): readonly TfValue[] {
  if (parts === 1) return [x];
  return e.tf.add(
    "Split",
    [e.tf.scalar(3, "i32"), x],
    Array.from({ length: parts }, () => x.type),
    { T: attr.type(x.type), num_split: attr.int(parts) },
  );
}
function join(e: NodeEmitter, parts: readonly TfValue[]): TfValue {
  const [first] = parts;
  if (parts.length === 1 && first) return first;
  const type = first?.type ?? "f32";
  return e.tf.one("ConcatV2", [...parts, e.tf.scalar(3, "i32")], type, {
    T: attr.type(type),
    N: attr.int(parts.length),
    Tidx: attr.type("i32"),
  });
}
/** `[H, W, 1, C * M]` as the `[H, W, C, M]` of depthwise kernels: the same numbers in the same places. */
function depthwiseKernel(e: NodeEmitter, w: TfValue, c: Convolution): TfValue {
  return e.graph.reshape(w, depthwiseShape(c));
}
function depthwiseShape(c: Convolution): Shape {
  return [Dim.of(c.kernel[0]), Dim.of(c.kernel[1]), Dim.of(c.groups), Dim.of(-1)];
}

function forward(e: NodeEmitter, x: TfValue, w: TfValue, c: Convolution): TfValue {
  const padded = padInput(e, x, c.padding);
  const given = attributes(c, x.type);
  if (c.depthwise) return e.tf.one("DepthwiseConv2dNative", [padded, depthwiseKernel(e, w, c)], x.type, given);
  const [xs, ws] = [split(e, padded, c.groups), split(e, w, c.groups)];
  return join(
    e,
    xs.map((part, i) => e.tf.one("Conv2D", [part, ws[i] as TfValue], x.type, given)),
  );
}
function inputGradient(e: NodeEmitter, dy: TfValue, w: TfValue, c: Convolution): TfValue {
  const given = attributes(c, dy.type);
  const sizesOf = (channels: Dim | undefined) =>
    paddedSizes(
      e,
      c.padding,
      c.input.map((d, i) => (i === 1 && channels ? channels : d)),
    );
  if (c.depthwise) {
    const dx = e.tf.one(
      "DepthwiseConv2dNativeBackpropInput",
      [sizesOf(undefined), depthwiseKernel(e, w, c), dy],
      dy.type,
      given,
    );
    return cropGradient(e, dx, c.padding, c.input);
  }
  const channels =
    c.groups === 1 ? undefined : Dim.of(e.static(c.input[1], "the channels of a grouped convolution") / c.groups);
  const [dys, ws] = [split(e, dy, c.groups), split(e, w, c.groups)];
  const parts = dys.map((part, i) =>
    e.tf.one("Conv2DBackpropInput", [sizesOf(channels), ws[i] as TfValue, part], dy.type, given),
  );
  return cropGradient(e, join(e, parts), c.padding, c.input);
}
function weightGradient(e: NodeEmitter, x: TfValue, dy: TfValue, c: Convolution): TfValue {
  const taps = { ...c, pad: pairAttribute(e.node, "pad"), output: e.inputShape(1) };
  if (x.type === "bf16" && c.groups === 1 && tapsAreFaster(taps)) return weightGradientByTaps(e, x, dy, taps);
  const padded = padInput(e, x, c.padding);
  const given = attributes(c, x.type);
  const [o, i, h, w] = e.outputShape().map((d) => e.static(d, "a kernel's size")) as [number, number, number, number];
  if (c.depthwise) {
    const sizes = e.tf.ints([h, w, c.groups, o / c.groups]);
    const dw = e.tf.one("DepthwiseConv2dNativeBackpropFilter", [padded, sizes, dy], x.type, given);
    return e.graph.reshape(
      dw,
      [h, w, 1, o].map((n) => Dim.of(n)),
    );
  }
  // oneDNN's kernel for this case writes past its buffers where the channels do not fill its vectors and the batch is
  // odd. Without a stride it is right, so the pixels that count are cut out first.
  const cut = h === 1 && w === 1 && Math.max(...c.stride) > 1 && i % VECTOR !== 0;
  const read = cut ? everyPixel(e, padded, c.stride) : padded;
  const attrs = cut ? { ...given, strides: attr.ints([1, 1, 1, 1]), padding: attr.string("VALID") } : given;
  const sizes = e.tf.ints([h, w, i, o / c.groups]);
  const [xs, dys] = [split(e, read, c.groups), split(e, dy, c.groups)];
  return join(
    e,
    xs.map((part, at) => e.tf.one("Conv2DBackpropFilter", [part, sizes, dys[at] as TfValue], x.type, attrs)),
  );
}
/** Channels that one vector of the widest kernels holds. */
const VECTOR = 16;
/** The rows and columns of `[B, H, W, C]` that these steps reach from the first on. */
function everyPixel(e: NodeEmitter, x: TfValue, step: readonly [number, number]): TfValue {
  const [none, steps] = [e.tf.ints([0, 0, 0, 0]), e.tf.ints([1, ...step, 1])];
  const whole = attr.int(0b1111);
  return e.tf.one("StridedSlice", [x, none, none, steps], x.type, {
    ...{ T: attr.type(x.type), Index: attr.type("i32"), begin_mask: whole, end_mask: whole },
    ...{ ellipsis_mask: attr.int(0), new_axis_mask: attr.int(0), shrink_axis_mask: attr.int(0) },
  });
}

interface Pool {
  readonly padding: Padding;
  readonly attributes: Record<string, AttrValue>;
}
function pool(e: NodeEmitter, input: Shape, allowSame: boolean): Pool {
  const [kernel, stride, pad] = [
    pairAttribute(e.node, "kernel"),
    pairAttribute(e.node, "stride"),
    pairAttribute(e.node, "pad"),
  ];
  const padding = paddingOf([input[2] ?? Dim.one, input[3] ?? Dim.one], { reach: kernel, stride, pad }, allowSame);
  return {
    padding,
    attributes: {
      T: attr.type(e.outputType()),
      ksize: attr.ints([1, ...kernel, 1]),
      strides: attr.ints([1, ...stride, 1]),
      padding: attr.string(padding.mode),
      data_format: attr.string("NHWC"),
    },
  };
}

/** The input's shape of a gradient that is told its height and width. */
function givenInput(e: NodeEmitter, channels: Dim): Shape {
  const [batch = Dim.one] = e.outputShape();
  return [batch, channels, e.dim("height"), e.dim("width")];
}

const row = (layout: (node: Node) => LayoutRule, emit: Row["emit"]): Row => ({ layout, emit });

export const windowRows: Table = {
  conv2d: row(fixed([last, kernelLayout], last), (e) => {
    const c = convolution(e, e.inputShape(0), kernelOf(e, e.inputShape(1)));
    return produced(forward(e, e.input(0, last), e.input(1, kernelLayout), c));
  }),
  conv2d_input_gradient: row(fixed([last, kernelLayout], last), (e) => {
    const channels = e.outputShape()[1] ?? Dim.one;
    const c = convolution(e, givenInput(e, channels), kernelOf(e, e.inputShape(1)));
    return produced(inputGradient(e, e.input(0, last), e.input(1, kernelLayout), c));
  }),
  conv2d_weight_gradient: row(fixed([last, last], kernelLayout), (e) => {
    const c = convolution(e, e.inputShape(0), kernelOf(e, e.outputShape()));
    return produced(weightGradient(e, e.input(0, last), e.input(1, last), c), kernelLayout);
  }),
  /** The adjoint of a convolution whose kernel is `[C, O, H, W]`: `C` its outputs, `O` its inputs. */
  conv2d_transpose: row(fixed([last, kernelLayout], last), (e) => {
    const c = convolution(e, e.outputShape(), kernelOf(e, e.inputShape(1)));
    return produced(inputGradient(e, e.input(0, last), e.input(1, kernelLayout), c));
  }),
  max_pool2d: row(fixed([last], last), (e) => {
    const p = pool(e, e.inputShape(0), true);
    const x = padInput(e, e.input(0, last), p.padding, LOWEST);
    return produced(e.tf.one("MaxPool", [x], x.type, p.attributes));
  }),
  max_pool2d_gradient: row(fixed([last, last, last], last), (e) => {
    const p = pool(e, e.inputShape(0), true);
    const x = padInput(e, e.input(0, last), p.padding, LOWEST);
    const dx = e.tf.one("MaxPoolGrad", [x, e.input(1, last), e.input(2, last)], x.type, p.attributes);
    return produced(cropGradient(e, dx, p.padding, e.inputShape(0)));
  }),
  avg_pool2d: row(fixed([last], last), (e) => {
    const p = pool(e, e.inputShape(0), false);
    const x = padInput(e, e.input(0, last), p.padding);
    return produced(e.tf.one("AvgPool", [x], x.type, p.attributes));
  }),
  avg_pool2d_gradient: row(fixed([last], last), (e) => {
    const input = givenInput(e, e.outputShape()[1] ?? Dim.one);
    const p = pool(e, input, false);
    const dy = e.input(0, last);
    const dx = e.tf.one("AvgPoolGrad", [paddedSizes(e, p.padding, input), dy], dy.type, p.attributes);
    return produced(cropGradient(e, dx, p.padding, input));
  }),
};

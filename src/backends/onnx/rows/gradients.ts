/**
 * Gradients of elementwise operators, lookups, losses, normalisation and pools in ONNX. Whatever adds at places that may
 * coincide is ScatterElements: with ScatterND, ONNX Runtime's threads overwrite each other's sums.
 */
import { intAttribute, numberAttribute, pairAttribute } from "../../../compiler/ops/attributes.ts";
import { Dim, elementCount, type Shape } from "../../../compiler/types/dim.ts";
import type { NodeEmitter, Row, Table } from "../emitter.ts";
import { transposedConvolution } from "./convolution-gradients.ts";
import { isInside, maxPoolWithPlaces, windowAttributes } from "./windows.ts";

/** Zeros and ones times dy: engines compare and multiply ten times faster than they choose between a tensor and a number. */
const reluGradient: Row = (n) => {
  const { dtype } = n.result;
  const rises = n.cast(n.one("Greater", [n.input(0), n.scalar(0, dtype)]), dtype);
  return n.one("Mul", [n.input(1), rises]);
};

/** Zeros of a shape, with `updates` added along one axis at the places that `at`, of the shape of `updates`, says. */
export function added(n: NodeEmitter, shape: Shape, at: string, updates: string, axis: number): string {
  const zeros = n.one("Expand", [n.scalar(0, n.result.dtype), n.shape(shape)]);
  return n.one("ScatterElements", [zeros, at, updates], { axis: { int: axis }, reduction: { text: "add" } });
}

const gatherGradient: Row = (n) => {
  const axis = intAttribute(n.node, "axis");
  const { shape } = n.type(1);
  const alone = shape.map((size, i) => (i === axis ? size : Dim.one));
  const at = n.one("Expand", [n.reshape(n.input(0), n.type(0).shape, alone), n.shape(shape)]);
  return added(n, n.result.shape, at, n.input(1), axis);
};

/** (softmax - one hot) dy, row by row. */
const softmaxCrossEntropyGradient: Row = (n) => {
  const { dtype } = n.result;
  const count = n.result.shape[1] ?? Dim.one;
  const labels = n.type(1).dtype;
  const classes = n.one("Range", [n.scalar(0, labels), n.cast(n.number(count), labels), n.scalar(1, labels)]);
  const own = n.cast(n.one("Equal", [n.one("Unsqueeze", [n.input(1), n.ints([1])]), classes]), dtype);
  const odds = n.one("Softmax", [n.input(0)], { axis: { int: 1 } });
  return n.one("Mul", [n.one("Sub", [odds, own]), n.one("Unsqueeze", [n.input(2), n.ints([1])])]);
};

/**
 * With c = x - mean and r = 1 / sqrt(variance + eps), over n members a channel: dbias = sum dy, dweight = r sum dy c,
 * dx = a dy - (a / n) dbias - (a r / n) dweight c, where a = weight r. Sums run over what lies together first: engines
 * are slow at axes apart.
 */
const batchNormTrainGradient: Row = (n) => {
  const [x, weight, mean, variance, dy] = n.inputs;
  if (x === undefined || weight === undefined || mean === undefined || variance === undefined || dy === undefined)
    throw new Error(`${n.node.op} takes five tensors`);
  const { dtype, shape } = n.type(0);
  const channels = n.type(1).shape;
  const wide = (value: string): string =>
    n.reshape(
      value,
      channels,
      shape.map((_, axis) => (axis === 1 ? (channels[0] ?? Dim.one) : Dim.one)),
    );
  const members = shape.filter((_, axis) => axis !== 1);
  const count = n.cast(n.number(elementCount(members)), dtype);
  const sum = (value: string): string => {
    const inner = shape.flatMap((_, axis) => (axis > 1 ? [axis] : []));
    const planes = inner.length === 0 ? value : n.one("ReduceSum", [value, n.ints(inner)], { keepdims: { int: 0 } });
    return n.one("ReduceSum", [planes, n.ints([0])], { keepdims: { int: 0 } });
  };
  const spread = n.one("Sqrt", [n.one("Add", [variance, n.scalar(numberAttribute(n.node, "eps"), dtype)])]);
  const centred = n.one("Sub", [x, wide(mean)]);
  const bias = sum(dy);
  const scaled = n.one("Div", [sum(n.one("Mul", [dy, centred])), spread]);
  const factor = n.one("Div", [weight, spread]);
  const part = n.one("Div", [factor, count]);
  const slope = n.one("Neg", [n.one("Div", [n.one("Mul", [part, scaled]), spread])]);
  const shift = n.one("Neg", [n.one("Mul", [part, bias])]);
  const parts = [n.one("Mul", [dy, wide(factor)]), n.one("Mul", [centred, wide(slope)])];
  return [n.one("Add", [n.one("Add", parts), wide(shift)]), scaled, bias];
};

/** To the first of the largest of each window: the places that MaxPool itself gives, counted through the whole tensor. */
const maxPoolGradient: Row = (n) => {
  const { shape } = n.type(0);
  const [dy, from] = [n.input(2), n.type(2).shape];
  const scattered = (read: Shape, places: string): string => {
    const flat = (value: string): string => n.reshape(value, from, [elementCount(from)]);
    return n.reshape(added(n, [elementCount(read)], flat(places), flat(dy), 0), [elementCount(read)], read);
  };
  if (isInside(n.node)) {
    const known = n.values[1] && n.emitter.extras.get(n.values[1].node)?.[0];
    return scattered(shape, known ?? maxPoolWithPlaces(n, n.input(0))[1] ?? "");
  }
  const pad = pairAttribute(n.node, "pad");
  const padded = shape.map((size, axis) => (axis < 2 ? size : size.plus(Dim.of(2 * (pad[axis - 2] ?? 0)))));
  const widths = n.ints([0, 0, ...pad, 0, 0, ...pad]);
  const image = n.one("Pad", [n.input(0), widths, n.scalar(-Infinity, n.result.dtype)]);
  const attributes = { kernel_shape: { ints: pairAttribute(n.node, "kernel") }, ...windowAttributes(n.node) };
  const [, places = ""] = n.all("MaxPool", [image], { ...attributes, pads: { ints: [0, 0, 0, 0] } }, 2);
  const ends = n.shape([2, 3].map((axis) => (shape[axis] ?? Dim.one).plus(Dim.of(pad[axis - 2] ?? 0))));
  return n.one("Slice", [scattered(padded, places), n.ints(pad), ends, n.ints([2, 3])]);
};

/** Each plane by itself: a filter of equal parts, turned around. */
const avgPoolGradient: Row = (n) => {
  const { dtype, shape } = n.result;
  const from = n.type(0).shape;
  const [kernel, stride, pad] = ["kernel", "stride", "pad"].map((name) => pairAttribute(n.node, name));
  if (kernel === undefined || stride === undefined || pad === undefined) throw new Error("a pool has a window");
  const share = 1 / (kernel[0] * kernel[1]);
  const plane = n.one("Mul", [n.input(0), n.scalar(share, dtype)]);
  const isWhole = [2, 3].every((axis) => shape[axis]?.constant === kernel[axis - 2] && from[axis]?.constant === 1);
  if (isWhole) return n.one("Expand", [plane, n.shape(shape)]);
  const planes = (of: Shape): Shape => [(of[0] ?? Dim.one).times(of[1] ?? Dim.one), Dim.one, ...of.slice(2)];
  const filter = n.emitter.model.constant(dtype, [1, 1, ...kernel], new Float64Array(kernel[0] * kernel[1]).fill(1));
  const spread = transposedConvolution(n, n.reshape(plane, from, planes(from)), filter, {
    from: from.slice(2),
    to: shape.slice(2),
    kernel,
    stride,
    pad,
    dilation: [1, 1],
    groups: 1,
  });
  return n.reshape(spread, planes(shape), shape);
};

export const gradients: Table = {
  relu_gradient: reluGradient,
  gather_gradient: gatherGradient,
  softmax_cross_entropy_gradient: softmaxCrossEntropyGradient,
  batch_norm_train_gradient: batchNormTrainGradient,
  max_pool2d_gradient: maxPoolGradient,
  avg_pool2d_gradient: avgPoolGradient,
};

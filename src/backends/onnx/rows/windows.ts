/** Products, windows, sampling and normalisation in ONNX: the operators that take most of the time. */
import type { Node } from "../../../compiler/graph/graph.ts";
import { dimAttribute, numberAttribute, pairAttribute } from "../../../compiler/ops/attributes.ts";
import { Dim } from "../../../compiler/types/dim.ts";
import type { NodeEmitter, Row, Table } from "../emitter.ts";
import type { AttributeValues } from "../proto.ts";

const matmul: Row = (n) => n.one("MatMul", n.inputs);

/** Strides and pads of a filter or a pool; before an axis as much as behind it. */
export function windowAttributes(node: Node): AttributeValues {
  const pad = pairAttribute(node, "pad");
  return { strides: { ints: pairAttribute(node, "stride") }, pads: { ints: [...pad, ...pad] } };
}

/** Engines refuse windows that could lie in the padding alone, so such padding is added before. */
function pool(op: string, outside: number, attributes: AttributeValues): Row {
  return (n) => {
    const [kernel, pad] = [pairAttribute(n.node, "kernel"), pairAttribute(n.node, "pad")];
    const shared = { kernel_shape: { ints: kernel }, ...windowAttributes(n.node) };
    if (isInside(n.node)) return n.one(op, n.inputs, { ...shared, ...attributes });
    const widths = n.ints([0, 0, ...pad, 0, 0, ...pad]);
    const padded = n.one("Pad", [n.input(0), widths, n.scalar(outside, n.result.dtype)]);
    return n.one(op, [padded], { ...shared, pads: { ints: [0, 0, 0, 0] }, ...attributes });
  };
}

/** Whether every window reaches into the image. */
export function isInside(node: Node): boolean {
  const [kernel, pad] = [pairAttribute(node, "kernel"), pairAttribute(node, "pad")];
  return pad[0] < kernel[0] && pad[1] < kernel[1];
}

/** The largest of each window; the places of them too, where a gradient will ask. */
const maxPool: Row = (n) => {
  const asked = n.emitter.graph.nodes.some(
    ({ op, inputs }) => op === "max_pool2d_gradient" && inputs[1]?.node === n.node,
  );
  if (!asked || !isInside(n.node)) return pool("MaxPool", -Infinity, {})(n);
  const [largest = "", places = ""] = maxPoolWithPlaces(n, n.input(0));
  n.emitter.extras.set(n.node, [places]);
  return largest;
};
export function maxPoolWithPlaces(n: NodeEmitter, x: string): readonly string[] {
  const kernel = { kernel_shape: { ints: pairAttribute(n.node, "kernel") } };
  return n.all("MaxPool", [x], { ...kernel, ...windowAttributes(n.node) }, 2);
}

/** "linear" is bilinear here: the name since opset 20. */
const gridSample: Row = (n) =>
  n.one("GridSample", n.inputs, {
    mode: { text: n.emitter.model.version.opset < 20 ? "bilinear" : "linear" },
    padding_mode: { text: "zeros" },
    align_corners: { int: 0 },
  });

/** Since opset 20; before, it is a product with the places of pixels. */
export const affineGrid: Row = (n) => {
  const batch = n.type(0).shape[0] ?? Dim.one;
  const size = n.shape([batch, Dim.one, dimAttribute(n.node, "Ho"), dimAttribute(n.node, "Wo")]);
  return n.one("AffineGrid", [n.input(0), size], { align_corners: { int: 0 } });
};

const resize: Row = (n) => {
  const sizes = n.shape([dimAttribute(n.node, "Ho"), dimAttribute(n.node, "Wo")]);
  return n.one("Resize", [n.input(0), "", "", sizes], {
    axes: { ints: [2, 3] },
    mode: { text: "linear" },
    coordinate_transformation_mode: { text: "half_pixel" },
  });
};

const batchNormEval: Row = (n) =>
  n.one("BatchNormalization", n.inputs, { epsilon: { float: numberAttribute(n.node, "eps") } });

/**
 * With momentum 0, what ONNX calls the running mean and variance are those of this batch, the variance biased. ONNX Runtime
 * writes them over those before, whoever else reads these; so each normalisation gets zeros of its own, made in the run.
 */
const batchNormTrain: Row = (n) => {
  const { dtype, shape } = n.type(0);
  const axes = shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
  const all = (value: number): string => n.ints(axes.map(() => value));
  const one = n.reshape(
    n.one("Slice", [n.input(0), all(0), all(1), n.ints(axes)]),
    shape.map((size, axis) => (axis === 1 ? size : Dim.one)),
    n.type(1).shape,
  );
  const [mean = "", variance = ""] = ["Add", "Sub"].map((op) =>
    n.one("Mul", [n.one(op, [one, n.input(1)]), n.scalar(0, dtype)]),
  );
  const attributes = {
    epsilon: { float: numberAttribute(n.node, "eps") },
    momentum: { float: 0 },
    training_mode: { int: 1 },
  };
  return n.all("BatchNormalization", [...n.inputs, mean, variance], attributes, 3);
};

const softmaxCrossEntropy: Row = (n) => {
  const logs = n.one("LogSoftmax", [n.input(0)], { axis: { int: 1 } });
  const labels = n.one("Unsqueeze", [n.input(1), n.ints([1])]);
  const picked = n.one("GatherElements", [logs, labels], { axis: { int: 1 } });
  return n.one("Neg", [n.one("Squeeze", [picked, n.ints([1])])]);
};

export const windows: Table = {
  matmul,
  max_pool2d: maxPool,
  avg_pool2d: pool("AveragePool", 0, { count_include_pad: { int: 1 } }),
  grid_sample: gridSample,
  resize,
  batch_norm_eval: batchNormEval,
  batch_norm_train: batchNormTrain,
  softmax_cross_entropy: softmaxCrossEntropy,
};

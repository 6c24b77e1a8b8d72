/** Operators that move, pick or make elements without computing with them, in ONNX. */
import {
  dimAttribute,
  dimsAttribute,
  intAttribute,
  intsAttribute,
  numberAttribute,
} from "../../../compiler/ops/attributes.ts";
import { Dim } from "../../../compiler/types/dim.ts";
import { END, type NodeEmitter, type Row, type Table } from "../emitter.ts";

const reshape: Row = (n) => n.reshape(n.input(0), n.type(0).shape, n.result.shape);

/** ONNX stretches both ways, so 1 keeps a size that is right already and need not be computed. */
const expand: Row = (n) => {
  const from = n.type(0).shape;
  const to = n.result.shape;
  const lead = to.length - from.length;
  return n.one("Expand", [
    n.input(0),
    n.shape(to.map((dim, axis) => (from[axis - lead]?.key === dim.key ? Dim.one : dim))),
  ]);
};

const transpose: Row = (n) => n.one("Transpose", n.inputs, { perm: { ints: intsAttribute(n.node, "order") } });

const concat: Row = (n) => n.one("Concat", n.inputs, { axis: { int: intAttribute(n.node, "axis") } });

const stack: Row = (n) => {
  const axis = intAttribute(n.node, "axis");
  const members = n.inputs.map((x) => n.one("Unsqueeze", [x, n.ints([axis])]));
  return n.one("Concat", members, { axis: { int: axis } });
};

const split: Row = (n) => {
  const parts = intAttribute(n.node, "parts");
  return n.all("Split", n.inputs, { axis: { int: intAttribute(n.node, "axis") }, num_outputs: { int: parts } }, parts);
};

const slice: Row = (n) => {
  const axis = intAttribute(n.node, "axis");
  const size = n.type(0).shape[axis];
  const [from, to] = [dimAttribute(n.node, "from"), dimAttribute(n.node, "to")].map((dim) => sliceBorder(n, dim, size));
  if (from === undefined || to === undefined) throw new Error("a slice has two borders");
  return n.one("Slice", [n.input(0), from, to, n.ints([axis])]);
};
/** Counted from the end where the run's size would have to be computed otherwise. */
function sliceBorder(n: NodeEmitter, border: Dim, size: Dim | undefined): string {
  if (border.constant !== undefined) return n.ints([border.constant]);
  const fromEnd = size && border.minus(size).constant;
  if (fromEnd === 0) return n.ints([END]);
  return fromEnd !== undefined && fromEnd < 0 ? n.ints([fromEnd]) : n.size(border);
}

const flip: Row = (n) => {
  const axis = intAttribute(n.node, "axis");
  return n.one("Slice", [n.input(0), n.ints([-1]), n.ints([-END]), n.ints([axis]), n.ints([-1])]);
};

const pad: Row = (n) => {
  const widths = n.shape([...dimsAttribute(n.node, "before"), ...dimsAttribute(n.node, "after")]);
  return n.one("Pad", [n.input(0), widths, n.scalar(numberAttribute(n.node, "value"), n.result.dtype)]);
};

const gather: Row = (n) => n.one("Gather", n.inputs, { axis: { int: intAttribute(n.node, "axis") } });

/** By comparison: a label out of range gives zeros on every engine, and more of them have Equal than OneHot. */
const oneHot: Row = (n) => {
  const { dtype, shape } = n.type(0);
  const count = intAttribute(n.node, "count");
  const labels = n.one("Unsqueeze", [n.input(0), n.ints([shape.length])]);
  const classes = n.emitter.model.constant(
    dtype,
    [count],
    Float64Array.from({ length: count }, (_, i) => i),
  );
  return n.cast(n.one("Equal", [labels, classes]), n.result.dtype);
};

const iota: Row = (n) => {
  const count = dimAttribute(n.node, "count");
  if (count.constant !== undefined) return n.ints(Array.from({ length: count.constant }, (_, i) => i));
  return n.one("Range", [n.scalar(0, "i64"), n.one("Squeeze", [n.size(count)]), n.scalar(1, "i64")]);
};

const axisSize: Row = (n) => {
  const scalar = n.one("Squeeze", [n.size(dimAttribute(n.node, "of"))]);
  return n.result.dtype === "i64" ? scalar : n.cast(scalar, n.result.dtype);
};

export const shape: Table = {
  reshape,
  expand,
  transpose,
  concat,
  stack,
  split,
  slice,
  pad,
  flip,
  gather,
  one_hot: oneHot,
  iota,
  axis_size: axisSize,
};

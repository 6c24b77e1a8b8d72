/** Operators that move members without changing them. */
import { dimAttribute, dims, dimsAttribute, intAttribute, ints, intsAttribute, numberAttribute } from "./attributes.ts";
import { operand, single } from "./elementwise.ts";
import type { OperatorDefinition, Sample } from "./operator.ts";
import { between, given } from "./sample-data.ts";
import type { Tensor } from "./tensor.ts";
import { copyBlock, sizeAt, stretchedStrides, stridesOf } from "./tensor.ts";
import type { Value } from "../graph/graph.ts";
import { typeOf } from "../graph/graph.ts";
import type { Shape } from "../types/dim.ts";
import { Dim } from "../types/dim.ts";

function axisSize(value: Value, axis: number): Dim {
  const size = typeOf(value).shape[axis];
  if (size === undefined) throw new Error(`a value has no axis ${String(axis)}`);
  return size;
}
const counting = (shape: readonly number[]): Sample["inputs"][number] => {
  const count = shape.reduce((a, b) => a * b, 1);
  return given(
    shape,
    Array.from({ length: count }, (_, i) => i),
  );
};
const plainStart = (tensor: Tensor): { data: Tensor["data"]; offset: number; strides: number[] } => ({
  data: tensor.data,
  offset: 0,
  strides: stridesOf(tensor.shape),
});

/** The same members in the same order: shares them with its operand. */
export const reshape: OperatorDefinition = {
  name: "reshape",
  evaluate(node, [x], evaluation) {
    const type = node.outputs[0]!;
    return [{ dtype: type.dtype, shape: type.shape.map((d) => evaluation.size(d)), data: operand(x).data }];
  },
  gradient(backward) {
    const { dy, x } = single(backward);
    return [backward.emit.reshape(dy, typeOf(x).shape)];
  },
  cost: () => ({ flops: Dim.zero, bytes: Dim.zero }),
  samples: () => [
    { name: "merge", attributes: { to: ints([2, 6]) }, inputs: [between(-1, 1, [2, 3, 2])] },
    { name: "to a scalar", attributes: { to: [] }, inputs: [between(-1, 1, [1, 1])] },
  ],
};

export const expand: OperatorDefinition = {
  name: "expand",
  evaluate(node, [x], evaluation) {
    const out = evaluation.output(node);
    const from = operand(x);
    const strides = stretchedStrides(from.shape, out.shape);
    copyBlock(out.shape, plainStart(out), { data: from.data, offset: 0, strides });
    return [out];
  },
  gradient(backward) {
    const { dy, x } = single(backward);
    return [backward.emit.sumTo(dy, typeOf(x).shape)];
  },
  samples: () => [
    { name: "scalar", attributes: { to: ints([2, 3]) }, inputs: [between(-1, 1, [])] },
    { name: "inner and leading", attributes: { to: ints([2, 3, 4]) }, inputs: [between(-1, 1, [3, 1])] },
    {
      name: "members",
      attributes: { to: ints([2, 2]) },
      inputs: [given([2, 1], [5, 7])],
      expected: { outputs: [[5, 5, 7, 7]], gradients: [[2, 2]] },
    },
  ],
};

export const transpose: OperatorDefinition = {
  name: "transpose",
  evaluate(node, [x], evaluation) {
    const out = evaluation.output(node);
    const from = operand(x);
    const own = stridesOf(from.shape);
    const strides = intsAttribute(node, "order").map((axis) => sizeAt(own, axis));
    copyBlock(out.shape, plainStart(out), { data: from.data, offset: 0, strides });
    return [out];
  },
  gradient(backward) {
    const { dy } = single(backward);
    const order = intsAttribute(backward.node, "order");
    return [
      backward.emit.transpose(
        dy,
        order.map((_, axis) => order.indexOf(axis)),
      ),
    ];
  },
  samples: () => [
    {
      name: "matrix",
      attributes: { order: ints([1, 0]) },
      inputs: [given([2, 3], [1, 2, 3, 4, 5, 6])],
      expected: { outputs: [[1, 4, 2, 5, 3, 6]] },
    },
    { name: "three-cycle", attributes: { order: ints([2, 0, 1]) }, inputs: [between(-1, 1, [2, 3, 4])] },
    { name: "to channels last", attributes: { order: ints([0, 2, 3, 1]) }, inputs: [between(-1, 1, [2, 3, 2, 2])] },
  ],
};

/** Copies members into their places along `axis` of `out`. */
function lay(xs: readonly Tensor[], out: Tensor, axis: number): void {
  const strides = stridesOf(out.shape);
  let from = 0;
  for (const x of xs) {
    copyBlock(x.shape, { data: out.data, offset: from * sizeAt(strides, axis), strides }, plainStart(x));
    from += sizeAt(x.shape, axis);
  }
}
export const concat: OperatorDefinition = {
  name: "concat",
  evaluate(node, xs, evaluation) {
    const out = evaluation.output(node);
    lay(xs, out, intAttribute(node, "axis"));
    return [out];
  },
  gradient({ node, inputs, gradients: [dy], needs, emit }) {
    const axis = intAttribute(node, "axis");
    let from = Dim.zero;
    return inputs.map((x, index) => {
      const to = from.plus(axisSize(x, axis));
      const part = needs[index] === true ? emit.slice(dy!, axis, from, to) : undefined;
      from = to;
      return part;
    });
  },
  samples: () => [
    {
      name: "channels",
      attributes: dims({ axis: 1 }),
      inputs: [between(-1, 1, [2, 3, 2], 1), between(-1, 1, [2, 1, 2], 2)],
    },
    {
      name: "first axis, three",
      attributes: dims({ axis: 0 }),
      inputs: [between(-1, 1, [1, 2], 3), between(-1, 1, [2, 2], 4), between(-1, 1, [1, 2], 5)],
    },
  ],
};

export const stack: OperatorDefinition = {
  name: "stack",
  evaluate(node, xs, evaluation) {
    const out = evaluation.output(node);
    const axis = intAttribute(node, "axis");
    const widened = xs.map((x) => ({ ...x, shape: [...x.shape.slice(0, axis), 1, ...x.shape.slice(axis)] }));
    lay(widened, out, axis);
    return [out];
  },
  gradient({ node, inputs, gradients: [dy], needs, emit }) {
    const axis = intAttribute(node, "axis");
    return inputs.map((x, index) => {
      if (needs[index] !== true) return undefined;
      return emit.reshape(emit.slice(dy!, axis, Dim.of(index), Dim.of(index + 1)), typeOf(x).shape);
    });
  },
  samples: () => [
    { name: "last axis", attributes: dims({ axis: 1 }), inputs: [between(-1, 1, [2], 1), between(-1, 1, [2], 2)] },
    {
      name: "scalars",
      attributes: dims({ axis: 0 }),
      inputs: [given([], [3]), given([], [4])],
      expected: { outputs: [[3, 4]], gradients: [[1], [1]] },
    },
    { name: "middle", attributes: dims({ axis: 1 }), inputs: [between(-1, 1, [2, 3], 3), between(-1, 1, [2, 3], 4)] },
  ],
};

/** A part of a tensor, from `start` on along `axis`. */
function cut(x: Tensor, out: Tensor, axis: number, start: number): void {
  const strides = stridesOf(x.shape);
  copyBlock(out.shape, plainStart(out), { data: x.data, offset: start * sizeAt(strides, axis), strides });
}
export const split: OperatorDefinition = {
  name: "split",
  evaluate(node, [x], evaluation) {
    const axis = intAttribute(node, "axis");
    let start = 0;
    return node.outputs.map((_, index) => {
      const out = evaluation.output(node, index);
      cut(operand(x), out, axis, start);
      start += sizeAt(out.shape, axis);
      return out;
    });
  },
  /** Parts without a gradient count as zeros. */
  gradient({ node, outputs, gradients, emit }) {
    const parts = outputs.map((part, index) => gradients[index] ?? emit.zeros(part));
    return [emit.concat(parts, intAttribute(node, "axis"))];
  },
  samples: () => [
    { name: "channels", attributes: dims({ parts: 2, axis: 1 }), inputs: [between(-1, 1, [2, 4, 2])] },
    {
      name: "last axis, three",
      attributes: dims({ parts: 3, axis: 1 }),
      inputs: [counting([2, 3])],
      expected: {
        outputs: [
          [0, 3],
          [1, 4],
          [2, 5],
        ],
        gradients: [[1, 1, 1, 1, 1, 1]],
      },
    },
  ],
};

export const slice: OperatorDefinition = {
  name: "slice",
  evaluate(node, [x], evaluation) {
    const out = evaluation.output(node);
    cut(operand(x), out, intAttribute(node, "axis"), evaluation.size(dimAttribute(node, "from")));
    return [out];
  },
  gradient(backward) {
    const { dy, x } = single(backward);
    const axis = intAttribute(backward.node, "axis");
    const at = (size: Dim): Dim[] => typeOf(x).shape.map((_, a) => (a === axis ? size : Dim.zero));
    const before = dimAttribute(backward.node, "from");
    const after = axisSize(x, axis).minus(dimAttribute(backward.node, "to"));
    return [backward.emit.op("pad", { before: at(before), after: at(after), value: 0 }, dy)];
  },
  samples: () => [
    { name: "middle", attributes: dims({ axis: 1, from: 1, to: 3 }), inputs: [between(-1, 1, [2, 4, 2])] },
    {
      name: "one member",
      attributes: dims({ axis: 0, from: 2, to: 3 }),
      inputs: [counting([3, 2])],
      expected: { outputs: [[4, 5]], gradients: [[0, 0, 0, 0, 1, 1]] },
    },
  ],
};

export const pad: OperatorDefinition = {
  name: "pad",
  evaluate(node, [x], evaluation) {
    const out = evaluation.output(node);
    const from = operand(x);
    out.data.fill(numberAttribute(node, "value"));
    const strides = stridesOf(out.shape);
    let offset = 0;
    dimsAttribute(node, "before").forEach((size, axis) => (offset += evaluation.size(size) * sizeAt(strides, axis)));
    copyBlock(from.shape, { data: out.data, offset, strides }, plainStart(from));
    return [out];
  },
  gradient(backward) {
    const { dy, x } = single(backward);
    const shape: Shape = typeOf(x).shape;
    const whole = typeOf(dy).shape;
    let part = dy;
    dimsAttribute(backward.node, "before").forEach((from, axis) => {
      const size = shape[axis]!;
      if (whole[axis]?.equals(size) !== true) part = backward.emit.slice(part, axis, from, from.plus(size));
    });
    return [part];
  },
  samples: () => [
    {
      name: "zeros",
      attributes: { before: ints([0, 1]), after: ints([1, 2]), value: 0 },
      inputs: [between(-1, 1, [2, 3])],
    },
    {
      name: "a value",
      attributes: { before: ints([1]), after: ints([1]), value: -2.5 },
      inputs: [given([2], [1, 2])],
      expected: { outputs: [[-2.5, 1, 2, -2.5]], gradients: [[1, 1]] },
    },
  ],
};

export const flip: OperatorDefinition = {
  name: "flip",
  evaluate(node, [x], evaluation) {
    const out = evaluation.output(node);
    const from = operand(x);
    const axis = intAttribute(node, "axis");
    const own = stridesOf(from.shape);
    const last = Math.max(0, sizeAt(from.shape, axis) - 1) * sizeAt(own, axis);
    const strides = own.map((step, a) => (a === axis ? -step : step));
    copyBlock(out.shape, plainStart(out), { data: from.data, offset: last, strides });
    return [out];
  },
  gradient(backward) {
    const { dy } = single(backward);
    return [backward.emit.op("flip", backward.node.attributes, dy)];
  },
  samples: () => [
    {
      name: "last axis",
      attributes: dims({ axis: 1 }),
      inputs: [counting([2, 3])],
      expected: { outputs: [[2, 1, 0, 5, 4, 3]] },
    },
    { name: "of an image", attributes: dims({ axis: 3 }), inputs: [between(-1, 1, [1, 2, 2, 3])] },
  ],
};

export const shapeOperators = [reshape, expand, transpose, concat, stack, split, slice, pad, flip];

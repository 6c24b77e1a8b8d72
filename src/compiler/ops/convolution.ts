/** Convolutions over images, their adjoints, and what they cost. */
import { dimAttribute, dims, ints, pairAttribute } from "./attributes.ts";
import { plainBytes } from "./bytes.ts";
import type { Geometry } from "./convolution-kernels.ts";
import { convolve, convolveBack, convolveWeights } from "./convolution-kernels.ts";
import { operand } from "./elementwise.ts";
import type { Cost, Evaluation, OperatorDefinition, Sample } from "./operator.ts";
import { between, given } from "./sample-data.ts";
import { sizeAt } from "./tensor.ts";
import type { Attributes, Node, TensorType } from "../graph/graph.ts";
import { typeOf } from "../graph/graph.ts";
import { Dim, elementCount } from "../types/dim.ts";

type Shape = readonly number[];

/** From the read side [B, C, H, W], the made side [B, O, Ho, Wo] and the kernel's size. */
function geometry(node: Node, evaluation: Evaluation, x: Shape, y: Shape, w: Shape): Geometry {
  return {
    batch: sizeAt(x, 0),
    channels: sizeAt(x, 1),
    height: sizeAt(x, 2),
    width: sizeAt(x, 3),
    outChannels: sizeAt(y, 1),
    outHeight: sizeAt(y, 2),
    outWidth: sizeAt(y, 3),
    kernelHeight: sizeAt(w, 2),
    kernelWidth: sizeAt(w, 3),
    stride: pairAttribute(node, "stride"),
    pad: pairAttribute(node, "pad"),
    dilation: pairAttribute(node, "dilation", 1),
    groups: "groups" in node.attributes ? evaluation.size(dimAttribute(node, "groups")) : 1,
  };
}

/** Two operations for each tap (of one group) of each pixel of the made side; the same forward and for both gradients. */
function tapCost(node: Node, made: TensorType, kernel: TensorType): Cost {
  return {
    flops: elementCount(made.shape)
      .times(elementCount(kernel.shape.slice(1)))
      .scaled(2),
    bytes: plainBytes(node),
  };
}

function windowOf(node: Node): Attributes {
  const { stride = Dim.one, pad = Dim.zero, dilation = Dim.one, groups = Dim.one } = node.attributes;
  return { stride, pad, dilation, groups };
}
function axis(type: TensorType, index: number): Dim {
  const size = type.shape[index];
  if (size === undefined) throw new Error(`an image has no axis ${String(index)}`);
  return size;
}
const imageSize = (type: TensorType): Attributes => ({ height: axis(type, 2), width: axis(type, 3) });
const kernelSize = (type: TensorType): Attributes => ({ kernel_height: axis(type, 2), kernel_width: axis(type, 3) });

/** The cases that each of the three operators must get right: read side, kernel, made side, window. */
interface Case {
  readonly name: string;
  readonly x: Shape;
  readonly w: Shape;
  readonly y: Shape;
  readonly window: readonly [stride: number | Pair, pad: number | Pair, dilation: number | Pair, groups: number];
}
/** Height's and width's. */
type Pair = readonly [number, number];
const cases: readonly Case[] = [
  { name: "3x3, padded", x: [2, 3, 5, 4], w: [2, 3, 3, 3], y: [2, 2, 5, 4], window: [1, 1, 1, 1] },
  { name: "3x3, stride 2, even", x: [1, 2, 6, 6], w: [3, 2, 3, 3], y: [1, 3, 3, 3], window: [2, 1, 1, 1] },
  { name: "3x3, stride 2, odd", x: [1, 2, 7, 5], w: [2, 2, 3, 3], y: [1, 2, 4, 3], window: [2, 1, 1, 1] },
  { name: "7x7, stride 2, pad 3", x: [1, 1, 9, 8], w: [2, 1, 7, 7], y: [1, 2, 5, 4], window: [2, 3, 1, 1] },
  { name: "1x1", x: [2, 4, 3, 3], w: [3, 4, 1, 1], y: [2, 3, 3, 3], window: [1, 0, 1, 1] },
  { name: "1x1, stride 2", x: [1, 3, 4, 5], w: [2, 3, 1, 1], y: [1, 2, 2, 3], window: [2, 0, 1, 1] },
  { name: "uneven kernel, a rest unread", x: [1, 2, 6, 6], w: [2, 2, 2, 3], y: [1, 2, 3, 2], window: [2, 0, 1, 1] },
  { name: "dilated", x: [1, 2, 6, 7], w: [2, 2, 3, 3], y: [1, 2, 4, 5], window: [1, 1, 2, 1] },
  { name: "two groups", x: [1, 4, 4, 4], w: [6, 2, 3, 3], y: [1, 6, 4, 4], window: [1, 1, 1, 2] },
  { name: "1x5, wider than high", x: [2, 2, 4, 6], w: [3, 2, 1, 5], y: [2, 3, 4, 6], window: [1, [0, 2], 1, 1] },
  { name: "uneven steps", x: [1, 2, 7, 6], w: [2, 2, 3, 3], y: [1, 2, 4, 6], window: [[2, 1], 1, 1, 1] },
  { name: "uneven gaps", x: [1, 2, 6, 7], w: [2, 2, 3, 2], y: [1, 2, 2, 6], window: [1, 0, [2, 1], 1] },
  {
    name: "a group a channel, uneven steps",
    x: [1, 2, 5, 6],
    w: [4, 1, 3, 3],
    y: [1, 4, 3, 6],
    window: [[2, 1], 1, 1, 2],
  },
  { name: "a group a channel", x: [2, 3, 4, 4], w: [3, 1, 3, 3], y: [2, 3, 2, 2], window: [2, 1, 1, 3] },
];
const windowNamed = ([stride, pad, dilation, groups]: Case["window"]): Attributes => {
  const both = (value: number | Pair): Dim | readonly Dim[] =>
    typeof value === "number" ? Dim.of(value) : ints(value);
  return { stride: both(stride), pad: both(pad), dilation: both(dilation), groups: Dim.of(groups) };
};
/** Batch 1, one channel, 3x3 image 1 … 9, kernel [[1, 2], [3, 4]]. */
const small = { image: [1, 2, 3, 4, 5, 6, 7, 8, 9], kernel: [1, 2, 3, 4], window: windowNamed([1, 0, 1, 1]) };

export const conv2d: OperatorDefinition = {
  name: "conv2d",
  evaluate(node, inputs, evaluation) {
    const out = evaluation.output(node);
    const [x, w] = [operand(inputs[0]), operand(inputs[1])];
    convolve(evaluation.gemm, geometry(node, evaluation, x.shape, out.shape, w.shape), x.data, w.data, out.data);
    return [out];
  },
  gradient({ node, inputs: [x, w], gradients: [dy], needs, emit }) {
    const window = windowOf(node);
    return [
      needs[0] === true
        ? emit.op("conv2d_input_gradient", { ...window, ...imageSize(typeOf(x!)) }, dy!, w!)
        : undefined,
      needs[1] === true
        ? emit.op("conv2d_weight_gradient", { ...window, ...kernelSize(typeOf(w!)) }, x!, dy!)
        : undefined,
    ];
  },
  cost: (node) => tapCost(node, node.outputs[0]!, typeOf(node.inputs[1]!)),
  samples: () => [
    ...cases.map(({ name, x, w, window }, i): Sample => {
      return { name, attributes: windowNamed(window), inputs: [between(-1, 1, x, i), between(-1, 1, w, i + 50)] };
    }),
    {
      name: "by hand",
      attributes: small.window,
      inputs: [given([1, 1, 3, 3], small.image), given([1, 1, 2, 2], small.kernel)],
      expected: {
        outputs: [[37, 47, 67, 77]],
        gradients: [
          [1, 3, 2, 4, 10, 6, 3, 7, 4],
          [12, 16, 24, 28],
        ],
      },
    },
  ],
};

export const conv2dInputGradient: OperatorDefinition = {
  name: "conv2d_input_gradient",
  evaluate(node, inputs, evaluation) {
    const out = evaluation.output(node);
    const [dy, w] = [operand(inputs[0]), operand(inputs[1])];
    convolveBack(evaluation.gemm, geometry(node, evaluation, out.shape, dy.shape, w.shape), dy.data, w.data, out.data);
    return [out];
  },
  /** It is linear in both operands, and the adjoint of `conv2d` in the first. */
  gradient({ node, inputs: [dy, w], gradients: [dz], needs, emit }) {
    const window = windowOf(node);
    return [
      needs[0] === true ? emit.op("conv2d", window, dz!, w!) : undefined,
      needs[1] === true
        ? emit.op("conv2d_weight_gradient", { ...window, ...kernelSize(typeOf(w!)) }, dz!, dy!)
        : undefined,
    ];
  },
  cost: (node) => tapCost(node, typeOf(node.inputs[0]!), typeOf(node.inputs[1]!)),
  samples: () => [
    ...cases.map(({ name, x, w, y, window }, i): Sample => {
      const attributes = { ...windowNamed(window), ...dims({ height: sizeAt(x, 2), width: sizeAt(x, 3) }) };
      return { name, attributes, inputs: [between(-1, 1, y, i), between(-1, 1, w, i + 50)] };
    }),
    {
      name: "by hand",
      attributes: { ...small.window, ...dims({ height: 3, width: 3 }) },
      inputs: [given([1, 1, 2, 2], [1, 0, 0, 2]), given([1, 1, 2, 2], small.kernel)],
      expected: { outputs: [[1, 2, 0, 3, 6, 4, 0, 6, 8]] },
    },
  ],
};

export const conv2dWeightGradient: OperatorDefinition = {
  name: "conv2d_weight_gradient",
  evaluate(node, inputs, evaluation) {
    const out = evaluation.output(node);
    const [x, dy] = [operand(inputs[0]), operand(inputs[1])];
    convolveWeights(
      evaluation.gemm,
      geometry(node, evaluation, x.shape, dy.shape, out.shape),
      x.data,
      dy.data,
      out.data,
    );
    return [out];
  },
  /** It is linear in both operands. */
  gradient({ node, inputs: [x, dy], gradients: [dz], needs, emit }) {
    const window = windowOf(node);
    return [
      needs[0] === true
        ? emit.op("conv2d_input_gradient", { ...window, ...imageSize(typeOf(x!)) }, dy!, dz!)
        : undefined,
      needs[1] === true ? emit.op("conv2d", window, x!, dz!) : undefined,
    ];
  },
  cost: (node) => tapCost(node, typeOf(node.inputs[1]!), node.outputs[0]!),
  samples: () => [
    ...cases.map(({ name, x, w, y, window }, i): Sample => {
      const attributes = {
        ...windowNamed(window),
        ...dims({ kernel_height: sizeAt(w, 2), kernel_width: sizeAt(w, 3) }),
      };
      return { name, attributes, inputs: [between(-1, 1, x, i), between(-1, 1, y, i + 50)] };
    }),
    {
      name: "by hand",
      attributes: { ...small.window, ...dims({ kernel_height: 2, kernel_width: 2 }) },
      inputs: [given([1, 1, 3, 3], small.image), given([1, 1, 2, 2], [1, 0, 0, 2])],
      expected: { outputs: [[11, 14, 20, 23]] },
    },
  ],
};

/** The adjoint of a convolution whose kernel is [C, O, Kh, Kw]: what that one reads is made here. */
export const conv2dTranspose: OperatorDefinition = {
  name: "conv2d_transpose",
  evaluate(node, inputs, evaluation) {
    const out = evaluation.output(node);
    const [x, w] = [operand(inputs[0]), operand(inputs[1])];
    convolveBack(evaluation.gemm, geometry(node, evaluation, out.shape, x.shape, w.shape), x.data, w.data, out.data);
    return [out];
  },
  gradient({ node, inputs: [x, w], gradients: [dy], needs, emit }) {
    const window = windowOf(node);
    return [
      needs[0] === true ? emit.op("conv2d", window, dy!, w!) : undefined,
      needs[1] === true
        ? emit.op("conv2d_weight_gradient", { ...window, ...kernelSize(typeOf(w!)) }, dy!, x!)
        : undefined,
    ];
  },
  cost: (node) => tapCost(node, typeOf(node.inputs[0]!), typeOf(node.inputs[1]!)),
  samples: () => [
    {
      name: "doubles",
      attributes: dims({ stride: 2, pad: 0 }),
      inputs: [between(-1, 1, [2, 3, 2, 3], 1), between(-1, 1, [3, 2, 2, 2], 2)],
    },
    {
      name: "4x4, stride 2, pad 1",
      attributes: dims({ stride: 2, pad: 1 }),
      inputs: [between(-1, 1, [1, 2, 3, 3], 3), between(-1, 1, [2, 3, 4, 4], 4)],
    },
    {
      name: "two groups, the last rows unread",
      attributes: dims({ stride: 2, pad: 1, dilation: 1, groups: 2, extra: 1 }),
      inputs: [between(-1, 1, [1, 4, 3, 2], 7), between(-1, 1, [4, 3, 3, 3], 8)],
    },
    {
      name: "uneven, dilated",
      attributes: { stride: ints([2, 1]), pad: ints([0, 1]), dilation: ints([1, 2]), ...dims({ groups: 1, extra: 0 }) },
      inputs: [between(-1, 1, [1, 2, 3, 4], 9), between(-1, 1, [2, 2, 2, 3], 10)],
    },
    {
      name: "3x3, stride 1",
      attributes: dims({ stride: 1, pad: 1 }),
      inputs: [between(-1, 1, [1, 2, 4, 3], 5), between(-1, 1, [2, 1, 3, 3], 6)],
    },
    {
      name: "by hand",
      attributes: dims({ stride: 2, pad: 0 }),
      inputs: [given([1, 1, 1, 2], [1, 2]), given([1, 1, 2, 2], small.kernel)],
      expected: {
        outputs: [[1, 2, 2, 4, 3, 4, 6, 8]],
        gradients: [
          [10, 10],
          [3, 3, 3, 3],
        ],
      },
    },
  ],
  decompose(node, [x, w], emit) {
    const made = node.outputs[0]!;
    return [emit.op("conv2d_input_gradient", { ...windowOf(node), ...imageSize(made) }, x!, w!)];
  },
};

export const convolutionOperators = [conv2d, conv2dInputGradient, conv2dWeightGradient, conv2dTranspose];

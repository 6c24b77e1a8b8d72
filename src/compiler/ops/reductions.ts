/** Operators that sum up, average or compare the members of some axes. */
import { intAttribute, ints, intsAttribute } from "./attributes.ts";
import { Dim } from "../types/dim.ts";
import { operand, single } from "./elementwise.ts";
import type { Backward, Evaluation, OperatorDefinition, Sample } from "./operator.ts";
import { between, distinct, given } from "./sample-data.ts";
import type { Numbers, Tensor } from "./tensor.ts";
import { aroundAxis, sizeAt, stridesOf, walk } from "./tensor.ts";
import type { Node, Value } from "../graph/graph.ts";
import { typeOf } from "../graph/graph.ts";

/** Steps of the result (without kept axes) along the axes of the operand: 0 along the reduced ones. */
function reducedStrides(shape: readonly number[], axes: readonly number[]): number[] {
  const kept = stridesOf(shape.map((size, axis) => (axes.includes(axis) ? 1 : size)));
  return kept.map((step, axis) => (axes.includes(axis) ? 0 : step));
}

/** Sums in double precision whatever the run's, as PyTorch's CPU kernels do for their accumulators. */
function sums(x: Tensor, axes: readonly number[], count: number): Float64Array {
  const out = new Float64Array(count);
  walk(x.shape, [reducedStrides(x.shape, axes), stridesOf(x.shape)], (n, offsets, steps) => {
    addRow(out, offsets[0]!, steps[0]!, x.data, offsets[1]!, steps[1]!, n);
  });
  return out;
}
function addRow(out: Float64Array, o: number, os: number, x: Numbers, xo: number, xs: number, n: number): void {
  if (os === 0) {
    let total = 0;
    for (let i = 0; i < n; i++) total += x[xo + i * xs]!;
    out[o] = out[o]! + total;
  } else {
    for (let i = 0; i < n; i++) out[o + i * os] = out[o + i * os]! + x[xo + i * xs]!;
  }
}
function reducedCount(x: Tensor, axes: readonly number[]): number {
  return axes.reduce((product, axis) => product * sizeAt(x.shape, axis), 1);
}

/** The gradient of the result, brought to the operand's shape. */
function spread({ node, emit }: Backward, value: Value, x: Value): Value {
  return emit.spread(value, intsAttribute(node, "axis"), typeOf(x).shape);
}

const samplesOf = (draw: (shape: readonly number[]) => Sample["inputs"][number]) => (): readonly Sample[] => [
  { name: "last axis", attributes: { axis: ints([1]), keepdims: false }, inputs: [draw([2, 3])] },
  { name: "first axis kept", attributes: { axis: ints([0]), keepdims: true }, inputs: [draw([3, 4])] },
  { name: "outer and inner", attributes: { axis: ints([0, 2]), keepdims: false }, inputs: [draw([2, 3, 4])] },
  { name: "all axes", attributes: { axis: ints([0, 1, 2]), keepdims: false }, inputs: [draw([2, 2, 3])] },
  { name: "middle axis kept", attributes: { axis: ints([1]), keepdims: true }, inputs: [draw([2, 3, 2])] },
];

export const sum: OperatorDefinition = {
  name: "sum",
  evaluate(node, inputs, evaluation) {
    const out = evaluation.output(node);
    out.data.set(sums(operand(inputs[0]), intsAttribute(node, "axis"), out.data.length));
    return [out];
  },
  gradient(backward) {
    const { dy, x } = single(backward);
    return [spread(backward, dy, x)];
  },
  samples: () => [
    ...samplesOf((shape) => between(-1, 1, shape))(),
    {
      name: "whole numbers",
      attributes: { axis: ints([0]), keepdims: false },
      inputs: [given([2, 2], [1, 2, 3, 4], "i64")],
      expected: { outputs: [[4, 6]] },
    },
  ],
};

export const mean: OperatorDefinition = {
  name: "mean",
  evaluate(node, inputs, evaluation) {
    const out = evaluation.output(node);
    const x = operand(inputs[0]);
    const axes = intsAttribute(node, "axis");
    const count = reducedCount(x, axes);
    out.data.set(sums(x, axes, out.data.length).map((total) => total / count));
    return [out];
  },
  /** The division comes before the spreading: it is cheaper there. */
  gradient(backward) {
    const { dy, x } = single(backward);
    const count = backward.emit.countOver(x, intsAttribute(backward.node, "axis"));
    return [spread(backward, backward.emit.div(dy, count), x)];
  },
  samples: samplesOf((shape) => between(-1, 1, shape)),
};

function largest(node: Node, x: Tensor, evaluation: Evaluation): Tensor {
  const out = evaluation.output(node);
  out.data.fill(-Infinity);
  walk(x.shape, [reducedStrides(x.shape, intsAttribute(node, "axis")), stridesOf(x.shape)], (n, offsets, steps) => {
    const [o, xo, os, xs] = [offsets[0]!, offsets[1]!, steps[0]!, steps[1]!];
    for (let i = 0; i < n; i++) out.data[o + i * os] = Math.max(out.data[o + i * os]!, x.data[xo + i * xs]!);
  });
  return out;
}
/** Equal largest members share the gradient evenly. */
export const amax: OperatorDefinition = {
  name: "amax",
  evaluate: (node, inputs, evaluation) => [largest(node, operand(inputs[0]), evaluation)],
  gradient(backward) {
    const { dy, x, y } = single(backward);
    const { emit, node } = backward;
    const axes = intsAttribute(node, "axis");
    const { shape, dtype } = typeOf(x);
    const wins = emit.cast(emit.op("equal", {}, x, emit.keep(y, axes, shape)), dtype);
    const each = emit.div(emit.keep(dy, axes, shape), emit.sum(wins, axes, true));
    return [emit.mul(wins, each)];
  },
  samples: () => [
    ...samplesOf((shape) => distinct(0.25, shape))(),
    {
      name: "tied",
      attributes: { axis: ints([1]), keepdims: false },
      inputs: [given([2, 3], [1, 3, 3, 5, 5, 5])],
      kink: true,
      expected: { outputs: [[3, 5]], gradients: [[0, 0.5, 0.5, 1 / 3, 1 / 3, 1 / 3]] },
    },
  ],
};

export const argmax: OperatorDefinition = {
  name: "argmax",
  evaluate(node, inputs, evaluation) {
    const out = evaluation.output(node);
    const x = operand(inputs[0]);
    const { outer, size, inner } = aroundAxis(x.shape, intAttribute(node, "axis"));
    for (let i = 0; i < outer; i++) {
      for (let j = 0; j < inner; j++) {
        let best = 0;
        const at = i * size * inner + j;
        for (let k = 1; k < size; k++) if (x.data[at + k * inner]! > x.data[at + best * inner]!) best = k;
        out.data[i * inner + j] = best;
      }
    }
    return [out];
  },
  gradient: "none",
  samples: () => [
    {
      name: "the first of equals",
      attributes: { axis: Dim.of(1) },
      inputs: [given([2, 4], [1, 7, 7, 0, -3, -2, -2, -9])],
      kink: true,
      expected: { outputs: [[1, 1]] },
    },
    {
      name: "first axis",
      attributes: { axis: Dim.of(0) },
      inputs: [given([3, 2], [1, 6, 5, 4, 2, 9])],
      kink: true,
      expected: { outputs: [[1, 2]] },
    },
  ],
};

export const reductionOperators = [sum, mean, amax, argmax];

/** Windows over images: maxima and means, and their gradients. */
import { dims, ints, pairAttribute } from "./attributes.ts";
import { operand, single } from "./elementwise.ts";
import type { OperatorDefinition, Sample } from "./operator.ts";
import { between, distinct, given } from "./sample-data.ts";
import { sizeAt } from "./tensor.ts";
import type { Attributes, Node } from "../graph/graph.ts";
import { typeOf } from "../graph/graph.ts";
import { Dim } from "../types/dim.ts";

interface Windows {
  /** These three for height and width. */
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly pad: readonly [number, number];
  readonly height: number;
  readonly width: number;
  readonly outHeight: number;
  readonly outWidth: number;
}
function windows(node: Node, read: readonly number[], made: readonly number[]): Windows {
  return {
    kernel: pairAttribute(node, "kernel"),
    stride: pairAttribute(node, "stride"),
    pad: pairAttribute(node, "pad"),
    height: sizeAt(read, 2),
    width: sizeAt(read, 3),
    outHeight: sizeAt(made, 2),
    outWidth: sizeAt(made, 3),
  };
}
/** Visits each window of each plane, cut to the image: `run(place of the result, first row, end row, first column, end column, start of the plane)`. */
function eachWindow(
  planes: number,
  w: Windows,
  run: (out: number, top: number, bottom: number, left: number, right: number, plane: number) => void,
): void {
  for (let plane = 0, out = 0; plane < planes; plane++) {
    for (let i = 0; i < w.outHeight; i++) {
      const top = i * w.stride[0] - w.pad[0];
      for (let j = 0; j < w.outWidth; j++, out++) {
        const left = j * w.stride[1] - w.pad[1];
        const bottom = Math.min(top + w.kernel[0], w.height);
        const right = Math.min(left + w.kernel[1], w.width);
        run(out, Math.max(top, 0), bottom, Math.max(left, 0), right, plane * w.height * w.width);
      }
    }
  }
}

const window = (kernel: number, stride: number, pad: number): Record<string, number> => ({ kernel, stride, pad });
const uneven: Attributes = { kernel: ints([1, 3]), stride: ints([1, 2]), pad: ints([0, 1]) };
function windowOf(node: Node): Attributes {
  const { kernel = Dim.one, stride = Dim.one, pad = Dim.zero } = node.attributes;
  return { kernel, stride, pad };
}

/** Padding never wins: it counts as minus infinity. */
export const maxPool2d: OperatorDefinition = {
  name: "max_pool2d",
  evaluate(node, inputs, evaluation) {
    const out = evaluation.output(node);
    const x = operand(inputs[0]);
    const w = windows(node, x.shape, out.shape);
    eachWindow(sizeAt(x.shape, 0) * sizeAt(x.shape, 1), w, (to, top, bottom, left, right, plane) => {
      let best = -Infinity;
      for (let i = top; i < bottom; i++) {
        for (let j = left; j < right; j++) best = Math.max(best, x.data[plane + i * w.width + j]!);
      }
      out.data[to] = best;
    });
    return [out];
  },
  gradient(backward) {
    const { dy, x, y } = single(backward);
    return [backward.emit.op("max_pool2d_gradient", windowOf(backward.node), x, y, dy)];
  },
  samples: () => [
    { name: "2x2", attributes: dims(window(2, 2, 0)), inputs: [distinct(0.25, [2, 2, 4, 4])] },
    { name: "3x3, stride 2, padded", attributes: dims(window(3, 2, 1)), inputs: [distinct(0.25, [1, 2, 6, 5])] },
    { name: "uneven", attributes: uneven, inputs: [distinct(0.25, [2, 2, 4, 5])] },
    { name: "all below 0, padded", attributes: dims(window(3, 1, 1)), inputs: [between(-9, -1, [1, 1, 3, 4])] },
    { name: "a rest unread", attributes: dims(window(2, 2, 0)), inputs: [distinct(0.25, [1, 1, 5, 3])] },
    {
      name: "ties: the first wins",
      attributes: dims(window(2, 1, 0)),
      inputs: [given([1, 1, 2, 3], [1, 5, 5, 5, 5, 0])],
      kink: true,
      expected: { outputs: [[5, 5]], gradients: [[0, 2, 0, 0, 0, 0]] },
    },
  ],
};

export const maxPool2dGradient: OperatorDefinition = {
  name: "max_pool2d_gradient",
  evaluate(node, inputs, evaluation) {
    const out = evaluation.output(node);
    const [x, y, dy] = [operand(inputs[0]), operand(inputs[1]), operand(inputs[2])];
    const w = windows(node, x.shape, y.shape);
    eachWindow(sizeAt(x.shape, 0) * sizeAt(x.shape, 1), w, (from, top, bottom, left, right, plane) => {
      const best = y.data[from]!;
      for (let i = top; i < bottom; i++) {
        for (let j = left; j < right; j++) {
          const at = plane + i * w.width + j;
          if (x.data[at] !== best) continue;
          out.data[at] = out.data[at]! + dy.data[from]!;
          return;
        }
      }
    });
    return [out];
  },
  gradient: "once",
  samples: () => [
    {
      name: "overlapping windows",
      attributes: dims(window(2, 1, 0)),
      inputs: [given([1, 1, 2, 3], [1, 5, 2, 0, 3, 4]), given([1, 1, 1, 2], [5, 5]), given([1, 1, 1, 2], [10, 7])],
      kink: true,
      expected: { outputs: [[0, 17, 0, 0, 0, 0]] },
    },
    {
      name: "ties: the first takes it, padded",
      attributes: dims(window(3, 2, 1)),
      inputs: [
        given([1, 1, 3, 3], [-1, -1, -2, -1, -3, -2, -1, -4, -2]),
        given([1, 1, 2, 2], [-1, -1, -1, -2]),
        given([1, 1, 2, 2], [1, 2, 4, 8]),
      ],
      kink: true,
      expected: { outputs: [[1, 2, 0, 4, 0, 8, 0, 0, 0]] },
    },
  ],
};

export const avgPool2d: OperatorDefinition = {
  name: "avg_pool2d",
  evaluate(node, inputs, evaluation) {
    const out = evaluation.output(node);
    const x = operand(inputs[0]);
    const w = windows(node, x.shape, out.shape);
    eachWindow(sizeAt(x.shape, 0) * sizeAt(x.shape, 1), w, (to, top, bottom, left, right, plane) => {
      let total = 0;
      for (let i = top; i < bottom; i++) {
        for (let j = left; j < right; j++) total += x.data[plane + i * w.width + j]!;
      }
      out.data[to] = total / (w.kernel[0] * w.kernel[1]);
    });
    return [out];
  },
  gradient(backward) {
    const { dy, x } = single(backward);
    const [, , height, width] = typeOf(x).shape;
    const size: Attributes = { height: height!, width: width! };
    return [backward.emit.op("avg_pool2d_gradient", { ...windowOf(backward.node), ...size }, dy)];
  },
  samples: () => [
    { name: "2x2", attributes: dims(window(2, 2, 0)), inputs: [between(-1, 1, [2, 2, 4, 4])] },
    { name: "3x3, stride 2, padded", attributes: dims(window(3, 2, 1)), inputs: [between(-1, 1, [1, 2, 6, 5])] },
    { name: "uneven", attributes: uneven, inputs: [between(-1, 1, [2, 2, 4, 5])] },
    {
      name: "padding counts as zeros",
      attributes: dims(window(2, 2, 1)),
      inputs: [given([1, 1, 2, 2], [4, 8, 12, 16])],
      expected: { outputs: [[1, 2, 3, 4]], gradients: [[0.25, 0.25, 0.25, 0.25]] },
    },
  ],
};

export const avgPool2dGradient: OperatorDefinition = {
  name: "avg_pool2d_gradient",
  evaluate(node, inputs, evaluation) {
    const out = evaluation.output(node);
    const dy = operand(inputs[0]);
    const w = windows(node, out.shape, dy.shape);
    eachWindow(sizeAt(dy.shape, 0) * sizeAt(dy.shape, 1), w, (from, top, bottom, left, right, plane) => {
      const part = dy.data[from]! / (w.kernel[0] * w.kernel[1]);
      for (let i = top; i < bottom; i++) {
        for (let j = left; j < right; j++)
          out.data[plane + i * w.width + j] = out.data[plane + i * w.width + j]! + part;
      }
    });
    return [out];
  },
  gradient(backward) {
    const { dy } = single(backward);
    return [backward.emit.op("avg_pool2d", windowOf(backward.node), dy)];
  },
  samples: () => [
    ...[
      { name: "2x2", attributes: dims({ ...window(2, 2, 0), height: 4, width: 5 }), shape: [1, 2, 2, 2] },
      {
        name: "3x3, stride 2, padded",
        attributes: dims({ ...window(3, 2, 1), height: 6, width: 5 }),
        shape: [1, 1, 3, 3],
      },
    ].map(({ name, attributes, shape }): Sample => ({ name, attributes, inputs: [between(-1, 1, shape)] })),
    {
      name: "overlapping windows",
      attributes: dims({ ...window(2, 1, 0), height: 2, width: 3 }),
      inputs: [given([1, 1, 1, 2], [4, 8])],
      expected: { outputs: [[1, 3, 2, 1, 3, 2]] },
    },
  ],
};

export const poolingOperators = [maxPool2d, maxPool2dGradient, avgPool2d, avgPool2dGradient];

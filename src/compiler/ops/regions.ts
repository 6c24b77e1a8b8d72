/** Whole images and boxes of them brought to another size: bilinear resizing and maxima over cells. */
import { dimAttribute, dims } from "./attributes.ts";
import type { Emitter } from "./emit.ts";
import { operand, single } from "./elementwise.ts";
import type { Evaluation, OperatorDefinition } from "./operator.ts";
import { between, distinct, given } from "./sample-data.ts";
import type { Numbers, Tensor } from "./tensor.ts";
import { sizeAt } from "./tensor.ts";
import type { Value } from "../graph/graph.ts";
import { typeOf } from "../graph/graph.ts";
import type { Dim } from "../types/dim.ts";

/** Along one axis: the two members that each result mixes, and the second one's weight. */
interface Mix {
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly weight: Float64Array;
}
/** Result i of `to` lies at (i + 1/2) from / to - 1/2 of the `from` members, held inside (PyTorch, align_corners = false). */
function mixOf(from: number, to: number, round: (value: number) => number): Mix {
  const mix = { first: new Int32Array(to), second: new Int32Array(to), weight: new Float64Array(to) };
  for (let i = 0; i < to; i++) {
    const at = Math.max(0, round(((i + 0.5) * from) / to - 0.5));
    const first = Math.min(Math.floor(at), from - 1);
    mix.first[i] = first;
    mix.second[i] = Math.min(first + 1, from - 1);
    mix.weight[i] = at - first;
  }
  return mix;
}
/** Visits each pixel of the resized side with its four sources and their weights. */
function eachMixed(
  small: Tensor["shape"],
  large: Tensor["shape"],
  evaluation: Evaluation,
  run: (made: number, p: number, q: number, r: number, s: number, down: number, right: number) => void,
): void {
  const [planes, height, width] = [sizeAt(small, 0) * sizeAt(small, 1), sizeAt(small, 2), sizeAt(small, 3)];
  const round = (value: number): number => evaluation.round(value);
  const rows = mixOf(height, sizeAt(large, 2), round);
  const columns = mixOf(width, sizeAt(large, 3), round);
  for (let plane = 0, made = 0; plane < planes; plane++) {
    const start = plane * height * width;
    for (let i = 0; i < rows.weight.length; i++) {
      const [top, bottom, down] = [start + rows.first[i]! * width, start + rows.second[i]! * width, rows.weight[i]!];
      for (let j = 0; j < columns.weight.length; j++, made++) {
        const [left, right] = [columns.first[j]!, columns.second[j]!];
        run(made, top + left, top + right, bottom + left, bottom + right, down, columns.weight[j]!);
      }
    }
  }
}

/** The mix along one axis as a matrix [to, from]; undefined where a size is not known. */
function mixMatrix(emit: Emitter, from: Dim, to: Dim, like: Value): Value | undefined {
  const [members, results] = [from.constant, to.constant];
  if (members === undefined || results === undefined) return undefined;
  const { first, second, weight } = mixOf(members, results, (value) => value);
  const matrix = new Float64Array(results * members);
  for (let i = 0; i < results; i++) {
    matrix[i * members + first[i]!] = matrix[i * members + first[i]!]! + 1 - weight[i]!;
    matrix[i * members + second[i]!] = matrix[i * members + second[i]!]! + weight[i]!;
  }
  return emit.builder.constant(matrix, typeOf(like).dtype, [results, members]);
}

export const resize: OperatorDefinition = {
  name: "resize",
  evaluate(node, inputs, evaluation) {
    const out = evaluation.output(node);
    const x = operand(inputs[0]);
    const from: Numbers = x.data;
    eachMixed(x.shape, out.shape, evaluation, (made, p, q, r, s, down, right) => {
      const above = from[p]! * (1 - right) + from[q]! * right;
      const below = from[r]! * (1 - right) + from[s]! * right;
      out.data[made] = above * (1 - down) + below * down;
    });
    return [out];
  },
  gradient(backward) {
    const { dy, x } = single(backward);
    const [, , height, width] = typeOf(x).shape;
    return [backward.emit.op("resize_gradient", { height: height!, width: width! }, dy)];
  },
  samples: () => [
    { name: "smaller", attributes: dims({ Ho: 3, Wo: 2 }), inputs: [between(-1, 1, [2, 2, 5, 4], 1)] },
    { name: "larger", attributes: dims({ Ho: 5, Wo: 7 }), inputs: [between(-1, 1, [1, 2, 3, 3], 2)] },
    { name: "the same", attributes: dims({ Ho: 3, Wo: 4 }), inputs: [between(-1, 1, [1, 1, 3, 4], 3)] },
    {
      name: "doubled: borders held",
      attributes: dims({ Ho: 1, Wo: 4 }),
      inputs: [given([1, 1, 1, 2], [0, 4])],
      expected: { outputs: [[0, 1, 3, 4]], gradients: [[2, 2]] },
    },
  ],
  decompose(node, [x], emit) {
    const [, , height, width] = typeOf(x!).shape;
    const rows = mixMatrix(emit, height!, dimAttribute(node, "Ho"), x!);
    const columns = mixMatrix(emit, width!, dimAttribute(node, "Wo"), x!);
    return rows && columns && [emit.matmul(rows, emit.matmul(x!, emit.transpose(columns, [1, 0])))];
  },
};

export const resizeGradient: OperatorDefinition = {
  name: "resize_gradient",
  evaluate(node, inputs, evaluation) {
    const out = evaluation.output(node);
    const dy = operand(inputs[0]);
    const to: Numbers = out.data;
    eachMixed(out.shape, dy.shape, evaluation, (made, p, q, r, s, down, right) => {
      const slope = dy.data[made]!;
      to[p] = to[p]! + slope * (1 - down) * (1 - right);
      to[q] = to[q]! + slope * (1 - down) * right;
      to[r] = to[r]! + slope * down * (1 - right);
      to[s] = to[s]! + slope * down * right;
    });
    return [out];
  },
  gradient({ inputs: [dy], gradients: [dz], emit }) {
    const [, , rows, columns] = typeOf(dy!).shape;
    return [emit.op("resize", { Ho: rows!, Wo: columns! }, dz!)];
  },
  samples: () => [
    { name: "of smaller", attributes: dims({ height: 5, width: 4 }), inputs: [between(-1, 1, [2, 1, 3, 2], 1)] },
    { name: "of larger", attributes: dims({ height: 3, width: 3 }), inputs: [between(-1, 1, [1, 2, 5, 7], 2)] },
    {
      name: "by hand",
      attributes: dims({ height: 1, width: 2 }),
      inputs: [given([1, 1, 1, 4], [1, 4, 8, 2])],
      expected: { outputs: [[6, 9]] },
    },
  ],
  decompose(node, [dy], emit) {
    const [, , height, width] = typeOf(dy!).shape;
    const rows = mixMatrix(emit, dimAttribute(node, "height"), height!, dy!);
    const columns = mixMatrix(emit, dimAttribute(node, "width"), width!, dy!);
    return rows && columns && [emit.matmul(emit.transpose(rows, [1, 0]), emit.matmul(dy!, columns))];
  },
};

/** A coordinate as the nearest pixel edge, halves upwards: floor((v + 1) / 2 * size + 1/2). */
function edge(v: number, size: number): number {
  return Math.floor(((v + 1) / 2) * size + 0.5);
}
/**
 * Visits the cells of each box in each channel. Cell i of n over edges a ..< b is a + floor(i (b - a) / n) ..<
 * a + ceil((i + 1) (b - a) / n), cut to the image.
 */
function eachCell(
  image: Tensor["shape"],
  boxes: Tensor,
  rows: number,
  columns: number,
  run: (cell: number, plane: number, top: number, bottom: number, left: number, right: number) => void,
): void {
  const [batch, channels, height, width] = [0, 1, 2, 3].map((axis) => sizeAt(image, axis));
  const bounds = (from: number, to: number, i: number, n: number, size: number): [number, number] => [
    Math.max(0, from + Math.floor((i * (to - from)) / n)),
    Math.min(size, from + Math.ceil(((i + 1) * (to - from)) / n)),
  ];
  for (let b = 0, cell = 0; b < batch!; b++) {
    const [x0, x1] = [edge(boxes.data[4 * b]!, width!), edge(boxes.data[4 * b + 2]!, width!)];
    const [y0, y1] = [edge(boxes.data[4 * b + 1]!, height!), edge(boxes.data[4 * b + 3]!, height!)];
    for (let c = 0; c < channels!; c++) {
      const plane = (b * channels! + c) * height! * width!;
      for (let i = 0; i < rows; i++) {
        const [top, bottom] = bounds(y0, y1, i, rows, height!);
        for (let j = 0; j < columns; j++, cell++) {
          const [left, right] = bounds(x0, x1, j, columns, width!);
          run(cell, plane, top, bottom, left, right);
        }
      }
    }
  }
}
/** The first place of the largest member of a cell; -1 for an empty cell. */
function largestIn(
  x: Numbers,
  width: number,
  plane: number,
  top: number,
  bottom: number,
  left: number,
  right: number,
): number {
  let best = -1;
  for (let i = top; i < bottom; i++) {
    for (let j = left; j < right; j++) {
      const at = plane + i * width + j;
      if (best < 0 || x[at]! > x[best]!) best = at;
    }
  }
  return best;
}

const boxed = given([2, 4], [-0.7, -0.5, 0.6, 0.9, -1.3, 0.1, 0.2, 1.4]);

/** Boxes are rounded, so no gradient reaches them; one of a cell goes to the first of its largest members. */
export const roiPool2d: OperatorDefinition = {
  name: "roi_pool2d",
  evaluate(node, inputs, evaluation) {
    const out = evaluation.output(node);
    const [x, boxes] = [operand(inputs[0]), operand(inputs[1])];
    eachCell(x.shape, boxes, sizeAt(out.shape, 2), sizeAt(out.shape, 3), (cell, plane, ...sides) => {
      const best = largestIn(x.data, sizeAt(x.shape, 3), plane, ...sides);
      out.data[cell] = best < 0 ? 0 : x.data[best]!;
    });
    return [out];
  },
  gradient: ({ inputs: [x, boxes], gradients: [dy], needs, emit }) => [
    needs[0] === true ? emit.op("roi_pool2d_gradient", {}, x!, boxes!, dy!) : undefined,
    undefined,
  ],
  samples: () => [
    {
      name: "two boxes, one over the border",
      attributes: dims({ Ho: 2, Wo: 3 }),
      inputs: [distinct(0.25, [2, 2, 5, 6]), boxed],
    },
    {
      name: "cells rounded outward",
      attributes: dims({ Ho: 1, Wo: 2 }),
      inputs: [given([1, 1, 1, 4], [1, 9, 5, 2]), given([1, 4], [-1, -1, 0.5, 1])],
      kink: true,
      expected: { outputs: [[9, 9]], gradients: [[0, 2, 0, 0], undefined] },
    },
    {
      name: "outside and empty",
      attributes: dims({ Ho: 1, Wo: 1 }),
      inputs: [given([2, 1, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]), given([2, 4], [1, 1, 3, 3, 0, 0, 0, 0])],
      kink: true,
      expected: { outputs: [[0, 0]], gradients: [[0, 0, 0, 0, 0, 0, 0, 0], undefined] },
    },
    {
      name: "half an edge rounds up",
      attributes: dims({ Ho: 1, Wo: 1 }),
      inputs: [given([1, 1, 1, 4], [7, 1, 2, 9]), given([1, 4], [-0.75, -1, 0.75, 1])],
      kink: true,
      expected: { outputs: [[9]], gradients: [[0, 0, 0, 1], undefined] },
    },
  ],
};

export const roiPool2dGradient: OperatorDefinition = {
  name: "roi_pool2d_gradient",
  evaluate(node, inputs, evaluation) {
    const out = evaluation.output(node);
    const [x, boxes, dy] = [operand(inputs[0]), operand(inputs[1]), operand(inputs[2])];
    eachCell(x.shape, boxes, sizeAt(dy.shape, 2), sizeAt(dy.shape, 3), (cell, plane, ...sides) => {
      const best = largestIn(x.data, sizeAt(x.shape, 3), plane, ...sides);
      if (best >= 0) out.data[best] = out.data[best]! + dy.data[cell]!;
    });
    return [out];
  },
  gradient: "once",
  samples: () => [
    {
      name: "two boxes, one over the border",
      attributes: {},
      inputs: [distinct(0.25, [2, 2, 5, 6]), boxed, between(-1, 1, [2, 2, 2, 3], 3)],
    },
    {
      name: "ties: the first takes it",
      attributes: {},
      inputs: [given([1, 1, 1, 4], [3, 3, 1, 1]), given([1, 4], [-1, -1, 1, 1]), given([1, 1, 1, 2], [5, 7])],
      kink: true,
      expected: { outputs: [[5, 0, 7, 0]] },
    },
  ],
};

export const regionOperators = [resize, resizeGradient, roiPool2d, roiPool2dGradient];

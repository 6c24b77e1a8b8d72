/** Operators that read or write members by whole-number tensors, and make such tensors. */
import { dimAttribute, dims, intAttribute } from "./attributes.ts";
import { operand } from "./elementwise.ts";
import type { OperatorDefinition } from "./operator.ts";
import { between, given } from "./sample-data.ts";
import type { Tensor } from "./tensor.ts";
import { aroundAxis } from "./tensor.ts";
import { typeOf, type Value } from "../graph/graph.ts";
import type { Dim } from "../types/dim.ts";

/** Refuses places outside an axis: reading there would give numbers that mean nothing. */
function placesIn(at: Tensor, size: number): Tensor["data"] {
  for (const place of at.data) {
    if (place < 0 || place >= size || !Number.isInteger(place)) {
      throw new RangeError(`the index ${String(place)} is outside 0 ..< ${String(size)}`);
    }
  }
  return at.data;
}

/** The size of an axis of an input that the signature promises. */
export function sizeOf(value: Value | undefined, axis: number): Dim {
  const size = value && typeOf(value).shape[axis];
  if (size === undefined) throw new Error("an operator was asked for the size of an axis that it has not");
  return size;
}

export const gather: OperatorDefinition = {
  name: "gather",
  places: (node) => ({ input: 1, size: sizeOf(node.inputs[0], intAttribute(node, "axis")) }),
  evaluate(node, inputs, evaluation) {
    const out = evaluation.output(node);
    const x = operand(inputs[0]);
    const { outer, size, inner } = aroundAxis(x.shape, intAttribute(node, "axis"));
    const at = placesIn(operand(inputs[1]), size);
    for (let i = 0; i < outer; i++) {
      for (let j = 0; j < at.length; j++) {
        const from = (i * size + at[j]!) * inner;
        out.data.set(x.data.subarray(from, from + inner), (i * at.length + j) * inner);
      }
    }
    return [out];
  },
  gradient({ node, inputs: [x, at], gradients: [dy], emit }) {
    const axis = intAttribute(node, "axis");
    const size = typeOf(x!).shape[axis]!;
    return [emit.op("gather_gradient", { axis: dimAttribute(node, "axis"), size }, at!, dy!)];
  },
  samples: () => [
    {
      name: "rows, some twice",
      attributes: dims({ axis: 0 }),
      inputs: [between(-1, 1, [4, 3]), given([5], [3, 0, 3, 1, 3], "i64")],
    },
    {
      name: "columns",
      attributes: dims({ axis: 1 }),
      inputs: [given([2, 3], [1, 2, 3, 4, 5, 6]), given([4], [2, 0, 1, 0], "i32")],
      expected: { outputs: [[3, 1, 2, 1, 6, 4, 5, 4]], gradients: [[2, 1, 1, 2, 1, 1]] },
    },
  ],
};

export const gatherGradient: OperatorDefinition = {
  name: "gather_gradient",
  evaluate(node, inputs, evaluation) {
    const out = evaluation.output(node);
    const dy = operand(inputs[1]);
    const { outer, size, inner } = aroundAxis(out.shape, intAttribute(node, "axis"));
    const at = placesIn(operand(inputs[0]), size);
    for (let i = 0; i < outer; i++) {
      for (let j = 0; j < at.length; j++) {
        const to = (i * size + at[j]!) * inner;
        const from = (i * at.length + j) * inner;
        for (let k = 0; k < inner; k++) out.data[to + k] = out.data[to + k]! + dy.data[from + k]!;
      }
    }
    return [out];
  },
  gradient({ node, inputs: [at], gradients: [dz], emit }) {
    return [undefined, emit.op("gather", { axis: dimAttribute(node, "axis") }, dz!, at!)];
  },
  samples: () => [
    {
      name: "sums of rows",
      attributes: dims({ axis: 0, size: 4 }),
      inputs: [given([3], [2, 0, 2], "i64"), given([3, 2], [1, 2, 3, 4, 5, 6])],
      expected: { outputs: [[3, 4, 0, 0, 6, 8, 0, 0]], gradients: [undefined, [1, 1, 1, 1, 1, 1]] },
    },
    {
      name: "columns",
      attributes: dims({ axis: 1, size: 3 }),
      inputs: [given([4], [1, 1, 0, 1], "i32"), between(-1, 1, [2, 4])],
    },
  ],
};

export const oneHot: OperatorDefinition = {
  name: "one_hot",
  places: (node) => ({ input: 0, size: dimAttribute(node, "count") }),
  evaluate(node, [at], evaluation) {
    const out = evaluation.output(node);
    const count = evaluation.size(dimAttribute(node, "count"));
    placesIn(operand(at), count).forEach((place, i) => (out.data[i * count + place] = 1));
    return [out];
  },
  gradient: "none",
  samples: () => [
    {
      name: "labels",
      attributes: dims({ count: 3 }),
      inputs: [given([3], [1, 0, 2], "i64")],
      expected: { outputs: [[0, 1, 0, 1, 0, 0, 0, 0, 1]] },
    },
  ],
};

export const iota: OperatorDefinition = {
  name: "iota",
  evaluate(node, _, evaluation) {
    const out = evaluation.output(node);
    for (let i = 0; i < out.data.length; i++) out.data[i] = i;
    return [out];
  },
  gradient: "none",
  samples: () => [{ name: "four", attributes: dims({ count: 4 }), inputs: [], expected: { outputs: [[0, 1, 2, 3]] } }],
};

export const indexingOperators = [gather, gatherGradient, oneHot, iota];

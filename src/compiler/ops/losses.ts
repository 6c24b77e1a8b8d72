/** Losses that are one operator because engines fuse them. */
import type { Emitter } from "./emit.ts";
import { operand } from "./elementwise.ts";
import { sizeOf } from "./indexing.ts";
import type { OperatorDefinition } from "./operator.ts";
import { between, given } from "./sample-data.ts";
import type { Numbers } from "./tensor.ts";
import { sizeAt } from "./tensor.ts";
import type { Value } from "../graph/graph.ts";
import { typeOf } from "../graph/graph.ts";

/** The largest of a row and the sum of exp(x - largest), which cannot overflow. */
function rowScale(logits: Numbers, from: number, count: number): { largest: number; total: number } {
  let largest = -Infinity;
  for (let k = from; k < from + count; k++) largest = Math.max(largest, logits[k]!);
  let total = 0;
  for (let k = from; k < from + count; k++) total += Math.exp(logits[k]! - largest);
  return { largest, total };
}
function labelIn(labels: Numbers, row: number, count: number): number {
  const label = labels[row]!;
  if (label >= 0 && label < count) return label;
  throw new RangeError(`the label ${String(label)} of sample ${String(row)} is outside 0 ..< ${String(count)}`);
}
function softmaxParts(emit: Emitter, logits: Value): { shifted: Value; exps: Value; total: Value } {
  const shifted = emit.sub(logits, emit.amax(logits, [1], true));
  const exps = emit.exp(shifted);
  return { shifted, exps, total: emit.sum(exps, [1], true) };
}
function oneHot(emit: Emitter, logits: Value, labels: Value): Value {
  const { shape, dtype } = typeOf(logits);
  return emit.cast(emit.op("one_hot", { count: shape[1]! }, labels), dtype);
}

const sampled = [between(-3, 3, [4, 5], 1), given([4], [0, 4, 2, 2], "i32")];

/** log sum exp(x) - x[label], the largest taken off first. */
export const softmaxCrossEntropy: OperatorDefinition = {
  name: "softmax_cross_entropy",
  places: ({ inputs: [logits] }) => ({ input: 1, size: sizeOf(logits, 1) }),
  evaluate(node, inputs, evaluation) {
    const out = evaluation.output(node);
    const [logits, labels] = [operand(inputs[0]), operand(inputs[1])];
    const count = sizeAt(logits.shape, 1);
    for (let b = 0; b < out.data.length; b++) {
      const { largest, total } = rowScale(logits.data, b * count, count);
      out.data[b] = Math.log(total) - (logits.data[b * count + labelIn(labels.data, b, count)]! - largest);
    }
    return [out];
  },
  gradient: ({ inputs: [logits, labels], gradients: [dy], emit }) => [
    emit.op("softmax_cross_entropy_gradient", {}, logits!, labels!, dy!),
    undefined,
  ],
  samples: () => [
    { name: "draws", attributes: {}, inputs: sampled },
    {
      name: "even odds",
      attributes: {},
      inputs: [given([2, 4], [1, 1, 1, 1, 7, 7, 7, 7]), given([2], [3, 0], "i64")],
      expected: {
        outputs: [[Math.log(4), Math.log(4)]],
        gradients: [[0.25, 0.25, 0.25, -0.75, -0.75, 0.25, 0.25, 0.25], undefined],
      },
    },
    {
      name: "large logits",
      attributes: {},
      inputs: [given([1, 2], [1000, 0]), given([1], [1], "i64")],
      expected: { outputs: [[1000]], gradients: [[1, -1], undefined] },
    },
  ],
  decompose(_, [logits, labels], emit) {
    const { shifted, total } = softmaxParts(emit, logits!);
    const own = emit.mul(oneHot(emit, logits!, labels!), emit.sub(emit.log(total), shifted));
    return [emit.sum(own, [1])];
  },
};

/** (softmax(x) - one_hot(label)) dy. */
export const softmaxCrossEntropyGradient: OperatorDefinition = {
  name: "softmax_cross_entropy_gradient",
  evaluate(node, inputs, evaluation) {
    const out = evaluation.output(node);
    const [logits, labels, dy] = [operand(inputs[0]), operand(inputs[1]), operand(inputs[2])];
    const count = sizeAt(logits.shape, 1);
    for (let b = 0; b < dy.data.length; b++) {
      const from = b * count;
      const { largest, total } = rowScale(logits.data, from, count);
      const label = labelIn(labels.data, b, count);
      for (let k = 0; k < count; k++) {
        const p = Math.exp(logits.data[from + k]! - largest) / total;
        out.data[from + k] = (p - (k === label ? 1 : 0)) * dy.data[b]!;
      }
    }
    return [out];
  },
  gradient: "once",
  samples: () => [
    { name: "draws", attributes: {}, inputs: [...sampled, between(-1, 1, [4], 2)] },
    {
      name: "even odds",
      attributes: {},
      inputs: [given([1, 4], [5, 5, 5, 5]), given([1], [1], "i32"), given([1], [8])],
      expected: { outputs: [[2, -6, 2, 2]] },
    },
  ],
  decompose(_, [logits, labels, dy], emit) {
    const { exps, total } = softmaxParts(emit, logits!);
    const rows = emit.keep(dy!, [1], typeOf(logits!).shape);
    return [emit.mul(emit.sub(emit.div(exps, total), oneHot(emit, logits!, labels!)), rows)];
  },
};

export const lossOperators = [softmaxCrossEntropy, softmaxCrossEntropyGradient];

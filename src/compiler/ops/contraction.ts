/** The matrix product, broadcast over leading axes. */
import { operand } from "./elementwise.ts";
import { matrixLine, matrixStore } from "./gemm.ts";
import { plainBytes } from "./bytes.ts";
import type { Backward, OperatorDefinition } from "./operator.ts";
import { between, given } from "./sample-data.ts";
import { sizeAt, stretchedStrides, stridesOf, walk } from "./tensor.ts";
import type { Value } from "../graph/graph.ts";
import { typeOf } from "../graph/graph.ts";
import { Dim, elementCount } from "../types/dim.ts";

/** The last two axes exchanged. */
function turned({ emit }: Backward, x: Value): Value {
  const rank = typeOf(x).shape.length;
  return emit.transpose(x, [...Array.from({ length: rank - 2 }, (_, axis) => axis), rank - 1, rank - 2]);
}
/** All but the last axis as rows. */
function asRows({ emit }: Backward, x: Value): Value {
  const { shape } = typeOf(x);
  return emit.reshape(x, [elementCount(shape.slice(0, -1)), shape[shape.length - 1]!]);
}

export const matmul: OperatorDefinition = {
  name: "matmul",
  evaluate(node, inputs, evaluation) {
    const out = evaluation.output(node);
    const [x, y] = [operand(inputs[0]), operand(inputs[1])];
    const [m, n] = [sizeAt(out.shape, out.shape.length - 2), sizeAt(out.shape, out.shape.length - 1)];
    const k = sizeAt(x.shape, x.shape.length - 1);
    const lead = out.shape.slice(0, -2);
    const strides = [
      stridesOf(lead),
      stretchedStrides(x.shape.slice(0, -2), lead),
      stretchedStrides(y.shape.slice(0, -2), lead),
    ];
    walk(lead, strides, (count, offsets, steps) => {
      for (let i = 0; i < count; i++) {
        const [o, xo, yo] = [0, 1, 2].map((operandIndex) => offsets[operandIndex]! + i * steps[operandIndex]!);
        evaluation.gemm.multiply(
          m,
          n,
          k,
          matrixLine(x.data, xo! * m * k, k, 1),
          matrixLine(y.data, yo! * k * n, 1, n),
          matrixStore(out.data, o! * m * n, n),
        );
      }
    });
    return [out];
  },
  /** dX = dZ Y^T, dY = X^T dZ, each summed over the leading axes that it stretched. A plain matrix Y takes all rows of X at once. */
  gradient(backward) {
    const { emit, needs } = backward;
    const [x, y] = backward.inputs;
    const [dz] = backward.gradients;
    const flat = typeOf(y!).shape.length === 2 && typeOf(x!).shape.length > 2;
    const dy = (): Value =>
      flat
        ? emit.matmul(turned(backward, asRows(backward, x!)), asRows(backward, dz!))
        : emit.sumTo(emit.matmul(turned(backward, x!), dz!), typeOf(y!).shape);
    return [
      needs[0] === true ? emit.sumTo(emit.matmul(dz!, turned(backward, y!)), typeOf(x!).shape) : undefined,
      needs[1] === true ? dy() : undefined,
    ];
  },
  cost(node) {
    const [x] = node.inputs;
    const [z] = node.outputs;
    const { shape } = typeOf(x!);
    const depth = shape[shape.length - 1] ?? Dim.one;
    return { flops: elementCount(z!.shape).times(depth).scaled(2), bytes: plainBytes(node) };
  },
  samples: () => [
    {
      name: "by hand",
      attributes: {},
      inputs: [given([2, 2], [1, 2, 3, 4]), given([2, 2], [5, 6, 7, 8])],
      expected: {
        outputs: [[19, 22, 43, 50]],
        gradients: [
          [11, 15, 11, 15],
          [4, 4, 6, 6],
        ],
      },
    },
    { name: "uneven", attributes: {}, inputs: [between(-1, 1, [3, 5], 1), between(-1, 1, [5, 2], 2)] },
    { name: "batched", attributes: {}, inputs: [between(-1, 1, [2, 3, 2], 3), between(-1, 1, [2, 2, 4], 4)] },
    { name: "one matrix for all", attributes: {}, inputs: [between(-1, 1, [2, 3, 2], 5), between(-1, 1, [2, 4], 6)] },
    {
      name: "stretched both ways",
      attributes: {},
      inputs: [between(-1, 1, [2, 1, 3, 2], 7), between(-1, 1, [3, 2, 2], 8)],
    },
    {
      name: "over blocks",
      attributes: {},
      inputs: [between(-1, 1, [2, 260], 9), between(-1, 1, [260, 2], 10)],
      tolerance: 1e-6,
    },
  ],
};

export const contractionOperators = [matmul];

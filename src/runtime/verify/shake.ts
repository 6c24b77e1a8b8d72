/**
 * Weights and inputs moved by some roundings' worth, one way or the other: what single precision makes of them beside what
 * it makes of the unmoved ones shows how much rounding alone does to each tensor, values at a kink included.
 */
import { decodeElements, encodeElements } from "../../backends/bytes.ts";
import { isFloat, type Tensor } from "../../compiler/ops/tensor.ts";
import { Draws } from "../draws.ts";
import type { Tensors } from "../run/engine.ts";
import type { Weights } from "../weights.ts";

/** Sixty-four roundings of single precision: as far as the sums of a deep network may drift apart. */
const MOST = 64 * 2 ** -24;

/** Against each other: what one does not move over a kink, the other does. */
export type Way = 1 | -1;

export function shakenInputs(inputs: Tensors, way: Way): Tensors {
  return new Map(
    [...inputs].map(([name, tensor]): readonly [string, Tensor] => {
      if (!isFloat(tensor.dtype)) return [name, tensor];
      return [name, { ...tensor, data: tensor.data.map(mover(name, way)) }];
    }),
  );
}

export function shakenWeights(weights: Weights, way: Way): Weights {
  return {
    async *read(variable) {
      const { dtype } = variable.type;
      const move = mover(variable.path, way);
      for await (const chunk of weights.read(variable))
        yield isFloat(dtype) ? encodeElements(dtype, decodeElements(dtype, chunk).map(move)) : chunk;
    },
    close: () => weights.close(),
  };
}

/** Whole numbers stay: they are counts, categories, zeros and ones, which no engine rounds. */
function mover(name: string, way: Way): (value: number) => number {
  const draws = new Draws("shaken", name);
  return (value) => {
    const by = way * draws.uniform(-MOST, MOST);
    return Number.isInteger(value) ? value : value * (1 + by);
  };
}

/** The values that variables start with, drawn by the seed and the variable's path: the same on every machine and engine. */
import type { Variable } from "../graph/graph.ts";
import { fillNormal, fillUniform, streamOf } from "./philox.ts";
import { countOf } from "./tensor.ts";

export type InitialValues = Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array;

/**
 * The members `from ..< to` (all unless said) of a variable's start, in its own element type; f16 and bf16 come as f32.
 * Any part can be asked for alone, so large tensors can be streamed.
 */
export function initialValues(variable: Variable, seed: number, from = 0, to = variableCount(variable)): InitialValues {
  const { init, type } = variable;
  const count = to - from;
  if (init.kind === "constant") return convert(type.dtype, new Float64Array(count).fill(init.value));
  if (init.kind === "values") return convert(type.dtype, init.values.slice(from, to));
  const out = type.dtype === "f64" ? new Float64Array(count) : new Float32Array(count);
  const stream = streamOf(seed, variable.path, 0);
  if (init.kind === "uniform") fillUniform(out, stream, init.low, init.high, from);
  else fillNormal(out, stream, init.mean, init.std, from);
  return out;
}

/** How many members a variable has; its shape has no symbolic size. */
export function variableCount(variable: Variable): number {
  return countOf(
    variable.type.shape.map((size) => {
      if (size.constant === undefined)
        throw new Error(`${variable.path} has a size that is not known: ${size.toString()}`);
      return size.constant;
    }),
  );
}

function convert(dtype: Variable["type"]["dtype"], values: Float64Array): InitialValues {
  switch (dtype) {
    case "bool":
      return Uint8Array.from(values, (value) => (value === 0 ? 0 : 1));
    case "i32":
      return Int32Array.from(values);
    case "i64":
      return BigInt64Array.from(Array.from(values, (value) => BigInt(Math.trunc(value))));
    case "f64":
      return values;
    case "f16":
    case "bf16":
    case "f32":
      return Float32Array.from(values);
  }
}

/** The module that the compiler writes beside the loader: what of it is used. */
import type * as tfjs from "@tensorflow/tfjs-core";

type Tensors = Readonly<Record<string, tfjs.Tensor>>;
export function constants(tf: typeof tfjs): Record<string, tfjs.Tensor>;
export function predict(tf: typeof tfjs, w: Tensors, c: Tensors, inputs: Tensors): Record<string, tfjs.Tensor>;
export function regions(tf: typeof tfjs, w: Tensors, c: Tensors, inputs: Tensors): Record<string, tfjs.Tensor>;

/** Tensors that nothing computes: they stand for what only uses know while a declaration is checked for all of them. */
import type { Range } from "../types/signature.ts";
import type { TensorType } from "../types/tensor.ts";
import type { Context } from "./context.ts";
import { makeTensor } from "./tensors.ts";
import type { TensorVal } from "./values.ts";

export function hole(context: Context, type: TensorType, name: string, range?: Range): TensorVal {
  const node = context.graph.node("input", { name, kind: "input" }, [], [type]);
  return makeTensor({ node, index: 0 }, [], range);
}

/** What a node moves in memory, for any size of the batch. */
import { bytesOf } from "./tensor.ts";
import type { Node, TensorType } from "../graph/graph.ts";
import { typeOf } from "../graph/graph.ts";
import { Dim, elementCount } from "../types/dim.ts";

/** Every operand read once and every result written once. */
export function plainBytes(node: Node): Dim {
  const size = (type: TensorType): Dim => elementCount(type.shape).scaled(bytesOf(type.dtype));
  const types = [...node.inputs.map(typeOf), ...node.outputs];
  return types.reduce((total, type) => total.plus(size(type)), Dim.zero);
}

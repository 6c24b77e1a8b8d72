/** What backends read off the operands of matrix products. */
import type { Value } from "../compiler/graph/graph.ts";
import { intsAttribute } from "../compiler/ops/attributes.ts";

/** What a value is the transpose of, where only the last two axes change places. */
export function turnedFrom({ node }: Value): Value | undefined {
  if (node.op !== "transpose") return undefined;
  const order = intsAttribute(node, "order");
  const n = order.length;
  const swaps = order.every((axis, i) => axis === (i === n - 1 ? n - 2 : i === n - 2 ? n - 1 : i));
  return swaps ? node.inputs[0] : undefined;
}

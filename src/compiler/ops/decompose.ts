/** The meaning of a composite operator in simpler primitives. */
import type { GraphBuilder } from "../graph/builder.ts";
import type { Node, Value } from "../graph/graph.ts";
import { Emitter } from "./emit.ts";
import { operatorNamed } from "./index.ts";

/** What `node` means over `inputs`, emitted into `builder`; undefined where it is not composite. */
export function decompose(builder: GraphBuilder, node: Node, inputs: readonly Value[]): readonly Value[] | undefined {
  return operatorNamed(node.op).decompose?.(node, inputs, new Emitter(builder));
}

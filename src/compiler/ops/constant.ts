/** Computes values that depend on nothing but constants, while a program is compiled: initial values, folded constants. */
import type { Node, Value } from "../graph/graph.ts";
import type { Dim } from "../types/dim.ts";
import { createGemm } from "./gemm.ts";
import { operatorNamed } from "./index.ts";
import type { Evaluation } from "./operator.ts";
import { countOf, type Tensor } from "./tensor.ts";

/** Leaves whose value is not known before the network runs. */
const open = new Set(["input", "variable", "axis_size", "random"]);

/** The entries of a value, row-major in f64; undefined where something in it is known only at run time. */
export function evaluateConstant(value: Value): Float64Array | undefined {
  const known = new Map<Node, readonly Tensor[] | undefined>();
  const evaluation = constantEvaluation();
  const visit = (node: Node): readonly Tensor[] | undefined => {
    if (known.has(node)) return known.get(node);
    const sizes = node.outputs.every((t) => t.shape.every((d) => d.constant !== undefined));
    let result: readonly Tensor[] | undefined;
    if (!open.has(node.op) && sizes) {
      const inputs = node.inputs.map((input) => visit(input.node)?.[input.index]);
      if (inputs.every((t) => t !== undefined)) result = operatorNamed(node.op).evaluate(node, inputs, evaluation);
    }
    known.set(node, result);
    return result;
  };
  const tensor = visit(value.node)?.[value.index];
  return tensor && Float64Array.from(tensor.data);
}

function constantEvaluation(): Evaluation {
  const size = (dim: Dim): number => dim.evaluate(() => undefined);
  const allocate: Evaluation["allocate"] = (dtype, shape) => ({ dtype, shape, data: new Float64Array(countOf(shape)) });
  const none = (): never => {
    throw new Error("a constant reads nothing that is fed");
  };
  return {
    precision: "f64",
    size,
    allocate,
    output: (node, index = 0) => {
      const type = node.outputs[index];
      if (type === undefined) throw new Error(`${node.op} has no output ${String(index)}`);
      return allocate(type.dtype, type.shape.map(size));
    },
    round: (x) => x,
    gemm: createGemm("f64"),
    seed: 0,
    port: none,
    variable: none,
  };
}

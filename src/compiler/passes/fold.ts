/** Computes what only literals go into. Large results stay as they are: a graph is cheaper to keep than its numbers. */
import type { Graph, Node, TensorType, Value } from "../graph/graph.ts";
import { rewrite } from "../graph/rewrite.ts";
import { operatorNamed } from "../ops/index.ts";
import type { Evaluation } from "../ops/operator.ts";
import type { Tensor } from "../ops/tensor.ts";
import { countOf } from "../ops/tensor.ts";
import { createGemm } from "../ops/gemm.ts";
import type { Pass, PassResult } from "./pass.ts";
import { noRules } from "./pass.ts";

const mostMembers = 16384;
const leaves: ReadonlySet<string> = new Set(["input", "variable", "constant", "axis_size", "random"]);

export const fold: Pass = {
  name: "fold",
  run(graph: Graph): PassResult {
    const evaluation = literalEvaluation();
    const folded = rewrite(graph, noRules, (builder, node, inputs) => {
      if (leaves.has(node.op) || !inputs.every(isConstant) || !worthFolding(node)) return undefined;
      const tensors = inputs.map((value) => tensorOf(value, evaluation));
      const results = computed(node, tensors, evaluation);
      return results?.map(({ dtype, shape, data }) => builder.constant(Float64Array.from(data), dtype, shape));
    });
    return { graph: folded ?? graph, changed: folded !== undefined };
  },
};

/** The results; undefined where the operator refuses its operands (an index out of range), which is for a run to report. */
function computed(node: Node, inputs: readonly Tensor[], evaluation: Evaluation): readonly Tensor[] | undefined {
  try {
    return operatorNamed(node.op).evaluate(node, inputs, evaluation);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function isConstant({ node }: Value): boolean {
  return node.op === "constant";
}
/** Known, small, and not merely one number repeated. */
function worthFolding(node: Node): boolean {
  const counts = node.outputs.map(({ shape }) => staticShape(shape)).map((shape) => shape && countOf(shape));
  const small = counts.every((count) => count !== undefined && count <= mostMembers);
  if (node.op !== "expand") return small;
  const [before] = node.inputs.map((value) => staticShape(typeAt(value).shape));
  return small && before !== undefined && countOf(before) > 1;
}
function typeAt({ node, index }: Value): TensorType {
  const type = node.outputs[index];
  if (type === undefined) throw new Error(`${node.op} has no output ${index}`);
  return type;
}
function staticShape(shape: TensorType["shape"]): readonly number[] | undefined {
  const sizes = shape.map((size) => size.constant).filter((size) => size !== undefined);
  return sizes.length === shape.length ? sizes : undefined;
}
function tensorOf(value: Value, evaluation: Evaluation): Tensor {
  const [tensor] = operatorNamed("constant").evaluate(value.node, [], evaluation);
  if (tensor === undefined) throw new Error("a constant has a value");
  return tensor;
}

/** Double precision, no sizes but known ones, nothing fed. */
function literalEvaluation(): Evaluation {
  const size: Evaluation["size"] = (dim) => dim.evaluate(() => undefined);
  const allocate: Evaluation["allocate"] = (dtype, shape) => ({ dtype, shape, data: new Float64Array(countOf(shape)) });
  const nothing = (name: string): never => {
    throw new Error(`${name} is not a literal`);
  };
  let gemm: Evaluation["gemm"] | undefined;
  return {
    precision: "f64",
    size,
    allocate,
    output(node, index = 0) {
      const { dtype, shape } = typeAt({ node, index });
      return allocate(dtype, shape.map(size));
    },
    round: (value) => value,
    get gemm() {
      gemm ??= createGemm("f64");
      return gemm;
    },
    seed: 0,
    port: nothing,
    variable: nothing,
  };
}

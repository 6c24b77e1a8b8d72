/**
 * Computes what only literals decide, in double precision, so that the file holds the result instead of the nodes. Large
 * results that are small things repeated stay as they are: repeating them costs an engine less than reading them.
 */
import type { GraphBuilder, TypeRules } from "../../compiler/graph/builder.ts";
import type { Graph, Node } from "../../compiler/graph/graph.ts";
import { createGemm, type Gemm } from "../../compiler/ops/gemm.ts";
import { operatorNamed } from "../../compiler/ops/index.ts";
import type { Evaluation } from "../../compiler/ops/operator.ts";
import { countOf, type Tensor } from "../../compiler/ops/tensor.ts";
import { elementCount } from "../../compiler/types/dim.ts";
import { rewrite } from "../backend.ts";

/** Results of more members are left to the engine. */
const LARGEST = 1 << 16;
const LARGEST_REPEATED = 256;

const unfoldable: ReadonlySet<string> = new Set(["input", "variable", "random", "axis_size"]);
/** Replacements are literals, whose types need no rules. */
const noRules: TypeRules = {
  outputs(op) {
    throw new Error(`${op} was to be replaced by a literal`);
  },
};

class UnknownSize extends Error {}

export function foldConstants(graph: Graph): Graph {
  const known = knownTensors(graph);
  const replace = (builder: GraphBuilder, node: Node): ReturnType<Parameters<typeof rewrite>[2]> => {
    const tensors = node.op === "constant" ? undefined : known.get(node);
    if (tensors === undefined || (node.op === "expand" && countOf(tensors[0]?.shape ?? []) > LARGEST_REPEATED))
      return undefined;
    return tensors.map(({ dtype, shape, data }) => builder.constant(Float64Array.from(data), dtype, shape));
  };
  return rewrite(graph, noRules, replace) ?? graph;
}

function knownTensors(graph: Graph): ReadonlyMap<Node, readonly Tensor[]> {
  const known = new Map<Node, readonly Tensor[]>();
  const evaluation = literalEvaluation();
  for (const node of graph.nodes) {
    if (unfoldable.has(node.op)) continue;
    const inputs = node.inputs.map(({ node: from, index }) => known.get(from)?.[index]);
    if (!inputs.every((tensor) => tensor !== undefined)) continue;
    const counts = node.outputs.map((type) => elementCount(type.shape).constant);
    if (!counts.every((count) => count !== undefined && count <= LARGEST)) continue;
    try {
      known.set(node, operatorNamed(node.op).evaluate(node, inputs, evaluation));
    } catch (error) {
      if (!(error instanceof UnknownSize)) throw error;
    }
  }
  return known;
}

function literalEvaluation(): Evaluation {
  let gemm: Gemm | undefined;
  const never = (what: string) => (): never => {
    throw new Error(`a literal has no ${what}`);
  };
  const allocate: Evaluation["allocate"] = (dtype, shape) => ({ dtype, shape, data: new Float64Array(countOf(shape)) });
  const size: Evaluation["size"] = (dim) => {
    if (dim.constant === undefined) throw new UnknownSize();
    return dim.constant;
  };
  return {
    precision: "f64",
    size,
    allocate,
    output(node, index = 0) {
      const type = node.outputs[index];
      if (type === undefined) throw new Error(`${node.op} has no output ${String(index)}`);
      return allocate(type.dtype, type.shape.map(size));
    },
    round: (value) => value,
    get gemm() {
      return (gemm ??= createGemm("f64"));
    },
    seed: 0,
    port: never("input"),
    variable: never("variable"),
  };
}

/**
 * The reference: evaluates a graph node by node by the operators' own definitions, in double precision (the oracle) or in
 * single (the yardstick for engines: every tensor rounded, contractions added up in single precision by blocks). It knows
 * no operator and keeps no tensor longer than its last reader needs it.
 */
import type { DType, Graph, Node, Value } from "../../compiler/graph/graph.ts";
import { createGemm, type Gemm } from "../../compiler/ops/gemm.ts";
import { operatorNamed } from "../../compiler/ops/index.ts";
import type { Evaluation } from "../../compiler/ops/operator.ts";
import type { Numbers, Tensor } from "../../compiler/ops/tensor.ts";
import { countOf } from "../../compiler/ops/tensor.ts";
import type { Fed, NumberArray, Sizes } from "./sizes.ts";
import { bindSizes, checkFed, FeedError, sizeOf } from "./sizes.ts";

export type { Fed, NumberArray } from "./sizes.ts";
export { FeedError } from "./sizes.ts";

export interface EvaluateOptions {
  readonly precision: "f64" | "f32";
  /** Inputs and targets by name. */
  readonly inputs: ReadonlyMap<string, Fed>;
  /** Variables by path, as they are before the run. */
  readonly variables: ReadonlyMap<string, Fed>;
  /** The key of random draws. 0 unless said. */
  readonly seed?: number;
  /** Values inside the graph that the caller wants to see. */
  readonly keep?: readonly Value[];
  /** The matrix kernel of this precision, to reuse over many runs; made anew unless given. */
  readonly gemm?: Gemm;
  /** Called after each node; it must not keep the tensors unless it can afford them. */
  readonly observe?: (node: Node, outputs: readonly Tensor[]) => void;
}
export interface Evaluated {
  readonly outputs: ReadonlyMap<string, Tensor>;
  /** The new tensors of the variables that the graph updates, by path. */
  readonly updates: ReadonlyMap<string, Tensor>;
  /** A value that `keep` names. */
  value(value: Value): Tensor;
}

/** An operator that could not compute, with its place in the model. */
export class EvaluationError extends Error {
  readonly node: Node;
  constructor(node: Node, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(`${node.op}${node.path === "" ? "" : ` at ${node.path}`}: ${reason}`, { cause });
    this.name = "EvaluationError";
    this.node = node;
  }
}

export function evaluate(graph: Graph, options: EvaluateOptions): Evaluated {
  const sizes = bindSizes(graph, options.inputs);
  const evaluation = createEvaluation(graph, options, sizes);
  const kept = [
    ...graph.outputs.map((output) => output.value),
    ...graph.updates.map((update) => update.value),
    ...(options.keep ?? []),
  ];
  const readers = countReaders(graph, kept);
  const results = new Map<Node, readonly Tensor[]>();
  const resultOf = ({ node, index }: Value): Tensor => {
    const tensor = results.get(node)?.[index];
    if (tensor === undefined)
      throw new Error(`node ${String(node.id)} (${node.op}) was read before it ran or after it was let go`);
    return tensor;
  };
  for (const node of graph.nodes) {
    if (!readers.has(node)) continue;
    results.set(node, run(node, node.inputs.map(resultOf), evaluation));
    options.observe?.(node, results.get(node) ?? []);
    for (const { node: source } of node.inputs) {
      const left = (readers.get(source) ?? 0) - 1;
      readers.set(source, left);
      if (left === 0) results.delete(source);
    }
  }
  return {
    outputs: new Map(graph.outputs.map((output) => [output.name, resultOf(output.value)])),
    updates: new Map(graph.updates.map((update) => [update.variable.path, resultOf(update.value)])),
    value: resultOf,
  };
}

function run(node: Node, inputs: readonly Tensor[], evaluation: Evaluation): readonly Tensor[] {
  try {
    return operatorNamed(node.op).evaluate(node, inputs, evaluation);
  } catch (error) {
    throw error instanceof FeedError ? error : new EvaluationError(node, error);
  }
}

/** How often each node that matters is read; what is kept counts as one read more, so it stays. */
function countReaders(graph: Graph, kept: readonly Value[]): Map<Node, number> {
  const readers = new Map<Node, number>();
  const read = ({ node }: Value): void => {
    readers.set(node, (readers.get(node) ?? 0) + 1);
  };
  kept.forEach(read);
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i];
    if (node !== undefined && readers.has(node)) node.inputs.forEach(read);
  }
  return readers;
}

function createEvaluation(graph: Graph, options: EvaluateOptions, sizes: Sizes): Evaluation {
  const { precision } = options;
  const ports = new Map(graph.ports.map((port) => [port.name, port]));
  const variables = new Map(graph.variables.map((variable) => [variable.path, variable]));
  const isSingle = (dtype: DType): boolean =>
    precision === "f32" && (dtype === "f32" || dtype === "f16" || dtype === "bf16");
  const size: Evaluation["size"] = (dim) => sizeOf(sizes, dim);
  const allocate: Evaluation["allocate"] = (dtype, shape) => {
    const count = countOf(shape);
    return { dtype, shape, data: isSingle(dtype) ? new Float32Array(count) : new Float64Array(count) };
  };
  // Made when first asked for: most small graphs multiply no matrices.
  let gemm = options.gemm;
  return {
    precision,
    size,
    allocate,
    output(node, index = 0) {
      const type = node.outputs[index];
      if (type === undefined) throw new Error(`${node.op} has no output ${String(index)}`);
      return allocate(type.dtype, type.shape.map(size));
    },
    round: precision === "f32" ? Math.fround : (value) => value,
    get gemm() {
      gemm ??= createGemm(precision);
      return gemm;
    },
    seed: options.seed ?? 0,
    port(name) {
      const port = ports.get(name);
      const fed = options.inputs.get(name);
      if (port === undefined || fed === undefined) throw new FeedError(name, undefined, `the input ${name} is missing`);
      return { dtype: port.type.dtype, shape: fed.shape, data: numbers(fed.data, isSingle(port.type.dtype)) };
    },
    variable(path) {
      const variable = variables.get(path);
      const fed = options.variables.get(path);
      if (variable === undefined || fed === undefined)
        throw new FeedError(path, variable?.span, `the variable ${path} has no value`);
      checkFed(path, variable.span, variable.type, fed, sizes);
      return { dtype: variable.type.dtype, shape: fed.shape, data: numbers(fed.data, isSingle(variable.type.dtype)) };
    },
  };
}

/** In the run's own arrays; no copy where they are that already. */
function numbers(data: NumberArray, single: boolean): Numbers {
  if (single) return data instanceof Float32Array ? data : Float32Array.from(plain(data));
  return data instanceof Float64Array ? data : Float64Array.from(plain(data));
}
function plain(data: NumberArray): ArrayLike<number> {
  return data instanceof BigInt64Array ? Array.from(data, Number) : data;
}

/**
 * Makes graphs node by node. The types of an operator's outputs come from its signature (`TypeRules`), never from the
 * caller; only the few leaf nodes (`input`, `variable`, `constant`, `axis_size`, `random`) carry their type themselves.
 */
import type { Span } from "../source/source.ts";
import { Dim } from "../types/dim.ts";
import type { Attributes, DType, Node, TensorType, Value } from "./graph.ts";
import { typeOf } from "./graph.ts";

/** What the outputs of an operator are, by its `.arch` signature. Throws on a type error: emitters pass what fits. */
export interface TypeRules {
  outputs(op: string, attributes: Attributes, inputs: readonly TensorType[]): readonly TensorType[];
}

/** Where the next nodes come from. */
export interface Origin {
  readonly path: string;
  readonly span: Span | undefined;
}

export class GraphBuilder {
  readonly rules: TypeRules;
  readonly #nodes: Node[] = [];
  #origin: Origin = { path: "", span: undefined };

  constructor(rules: TypeRules, start: readonly Node[] = []) {
    this.rules = rules;
    this.#nodes.push(...start);
  }

  /** The nodes so far, each after its inputs. */
  get nodes(): readonly Node[] {
    return this.#nodes;
  }

  /** Runs `make` with every node it emits marked as coming from `origin`. */
  at<T>(origin: Origin, make: () => T): T {
    const before = this.#origin;
    this.#origin = origin;
    try {
      return make();
    } finally {
      this.#origin = before;
    }
  }
  get origin(): Origin {
    return this.#origin;
  }

  /** A node of known output types: leaves, and copies of nodes of another graph. */
  node(
    op: string,
    attributes: Attributes,
    inputs: readonly Value[],
    outputs: readonly TensorType[],
    { path, span }: Origin = this.#origin,
  ): Node {
    const node: Node = { id: this.#nodes.length, op, attributes, inputs, outputs, path, span };
    this.#nodes.push(node);
    return node;
  }
  /** An operator with all its outputs. */
  all(op: string, attributes: Attributes, ...inputs: readonly Value[]): readonly Value[] {
    const node = this.node(op, attributes, inputs, this.rules.outputs(op, attributes, inputs.map(typeOf)));
    return node.outputs.map((_, index) => ({ node, index }));
  }
  /** An operator with one output. */
  op(op: string, attributes: Attributes, ...inputs: readonly Value[]): Value {
    const [only] = this.all(op, attributes, ...inputs);
    if (only === undefined) throw new Error(`${op} has no output`);
    return only;
  }

  /** Literal values, row-major; one number for a scalar. The shape has no symbolic size. */
  constant(values: Float64Array | number, dtype: DType, shape: readonly number[] = []): Value {
    const data = typeof values === "number" ? Float64Array.of(values) : values;
    const type: TensorType = { dtype, shape: shape.map((n) => Dim.of(n)) };
    return { node: this.node("constant", { values: data }, [], [type]), index: 0 };
  }
  /** A size as a scalar tensor: `B * H * W` at run time. */
  axisSize(of: Dim, dtype: DType): Value {
    const known = of.constant;
    if (known !== undefined) return this.constant(known, dtype);
    return { node: this.node("axis_size", { of }, [], [{ dtype, shape: [] }]), index: 0 };
  }
}

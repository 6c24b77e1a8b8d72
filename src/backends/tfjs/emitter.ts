/**
 * Emits one graph: keeps for every value the TensorFlow tensors that hold it (one an order of axes), converts between
 * orders on demand, and knows run-time sizes. Operators themselves are in the tables.
 */
import type { DType, Graph, Node, Value, Variable } from "../../compiler/graph/graph.ts";
import { typeOf } from "../../compiler/graph/graph.ts";
import { Dim, type Shape } from "../../compiler/types/dim.ts";
import { RefusalError } from "../backend.ts";
import { inLayout, type Layout, type LayoutRule, type Layouts, movesOnlyOnes, orderOf, sameLayout } from "../layout.ts";
import { attr, type TfNodes, type TfValue } from "./nodes.ts";
import type { TfShape, TfType } from "./proto.ts";

/** A tensor and the order in which its axes lie. */
export interface Produced {
  readonly value: TfValue;
  readonly layout: Layout;
}

/** How one operator is said in TensorFlow. */
export interface Row {
  readonly layout: (node: Node) => LayoutRule;
  readonly emit: (e: NodeEmitter) => readonly Produced[];
  /** Emitted where it is first read, for readers often need not have it at all. */
  readonly lazy?: boolean;
  /** The time that this form takes, as a share of what the operator's cost says; 1 where it is not told. */
  readonly share?: (node: Node) => number;
}
export type Table = Readonly<Record<string, Row>>;

/** Static sizes, -1 for others. */
export function tfShape(shape: Shape): TfShape {
  return shape.map((d) => d.constant ?? -1);
}

export class GraphEmitter {
  readonly tf: TfNodes;
  readonly graph: Graph;
  readonly layouts: Layouts;
  readonly #table: Table;
  readonly #prefix: string;
  readonly #held = new Map<Node, Produced[][]>();
  readonly #twins = new Twins();
  #readers: ReadonlyMap<Node, readonly Node[]> | undefined;
  readonly #sizes = new Map<string, TfValue>();
  readonly #shapes = new Map<string, TfValue>();
  readonly #portShapes = new Map<string, TfValue>();
  /** Tensors that one row leaves for another, e.g. what a gradient kernel wants of its forward kernel. */
  readonly extras = new Map<string, readonly TfValue[]>();

  constructor(tf: TfNodes, graph: Graph, layouts: Layouts, table: Table, prefix: string) {
    this.tf = tf;
    this.graph = graph;
    this.layouts = layouts;
    this.#table = table;
    this.#prefix = prefix;
  }

  /** Emits a node unless it waits for a reader. */
  node(node: Node): void {
    if (this.#table[node.op]?.lazy !== true) this.#emit(node);
  }
  #emit(node: Node): readonly Produced[][] {
    const known = this.#held.get(node);
    if (known !== undefined) return known;
    const row = this.#table[node.op];
    if (row === undefined) {
      throw new RefusalError(
        node,
        `the tfjs target has no form of \`${node.op}\``,
        "write it with other primitives, or use the onnx target",
      );
    }
    const twin = this.#twins.of(node);
    const before = twin === undefined ? undefined : this.#held.get(twin);
    if (before !== undefined) {
      this.#held.set(node, before);
      return before;
    }
    const path = node.path === "" ? node.op : `${node.path}/${node.op}`;
    const emit = (): Produced[][] => row.emit(new NodeEmitter(this, node)).map((p) => [p]);
    const produced = this.within(path, () => this.tf.of(node, emit));
    this.#held.set(node, produced);
    return produced;
  }
  /** The one node that reads this output, where there is just one. */
  onlyReader(value: Value): Node | undefined {
    this.#readers ??= readersOf(this.graph);
    const all = this.#readers.get(value.node) ?? [];
    const [reader, ...others] = all.filter((node) =>
      node.inputs.some((v) => v.node === value.node && v.index === value.index),
    );
    return others.length === 0 ? reader : undefined;
  }
  /** The TensorFlow nodes that hold a node's outputs, where it was emitted. */
  namesOf(node: Node): readonly string[] {
    return (this.#held.get(node) ?? []).flatMap((forms) => forms.slice(0, 1).map((form) => form.value.node));
  }
  /** Nodes that `make` adds are named after this path of the graph. */
  within<T>(path: string, make: () => T): T {
    return this.tf.within(`${this.#prefix}/${path}`, make);
  }
  /** Declares the tensor of a leaf. */
  hold(node: Node, produced: Produced): void {
    this.#held.set(node, [[produced]]);
  }

  /** The value with its axes in this order. */
  value(value: Value, layout?: Layout): TfValue {
    const forms = this.#emit(value.node)[value.index];
    const first = forms?.[0];
    if (forms === undefined || first === undefined)
      throw new Error(`${value.node.op} gave no output ${String(value.index)}`);
    const { shape } = typeOf(value);
    const known = forms.find((f) => sameLayout(inLayoutOrUndefined(f.layout), inLayoutOrUndefined(layout)));
    if (known !== undefined) return known.value;
    const made = this.relayout(first.value, shape, first.layout, layout);
    forms.push({ value: made, layout });
    return made;
  }
  /** The value in whichever order it exists already. */
  any(value: Value): Produced {
    const first = this.#emit(value.node)[value.index]?.[0];
    if (first === undefined) throw new Error(`${value.node.op} gave no output ${String(value.index)}`);
    return first;
  }

  relayout(value: TfValue, shape: Shape, from: Layout, to: Layout): TfValue {
    const [a, b] = [orderOf(from, shape.length), orderOf(to, shape.length)];
    if (a.every((axis, i) => axis === b[i])) return value;
    if (movesOnlyOnes(shape, from, to)) return this.reshape(value, inLayout(to, shape));
    return this.transpose(
      value,
      b.map((axis) => a.indexOf(axis)),
    );
  }
  transpose(value: TfValue, order: readonly number[]): TfValue {
    return this.tf.one("Transpose", [value, this.tf.ints(order)], value.type, {
      T: attr.type(value.type),
      Tperm: attr.type("i32"),
    });
  }
  reshape(value: TfValue, shape: Shape): TfValue {
    return this.tf.one("Reshape", [value, this.shape(shape, true)], value.type, {
      T: attr.type(value.type),
      Tshape: attr.type("i32"),
    });
  }
  cast(value: TfValue, to: TfType): TfValue {
    if (value.type === to) return value;
    return this.tf.one("Cast", [value], to, {
      SrcT: attr.type(value.type),
      DstT: attr.type(to),
      Truncate: attr.bool(false),
    });
  }
  /** Literal numbers of any type; half types are rounded by the engine. */
  literal(values: readonly number[] | Float64Array, type: TfType, shape: TfShape): TfValue {
    if (type === "f16" || type === "bf16") return this.cast(this.tf.constant(values, "f32", shape), type);
    return this.tf.constant(values, type, shape);
  }
  binary(op: string, x: TfValue, y: TfValue, result: TfType = x.type): TfValue {
    return this.tf.one(op, [x, y], result, { T: attr.type(x.type) });
  }
  unary(op: string, x: TfValue): TfValue {
    return this.tf.one(op, [x], x.type, { T: attr.type(x.type) });
  }

  /** A size as an int32 scalar. */
  size(dim: Dim): TfValue {
    const known = dim.constant;
    if (known !== undefined) return this.tf.scalar(known, "i32");
    const made = this.#sizes.get(dim.key);
    if (made !== undefined) return made;
    const value = this.#computeSize(dim);
    this.#sizes.set(dim.key, value);
    return value;
  }
  #computeSize(dim: Dim): TfValue {
    const whole = dim.asVariable;
    if (whole !== undefined) return this.#fedSize(whole.key, whole.name);
    let sum: TfValue | undefined;
    for (const term of dim.terms) {
      let product: TfValue | undefined =
        term.coefficient === 1 && term.factors.length > 0 ? undefined : this.tf.scalar(term.coefficient, "i32");
      for (const { atom, power } of term.factors) {
        let factor: TfValue;
        if (atom.kind === "var") factor = this.#part(this.#fedSize(atom.size, atom.name), atom.unit);
        else if (atom.kind === "floor") factor = this.binary("FloorDiv", this.size(atom.above), this.size(atom.below));
        else
          factor = atom.of
            .map((d) => this.size(d))
            .reduce((a, b) => this.binary(atom.kind === "min" ? "Minimum" : "Maximum", a, b));
        for (let i = 0; i < power; i++) product = product === undefined ? factor : this.binary("Mul", product, factor);
      }
      if (product !== undefined) sum = sum === undefined ? product : this.binary("AddV2", sum, product);
    }
    return sum ?? this.tf.scalar(0, "i32");
  }
  #part(size: TfValue, unit: number): TfValue {
    return unit === 1 ? size : this.binary("FloorDiv", size, this.tf.scalar(unit, "i32"));
  }
  /** A size that a fed tensor has. */
  #fedSize(key: string, name: string): TfValue {
    const made = this.#sizes.get(key);
    if (made !== undefined) return made;
    for (const port of this.graph.ports) {
      const axis = port.type.shape.findIndex((d) => d.asVariable?.key === key);
      if (axis < 0 || !this.#held.has(port.value.node)) continue;
      const shape =
        this.#portShapes.get(port.name) ??
        this.tf.one("Shape", [this.any(port.value).value], "i32", {
          T: attr.type(this.any(port.value).value.type),
          out_type: attr.type("i32"),
        });
      this.#portShapes.set(port.name, shape);
      const value = this.tf.one(
        "StridedSlice",
        [shape, this.tf.ints([axis]), this.tf.ints([axis + 1]), this.tf.ints([1])],
        "i32",
        {
          T: attr.type("i32"),
          Index: attr.type("i32"),
          begin_mask: attr.int(0),
          end_mask: attr.int(0),
          ellipsis_mask: attr.int(0),
          new_axis_mask: attr.int(0),
          shrink_axis_mask: attr.int(1),
        },
      );
      this.#sizes.set(key, value);
      return value;
    }
    throw new Error(`no input has the size ${name}`);
  }
  /** Sizes as an int32 vector; with `wild`, one unknown size may stand as -1. */
  shape(shape: Shape, wild = false): TfValue {
    const unknown = shape.filter((d) => d.constant === undefined).length;
    if (unknown === 0 || (wild && unknown === 1)) return this.tf.ints(tfShape(shape));
    const key = shape.map((d) => d.key).join();
    const made = this.#shapes.get(key);
    if (made !== undefined) return made;
    const parts = shape.map((d) => this.size(d));
    const value = this.tf.one("Pack", parts, "i32", {
      T: attr.type("i32"),
      N: attr.int(parts.length),
      axis: attr.int(0),
    });
    this.#shapes.set(key, value);
    return value;
  }
}

/**
 * Finds nodes that compute the same scalar. There are many (each batch norm asks how many samples it has, each weight has
 * its decay), and the chain of control edges keeps TensorFlow from merging them.
 */
class Twins {
  readonly #first = new Map<string, Node>();
  readonly #names = new Map<Node, number>();

  /** The first node that computes what this scalar does; itself where it is the first. */
  of(node: Node): Node | undefined {
    const [only] = node.outputs;
    if (node.outputs.length !== 1 || only?.shape.length !== 0 || node.op === "random") return undefined;
    const attributes = JSON.stringify(node.attributes, (_, value: unknown) =>
      value instanceof Dim ? value.key : value instanceof Float64Array ? [...value] : value,
    );
    const key = `${node.op} ${only.dtype} ${attributes} ${node.inputs.map((v) => `${String(this.#name(v.node))}:${String(v.index)}`).join(" ")}`;
    const first = this.#first.get(key);
    if (first !== undefined) {
      this.#names.set(node, this.#name(first));
      return first;
    }
    this.#first.set(key, node);
    return node;
  }
  #name(node: Node): number {
    return this.#names.get(node) ?? node.id;
  }
}

/** Which nodes read each node. */
function readersOf(graph: Graph): ReadonlyMap<Node, readonly Node[]> {
  const readers = new Map<Node, Node[]>();
  const add = (node: Node, reader: Node): void => {
    const list = readers.get(node);
    if (list === undefined) readers.set(node, [reader]);
    else if (list.at(-1) !== reader) list.push(reader);
  };
  for (const node of graph.nodes) for (const input of node.inputs) add(input.node, node);
  return readers;
}

/** Tells values apart, for `extras`. */
export function keyOf(...values: readonly Value[]): string {
  return values.map((v) => `${String(v.node.id)}:${String(v.index)}`).join(" ");
}

function inLayoutOrUndefined(layout: Layout): Layout {
  return layout?.every((axis, i) => axis === i) === true ? undefined : layout;
}

/** What a row sees of its node. */
export class NodeEmitter {
  readonly graph: GraphEmitter;
  readonly tf: TfNodes;
  readonly node: Node;

  constructor(graph: GraphEmitter, node: Node) {
    this.graph = graph;
    this.tf = graph.tf;
    this.node = node;
  }

  input(index: number, layout?: Layout): TfValue {
    return this.graph.value(this.source(index), layout);
  }
  source(index: number): Value {
    const value = this.node.inputs[index];
    if (value === undefined) throw new Error(`${this.node.op} has no input ${String(index)}`);
    return value;
  }
  inputShape(index: number): Shape {
    return typeOf(this.source(index)).shape;
  }
  outputShape(index = 0): Shape {
    return typeOf({ node: this.node, index }).shape;
  }
  outputType(index = 0): DType {
    return typeOf({ node: this.node, index }).dtype;
  }
  /** The order that the values tied to this output share. */
  sharedLayout(index = 0): Layout {
    return this.graph.layouts.of({ node: this.node, index });
  }
  /** An input of an operator that broadcasts, laid out to meet a result of this rank and order. */
  operand(value: Value, rank: number, layout: Layout): TfValue {
    const { shape } = typeOf(value);
    if (layout === undefined || shape.length === 0) return this.graph.value(value);
    if (shape.length === rank) return this.graph.value(value, layout);
    const padded = [...Array.from({ length: rank - shape.length }, () => Dim.one), ...shape];
    const given = this.graph.value(value);
    if (movesOnlyOnes(padded, undefined, layout)) return this.graph.reshape(given, inLayout(layout, padded));
    return this.graph.relayout(this.graph.reshape(given, padded), padded, undefined, layout);
  }

  attribute(name: string): unknown {
    return this.node.attributes[name];
  }
  /** An attribute that is a size. */
  dim(name: string): Dim {
    const value = this.attribute(name);
    if (value instanceof Dim) return value;
    if (typeof value === "number") return Dim.of(value);
    throw new Error(`${this.node.op}: attribute ${name} is not a size`);
  }
  /** A whole number that must be known. */
  int(name: string): number {
    const value = this.dim(name).constant;
    if (value === undefined)
      throw this.refuse(`\`${name}\` must be known when the graph is compiled`, "give it a number");
    return value;
  }
  number(name: string): number {
    const value = this.attribute(name);
    if (value instanceof Dim) return this.int(name);
    if (typeof value !== "number") throw new Error(`${this.node.op}: attribute ${name} is not a number`);
    return value;
  }
  flag(name: string): boolean {
    return this.attribute(name) === true;
  }
  dims(name: string): readonly Dim[] {
    const value = this.attribute(name);
    if (!Array.isArray(value)) throw new Error(`${this.node.op}: attribute ${name} is not a list`);
    return value.map((member: unknown) => (member instanceof Dim ? member : Dim.of(Number(member))));
  }
  ints(name: string): readonly number[] {
    return this.dims(name).map((d) => {
      if (d.constant === undefined)
        throw this.refuse(`\`${name}\` must be known when the graph is compiled`, "give it numbers");
      return d.constant;
    });
  }
  /** A size that a kernel needs to know. */
  static(dim: Dim | undefined, what: string): number {
    const value = dim?.constant;
    if (value === undefined)
      throw this.refuse(
        `${what} must be known when the graph is compiled, here it is ${dim?.toString() ?? "unknown"}`,
        "fix the size in the input's type",
      );
    return value;
  }
  refuse(reason: string, help: string): RefusalError {
    return new RefusalError(this.node, reason, help);
  }
}

/** How a variable lives in the session, in all graphs alike. */
export interface TfVariable {
  readonly variable: Variable;
  readonly handle: TfValue;
  readonly layout: Layout;
}

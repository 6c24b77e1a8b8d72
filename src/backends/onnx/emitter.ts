/**
 * Writes one graph: keeps the ONNX name of every value, makes constants, and computes sizes that only a run knows from
 * the shapes of what is fed. Operators themselves are in the rows.
 */
import type { DType, Graph, Node, Port, TensorType, Value, Variable } from "../../compiler/graph/graph.ts";
import { typeOf } from "../../compiler/graph/graph.ts";
import { valuesAttribute } from "../../compiler/ops/attributes.ts";
import { type Atom, Dim, type Shape } from "../../compiler/types/dim.ts";
import type { InputForm } from "../inputs.ts";
import type { OnnxModel } from "./model.ts";
import { type AttributeValues, elementTypes } from "./proto.ts";

/** How one operator is said in ONNX: the names of its outputs. */
export type Row = (n: NodeEmitter) => string | readonly string[];
export type Table = Readonly<Record<string, Row>>;

/** More than any axis has; ONNX reads it as the end of the axis. Not 2^63 - 1, which no JavaScript number is. */
export const END = Number.MAX_SAFE_INTEGER;

export class GraphEmitter {
  readonly model: OnnxModel;
  readonly graph: Graph;
  readonly #names = new Map<Node, readonly string[]>();
  readonly #sizes = new Map<string, string>();
  readonly #ports = new Map<string, Port>();
  readonly #read = new Set<string>();
  readonly #forms: ReadonlyMap<string, InputForm>;
  readonly #feedsState: boolean;
  readonly #state = new Set<string>();
  readonly #normalised = new Map<string, string>();
  /** What one row leaves for another: names of further results of the node. */
  readonly extras = new Map<Node, readonly string[]>();

  /** `forms`: the inputs that are fed as the bytes of pictures. `fed`: variables are inputs too, by their paths. */
  constructor(model: OnnxModel, graph: Graph, forms: ReadonlyMap<string, InputForm>, fed: boolean) {
    this.model = model;
    this.graph = graph;
    this.#forms = forms;
    this.#feedsState = fed;
    for (const port of graph.ports) this.#ports.set(port.name, port);
  }

  /** The inputs that the graph turned out to need, in their order. */
  get inputs(): readonly Port[] {
    return this.graph.ports.filter((port) => this.#read.has(port.name));
  }

  /** The variables that are fed and that the graph turned out to need, in their order. */
  get state(): readonly Variable[] {
    return this.graph.variables.filter((variable) => this.#state.has(variable.path));
  }

  hold(node: Node, names: readonly string[]): void {
    this.#names.set(node, names);
  }
  name(value: Value): string {
    const { node, index } = value;
    const name = this.#names.get(node)?.[index] ?? this.#leaf(node);
    if (name === undefined) throw new Error(`node ${String(node.id)} (${node.op}) is read before it is written`);
    return name;
  }
  #leaf(node: Node): string | undefined {
    const type = node.outputs[0];
    if (type === undefined) return undefined;
    if (node.op === "input") return this.#value(this.#input(String(node.attributes["name"])));
    if (node.op === "constant") return this.model.constant(type.dtype, knownShape(type), valuesAttribute(node));
    if (node.op !== "variable") return undefined;
    const path = String(node.attributes["path"]);
    if (this.#feedsState) {
      this.#state.add(path);
      return path;
    }
    const dims = knownShape(type);
    const count = dims.reduce((product, n) => product * n, 1);
    const source = { kind: "variable", path, dtype: type.dtype, count } as const;
    return this.model.weight(path, `variable ${path} ${dims.join(",")}`, type.dtype, dims, {
      kind: "copy",
      of: source,
    });
  }
  #input(name: string): string {
    this.#read.add(name);
    return name;
  }
  /** An input as the program means it: where bytes are fed, (bytes / 255 - mean) / std, channels first. */
  #value(name: string): string {
    const form = this.#forms.get(name);
    const known = form === undefined ? name : this.#normalised.get(name);
    if (form === undefined || known !== undefined) return known ?? name;
    return this.model.inPath(name, () => {
      const channels = (values: readonly number[]): string =>
        this.model.constant("f32", [values.length], Float64Array.from(values));
      const scaled = channels(form.std.map((std) => 1 / (255 * std)));
      const shifted = channels(form.std.map((std, c) => (form.mean[c] ?? 0) / std));
      const numbers = this.model.one("Cast", [name], { to: { int: elementTypes.f32 } });
      const pixels = this.model.one("Sub", [this.model.one("Mul", [numbers, scaled]), shifted]);
      const planes = this.model.one("Transpose", [pixels], { perm: { ints: [0, 3, 1, 2] } });
      this.#normalised.set(name, planes);
      return planes;
    });
  }

  ints(values: readonly number[]): string {
    return this.model.constant("i64", [values.length], Float64Array.from(values));
  }
  scalar(value: number, dtype: DType): string {
    return this.model.constant(dtype, [], Float64Array.of(value));
  }

  /** Sizes as an i64 tensor of one axis. */
  shape(shape: Shape): string {
    if (shape.every((dim) => dim.constant !== undefined)) return this.ints(shape.map((dim) => dim.constant ?? 0));
    const parts: string[] = [];
    let known: number[] = [];
    const flush = (): void => {
      if (known.length > 0) parts.push(this.ints(known));
      known = [];
    };
    for (const dim of shape) {
      if (dim.constant !== undefined) known.push(dim.constant);
      else {
        flush();
        parts.push(this.size(dim));
      }
    }
    flush();
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : this.model.one("Concat", parts, { axis: { int: 0 } });
  }

  /** A size as an i64 tensor of one member. */
  size(dim: Dim): string {
    if (dim.constant !== undefined) return this.ints([dim.constant]);
    const made = this.#sizes.get(dim.key) ?? this.model.inPath("sizes", () => this.#computed(dim));
    this.#sizes.set(dim.key, made);
    return made;
  }
  #computed(dim: Dim): string {
    const variable = dim.asVariable;
    if (variable !== undefined) return this.#fed(variable.key, variable.name);
    let sum: string | undefined;
    for (const { coefficient, factors } of dim.terms) {
      let product: string | undefined = coefficient === 1 && factors.length > 0 ? undefined : this.ints([coefficient]);
      for (const { atom, power } of factors) {
        let factor: string;
        if (atom.kind === "var") factor = this.#part(this.size(wholeOf(atom)), atom.unit);
        else if (atom.kind === "floor") factor = this.#floor(this.size(atom.above), this.size(atom.below));
        else
          factor = this.model.one(
            atom.kind === "min" ? "Min" : "Max",
            atom.of.map((d) => this.size(d)),
          );
        for (let i = 0; i < power; i++)
          product = product === undefined ? factor : this.model.one("Mul", [product, factor]);
      }
      if (product !== undefined) sum = sum === undefined ? product : this.model.one("Add", [sum, product]);
    }
    return sum ?? this.ints([0]);
  }
  #part(size: string, unit: number): string {
    return unit === 1 ? size : this.model.one("Div", [size, this.ints([unit])]);
  }
  /** ONNX's Div of whole numbers rounds towards zero; without the rest there is nothing to round. */
  #floor(above: string, below: string): string {
    const rest = this.model.one("Mod", [above, below]);
    return this.model.one("Div", [this.model.one("Sub", [above, rest]), below]);
  }
  /** A size that an axis of some input has, or has a multiple of. */
  #fed(key: string, name: string): string {
    let best: { port: Port; axis: number; times: number; plus: number } | undefined;
    for (const port of this.#ports.values()) {
      for (const [axis, dim] of (this.#forms.get(port.name)?.shape ?? port.type.shape).entries()) {
        const line = straightLine(dim, key);
        // An input that is read anyhow is better than one that would have to be fed for its size alone.
        const better =
          best === undefined ||
          (line?.times === 1 && best.times !== 1) ||
          (this.#read.has(port.name) && !this.#read.has(best.port.name));
        if (line !== undefined && better) best = { port, axis, ...line };
      }
    }
    if (best === undefined) throw new Error(`no input has an axis of size ${name}`);
    const { port, axis, times, plus } = best;
    let size = this.model.one("Shape", [this.#input(port.name)], { start: { int: axis }, end: { int: axis + 1 } });
    if (plus !== 0) size = this.model.one("Sub", [size, this.ints([plus])]);
    return times === 1 ? size : this.model.one("Div", [size, this.ints([times])]);
  }
}

/** The size that an atom is a part of. */
function wholeOf({ name, size, unit }: Extract<Atom, { kind: "var" }>): Dim {
  return Dim.variable(name, size === name ? "" : size.slice(name.length + 1), unit);
}

/** `times * v + plus`, where a dim is that of a variable. */
function straightLine(dim: Dim, key: string): { times: number; plus: number } | undefined {
  let times = 0;
  let plus = 0;
  for (const { coefficient, factors } of dim.terms) {
    const [only] = factors;
    if (only === undefined) plus = coefficient;
    else if (factors.length === 1 && only.power === 1 && only.atom.kind === "var" && only.atom.size === key)
      times = coefficient / only.atom.unit;
    else return undefined;
  }
  return times === 0 || !Number.isInteger(times) ? undefined : { times, plus };
}

export function knownShape(type: TensorType): readonly number[] {
  return type.shape.map((dim) => {
    if (dim.constant === undefined) throw new Error(`the size ${dim.toString()} of a stored tensor is not known`);
    return dim.constant;
  });
}

/** One node on its way into the file. */
export class NodeEmitter {
  readonly emitter: GraphEmitter;
  readonly node: Node;
  readonly values: readonly Value[];

  constructor(emitter: GraphEmitter, node: Node, values: readonly Value[] = node.inputs) {
    this.emitter = emitter;
    this.node = node;
    this.values = values;
  }

  /** The name of an input. */
  input(index: number): string {
    const value = this.values[index];
    if (value === undefined) throw new Error(`${this.node.op} has no input ${String(index)}`);
    return this.emitter.name(value);
  }
  get inputs(): readonly string[] {
    return this.values.map((value) => this.emitter.name(value));
  }
  type(index: number): TensorType {
    const value = this.values[index];
    if (value === undefined) throw new Error(`${this.node.op} has no input ${String(index)}`);
    return typeOf(value);
  }
  get result(): TensorType {
    const type = this.node.outputs[0];
    if (type === undefined) throw new Error(`${this.node.op} has no output`);
    return type;
  }

  one(op: string, inputs: readonly string[], attributes: AttributeValues = {}): string {
    return this.emitter.model.one(op, inputs, attributes);
  }
  all(op: string, inputs: readonly string[], attributes: AttributeValues, outputs: number): readonly string[] {
    return this.emitter.model.node(op, inputs, attributes, outputs);
  }
  ints(values: readonly number[]): string {
    return this.emitter.ints(values);
  }
  scalar(value: number, dtype: DType): string {
    return this.emitter.scalar(value, dtype);
  }
  size(dim: Dim): string {
    return this.emitter.size(dim);
  }
  shape(shape: Shape): string {
    return this.emitter.shape(shape);
  }
  /** A size as an i64 scalar. */
  number(dim: Dim): string {
    return dim.constant === undefined ? this.one("Squeeze", [this.size(dim)]) : this.scalar(dim.constant, "i64");
  }
  cast(x: string, to: DType): string {
    return this.one("Cast", [x], { to: { int: elementTypes[to] } });
  }
  /** A tensor of this shape from the same numbers. */
  reshape(x: string, from: Shape, to: Shape): string {
    const unknown = to.flatMap((dim, axis) => (dim.constant === undefined ? [axis] : []));
    const kept = unknown.filter((axis) => from[axis]?.key === to[axis]?.key);
    const computed = unknown.filter((axis) => !kept.includes(axis));
    const empty = to.some((dim) => dim.constant === 0);
    if (empty || computed.length > 1) {
      return this.one("Reshape", [x, this.shape(to)], empty ? { allowzero: { int: 1 } } : {});
    }
    // 0 keeps the size that the axis has, -1 is what is left.
    return this.one("Reshape", [x, this.ints(to.map((dim, axis) => dim.constant ?? (kept.includes(axis) ? 0 : -1)))]);
  }
}

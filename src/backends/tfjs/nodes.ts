/**
 * Collects the nodes of one TensorFlow graph: names, constants, attributes and the control edges that make nodes
 * run in the order in which they were added. Knows TensorFlow's form, not the operators of the language.
 */
import type { Node } from "../../compiler/graph/graph.ts";
import type { AttrValue, NodeDef, TfShape, TfType } from "./proto.ts";

/** An output of a TensorFlow node. */
export interface TfValue {
  readonly node: string;
  readonly index: number;
  readonly type: TfType;
}

export const attr = {
  type: (value: TfType): AttrValue => ({ kind: "type", value }),
  shape: (value: TfShape): AttrValue => ({ kind: "shape", value }),
  int: (value: number): AttrValue => ({ kind: "int", value }),
  float: (value: number): AttrValue => ({ kind: "float", value }),
  bool: (value: boolean): AttrValue => ({ kind: "bool", value }),
  string: (value: string): AttrValue => ({ kind: "string", value }),
  ints: (value: readonly number[]): AttrValue => ({ kind: "ints", value }),
  types: (value: readonly TfType[]): AttrValue => ({ kind: "types", value }),
};

/** Equal constants of up to so many bytes are one node. */
const SHARED_BYTES = 1 << 15;

export interface NodeOptions {
  /** Names of nodes that must have run before. */
  readonly after?: readonly string[];
  /** False for nodes that may run at any time (constants, handles, reads, feeds), and for what TensorFlow shall fuse. */
  readonly chained?: boolean;
}

export class TfNodes {
  readonly #nodes: NodeDef[] = [];
  readonly #names = new Map<string, number>();
  readonly #constants = new Map<string, TfValue>();
  #scope = "";
  /** Which node of the program each node is of, by name; names alone do not tell. */
  readonly origins = new Map<string, Node>();
  #origin: Node | undefined;
  /** The last node of a chain of nodes, or the end of the last stretch. */
  #last: string | undefined;
  /** The end of the stretch before the last. */
  #before: string | undefined;
  /** The stretch that is being made, in a chain of such. */
  #stretch: { readonly name: string; readonly nodes: string[] } | undefined;

  get nodes(): readonly NodeDef[] {
    return this.#nodes;
  }

  /** Names of the nodes that `make` adds start with `scope/`. */
  within<T>(scope: string, make: () => T): T {
    const before = this.#scope;
    this.#scope = scope;
    try {
      return make();
    } finally {
      this.#scope = before;
    }
  }
  /** Nodes that `make` adds are of this node of the program. */
  of<T>(node: Node, make: () => T): T {
    const before = this.#origin;
    this.#origin = node;
    try {
      return make();
    } finally {
      this.#origin = before;
    }
  }
  /** Starts a new chain: what follows runs node after node, and does not wait for what was added before. */
  startChain(): void {
    [this.#last, this.#before, this.#stretch] = [undefined, undefined, undefined];
  }
  /** Starts a chain of stretches: a node waits for all of the stretch before the last. */
  startStretches(name: string): void {
    this.startChain();
    this.#stretch = { name, nodes: [] };
  }
  /** Ends a stretch, in a chain of such. */
  endStretch(): void {
    if (this.#stretch === undefined || this.#stretch.nodes.length === 0) return;
    const { name, nodes } = this.#stretch;
    [this.#before, this.#last] = [this.#last, this.barrier(name, nodes)];
    this.#stretch = { name, nodes: [] };
  }

  /** Adds a node with outputs of the given types, and gives these. */
  add(
    op: string,
    inputs: readonly TfValue[],
    types: readonly TfType[],
    attributes: Readonly<Record<string, AttrValue>>,
    options: NodeOptions = {},
  ): TfValue[] {
    const name = this.#append(op, inputs, attributes, options);
    return types.map((type, index) => ({ node: name, index, type }));
  }
  #append(
    op: string,
    inputs: readonly TfValue[],
    attributes: Readonly<Record<string, AttrValue>>,
    options: NodeOptions,
  ): string {
    const name = this.#unique(this.#scope === "" ? op : `${this.#scope}/${op}`);
    if (this.#origin) this.origins.set(name, this.#origin);
    const { after = [], chained = true } = options;
    const control = new Set(after);
    const before = this.#stretch === undefined ? this.#last : this.#before;
    if (chained && before !== undefined) control.add(before);
    for (const input of inputs) control.delete(input.node);
    this.#nodes.push({
      name,
      op,
      input: [
        ...inputs.map((i) => (i.index === 0 ? i.node : `${i.node}:${String(i.index)}`)),
        ...[...control].map((c) => `^${c}`),
      ],
      attr: attributes,
    });
    if (chained) {
      if (this.#stretch === undefined) this.#last = name;
      else this.#stretch.nodes.push(name);
    }
    return name;
  }
  /** A node with one output. */
  one(
    op: string,
    inputs: readonly TfValue[],
    type: TfType,
    attributes: Readonly<Record<string, AttrValue>>,
    options: NodeOptions = {},
  ): TfValue {
    return this.add(op, inputs, [type], attributes, options)[0] as TfValue;
  }
  /** A node without outputs; gives its name. */
  effect(
    op: string,
    inputs: readonly TfValue[],
    attributes: Readonly<Record<string, AttrValue>>,
    options: NodeOptions = {},
  ): string {
    return this.#append(op, inputs, attributes, options);
  }
  /** A node that does nothing but wait; gives its name. */
  barrier(name: string, after: readonly string[]): string {
    const unique = this.#unique(name);
    this.#nodes.push({ name: unique, op: "NoOp", input: [...new Set(after)].map((a) => `^${a}`), attr: {} });
    return unique;
  }
  /** A node under exactly this name, outside the chain: feeds, handles, results. */
  named(
    name: string,
    op: string,
    inputs: readonly TfValue[],
    type: TfType,
    attributes: Readonly<Record<string, AttrValue>>,
    after: readonly string[] = [],
  ): TfValue {
    const unique = this.#unique(name);
    this.#nodes.push({
      name: unique,
      op,
      input: [
        ...inputs.map((i) => (i.index === 0 ? i.node : `${i.node}:${String(i.index)}`)),
        ...after.map((a) => `^${a}`),
      ],
      attr: attributes,
    });
    return { node: unique, index: 0, type };
  }

  /** Literal numbers, once a graph however often they are asked for. */
  constant(values: readonly number[] | Float64Array, type: TfType, shape: TfShape): TfValue {
    return this.literal(bytesOf(values, type), type, shape);
  }
  /** A constant by its little-endian bytes. */
  literal(content: Uint8Array, type: TfType, shape: TfShape): TfValue {
    const key = content.length <= SHARED_BYTES ? `${type} ${shape.join(",")} ${content.join(",")}` : undefined;
    const known = key === undefined ? undefined : this.#constants.get(key);
    if (known !== undefined) return known;
    const name = this.#unique("constants/Const");
    this.#nodes.push({
      name,
      op: "Const",
      input: [],
      attr: { dtype: attr.type(type), value: { kind: "tensor", dtype: type, shape, content } },
    });
    const value = { node: name, index: 0, type };
    if (key !== undefined) this.#constants.set(key, value);
    return value;
  }
  scalar(value: number, type: TfType): TfValue {
    return this.constant([value], type, []);
  }
  ints(values: readonly number[]): TfValue {
    return this.constant(values, "i32", [values.length]);
  }

  #unique(wanted: string): string {
    const name = nodeName(wanted);
    const count = this.#names.get(name) ?? 0;
    this.#names.set(name, count + 1);
    return count === 0 ? name : this.#unique(`${name}_${String(count)}`);
  }
}

/** A name that TensorFlow takes: letters, digits and `_.-/>`, not starting with one of the last five. */
export function nodeName(text: string): string {
  if (/^[A-Za-z0-9.][A-Za-z0-9_.\-/>]*$/.test(text)) return text;
  const clean = text.replace(/[^A-Za-z0-9_.\-/>]/g, "_");
  return /^[A-Za-z0-9.]/.test(clean) ? clean : `n${clean}`;
}

/** Little-endian bytes of numbers in an element type. Values must be representable, or are rounded to nearest. */
export function bytesOf(values: readonly number[] | Float64Array, type: TfType): Uint8Array {
  const count = values.length;
  switch (type) {
    case "f32":
      return raw(Float32Array.from(values));
    case "f64":
      return raw(Float64Array.from(values));
    case "i32":
      return raw(Int32Array.from(values));
    case "u32":
      return raw(Uint32Array.from(values));
    case "bool":
      return Uint8Array.from(values, (v) => (v === 0 ? 0 : 1));
    case "i64":
    case "u64": {
      const whole = new BigInt64Array(count);
      for (let i = 0; i < count; i++) whole[i] = BigInt(values[i] ?? 0);
      return raw(whole);
    }
    default:
      throw new Error(`constants of type ${type} are made by casting`);
  }
}
function raw(array: Float32Array | Float64Array | Int32Array | Uint32Array | BigInt64Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/**
 * Collects the nodes and tensors of one ONNX graph under unique names and lays the finished model out as a plan. Tensors
 * that the program knows are bytes in it; weights are places where bytes will be spliced in.
 */
import type { DType } from "../../compiler/graph/graph.ts";
import { bytesOf, countOf } from "../../compiler/ops/tensor.ts";
import { encodeElements } from "../bytes.ts";
import { type FilePlan, planOf, type Recipe, type Segment } from "./plan.ts";
import {
  type AttributeValues,
  elementTypes,
  fieldHead,
  LARGEST_MESSAGE,
  nodeMessage,
  onnx,
  type OnnxNode,
  type OnnxVersion,
  unused,
} from "./proto.ts";

interface Initializer {
  readonly name: string;
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly recipe: Recipe;
}

type ValueInfo = InstanceType<typeof onnx.ValueInfoProto>;

/** What surrounds the graph in its file. */
export interface ModelFrame {
  readonly name: string;
  readonly doc: string;
  readonly producerVersion: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** The file that weights get where the model's would become too large, or always. */
  readonly weights: { readonly file: string; readonly apart: "when too large" | "always" };
}

/** Fields of ModelProto, GraphProto and TensorProto that are written around spliced bytes. */
const GRAPH = 7;
const INITIALIZER = 5;
const RAW_DATA = 9;
/** Tensors in a file of their own start at multiples of a page, small ones of a cache line, so that it can be mapped. */
function alignment(bytes: number): number {
  return bytes < 4096 ? 64 : 4096;
}

export class OnnxModel {
  readonly nodes: OnnxNode[] = [];
  readonly version: OnnxVersion;
  readonly #initializers: Initializer[] = [];
  readonly #byKey = new Map<string, string>();
  readonly #taken: Set<string>;
  #path = "";

  /** `reserved`: names of inputs and outputs, which nothing else may have. */
  constructor(reserved: Iterable<string>, version: OnnxVersion) {
    this.version = version;
    this.#taken = new Set(reserved);
  }

  /** Nodes from here on are named after this place in the program. */
  at(path: string): void {
    this.#path = path;
  }

  /** Runs `make` with its nodes named after another place. */
  inPath<T>(path: string, make: () => T): T {
    const before = this.#path;
    this.#path = path;
    try {
      return make();
    } finally {
      this.#path = before;
    }
  }

  node(op: string, inputs: readonly string[], attributes: AttributeValues = {}, outputs = 1): readonly string[] {
    const name = unused(this.#path === "" ? op : `${this.#path}/${op}`, this.#taken);
    const results = [name];
    for (let i = 1; i < outputs; i++) results.push(unused(`${name}:${String(i)}`, this.#taken));
    this.nodes.push({ op, name, inputs, outputs: results, attributes });
    return [...results];
  }
  one(op: string, inputs: readonly string[], attributes: AttributeValues = {}): string {
    return this.node(op, inputs, attributes)[0]!;
  }

  /** Gives a value a second name, that of an output. */
  identity(from: string, to: string): void {
    const name = unused(`${to}/Identity`, this.#taken);
    this.nodes.push({ op: "Identity", name, inputs: [from], outputs: [to], attributes: {} });
  }

  /** Numbers of the program; equal ones are stored once. */
  constant(dtype: DType, dims: readonly number[], values: Float64Array): string {
    // Long ones are told apart by their place in the graph, not by their digits.
    const key =
      values.length > 64 ? undefined : `${dtype} ${dims.join(",")}: ${Array.from(values, numberKey).join(",")}`;
    return this.#initializer("constant", key, {
      dtype,
      dims,
      recipe: { kind: "copy", of: { kind: "values", dtype, values } },
    });
  }
  /** A tensor made from weights; `key` tells equal ones, undefined is like no other. */
  weight(name: string, key: string | undefined, dtype: DType, dims: readonly number[], recipe: Recipe): string {
    return this.#initializer(name, key, { dtype, dims, recipe });
  }
  #initializer(name: string, key: string | undefined, tensor: Omit<Initializer, "name">): string {
    const known = key === undefined ? undefined : this.#byKey.get(key);
    if (known !== undefined) return known;
    const free = unused(name, this.#taken);
    if (key !== undefined) this.#byKey.set(key, free);
    this.#initializers.push({ name: free, ...tensor });
    return free;
  }

  /** Gives a value that one of the nodes from `first` on makes another name; false where none of them makes it. */
  rename(from: string, to: string, first: number): boolean {
    const nodes = this.nodes.slice(first);
    const maker = nodes.find((node) => node.outputs.includes(from));
    if (maker === undefined) return false;
    maker.outputs = renamed(maker.outputs, from, to);
    for (const node of nodes) node.inputs = renamed(node.inputs, from, to);
    return true;
  }

  /** The model's file, and that of its weights where they are kept apart. */
  plans(frame: ModelFrame): { readonly model: FilePlan; readonly weights: FilePlan | undefined } {
    if (frame.weights.apart !== "always") {
      const inside = this.#plan(frame, (tensor, bytes) => [
        ...tensorHead(tensor, {}),
        fieldHead(RAW_DATA, bytes),
        payload(tensor, bytes),
      ]);
      if (inside.bytes <= LARGEST_MESSAGE) return { model: inside, weights: undefined };
    }
    return this.#apart(frame);
  }

  #apart(frame: ModelFrame): { readonly model: FilePlan; readonly weights: FilePlan } {
    const beside: Segment[] = [];
    let end = 0;
    const model = this.#plan(frame, (tensor, bytes) => {
      const content = payload(tensor, bytes);
      // What the program itself knows is small and tells engines sizes before anything runs, so it stays inside.
      if (content instanceof Uint8Array) return [...tensorHead(tensor, {}), fieldHead(RAW_DATA, bytes), content];
      const start = Math.ceil(end / alignment(bytes)) * alignment(bytes);
      if (start > end) beside.push({ kind: "bytes", bytes: new Uint8Array(start - end) });
      beside.push(content);
      end = start + bytes;
      const place = { location: frame.weights.file, offset: start, length: bytes };
      const externalData = Object.entries(place).map(([key, value]) => ({ key, value: String(value) }));
      return tensorHead(tensor, { externalData, dataLocation: onnx.TensorProto.DataLocation.EXTERNAL });
    });
    return { model, weights: planOf(beside) };
  }

  #plan(
    frame: ModelFrame,
    layOut: (tensor: Initializer, bytes: number) => readonly (Uint8Array | Segment)[],
  ): FilePlan {
    const { name, inputs, outputs, doc } = frame;
    const body = onnx.GraphProto.encode({
      name,
      node: this.nodes.map(nodeMessage),
      input: [...inputs],
      output: [...outputs],
    }).finish();
    const tensors = this.#initializers.flatMap((tensor) => {
      const parts = layOut(tensor, countOf(tensor.dims) * bytesOf(tensor.dtype)).map(asSegment);
      return [asSegment(fieldHead(INITIALIZER, planOf(parts).bytes)), ...parts];
    });
    const graph = planOf([asSegment(body), ...tensors]);
    const head = onnx.ModelProto.encode({
      irVersion: this.version.ir,
      opsetImport: [{ domain: "", version: this.version.opset }],
      producerName: "archc",
      producerVersion: frame.producerVersion,
      docString: doc,
      metadataProps: Object.entries(frame.metadata).map(([key, value]) => ({ key, value })),
    }).finish();
    return planOf([asSegment(head), asSegment(fieldHead(GRAPH, graph.bytes)), ...graph.segments]);
  }
}

function renamed(names: readonly string[], from: string, to: string): string[] {
  return names.map((name) => (name === from ? to : name));
}

function numberKey(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

function asSegment(part: Uint8Array | Segment): Segment {
  return part instanceof Uint8Array ? { kind: "bytes", bytes: part } : part;
}

function tensorHead(
  { name, dtype, dims }: Initializer,
  more: ConstructorParameters<typeof onnx.TensorProto>[0],
): Uint8Array[] {
  return [onnx.TensorProto.encode({ name, dims: [...dims], dataType: elementTypes[dtype], ...more }).finish()];
}

/** The bytes of a tensor that the program knows; else the place where they will be. */
function payload({ name, dtype, recipe }: Initializer, bytes: number): Uint8Array | Segment {
  if (recipe.kind === "copy" && recipe.of.kind === "values") return encodeElements(dtype, recipe.of.values);
  return { kind: "tensor", name, dtype, recipe, bytes };
}

/**
 * The ONNX format as far as archc writes it: nodes, attributes, value types, and the lengths of protobuf messages whose
 * largest fields are spliced in later. The messages themselves are onnx-proto's. No operator is known here.
 */
import onnxProto from "onnx-proto";
import type { DType } from "../../compiler/graph/graph.ts";
import type { Dim, Shape } from "../../compiler/types/dim.ts";

export const { onnx } = onnxProto;

/** The operator set that every node is of, and the version of the file's format that came with it. */
export interface OnnxVersion {
  readonly opset: number;
  readonly ir: number;
}
/** A prediction has AffineGrid, which is of ONNX 1.15; a training step is content with ONNX 1.14, which more engines know. */
export const versions = {
  predict: { opset: 20, ir: 9 },
  step: { opset: 18, ir: 8 },
} as const satisfies Record<string, OnnxVersion>;
/** A protobuf message must stay below 2^31 bytes. */
export const LARGEST_MESSAGE = 2 ** 31 - 1;

export const elementTypes = {
  f32: onnx.TensorProto.DataType.FLOAT,
  i32: onnx.TensorProto.DataType.INT32,
  i64: onnx.TensorProto.DataType.INT64,
  bool: onnx.TensorProto.DataType.BOOL,
  f16: onnx.TensorProto.DataType.FLOAT16,
  f64: onnx.TensorProto.DataType.DOUBLE,
  bf16: onnx.TensorProto.DataType.BFLOAT16,
} as const satisfies Record<DType, number>;
export const UINT8 = onnx.TensorProto.DataType.UINT8;
export const UINT64 = onnx.TensorProto.DataType.UINT64;

/** Whole numbers and floats look alike in JavaScript, so each attribute says which it is. */
export type AttributeValue =
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly float: number }
  | { readonly text: string };
export type AttributeValues = Readonly<Record<string, AttributeValue>>;

export interface OnnxNode {
  readonly op: string;
  readonly name: string;
  /** Names change where a value turns out to be an output of the graph. */
  inputs: readonly string[];
  outputs: readonly string[];
  readonly attributes: AttributeValues;
}

export function nodeMessage(node: OnnxNode): InstanceType<typeof onnx.NodeProto> {
  const attribute = Object.entries(node.attributes).map(([name, value]) => attributeMessage(name, value));
  const { op: opType, name, inputs, outputs } = node;
  return onnx.NodeProto.create({ opType, name, input: [...inputs], output: [...outputs], attribute });
}

function attributeMessage(name: string, value: AttributeValue): InstanceType<typeof onnx.AttributeProto> {
  const { AttributeType } = onnx.AttributeProto;
  if ("int" in value) return onnx.AttributeProto.create({ name, type: AttributeType.INT, i: value.int });
  if ("ints" in value) return onnx.AttributeProto.create({ name, type: AttributeType.INTS, ints: [...value.ints] });
  if ("float" in value) return onnx.AttributeProto.create({ name, type: AttributeType.FLOAT, f: value.float });
  return onnx.AttributeProto.create({ name, type: AttributeType.STRING, s: new TextEncoder().encode(value.text) });
}

/** An input or output of the graph. A size that is not known carries a name, the same for equal sizes. */
export function valueMessage(
  name: string,
  elemType: number,
  shape: readonly (number | string)[],
  docString = "",
): InstanceType<typeof onnx.ValueInfoProto> {
  const dim = shape.map((size) =>
    onnx.TensorShapeProto.Dimension.create(typeof size === "number" ? { dimValue: size } : { dimParam: size }),
  );
  const type = onnx.TypeProto.create({ tensorType: { elemType, shape: { dim } } });
  return onnx.ValueInfoProto.create(docString === "" ? { name, type } : { name, type, docString });
}

/** How sizes are called in the file: by their names in the program, told apart where two of one name differ. */
export class SizeNames {
  readonly #names = new Map<string, string>();
  readonly #taken = new Set<string>();

  shape(shape: Shape): readonly (number | string)[] {
    return shape.map((dim) => dim.constant ?? this.#name(dim));
  }
  #name(dim: Dim): string {
    const known = this.#names.get(dim.key);
    if (known !== undefined) return known;
    const name = unused(dim.toString(), this.#taken);
    this.#names.set(dim.key, name);
    return name;
  }
}

/** The name, with a number where it is taken already; takes it. */
export function unused(name: string, taken: Set<string>): string {
  let free = name;
  for (let i = 2; taken.has(free); i++) free = `${name}_${String(i)}`;
  taken.add(free);
  return free;
}

/** The bytes before a length-delimited field of `length` bytes. */
export function fieldHead(field: number, length: number): Uint8Array {
  return Uint8Array.from([...varint(field * 8 + 2), ...varint(length)]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return [...bytes, rest];
}

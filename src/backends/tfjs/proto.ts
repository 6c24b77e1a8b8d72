/**
 * The messages of a SavedModel that we write, as protobufjs reflection, and their encoding. Only fields that are used are
 * declared. Maps are written in the order of their keys, so equal models have equal bytes.
 */
import protobuf from "protobufjs/light.js";

/** TensorFlow's `DataType` numbers. */
export const DataType = {
  f32: 1,
  f64: 2,
  i32: 3,
  u8: 4,
  string: 7,
  i64: 9,
  bool: 10,
  bf16: 14,
  f16: 19,
  resource: 20,
  u32: 22,
  u64: 23,
} as const;
export type TfType = keyof typeof DataType;

/** A size, -1 where it is known only at run time. */
export type TfShape = readonly number[];

export type AttrValue =
  | { readonly kind: "type"; readonly value: TfType }
  | { readonly kind: "shape"; readonly value: TfShape }
  | { readonly kind: "int"; readonly value: number }
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "bool"; readonly value: boolean }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "ints"; readonly value: readonly number[] }
  | { readonly kind: "types"; readonly value: readonly TfType[] }
  | { readonly kind: "tensor"; readonly dtype: TfType; readonly shape: TfShape; readonly content: Uint8Array };

export interface NodeDef {
  readonly name: string;
  readonly op: string;
  /** `node`, `node:1` or, for a control edge, `^node`. */
  readonly input: readonly string[];
  readonly attr: Readonly<Record<string, AttrValue>>;
}

export interface TensorInfo {
  /** `node:0` */
  readonly name: string;
  readonly dtype: TfType;
  readonly shape: TfShape;
}
export interface SignatureDef {
  readonly inputs: Readonly<Record<string, TensorInfo>>;
  readonly outputs: Readonly<Record<string, TensorInfo>>;
}

const field = (id: number, type: string, rule?: "repeated") => (rule === undefined ? { id, type } : { id, type, rule });
const map = (id: number, type: string) => ({ id, type, keyType: "string" });

const root = protobuf.Root.fromJSON({
  nested: {
    SavedModel: { fields: { schemaVersion: field(1, "int64"), metaGraphs: field(2, "MetaGraphDef", "repeated") } },
    MetaGraphDef: {
      fields: { metaInfo: field(1, "MetaInfoDef"), graph: field(2, "GraphDef"), signatures: map(5, "SignatureDef") },
    },
    MetaInfoDef: { fields: { tags: field(4, "string", "repeated"), tensorflowVersion: field(5, "string") } },
    GraphDef: { fields: { node: field(1, "NodeDef", "repeated"), versions: field(4, "VersionDef") } },
    VersionDef: { fields: { producer: field(1, "int32"), minConsumer: field(2, "int32") } },
    NodeDef: {
      fields: {
        name: field(1, "string"),
        op: field(2, "string"),
        input: field(3, "string", "repeated"),
        attr: map(5, "AttrValue"),
      },
    },
    AttrValue: {
      // One of them is always there, and is written even where it is empty or zero.
      oneofs: { value: { oneof: ["list", "s", "i", "f", "b", "type", "shape", "tensor"] } },
      fields: {
        list: field(1, "ListValue"),
        s: field(2, "bytes"),
        i: field(3, "int64"),
        f: field(4, "float"),
        b: field(5, "bool"),
        type: field(6, "int32"),
        shape: field(7, "TensorShape"),
        tensor: field(8, "Tensor"),
      },
    },
    ListValue: { fields: { i: field(3, "int64", "repeated"), type: field(6, "int32", "repeated") } },
    TensorShape: { fields: { dim: field(2, "Dim", "repeated") } },
    Dim: { fields: { size: field(1, "int64") } },
    Tensor: { fields: { dtype: field(1, "int32"), shape: field(2, "TensorShape"), content: field(4, "bytes") } },
    SignatureDef: {
      fields: { inputs: map(1, "TensorInfo"), outputs: map(2, "TensorInfo"), method: field(3, "string") },
    },
    TensorInfo: { fields: { name: field(1, "string"), dtype: field(2, "int32"), shape: field(3, "TensorShape") } },
  },
});
const SavedModel = root.lookupType("SavedModel");

/** GraphDef version that TensorFlow 2.9 writes. */
const PRODUCER = 1087;

/** The bytes of a `saved_model.pb` with one meta graph, tag `serve`. */
export function encodeSavedModel(
  nodes: readonly NodeDef[],
  signatures: Readonly<Record<string, SignatureDef>>,
): Uint8Array {
  const message = {
    schemaVersion: 1,
    metaGraphs: [
      {
        metaInfo: { tags: ["serve"], tensorflowVersion: "2.9.0" },
        graph: {
          node: nodes.map((n) => ({ name: n.name, op: n.op, input: n.input, attr: sorted(n.attr, attrValue) })),
          versions: { producer: PRODUCER, minConsumer: 0 },
        },
        signatures: sorted(signatures, (s) => ({
          inputs: sorted(s.inputs, tensorInfo),
          outputs: sorted(s.outputs, tensorInfo),
          method: "tensorflow/serving/predict",
        })),
      },
    ],
  };
  return SavedModel.encode(message).finish();
}

function sorted<T, R>(entries: Readonly<Record<string, T>>, convert: (value: T) => R): Record<string, R> {
  const keys = Object.keys(entries).sort();
  return Object.fromEntries(keys.map((key) => [key, convert(entries[key] as T)]));
}

function shapeOf(shape: TfShape): object {
  return { dim: shape.map((size) => ({ size })) };
}
function tensorInfo(info: TensorInfo): object {
  return { name: info.name, dtype: DataType[info.dtype], shape: shapeOf(info.shape) };
}

const utf8 = new TextEncoder();

function attrValue(attr: AttrValue): object {
  switch (attr.kind) {
    case "type":
      return { type: DataType[attr.value] };
    case "shape":
      return { shape: shapeOf(attr.value) };
    case "int":
      return { i: attr.value };
    case "float":
      return { f: attr.value };
    case "bool":
      return { b: attr.value };
    case "string":
      return { s: utf8.encode(attr.value) };
    case "ints":
      return { list: { i: attr.value } };
    case "types":
      return { list: { type: attr.value.map((t) => DataType[t]) } };
    case "tensor":
      return { tensor: { dtype: DataType[attr.dtype], shape: shapeOf(attr.shape), content: attr.content } };
  }
}

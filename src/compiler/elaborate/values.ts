/**
 * What expressions evaluate to: static values, tensors of the graph, configured blocks, and the parts of a model.
 * Data only; `evaluator.ts` computes with them.
 */
import type { Value } from "../graph/graph.ts";
import type { FileScope } from "../resolve/modules.ts";
import type { Span } from "../source/source.ts";
import type { BlockDecl, BlockExpr, BlockTypeNode, FnDecl, Param, PrimDecl } from "../syntax/ast.ts";
import type { Range } from "../types/signature.ts";
import {
  type BoolValue,
  type Collection,
  describeStatic,
  type DTypeValue,
  type FloatValue,
  type IntValue,
  type Static,
  StaticError,
  type StringValue,
  type Tuple,
} from "../types/static.ts";
import { showType, type TensorType } from "../types/tensor.ts";
import type { Environment } from "./environment.ts";

/** Why an axis has its size: the place that decided it, and in words how. */
export interface Reason {
  readonly span: Span;
  /** e.g. "`out` of this conv" */
  readonly text: string;
  /** The argument that gave the number, where one did. */
  readonly argument: Span | undefined;
}

export interface TensorVal {
  readonly kind: "tensor";
  readonly value: Value;
  readonly type: TensorType;
  readonly range: Range | undefined;
  /** One an axis, as far as known. */
  readonly reasons: readonly (Reason | undefined)[];
}

export type Callable =
  | { readonly kind: "declared"; readonly declaration: BlockDecl | PrimDecl; readonly scope: FileScope }
  | { readonly kind: "anonymous"; readonly expr: BlockExpr; readonly env: Environment }
  /** `shared f = …`: one set of weights, whose path is fixed. */
  | { readonly kind: "shared"; readonly of: BlockVal; readonly path: string }
  | AbstractCallable;

/** A block parameter in the check for all uses: only its signature is known. */
export interface AbstractCallable {
  readonly kind: "abstract";
  readonly type: BlockTypeNode;
  readonly env: Environment;
}

/** A block with some or all of its settings. */
export interface BlockVal {
  readonly kind: "block";
  readonly callable: Callable;
  readonly name: string;
  readonly config: ReadonlyMap<string, { readonly value: Val; readonly span: Span }>;
  /** Set where the block came through a parameter: its name there, and how that parameter calls its settings. */
  readonly slot: { readonly name: string; readonly config: readonly Param[] } | undefined;
}

export interface FnVal {
  readonly kind: "fn";
  readonly declaration: FnDecl;
  readonly scope: FileScope;
}

/** A part of a model that is more than one value: `global`, `global.near`, `global.*`, `face`, `branch`. */
export interface PartVal {
  readonly kind: "part";
  readonly name: string;
  /** `.name`; undefined where there is none. */
  member(name: string): Val | undefined;
  memberNames(): readonly string[];
  /** `.*` */
  star(): Val | undefined;
  /** What the part is where a plain value is needed: a fused tensor, a sub-network's result, a collection. */
  plain(at: Span): Val;
}

/** What an error left behind: it fits everything and is never reported again. */
export interface UnknownVal {
  readonly kind: "unknown";
}

export type Val =
  | IntValue
  | FloatValue
  | BoolValue
  | StringValue
  | DTypeValue
  | Collection<Val>
  | Tuple<Val>
  | TensorVal
  | BlockVal
  | FnVal
  | PartVal
  | UnknownVal;

/** Unwinds a static computation that needs an unknown value. */
export class UnknownError extends StaticError {
  constructor() {
    super("unknown");
  }
}

export const unknown: UnknownVal = { kind: "unknown" };

export function isStatic(value: Val): value is Static {
  switch (value.kind) {
    case "int":
    case "float":
    case "bool":
    case "string":
    case "dtype":
      return true;
    case "collection":
    case "tuple":
      return value.members.every(isStatic);
    default:
      return false;
  }
}
export function hasUnknown(value: Val): boolean {
  if (value.kind === "unknown") return true;
  return (value.kind === "collection" || value.kind === "tuple") && value.members.some(hasUnknown);
}
/** Whether the value is a tensor or holds one. */
export function holdsTensor(value: Val): boolean {
  if (value.kind === "tensor" || value.kind === "part") return true;
  return (value.kind === "collection" || value.kind === "tuple") && value.members.some(holdsTensor);
}

/** In a few words, for messages. */
export function describe(value: Val): string {
  if (isStatic(value)) return describeStatic(value);
  switch (value.kind) {
    case "tensor":
      return showType(value.type);
    case "block":
      return `the block \`${value.name}\``;
    case "fn":
      return `the function \`${value.declaration.name.text}\``;
    case "part":
      return `\`${value.name}\``;
    case "collection":
      return `${value.named ? "a map" : "a list"} of ${String(value.members.length)}`;
    case "tuple":
      return "a tuple";
    default:
      return "an unknown value";
  }
}

/** The tensors of a value, in order. */
export function valuesIn(value: Val): readonly Value[] {
  return tensorsIn(value).map((tensor) => tensor.value);
}
export function tensorsIn(value: Val): readonly TensorVal[] {
  if (value.kind === "tensor") return [value];
  return value.kind === "collection" || value.kind === "tuple" ? value.members.flatMap(tensorsIn) : [];
}
/** The value with others in place of its tensors. */
export function mapTensors(value: Val, by: (tensor: TensorVal) => TensorVal): Val {
  if (value.kind === "tensor") return by(value);
  if (value.kind !== "collection" && value.kind !== "tuple") return value;
  return { ...value, members: value.members.map((m) => mapTensors(m, by)) };
}

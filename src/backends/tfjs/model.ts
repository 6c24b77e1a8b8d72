/**
 * `model.json`: what a loader must know of a folder, as plain data. Feeds are checked by it, for TensorFlow does not check
 * them.
 */
import type { Output, Port, SizeAssert } from "../../compiler/graph/graph.ts";
import type { Program } from "../../compiler/program.ts";
import type { Dim } from "../../compiler/types/dim.ts";
import { countOf, type DeclaredVariable } from "./variables.ts";

/** A size: a number, the name of a run-time size, or a computation over such. */
export type DimDescription =
  | number
  | string
  | { readonly op: "add" | "mul" | "floor_div" | "min" | "max"; readonly of: readonly DimDescription[] };
export type BorderType = "f32" | "i32" | "bool";

/** How an image is fed as the bytes of a picture instead: four bytes a word, a whole number of words a picture. */
export interface PictureDescription {
  readonly node: string;
  /** [B, H, W, 3]. */
  readonly shape: readonly DimDescription[];
}
export interface InputDescription {
  readonly name: string;
  readonly kind: Port["kind"];
  /** The placeholder, as TensorFlow calls it. */
  readonly node: string;
  readonly dtype: BorderType;
  readonly shape: readonly DimDescription[];
  /** From, and the first number past the end. */
  readonly range?: readonly [DimDescription, DimDescription];
  readonly picture?: PictureDescription;
}
export interface OutputDescription {
  readonly name: string;
  readonly kind: Output["kind"];
  readonly node: string;
  readonly dtype: BorderType;
  readonly shape: readonly DimDescription[];
}
export interface AssertDescription {
  readonly left: DimDescription;
  readonly comparison: SizeAssert["comparison"];
  readonly right: DimDescription;
  readonly message: string;
}
export interface SignatureDescription {
  /** How many kernels have work at any time, so that each does best with that share of the cores. */
  readonly kernels: number;
  readonly inputs: readonly InputDescription[];
  readonly outputs: readonly OutputDescription[];
  readonly asserts: readonly AssertDescription[];
}
export interface VariableDescription {
  readonly path: string;
  readonly kind: "param" | "state" | "optimizer" | "counter";
  readonly trained: boolean;
  /** In the weights file, PyTorch's layout. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** The graph starts it by itself; else the weights file must hold it. */
  readonly starts: boolean;
  readonly border: BorderType;
  readonly feed: string;
  readonly set: string;
  readonly get: string;
}
export interface ModelDescription {
  readonly format: 1;
  readonly name: string;
  /** Of the program: equal programs have equal hashes. */
  readonly hash: string;
  readonly settings: Program["settings"];
  readonly parameters: { readonly all: number; readonly trained: number };
  readonly signatures: Readonly<Record<string, SignatureDescription>>;
  readonly variables: readonly VariableDescription[];
  /** Variables of the program that these graphs do not use: a weights file may hold them. */
  readonly elsewhere: readonly string[];
}

export function modelDescription(
  program: Program,
  variables: readonly DeclaredVariable[],
  signatures: Readonly<Record<string, SignatureDescription>>,
): ModelDescription {
  const params = variables.map((v) => v.variable).filter((v) => v.kind === "param");
  const used = new Set(variables.map((v) => v.variable.path));
  return {
    format: 1,
    name: program.name,
    hash: program.hash,
    settings: program.settings,
    parameters: { all: countOf(params), trained: countOf(params.filter((v) => v.trained)) },
    signatures,
    variables: variables.map(({ variable: v, border, feed, set, get }) => ({
      path: v.path,
      kind: v.kind,
      trained: v.trained,
      dtype: v.type.dtype,
      shape: v.type.shape.map((d) => d.constant ?? -1),
      starts:
        (v.kind === "optimizer" || v.kind === "counter") && (v.init.kind === "constant" || v.init.kind === "values"),
      border: border.type,
      feed: feed.name,
      set: set.name,
      get: get.name,
    })),
    elsewhere: program.variables.map((v) => v.path).filter((path) => !used.has(path)),
  };
}

export function describeDim(dim: Dim): DimDescription {
  const known = dim.constant;
  if (known !== undefined) return known;
  const whole = dim.asVariable;
  if (whole !== undefined) return whole.name;
  const terms = dim.terms.map((term): DimDescription => {
    const factors: DimDescription[] = term.coefficient === 1 ? [] : [term.coefficient];
    for (const { atom, power } of term.factors) {
      let factor: DimDescription;
      if (atom.kind === "var") factor = atom.unit === 1 ? atom.name : { op: "floor_div", of: [atom.name, atom.unit] };
      else if (atom.kind === "floor")
        factor = { op: "floor_div", of: [describeDim(atom.above), describeDim(atom.below)] };
      else factor = { op: atom.kind, of: atom.of.map(describeDim) };
      for (let i = 0; i < power; i++) factors.push(factor);
    }
    const [only] = factors;
    if (only === undefined) return 1;
    return factors.length === 1 ? only : { op: "mul", of: factors };
  });
  const [only] = terms;
  return terms.length === 1 && only !== undefined ? only : { op: "add", of: terms };
}

/**
 * Chooses the form in which each node is written: alone, as nothing (its input under another name), or joined with its
 * neighbours: batch norm and bias folded into the filter before them, products with transposes and sums as one Gemm.
 * Decides only; the rows write.
 */
import type { Graph, Node, Value } from "../../compiler/graph/graph.ts";
import { typeOf } from "../../compiler/graph/graph.ts";
import {
  intAttribute,
  intsAttribute,
  numberAttribute,
  textAttribute,
  valuesAttribute,
} from "../../compiler/ops/attributes.ts";
import { Dim, elementCount, type Shape } from "../../compiler/types/dim.ts";
import type { Norm, Source } from "./plan.ts";

/** A convolution with what is folded into it. `weight` is undefined where the filter is computed by the graph. */
export interface ConvForm {
  readonly kind: "conv";
  readonly conv: Node;
  readonly weight: Source | undefined;
  readonly bias: Source | undefined;
  readonly norm: Norm | undefined;
}
/** a b + c, of matrices, each of the first two transposed or not. */
export interface GemmForm {
  readonly kind: "gemm";
  readonly matmul: Node;
  readonly a: Value;
  readonly b: Value;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly weight: Source | undefined;
  readonly c: Value | undefined;
  readonly norm: Norm | undefined;
}
export type Form =
  | ConvForm
  | GemmForm
  /** The node's value is that of another. */
  | { readonly kind: "same"; readonly as: Value }
  /** The node alone, with these inputs. */
  | { readonly kind: "alone"; readonly inputs: readonly Value[] };

export interface Forms {
  of(node: Node): Form;
  /** The values that the node reads in its form. */
  inputs(node: Node): readonly Value[];
}

const stretching: ReadonlySet<string> = new Set(
  [
    "add",
    "sub",
    "mul",
    "div",
    "mod",
    "pow",
    "min",
    "max",
    "equal",
    "not_equal",
    "less",
    "less_equal",
    "greater",
  ].concat(["greater_equal", "logical_and", "logical_or", "select"]),
);

/** The stored tensor behind a value, for what is folded when the file is written. */
export type FindSource = (value: Value) => Source | undefined;

export function chooseForms(graph: Graph, source: FindSource): Forms {
  const uses = countUses(graph);
  const forms = new Map<Node, Form>();
  const of = (node: Node): Form => forms.get(node) ?? { kind: "alone", inputs: node.inputs };
  for (const node of graph.nodes) {
    const form = formOf(node, source, (value) => (uses.get(value.node) === 1 ? of(value.node) : undefined));
    if (form !== undefined) forms.set(node, form);
  }
  return { of, inputs: (node) => formInputs(of(node)) };
}

/** `before` gives the form of a value that nothing else reads. */
function formOf(node: Node, source: FindSource, before: (value: Value) => Form | undefined): Form | undefined {
  const [first, second] = node.inputs;
  const [type] = node.outputs;
  if (first === undefined || type === undefined) return undefined;
  if (isSame(node, first)) return { kind: "same", as: first };
  switch (node.op) {
    case "conv2d":
    case "conv2d_transpose": {
      // the second axis of a grouped transposed filter says only what comes out of one group
      const foldable = node.op === "conv2d" || !isGrouped(node);
      const weight = foldable && second ? source(second) : undefined;
      return { kind: "conv", conv: node, weight, bias: undefined, norm: undefined };
    }
    case "matmul":
      return second && gemmOf(node, source, first, second);
    case "add":
      return (
        second &&
        (withBias(type.shape, source, first, second, before) ??
          withBias(type.shape, source, second, first, before) ??
          unstretched(node))
      );
    case "batch_norm_eval":
      return normalised(node, source, before(first));
    default:
      return stretching.has(node.op) ? unstretched(node) : undefined;
  }
}

function isGrouped(conv: Node): boolean {
  return "groups" in conv.attributes && intAttribute(conv, "groups") !== 1;
}
function formInputs(form: Form): readonly Value[] {
  switch (form.kind) {
    case "conv": {
      const [x, w] = form.conv.inputs;
      return [x, form.weight === undefined ? w : undefined].filter((value) => value !== undefined);
    }
    case "gemm":
      return form.norm === undefined ? [form.a, form.b, ...(form.c === undefined ? [] : [form.c])] : [form.a];
    case "same":
      return [form.as];
    case "alone":
      return form.inputs;
  }
}

/** Whether a node gives its first input on as it is. */
function isSame(node: Node, x: Value): boolean {
  const [type] = node.outputs;
  const from = typeOf(x);
  switch (node.op) {
    case "stop_gradient":
      return true;
    case "cast":
      return textAttribute(node, "to") === from.dtype;
    case "reshape":
    case "expand":
    case "slice":
    case "resize":
    case "pad":
      return type !== undefined && sameShape(type.shape, from.shape);
    case "transpose":
      return intsAttribute(node, "order").every((axis, i) => axis === i);
    case "sum":
    case "mean":
    case "amax":
      return intsAttribute(node, "axis").length === 0;
    case "concat":
      return node.inputs.length === 1;
    default:
      return false;
  }
}

function gemmOf(node: Node, source: FindSource, x: Value, y: Value): GemmForm | undefined {
  if (typeOf(x).shape.length !== 2 || typeOf(y).shape.length !== 2) return undefined;
  const [a, transposeA] = untransposed(x);
  const [b, transposeB] = untransposed(y);
  return {
    kind: "gemm",
    matmul: node,
    a,
    b,
    transposeA,
    transposeB,
    weight: source(b),
    c: undefined,
    norm: undefined,
  };
}
/** Of matrices, the only order but the plain one is the transpose. */
function untransposed(x: Value): readonly [Value, boolean] {
  const inner = x.node.op === "transpose" ? x.node.inputs[0] : undefined;
  return inner === undefined || isSame(x.node, inner) ? [x, false] : [inner, true];
}

function withBias(
  shape: Shape,
  sourceOf: FindSource,
  x: Value,
  bias: Value,
  before: (value: Value) => Form | undefined,
): Form | undefined {
  const form = before(x);
  if (form === undefined || !sameShape(typeOf(x).shape, shape)) return undefined;
  if (form.kind === "gemm" && form.c === undefined && form.norm === undefined) {
    return typeOf(bias).shape.length <= 2 ? { ...form, c: bias } : undefined;
  }
  if (form.kind !== "conv" || form.bias !== undefined || form.norm !== undefined) return undefined;
  const source = sourceOf(bias);
  const channels = shape[1];
  if (source === undefined || channels === undefined || !isPerChannel(typeOf(bias).shape, channels)) return undefined;
  return { ...form, bias: source };
}
/** [C, 1, 1] or [1, C, 1, 1], against [B, C, H, W]. */
function isPerChannel(shape: Shape, channels: Dim): boolean {
  const axes = [Dim.one, ...shape].slice(-4);
  const wanted = [Dim.one, channels, Dim.one, Dim.one];
  return axes.length === 4 && shape.length <= 4 && sameShape(axes, wanted);
}

function normalised(node: Node, sourceOf: FindSource, form: Form | undefined): Form | undefined {
  if (form === undefined || (form.kind !== "conv" && form.kind !== "gemm")) return undefined;
  if (form.norm !== undefined || form.weight === undefined) return undefined;
  if (form.weight.dtype !== "f32" && form.weight.dtype !== "f64") return undefined;
  const [, ...sources] = node.inputs.map(sourceOf);
  const [weight, bias, mean, variance] = sources;
  if (weight === undefined || bias === undefined || mean === undefined || variance === undefined) return undefined;
  const norm: Norm = { weight, bias, mean, variance, eps: numberAttribute(node, "eps") };
  if (form.kind === "conv") return { ...form, norm };
  // A sum other than a number a column does not fold.
  if (
    form.c !== undefined &&
    (sourceOf(form.c) === undefined || elementCount(typeOf(form.c).shape).key !== node.outputs[0]?.shape[1]?.key)
  ) {
    return undefined;
  }
  return { ...form, norm };
}

/** Leaves out an `expand` that the operator's own stretching does again. */
function unstretched(node: Node): Form | undefined {
  const shape = node.outputs[0]?.shape;
  if (shape === undefined || !node.inputs.some((x) => x.node.op === "expand")) return undefined;
  let keeps = node.inputs.findIndex((x) => x.node.op !== "expand" && sameShape(typeOf(x).shape, shape));
  if (keeps < 0) keeps = node.inputs.findIndex((x) => sameShape(typeOf(x).shape, shape));
  if (keeps < 0) return undefined;
  const inputs = node.inputs.map((x, i) => {
    const inner = x.node.op === "expand" && i !== keeps ? x.node.inputs[0] : undefined;
    return inner ?? x;
  });
  return { kind: "alone", inputs };
}

/** The literal behind a value, where weights are fed: then the file has no other numbers. */
export function literalOf(value: Value): Source | undefined {
  const source = sourceOf(value);
  return source?.kind === "values" ? source : undefined;
}

/** The tensor behind a value that only changes its shape on the way. */
export function sourceOf(value: Value): Source | undefined {
  const { node } = value;
  const { dtype, shape } = typeOf(value);
  const count = elementCount(shape).constant;
  const [first] = node.inputs;
  if (node.op === "constant") return { kind: "values", dtype, values: valuesAttribute(node) };
  if (node.op === "variable" && count !== undefined) {
    const path = node.attributes["path"];
    return typeof path === "string" ? { kind: "variable", path, dtype, count } : undefined;
  }
  const keepsOrder =
    node.op === "reshape" || node.op === "stop_gradient" || (first !== undefined && isSame(node, first));
  return keepsOrder && first !== undefined ? sourceOf(first) : undefined;
}

/** How often each node is read on the way to an output; nodes that no output needs are absent. */
function countUses(graph: Graph): ReadonlyMap<Node, number> {
  const uses = new Map<Node, number>();
  const read = ({ node }: Value): void => void uses.set(node, (uses.get(node) ?? 0) + 1);
  for (const { value } of graph.outputs) read(value);
  for (const node of graph.nodes.toReversed()) if (uses.has(node)) node.inputs.forEach(read);
  return uses;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, i) => dim.key === b[i]?.key);
}

/** A size that the filter itself says, as a number. */
export function knownSize(dim: Dim | undefined): number {
  if (dim?.constant === undefined) throw new Error("a filter's size is not known");
  return dim.constant;
}

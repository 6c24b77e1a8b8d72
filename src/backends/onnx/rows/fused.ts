/** Filters and matrix products with what was joined to them, in ONNX. Folded weights are made when the file is written. */
import { intAttribute, pairAttribute } from "../../../compiler/ops/attributes.ts";
import { type Node, typeOf, type Value } from "../../../compiler/graph/graph.ts";
import type { Shape } from "../../../compiler/types/dim.ts";
import { knownShape, type NodeEmitter } from "../emitter.ts";
import type { ConvForm, GemmForm } from "../forms.ts";
import { sourceOf } from "../forms.ts";
import type { Norm, Recipe, Source } from "../plan.ts";
import type { AttributeValues } from "../proto.ts";
import { windowAttributes } from "./windows.ts";

export function writeConv(n: NodeEmitter, form: ConvForm): string {
  const { conv } = form;
  const [x, w] = conv.inputs;
  const channels = conv.outputs[0]?.shape[1]?.constant;
  if (x === undefined || w === undefined) throw new Error(`${conv.op} takes an image and a filter`);
  const type = typeOf(w);
  const transposed = conv.op === "conv2d_transpose";
  const attributes: AttributeValues = {
    ...kernelShape(type.shape),
    ...windowAttributes(conv),
    ...(transposed ? transposedAttributes(conv) : filterAttributes(conv)),
  };
  const op = transposed ? "ConvTranspose" : "Conv";
  const image = n.emitter.name(x);
  if (form.norm === undefined || form.weight === undefined || channels === undefined) {
    const bias = form.bias === undefined ? [] : [copied(n, form.bias)];
    return n.one(op, [image, filterOf(n, form, w), ...bias], attributes);
  }
  const dims = knownShape(type);
  // In a transposed filter the channel that comes out is the second axis.
  const inner = dims.slice(transposed ? 2 : 1).reduce((product, size) => product * size, 1);
  const weight = made(n, form.weight, "weight", { kind: "scaled", of: form.weight, norm: form.norm, inner }, dims);
  const bias = made(n, form.weight, "bias", { kind: "shifted", of: form.bias, norm: form.norm }, [channels]);
  return n.one(op, [image, weight, bias], attributes);
}

export function writeGemm(n: NodeEmitter, form: GemmForm): string {
  const { a, b, transposeA, transposeB, c, norm, weight } = form;
  const transposes = { ...(transposeA ? { transA: { int: 1 } } : {}), ...(transposeB ? { transB: { int: 1 } } : {}) };
  if (norm !== undefined && weight !== undefined) {
    const dims = knownShape(typeOf(b));
    const inner = transposeB ? (dims[1] ?? 1) : 1;
    const folded = made(n, weight, "weight", { kind: "scaled", of: weight, norm, inner }, dims);
    const bias = made(n, weight, "bias", { kind: "shifted", of: c && sourceOf(c), norm }, [
      dims[transposeB ? 0 : 1] ?? 1,
    ]);
    return n.one("Gemm", [n.emitter.name(a), folded, bias], transposes);
  }
  const factors = [n.emitter.name(a), n.emitter.name(b)];
  if (c === undefined && !transposeA && !transposeB) return n.one("MatMul", factors);
  return n.one("Gemm", c === undefined ? factors : [...factors, n.emitter.name(c)], transposes);
}

/** A filter that is a weight in another shape is written in that shape: the nodes that reshape it are not written. */
function filterOf(n: NodeEmitter, { weight }: ConvForm, w: Value): string {
  if (weight === undefined || w.node.inputs.length === 0) return n.emitter.name(w);
  return made(n, weight, undefined, { kind: "copy", of: weight }, knownShape(typeOf(w)));
}
function filterAttributes(conv: Node): AttributeValues {
  return { dilations: { ints: pairAttribute(conv, "dilation") }, group: { int: intAttribute(conv, "groups") } };
}
/** Only what is not ONNX's own default is said. */
function transposedAttributes(conv: Node): AttributeValues {
  const [dilation, extra] = [pairAttribute(conv, "dilation", 1), pairAttribute(conv, "extra", 0)];
  const groups = "groups" in conv.attributes ? intAttribute(conv, "groups") : 1;
  return {
    ...(Math.max(...dilation) === 1 ? {} : { dilations: { ints: dilation } }),
    ...(Math.max(...extra) === 0 ? {} : { output_padding: { ints: extra } }),
    ...(groups === 1 ? {} : { group: { int: groups } }),
  };
}
function kernelShape(shape: Shape): AttributeValues {
  const sizes = shape.slice(2).flatMap((dim) => dim.constant ?? []);
  return sizes.length === 2 ? { kernel_shape: { ints: sizes } } : {};
}

/** A bias as one axis, whatever shape it had. */
function copied(n: NodeEmitter, of: Source): string {
  const count = of.kind === "variable" ? of.count : of.values.length;
  return made(n, of, undefined, { kind: "copy", of }, [count]);
}

/** A tensor from weights, called after the weight it stems from; `last` replaces the last part of that name. */
function made(n: NodeEmitter, from: Source, last: string | undefined, recipe: Recipe, dims: readonly number[]): string {
  const path = from.kind === "variable" ? from.path : `${n.node.path}.constant`;
  const name = last === undefined ? path : path.replace(/[^.]*$/, last);
  return n.emitter.model.weight(name, recipeKey(recipe, dims), from.dtype, dims, recipe);
}

function recipeKey(recipe: Recipe, dims: readonly number[]): string | undefined {
  const sources = [recipe.of, ...(recipe.kind === "copy" ? [] : normSources(recipe.norm))];
  const keys = sources.map((source) =>
    source === undefined ? "" : source.kind === "variable" ? source.path : undefined,
  );
  if (keys.includes(undefined)) return undefined;
  if (recipe.kind === "copy") return `variable ${String(keys[0])} ${dims.join(",")}`;
  return `${recipe.kind} ${keys.join(" ")} ${dims.join(",")} ${recipe.norm.eps}`;
}
function normSources({ weight, bias, mean, variance }: Norm): readonly Source[] {
  return [weight, bias, mean, variance];
}

/**
 * Applies primitives: one node of the graph, with the settings as attributes. Sources (`zeros`, `uniform`, `tensor`, …)
 * become the leaves they stand for.
 */
import type { Attribute, Value } from "../graph/graph.ts";
import { attributeOf, together } from "../graph/primitives.ts";
import type { PrimDecl, TypeNode } from "../syntax/ast.ts";
import { Dim } from "../types/dim.ts";
import type { Bindings, Range } from "../types/signature.ts";
import { axis, literalShape } from "../types/shapes.ts";
import { type FloatValue, type IntValue, isNumber, type Static, StaticError, toNumber } from "../types/static.ts";
import { type DType, fittingDtype, isDTypeClass, isFloat, type TensorType } from "../types/tensor.ts";
import { classify } from "../types/signature.ts";
import type { Operand, Site } from "./operands.ts";
import type { WeightScope } from "./environment.ts";
import type { Evaluator } from "./evaluator.ts";
import { liftNumber, makeTensor } from "./tensors.ts";
import { type TensorVal, unknown, type Val } from "./values.ts";

/** Primitives that move entries about and so keep a label range. */
const keepsRange = new Set([
  "reshape",
  "expand",
  "transpose",
  "slice",
  "flip",
  "stop_gradient",
  "cast",
  "split",
  "pad",
]);

export function emitPrimitive(
  evaluator: Evaluator,
  prim: PrimDecl,
  bindings: Bindings,
  locals: ReadonlyMap<string, Val>,
  operands: readonly Operand[],
  site: Site,
  weights: WeightScope,
): Val {
  const { graph } = evaluator.context;
  const name = prim.name.text;
  const source = sources[name];
  if (Object.hasOwn(sources, name) && source) return source(evaluator, bindings, locals, site, weights);

  const same = name === "cast" ? operands[0]?.value : undefined;
  if (same?.kind === "tensor" && same.type.dtype === dtypeAsked(bindings)) return same; // nothing to convert

  const { config, tensors = [] } = classify(prim.lists);
  const inputs: Value[] = [];
  let range: Range | undefined;
  for (const [i, param] of tensors.entries()) {
    const value = operands[i]?.value ?? unknown;
    const type = param.type?.kind === "list" ? param.type.member : param.type;
    const kind = type?.kind === "tensor" ? type.name.text : "";
    const dtype = bindings.dtypeOf(kind) ?? (isDTypeClass(kind) ? fittingDtype(kind, site.want.type?.dtype) : "f32");
    const members = value.kind === "collection" || value.kind === "tuple" ? value.members : [value];
    for (const member of members) {
      if (member.kind === "tensor") {
        inputs.push(member.value);
        if (i === 0 && keepsRange.has(name)) range ??= member.range;
      } else if (isNumber(member)) inputs.push(liftNumber(evaluator.context, member, dtype));
      else if (member.kind === "bool") inputs.push(evaluator.context.scalar(member.value ? 1 : 0, "bool"));
      else throw new StaticError(`\`${name}\` takes tensors`);
    }
  }
  const rank = inputs[0]?.node.outputs[inputs[0].index]?.shape.length ?? 0;
  const attributes: Record<string, Attribute> = {};
  for (const param of config) {
    const value = bindings.values.get(param.name.text);
    if (value === undefined) continue;
    attributes[param.name.text] =
      param.type?.kind === "tuple"
        ? attributeOf(together(value))
        : normalized(param.name.text, value, name === "stack" ? rank + 1 : rank);
  }
  for (const asked of askedOf(
    prim,
    config.map((p) => p.name.text),
    tensors,
  )) {
    const value = bindings.values.get(asked);
    if (value !== undefined) attributes[asked] = attributeOf(value);
  }
  const types = outputTypes(prim.result, bindings, site.want.type?.dtype);
  const node = graph.node(name, attributes, inputs, types);
  const outputs = types.map((_, index): TensorVal => makeTensor({ node, index }, [], range));
  if (prim.result?.kind === "list")
    return { kind: "collection", named: false, keys: outputs.map((_, i) => String(i)), members: outputs };
  return prim.result?.kind === "tuple" ? { kind: "tuple", members: outputs } : (outputs[0] ?? unknown);
}

function dtypeAsked(bindings: Bindings): DType | undefined {
  const to = bindings.values.get("to");
  return to?.kind === "dtype" ? to.dtype : undefined;
}

/** Axes count from 0 in the graph. */
function normalized(name: string, value: Static, rank: number): Attribute {
  if (name !== "axis" && name !== "order") return attributeOf(value);
  if (value.kind === "int") return Dim.of(axis(value.dim, rank));
  if (value.kind !== "collection") return attributeOf(value);
  return value.members.map((m) => (m.kind === "int" ? Dim.of(axis(m.dim, rank)) : attributeOf(m)));
}

/** Dim variables of the result that no tensor binds. */
function askedOf(
  prim: PrimDecl,
  config: readonly string[],
  tensors: readonly { readonly type: TypeNode | undefined }[],
): readonly string[] {
  const bound = new Set([...config, ...tensors.flatMap((p) => dimNames(p.type))]);
  return [...new Set(dimNames(prim.result))].filter((n) => !bound.has(n));
}
function dimNames(type: TypeNode | undefined): readonly string[] {
  if (type?.kind === "tuple") return type.members.flatMap(dimNames);
  if (type?.kind === "list") return dimNames(type.member);
  if (type?.kind !== "tensor") return [];
  return (type.dims ?? []).flatMap((d) => {
    const expr = d.kind === "any" ? undefined : d.kind === "run" ? d.of : d.value;
    return expr?.kind === "name" ? [expr.text] : [];
  });
}

function outputTypes(
  result: TypeNode | undefined,
  bindings: Bindings,
  dtype: DType | undefined,
): readonly TensorType[] {
  if (result?.kind === "tuple") return result.members.flatMap((m) => outputTypes(m, bindings, dtype));
  if (result?.kind === "list") {
    const parts = bindings.values.get("parts");
    const [one] = outputTypes(result.member, bindings, dtype);
    const count = parts?.kind === "int" ? (parts.dim.constant ?? 0) : 0;
    return one === undefined ? [] : Array.from({ length: count }, () => one);
  }
  if (result?.kind !== "tensor") throw new StaticError("a primitive gives tensors");
  const type = bindings.instantiate(result, dtype ?? "f32");
  if (type === undefined) throw new StaticError("the shape of the result is open");
  return [type];
}

type Source = (
  evaluator: Evaluator,
  bindings: Bindings,
  locals: ReadonlyMap<string, Val>,
  site: Site,
  weights: WeightScope,
) => Val;

/** Sources are leaves of the graph. Their shape is what the use asks for. */
const sources: Readonly<Record<string, Source>> = {
  zeros: (evaluator, bindings, _locals, site) => filled(evaluator, 0, bindings, site),
  ones: (evaluator, bindings, _locals, site) => filled(evaluator, 1, bindings, site),
  uniform: (evaluator, bindings, _locals, site, weights) =>
    random(evaluator, "uniform", ["low", "high"], bindings, site, weights),
  normal: (evaluator, bindings, _locals, site, weights) =>
    random(evaluator, "normal", ["mean", "std"], bindings, site, weights),
  tensor: (evaluator, bindings, _locals, site) => {
    const values = bindings.values.get("values");
    const numbers = values === undefined ? [] : literalNumbers(values);
    const whole = numbers.every((n) => n.kind === "int");
    const shape = literalShape(values).map((d) => d.constant ?? 0);
    const wanted = site.want.type?.dtype;
    const dtype = wanted ?? (whole ? "i64" : "f32");
    if (!whole && !isFloat(dtype)) throw new StaticError(`a literal with fractions cannot be ${dtype}`);
    return makeTensor(evaluator.context.graph.constant(Float64Array.from(numbers, toNumber), dtype, shape), []);
  },
  now: (evaluator, _bindings, locals, site, weights) => {
    const schedule = locals.get("schedule");
    if (schedule?.kind !== "block") return unknown;
    const { step, epoch } = evaluator.context.time;
    const operands = [step, epoch].map((value): Operand => ({
      value: makeTensor(value, []),
      expr: undefined,
    }));
    return evaluator.applier.apply(schedule, operands, { ...site, want: {}, scope: weights });
  },
};

function literalNumbers(value: Static): readonly (IntValue | FloatValue)[] {
  if (value.kind === "collection" || value.kind === "tuple") return value.members.flatMap(literalNumbers);
  if (!isNumber(value)) throw new StaticError("a literal tensor holds numbers");
  return [value];
}
function runOf(bindings: Bindings): readonly Dim[] {
  const run = bindings.values.get("S");
  return run?.kind === "collection" ? run.members.flatMap((m) => (m.kind === "int" ? [m.dim] : [])) : [];
}
function filled(evaluator: Evaluator, value: number, bindings: Bindings, site: Site): Val {
  const shape = runOf(bindings);
  const dtype = site.want.type?.dtype ?? "f32";
  const scalar = evaluator.context.scalar(value, dtype);
  if (shape.length === 0) return makeTensor(scalar, []);
  const node = evaluator.context.graph.node("expand", { to: shape }, [scalar], [{ dtype, shape }]);
  return makeTensor({ node, index: 0 }, []);
}
function random(
  evaluator: Evaluator,
  distribution: "uniform" | "normal",
  settings: readonly [string, string],
  bindings: Bindings,
  site: Site,
  weights: WeightScope,
): Val {
  const { context } = evaluator;
  const shape = runOf(bindings);
  const dtype = site.want.type?.dtype ?? "f32";
  const numbers = Object.fromEntries(
    settings.map((name) => {
      const value = bindings.values.get(name);
      return [name, value && isNumber(value) ? toNumber(value) : 0];
    }),
  );
  const inputs = context.clock ? [context.clock.draws] : [];
  const path = `${weights.path}${weights.path === "" ? "" : "."}${context.drawName(weights.path)}`;
  const node = context.graph.node("random", { distribution, ...numbers, path }, inputs, [{ dtype, shape }]);
  return makeTensor({ node, index: 0 }, []);
}

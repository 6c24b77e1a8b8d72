/**
 * Between values and signatures: what the operands of an application are to the types that its block declares, and why the axes
 * of its result have their sizes. It matches nothing and reports nothing.
 */
import type { Span } from "../source/source.ts";
import type { Expr, Param, TypeNode } from "../syntax/ast.ts";
import type { ArgumentType, Bindings } from "../types/signature.ts";
import { intValue, type Static } from "../types/static.ts";
import type { Environment, WeightScope } from "./environment.ts";
import type { Want } from "./evaluator.ts";
import type { BlockVal, Reason, Val } from "./values.ts";

export interface Operand {
  readonly value: Val;
  readonly expr: Expr | undefined;
}
/** Where an application stands. */
export interface Site {
  /** The expression that names its weights: the pipe or the call. */
  readonly expr: Expr;
  /** What is underlined: the block with its settings. */
  readonly span: Span;
  readonly env: Environment;
  readonly want: Want;
  /** The scope of the weights, where the place itself names them (fusions, pools, optimizers). */
  readonly scope?: WeightScope;
}

/** What a signature sees of a value. */
export function argumentType(value: Val): ArgumentType {
  switch (value.kind) {
    case "tensor":
      return { kind: "tensor", type: value.type, range: value.range };
    case "int":
    case "float":
    case "bool":
      return { kind: "static", of: value.kind };
    case "collection":
      return { kind: "list", members: value.members.map(argumentType), keys: value.keys };
    case "tuple":
      return { kind: "tuple", members: value.members.map(argumentType) };
    default:
      return { kind: "unknown" };
  }
}
/** The shapes of a list of tensors, as signatures such as `concatenated(xs, axis)` read them. */
export function shapesOf(value: Val & { kind: "collection" }): Static {
  const members = value.members.map((m): Static => {
    const shape = m.kind === "tensor" ? m.type.shape : [];
    return { kind: "collection", named: false, keys: shape.map((_, i) => String(i)), members: shape.map(intValue) };
  });
  return { kind: "collection", named: false, keys: members.map((_, i) => String(i)), members };
}

/** A tensor that has no entries already, made so on purpose. */
export function isEmpty(value: Val): boolean {
  return value.kind === "tensor" && value.type.shape.some((d) => d.constant === 0);
}

/** The result with the reason for the size of each of its axes. */
export function withReasons(
  value: Val,
  result: TypeNode | undefined,
  bindings: Bindings,
  tensors: readonly Param[],
  operands: readonly Operand[],
  block: BlockVal,
  site: Site,
): Val {
  if (value.kind !== "tensor" || result?.kind !== "tensor") return value;
  const reasons = (result.dims ?? []).flatMap((dim): (Reason | undefined)[] => {
    if (dim.kind !== "expr") {
      const name = dim.kind === "run" && dim.of?.kind === "name" ? dim.of.text : "";
      const place = bindings.places.get(name);
      const run = bindings.values.get(name);
      const length =
        run?.kind === "collection" ? run.members.length : value.type.shape.length - (result.dims ?? []).length + 1;
      const given = place && operands[place.param]?.value;
      return Array.from({ length }, (_, i) =>
        given?.kind === "tensor" && place ? given.reasons[place.axis + i] : undefined,
      );
    }
    const name = dim.value.kind === "name" ? dim.value.text : undefined;
    const place = name === undefined ? undefined : bindings.places.get(name);
    const given = place && place.param >= 0 && place.member === undefined ? operands[place.param]?.value : undefined;
    if (given?.kind === "tensor" && place) return [given.reasons[place.axis]];
    const setting = name === undefined ? undefined : block.config.get(name);
    if (name !== undefined && setting)
      return [{ span: site.span, text: `\`${name}\` of this ${block.name}`, argument: setting.span }];
    return [{ span: site.span, text: `result of this ${block.name}`, argument: undefined }];
  });
  return { ...value, reasons: reasons.length === value.type.shape.length ? reasons : value.reasons };
}

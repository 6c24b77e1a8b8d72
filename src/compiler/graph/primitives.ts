/**
 * The types of primitive operators, from their `.arch` signatures alone. Passes and gradient rules emit primitives
 * through these rules; programs go through the same `Bindings` with better blame.
 */
import type { Expr, PrimDecl, TypeNode } from "../syntax/ast.ts";
import type { Attribute, Attributes } from "./graph.ts";
import type { TypeRules } from "./builder.ts";
import { printAttribute, printType } from "./print.ts";
import { Dim } from "../types/dim.ts";
import { evaluateStatic, OpenError } from "../types/evaluate.ts";
import { Facts } from "../types/facts.ts";
import { type ArgumentType, Bindings, classify } from "../types/signature.ts";
import { boolValue, floatValue, intValue, listOf, type Static, StaticError, stringValue } from "../types/static.ts";
import { type DType, isDType, showType, type TensorType } from "../types/tensor.ts";

/**
 * Rules over the primitives declared in some files. What depends on sizes known at run time counts as right: passes derive
 * their nodes from a program that was checked with all its facts.
 */
export function primitiveRules(primitives: Iterable<PrimDecl>, facts: Facts = Facts.open()): TypeRules {
  const byName = new Map([...primitives].map((p) => [p.name.text, p]));
  const known = new Map<string, readonly TensorType[]>();
  return {
    outputs(op, attributes, inputs) {
      const prim = byName.get(op);
      if (prim === undefined) throw new Error(`there is no primitive ${op}`);
      const settings = Object.entries(attributes).map(([name, value]) => `${name}: ${printAttribute(value)}`);
      const key = `${op}(${settings.join()}) ${inputs.map(printType).join(" ")}`;
      const before = known.get(key);
      if (before !== undefined) return before;
      try {
        const types = outputTypes(prim, attributes, inputs, facts);
        known.set(key, types);
        return types;
      } catch (error) {
        const given = inputs.map(showType).join(", ");
        if (error instanceof StaticError) throw new Error(`${op}(${given}): ${error.message}`, { cause: error });
        throw error;
      }
    },
  };
}

function outputTypes(
  prim: PrimDecl,
  attributes: Attributes,
  inputs: readonly TensorType[],
  facts: Facts,
): readonly TensorType[] {
  const { config, tensors = [] } = classify(prim.lists);
  const bindings = new Bindings(facts, (expr, b) => evaluateStatic(expr, (name) => b.values.get(name), facts));
  for (const param of config) {
    const attribute = attributes[param.name.text];
    if (attribute !== undefined) bindings.values.set(param.name.text, each(staticOf(attribute), param.type));
    else if (param.default !== undefined)
      bindings.values.set(param.name.text, each(bindings.evaluate(param.default), param.type));
    else throw new StaticError(`\`${param.name.text}\` is missing`);
  }
  const args: ArgumentType[] = inputs.map((type) => ({ kind: "tensor", type, range: undefined }));
  const [first] = tensors;
  const list = tensors.length === 1 && first?.type?.kind === "list" ? first : undefined;
  const given: ArgumentType[] = list ? [{ kind: "list", members: args, keys: args.map((_, i) => String(i)) }] : args;
  if (given.length !== tensors.length) throw new StaticError(`takes ${String(tensors.length)} tensors`);
  if (list) bindings.values.set(list.name.text, listOf(inputs.map((t) => listOf(t.shape.map(intValue)))));
  for (const { param, mismatch } of bindings.match(tensors, given)) {
    const sizes =
      mismatch.kind === "size"
        ? `: axis ${String(mismatch.axis)} is ${mismatch.actual.toString()}, not ${mismatch.expected.toString()}`
        : "";
    throw new StaticError(`\`${param.name.text}\` does not fit (${mismatch.kind})${sizes}`);
  }
  if (prim.result === undefined) throw new StaticError("has no result type");
  for (const name of bindings.asked(prim.result)) {
    const asked = attributes[name];
    if (asked === undefined) throw new StaticError(`the size ${name} of the result is missing`);
    bindings.values.set(name, staticOf(asked));
  }
  for (const condition of prim.where) {
    if (!mayHold(condition, bindings)) throw new StaticError("a condition of the signature does not hold");
  }
  const count = prim.result.kind === "list" ? (attributes["parts"] as Dim).constant : undefined;
  return resultTypes(prim.result, bindings, count);
}

function mayHold(condition: Expr, bindings: Bindings): boolean {
  try {
    const holds = bindings.evaluate(condition);
    return holds.kind === "bool" && holds.value;
  } catch (error) {
    if (error instanceof OpenError) return true;
    throw error;
  }
}

function resultTypes(result: TypeNode, bindings: Bindings, count: number | undefined): readonly TensorType[] {
  if (result.kind === "tuple") return result.members.flatMap((m) => resultTypes(m, bindings, count));
  if (result.kind === "list") {
    const [one] = resultTypes(result.member, bindings, undefined);
    return one === undefined ? [] : Array.from({ length: count ?? 0 }, () => one);
  }
  if (result.kind !== "tensor") throw new StaticError("a primitive gives tensors");
  const fallback: DType = "f32";
  const type = bindings.instantiate(result, fallback);
  if (type === undefined) throw new StaticError("a primitive's result has no open axis");
  return [type];
}

/** One number where a tuple of numbers is declared stands for each of them. */
function each(value: Static, type: TypeNode | undefined): Static {
  if (type?.kind !== "tuple" || (value.kind !== "int" && value.kind !== "float")) return value;
  return { kind: "tuple", members: type.members.map(() => value) };
}
/** A pair of equal numbers is written as the number. */
export function together(value: Static): Static {
  if (value.kind !== "tuple") return value;
  const [first, ...rest] = value.members;
  const same = first?.kind === "int" && rest.every((m) => m.kind === "int" && m.dim.equals(first.dim));
  return same ? first : value;
}

/** An attribute as the static value it came from. */
export function staticOf(attribute: Attribute): Static {
  if (attribute instanceof Dim) return intValue(attribute);
  if (attribute instanceof Float64Array) return listOf([...attribute].map(floatValue));
  if (typeof attribute === "number") return floatValue(attribute);
  if (typeof attribute === "boolean") return boolValue(attribute);
  if (typeof attribute === "string")
    return isDType(attribute) ? { kind: "dtype", dtype: attribute } : stringValue(attribute);
  return listOf(attribute.map(staticOf));
}
/** A static value as an attribute of a node. */
export function attributeOf(value: Static): Attribute {
  switch (value.kind) {
    case "int":
      return value.dim;
    case "float":
    case "bool":
    case "string":
      return value.value;
    case "dtype":
      return value.dtype;
    case "collection":
    case "tuple":
      return value.members.map(attributeOf);
  }
}

/**
 * Typed access to the attributes of nodes, and their making. The elaborator fills in every attribute of a signature, so a
 * missing one is a bug of the compiler, not of the user.
 */
import type { Attribute, Node } from "../graph/graph.ts";
import { Dim } from "../types/dim.ts";

function wrong(node: Node, name: string, wanted: string): Error {
  return new Error(`node ${String(node.id)} (${node.op}): attribute ${name} should be ${wanted}`);
}

export function dimAttribute(node: Node, name: string): Dim {
  const value = node.attributes[name];
  if (value instanceof Dim) return value;
  throw wrong(node, name, "a size");
}
export function dimsAttribute(node: Node, name: string): readonly Dim[] {
  const value = node.attributes[name];
  if (Array.isArray(value)) {
    const members: readonly Attribute[] = value;
    return members.map((member) => {
      if (member instanceof Dim) return member;
      throw wrong(node, name, "a list of sizes");
    });
  }
  throw wrong(node, name, "a list of sizes");
}
/** A whole number that no run changes, as an axis or a stride. */
export function intAttribute(node: Node, name: string): number {
  const value = dimAttribute(node, name).constant;
  if (value === undefined) throw wrong(node, name, "a known whole number");
  return value;
}
export function intsAttribute(node: Node, name: string): readonly number[] {
  return dimsAttribute(node, name).map((dim) => {
    if (dim.constant === undefined) throw wrong(node, name, "a list of known whole numbers");
    return dim.constant;
  });
}
/** Height's and width's: a pair, or one number that stands for both. `otherwise` where the operator lacks the setting. */
export function pairAttribute(node: Node, name: string, otherwise?: number): readonly [number, number] {
  if (otherwise !== undefined && !(name in node.attributes)) return [otherwise, otherwise];
  const value = node.attributes[name];
  if (!Array.isArray(value)) {
    const both = intAttribute(node, name);
    return [both, both];
  }
  const [height, width, more] = intsAttribute(node, name);
  if (height === undefined || width === undefined || more !== undefined) throw wrong(node, name, "a pair");
  return [height, width];
}
export function numberAttribute(node: Node, name: string): number {
  const value = node.attributes[name];
  if (typeof value === "number") return value;
  throw wrong(node, name, "a number");
}
export function booleanAttribute(node: Node, name: string): boolean {
  const value = node.attributes[name];
  if (typeof value === "boolean") return value;
  throw wrong(node, name, "true or false");
}
export function textAttribute(node: Node, name: string): string {
  const value = node.attributes[name];
  if (typeof value === "string") return value;
  throw wrong(node, name, "text");
}
export function valuesAttribute(node: Node): Float64Array {
  const value = node.attributes["values"];
  if (value instanceof Float64Array) return value;
  throw wrong(node, "values", "an array of numbers");
}

export function ints(values: readonly number[]): readonly Dim[] {
  return values.map((value) => Dim.of(value));
}
/** Whole numbers by name, as attributes. */
export function dims(values: Readonly<Record<string, number>>): Readonly<Record<string, Dim>> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Dim.of(value)]));
}

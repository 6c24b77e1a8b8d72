/** The type of a tensor: an element type and a shape. Element type classes (`float`, `num`) belong to signatures only. */
import type { Shape } from "./dim.ts";

export type DType = "bool" | "i32" | "i64" | "f16" | "bf16" | "f32" | "f64";

export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

export const dtypes: readonly DType[] = ["bool", "i32", "i64", "f16", "bf16", "f32", "f64"];

export function isDType(name: string): name is DType {
  return (dtypes as readonly string[]).includes(name);
}
export function isFloat(dtype: DType): boolean {
  return dtype === "f16" || dtype === "bf16" || dtype === "f32" || dtype === "f64";
}
export function isInt(dtype: DType): boolean {
  return dtype === "i32" || dtype === "i64";
}

/**
 * The classes a signature may name instead of one element type. `wide` is a float type of its own, for what stays in single
 * precision beside data in a half type: scales, statistics, places.
 */
export const dtypeClasses = {
  float: isFloat,
  wide: isFloat,
  int: isInt,
  num: (dtype: DType): boolean => isFloat(dtype) || isInt(dtype),
  any: (): boolean => true,
} as const;
export type DTypeClass = keyof typeof dtypeClasses;

export function isDTypeClass(name: string): name is DTypeClass {
  return Object.hasOwn(dtypeClasses, name);
}
/** What a class stands for where nothing says it. */
export const usualDtypes: Readonly<Record<DTypeClass, DType>> = {
  float: "f32",
  wide: "f32",
  int: "i64",
  num: "f32",
  any: "f32",
};
/** The element type that is asked for, where the class has it. */
export function fittingDtype(name: DTypeClass, asked: DType | undefined): DType {
  return asked !== undefined && dtypeClasses[name](asked) ? asked : usualDtypes[name];
}

/** Whether it is known to have no entries. */
export function isNothing({ shape }: TensorType): boolean {
  return shape.some((size) => size.constant !== undefined && size.constant < 1);
}

export function showType({ dtype, shape }: TensorType): string {
  return `${dtype}[${shape.map(String).join(", ")}]`;
}

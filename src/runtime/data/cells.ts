/**
 * From the cells of a row to the numbers of one field, or what is wrong with them, with the column. It opens no file.
 */
import { isFloat, type Numbers } from "../../compiler/ops/tensor.ts";
import type { ClassField, Field } from "./recipe.ts";
import type { Cells } from "./table.ts";

/** The numbers, or what is wrong. Images and arrays have theirs in files; see `fileColumn`. */
export function numbersOf(field: Field, cells: Cells): readonly number[] | string {
  const read = readField(field, cells);
  return typeof read === "string" ? read : (outside(field, read) ?? read);
}

function readField({ from, range }: Field, cells: Cells): readonly number[] | string {
  switch (from.kind) {
    case "image":
    case "array":
      return [];
    case "points":
    case "numbers":
      return readNumbers(cells, from.columns);
    case "tokens":
      return readTokens(cells, from.column, from.length, from.pad);
    case "bytes":
      return filled([...Buffer.from(cells[from.column] ?? "", "utf8")], from.length, from.pad);
    case "class":
      return readClass(cells, from, range?.from ?? 0);
  }
}

/** The columns that a field reads. */
export function columnsOf({ from }: Field): readonly string[] {
  return "column" in from ? [from.column] : from.columns;
}

/** The column that names a field's file, where it has one. */
export function fileColumn({ from }: Field): string | undefined {
  return from.kind === "image" || from.kind === "array" ? from.column : undefined;
}

export function readNumbers(cells: Cells, columns: readonly string[]): number[] | string {
  const out: number[] = [];
  for (const column of columns) {
    const text = cells[column] ?? "";
    const value = text === "" ? NaN : Number(text);
    if (!Number.isFinite(value))
      return text === "" ? `column ${column} is empty` : `column ${column}: "${text}" is not a number`;
    out.push(value);
  }
  return out;
}

function readTokens(cells: Cells, column: string, length: number, pad: number): number[] | string {
  const words = (cells[column] ?? "").split(/\s+/).filter((word) => word !== "");
  const out = words.slice(0, length).map(Number);
  const bad = out.findIndex((value) => !Number.isInteger(value));
  return bad === -1 ? filled(out, length, pad) : `column ${column}: "${words[bad] ?? ""}" is not a whole number`;
}

function filled(numbers: readonly number[], length: number, pad: number): number[] {
  return Array.from({ length }, (_, i) => numbers[i] ?? pad);
}

function readClass(cells: Cells, { column, classes }: ClassField, first: number): number[] | string {
  const text = cells[column] ?? "";
  const place = classes.indexOf(text);
  if (place !== -1) return [first + place];
  const known = classes.length > 8 ? `${classes.slice(0, 8).join(", ")}, …` : classes.join(", ");
  return text === "" ? `column ${column} is empty` : `column ${column}: "${text}" is none of the classes ${known}`;
}

/** What is wrong with a field's numbers, with the column of the first that is. */
export function outside(field: Field, values: readonly number[] | Numbers): string | undefined {
  for (let i = 0; i < values.length; i += 1) {
    const found = faultOf(field, values[i] ?? NaN, i);
    if (found === undefined) continue;
    const { from } = field;
    const column = from.kind === "numbers" ? from.columns[i] : columnsOf(field).join(", ");
    const which = from.kind === "tokens" || from.kind === "bytes" || from.kind === "array" ? `, number ${i + 1}` : "";
    return `column ${column ?? ""}${which}: ${found}`;
  }
  return undefined;
}

function faultOf({ name, dtype, range, limits }: Field, value: number, at: number): string | undefined {
  if (!Number.isFinite(value)) return `${value} is no number that \`${name}\` can hold`;
  if (dtype === "bool" && value !== 0 && value !== 1) return `${value} is neither 0 nor 1, and \`${name}\` is a bool`;
  if (!isFloat(dtype) && !Number.isInteger(value)) return `${value} is not a whole number, which \`${name}\` needs`;
  if (range !== undefined && (value < range.from || value >= range.to))
    return `${value} is not in ${range.from} ..< ${range.to}, where \`${name}\` lies`;
  const limit = limits?.[at] ?? undefined;
  if (limit !== undefined && (value < 0 || value >= limit))
    return `${value} is not in 0 ..< ${limit}, the places that the model has for it`;
  return undefined;
}

/**
 * What a model's `data` section says, read from plain values into types: how each input and target comes out of a row of a
 * manifest, and what is done to pictures and points. It reads no files.
 */
import type { Port } from "../../compiler/graph/graph.ts";
import type { Plain } from "../../compiler/program.ts";
import { InputError } from "../error.ts";

export interface ImageField {
  readonly kind: "image";
  readonly column: string;
  /** Height and width of the result, in pixels. */
  readonly size: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
}
/** Pairs of columns x, y in pixels of the image, given to the model in [-1, 1] of the crop. */
export interface PointsField {
  readonly kind: "points";
  readonly columns: readonly string[];
}
export interface NumbersField {
  readonly kind: "numbers";
  readonly columns: readonly string[];
}
/** One column of numbers with spaces between them, cut or filled up to a length. */
export interface TokensField {
  readonly kind: "tokens";
  readonly column: string;
  readonly length: number;
  readonly pad: number;
}
/** A file of numbers (.npy) by its path; its shape is the model's. */
export interface ArrayField {
  readonly kind: "array";
  readonly column: string;
}
/** A word that stands for its place among the classes. */
export interface ClassField {
  readonly kind: "class";
  readonly column: string;
  readonly classes: readonly string[];
}
/** A text as its bytes in UTF-8, cut or filled up to a length. */
export interface BytesField {
  readonly kind: "bytes";
  readonly column: string;
  readonly length: number;
  readonly pad: number;
}
export type FieldKind = ImageField | PointsField | NumbersField | TokensField | ArrayField | ClassField | BytesField;

/** One input or target and where it comes from. */
export interface Field {
  readonly name: string;
  /** A target is what an input is to be answered with. */
  readonly target?: boolean;
  readonly dtype: Port["type"]["dtype"];
  /** One sample's shape: the port's without its first axis. */
  readonly shape: readonly number[];
  /** Whole numbers in from ..< to, where the declaration says so. */
  readonly range: { readonly from: number; readonly to: number } | undefined;
  /** How many places there are for each number of a sample, where the model uses it as a place; null where it does not. */
  readonly limits?: readonly (number | null)[];
  readonly from: FieldKind;
}

/** Takes the middle of the first two points and the lip to fixed places of the crop. */
export interface Alignment {
  readonly eyes: readonly [number, number];
  readonly lip: readonly [number, number];
  /** The upper lip's columns; empty where the middle of the last two points stands in. */
  readonly columns: readonly string[];
}

export type Augmentation =
  | { readonly kind: "flip"; readonly chance: number; readonly swap: readonly (readonly [number, number])[] }
  | { readonly kind: "scale"; readonly low: number; readonly high: number }
  | { readonly kind: "rotate"; readonly degrees: number }
  | { readonly kind: "shift"; readonly fraction: number };

export interface Recipe {
  readonly fields: readonly Field[];
  readonly alignment: Alignment | undefined;
  readonly augmentations: readonly Augmentation[];
}

/** The recipe of a program; `ports` are those of the graph that will be fed. */
export function recipeOf(
  model: string,
  data: Readonly<Record<string, Plain>> | undefined,
  ports: readonly Port[],
): Recipe {
  if (data === undefined) {
    throw new InputError(
      `${model} has no \`data\` section, so nothing says how its inputs come out of a manifest.`,
      `Add one to the model:   data { ${ports[0]?.name ?? "x"} = … }`,
    );
  }
  const fields = ports.map((port) => fieldOf(model, data, port));
  const steps = recordsOf(model, "prepare", data["prepare"] ?? []);
  const alignments = steps.map((step) => alignmentOf(model, step));
  if (alignments.length > 1) throw new InputError(`${model}: \`prepare\` aligns the picture twice; keep one step.`);
  const augmentations = recordsOf(model, "augment", data["augment"] ?? []).map((step) => augmentationOf(model, step));
  const recipe = { fields, alignment: alignments[0], augmentations };
  check(model, recipe);
  return recipe;
}

type PlainRecord = Readonly<Record<string, Plain>>;

function fieldOf(model: string, data: PlainRecord, port: Port): Field {
  const plain = data[port.name];
  if (plain === undefined || !isRecord(plain)) {
    throw new InputError(
      `${model}: the \`data\` section says nothing about ${port.kind} \`${port.name}\`.`,
      `Add a line to it:   ${port.name} = column("${port.name}")`,
    );
  }
  const shape = port.type.shape.slice(1).map((dim) => {
    if (dim.constant !== undefined) return dim.constant;
    throw new InputError(
      `${model}: ${port.kind} \`${port.name}\` has sizes that differ from sample to sample, which a manifest cannot fill.`,
    );
  });
  const { range } = port;
  const from = range?.from.constant;
  const to = range?.to.constant;
  return {
    name: port.name,
    ...(port.kind === "target" && { target: true }),
    dtype: port.type.dtype,
    shape,
    range: from === undefined || to === undefined ? undefined : { from, to },
    from: kindOf(`${model}: data.${port.name}`, plain),
  };
}

const KINDS = ["image", "points", "number", "numbers", "tokens", "bytes", "class", "array"];

function kindOf(where: string, plain: PlainRecord): FieldKind {
  const kind = text(where, plain, "kind");
  switch (kind) {
    case "image": {
      const [mean, std] = [numbers(where, plain, "mean"), numbers(where, plain, "std")];
      return { kind, column: text(where, plain, "column"), size: number(where, plain, "size"), mean, std };
    }
    case "points":
      return { kind, columns: texts(where, plain, "columns") };
    case "number":
      return { kind: "numbers", columns: [text(where, plain, "column")] };
    case "numbers":
      return { kind, columns: texts(where, plain, "columns") };
    case "tokens":
    case "bytes":
      return {
        kind,
        column: text(where, plain, "column"),
        length: number(where, plain, "length"),
        pad: number(where, plain, "pad"),
      };
    case "array":
      return { kind, column: text(where, plain, "column") };
    case "class": {
      const classes = texts(where, plain, "classes");
      const twice = classes.find((name, i) => classes.indexOf(name) !== i);
      if (twice === undefined) return { kind, column: text(where, plain, "column"), classes };
      throw new InputError(`${where}: the class "${twice}" stands there twice.`);
    }
    default:
      throw new InputError(
        `${where} has the kind "${kind}", which no loader reads; known are ${KINDS.join(", ")}.`,
        "std:data has a function for each.",
      );
  }
}

function alignmentOf(model: string, step: PlainRecord): Alignment {
  const where = `${model}: data.prepare`;
  const kind = text(where, step, "kind");
  if (kind !== "align_face") throw new InputError(`${where} has a step of kind "${kind}"; align_face is known.`);
  const columns = texts(where, step, "columns");
  if (columns.length !== 0 && columns.length !== 2)
    throw new InputError(`${where}: the lip needs two columns, x and y, or none.`);
  return { eyes: pair(where, step["eyes"]), lip: pair(where, step["lip"]), columns };
}

function augmentationOf(model: string, step: PlainRecord): Augmentation {
  const where = `${model}: data.augment`;
  const kind = text(where, step, "kind");
  switch (kind) {
    case "flip": {
      const swap = listOf(step["swap"]);
      if (swap === undefined) throw new InputError(`${where}: \`swap\` of a flip is a list of pairs.`);
      return { kind, chance: number(where, step, "chance"), swap: swap.map((member) => pair(where, member)) };
    }
    case "scale":
      return { kind, low: number(where, step, "low"), high: number(where, step, "high") };
    case "rotate":
      return { kind, degrees: number(where, step, "degrees") };
    case "shift":
      return { kind, fraction: number(where, step, "fraction") };
    default:
      throw new InputError(`${where} has a step of kind "${kind}"; flip, scale, rotate and shift are known.`);
  }
}

/** What can be wrong with a recipe whatever the manifest. */
function check(model: string, recipe: Recipe): void {
  const images = recipe.fields.filter((field) => field.from.kind === "image");
  const points = recipe.fields.filter((field) => field.from.kind === "points");
  for (const field of recipe.fields) {
    const { name, from, range } = field;
    if (from.kind === "class" && range !== undefined && from.classes.length > range.to - range.from)
      throw new InputError(
        `${model}: data.${name} has ${from.classes.length} classes, and \`${name}\` lies in ${range.from} ..< ${range.to}.`,
      );
    const made = sampleShape(field);
    if (made.length === field.shape.length && made.every((size, axis) => size === field.shape[axis])) continue;
    throw new InputError(
      `${model}: \`${field.name}\` is [${field.shape.join(", ")}] a sample, but the \`data\` section makes [${made.join(", ")}].`,
    );
  }
  if (points.length > 1)
    throw new InputError(
      `${model}: two sets of points in a sample (${points.map((f) => f.name).join(", ")}) cannot be loaded.`,
    );
  if (points.length > 0 && images.length > 1)
    throw new InputError(
      `${model}: of which of the images ${images.map((f) => f.name).join(", ")} the points are pixels cannot be said; points go with one image.`,
    );
  if (recipe.alignment !== undefined && (images.length === 0 || (points[0]?.shape[0] ?? 0) < 2)) {
    throw new InputError(`${model}: align_face needs an image and the points of the eyes and the mouth.`);
  }
}

/** What a loader makes of a row; an array has the shape that the model asks for, or is refused when it is opened. */
function sampleShape({ from, shape }: Field): readonly number[] {
  switch (from.kind) {
    case "image":
      return [3, from.size, from.size];
    case "points":
      return [from.columns.length / 2, 2];
    case "tokens":
    case "bytes":
      return [from.length];
    case "numbers":
      return from.columns.length === 1 ? [] : [from.columns.length];
    case "class":
      return [];
    case "array":
      return shape;
  }
}

/** A map fits wherever a list does: its members in order. */
function listOf(plain: Plain | undefined): readonly Plain[] | undefined {
  if (Array.isArray(plain)) return plain as readonly Plain[];
  return isRecord(plain) ? Object.values(plain) : undefined;
}

function isRecord(plain: Plain | undefined): plain is PlainRecord {
  return typeof plain === "object" && !Array.isArray(plain);
}

function recordsOf(model: string, name: string, plain: Plain): readonly PlainRecord[] {
  const isStep = isRecord(plain) && typeof plain["kind"] === "string";
  const list = isStep ? [plain] : (listOf(plain) ?? [plain]);
  return list.map((member) => {
    if (isRecord(member)) return member;
    throw new InputError(`${model}: data.${name} is a list of steps, and ${JSON.stringify(member)} is none.`);
  });
}

function text(where: string, record: PlainRecord, key: string): string {
  const value = record[key];
  if (typeof value === "string") return value;
  throw new InputError(`${where}: \`${key}\` is a text.`);
}

function number(where: string, record: PlainRecord, key: string): number {
  const value = record[key];
  if (typeof value === "number") return value;
  throw new InputError(`${where}: \`${key}\` is a number.`);
}

function texts(where: string, record: PlainRecord, key: string): readonly string[] {
  const value = listOf(record[key]);
  if (value?.every((member) => typeof member === "string") === true) return value;
  throw new InputError(`${where}: \`${key}\` is a list of texts.`);
}

function numbers(where: string, record: PlainRecord, key: string): readonly number[] {
  const value = listOf(record[key]);
  if (value?.every((member) => typeof member === "number") === true) return value;
  throw new InputError(`${where}: \`${key}\` is a list of numbers.`);
}

function pair(where: string, value: Plain | undefined): readonly [number, number] {
  const [first, second] = listOf(value) ?? [];
  if (typeof first === "number" && typeof second === "number") return [first, second];
  throw new InputError(`${where}: ${JSON.stringify(value)} is not a pair of numbers.`);
}

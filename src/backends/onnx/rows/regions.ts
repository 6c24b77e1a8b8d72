/**
 * Maxima over the cells of boxes in ONNX. Its own MaxRoiPool rounds cells in single precision and never finds a box empty,
 * so the cells are computed here in whole numbers, and each maximum is that of two overlapping runs of 2^k members.
 */
import { dimAttribute } from "../../../compiler/ops/attributes.ts";
import { Dim, elementCount } from "../../../compiler/types/dim.ts";
import { RefusalError } from "../../backend.ts";
import type { NodeEmitter, Row, Table } from "../emitter.ts";
import { added } from "./gradients.ts";

/** The members from `start` on, `length` of them, that each cell of one axis covers: i64[B, cells]. */
interface Cells {
  readonly start: string;
  readonly end: string;
  readonly length: string;
}

/** Where the boxes of a node, its second input, lie in its image, its first. */
interface Grid {
  readonly across: Cells;
  readonly along: Cells;
  readonly height: number;
  readonly width: number;
}
function gridOf(n: NodeEmitter, made: readonly (Dim | undefined)[]): Grid {
  const [height, width, rows, columns] = [...n.type(0).shape.slice(2), ...made].map((dim) => knownSize(n, dim));
  if (height === undefined || width === undefined || rows === undefined || columns === undefined)
    throw new Error("an image has two axes");
  const boxes = n.cast(n.input(1), "f64");
  const across = cells(n, edges(n, boxes, 0, 2, width), columns, width);
  const along = cells(n, edges(n, boxes, 1, 3, height), rows, height);
  return { across, along, height, width };
}
/** Which cells hold a pixel: bool[B, 1, Ho, Wo]. */
function filled(n: NodeEmitter, { across, along }: Grid): string {
  const zero = n.scalar(0, "i64");
  return n.one("And", [
    n.one("Unsqueeze", [n.one("Greater", [along.length, zero]), n.ints([1, 3])]),
    n.one("Unsqueeze", [n.one("Greater", [across.length, zero]), n.ints([1, 2])]),
  ]);
}

const roiPool2d: Row = (n) => {
  const grid = gridOf(n, [dimAttribute(n.node, "Ho"), dimAttribute(n.node, "Wo")]);
  // [B, C, H, W] -> [B, W, C, H] -> [B, Wo, C, H] -> [B, H, C, Wo] -> [B, Ho, C, Wo] -> [B, C, Ho, Wo]
  const byColumn = maxima(n, permuted(n, n.input(0), [0, 3, 1, 2]), grid.across, grid.width).value;
  const byRow = maxima(n, permuted(n, byColumn, [0, 3, 2, 1]), grid.along, grid.height).value;
  return n.one("Where", [filled(n, grid), permuted(n, byRow, [0, 2, 1, 3]), n.scalar(0, n.result.dtype)]);
};

/** To the first of the largest in reading order: of the first row that has it, the first column. */
const roiPool2dGradient: Row = (n) => {
  const { dtype, shape } = n.result;
  const [batch = Dim.one, channels = Dim.one, rows, columns] = n.type(2).shape;
  const grid = gridOf(n, [rows, columns]);
  const byColumn = maxima(n, permuted(n, n.input(0), [0, 3, 1, 2]), grid.across, grid.width, true);
  const byRow = maxima(n, permuted(n, byColumn.value, [0, 3, 2, 1]), grid.along, grid.height, true);
  const column = n.one("GatherElements", [permuted(n, byColumn.place, [0, 3, 2, 1]), byRow.place], {
    axis: { int: 1 },
  });
  const pixel = n.one("Add", [n.one("Mul", [byRow.place, n.scalar(grid.width, "i64")]), column]);
  const dy = n.one("Mul", [n.input(2), n.cast(filled(n, grid), dtype)]);
  const flat = (x: string): string =>
    n.reshape(x, n.type(2).shape, [batch, channels, elementCount([rows ?? Dim.one, columns ?? Dim.one])]);
  const image = [batch, channels, Dim.of(grid.height * grid.width)];
  return n.reshape(added(n, image, flat(permuted(n, pixel, [0, 2, 1, 3])), flat(dy), 2), image, shape);
};

function knownSize(n: NodeEmitter, dim: Dim | undefined): number {
  if (dim?.constant !== undefined) return dim.constant;
  throw new RefusalError(
    n.node,
    "the onnx target pools boxes only where the sizes of the image and the result are known",
    "give them as numbers",
  );
}

function permuted(n: NodeEmitter, x: string, perm: readonly number[]): string {
  return n.one("Transpose", [x], { perm: { ints: perm } });
}

/** Two coordinates of each box as the nearest pixel edges, halves upwards: i64[B, 1] each. */
function edges(n: NodeEmitter, boxes: string, low: number, high: number, size: number): readonly [string, string] {
  const edge = (column: number): string => {
    const v = n.one("Gather", [boxes, n.ints([column])], { axis: { int: 1 } });
    const place = n.one("Mul", [
      n.one("Div", [n.one("Add", [v, n.scalar(1, "f64")]), n.scalar(2, "f64")]),
      n.scalar(size, "f64"),
    ]);
    const whole = n.one("Floor", [n.one("Add", [place, n.scalar(0.5, "f64")])]);
    // Far outside is far enough: more would not fit into a whole number.
    return n.cast(n.one("Clip", [whole, n.scalar(-1e9, "f64"), n.scalar(1e9, "f64")]), "i64");
  };
  return [edge(low), edge(high)];
}

/** Cell i of n over edges a ..< b is a + floor(i (b - a) / n) ..< a + ceil((i + 1) (b - a) / n), cut to the image. */
function cells(n: NodeEmitter, [from, to]: readonly [string, string], count: number, size: number): Cells {
  const width = n.one("Sub", [to, from]);
  const numbers = (first: number, sign: number): string =>
    n.ints(Array.from({ length: count }, (_, i) => sign * (i + first)));
  const below = floorDivided(n, n.one("Mul", [width, numbers(0, 1)]), count);
  // ceil(v / n) = -floor(-v / n)
  const above = n.one("Neg", [floorDivided(n, n.one("Mul", [width, numbers(1, -1)]), count)]);
  const start = n.one("Max", [n.one("Add", [from, below]), n.scalar(0, "i64")]);
  const end = n.one("Min", [n.one("Add", [from, above]), n.scalar(size, "i64")]);
  return { start, end, length: n.one("Max", [n.one("Sub", [end, start]), n.scalar(0, "i64")]) };
}

function floorDivided(n: NodeEmitter, value: string, by: number): string {
  const divisor = n.scalar(by, "i64");
  return n.one("Div", [n.one("Sub", [value, n.one("Mod", [value, divisor])]), divisor]);
}

/** The largest members of cells, and where they are. */
interface Maxima {
  readonly value: string;
  /** Along the axis, the first of equal ones; empty where it was not asked for. */
  readonly place: string;
}

/** x[B, size, ...] of four axes to [B, cells, ...]. What an empty cell gets is arbitrary. */
function maxima(n: NodeEmitter, x: string, { start, end, length }: Cells, size: number, placed = false): Maxima {
  const numbers = (): string =>
    n.emitter.model.constant(
      "i64",
      [1, size, 1, 1],
      Float64Array.from({ length: size }, (_, i) => i),
    );
  const larger = (a: Maxima, b: Maxima): Maxima => ({
    value: n.one("Max", [a.value, b.value]),
    place: placed ? n.one("Where", [n.one("GreaterOrEqual", [a.value, b.value]), a.place, b.place]) : "",
  });
  // Level k holds the maxima of 2^k members from each place on; all levels lie behind one another.
  const levels: Maxima[] = [{ value: x, place: placed ? n.one("Expand", [numbers(), n.one("Shape", [x])]) : "" }];
  const offsets = [0];
  for (let run = 1, members = size; 2 * run <= size; run *= 2) {
    const last = levels[levels.length - 1]!;
    const cut = (of: string, a: number, b: number): string =>
      n.one("Slice", [of, n.ints([a]), n.ints([b]), n.ints([1])]);
    const part = (a: number, b: number): Maxima => ({
      value: cut(last.value, a, b),
      place: placed ? cut(last.place, a, b) : "",
    });
    offsets.push(offsets[offsets.length - 1]! + members);
    levels.push(larger(part(0, members - run), part(run, members)));
    members -= run;
  }
  const joined = (of: readonly string[]): string =>
    of.length === 1 ? (of[0] ?? "") : n.one("Concat", of, { axis: { int: 1 } });
  const all = {
    value: joined(levels.map(({ value }) => value)),
    place: placed ? joined(levels.map(({ place }) => place)) : "",
  };
  const levelOf = Array.from({ length: size + 1 }, (_, count) => Math.max(0, 31 - Math.clz32(count)));
  const looked = (table: readonly number[]): string => n.one("Gather", [n.ints(table), length], { axis: { int: 0 } });
  const offset = looked(levelOf.map((level) => offsets[level] ?? 0));
  const run = looked(levelOf.map((level) => 2 ** level));
  const picked = (from: string): Maxima => {
    const inside = n.one("Clip", [from, n.scalar(0, "i64"), n.scalar(size - 1, "i64")]);
    const at = n.one("Unsqueeze", [n.one("Add", [inside, offset]), n.ints([2])]);
    const member = (of: string): string => n.one("GatherND", [of, at], { batch_dims: { int: 1 } });
    return { value: member(all.value), place: placed ? member(all.place) : "" };
  };
  return larger(picked(start), picked(n.one("Sub", [end, run])));
}

export const regions: Table = { roi_pool2d: roiPool2d, roi_pool2d_gradient: roiPool2dGradient };

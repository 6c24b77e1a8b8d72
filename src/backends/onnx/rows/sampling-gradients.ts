/** Gradients of bilinear sampling in ONNX, by the four pixels around each place: their numbers, weights and values. */
import { dimAttribute } from "../../../compiler/ops/attributes.ts";
import { Dim, type Shape } from "../../../compiler/types/dim.ts";
import type { NodeEmitter, Row, Table } from "../emitter.ts";
import { added } from "./gradients.ts";

/** Along one axis, for each place: the pixel before it, as a float, and how far behind that the place lies. */
interface Between {
  readonly before: string;
  readonly past: string;
}

/** `at` f32[B, Ho, Wo, 2] as [B, P]: columns in `size` pixels, or rows. */
function between(n: NodeEmitter, at: string, shape: Shape, coordinate: 0 | 1, size: Dim): Between {
  const { dtype } = n.result;
  const picked = n.one("Gather", [at, n.scalar(coordinate, "i64")], { axis: { int: 3 } });
  const place = n.reshape(picked, shape.slice(0, 3), placesOf(shape));
  const half = n.one("Div", [n.cast(n.number(size), dtype), n.scalar(2, dtype)]);
  const scaled = n.one("Mul", [n.one("Add", [place, n.scalar(1, dtype)]), half]);
  const pixel = n.one("Sub", [scaled, n.scalar(0.5, dtype)]);
  const before = n.one("Floor", [pixel]);
  return { before, past: n.one("Sub", [pixel, before]) };
}
function placesOf([batch = Dim.one, rows = Dim.one, columns = Dim.one]: Shape): Shape {
  return [batch, rows.times(columns)];
}
/** The pixel before (0) or after (1), held within `from` and `to`. */
function held(n: NodeEmitter, { before }: Between, by: number, from: string, to: string): string {
  const { dtype } = n.result;
  const pixel = by === 0 ? before : n.one("Add", [before, n.scalar(by, dtype)]);
  return n.cast(n.one("Clip", [pixel, from, to]), "i64");
}
/** The weight of the pixel before or after; 0 where it is outside. */
function weight(n: NodeEmitter, { before, past }: Between, by: number, last: string): string {
  const { dtype } = n.result;
  const pixel = by === 0 ? before : n.one("Add", [before, n.scalar(by, dtype)]);
  const inside = n.one("And", [
    n.one("GreaterOrEqual", [pixel, n.scalar(0, dtype)]),
    n.one("LessOrEqual", [pixel, last]),
  ]);
  const share = by === 0 ? n.one("Sub", [n.scalar(1, dtype), past]) : past;
  return n.one("Mul", [share, n.cast(inside, dtype)]);
}
function lastOf(n: NodeEmitter, size: Dim): string {
  const { dtype } = n.result;
  return n.one("Sub", [n.cast(n.number(size), dtype), n.scalar(1, dtype)]);
}

/** Images of no more pixels are better multiplied by a matrix than written to one by one. */
const MOST_DENSE = 256;

/** Each slope is added to four pixels. */
const inputGradient: Row = (n) => {
  const { dtype } = n.result;
  const at = n.type(0).shape;
  const [batch = Dim.one, channels = Dim.one] = n.type(1).shape;
  const [height, width] = [dimAttribute(n.node, "height"), dimAttribute(n.node, "width")];
  const [across, along] = [between(n, n.input(0), at, 0, width), between(n, n.input(0), at, 1, height)];
  const [right, bottom] = [lastOf(n, width), lastOf(n, height)];
  const zero = n.scalar(0, dtype);
  const sides = [0, 1] as const;
  const columns = sides.map((by) => [held(n, across, by, zero, right), weight(n, across, by, right)] as const);
  const rows = sides.map((by) => {
    const start = n.one("Mul", [held(n, along, by, zero, bottom), n.number(width)]);
    return [start, weight(n, along, by, bottom)] as const;
  });
  const corners = rows.flatMap((row) => columns.map((column) => [row, column] as const));
  const pixels = corners.map(([row, column]) => n.one("Add", [row[0], column[0]]));
  const weights = corners.map(([row, column]) => n.one("Mul", [row[1], column[1]]));
  const [, places = Dim.one] = placesOf(at);
  const count = height.times(width);
  const flat = [batch, channels, places];
  const dy = n.reshape(n.input(1), n.type(1).shape, flat);
  const stacked = (parts: readonly string[], axis: number): string =>
    n.one(
      "Concat",
      parts.map((part) => n.one("Unsqueeze", [part, n.ints([axis])])),
      { axis: { int: axis } },
    );
  if (count.constant !== undefined && count.constant <= MOST_DENSE) {
    const matrix = added(n, [batch, places, count], stacked(pixels, 2), stacked(weights, 2), 2);
    return n.reshape(n.one("MatMul", [dy, matrix]), [batch, channels, count], n.result.shape);
  }
  const all = [batch, channels, places.scaled(4)];
  const where = n.one("Unsqueeze", [n.one("Concat", pixels, { axis: { int: 1 } }), n.ints([1])]);
  const shares = n.one("Unsqueeze", [n.one("Concat", weights, { axis: { int: 1 } }), n.ints([1])]);
  const slopes = n.one("Mul", [n.one("Concat", [dy, dy, dy, dy], { axis: { int: 2 } }), shares]);
  const sums = added(n, [batch, channels, count], n.one("Expand", [where, n.shape(all)]), slopes, 2);
  return n.reshape(sums, [batch, channels, count], n.result.shape);
};

/**
 * d/dx = width / 2 times the slope across: (1 - down) (x01 - x00) + down (x11 - x10), times dy, summed over channels; d/dy
 * alike. A rim of zeros stands for what is outside.
 */
const gridGradient: Row = (n) => {
  const { dtype } = n.result;
  const [batch = Dim.one, channels = Dim.one, height = Dim.one, width = Dim.one] = n.type(0).shape;
  const at = n.type(1).shape;
  const [across, along] = [between(n, n.input(1), at, 0, width), between(n, n.input(1), at, 1, height)];
  const rim = n.one("Pad", [n.input(0), n.ints([0, 0, 1, 1, 0, 0, 1, 1]), n.scalar(0, dtype)]);
  const [high, wide] = [height.plus(Dim.of(2)), width.plus(Dim.of(2))];
  const last = n.one("Transpose", [rim], { perm: { ints: [0, 2, 3, 1] } });
  const pixels = n.reshape(last, [batch, high, wide, channels], [batch, high.times(wide), channels]);
  const [, places = Dim.one] = placesOf(at);
  const number = (size: Dim): string => n.cast(n.number(size), dtype);
  const outside = n.scalar(-1, dtype);
  const value = (down: number, right: number): string => {
    const row = n.one("Add", [held(n, along, down, outside, number(height)), n.scalar(1, "i64")]);
    const column = n.one("Add", [held(n, across, right, outside, number(width)), n.scalar(1, "i64")]);
    const pixel = n.one("Add", [n.one("Mul", [row, n.number(wide)]), column]);
    return n.one("GatherND", [pixels, n.one("Unsqueeze", [pixel, n.ints([2])])], { batch_dims: { int: 1 } });
  };
  const [p, q, r, s] = [value(0, 0), value(0, 1), value(1, 0), value(1, 1)];
  const turned = n.one("Transpose", [n.input(2)], { perm: { ints: [0, 2, 3, 1] } });
  const [, rows = Dim.one, columns = Dim.one] = at;
  const dy = n.reshape(turned, [batch, rows, columns, channels], [batch, places, channels]);
  const slope = (
    first: readonly [string, string],
    second: readonly [string, string],
    past: string,
    size: Dim,
  ): string => {
    const share = n.one("Unsqueeze", [past, n.ints([2])]);
    const start = n.one("Sub", [first[1], first[0]]);
    const turn = n.one("Sub", [n.one("Sub", [second[1], second[0]]), start]);
    const mixed = n.one("Mul", [n.one("Add", [start, n.one("Mul", [turn, share])]), dy]);
    const sum = n.one("ReduceSum", [mixed, n.ints([2])], { keepdims: { int: 1 } });
    return n.one("Mul", [sum, n.one("Div", [number(size), n.scalar(2, dtype)])]);
  };
  const both = [slope([p, q], [r, s], along.past, width), slope([p, r], [q, s], across.past, height)];
  return n.reshape(n.one("Concat", both, { axis: { int: 2 } }), [batch, places, Dim.of(2)], n.result.shape);
};

export const samplingGradients: Table = {
  grid_sample_input_gradient: inputGradient,
  grid_sample_grid_gradient: gridGradient,
};

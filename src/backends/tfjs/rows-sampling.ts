/** Rows of sampling: grids, bilinear samples and resizing, forward and gradients, channels last. */
import { Dim, type Shape } from "../../compiler/types/dim.ts";
import { keyOf, type NodeEmitter, type Produced, type Table } from "./emitter.ts";
import { channelsLast, type Layout, type LayoutRule } from "../layout.ts";
import { plain, segmentSum } from "./rows-basic.ts";
import { attr, type TfValue } from "./nodes.ts";

const last = channelsLast(4);
const fixed = (inputs: readonly Layout[], output: Layout) => (): LayoutRule => ({
  kind: "fixed",
  inputs,
  outputs: [output],
});
const image = (value: TfValue): readonly Produced[] => [{ value, layout: last }];

/** Pixel centres of `n` pixels in [-1, 1]. */
function centres(n: number): number[] {
  return Array.from({ length: n }, (_, i) => (2 * i + 1) / n - 1);
}

/** Places of two neighbours along one axis, each with its weight; weights of places outside are 0. `[B, Ho, Wo, 1]` each. */
interface Axis {
  readonly index: readonly [TfValue, TfValue];
  readonly inside: readonly [TfValue, TfValue];
  readonly weight: readonly [TfValue, TfValue];
}
interface Corner {
  /** Row in the image flattened to `[B * H * W, C]`; shape `[B, Ho, Wo]`. */
  readonly at: TfValue;
  readonly weight: TfValue;
}
interface Places {
  readonly x: Axis;
  readonly y: Axis;
  /** Above left, above right, below left, below right. */
  readonly corners: readonly [Corner, Corner, Corner, Corner];
}

function axisPlaces(e: NodeEmitter, at: TfValue, size: number): Axis {
  const g = e.graph;
  const number = (n: number) => g.literal([n], at.type, []);
  const scaled = g.binary("Mul", g.binary("AddV2", at, number(1)), number(size));
  const raw = g.binary("Mul", g.binary("Sub", scaled, number(1)), number(0.5));
  // Beyond these ends all neighbours are outside, so nothing changes but that the numbers fit an int.
  const place = g.binary("Minimum", g.binary("Maximum", raw, number(-2)), number(size + 1));
  const low = g.unary("Floor", place);
  const part = g.binary("Sub", place, low);
  const whole = g.cast(low, "i32");
  const int = (n: number) => e.tf.scalar(n, "i32");
  const high = g.binary("AddV2", whole, int(1));
  const clip = (v: TfValue) => g.binary("Minimum", g.binary("Maximum", v, int(0)), int(size - 1));
  const index: [TfValue, TfValue] = [clip(whole), clip(high)];
  const isInside = (v: TfValue, clipped: TfValue) =>
    g.cast(
      e.tf.one("Equal", [v, clipped], "bool", { T: attr.type("i32"), incompatible_shape_error: attr.bool(true) }),
      at.type,
    );
  const inside: [TfValue, TfValue] = [isInside(whole, index[0]), isInside(high, index[1])];
  const weight: [TfValue, TfValue] = [
    g.binary("Mul", g.binary("Sub", number(1), part), inside[0]),
    g.binary("Mul", part, inside[1]),
  ];
  return { index, inside, weight };
}

function places(e: NodeEmitter, at: TfValue, key: string, batch: Dim, height: number, width: number): Places {
  const g = e.graph;
  const cached = g.extras.get(key);
  if (cached !== undefined) return unpack(cached);
  const [x, y] = e.tf.add("Split", [e.tf.scalar(3, "i32"), at], [at.type, at.type], {
    T: attr.type(at.type),
    num_split: attr.int(2),
  }) as [TfValue, TfValue];
  const [px, py] = [axisPlaces(e, x, width), axisPlaces(e, y, height)];
  const start = imageStarts(e, batch, height * width);
  const corner = (row: 0 | 1, column: 0 | 1): Corner => {
    const line = g.binary("Mul", py.index[row], e.tf.scalar(width, "i32"));
    const flat = g.binary("AddV2", g.binary("AddV2", line, px.index[column]), start);
    const squeezed = e.tf.one("Squeeze", [flat], "i32", { T: attr.type("i32"), squeeze_dims: attr.ints([3]) });
    return { at: squeezed, weight: g.binary("Mul", py.weight[row], px.weight[column]) };
  };
  const made: Places = { x: px, y: py, corners: [corner(0, 0), corner(0, 1), corner(1, 0), corner(1, 1)] };
  g.extras.set(key, [...pack(px), ...pack(py), ...made.corners.flatMap((c) => [c.at, c.weight])]);
  return made;
}
function pack(axis: Axis): readonly TfValue[] {
  return [...axis.index, ...axis.inside, ...axis.weight];
}
function unpack(v: readonly TfValue[]): Places {
  const pair = (i: number) => [v[i], v[i + 1]] as [TfValue, TfValue];
  const axis = (i: number): Axis => ({ index: pair(i), inside: pair(i + 2), weight: pair(i + 4) });
  const corner = (i: number): Corner => ({ at: v[i] as TfValue, weight: v[i + 1] as TfValue });
  return { x: axis(0), y: axis(6), corners: [corner(12), corner(14), corner(16), corner(18)] };
}
/** Where each image of the batch starts in the flattened one: `[B, 1, 1, 1]`. */
export function imageStarts(e: NodeEmitter, batch: Dim, area: number): TfValue {
  const g = e.graph;
  const range = e.tf.one("Range", [e.tf.scalar(0, "i32"), g.size(batch), e.tf.scalar(1, "i32")], "i32", {
    Tidx: attr.type("i32"),
  });
  return g.reshape(g.binary("Mul", range, e.tf.scalar(area, "i32")), [batch, Dim.one, Dim.one, Dim.one]);
}
/** `[B, H, W, C]` as `[B * H * W, C]`. */
function flat(e: NodeEmitter, x: TfValue, shape: Shape): TfValue {
  const [batch = Dim.one, channels = Dim.one, height = Dim.one, width = Dim.one] = shape;
  return e.graph.reshape(x, [batch.times(height).times(width), channels]);
}
export function gatherRows(e: NodeEmitter, x: TfValue, at: TfValue): TfValue {
  const attributes = {
    Tparams: attr.type(x.type),
    Tindices: attr.type("i32"),
    Taxis: attr.type("i32"),
    batch_dims: attr.int(0),
  };
  return e.tf.one("GatherV2", [x, at, e.tf.scalar(0, "i32")], x.type, attributes);
}

function placesOf(e: NodeEmitter, index: number, batch: Dim, height: Dim | undefined, width: Dim | undefined): Places {
  const size: [number, number] = [
    e.static(height, "the height of a sampled map"),
    e.static(width, "the width of a sampled map"),
  ];
  return places(e, e.input(index), `places ${keyOf(e.source(index))} ${size.join(" ")}`, batch, ...size);
}

/** Weights of the two neighbours of each output pixel, as a matrix `[to, from]`; borders are clamped. */
function resizeMatrix(from: number, to: number): Float64Array {
  const matrix = new Float64Array(from * to);
  for (let i = 0; i < to; i++) {
    const place = Math.max(((i + 0.5) * from) / to - 0.5, 0);
    const low = Math.min(Math.floor(place), from - 1);
    const high = Math.min(low + 1, from - 1);
    const part = place - low;
    matrix[i * from + low] = (matrix[i * from + low] ?? 0) + 1 - part;
    matrix[i * from + high] = (matrix[i * from + high] ?? 0) + part;
  }
  return matrix;
}
/** Applies a matrix along the rows, then one along the columns; `adjoint` turns both. */
function resizeBy(
  e: NodeEmitter,
  x: TfValue,
  shape: Shape,
  big: readonly [number, number],
  small: readonly [number, number],
  adjoint: boolean,
): TfValue {
  const [batch = Dim.one, channels = Dim.one] = shape;
  const [from, to] = adjoint ? [small, big] : [big, small];
  const g = e.graph;
  const matrix = (axis: 0 | 1) => g.literal(resizeMatrix(big[axis], small[axis]), x.type, [small[axis], big[axis]]);
  const product = (m: TfValue, v: TfValue) =>
    e.tf.one("BatchMatMulV2", [m, v], v.type, {
      T: attr.type(v.type),
      adj_x: attr.bool(adjoint),
      adj_y: attr.bool(false),
    });
  const rows = product(matrix(0), g.reshape(x, [batch, Dim.of(from[0]), channels.scaled(from[1])]));
  const columns = product(matrix(1), g.reshape(rows, [batch.scaled(to[0]), Dim.of(from[1]), channels]));
  return g.reshape(columns, [batch, Dim.of(to[0]), Dim.of(to[1]), channels]);
}

export const samplingRows: Table = {
  affine_grid: {
    layout: fixed([], undefined),
    emit(e) {
      const [batch = Dim.one, rows, columns] = e.outputShape();
      const [height, width] = [e.static(rows, "the height of a grid"), e.static(columns, "the width of a grid")];
      const theta = e.input(0);
      const g = e.graph;
      const parts = e.tf.add("Split", [e.tf.scalar(2, "i32"), theta], [theta.type, theta.type, theta.type], {
        T: attr.type(theta.type),
        num_split: attr.int(3),
      });
      const [a, b, c] = parts.map((p) => g.reshape(p, [batch, Dim.one, Dim.one, Dim.of(2)])) as [
        TfValue,
        TfValue,
        TfValue,
      ];
      const x = g.literal(centres(width), theta.type, [1, 1, width, 1]);
      const y = g.literal(centres(height), theta.type, [1, height, 1, 1]);
      return plain(g.binary("AddV2", g.binary("AddV2", g.binary("Mul", a, x), g.binary("Mul", b, y)), c));
    },
  },
  affine_grid_gradient: {
    layout: fixed([], undefined),
    emit(e) {
      const [, rows, columns] = e.inputShape(0);
      const [height, width] = [e.static(rows, "the height of a grid"), e.static(columns, "the width of a grid")];
      const dy = e.input(0);
      const g = e.graph;
      const total = (v: TfValue) =>
        e.tf.one("Sum", [v, e.tf.ints([1, 2])], v.type, {
          T: attr.type(v.type),
          Tidx: attr.type("i32"),
          keep_dims: attr.bool(false),
        });
      const x = g.literal(centres(width), dy.type, [1, 1, width, 1]);
      const y = g.literal(centres(height), dy.type, [1, height, 1, 1]);
      const columnsOf = [total(g.binary("Mul", dy, x)), total(g.binary("Mul", dy, y)), total(dy)];
      return plain(e.tf.one("Pack", columnsOf, dy.type, { T: attr.type(dy.type), N: attr.int(3), axis: attr.int(2) }));
    },
  },
  grid_sample: {
    layout: fixed([last, undefined], last),
    emit(e) {
      const shape = e.inputShape(0);
      const [batch = Dim.one, , height, width] = shape;
      const { corners } = placesOf(e, 1, batch, height, width);
      const rows = flat(e, e.input(0, last), shape);
      const parts = corners.map((c) => e.graph.binary("Mul", gatherRows(e, rows, c.at), c.weight));
      return image(parts.reduce((sum, part) => e.graph.binary("AddV2", sum, part)));
    },
  },
  grid_sample_input_gradient: {
    layout: fixed([undefined, last], last),
    emit(e) {
      const [batch = Dim.one, channels = Dim.one, height = Dim.one, width = Dim.one] = e.outputShape();
      const { corners } = placesOf(e, 0, batch, height, width);
      const dy = e.input(1, last);
      const g = e.graph;
      const [, , rows = Dim.one, columns = Dim.one] = e.inputShape(1);
      const count = batch.times(rows).times(columns);
      const parts = corners.map((c) => g.reshape(g.binary("Mul", dy, c.weight), [count, channels]));
      const at = corners.map((c) => g.reshape(c.at, [count]));
      const join = (values: readonly TfValue[]) => {
        const type = values[0]?.type ?? "f32";
        return e.tf.one("ConcatV2", [...values, e.tf.scalar(0, "i32")], type, {
          T: attr.type(type),
          N: attr.int(values.length),
          Tidx: attr.type("i32"),
        });
      };
      const sum = segmentSum(e, join(parts), join(at), g.size(batch.times(height).times(width)));
      return image(g.reshape(sum, [batch, height, width, channels]));
    },
  },
  grid_sample_grid_gradient: {
    layout: fixed([last, undefined, last], undefined),
    emit(e) {
      const shape = e.inputShape(0);
      const [batch = Dim.one, , height, width] = shape;
      const { corners, x, y } = placesOf(e, 1, batch, height, width);
      const [rows, dy] = [flat(e, e.input(0, last), shape), e.input(2, last)];
      const g = e.graph;
      const sums = corners.map((c) => {
        const product = g.binary("Mul", gatherRows(e, rows, c.at), dy);
        return e.tf.one("Sum", [product, e.tf.ints([3])], dy.type, {
          T: attr.type(dy.type),
          Tidx: attr.type("i32"),
          keep_dims: attr.bool(true),
        });
      }) as [TfValue, TfValue, TfValue, TfValue];
      const difference = (high: TfValue, low: TfValue, inside: Axis["inside"]) =>
        g.binary("Sub", g.binary("Mul", high, inside[1]), g.binary("Mul", low, inside[0]));
      const mix = (weight: Axis["weight"], a: TfValue, b: TfValue) =>
        g.binary("AddV2", g.binary("Mul", weight[0], a), g.binary("Mul", weight[1], b));
      const half = (size: Dim | undefined) => g.literal([(size?.constant ?? 0) / 2], dy.type, []);
      const [aboveLeft, aboveRight, belowLeft, belowRight] = sums;
      const dx = mix(
        y.weight,
        difference(aboveRight, aboveLeft, x.inside),
        difference(belowRight, belowLeft, x.inside),
      );
      const dyy = mix(
        x.weight,
        difference(belowLeft, aboveLeft, y.inside),
        difference(belowRight, aboveRight, y.inside),
      );
      const both = [g.binary("Mul", dx, half(width)), g.binary("Mul", dyy, half(height))];
      return plain(
        e.tf.one("ConcatV2", [...both, e.tf.scalar(3, "i32")], dy.type, {
          T: attr.type(dy.type),
          N: attr.int(2),
          Tidx: attr.type("i32"),
        }),
      );
    },
  },
  resize: {
    layout: fixed([last], last),
    emit(e) {
      const [from, to] = [mapSize(e, e.inputShape(0)), mapSize(e, e.outputShape())];
      return image(resizeBy(e, e.input(0, last), e.inputShape(0), from, to, false));
    },
  },
  resize_gradient: {
    layout: fixed([last], last),
    emit(e) {
      const [big, small] = [mapSize(e, e.outputShape()), mapSize(e, e.inputShape(0))];
      return image(resizeBy(e, e.input(0, last), e.inputShape(0), big, small, true));
    },
  },
};

function mapSize(e: NodeEmitter, shape: Shape): [number, number] {
  return [e.static(shape[2], "the height of a resized map"), e.static(shape[3], "the width of a resized map")];
}

/**
 * Rows of maxima over the cells of boxes. Cells differ in size from box to box, so maxima over stretches of 1, 2, 4 …
 * members are made once; each cell is the larger of two such stretches that cover it, along rows and then columns.
 */
import { Dim, type Shape } from "../../compiler/types/dim.ts";
import type { NodeEmitter, Table } from "./emitter.ts";
import { channelsLast } from "../layout.ts";
import { attr, type TfValue } from "./nodes.ts";
import { segmentSum } from "./rows-basic.ts";
import { gatherRows } from "./rows-sampling.ts";

const last = channelsLast(4);
const LOWEST = -3.4028234663852886e38;

/** The cells of each box along one axis: `[B, n]` each, i32 but for `empty`. */
interface Cells {
  /** Which table of stretches covers the cell in two. */
  readonly level: TfValue;
  readonly first: TfValue;
  readonly second: TfValue;
  readonly empty: TfValue;
}
/** Largest members, and where each stood in its image (row-major), where asked. */
interface Maxima {
  readonly value: TfValue;
  readonly place: TfValue | undefined;
}

function levelsOf(size: number): number {
  return Math.floor(Math.log2(size));
}

function cells(e: NodeEmitter, low: TfValue, high: TfValue, count: number, size: number): Cells {
  const g = e.graph;
  const int = (n: number) => e.tf.scalar(n, "i32");
  const number = (n: number) => g.literal([n], low.type, []);
  const edge = (v: TfValue) => {
    const scaled = g.binary("Mul", g.binary("Mul", g.binary("AddV2", v, number(1)), number(0.5)), number(size));
    return g.cast(g.unary("Floor", g.binary("AddV2", scaled, number(0.5))), "i32");
  };
  const [from, to] = [edge(low), edge(high)];
  const span = g.binary("Sub", to, from);
  const row = (shift: number) =>
    e.tf.constant(
      Array.from({ length: count }, (_, i) => i + shift),
      "i32",
      [1, count],
    );
  const starts = g.binary("AddV2", from, g.binary("FloorDiv", g.binary("Mul", span, row(0)), int(count)));
  const upwards = g.unary("Neg", g.binary("FloorDiv", g.unary("Neg", g.binary("Mul", span, row(1))), int(count)));
  const begin = g.binary("Maximum", starts, int(0));
  const end = g.binary("Minimum", g.binary("AddV2", from, upwards), int(size));
  const length = g.binary("Sub", end, begin);
  const compare = (op: string, x: TfValue, y: TfValue) => e.tf.one(op, [x, y], "bool", { T: attr.type("i32") });
  let level = g.binary("Mul", length, int(0));
  let stretch = g.binary("AddV2", level, int(1));
  for (let k = 1; k <= levelsOf(size); k++) {
    const reached = g.cast(compare("GreaterEqual", length, int(2 ** k)), "i32");
    level = g.binary("AddV2", level, reached);
    stretch = g.binary("AddV2", stretch, g.binary("Mul", reached, int(2 ** (k - 1))));
  }
  const clip = (v: TfValue) => g.binary("Minimum", g.binary("Maximum", v, int(0)), int(size - 1));
  return {
    level,
    first: clip(begin),
    second: clip(g.binary("Sub", end, stretch)),
    empty: compare("LessEqual", length, int(0)),
  };
}

function larger(e: NodeEmitter, a: Maxima, b: Maxima): Maxima {
  const g = e.graph;
  const value = g.binary("Maximum", a.value, b.value);
  if (a.place === undefined || b.place === undefined) return { value, place: undefined };
  const test = (op: string, x: TfValue, y: TfValue, extra = {}) =>
    e.tf.one(op, [x, y], "bool", { T: attr.type(x.type), ...extra });
  const tie = test("Equal", a.value, b.value, { incompatible_shape_error: attr.bool(true) });
  const earlier = e.tf.one("LogicalAnd", [tie, test("Less", b.place, a.place)], "bool", {});
  const takes = e.tf.one("LogicalOr", [test("Greater", b.value, a.value), earlier], "bool", {});
  return { value, place: e.tf.one("SelectV2", [takes, b.place, a.place], "i32", { T: attr.type("i32") }) };
}

/** Maxima along axis 1 of `[N, size, rest]`, one for each cell; `shape` is `[N, cells, rest]`, `groups` what `N` counts. */
function along(
  e: NodeEmitter,
  x: Maxima,
  outer: Dim,
  size: number,
  rest: Dim,
  at: { readonly level: TfValue; readonly first: TfValue; readonly second: TfValue },
): Maxima {
  const g = e.graph;
  const shape: Shape = [outer, Dim.of(size), rest];
  const tables: Maxima[] = [{ value: g.reshape(x.value, shape), place: x.place && g.reshape(x.place, shape) }];
  for (let k = 1; k <= levelsOf(size); k++) {
    const before = tables[k - 1] as Maxima;
    const shift = 2 ** (k - 1);
    const moved = (v: TfValue, fill: number) => {
      const begin = e.tf.ints([0, shift, 0]);
      const cut = e.tf.one("Slice", [v, begin, e.tf.ints([-1, size - shift, -1])], v.type, {
        T: attr.type(v.type),
        Index: attr.type("i32"),
      });
      const by = e.tf.constant([0, 0, 0, shift, 0, 0], "i32", [3, 2]);
      return e.tf.one("PadV2", [cut, by, g.literal([fill], v.type, [])], v.type, {
        T: attr.type(v.type),
        Tpaddings: attr.type("i32"),
      });
    };
    tables.push(
      larger(e, before, { value: moved(before.value, LOWEST), place: before.place && moved(before.place, 0x7fffffff) }),
    );
  }
  const stacked = (values: readonly TfValue[]) => {
    const type = values[0]?.type ?? "f32";
    const all = e.tf.one("Pack", values, type, { T: attr.type(type), N: attr.int(values.length), axis: attr.int(0) });
    return g.reshape(all, [outer.scaled(size * values.length), rest]);
  };
  const values = stacked(tables.map((t) => t.value));
  const places = x.place && stacked(tables.map((t) => t.place as TfValue));
  const range = e.tf.one("Range", [e.tf.scalar(0, "i32"), g.size(outer), e.tf.scalar(1, "i32")], "i32", {
    Tidx: attr.type("i32"),
  });
  const numbers = g.reshape(range, [outer, Dim.one]);
  const rows = (start: TfValue) => {
    const block = g.binary("AddV2", g.binary("Mul", at.level, g.size(outer)), numbers);
    return g.binary("AddV2", g.binary("Mul", block, e.tf.scalar(size, "i32")), start);
  };
  const [one, two] = [rows(at.first), rows(at.second)];
  const take = (index: TfValue): Maxima => ({
    value: gatherRows(e, values, index),
    place: places && gatherRows(e, places, index),
  });
  return larger(e, take(one), take(two));
}

interface Pooled extends Maxima {
  /** `[B, n, m, 1]`: cells without a pixel. */
  readonly empty: TfValue;
}
function pooled(e: NodeEmitter, image: Shape, rows: number, columns: number, withPlaces: boolean): Pooled {
  const g = e.graph;
  const [batch = Dim.one, channels = Dim.one] = image;
  const [height, width] = [
    e.static(image[2], "the height of a pooled map"),
    e.static(image[3], "the width of a pooled map"),
  ];
  const boxes = e.input(1);
  const sides = e.tf.add("Split", [e.tf.scalar(1, "i32"), boxes], [boxes.type, boxes.type, boxes.type, boxes.type], {
    T: attr.type(boxes.type),
    num_split: attr.int(4),
  });
  const [left, top, right, bottom] = sides as [TfValue, TfValue, TfValue, TfValue];
  const vertical = cells(e, top, bottom, rows, height);
  const horizontal = cells(e, left, right, columns, width);
  const x = e.input(0, last);
  let place: TfValue | undefined;
  if (withPlaces) {
    const grid = e.tf.constant(
      Array.from({ length: height * width }, (_, i) => i),
      "i32",
      [1, height, width, 1],
    );
    place = e.tf.one("BroadcastTo", [grid, g.shape([batch, Dim.of(height), Dim.of(width), channels])], "i32", {
      T: attr.type("i32"),
      Tidx: attr.type("i32"),
    });
  }
  const byRows = along(e, { value: x, place }, batch, height, channels.scaled(width), vertical);
  // A box's columns are the same in all rows of cells: [B, m] repeated to [B * n, m].
  const repeated = (v: TfValue) => {
    const wide = e.tf.one(
      "BroadcastTo",
      [g.reshape(v, [batch, Dim.one, Dim.of(columns)]), g.shape([batch, Dim.of(rows), Dim.of(columns)])],
      "i32",
      { T: attr.type("i32"), Tidx: attr.type("i32") },
    );
    return g.reshape(wide, [batch.scaled(rows), Dim.of(columns)]);
  };
  const at = {
    level: repeated(horizontal.level),
    first: repeated(horizontal.first),
    second: repeated(horizontal.second),
  };
  const both = along(e, byRows, batch.scaled(rows), width, channels, at);
  const result: Shape = [batch, Dim.of(rows), Dim.of(columns), channels];
  const tall = g.reshape(vertical.empty, [batch, Dim.of(rows), Dim.one, Dim.one]);
  const wide = g.reshape(horizontal.empty, [batch, Dim.one, Dim.of(columns), Dim.one]);
  return {
    value: g.reshape(both.value, result),
    place: both.place && g.reshape(both.place, result),
    empty: e.tf.one("LogicalOr", [tall, wide], "bool", {}),
  };
}
function zeroWhere(e: NodeEmitter, empty: TfValue, value: TfValue): TfValue {
  return e.tf.one("SelectV2", [empty, e.graph.literal([0], value.type, []), value], value.type, {
    T: attr.type(value.type),
  });
}

export const regionRows: Table = {
  roi_pool2d: {
    layout: () => ({ kind: "fixed", inputs: [last], outputs: [last] }),
    emit(e) {
      const [, , n, m] = e.outputShape();
      const { value, empty } = pooled(
        e,
        e.inputShape(0),
        e.static(n, "the rows of cells"),
        e.static(m, "the columns of cells"),
        false,
      );
      return [{ value: zeroWhere(e, empty, value), layout: last }];
    },
  },
  roi_pool2d_gradient: {
    layout: () => ({ kind: "fixed", inputs: [last, undefined, last], outputs: [last] }),
    emit(e) {
      const g = e.graph;
      const image = e.inputShape(0);
      const [batch = Dim.one, channels = Dim.one, height = Dim.one, width = Dim.one] = image;
      const [, , n = Dim.one, m = Dim.one] = e.inputShape(2);
      const { place, empty } = pooled(
        e,
        image,
        e.static(n, "the rows of cells"),
        e.static(m, "the columns of cells"),
        true,
      );
      const dy = zeroWhere(e, empty, e.input(2, last));
      const range = (count: Dim) =>
        e.tf.one("Range", [e.tf.scalar(0, "i32"), g.size(count), e.tf.scalar(1, "i32")], "i32", {
          Tidx: attr.type("i32"),
        });
      const image0 = g.reshape(g.binary("Mul", range(batch), g.size(height.times(width))), [
        batch,
        Dim.one,
        Dim.one,
        Dim.one,
      ]);
      const pixel = g.binary("Mul", g.binary("AddV2", place as TfValue, image0), g.size(channels));
      const member = g.binary("AddV2", pixel, g.reshape(range(channels), [Dim.one, Dim.one, Dim.one, channels]));
      const count = batch.times(n).times(m).times(channels);
      const sum = segmentSum(
        e,
        g.reshape(dy, [count]),
        g.reshape(member, [count]),
        g.size(batch.times(height).times(width).times(channels)),
      );
      return [{ value: g.reshape(sum, [batch, height, width, channels]), layout: last }];
    },
  },
};

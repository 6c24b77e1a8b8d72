/**
 * Convolutions and their gradients in Winograd's form, channels last: pixels become points of tiles, a product a point,
 * and back. All is matrix products, which oneDNN has fast kernels for; what it would not make faster stays as it was.
 */
import type { Node } from "../../compiler/graph/graph.ts";
import { Dim } from "../../compiler/types/dim.ts";
import { channelsLast, kernelLayout, type Layout } from "../layout.ts";
import { keyOf, type NodeEmitter, type Row, type Table } from "./emitter.ts";
import { attr, type NodeOptions, type TfValue } from "./nodes.ts";
import { paddings } from "./rows-basic.ts";
import { windowRows } from "./rows-windows.ts";
import { type Matrix, type Winograd, winogradOf } from "./winograd.ts";

const last = channelsLast(4);

export const winogradRows: Table = {
  conv2d: faster("conv2d", last, (e, form) => {
    const tiles = spread(e, e.input(0, last), form);
    const kernel = kernelPoints(e, form, tiles);
    return gatherResult(e, batched(e, tiles, kernel), form);
  }),
  conv2d_input_gradient: faster("conv2d_input_gradient", last, (e, form) => {
    const tiles = gradientTiles(e, 0, form);
    const kernel = kernelPoints(e, form, tiles);
    return gather(e, batched(e, tiles, kernel, { adj_y: true }), form);
  }),
  conv2d_weight_gradient: faster("conv2d_weight_gradient", kernelLayout, (e, form) => {
    const { kernel, inputs, outputs } = form;
    const gradient = gradientTiles(e, 1, form);
    const tiles = spread(e, e.input(0, last), form, gradient);
    const points = batched(e, tiles, gradient, { adj_x: true });
    const weights = product(e, kernel, points, { transpose_a: true });
    return reshape(e, weights, [3, 3, inputs, outputs]);
  }),
};

function faster(op: string, layout: Layout, emit: (e: NodeEmitter, form: Winograd) => TfValue): Row {
  const plain = windowRows[op];
  if (plain === undefined) throw new Error(`${op} has no plain form`);
  return {
    layout: plain.layout,
    share: (node: Node) => winogradOf(node)?.share ?? 1,
    emit: (e) => {
      const form = winogradOf(e.node);
      return form === undefined ? plain.emit(e) : [{ value: emit(e, form), layout }];
    },
  };
}

/**
 * `[points^2, C, O]` of the kernel, which is the second operand. Made once the tiles are there: it is larger than the
 * kernel and needs nothing but it, so that TensorFlow would make those of many convolutions long before their turn.
 */
function kernelPoints(e: NodeEmitter, { points, kernel, inputs, outputs }: Winograd, tiles: TfValue): TfValue {
  const made = product(e, kernel, e.input(1, kernelLayout), {}, tiles);
  return reshape(e, made, [points ** 2, inputs, outputs]);
}

/** Tiles `[points^2, B * tiles, C]` of an input `[B, H, W, C]`, which overlap. */
function spread(e: NodeEmitter, x: TfValue, form: Winograd, after?: TfValue): TfValue {
  const { points, rows, columns, inputs } = form;
  const [height, width] = [rows.read.columns, columns.read.columns];
  const lines = reshape(e, x, [-1, height, width * inputs]);
  const tall = batched(e, literal(e, rows.read), lines, {}, after);
  const wide = batched(e, literal(e, columns.read), reshape(e, tall, [-1, width, inputs]));
  const apart = reshape(e, wide, [-1, rows.tiles, points, columns.tiles, points, inputs]);
  return reshape(e, e.graph.transpose(apart, [2, 4, 0, 1, 3, 5]), [points ** 2, -1, inputs]);
}
/** The adjoint of `spread`. */
function gather(e: NodeEmitter, tiles: TfValue, form: Winograd): TfValue {
  const { points, rows, columns, inputs } = form;
  const [height, width] = [rows.read.columns, columns.read.columns];
  const apart = reshape(e, tiles, [points, points, -1, rows.tiles, columns.tiles, inputs]);
  const turned = e.graph.transpose(apart, [2, 3, 0, 4, 1, 5]);
  const wide = reshape(e, turned, [-1, columns.read.rows, inputs]);
  const tall = batched(e, literal(e, columns.read), wide, { adj_x: true });
  const lines = batched(e, literal(e, rows.read), reshape(e, tall, [-1, rows.read.rows, width * inputs]), {
    adj_x: true,
  });
  return reshape(e, lines, [-1, height, width, inputs]);
}

/** Tiles of the result's gradient, which both gradients read. */
function gradientTiles(e: NodeEmitter, operand: number, form: Winograd): TfValue {
  const { tile, rows, columns } = form;
  const key = `winograd ${keyOf(e.source(operand))} ${[tile, rows.written, columns.written].join()}`;
  const [known = spreadGradient(e, e.input(operand, last), form)] = e.graph.extras.get(key) ?? [];
  e.graph.extras.set(key, [known]);
  return known;
}
/** The adjoint of `gatherResult`. */
function spreadGradient(e: NodeEmitter, dy: TfValue, form: Winograd): TfValue {
  const { points, tile, rows, columns, result, outputs } = form;
  const padded = padResult(e, dy, form);
  const apart = reshape(e, padded, [-1, rows.tiles, tile, columns.tiles, tile, outputs]);
  const planes = e.graph.transpose(apart, [2, 4, 0, 1, 3, 5]);
  return reshape(e, product(e, result, planes, { transpose_a: true }), [points ** 2, -1, outputs]);
}
/** The result `[B, H, W, O]` from its tiles, which do not overlap: each pixel of a tile is a plane of its own. */
function gatherResult(e: NodeEmitter, tiles: TfValue, form: Winograd): TfValue {
  const { tile, rows, columns, result, outputs } = form;
  const planes = reshape(e, product(e, result, tiles, {}), [tile, tile, -1, rows.tiles, columns.tiles, outputs]);
  const turned = e.graph.transpose(planes, [2, 3, 0, 4, 1, 5]);
  const whole = reshape(e, turned, [-1, rows.tiles * tile, columns.tiles * tile, outputs]);
  if (rows.tiles * tile === rows.written && columns.tiles * tile === columns.written) return whole;
  return e.tf.one(
    "Slice",
    [whole, e.tf.ints([0, 0, 0, 0]), e.tf.ints([-1, rows.written, columns.written, -1])],
    whole.type,
    {
      ...{ T: attr.type(whole.type), Index: attr.type("i32") },
    },
  );
}
/** Zeros where the last tiles reach beyond the result. */
function padResult(e: NodeEmitter, dy: TfValue, { tile, rows, columns }: Winograd): TfValue {
  const missing = [rows, columns].map(({ tiles, written }) => tiles * tile - written);
  if (missing.every((count) => count === 0)) return dy;
  const by = paddings(
    e,
    zeros,
    [0, ...missing, 0].map((n) => Dim.of(n)),
  );
  return e.tf.one("Pad", [dy, by], dy.type, { T: attr.type(dy.type), Tpaddings: attr.type("i32") });
}
const zeros = [0, 0, 0, 0].map((n) => Dim.of(n));

function batched(
  e: NodeEmitter,
  x: TfValue,
  y: TfValue,
  { adj_x = false, adj_y = false }: { adj_x?: boolean; adj_y?: boolean } = {},
  after?: TfValue,
): TfValue {
  const flags = { T: attr.type(x.type), adj_x: attr.bool(adj_x), adj_y: attr.bool(adj_y) };
  return e.tf.one("BatchMatMulV2", [x, y], x.type, flags, waiting(after));
}
/** A matrix times what is read as a matrix of as many rows. */
function product(
  e: NodeEmitter,
  x: Matrix,
  y: TfValue,
  { transpose_a = false }: { transpose_a?: boolean },
  after?: TfValue,
): TfValue {
  const flags = { T: attr.type(y.type), transpose_a: attr.bool(transpose_a), transpose_b: attr.bool(false) };
  const rows = reshape(e, y, [transpose_a ? x.rows : x.columns, -1]);
  return e.tf.one("MatMul", [literal(e, x), rows], y.type, flags, waiting(after));
}
function waiting(after: TfValue | undefined): NodeOptions {
  return after === undefined ? {} : { after: [after.node] };
}
function reshape(e: NodeEmitter, x: TfValue, sizes: readonly number[]): TfValue {
  return e.graph.reshape(
    x,
    sizes.map((n) => Dim.of(n)),
  );
}
function literal(e: NodeEmitter, { rows, columns, values }: Matrix): TfValue {
  return e.tf.constant(values, "f32", [rows, columns]);
}

/**
 * Winograd's minimal filtering for convolutions of 3 x 3: which of them it makes faster, and its matrices. A tile of
 * m x m results takes (m + 2)^2 products where the plain sum takes 9 m^2 (Lavin and Gray 2016, arXiv:1509.09308). Numbers
 * only: how they become TensorFlow's nodes is the rows' business.
 */
import type { Node } from "../../compiler/graph/graph.ts";
import { typeOf } from "../../compiler/graph/graph.ts";
import { pairAttribute } from "../../compiler/ops/attributes.ts";
import { guessed } from "../../compiler/ops/cost.ts";

const KERNEL = 3;

/** A matrix, row-major. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float64Array;
}

/** One axis of a map: its tiles, and what turns lines of pixels into points of tiles. */
export interface Axis {
  readonly tiles: number;
  /** `[tiles * points, pixels read]`: of the input; its transpose takes gradients back. */
  readonly read: Matrix;
  /** Pixels of the result. */
  readonly written: number;
}

export interface Winograd {
  /** Results of a tile along one axis: m. */
  readonly tile: number;
  /** Points of a tile along one axis: m + 2. */
  readonly points: number;
  readonly rows: Axis;
  readonly columns: Axis;
  /** `[points^2, 9]`: of a kernel. */
  readonly kernel: Matrix;
  /** `[tile^2, points^2]`: of a result; its transpose is of the result's gradient. */
  readonly result: Matrix;
  readonly inputs: number;
  readonly outputs: number;
  /** The time that it takes, as a share of the plain form's. */
  readonly share: number;
}

/**
 * The finite points at which the polynomials of a tile of m are known. Those of m = 4 are symmetric under x -> -x and
 * x -> 1/x, which keeps the matrices' entries near one: rounding errors are half of those of 0, 1, -1, 2, -2.
 */
const POINTS: ReadonlyMap<number, readonly number[]> = new Map([
  [2, [0, 1, -1]],
  [4, [0, Math.SQRT1_2, -Math.SQRT1_2, Math.SQRT2, -Math.SQRT2]],
]);

/** Winograd's form of a convolution or one of its gradients, where it is the faster one. */
export function winogradOf(node: Node): Winograd | undefined {
  const maps = mapsOf(node);
  if (maps === undefined) return undefined;
  const [height, width] = pairAttribute(node, "pad");
  let best: { readonly tile: number; readonly share: number } | undefined;
  for (const tile of POINTS.keys()) {
    const share = shareOf(maps, tile);
    if (share < (best?.share ?? WORTH_IT)) best = { tile, share };
  }
  if (best === undefined) return undefined;
  const { tile, share } = best;
  const transforms = transformsOf(tile);
  return {
    tile,
    points: tile + KERNEL - 1,
    rows: axisOf(transforms, maps.input[0], maps.output[0], height),
    columns: axisOf(transforms, maps.input[1], maps.output[1], width),
    kernel: product(transforms.kernel, transforms.kernel),
    result: product(transforms.result, transforms.result),
    inputs: maps.inputs,
    outputs: maps.outputs,
    share,
  };
}

interface Maps {
  readonly batch: number;
  readonly inputs: number;
  readonly outputs: number;
  /** Height and width. */
  readonly input: readonly [number, number];
  readonly output: readonly [number, number];
}

/** The maps of a convolution that the form fits: 3 x 3 in single precision, without strides, gaps or groups. */
function mapsOf(node: Node): Maps | undefined {
  const [a, b] = node.inputs.map((value) => typeOf(value));
  const result = node.outputs[0];
  if (a?.dtype !== "f32" || b === undefined || result === undefined) return undefined;
  const [x, w, y] =
    node.op === "conv2d"
      ? [a, b, result]
      : node.op === "conv2d_input_gradient"
        ? [result, b, a]
        : node.op === "conv2d_weight_gradient"
          ? [a, result, b]
          : [];
  if (x === undefined || w === undefined || y === undefined) return undefined;
  const plain = [pairAttribute(node, "stride"), pairAttribute(node, "dilation", 1)].flat().every((step) => step === 1);
  const [outputs, inputs, ...kernel] = w.shape.map((size) => size.constant);
  const sizes = [...x.shape.slice(2), ...y.shape.slice(2)].map((size) => size.constant);
  if (!plain || kernel.some((size) => size !== KERNEL) || inputs === undefined || outputs === undefined)
    return undefined;
  if (x.shape[1]?.constant !== inputs || sizes.includes(undefined)) return undefined;
  const [height = 0, width = 0, high = 0, wide = 0] = sizes;
  const batch = x.shape[0] === undefined ? 1 : guessed(x.shape[0]);
  return { batch, inputs, outputs, input: [height, width], output: [high, wide] };
}

/** Forms that win less than this are not worth their rounding. */
const WORTH_IT = 0.9;
/** Of one core, in multiply-adds, two each, a nanosecond: convolutions, and products of many rows. */
const CONVOLUTION = 114;
const PRODUCT = 95;
/** Rows of a product at which it runs at half that speed. */
const HALF_SPEED = 12;
/** Nanoseconds for a number that is moved: among tiles, for a kernel's order, for a point of a kernel. */
const MOVE = 0.55;
const REORDER = 0.7;
const KERNEL_POINT = 1 / 9;

/** How long a convolution and both gradients take in tiles of m, as a share of the plain form, by measured speeds. */
function shareOf({ batch, inputs, outputs, input, output }: Maps, tile: number): number {
  const points = tile + KERNEL - 1;
  const tiles = batch * Math.ceil(output[0] / tile) * Math.ceil(output[1] / tile);
  const weights = inputs * outputs;
  const plain = (2 * 9 * batch * output[0] * output[1] * weights) / CONVOLUTION + REORDER * 9 * weights;
  const products = ((2 * points ** 2 * tiles * weights) / PRODUCT) * (1 + HALF_SPEED / tiles);
  const dense = (size: readonly [number, number]): number =>
    MOVE + (2 * size[1] + (2 * size[0] * tile) / points) / PRODUCT;
  const transforms = (points ** 2 * tiles * (3 * inputs * dense(input) + 2 * outputs * dense(output))) / 3;
  return (products + transforms + KERNEL_POINT * points ** 3 * weights) / plain;
}

interface Transforms {
  readonly tile: number;
  /** `[points, points]`: of the pixels that a tile reads. */
  readonly data: Matrix;
  /** `[points, 3]`. */
  readonly kernel: Matrix;
  /** `[tile, points]`: of the results. */
  readonly result: Matrix;
}

/**
 * Toom and Cook: two polynomials' product through their values at `points` and at infinity; filtering is its transpose.
 */
function transformsOf(tile: number): Transforms {
  const finite = POINTS.get(tile) ?? [];
  const points = finite.length + 1;
  const result = matrix(tile, points, (power, i) =>
    i < finite.length ? (finite[i] ?? 0) ** power : Number(power === tile - 1),
  );
  const others = (i: number): readonly number[] => finite.filter((_, j) => j !== i);
  const kernel = matrix(points, KERNEL, (i, power) => {
    const x = finite[i];
    if (x === undefined) return Number(power === KERNEL - 1);
    return x ** power / others(i).reduce((made, other) => made * (x - other), 1);
  });
  const polynomials = Array.from({ length: points }, (_, i) => withRoots(others(i)));
  const data = matrix(points, points, (i, power) => polynomials[i]?.[power] ?? 0);
  return { tile, data, kernel, result };
}
/** Coefficients, the lowest power first. */
function withRoots(roots: readonly number[]): readonly number[] {
  return roots.reduce<readonly number[]>(
    (made, root) => [...made, 0].map((c, i) => (made[i - 1] ?? 0) - root * (i < made.length ? c : 0)),
    [1],
  );
}

function axisOf({ tile, data }: Transforms, read: number, written: number, pad: number): Axis {
  const tiles = Math.ceil(written / tile);
  const points = data.rows;
  const lines = matrix(tiles * points, read, (row, pixel) =>
    at(data, row % points, pixel - Math.floor(row / points) * tile + pad),
  );
  return { tiles, read: lines, written };
}

function matrix(rows: number, columns: number, entry: (row: number, column: number) => number): Matrix {
  const values = Float64Array.from({ length: rows * columns }, (_, i) => entry(Math.floor(i / columns), i % columns));
  return { rows, columns, values };
}
/** An entry; zero outside. */
function at({ rows, columns, values }: Matrix, row: number, column: number): number {
  const inside = row >= 0 && row < rows && column >= 0 && column < columns;
  return inside ? (values[row * columns + column] ?? 0) : 0;
}
/** Kronecker's product. */
function product(a: Matrix, b: Matrix): Matrix {
  return matrix(
    a.rows * b.rows,
    a.columns * b.columns,
    (row, column) =>
      at(a, Math.floor(row / b.rows), Math.floor(column / b.columns)) * at(b, row % b.rows, column % b.columns),
  );
}

/**
 * What tfjs has no operator for, in its plain operators. Made part of every portable module as `operators.mjs`, so it
 * imports nothing; maps are `[batch, height, width, channels]`.
 */
import type * as tfjs from "@tensorflow/tfjs-core";

type Tf = typeof tfjs;
type Tensor = tfjs.Tensor;
type Tensor4D = tfjs.Tensor4D;

/** `kernel` `[h, w, i, o]` with zeros between its rows and columns. */
export function dilated(tf: Tf, kernel: Tensor, down: number, across: number): Tensor4D {
  return tf.tidy(() => {
    const [h = 1, w = 1, i = 1, o = 1] = kernel.shape;
    const rows = tf.pad(tf.reshape(kernel, [h, 1, w * i * o]), [
      [0, 0],
      [0, down - 1],
      [0, 0],
    ]);
    const columns = tf.pad(tf.reshape(rows, [h * down * w, 1, i * o]), [
      [0, 0],
      [0, across - 1],
      [0, 0],
    ]);
    const wide = tf.reshape(columns, [h * down, w * across, i, o]);
    return tf.slice(wide, 0, [down * (h - 1) + 1, across * (w - 1) + 1, i, o]) as Tensor4D;
  });
}

/** Runs a convolution on each group of channels with its share of the kernel `[h, w, i, o]`. */
export function inGroups(
  tf: Tf,
  groups: number,
  x: Tensor,
  kernel: Tensor,
  run: (part: Tensor, kernel: Tensor) => Tensor,
): Tensor {
  return tf.tidy(() => {
    const kernels = tf.split(kernel, groups, 3);
    return tf.concat(
      tf.split(x, groups, 3).map((part, i) => run(part, kernels[i] as Tensor)),
      3,
    );
  });
}

/** Where each of rows x columns pixels reads under `theta` `[batch, 2, 3]`: `[batch, rows, columns, (x, y)]`. */
export function affineGrid(tf: Tf, theta: Tensor, [rows, columns]: readonly [number, number]): Tensor4D {
  return tf.tidy(() => {
    const centres = (count: number): Tensor => tf.sub(tf.div(tf.add(tf.mul(tf.range(0, count), 2), 1), count), 1);
    const x = tf.broadcastTo(tf.reshape(centres(columns), [1, columns]), [rows, columns]);
    const y = tf.broadcastTo(tf.reshape(centres(rows), [rows, 1]), [rows, columns]);
    const places = tf.reshape(tf.stack([x, y, tf.onesLike(x)], 2), [rows * columns, 3]);
    const [batch = 1] = theta.shape;
    return tf.reshape<tfjs.Rank.R4>(tf.matMul(places, theta, false, true), [batch, rows, columns, 2]);
  });
}

/** Bilinear samples of `x` at the places `at` `[batch, rows, columns, (x, y)]` in [-1, 1]; zero outside. */
export function gridSample(tf: Tf, x: Tensor, at: Tensor): Tensor4D {
  return tf.tidy(() => {
    const [batch = 1, height = 1, width = 1, channels = 1] = x.shape;
    const [, rows = 1, columns = 1] = at.shape;
    const count = rows * columns;
    const [across, along] = tf.unstack(tf.reshape(at, [batch, count, 2]), 2) as [Tensor, Tensor];
    const column = axis(tf, across, width);
    const row = axis(tf, along, height);
    const pixels = tf.reshape(x, [batch * height * width, channels]);
    const image = tf.reshape(tf.mul(tf.range(0, batch, 1, "int32"), tf.scalar(height * width, "int32")), [batch, 1]);
    const corners = [row.first, row.second].flatMap((down) =>
      [column.first, column.second].map((right) => {
        const place = tf.add(image, tf.add(tf.mul(down.place, tf.scalar(width, "int32")), right.place));
        const weight = tf.reshape(tf.mul(down.weight, right.weight), [batch * count, 1]);
        return tf.mul(tf.gather(pixels, tf.reshape(place, [batch * count])), weight);
      }),
    );
    return tf.reshape<tfjs.Rank.R4>(tf.addN(corners), [batch, rows, columns, channels]);
  });
}

interface Neighbour {
  /** Held inside the axis. */
  readonly place: Tensor;
  /** 0 where the neighbour lies outside. */
  readonly weight: Tensor;
}
/** The two pixels of an axis of `size` beside each coordinate in [-1, 1]. */
function axis(tf: Tf, at: Tensor, size: number): { readonly first: Neighbour; readonly second: Neighbour } {
  const exact = tf.div(tf.sub(tf.mul(tf.add(at, 1), size), 1), 2);
  const floor = tf.floor(exact);
  const part = tf.sub(exact, floor);
  const neighbour = (place: Tensor, weight: Tensor): Neighbour => {
    const held = tf.clipByValue(place, 0, size - 1);
    return { place: tf.cast(held, "int32"), weight: tf.mul(weight, tf.cast(tf.equal(held, place), "float32")) };
  };
  return { first: neighbour(floor, tf.sub(1, part)), second: neighbour(tf.add(floor, 1), part) };
}

/**
 * The maximum of `x` in each of rows x columns cells of a box `(left, top, right, bottom)` in [-1, 1], its edges rounded to
 * whole pixels and its cells rounded outward; an empty cell is 0. Cells differ in size, so maxima over stretches of 1, 2,
 * 4 … pixels are made once, and a cell is the larger of two stretches that cover it.
 */
export function roiPool(tf: Tf, x: Tensor, boxes: Tensor, [rows, columns]: readonly [number, number]): Tensor4D {
  return tf.tidy(() => {
    const [batch = 1, height = 1, width = 1, channels = 1] = x.shape;
    const [left, top, right, bottom] = tf.unstack(boxes, 1) as [Tensor, Tensor, Tensor, Tensor];
    const down = cells(tf, top, bottom, rows, height);
    const across = cells(tf, left, right, columns, width);
    const tall = maxima(tf, tf.reshape(x, [batch, height, width * channels]), down);
    const repeated = (t: Tensor): Tensor =>
      tf.reshape(tf.tile(tf.reshape(t, [batch, 1, columns]), [1, rows, 1]), [batch * rows, columns]);
    const wide = maxima(tf, tf.reshape(tall, [batch * rows, width, channels]), {
      level: repeated(across.level),
      first: repeated(across.first),
      second: repeated(across.second),
    });
    const empty = tf.logicalOr(
      tf.reshape(tf.lessEqual(down.length, 0), [batch, rows, 1, 1]),
      tf.reshape(tf.lessEqual(across.length, 0), [batch, 1, columns, 1]),
    );
    return tf.where(empty, 0, tf.reshape(wide, [batch, rows, columns, channels])) as Tensor4D;
  });
}

interface Stretches {
  /** The stretches of the cell are 2 ^ level pixels long. */
  readonly level: Tensor;
  readonly first: Tensor;
  readonly second: Tensor;
}
function cells(
  tf: Tf,
  low: Tensor,
  high: Tensor,
  count: number,
  size: number,
): Stretches & { readonly length: Tensor } {
  const edge = (v: Tensor): Tensor => tf.expandDims(tf.floor(tf.add(tf.mul(tf.mul(tf.add(v, 1), 0.5), size), 0.5)), 1);
  const [from, to] = [edge(low), edge(high)];
  const span = tf.sub(to, from);
  // Quotients are multiples of 1 / count; half of that keeps a whole one from falling to the other side of itself.
  const slack = 0.5 / count;
  const place = tf.expandDims(tf.range(0, count, 1, "float32"), 0);
  const begin = tf.maximum(tf.add(from, tf.floor(tf.add(tf.div(tf.mul(span, place), count), slack))), 0);
  const after = tf.ceil(tf.sub(tf.div(tf.mul(span, tf.add(place, 1)), count), slack));
  const end = tf.minimum(tf.add(from, after), size);
  const length = tf.sub(end, begin);
  let level: Tensor = tf.zerosLike(length);
  let stretch: Tensor = tf.onesLike(length);
  for (let long = 2; long <= size; long *= 2) {
    const reached = tf.cast(tf.greaterEqual(length, long), "float32");
    level = tf.add(level, reached);
    stretch = tf.add(stretch, tf.mul(reached, long / 2));
  }
  const whole = (t: Tensor): Tensor => tf.cast(tf.clipByValue(t, 0, size - 1), "int32");
  return { level: tf.cast(level, "int32"), first: whole(begin), second: whole(tf.sub(end, stretch)), length };
}
/** `x` `[n, size, rest]` to `[n, cells, rest]`. */
function maxima(tf: Tf, x: Tensor, { level, first, second }: Stretches): Tensor {
  const [n = 1, size = 1, rest = 1] = x.shape;
  const tables = [x];
  for (let long = 1; 2 * long <= size; long *= 2) {
    const before = tables[tables.length - 1] as Tensor;
    const moved = tf.slice(before, [0, long, 0], [n, size - long, rest]);
    const tail = tf.slice(before, [0, size - long, 0], [n, long, rest]);
    tables.push(tf.maximum(before, tf.concat([moved, tail], 1)));
  }
  const all = tf.reshape(tf.stack(tables), [tables.length * n * size, rest]);
  const start = tf.reshape(tf.mul(tf.range(0, n, 1, "int32"), tf.scalar(size, "int32")), [n, 1]);
  const base = tf.add(tf.mul(level, tf.scalar(n * size, "int32")), start);
  const take = (at: Tensor): Tensor => tf.gather(all, tf.add(base, at));
  return tf.maximum(take(first), take(second));
}

/** Reading images at places that are computed: grids of places, bilinear samples, and their gradients. */
import { dimAttribute, dims } from "./attributes.ts";
import type { Emitter } from "./emit.ts";
import { operand, single } from "./elementwise.ts";
import type { Evaluation, OperatorDefinition } from "./operator.ts";
import { between, given } from "./sample-data.ts";
import type { Numbers, Tensor } from "./tensor.ts";
import { sizeAt } from "./tensor.ts";
import type { Value } from "../graph/graph.ts";
import { typeOf } from "../graph/graph.ts";
import { Dim } from "../types/dim.ts";

/** The coordinate of pixel centre `i` of `size`. */
function centre(i: number, size: number): number {
  return (2 * i + 1) / size - 1;
}

/** The four pixels around a place, in reading order, with their weights; -1 for a pixel outside. Reused from place to place. */
interface Corners {
  readonly at: Int32Array;
  readonly weight: Float64Array;
  /** The parts of a pixel that the place lies right of and below the first corner. */
  right: number;
  down: number;
}
function cornersAt(
  corners: Corners,
  places: Numbers,
  place: number,
  height: number,
  width: number,
  evaluation: Evaluation,
): void {
  const column = evaluation.round(((places[2 * place]! + 1) * width - 1) / 2);
  const row = evaluation.round(((places[2 * place + 1]! + 1) * height - 1) / 2);
  const [left, top] = [Math.floor(column), Math.floor(row)];
  corners.right = column - left;
  corners.down = row - top;
  for (let k = 0; k < 4; k++) {
    const [i, j] = [top + (k >> 1), left + (k & 1)];
    const inside = i >= 0 && i < height && j >= 0 && j < width;
    const across = (k & 1) === 1 ? corners.right : 1 - corners.right;
    const along = k >> 1 === 1 ? corners.down : 1 - corners.down;
    corners.at[k] = inside ? i * width + j : -1;
    corners.weight[k] = inside ? evaluation.round(across * along) : 0;
  }
}
/** Visits each place of each sample of the batch. */
function eachPlace(
  at: Tensor,
  height: number,
  width: number,
  evaluation: Evaluation,
  run: (b: number, place: number, corners: Corners) => void,
): void {
  const corners: Corners = { at: new Int32Array(4), weight: new Float64Array(4), right: 0, down: 0 };
  const [batch, places] = [sizeAt(at.shape, 0), sizeAt(at.shape, 1) * sizeAt(at.shape, 2)];
  for (let b = 0; b < batch; b++) {
    for (let p = 0; p < places; p++) {
      cornersAt(corners, at.data, b * places + p, height, width, evaluation);
      run(b, p, corners);
    }
  }
}

/** Places inside and outside of an image of 4 x 3, none where a bilinear surface has its kinks. */
const somePlaces = given([1, 2, 3, 2], [-0.9, -0.8, 0.05, 0.1, 0.6, 0.45, 0.9, -0.3, -1.2, 0.15, 1.9, 1.7]);
const moreBatches = [between(-1, 1, [2, 2, 3, 4], 1), between(-0.95, 0.95, [2, 2, 2, 2], 12)];

export const gridSample: OperatorDefinition = {
  name: "grid_sample",
  evaluate(node, inputs, evaluation) {
    const out = evaluation.output(node);
    const [x, at] = [operand(inputs[0]), operand(inputs[1])];
    const [channels, height, width] = [sizeAt(x.shape, 1), sizeAt(x.shape, 2), sizeAt(x.shape, 3)];
    const places = sizeAt(out.shape, 2) * sizeAt(out.shape, 3);
    eachPlace(at, height, width, evaluation, (b, place, corners) => {
      for (let c = 0; c < channels; c++) {
        const plane = (b * channels + c) * height * width;
        let value = 0;
        for (let k = 0; k < 4; k++)
          if (corners.at[k]! >= 0) value += corners.weight[k]! * x.data[plane + corners.at[k]!]!;
        out.data[(b * channels + c) * places + place] = value;
      }
    });
    return [out];
  },
  gradient({ inputs: [x, at], gradients: [dy], needs, emit }) {
    const [, , height, width] = typeOf(x!).shape;
    return [
      needs[0] === true
        ? emit.op("grid_sample_input_gradient", { height: height!, width: width! }, at!, dy!)
        : undefined,
      needs[1] === true ? emit.op("grid_sample_grid_gradient", {}, x!, at!, dy!) : undefined,
    ];
  },
  samples: () => [
    { name: "inside and outside", attributes: {}, inputs: [between(-1, 1, [1, 2, 4, 3], 1), somePlaces] },
    { name: "two samples", attributes: {}, inputs: moreBatches },
    {
      name: "centres, a middle, a border, outside",
      attributes: {},
      inputs: [given([1, 1, 2, 2], [1, 2, 3, 4]), given([1, 1, 5, 2], [-0.5, -0.5, 0.5, 0.5, 0, 0, -1, -0.5, -2, 0])],
      kink: true,
      expected: { outputs: [[1, 4, 2.5, 0.5, 0]], gradients: [[1.75, 0.25, 0.25, 1.25], undefined] },
    },
  ],
};

export const gridSampleInputGradient: OperatorDefinition = {
  name: "grid_sample_input_gradient",
  evaluate(node, inputs, evaluation) {
    const out = evaluation.output(node);
    const [at, dy] = [operand(inputs[0]), operand(inputs[1])];
    const [channels, height, width] = [sizeAt(out.shape, 1), sizeAt(out.shape, 2), sizeAt(out.shape, 3)];
    const places = sizeAt(dy.shape, 2) * sizeAt(dy.shape, 3);
    eachPlace(at, height, width, evaluation, (b, place, corners) => {
      for (let c = 0; c < channels; c++) {
        const plane = (b * channels + c) * height * width;
        const slope = dy.data[(b * channels + c) * places + place]!;
        for (let k = 0; k < 4; k++) {
          const pixel = corners.at[k]!;
          if (pixel >= 0) out.data[plane + pixel] = out.data[plane + pixel]! + corners.weight[k]! * slope;
        }
      }
    });
    return [out];
  },
  gradient: "once",
  samples: () => [
    {
      name: "inside and outside",
      attributes: dims({ height: 4, width: 3 }),
      inputs: [somePlaces, between(-1, 1, [1, 2, 2, 3], 3)],
    },
    {
      name: "by hand",
      attributes: dims({ height: 2, width: 2 }),
      inputs: [given([1, 1, 3, 2], [-0.5, -0.5, 0, 0, -1, -0.5]), given([1, 1, 1, 3], [1, 4, 2])],
      kink: true,
      expected: { outputs: [[3, 1, 1, 1]] },
    },
  ],
};

/** d/dx = width / 2 times the slope across: (1 - down) (x01 - x00) + down (x11 - x10), summed over channels; d/dy alike. */
export const gridSampleGridGradient: OperatorDefinition = {
  name: "grid_sample_grid_gradient",
  evaluate(node, inputs, evaluation) {
    const out = evaluation.output(node);
    const [x, at, dy] = [operand(inputs[0]), operand(inputs[1]), operand(inputs[2])];
    const [channels, height, width] = [sizeAt(x.shape, 1), sizeAt(x.shape, 2), sizeAt(x.shape, 3)];
    const places = sizeAt(dy.shape, 2) * sizeAt(dy.shape, 3);
    eachPlace(at, height, width, evaluation, (b, place, corners) => {
      const { right, down } = corners;
      let [across, along] = [0, 0];
      for (let c = 0; c < channels; c++) {
        const plane = (b * channels + c) * height * width;
        const pixel = (k: number): number => (corners.at[k]! >= 0 ? x.data[plane + corners.at[k]!]! : 0);
        const [p, q, r, s] = [pixel(0), pixel(1), pixel(2), pixel(3)];
        const slope = dy.data[(b * channels + c) * places + place]!;
        across += slope * ((1 - down) * (q - p) + down * (s - r));
        along += slope * ((1 - right) * (r - p) + right * (s - q));
      }
      out.data[2 * (b * places + place)] = (across * width) / 2;
      out.data[2 * (b * places + place) + 1] = (along * height) / 2;
    });
    return [out];
  },
  gradient: "once",
  samples: () => [
    {
      name: "inside and outside",
      attributes: {},
      inputs: [between(-1, 1, [1, 2, 4, 3], 1), somePlaces, between(-1, 1, [1, 2, 2, 3], 3)],
    },
    {
      name: "by hand",
      attributes: {},
      inputs: [given([1, 1, 2, 2], [1, 2, 3, 5]), given([1, 1, 1, 2], [0, 0]), given([1, 1, 1, 1], [2])],
      expected: { outputs: [[3, 5]] },
    },
  ],
};

/** The pixel centres along one axis, as a tensor of the type of `like`. */
function centres(emit: Emitter, count: Dim, like: Value): Value {
  const places = emit.cast(emit.op("iota", { count }), typeOf(like).dtype);
  const doubled = emit.add(emit.scaled(places, 2), emit.number(1, like));
  return emit.sub(emit.div(doubled, emit.builder.axisSize(count, typeOf(like).dtype)), emit.number(1, like));
}
/** [rows * columns, 3]: (x, y, 1) of each pixel centre. */
function homogeneous(emit: Emitter, rows: Dim, columns: Dim, like: Value): Value {
  const all = [rows, columns];
  const x = emit.expand(emit.reshape(centres(emit, columns, like), [Dim.one, columns]), all);
  const y = emit.expand(emit.reshape(centres(emit, rows, like), [rows, Dim.one]), all);
  const one = emit.expand(emit.number(1, like), all);
  return emit.reshape(emit.op("stack", { axis: Dim.of(2) }, x, y, one), [rows.times(columns), Dim.of(3)]);
}

export const affineGrid: OperatorDefinition = {
  name: "affine_grid",
  evaluate(node, inputs, evaluation) {
    const out = evaluation.output(node);
    const theta = operand(inputs[0]);
    const [batch, rows, columns] = [sizeAt(out.shape, 0), sizeAt(out.shape, 1), sizeAt(out.shape, 2)];
    for (let b = 0, to = 0; b < batch; b++) {
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < columns; j++) {
          const [x, y] = [evaluation.round(centre(j, columns)), evaluation.round(centre(i, rows))];
          for (let k = 0; k < 2; k++, to++) {
            const row = 6 * b + 3 * k;
            out.data[to] = theta.data[row]! * x + theta.data[row + 1]! * y + theta.data[row + 2]!;
          }
        }
      }
    }
    return [out];
  },
  gradient(backward) {
    const { dy } = single(backward);
    return [backward.emit.op("affine_grid_gradient", {}, dy)];
  },
  samples: () => [
    { name: "draws", attributes: dims({ Ho: 2, Wo: 3 }), inputs: [between(-1, 1, [2, 2, 3])] },
    {
      name: "the identity gives pixel centres",
      attributes: dims({ Ho: 2, Wo: 4 }),
      inputs: [given([1, 2, 3], [1, 0, 0, 0, 1, 0])],
      expected: {
        outputs: [[-0.75, -0.5, -0.25, -0.5, 0.25, -0.5, 0.75, -0.5, -0.75, 0.5, -0.25, 0.5, 0.25, 0.5, 0.75, 0.5]],
        gradients: [[0, 0, 8, 0, 0, 8]],
      },
    },
  ],
  decompose(node, [theta], emit) {
    const [rows, columns] = [dimAttribute(node, "Ho"), dimAttribute(node, "Wo")];
    const [batch] = typeOf(theta!).shape;
    const places = emit.matmul(homogeneous(emit, rows, columns, theta!), emit.transpose(theta!, [0, 2, 1]));
    return [emit.reshape(places, [batch!, rows, columns, Dim.of(2)])];
  },
};

export const affineGridGradient: OperatorDefinition = {
  name: "affine_grid_gradient",
  evaluate(node, inputs, evaluation) {
    const out = evaluation.output(node);
    const dy = operand(inputs[0]);
    const [batch, rows, columns] = [sizeAt(dy.shape, 0), sizeAt(dy.shape, 1), sizeAt(dy.shape, 2)];
    const sums = new Float64Array(6 * batch);
    for (let b = 0, from = 0; b < batch; b++) {
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < columns; j++) {
          const [x, y] = [centre(j, columns), centre(i, rows)];
          for (let k = 0; k < 2; k++, from++) {
            const row = 6 * b + 3 * k;
            sums[row] = sums[row]! + dy.data[from]! * x;
            sums[row + 1] = sums[row + 1]! + dy.data[from]! * y;
            sums[row + 2] = sums[row + 2]! + dy.data[from]!;
          }
        }
      }
    }
    out.data.set(sums);
    return [out];
  },
  gradient({ gradients: [dz], inputs: [dy], emit }) {
    const [, rows, columns] = typeOf(dy!).shape;
    return [emit.op("affine_grid", { Ho: rows!, Wo: columns! }, dz!)];
  },
  samples: () => [
    { name: "draws", attributes: {}, inputs: [between(-1, 1, [2, 2, 3, 2])] },
    {
      name: "by hand",
      attributes: {},
      inputs: [given([1, 1, 2, 2], [1, 10, 3, 30])],
      expected: { outputs: [[1, 0, 4, 10, 0, 40]] },
    },
  ],
  decompose(_, [dy], emit) {
    const [batch, rows, columns] = typeOf(dy!).shape;
    const flat = emit.reshape(dy!, [batch!, rows!.times(columns!), Dim.of(2)]);
    return [emit.matmul(emit.transpose(flat, [0, 2, 1]), homogeneous(emit, rows!, columns!, dy!))];
  },
};

export const samplingOperators = [
  gridSample,
  gridSampleInputGradient,
  gridSampleGridGradient,
  affineGrid,
  affineGridGradient,
];

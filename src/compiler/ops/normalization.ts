/** Batch normalisation over all axes but the channels' (axis 1), as fused operators with their meaning spelled out. */
import { numberAttribute } from "./attributes.ts";
import type { Emitter } from "./emit.ts";
import { operand } from "./elementwise.ts";
import type { OperatorDefinition, Sample } from "./operator.ts";
import { between, given } from "./sample-data.ts";
import type { Numbers, Tensor } from "./tensor.ts";
import { countOf, sizeAt } from "./tensor.ts";
import type { Value } from "../graph/graph.ts";
import { typeOf } from "../graph/graph.ts";

interface Channels {
  readonly batch: number;
  readonly channels: number;
  readonly inner: number;
}
function channelsOf(x: Tensor): Channels {
  return { batch: sizeAt(x.shape, 0), channels: sizeAt(x.shape, 1), inner: countOf(x.shape.slice(2)) };
}
/** Calls `run` with the start of each stretch of one channel. */
function eachStretch(
  { batch, channels, inner }: Channels,
  channel: number,
  run: (from: number, to: number) => void,
): void {
  for (let b = 0; b < batch; b++) {
    const from = (b * channels + channel) * inner;
    run(from, from + inner);
  }
}
/** Sums are rounded as the run is: engines in single precision add their moments up in it, and lose as much. */
function momentsOf(
  x: Numbers,
  layout: Channels,
  channel: number,
  round: (value: number) => number,
): { mean: number; variance: number } {
  const count = layout.batch * layout.inner;
  const sum = (of: (value: number) => number): number => {
    let total = 0;
    eachStretch(layout, channel, (from, to) => {
      let part = 0;
      for (let i = from; i < to; i++) part = round(part + of(x[i]!));
      total = round(total + part);
    });
    return total;
  };
  const mean = round(sum((value) => value) / count);
  const squares = sum((value) => round((value - mean) * (value - mean)));
  return { mean, variance: squares / count };
}

function normalizedAxes(x: Value): number[] {
  return typeOf(x).shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
}
function rankOf(x: Value): number {
  return typeOf(x).shape.length;
}
/**
 * (x - mean) / sqrt(variance + eps) * weight + bias, with the four per channel. Rules and meanings compute in the element type
 * of the statistics, which may be another one than the data's.
 */
function normalized(
  emit: Emitter,
  x: Value,
  eps: number,
  scales: { weight: Value; bias: Value; mean: Value; variance: Value },
): Value {
  const wide = (value: Value): Value => emit.perChannel(value, rankOf(x));
  const data = emit.cast(x, typeOf(scales.mean).dtype);
  const spread = emit.sqrt(emit.add(scales.variance, emit.number(eps, data)));
  const centred = emit.div(emit.sub(data, wide(scales.mean)), wide(spread));
  return emit.cast(emit.add(emit.mul(centred, wide(scales.weight)), wide(scales.bias)), typeOf(x).dtype);
}

const scale = (channels: number, salt: number): readonly Sample["inputs"][number][] => [
  between(0.5, 1.5, [channels], salt),
  between(-0.5, 0.5, [channels], salt + 1),
];

export const batchNormTrain: OperatorDefinition = {
  name: "batch_norm_train",
  evaluate(node, inputs, evaluation) {
    const [out, means, variances] = [0, 1, 2].map((index) => evaluation.output(node, index));
    const [x, weight, bias] = [operand(inputs[0]), operand(inputs[1]), operand(inputs[2])];
    const eps = numberAttribute(node, "eps");
    const layout = channelsOf(x);
    for (let c = 0; c < layout.channels; c++) {
      const { mean, variance } = momentsOf(x.data, layout, c, (value) => evaluation.round(value));
      means!.data[c] = mean;
      variances!.data[c] = variance;
      const factor = evaluation.round(weight.data[c]! / Math.sqrt(variance + eps));
      const shift = bias.data[c]!;
      eachStretch(layout, c, (from, to) => {
        for (let i = from; i < to; i++) out!.data[i] = (x.data[i]! - mean) * factor + shift;
      });
    }
    return [out!, means!, variances!];
  },
  /**
   * The normalised result's part is one operator (its formula is there). A gradient of the mean adds dmean / n to each
   * member, one of the biased variance adds 2 (x - mean) dvariance / n.
   */
  gradient({ node, inputs: [x, weight], outputs: [, mean, variance], gradients: [dy, dmean, dvariance], needs, emit }) {
    const eps = numberAttribute(node, "eps");
    const main = dy && emit.all("batch_norm_train_gradient", { eps }, x!, weight!, mean!, variance!, dy);
    let dx = main?.[0];
    if (needs[0] === true && (dmean !== undefined || dvariance !== undefined)) {
      const wide = (value: Value): Value => emit.perChannel(value, rankOf(x!));
      const { dtype, shape } = typeOf(x!);
      const data = emit.cast(x!, typeOf(mean!).dtype);
      const count = emit.countOver(data, normalizedAxes(x!));
      const parts: Value[] = [];
      if (dmean) parts.push(emit.expand(wide(emit.div(dmean, count)), shape));
      if (dvariance) {
        parts.push(emit.mul(emit.sub(data, wide(mean!)), wide(emit.scaled(emit.div(dvariance, count), 2))));
      }
      dx = [...(dx ? [dx] : []), ...parts.map((part) => emit.cast(part, dtype))].reduce((sum, part) =>
        emit.add(sum, part),
      );
    }
    return [needs[0] === true ? dx : undefined, main?.[1], main?.[2]];
  },
  samples: () => [
    {
      name: "images",
      attributes: { eps: 1e-5 },
      inputs: [between(-2, 2, [3, 2, 2, 3], 1), ...scale(2, 2)],
      tolerance: 1e-6,
    },
    {
      name: "vectors",
      attributes: { eps: 1e-3 },
      inputs: [between(-2, 2, [4, 3], 4), ...scale(3, 5)],
      tolerance: 1e-6,
    },
    {
      name: "sequences",
      attributes: { eps: 1e-5 },
      inputs: [between(1, 3, [2, 2, 4], 7), ...scale(2, 8)],
      tolerance: 1e-6,
    },
    {
      name: "by hand",
      attributes: { eps: 0 },
      inputs: [given([2, 1], [1, 5]), given([1], [3]), given([1], [10])],
      expected: { outputs: [[7, 13], [3], [4]] },
    },
  ],
  decompose(node, [x, weight, bias], emit) {
    const axes = normalizedAxes(x!);
    const data = emit.cast(x!, typeOf(weight!).dtype);
    const mean = emit.mean(data, axes);
    const centred = emit.sub(data, emit.perChannel(mean, rankOf(x!)));
    const variance = emit.mean(emit.mul(centred, centred), axes);
    const eps = numberAttribute(node, "eps");
    return [normalized(emit, x!, eps, { weight: weight!, bias: bias!, mean, variance }), mean, variance];
  },
};

/**
 * With h = (x - mean) / sqrt(variance + eps) and sums over n members of a channel: dbias = sum dy, dweight = sum dy h,
 * dx = weight / sqrt(variance + eps) (dy - dbias / n - h dweight / n) (Ioffe and Szegedy 2015, section 3, gathered).
 */
export const batchNormTrainGradient: OperatorDefinition = {
  name: "batch_norm_train_gradient",
  evaluate(node, inputs, evaluation) {
    const [dx, dweight, dbias] = [0, 1, 2].map((index) => evaluation.output(node, index));
    const [x, weight, means, variances, dy] = [0, 1, 2, 3, 4].map((index) => operand(inputs[index]).data);
    const eps = numberAttribute(node, "eps");
    const layout = channelsOf(operand(inputs[0]));
    const count = layout.batch * layout.inner;
    const round = (value: number): number => evaluation.round(value);
    for (let c = 0; c < layout.channels; c++) {
      const mean = means![c]!;
      const scaled = 1 / Math.sqrt(variances![c]! + eps);
      let [total, product] = [0, 0];
      eachStretch(layout, c, (from, to) => {
        let [part, centred] = [0, 0];
        for (let i = from; i < to; i++) {
          part = round(part + dy![i]!);
          centred = round(centred + dy![i]! * (x![i]! - mean));
        }
        total = round(total + part);
        product = round(product + centred);
      });
      product *= scaled;
      dbias!.data[c] = total;
      dweight!.data[c] = product;
      const factor = evaluation.round(weight![c]! * scaled);
      const [shift, slope] = [evaluation.round(total / count), evaluation.round((product * scaled) / count)];
      eachStretch(layout, c, (from, to) => {
        for (let i = from; i < to; i++) dx!.data[i] = factor * (dy![i]! - shift - (x![i]! - mean) * slope);
      });
    }
    return [dx!, dweight!, dbias!];
  },
  gradient: "once",
  samples: () => [
    {
      name: "images",
      attributes: { eps: 1e-5 },
      inputs: [
        ...[between(-2, 2, [2, 2, 2, 3], 1), between(0.5, 1.5, [2], 2)],
        ...[between(-0.5, 0.5, [2], 3), between(0.5, 1.5, [2], 4), between(-1, 1, [2, 2, 2, 3], 5)],
      ],
    },
    {
      name: "by hand",
      attributes: { eps: 0 },
      inputs: [given([2, 1], [1, 5]), given([1], [3]), given([1], [3]), given([1], [4]), given([2, 1], [1, 3])],
      expected: { outputs: [[0, 0], [2], [4]] },
    },
  ],
  decompose(node, [x, weight, mean, variance, dy], emit) {
    const axes = normalizedAxes(x!);
    const wide = (value: Value): Value => emit.perChannel(value, rankOf(x!));
    const { dtype } = typeOf(mean!);
    const [data, flow] = [emit.cast(x!, dtype), emit.cast(dy!, dtype)];
    const spread = emit.sqrt(emit.add(variance!, emit.number(numberAttribute(node, "eps"), data)));
    const h = emit.div(emit.sub(data, wide(mean!)), wide(spread));
    const dbias = emit.sum(flow, axes);
    const dweight = emit.sum(emit.mul(flow, h), axes);
    const count = emit.countOver(data, axes);
    const centred = emit.sub(emit.sub(flow, wide(emit.div(dbias, count))), emit.mul(h, wide(emit.div(dweight, count))));
    const dx = emit.mul(wide(emit.div(weight!, spread)), centred);
    return [emit.cast(dx, typeOf(x!).dtype), dweight, dbias];
  },
};

export const batchNormEval: OperatorDefinition = {
  name: "batch_norm_eval",
  evaluate(node, inputs, evaluation) {
    const out = evaluation.output(node);
    const x = operand(inputs[0]);
    const [weight, bias, mean, variance] = [1, 2, 3, 4].map((index) => operand(inputs[index]).data);
    const eps = numberAttribute(node, "eps");
    const layout = channelsOf(x);
    for (let c = 0; c < layout.channels; c++) {
      const factor = evaluation.round(weight![c]! / Math.sqrt(variance![c]! + eps));
      const [centre, shift] = [mean![c]!, bias![c]!];
      eachStretch(layout, c, (from, to) => {
        for (let i = from; i < to; i++) out.data[i] = (x.data[i]! - centre) * factor + shift;
      });
    }
    return [out];
  },
  /**
   * With r = 1 / sqrt(variance + eps): dx = dy weight r, dweight = sum dy (x - mean) r, dbias = sum dy,
   * dmean = -weight r sum dy, dvariance = -1/2 weight r^3 sum dy (x - mean).
   */
  gradient({ node, inputs, gradients: [dy], needs, emit }) {
    const [x, weight, , mean, variance] = inputs;
    const axes = normalizedAxes(x!);
    const wide = (value: Value): Value => emit.perChannel(value, rankOf(x!));
    const wants = (index: number): boolean => needs[index] === true;
    const { dtype } = typeOf(mean!);
    const [data, flow] = [emit.cast(x!, dtype), emit.cast(dy!, dtype)];
    const variancePlus = emit.add(variance!, emit.number(numberAttribute(node, "eps"), data));
    const spread = emit.sqrt(variancePlus);
    const factor = emit.div(weight!, spread);
    const total = wants(2) || wants(3) ? emit.sum(flow, axes) : undefined;
    const product = wants(1) || wants(4) ? emit.sum(emit.mul(flow, emit.sub(data, wide(mean!))), axes) : undefined;
    return [
      wants(0) ? emit.cast(emit.mul(flow, wide(factor)), typeOf(x!).dtype) : undefined,
      wants(1) ? emit.div(product!, spread) : undefined,
      wants(2) ? total : undefined,
      wants(3) ? emit.neg(emit.mul(factor, total!)) : undefined,
      wants(4) ? emit.div(emit.scaled(emit.mul(factor, product!), -0.5), variancePlus) : undefined,
    ];
  },
  samples: () => [
    {
      name: "images",
      attributes: { eps: 1e-5 },
      inputs: [
        ...[between(-2, 2, [2, 2, 2, 2], 1), ...scale(2, 2)],
        ...[between(-0.5, 0.5, [2], 4), between(0.5, 1.5, [2], 5)],
      ],
    },
    {
      name: "by hand",
      attributes: { eps: 1 },
      inputs: [given([2, 1], [1, 5]), given([1], [6]), given([1], [10]), given([1], [3]), given([1], [8])],
      expected: { outputs: [[6, 14]], gradients: [[2, 2], [0], [2], [-4], [0]] },
    },
  ],
  decompose(node, [x, weight, bias, mean, variance], emit) {
    const scales = { weight: weight!, bias: bias!, mean: mean!, variance: variance! };
    return [normalized(emit, x!, numberAttribute(node, "eps"), scales)];
  },
};

export const normalizationOperators = [batchNormTrain, batchNormTrainGradient, batchNormEval];

/** The library's layers, activations and losses against PyTorch's own, in f64: results, gradients, and states after a step. */
import { beforeAll, describe, expect, it } from "vitest";
import { maxDifference } from "../support/goldens.ts";
import {
  type Expression,
  type GoldenCase,
  goldenCases,
  membersOf,
  modelOf,
  programFrom,
  run,
  startOf,
} from "../support/library.ts";

/** f64 sums in another order differ by less. */
const tolerance = 1e-11;

const resnet = 'import { bottleneck } from "std:resnet"';
const blocks = 'import { squeeze_excite, inverted_residual, conv_bn_act } from "std:blocks"';
const rnn = 'import { lstm, gru, bidirectional_lstm, bidirectional_gru, live_steps } from "std:rnn"';
const attention =
  'import { attention, masked_attention, cross_attention, encoder_layer, decoder_layer } from "std:transformer"';

const groups: Readonly<Record<string, Readonly<Record<string, string | Expression>>>> = {
  layers: {
    conv: "x |> conv(3) as layer",
    conv_valid: "x |> conv(3, pad: 0, use_bias: true) as layer",
    conv_strided: "x |> conv(6, kernel: 5, stride: 2) as layer",
    conv_grouped_dilated: "x |> conv(6, pad: 2, dilation: 2, groups: 2) as layer",
    conv_pairs: "x |> conv(3, kernel: (1, 5), stride: (2, 1)) as layer",
    conv_pairs_dilated:
      "x |> conv(2, kernel: (3, 2), stride: (1, 2), pad: 1, dilation: (2, 1), use_bias: true) as layer",
    conv_same_even: "x |> same_pad(4) |> conv(3, kernel: 4, pad: 0) as layer",
    conv1d: "x |> conv1d(6, stride: 2, groups: 2, use_bias: true) as layer",
    conv1d_dilated: "x |> conv1d(3, pad: 2, dilation: 2) as layer",
    conv_transpose: "x |> conv_transpose(3) as layer",
    conv_transpose_extra: "x |> conv_transpose(6, kernel: 3, pad: 1, extra: 1, groups: 2, use_bias: false) as layer",
    conv_transpose_pairs:
      "x |> conv_transpose(3, kernel: (2, 3), stride: (2, 1), pad: (0, 1), dilation: (1, 2)) as layer",
    conv_transpose1d: "x |> conv_transpose1d(3, kernel: 3, pad: 1, extra: 1) as layer",
    depthwise: "x |> depthwise(multiplier: 2) as layer",
    separable_conv: "x |> separable_conv(6) as layer",
    linear: "x |> linear(4) as layer",
    linear_plain: "x |> linear(4, use_bias: false) as layer",
    bilinear: "bilinear(3)(x, z) as layer",
    embedding: { expr: "ids |> embedding(7, 3) as layer", ranges: { ids: "0 ..< 7" } },
    batch_norm: "x |> batch_norm as layer",
    batch_norm_rows: "x |> batch_norm(eps: 1e-3, momentum: 0.3) as layer",
    batch_norm_series: "x |> batch_norm as layer",
    layer_norm: "x |> layer_norm as layer",
    rms_norm: "x |> rms_norm as layer",
    group_norm: "x |> group_norm(2) as layer",
    instance_norm: "x |> instance_norm",
    instance_norm_affine: "x |> instance_norm(affine: true) as layer",
    max_pool: "x |> max_pool(2)",
    max_pool_padded: "x |> max_pool((3, 2), stride: (2, 1), pad: (1, 0))",
    avg_pool: "x |> avg_pool(3, stride: 2, pad: 1)",
    avg_pool_pairs: "x |> avg_pool((1, 3), stride: (1, 2), pad: (0, 1))",
    max_pool1d: "x |> max_pool1d(3, stride: 2, pad: 1)",
    avg_pool1d: "x |> avg_pool1d(2)",
    global_avg_pool: "x |> global_avg_pool",
    global_max_pool: "x |> global_max_pool",
    adaptive_avg_pool: "x |> adaptive_avg_pool((3, 4))",
    adaptive_max_pool: "x |> adaptive_max_pool((3, 4))",
    pixel_shuffle: "x |> pixel_shuffle(2)",
    pixel_unshuffle: "x |> pixel_unshuffle(2)",
    channel_shuffle: "x |> channel_shuffle(2)",
    upsample_nearest: "x |> upsample((2, 3))",
    upsample_bilinear: 'x |> upsample(2, mode: "bilinear")',
    zero_pad: "x |> zero_pad(top: 2, bottom: 3, left: 1)",
    flatten: "x |> flatten",
    pairwise_distance: "pairwise_distance(x, z)",
    cosine_similarity: "cosine_similarity(x, z)",
  },
  activations: {
    relu: "relu(x)",
    relu6: "relu6(3.0 * x)",
    leaky_relu: "x |> leaky_relu",
    leaky_relu_steep: "x |> leaky_relu(0.2)",
    elu: "x |> elu(alpha: 1.5)",
    selu: "selu(x)",
    sigmoid: "sigmoid(x)",
    log_sigmoid: "log_sigmoid(x)",
    softplus: "x |> softplus(beta: 2.0)",
    softsign: "softsign(x)",
    silu: "silu(x)",
    mish: "mish(x)",
    gelu: "x |> gelu",
    gelu_tanh: 'x |> gelu(approximate: "tanh")',
    hardtanh: "x |> hardtanh(low: -0.5, high: 2.0)",
    hardsigmoid: "hardsigmoid(x)",
    hardswish: "hardswish(x)",
    tanh: "tanh(x)",
    glu: "x |> glu",
    softmax: "x |> softmax",
    log_softmax: "x |> log_softmax(axis: 0)",
    prelu: "x |> prelu as layer",
  },
  blocks: {
    bottleneck: { imports: resnet, expr: "x |> bottleneck(16, stride: 2, groups: 2) as layer" },
    squeeze_excite: { imports: blocks, expr: "x |> squeeze_excite(2) as layer" },
    inverted_residual: { imports: blocks, expr: "x |> inverted_residual(4, expand: 2) as layer" },
    conv_bn_act: { imports: blocks, expr: "x |> conv_bn_act(3, kernel: 5, stride: 2, act: silu) as layer" },
  },
  losses: {
    cross_entropy: { expr: "cross_entropy(x, y)", ranges: { y: "0 ..< 5" } },
    cross_entropy_smooth: { expr: "cross_entropy(smoothing: 0.1)(x, y)", ranges: { y: "0 ..< 5" } },
    cross_entropy_weights: {
      expr: "cross_entropy(weights: [0.5, 2.0, 1.0, 0.25, 3.0])(x, y)",
      ranges: { y: "0 ..< 5" },
    },
    cross_entropy_both: {
      expr: "cross_entropy(smoothing: 0.2, weights: [0.5, 2.0, 1.0, 0.25, 3.0])(x, y)",
      ranges: { y: "0 ..< 5" },
    },
    bce_with_logits: "binary_cross_entropy_with_logits(x, y)",
    bce_with_logits_positive: "binary_cross_entropy_with_logits(positive: 3.0)(x, y)",
    bce: "binary_cross_entropy(x, y)",
    mse_loss: "mse_loss(x, y)",
    l1_loss: "l1_loss(x, y)",
    huber_loss: "huber_loss(delta: 0.7)(x, y)",
    smooth_l1_loss: "smooth_l1_loss(beta: 0.5)(x, y)",
    gaussian_nll_loss: "gaussian_nll_loss(x, y, v)",
    kl_divergence: "kl_divergence(x, p)",
    triplet_margin_loss: "triplet_margin_loss(margin: 1.5)(a, b, n)",
    cosine_embedding_loss: "cosine_embedding_loss(margin: 0.1)(a, b, y)",
  },
  sequences: {
    lstm: { imports: rnn, expr: "lstm(3)(x |> unstack) as layer |> stack(axis: 1)" },
    gru: { imports: rnn, expr: "gru(3)(x |> unstack) as layer |> stack(axis: 1)" },
    bidirectional_lstm: { imports: rnn, expr: "bidirectional_lstm(3)(x, lengths |> live_steps(4)) as layer" },
    bidirectional_gru: { imports: rnn, expr: "bidirectional_gru(3)(x, lengths |> live_steps(4)) as layer" },
    attention: { imports: attention, expr: "x |> attention(2) as layer" },
    attention_causal: { imports: attention, expr: "x |> attention(3, causal: true) as layer" },
    masked_attention: { imports: attention, expr: "masked_attention(2)(x, live) as layer" },
    cross_attention: { imports: attention, expr: "cross_attention(2)(x, memory) as layer" },
    decoder_layer: { imports: attention, expr: "decoder_layer(3, wide: 8)(x, memory) as layer" },
    encoder_layer: { imports: attention, expr: "x |> encoder_layer(2, wide: 8) as layer" },
  },
};

describe.each(Object.entries(groups))("%s", (group, expressions) => {
  let cases: ReadonlyMap<string, GoldenCase>;
  beforeAll(async () => {
    cases = await goldenCases(group);
  });

  it("has an expression for every case", () => {
    expect(Object.keys(expressions).sort()).toEqual([...cases.keys()].sort());
  });

  it.each(Object.entries(expressions))("%s", (name, given) => {
    const golden = cases.get(name);
    if (golden === undefined) throw new Error(`there is no case ${name}`);
    const expression = typeof given === "string" ? { expr: given } : given;
    const program = programFrom(modelOf(expression, golden));
    const variables = startOf(program, new Map([...membersOf(golden, "x"), ...membersOf(golden, "w")]));
    const c = golden.get("c");
    const inputs = new Map([...membersOf(golden, "i"), ...(c ? [["c", c] as const] : [])]);

    // what should be 0 (a gradient that cancels) is noise in both
    const difference = (actual: ArrayLike<number | bigint> | undefined, of: string): number => {
      const [a, b] = [Array.from(actual ?? [], Number), Array.from(golden.get(of)?.data ?? [], Number)];
      return b.every((n) => Math.abs(n) < 1e-14) ? Math.max(...a.map(Math.abs)) : maxDifference(a, b);
    };
    const { outputs } = run(program.predict, inputs, variables);
    expect(difference(outputs.get("out")?.data, "y")).toBeLessThan(tolerance);

    if (program.train === undefined) throw new Error("the case has a loss");
    const step = run(program.train, inputs, variables);
    expect(difference(step.outputs.get("loss")?.data, "loss")).toBeLessThan(tolerance);
    for (const path of membersOf(golden, "grad").keys()) {
      expect(difference(step.outputs.get(`grad.${path}`)?.data, `grad.${path}`), path).toBeLessThan(tolerance);
    }
    for (const path of membersOf(golden, "after").keys())
      expect(difference(step.updates.get(path)?.data, `after.${path}`), path).toBeLessThan(tolerance);
  });
});

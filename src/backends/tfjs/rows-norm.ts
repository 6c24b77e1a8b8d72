/** Rows of the fused kernels: batch norm and softmax cross entropy, forward and gradients. */
import { type Node, typeOf } from "../../compiler/graph/graph.ts";
import { Dim, elementCount, type Shape } from "../../compiler/types/dim.ts";
import { keyOf, type NodeEmitter, type Produced, type Table } from "./emitter.ts";
import { channelsLast, inLayout, type LayoutRule } from "../layout.ts";
import { plain } from "./rows-basic.ts";
import { attr, type TfValue } from "./nodes.ts";
import type { AttrValue } from "./proto.ts";

/** `[B, ...S, C]` as the `[B, H, W, C]` that the fused kernel takes. */
function asImage(shape: Shape): Shape {
  const [batch = Dim.one, channels = Dim.one, ...rest] = shape;
  return [batch, Dim.one, elementCount(rest), channels];
}
function image(e: NodeEmitter, index: number): TfValue {
  const shape = e.inputShape(index);
  const x = e.input(index, channelsLast(shape.length));
  return shape.length === 4 ? x : e.graph.reshape(x, asImage(shape));
}
function unimage(e: NodeEmitter, y: TfValue, shape: Shape): Produced {
  const layout = channelsLast(shape.length);
  return { value: shape.length === 4 ? y : e.graph.reshape(y, inLayout(layout, shape)), layout };
}
/** Images at `inputs`, vectors elsewhere. */
function rule(
  inputs: readonly number[],
): (node: {
  readonly inputs: readonly unknown[];
  readonly outputs: readonly { readonly shape: Shape }[];
}) => LayoutRule {
  return (node) => {
    const last = channelsLast(node.outputs[0]?.shape.length ?? 4);
    return {
      kind: "fixed",
      inputs: node.inputs.map((_, i) => (inputs.includes(i) ? last : undefined)),
      outputs: [last],
    };
  };
}
function attributes(e: NodeEmitter, type: TfValue["type"], training: boolean): Record<string, AttrValue> {
  return {
    T: attr.type(type),
    U: attr.type("f32"),
    epsilon: attr.float(e.number("eps")),
    data_format: attr.string("NHWC"),
    is_training: attr.bool(training),
  };
}

/** Whether TensorFlow computes a node as it is typed: batch norm has no kernel in double precision. */
export function hasKernel(node: Node): boolean {
  return !node.op.startsWith("batch_norm_") || node.inputs.every((value) => typeOf(value).dtype !== "f64");
}

/** max(n - 1, 1) / n for n values a channel: the kernel's variance is unbiased, ours is biased. */
function unbiasedToBiased(e: NodeEmitter, shape: Shape): TfValue {
  const [batch = Dim.one, , ...rest] = shape;
  const n = elementCount([batch, ...rest]);
  const known = n.constant;
  if (known !== undefined) return e.tf.scalar(Math.max(known - 1, 1) / known, "f32");
  const extra = `biased ${n.key}`;
  const made = e.graph.extras.get(extra)?.[0];
  if (made !== undefined) return made;
  const count = e.graph.size(n);
  const one = e.tf.scalar(1, "i32");
  const less = e.graph.binary("Maximum", e.graph.binary("Sub", count, one), one);
  const value = e.graph.binary("RealDiv", e.graph.cast(less, "f32"), e.graph.cast(count, "f32"));
  e.graph.extras.set(extra, [value]);
  return value;
}

/**
 * Whether TensorFlow makes one kernel of this batch norm and the ReLU that follows. It does so only where neither has a
 * control edge; the order holds all the same, for both run between nodes that have some.
 */
function isFused(e: NodeEmitter): boolean {
  return e.graph.onlyReader({ node: e.node, index: 0 })?.op === "relu";
}

export const normRows: Table = {
  batch_norm_train: {
    layout: rule([0]),
    emit(e) {
      const x = image(e, 0);
      const none = e.tf.constant([], "f32", [0]);
      const [y, mean, variance, ...kept] = e.tf.add(
        "FusedBatchNormV3",
        [x, e.input(1), e.input(2), none, none],
        [x.type, "f32", "f32", "f32", "f32", "f32"],
        { ...attributes(e, x.type, true), exponential_avg_factor: attr.float(1) },
        { chained: !isFused(e) },
      ) as [TfValue, TfValue, TfValue, ...TfValue[]];
      e.graph.extras.set(`batch norm ${keyOf({ node: e.node, index: 1 }, { node: e.node, index: 2 })}`, kept);
      const biased = e.graph.binary("Mul", variance, unbiasedToBiased(e, e.inputShape(0)));
      return [unimage(e, y, e.inputShape(0)), { value: mean, layout: undefined }, { value: biased, layout: undefined }];
    },
  },
  batch_norm_eval: {
    layout: rule([0]),
    emit(e) {
      const x = image(e, 0);
      // Without a control edge of its own it would run as soon as its inputs exist: of one that is computed again for the
      // backward pass, in the forward pass. So its place in the order is held by an input.
      const variance = e.input(4);
      const held = isFused(e) ? e.tf.one("Identity", [variance], "f32", { T: attr.type("f32") }) : variance;
      const inputs = [x, e.input(1), e.input(2), e.input(3), held];
      const [y] = e.tf.add(
        "FusedBatchNormV3",
        inputs,
        [x.type, "f32", "f32", "f32", "f32", "f32"],
        attributes(e, x.type, false),
        { chained: !isFused(e) },
      ) as [TfValue];
      return [unimage(e, y, e.inputShape(0))];
    },
  },
  batch_norm_train_gradient: {
    layout: rule([0, 4]),
    emit(e) {
      const [x, dy, weight] = [image(e, 0), image(e, 4), e.input(1)];
      const kept = e.graph.extras.get(`batch norm ${keyOf(e.source(2), e.source(3))}`);
      // Without the forward kernel's own results: its mean and variance are what the CPU kernel keeps.
      const empty = e.tf.constant([], "f32", [0]);
      const [mean = e.input(2), variance = e.input(3), third = empty] = kept ?? [];
      const [dx, dweight, dbias] = e.tf.add(
        "FusedBatchNormGradV3",
        [dy, x, weight, mean, variance, third],
        [x.type, "f32", "f32", "f32", "f32"],
        attributes(e, x.type, true),
      ) as [TfValue, TfValue, TfValue];
      return [
        unimage(e, dx, e.inputShape(0)),
        { value: dweight, layout: undefined },
        { value: dbias, layout: undefined },
      ];
    },
  },

  softmax_cross_entropy: {
    layout: () => ({ kind: "fixed", inputs: [], outputs: [] }),
    emit: (e) => plain(crossEntropy(e)[0]),
  },
  softmax_cross_entropy_gradient: {
    layout: () => ({ kind: "fixed", inputs: [], outputs: [] }),
    emit(e) {
      const [batch = Dim.one] = e.inputShape(2);
      const dy = e.graph.reshape(e.input(2), [batch, Dim.one]);
      return plain(e.graph.binary("Mul", crossEntropy(e)[1], dy));
    },
  },
};

/** The kernel gives the losses and their gradients at once; both rows share one node where they meet. */
function crossEntropy(e: NodeEmitter): readonly [TfValue, TfValue] {
  const key = `cross entropy ${keyOf(e.source(0), e.source(1))}`;
  const known = e.graph.extras.get(key);
  if (known?.[0] && known[1]) return [known[0], known[1]];
  const [logits, labels] = [e.input(0), e.input(1)];
  const made = e.tf.add("SparseSoftmaxCrossEntropyWithLogits", [logits, labels], [logits.type, logits.type], {
    T: attr.type(logits.type),
    Tlabels: attr.type(labels.type),
  });
  e.graph.extras.set(key, made);
  return made as [TfValue, TfValue];
}

/** Convolutions, pools, normalisation and sampling as calls of tfjs, channels last. */
import type { Node } from "../../compiler/graph/graph.ts";
import { intAttribute, numberAttribute, pairAttribute } from "../../compiler/ops/attributes.ts";
import type { Shape } from "../../compiler/types/dim.ts";
import { channelsLast, kernelLayout, type Layout, type LayoutRule } from "../layout.ts";
import { type Code, js, listOf, type Part } from "./code.ts";
import type { NodeEmitter, Row, Table } from "./emitter.ts";

const last = channelsLast(4);
type Pair = readonly [number, number];

/** An operator over maps with the channels last, whose inputs have these orders. */
function onMaps(inputs: readonly Layout[], make: (e: NodeEmitter) => Code): Row {
  const rule: LayoutRule = { kind: "fixed", inputs, outputs: [last] };
  return { layout: () => rule, emit: (e) => [{ code: make(e), layout: last }] };
}

function pairText([height, width]: Pair): Part {
  return height === width ? height : listOf([height, width]);
}
/** A number says the padding where height and width go alike: tfjs reads the height's settings for both then. */
function padText(pad: Pair, ...others: readonly Pair[]): Part {
  if (Math.max(...pad) === 0) return `"valid"`;
  if ([pad, ...others].every(([height, width]) => height === width)) return pad[0];
  return listOf(
    [
      [0, 0],
      [pad[0], pad[0]],
      [pad[1], pad[1]],
      [0, 0],
    ].map(listOf),
  );
}

interface Convolution {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly pad: Pair;
  readonly dilation: Pair;
  readonly groups: number;
}
function convolution(e: NodeEmitter): Convolution {
  const [, , height, width] = e.inputShape(1);
  return {
    kernel: [e.static(height, "a kernel's height"), e.static(width, "a kernel's width")],
    stride: pairAttribute(e.node, "stride"),
    pad: pairAttribute(e.node, "pad"),
    dilation: pairAttribute(e.node, "dilation", 1),
    groups: "groups" in e.node.attributes ? intAttribute(e.node, "groups") : 1,
  };
}
/** The kernel, and the dilation that is left to say: where tfjs cannot, the kernel's gaps are filled with zeros. */
function spread(w: Code, c: Convolution, can: boolean): { readonly w: Code; readonly c: Convolution } {
  if (can || Math.max(...c.dilation) === 1) return { w, c };
  const kernel: Pair = [c.dilation[0] * (c.kernel[0] - 1) + 1, c.dilation[1] * (c.kernel[1] - 1) + 1];
  return { w: js`dilated(tf, ${w}, ${c.dilation[0]}, ${c.dilation[1]})`, c: { ...c, kernel, dilation: [1, 1] } };
}

function conv2d(e: NodeEmitter): Code {
  const given = convolution(e);
  const { w, c } = spread(e.input(1, kernelLayout), given, Math.max(...given.stride) === 1);
  const pad = padText(c.pad, c.kernel, c.stride, c.dilation);
  const tail = Math.max(...c.dilation) === 1 ? "" : js`, "NHWC", ${pairText(c.dilation)}`;
  const [channels, outputs] = [e.inputShape(0)[1]?.constant, e.outputShape()[1]?.constant];
  const x = e.input(0, last);
  if (c.groups === 1) return js`tf.conv2d(${x}, ${w}, ${pairText(c.stride)}, ${pad}${tail})`;
  if (channels === c.groups && outputs !== undefined) {
    const shape = listOf([...c.kernel, c.groups, outputs / c.groups]);
    return js`tf.depthwiseConv2d(${x}, tf.reshape(${w}, ${shape}), ${pairText(c.stride)}, ${pad}${tail})`;
  }
  const part = js`tf.conv2d(part, kernel, ${pairText(c.stride)}, ${pad}${tail})`;
  return js`inGroups(tf, ${c.groups}, ${x}, ${w}, (part, kernel) => ${part})`;
}

/** The adjoint of a convolution whose kernel is `[C, O, H, W]`: `C` its outputs, `O` its inputs. */
function conv2dTranspose(e: NodeEmitter): Code {
  const { w, c } = spread(e.input(1, kernelLayout), convolution(e), false);
  const [batch, channels, height, width] = e.outputShape();
  const one = channels && e.static(channels, "the channels of a transposed convolution") / c.groups;
  const pad = padText(c.pad, c.kernel, c.stride);
  const make = (x: Part, kernel: Part): Code => {
    const shape = listOf([e.size(batch), e.size(height), e.size(width), one ?? 1]);
    return js`tf.conv2dTranspose(${x}, ${kernel}, ${shape}, ${pairText(c.stride)}, ${pad})`;
  };
  const x = e.input(0, last);
  if (c.groups === 1) return make(x, w);
  return js`inGroups(tf, ${c.groups}, ${x}, ${w}, (part, kernel) => ${make("part", "kernel")})`;
}

interface Pool {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly pad: Pair;
}
function poolOf(node: Node): Pool {
  return {
    kernel: pairAttribute(node, "kernel"),
    stride: pairAttribute(node, "stride"),
    pad: pairAttribute(node, "pad"),
  };
}

/** Rank 4 at most has a kernel; what has more is decomposed. */
const normRow: Row = {
  has: (node) => (node.outputs[0]?.shape.length ?? 0) <= 4,
  layout(node) {
    const order = channelsLast(node.outputs[0]?.shape.length ?? 0);
    return { kind: "fixed", inputs: [order], outputs: [order] };
  },
  emit(e) {
    const order = channelsLast(e.outputShape().length);
    const [weight, bias, mean, variance] = [1, 2, 3, 4].map((i) => e.input(i)) as [Code, Code, Code, Code];
    const eps = numberAttribute(e.node, "eps");
    const x = e.input(0, order);
    return [{ code: js`tf.batchNorm(${x}, ${mean}, ${variance}, ${bias}, ${weight}, ${eps})`, layout: order }];
  },
};

function mapSize(e: NodeEmitter, shape: Shape): Code {
  return js`${listOf([e.size(shape[2]), e.size(shape[3])])}`;
}

export const windowRows: Table = {
  conv2d: onMaps([last, kernelLayout], conv2d),
  conv2d_transpose: onMaps([last, kernelLayout], conv2dTranspose),
  max_pool2d: onMaps([last], (e) => {
    const { kernel, stride, pad } = poolOf(e.node);
    return js`tf.maxPool(${e.input(0, last)}, ${pairText(kernel)}, ${pairText(stride)}, ${padText(pad, kernel, stride)})`;
  }),
  // Padding counts as zeros here, and as nothing in tfjs.
  avg_pool2d: onMaps([last], (e) => {
    const { kernel, stride, pad } = poolOf(e.node);
    const by = listOf(
      [
        [0, 0],
        [pad[0], pad[0]],
        [pad[1], pad[1]],
        [0, 0],
      ].map(listOf),
    );
    const x = Math.max(...pad) === 0 ? e.input(0, last) : js`tf.pad(${e.input(0, last)}, ${by})`;
    return js`tf.avgPool(${x}, ${pairText(kernel)}, ${pairText(stride)}, "valid")`;
  }),
  batch_norm_eval: normRow,
  resize: onMaps(
    [last],
    (e) => js`tf.image.resizeBilinear(${e.input(0, last)}, ${mapSize(e, e.outputShape())}, false, true)`,
  ),
  affine_grid: {
    layout: () => ({ kind: "fixed", inputs: [], outputs: [] }),
    emit(e) {
      const [, rows, columns] = e.outputShape();
      const sizes = listOf([e.size(rows), e.size(columns)]);
      return [{ code: js`affineGrid(tf, ${e.input(0)}, ${sizes})`, layout: undefined }];
    },
  },
  grid_sample: onMaps([last], (e) => js`gridSample(tf, ${e.input(0, last)}, ${e.input(1)})`),
  roi_pool2d: onMaps(
    [last],
    (e) => js`roiPool(tf, ${e.input(0, last)}, ${e.input(1)}, ${mapSize(e, e.outputShape())})`,
  ),
};

/** Elementwise operators, reductions, shapes and products as calls of tfjs. */
import {
  booleanAttribute,
  dimAttribute,
  dimsAttribute,
  intAttribute,
  intsAttribute,
  numberAttribute,
} from "../../compiler/ops/attributes.ts";
import { Dim, type Shape } from "../../compiler/types/dim.ts";
import { isFloat } from "../../compiler/types/tensor.ts";
import { inLayout, type Layout, type LayoutRule, orderOf, placeOf, withoutAxes } from "../layout.ts";
import { turnedFrom } from "../products.ts";
import { type Code, js, listOf } from "./code.ts";
import { type NodeEmitter, type Produced, type Row, scalar, type Table, tfType } from "./emitter.ts";

const shared = (): LayoutRule => ({ kind: "shared" });
const any = (): LayoutRule => ({ kind: "any" });
const logical = (): LayoutRule => ({ kind: "fixed", inputs: [], outputs: [] });

/** An operator whose operands stretch to one shape. */
function elementwise(make: (e: NodeEmitter, operands: readonly Code[]) => Code): Row {
  return {
    layout: shared,
    emit(e) {
      const layout = e.layout();
      const rank = e.outputShape().length;
      return [
        {
          code: make(
            e,
            e.node.inputs.map((value) => e.operand(value, rank, layout)),
          ),
          layout,
        },
      ];
    },
  };
}
/** A function of tfjs by this name. */
function call(name: string): Row {
  return elementwise((_, operands) => js`tf.${name}(${operands.flatMap((x, i) => (i === 0 ? x : [", ", ...x]))})`);
}
/** An operator in the order that its tensors share. */
function inOrder(make: (e: NodeEmitter, layout: Layout) => Code): Row {
  return { layout: shared, emit: (e) => [{ code: make(e, e.layout()), layout: e.layout() }] };
}
/** An operator over logical orders. */
function plain(make: (e: NodeEmitter) => Code): Row {
  return { layout: logical, emit: (e) => [{ code: make(e), layout: undefined }] };
}

function reduction(name: string): Row {
  return {
    layout: (node) => (booleanAttribute(node, "keepdims") ? { kind: "shared" } : { kind: "any" }),
    emit(e) {
      const axes = intsAttribute(e.node, "axis");
      const keep = booleanAttribute(e.node, "keepdims");
      const from: Produced = keep ? { code: e.input(0, e.layout()), layout: e.layout() } : e.graph.any(e.source(0));
      if (axes.length === 0) return [from];
      const places = axes.map((axis) => placeOf(from.layout, axis)).sort((a, b) => a - b);
      const code = js`tf.${name}(${from.code}, ${listOf(places)}${keep ? ", true" : ""})`;
      return [{ code, layout: keep ? from.layout : withoutAxes(from.layout, e.inputShape(0).length, axes) }];
    },
  };
}

/** The operand of a product, with transposes of its last two axes turned into a flag of the product. */
function matrix(
  e: NodeEmitter,
  index: number,
): { readonly code: Code; readonly shape: Shape; readonly turned: boolean } {
  let [value, turned] = [e.source(index), false];
  for (let inner = turnedFrom(value); inner !== undefined; inner = turnedFrom(value))
    [value, turned] = [inner, !turned];
  const { shape } = value.node.outputs[value.index] ?? { shape: [] };
  return { code: e.graph.value(value), shape, turned };
}
/** tfjs repeats whole batches of matrices, and pairs those of like shape; other stretching comes before. */
function matmul(e: NodeEmitter): Code {
  const operands = [matrix(e, 0), matrix(e, 1)];
  const batch = e.outputShape().slice(0, -2);
  const fits = operands.map(({ shape }) => {
    const own = shape.slice(0, -2);
    const isSame = own.length === batch.length && own.every((dim, i) => batch[i]?.equals(dim) === true);
    return isSame || own.every((dim) => dim.constant === 1);
  });
  const [x, y] = operands.map(({ code, shape }, i) =>
    fits[i] === true ? code : js`tf.broadcastTo(${code}, ${e.graph.shape([...batch, ...shape.slice(-2)])})`,
  );
  const flags = operands.map(({ turned }) => turned);
  const tail = flags.includes(true) ? `, ${flags.map(String).join(", ")}` : "";
  return js`tf.matMul(${x ?? ""}, ${y ?? ""}${tail})`;
}

function pairs(e: NodeEmitter, layout: Layout): Code {
  const [before, after] = [dimsAttribute(e.node, "before"), dimsAttribute(e.node, "after")];
  const rows = before.map((b, i) => listOf([e.size(b), e.size(after[i] ?? Dim.zero)]));
  return js`${listOf(inLayout(layout, rows))}`;
}

/** `tf.slice` of one axis of `code`, whose sizes in this order are `shape`. */
function sliced(e: NodeEmitter, code: Code, layout: Layout): Code {
  const shape = e.outputShape();
  const axis = intAttribute(e.node, "axis");
  const begin = shape.map((_, i) => (i === axis ? e.size(dimAttribute(e.node, "from")) : "0"));
  return js`tf.slice(${code}, ${listOf(inLayout(layout, begin))}, ${e.graph.shape(inLayout(layout, shape))})`;
}

/** An axis of one class has no one-hot form in tfjs; asked for floats, the one of wasm gives none. */
function oneHot(e: NodeEmitter): Code {
  const count = dimAttribute(e.node, "count");
  const at = e.input(0);
  if (count.constant !== undefined && count.constant >= 2)
    return js`tf.cast(tf.oneHot(${at}, ${e.size(count)}), "float32")`;
  return js`tf.cast(tf.equal(tf.expandDims(${at}, -1), tf.range(0, ${e.size(count)}, 1, "int32")), "float32")`;
}

function cast(e: NodeEmitter, x: Code): Code {
  const [from, to] = [tfType(e.inputType(0)), tfType(e.outputType())];
  if (from === to) return x;
  return to === "bool" ? js`tf.notEqual(${x}, ${scalar(0, from)})` : js`tf.cast(${x}, "${to}")`;
}

function isStill(places: readonly number[]): boolean {
  return places.every((place, i) => place === i);
}

export const plainRows: Table = {
  ...Object.fromEntries(
    ["neg", "abs", "sign", "exp", "log", "sqrt", "sin", "cos", "tanh", "sigmoid", "erf", "relu"].map((op) => [
      op,
      call(op),
    ]),
  ),
  ...Object.fromEntries(
    ["add", "sub", "mul", "div", "mod", "pow", "equal", "less", "greater"].map((op) => [op, call(op)]),
  ),
  min: call("minimum"),
  max: call("maximum"),
  not_equal: call("notEqual"),
  less_equal: call("lessEqual"),
  greater_equal: call("greaterEqual"),
  logical_and: call("logicalAnd"),
  logical_or: call("logicalOr"),
  logical_not: call("logicalNot"),
  select: call("where"),
  cast: elementwise((e, [x = []]) => cast(e, x)),
  stop_gradient: { layout: shared, emit: (e) => [e.graph.any(e.source(0))] },

  sum: reduction("sum"),
  mean: reduction("mean"),
  amax: reduction("max"),
  argmax: {
    layout: any,
    emit(e) {
      const axis = intAttribute(e.node, "axis");
      const from = e.graph.any(e.source(0));
      const code = js`tf.argMax(${from.code}, ${placeOf(from.layout, axis)})`;
      return [{ code, layout: withoutAxes(from.layout, e.inputShape(0).length, [axis]) }];
    },
  },

  reshape: plain((e) => e.graph.reshape(e.input(0), e.outputShape())),
  expand: inOrder((e, layout) => {
    const shape = e.outputShape();
    return js`tf.broadcastTo(${e.operand(e.source(0), shape.length, layout)}, ${e.graph.shape(inLayout(layout, shape))})`;
  }),
  transpose: {
    layout: any,
    emit(e) {
      const from = e.graph.any(e.source(0));
      const layout = e.layout();
      const order = intsAttribute(e.node, "order");
      const places = orderOf(layout, order.length).map((axis) => placeOf(from.layout, order[axis] ?? 0));
      return [{ code: isStill(places) ? from.code : js`tf.transpose(${from.code}, ${listOf(places)})`, layout }];
    },
  },
  concat: inOrder((e, layout) => {
    const xs = e.node.inputs.map((value) => e.graph.value(value, layout));
    return js`tf.concat(${listOf(xs)}, ${placeOf(layout, intAttribute(e.node, "axis"))})`;
  }),
  stack: plain(
    (e) => js`tf.stack(${listOf(e.node.inputs.map((value) => e.graph.value(value)))}, ${intAttribute(e.node, "axis")})`,
  ),
  split: {
    layout: shared,
    emit(e) {
      const layout = e.layout();
      const parts = e.node.outputs.length;
      const code = js`tf.split(${e.input(0, layout)}, ${parts}, ${placeOf(layout, intAttribute(e.node, "axis"))})`;
      return e.graph.several("part", code, parts).map((part) => ({ code: part, layout }));
    },
  },
  slice: inOrder((e, layout) => sliced(e, e.input(0, layout), layout)),
  pad: inOrder((e, layout) => {
    const value = numberAttribute(e.node, "value");
    return js`tf.pad(${e.input(0, layout)}, ${pairs(e, layout)}${value === 0 ? "" : `, ${String(value)}`})`;
  }),
  flip: inOrder((e, layout) => js`tf.reverse(${e.input(0, layout)}, ${placeOf(layout, intAttribute(e.node, "axis"))})`),
  gather: inOrder((e, layout) => {
    return js`tf.gather(${e.input(0, layout)}, ${e.input(1)}, ${placeOf(layout, intAttribute(e.node, "axis"))})`;
  }),
  one_hot: plain(oneHot),
  iota: plain((e) => js`tf.range(0, ${e.size(dimAttribute(e.node, "count"))}, 1, "int32")`),
  matmul: plain(matmul),
  axis_size: {
    layout: any,
    emit(e) {
      const size = e.size(dimAttribute(e.node, "of"));
      return [{ code: isFloat(e.outputType()) ? [`(${size})`] : js`tf.scalar(${size}, "int32")`, layout: undefined }];
    },
  },
};

/** Rows of elementwise operators, reductions, shapes and contractions. */
import type { Node, Value } from "../../compiler/graph/graph.ts";
import { typeOf } from "../../compiler/graph/graph.ts";
import { Dim, type Shape } from "../../compiler/types/dim.ts";
import type { NodeEmitter, Produced, Row, Table } from "./emitter.ts";
import { inLayout, type Layout, orderOf, placeOf, withoutAxes } from "../layout.ts";
import { turnedFrom } from "../products.ts";
import { attr, type TfValue } from "./nodes.ts";
import type { TfType } from "./proto.ts";

const shared = () => ({ kind: "shared" }) as const;
const any = () => ({ kind: "any" }) as const;
export const logical = () => ({ kind: "fixed", inputs: [], outputs: [] }) as const;

export function plain(value: TfValue): readonly Produced[] {
  return [{ value, layout: undefined }];
}

/** Sources of expanded operands, wherever the others still give the result its whole shape. */
function unexpanded(e: NodeEmitter): readonly Value[] {
  const result = e.outputShape();
  let sources = [...e.node.inputs];
  for (let i = 0; i < sources.length; i++) {
    const value = sources[i];
    const inner = value?.node.op === "expand" ? value.node.inputs[0] : undefined;
    if (inner === undefined) continue;
    const tried = sources.map((s, j) => (j === i ? inner : s));
    if (
      broadcastsTo(
        tried.map((v) => typeOf(v).shape),
        result,
      )
    )
      sources = tried;
  }
  return sources;
}
function broadcastsTo(shapes: readonly Shape[], result: Shape): boolean {
  return result.every((size, axis) => {
    const fromEnd = result.length - axis;
    return (
      shapes.some((s) => fromEnd <= s.length && s[s.length - fromEnd]?.equals(size) === true) || size.constant === 1
    );
  });
}

/** An elementwise operator over operands that broadcast. */
function elementwise(make: (e: NodeEmitter, operands: readonly TfValue[]) => TfValue): Row {
  return {
    layout: shared,
    emit(e) {
      const layout = e.sharedLayout();
      const rank = e.outputShape().length;
      const operands = unexpanded(e).map((v) => e.operand(v, rank, layout));
      return [{ value: make(e, operands), layout }];
    },
  };
}
const unary = (op: string) => elementwise((e, [x]) => e.graph.unary(op, x as TfValue));
const binary = (op: string) => elementwise((e, [x, y]) => e.graph.binary(op, x as TfValue, y as TfValue));
const compare = (op: string, attributes = {}) =>
  elementwise((e, [x, y]) =>
    e.tf.one(op, [x as TfValue, y as TfValue], "bool", { T: attr.type((x as TfValue).type), ...attributes }),
  );
const logic = (op: string) => elementwise((e, operands) => e.tf.one(op, operands, "bool", {}));
const pass: Row = { layout: shared, emit: (e) => [e.graph.any(e.source(0))], lazy: true };

function reduction(op: string): Row {
  return {
    layout: (node) => (node.attributes["keepdims"] === true ? { kind: "shared" } : { kind: "any" }),
    emit(e) {
      const axes = e.ints("axis");
      const keep = e.flag("keepdims");
      const from = keep ? { value: e.input(0, e.sharedLayout()), layout: e.sharedLayout() } : e.graph.any(e.source(0));
      const rank = e.inputShape(0).length;
      const places = axes.map((axis) => placeOf(from.layout, axis)).sort((a, b) => a - b);
      const value = e.tf.one(op, [from.value, e.tf.ints(places)], from.value.type, {
        T: attr.type(from.value.type),
        Tidx: attr.type("i32"),
        keep_dims: attr.bool(keep),
      });
      return [{ value, layout: keep ? from.layout : withoutAxes(from.layout, rank, axes) }];
    },
  };
}

/** The operand of a product, with transposes of its last two axes turned into a flag of the product. */
function matrix(e: NodeEmitter, index: number): { readonly value: TfValue; readonly turned: boolean } {
  let [value, turned] = [e.source(index), false];
  for (let inner = turnedFrom(value); inner !== undefined; inner = turnedFrom(value))
    [value, turned] = [inner, !turned];
  return { value: e.graph.value(value), turned };
}
function axisRow(make: (e: NodeEmitter, layout: Layout) => readonly TfValue[]): Row {
  return {
    layout: shared,
    emit(e) {
      const layout = e.sharedLayout();
      return make(e, layout).map((value) => ({ value, layout }));
    },
  };
}

/** Both ends of a padding, axis by axis in this order. */
export function paddings(e: NodeEmitter, before: readonly Dim[], after: readonly Dim[]): TfValue {
  const known = [...before, ...after].every((d) => d.constant !== undefined);
  if (known)
    return e.tf.constant(
      before.flatMap((b, i) => [b.constant ?? 0, after[i]?.constant ?? 0]),
      "i32",
      [before.length, 2],
    );
  const rows = before.map((b, i) => e.graph.shape([b, after[i] ?? Dim.zero]));
  return e.tf.one("Pack", rows, "i32", { T: attr.type("i32"), N: attr.int(rows.length), axis: attr.int(0) });
}

/** `Slice` by one axis in memory; other axes are kept whole. */
export function sliceAxis(e: NodeEmitter, x: TfValue, rank: number, place: number, from: Dim, size: Dim): TfValue {
  const zero = Array.from({ length: rank }, () => Dim.zero);
  const begin = e.graph.shape(zero.map((d, i) => (i === place ? from : d)));
  const whole = Dim.of(-1);
  const sizes = e.graph.shape(zero.map((_, i) => (i === place ? size : whole)));
  return e.tf.one("Slice", [x, begin, sizes], x.type, { T: attr.type(x.type), Index: attr.type("i32") });
}

function swapsToFront(rank: number, axis: number): { readonly there: number[]; readonly back: number[] } {
  const there = [axis, ...Array.from({ length: rank }, (_, i) => i).filter((i) => i !== axis)];
  return { there, back: there.map((_, i) => there.indexOf(i)) };
}

export function segmentSum(e: NodeEmitter, data: TfValue, at: TfValue, count: TfValue): TfValue {
  return e.tf.one("UnsortedSegmentSum", [data, at, count], data.type, {
    T: attr.type(data.type),
    Tindices: attr.type(at.type),
    Tnumsegments: attr.type("i32"),
  });
}

export const basicRows: Table = {
  neg: unary("Neg"),
  abs: unary("Abs"),
  sign: unary("Sign"),
  exp: unary("Exp"),
  log: unary("Log"),
  sqrt: unary("Sqrt"),
  sin: unary("Sin"),
  cos: unary("Cos"),
  tanh: unary("Tanh"),
  sigmoid: unary("Sigmoid"),
  erf: unary("Erf"),
  relu: elementwise((e, [x]) => {
    const source = e.source(0);
    const fused = source.node.op.startsWith("batch_norm") && e.graph.onlyReader(source) !== undefined;
    return e.tf.one(
      "Relu",
      [x as TfValue],
      (x as TfValue).type,
      { T: attr.type((x as TfValue).type) },
      { chained: !fused },
    );
  }),
  logical_not: logic("LogicalNot"),
  stop_gradient: pass,
  cast: elementwise((e, [x]) => e.graph.cast(x as TfValue, e.outputType())),
  add: binary("AddV2"),
  sub: binary("Sub"),
  mul: binary("Mul"),
  div: binary("RealDiv"),
  mod: binary("FloorMod"),
  pow: binary("Pow"),
  min: binary("Minimum"),
  max: binary("Maximum"),
  equal: compare("Equal", { incompatible_shape_error: attr.bool(true) }),
  not_equal: compare("NotEqual", { incompatible_shape_error: attr.bool(true) }),
  less: compare("Less"),
  less_equal: compare("LessEqual"),
  greater: compare("Greater"),
  greater_equal: compare("GreaterEqual"),
  logical_and: logic("LogicalAnd"),
  logical_or: logic("LogicalOr"),
  select: elementwise((e, operands) =>
    e.tf.one("SelectV2", operands, e.outputType(), { T: attr.type(e.outputType()) }),
  ),
  sigmoid_gradient: axisRow((e, layout) => [e.graph.binary("SigmoidGrad", e.input(0, layout), e.input(1, layout))]),
  relu_gradient: axisRow((e, layout) => [e.graph.binary("ReluGrad", e.input(1, layout), e.input(0, layout))]),

  sum: reduction("Sum"),
  mean: reduction("Mean"),
  amax: reduction("Max"),
  argmax: {
    layout: any,
    emit(e) {
      const axis = e.int("axis");
      const from = e.graph.any(e.source(0));
      const value = e.tf.one("ArgMax", [from.value, e.tf.scalar(placeOf(from.layout, axis), "i32")], "i64", {
        T: attr.type(from.value.type),
        Tidx: attr.type("i32"),
        output_type: attr.type("i64"),
      });
      return [{ value, layout: withoutAxes(from.layout, e.inputShape(0).length, [axis]) }];
    },
  },

  reshape: { layout: logical, emit: (e) => plain(e.graph.reshape(e.input(0), e.outputShape())) },
  expand: {
    layout: shared,
    lazy: true,
    emit(e) {
      const layout = e.sharedLayout();
      const shape = e.outputShape();
      const x = e.operand(e.source(0), shape.length, layout);
      const to = e.graph.shape(inLayout(layout, shape));
      return [
        { value: e.tf.one("BroadcastTo", [x, to], x.type, { T: attr.type(x.type), Tidx: attr.type("i32") }), layout },
      ];
    },
  },
  transpose: {
    layout: any,
    lazy: true,
    emit(e) {
      const from = e.graph.any(e.source(0));
      const rank = e.outputShape().length;
      const layout = e.sharedLayout();
      const order = e.ints("order");
      const places = orderOf(layout, rank).map((axis) => placeOf(from.layout, order[axis] ?? 0));
      const still = places.every((place, i) => place === i);
      return [{ value: still ? from.value : e.graph.transpose(from.value, places), layout }];
    },
  },
  concat: axisRow((e, layout) => {
    const xs = e.node.inputs.map((v) => e.graph.value(v, layout));
    const type = e.outputType();
    const axis = e.tf.scalar(placeOf(layout, e.int("axis")), "i32");
    if (xs.length === 1) return xs;
    return [
      e.tf.one("ConcatV2", [...xs, axis], type, { T: attr.type(type), N: attr.int(xs.length), Tidx: attr.type("i32") }),
    ];
  }),
  stack: {
    layout: logical,
    emit(e) {
      const xs = e.node.inputs.map((v) => e.graph.value(v));
      const type = e.outputType();
      return plain(
        e.tf.one("Pack", xs, type, { T: attr.type(type), N: attr.int(xs.length), axis: attr.int(e.int("axis")) }),
      );
    },
  },
  split: axisRow((e, layout) => {
    const parts = e.node.outputs.length;
    const type = e.outputType();
    const axis = e.tf.scalar(placeOf(layout, e.int("axis")), "i32");
    return e.tf.add(
      "Split",
      [axis, e.input(0, layout)],
      Array.from({ length: parts }, (): TfType => type),
      { T: attr.type(type), num_split: attr.int(parts) },
    );
  }),
  slice: axisRow((e, layout) => {
    const axis = e.int("axis");
    const [from, to] = [e.dim("from"), e.dim("to")];
    return [sliceAxis(e, e.input(0, layout), e.inputShape(0).length, placeOf(layout, axis), from, to.minus(from))];
  }),
  pad: axisRow((e, layout) => {
    const x = e.input(0, layout);
    const by = paddings(e, inLayout(layout, e.dims("before")), inLayout(layout, e.dims("after")));
    const value = e.number("value");
    const attributes = { T: attr.type(x.type), Tpaddings: attr.type("i32") };
    if (value === 0) return [e.tf.one("Pad", [x, by], x.type, attributes)];
    return [e.tf.one("PadV2", [x, by, e.graph.literal([value], x.type, [])], x.type, attributes)];
  }),
  flip: axisRow((e, layout) => {
    const x = e.input(0, layout);
    return [
      e.tf.one("ReverseV2", [x, e.tf.ints([placeOf(layout, e.int("axis"))])], x.type, {
        T: attr.type(x.type),
        Tidx: attr.type("i32"),
      }),
    ];
  }),
  gather: axisRow((e, layout) => {
    const [x, at] = [e.input(0, layout), e.input(1)];
    const axis = e.tf.scalar(placeOf(layout, e.int("axis")), "i32");
    return [
      e.tf.one("GatherV2", [x, at, axis], x.type, {
        Tparams: attr.type(x.type),
        Tindices: attr.type(at.type),
        Taxis: attr.type("i32"),
        batch_dims: attr.int(0),
      }),
    ];
  }),
  gather_gradient: {
    layout: logical,
    emit(e) {
      const axis = e.int("axis");
      const { there, back } = swapsToFront(e.outputShape().length, axis);
      const dy = axis === 0 ? e.input(1) : e.graph.transpose(e.input(1), there);
      const sum = segmentSum(e, dy, e.input(0), e.graph.size(e.dim("size")));
      return plain(axis === 0 ? sum : e.graph.transpose(sum, back));
    },
  },
  one_hot: {
    layout: logical,
    emit(e) {
      const at = e.input(0);
      const type = e.outputType();
      const inputs = [at, e.graph.size(e.dim("count")), e.tf.scalar(1, type), e.tf.scalar(0, type)];
      return plain(
        e.tf.one("OneHot", inputs, type, { T: attr.type(type), TI: attr.type(at.type), axis: attr.int(-1) }),
      );
    },
  },
  iota: {
    layout: logical,
    lazy: true,
    emit(e) {
      const count = e.graph.size(e.dim("count"));
      const range = e.tf.one("Range", [e.tf.scalar(0, "i32"), count, e.tf.scalar(1, "i32")], "i32", {
        Tidx: attr.type("i32"),
      });
      return plain(e.graph.cast(range, e.outputType()));
    },
  },
  matmul: {
    layout: logical,
    emit(e) {
      const [x, y] = [matrix(e, 0), matrix(e, 1)];
      const type = e.outputType();
      if (e.inputShape(0).length === 2 && e.inputShape(1).length === 2) {
        const flags = { transpose_a: attr.bool(x.turned), transpose_b: attr.bool(y.turned) };
        return plain(e.tf.one("MatMul", [x.value, y.value], type, { T: attr.type(type), ...flags }));
      }
      const flags = { adj_x: attr.bool(x.turned), adj_y: attr.bool(y.turned) };
      return plain(e.tf.one("BatchMatMulV2", [x.value, y.value], type, { T: attr.type(type), ...flags }));
    },
  },

  constant: {
    layout: any,
    lazy: true,
    emit(e) {
      const type = e.outputType();
      const values = e.attribute("values") as Float64Array;
      const shape = e.outputShape().map((d) => e.static(d, "the size of a literal"));
      return plain(e.graph.literal(values, type, shape));
    },
  },
  axis_size: {
    layout: any,
    lazy: true,
    emit: (e) => plain(e.graph.cast(e.graph.size(e.dim("of")), e.outputType())),
  },
};

/** The leaf operators whose tensors are declared, not emitted. */
export function isDeclared(node: Node): boolean {
  return node.op === "input" || node.op === "variable";
}

/**
 * The variables of a session: their handles, their start, and the signatures that read and write them in PyTorch's
 * layouts. Weights have no start here: whoever loads the graph sets them, and a run without them fails loudly.
 */
import type { Graph, Variable } from "../../compiler/graph/graph.ts";
import { elementCount } from "../../compiler/types/dim.ts";
import type { TfVariable } from "./emitter.ts";
import { inLayout, type Layout, type Layouts, movesOnlyOnes, orderOf } from "../layout.ts";
import { attr, type TfNodes, type TfValue } from "./nodes.ts";
import type { SignatureDef, TensorInfo, TfShape, TfType } from "./proto.ts";
import { tfShape } from "./emitter.ts";

export interface DeclaredVariable extends TfVariable {
  /** The one node that reads the variable, for all signatures; updates wait for it. */
  readonly read: TfValue;
  /** What a value is as it crosses the border. */
  readonly border: Border;
  /** Feed of `set_weights`, and the output that tells that it was set. */
  readonly feed: TensorInfo;
  readonly set: TensorInfo;
  readonly get: TensorInfo;
}
/** JavaScript's side of an element type: i64 travels as pairs of i32 (low, high), f16, bf16 and f64 as f32. */
export interface Border {
  readonly type: "f32" | "i32" | "bool";
  readonly pairs: boolean;
}
export function borderOf(type: TfType): Border {
  if (type === "i64") return { type: "i32", pairs: true };
  return { type: type === "i32" || type === "bool" ? type : "f32", pairs: false };
}

export function declareVariables(
  tf: TfNodes,
  variables: readonly Variable[],
  graphs: readonly Graph[],
  layouts: ReadonlyMap<Graph, Layouts>,
): readonly DeclaredVariable[] {
  // The first graph that has a variable decides, for all of them: the training graph, where there is one.
  const chosen = new Map<string, Layout>();
  for (const graph of graphs) {
    for (const { path, value } of graph.variables)
      if (!chosen.has(path)) chosen.set(path, layouts.get(graph)?.of(value));
  }
  const declared = variables.map((variable) => {
    const { dtype, shape } = variable.type;
    const layout = chosen.get(variable.path);
    const handle = tf.named(`variables/${variable.path}`, "VarHandleOp", [], "resource", {
      dtype: attr.type(dtype),
      shape: attr.shape(tfShape(inLayout(layout, shape))),
      shared_name: attr.string(variable.path),
      container: attr.string(""),
    });
    return { variable, handle, layout };
  });
  initialise(tf, declared);
  return declared.map((v) => {
    const type = v.variable.type.dtype;
    const read = tf.named(`read/${v.variable.path}`, "ReadVariableOp", [v.handle], type, { dtype: attr.type(type) });
    return { ...v, read, border: borderOf(type), ...setter(tf, v), get: getter(tf, v, read) };
  });
}

/**
 * Optimizer states and counters start by themselves. Constants of a size would be folded into the graph, several copies
 * of each, so everything is filled from the value of one variable, which nothing can fold, one after the other.
 */
function initialise(tf: TfNodes, variables: readonly TfVariable[]): void {
  const own = variables.filter(
    ({ variable: v }) =>
      (v.kind === "optimizer" || v.kind === "counter") && (v.init.kind === "constant" || v.init.kind === "values"),
  );
  const zero = tf.named("init/zero", "VarHandleOp", [], "resource", {
    dtype: attr.type("f32"),
    shape: attr.shape([]),
    shared_name: attr.string("init/zero"),
    container: attr.string(""),
  });
  tf.startChain();
  tf.within("init", () => {
    const assigned = tf.effect("AssignVariableOp", [zero, tf.scalar(0, "f32")], { dtype: attr.type("f32") });
    const read = tf.one("ReadVariableOp", [zero], "f32", { dtype: attr.type("f32") }, { after: [assigned] });
    const made = [assigned];
    for (const { variable, handle, layout } of own) {
      const { dtype, shape } = variable.type;
      const given = variable.init;
      let value: TfValue;
      if (given.kind === "values") {
        value = moved(tf, tf.constant(given.values, dtype, tfShape(shape)), shape, undefined, layout);
      } else if (given.kind === "constant") {
        const start =
          given.value === 0
            ? read
            : tf.one("AddV2", [read, tf.scalar(given.value, "f32")], "f32", { T: attr.type("f32") });
        const typed =
          dtype === "f32"
            ? start
            : tf.one("Cast", [start], dtype, {
                SrcT: attr.type("f32"),
                DstT: attr.type(dtype),
                Truncate: attr.bool(false),
              });
        value = tf.one("Fill", [tf.ints(tfShape(inLayout(layout, shape))), typed], dtype, {
          T: attr.type(dtype),
          index_type: attr.type("i32"),
        });
      } else continue;
      made.push(tf.effect("AssignVariableOp", [handle, value], { dtype: attr.type(dtype) }));
    }
    tf.barrier("init/all", made);
  });
}
/** The node of the start, for `__saved_model_init_op`. */
const INIT = "init/all";

/** Does bringing a tensor into another order move its numbers? */
function transposes(shape: Variable["type"]["shape"], from: Layout, to: Layout): boolean {
  const [a, b] = [orderOf(from, shape.length), orderOf(to, shape.length)];
  return !a.every((axis, i) => axis === b[i]) && !movesOnlyOnes(shape, from, to);
}
function moved(tf: TfNodes, value: TfValue, shape: Variable["type"]["shape"], from: Layout, to: Layout): TfValue {
  const [a, b] = [orderOf(from, shape.length), orderOf(to, shape.length)];
  if (a.every((axis, i) => axis === b[i])) return value;
  if (movesOnlyOnes(shape, from, to)) {
    return tf.one(
      "Reshape",
      [value, tf.ints(tfShape(inLayout(to, shape)))],
      value.type,
      { T: attr.type(value.type), Tshape: attr.type("i32") },
      { chained: false },
    );
  }
  const order = tf.ints(b.map((axis) => a.indexOf(axis)));
  return tf.one(
    "Transpose",
    [value, order],
    value.type,
    { T: attr.type(value.type), Tperm: attr.type("i32") },
    { chained: false },
  );
}
function convert(tf: TfNodes, value: TfValue, to: TfType): TfValue {
  if (value.type === to) return value;
  const pairs = value.type === "i64" || to === "i64";
  const attributes = pairs
    ? { T: attr.type(value.type), type: attr.type(to) }
    : { SrcT: attr.type(value.type), DstT: attr.type(to), Truncate: attr.bool(false) };
  return tf.one(pairs ? "Bitcast" : "Cast", [value], to, attributes, { chained: false });
}
function borderShape(v: TfVariable): TfShape {
  const shape = tfShape(v.variable.type.shape);
  return borderOf(v.variable.type.dtype).pairs ? [...shape, 2] : shape;
}

function setter(tf: TfNodes, v: TfVariable): { readonly feed: TensorInfo; readonly set: TensorInfo } {
  const { path, type } = v.variable;
  const border = borderOf(type.dtype).type;
  const shape = borderShape(v);
  const feed = tf.named(`set/feed/${path}`, "Placeholder", [], border, {
    dtype: attr.type(border),
    shape: attr.shape(shape),
  });
  return tf.within(`set/${path}`, () => {
    const value = moved(tf, convert(tf, feed, type.dtype), type.shape, undefined, v.layout);
    // TensorFlow may adopt the memory of a JavaScript array that happens to be aligned. A transpose has made a tensor of
    // its own already; anything else is copied.
    const own = transposes(type.shape, undefined, v.layout)
      ? value
      : tf.one("DeepCopy", [value], type.dtype, { T: attr.type(type.dtype) }, { chained: false });
    const done = tf.effect("AssignVariableOp", [v.handle, own], { dtype: attr.type(type.dtype) }, { chained: false });
    const told = tf.named(`set/done/${path}`, "Identity", [tf.scalar(0, "i32")], "i32", { T: attr.type("i32") }, [
      done,
    ]);
    return {
      feed: { name: `${feed.node}:0`, dtype: border, shape },
      set: { name: `${told.node}:0`, dtype: "i32", shape: [] },
    };
  });
}
function getter(tf: TfNodes, v: TfVariable, read: TfValue): TensorInfo {
  const { path, type } = v.variable;
  const border = borderOf(type.dtype).type;
  return tf.within(`get/${path}`, () => {
    const value = convert(tf, moved(tf, read, type.shape, v.layout, undefined), border);
    return { name: `${value.node}:0`, dtype: border, shape: borderShape(v) };
  });
}

/** `get_weights`, `set_weights` and the start. */
export function weightSignatures(tf: TfNodes, variables: readonly DeclaredVariable[]): Record<string, SignatureDef> {
  const byPath = (pick: (v: DeclaredVariable) => TensorInfo) =>
    Object.fromEntries(variables.map((v) => [v.variable.path, pick(v)]));
  const all = tf.barrier(
    "set/all",
    variables.map((v) => v.set.name.replace(/:0$/, "")),
  );
  const done = tf.named("set/done_all", "Identity", [tf.scalar(0, "i32")], "i32", { T: attr.type("i32") }, [all]);
  return {
    __saved_model_init_op: { inputs: {}, outputs: { __saved_model_init_op: { name: INIT, dtype: "f32", shape: [] } } },
    get_weights: { inputs: {}, outputs: byPath((v) => v.get) },
    set_weights: {
      inputs: byPath((v) => v.feed),
      outputs: { done: { name: `${done.node}:0`, dtype: "i32", shape: [] } },
    },
  };
}

/** How many numbers some variables hold. */
export function countOf(variables: readonly Variable[]): number {
  return variables.reduce((sum, v) => sum + (elementCount(v.type.shape).constant ?? 0), 0);
}

/** Elementwise operators and reductions in ONNX. Where the two mean different things, the row says how they are made one. */
import { intAttribute, intsAttribute, booleanAttribute, textAttribute } from "../../../compiler/ops/attributes.ts";
import { isFloat } from "../../../compiler/ops/tensor.ts";
import type { DType } from "../../../compiler/graph/graph.ts";
import type { NodeEmitter, Row, Table } from "../emitter.ts";

/** The operator of the same meaning. */
function plain(op: string): Row {
  return (n) => n.one(op, n.inputs);
}

function reduction(op: string): Row {
  return (n) => {
    const axes = n.ints(intsAttribute(n.node, "axis"));
    return n.one(op, [n.input(0), axes], { keepdims: { int: booleanAttribute(n.node, "keepdims") ? 1 : 0 } });
  };
}

/** The rest has the sign of y. ONNX says that of whole numbers only; its rest of floats has the sign of x. */
const mod: Row = (n) => {
  const [x, y] = [n.input(0), n.input(1)];
  if (!isFloat(n.result.dtype)) return n.one("Mod", [x, y]);
  const rest = n.one("Mod", [x, y], { fmod: { int: 1 } });
  const zero = n.scalar(0, n.result.dtype);
  const differs = n.one("Xor", [n.one("Less", [rest, zero]), n.one("Less", [y, zero])]);
  const isRest = n.one("Not", [n.one("Equal", [rest, zero])]);
  return n.one("Where", [n.one("And", [isRest, differs]), n.one("Add", [rest, y]), rest]);
};

/** Engines have no Where of bools. */
const select: Row = (n) => {
  if (n.result.dtype !== "bool") return n.one("Where", n.inputs);
  const [when, x, y] = [n.input(0), n.input(1), n.input(2)];
  return n.one("Or", [n.one("And", [when, x]), n.one("And", [n.one("Not", [when]), y])]);
};

/** Engines compute the cosine in single precision only, the sine in both. */
const cos: Row = (n) => {
  if (n.result.dtype !== "f64") return n.one("Cos", n.inputs);
  return n.one("Sin", [n.one("Add", [n.input(0), n.scalar(Math.PI / 2, "f64")])]);
};

/**
 * Engines cut their Sigmoid off: ONNX Runtime's has three digits at -10 and is 0 below -17. A gate, which only scales other
 * values, is none the worse for it; anywhere else all digits are kept.
 */
const sigmoid: Row = (n) => {
  const { nodes, outputs } = n.emitter.graph;
  const readers = nodes.filter(({ inputs }) => inputs.some(({ node }) => node === n.node));
  const isGate = outputs.every(({ value }) => value.node !== n.node) && readers.every(({ op }) => op === "mul");
  if (isGate) return n.one("Sigmoid", n.inputs);
  const one = n.scalar(1, n.result.dtype);
  return n.one("Div", [one, n.one("Add", [one, n.one("Exp", [n.one("Neg", [n.input(0)])])])]);
};

const argmax: Row = (n) =>
  n.one("ArgMax", n.inputs, { axis: { int: intAttribute(n.node, "axis") }, keepdims: { int: 0 } });

const cast: Row = (n) => n.cast(n.input(0), textAttribute(n.node, "to") as DType);

export function notEqual(n: NodeEmitter): string {
  return n.one("Not", [n.one("Equal", n.inputs)]);
}

export const elementwise: Table = {
  neg: plain("Neg"),
  abs: plain("Abs"),
  sign: plain("Sign"),
  exp: plain("Exp"),
  log: plain("Log"),
  sqrt: plain("Sqrt"),
  sin: plain("Sin"),
  cos,
  tanh: plain("Tanh"),
  sigmoid,
  erf: plain("Erf"),
  relu: plain("Relu"),
  cast,
  logical_not: plain("Not"),
  add: plain("Add"),
  sub: plain("Sub"),
  mul: plain("Mul"),
  div: plain("Div"),
  mod,
  pow: plain("Pow"),
  min: plain("Min"),
  max: plain("Max"),
  equal: plain("Equal"),
  not_equal: notEqual,
  less: plain("Less"),
  less_equal: plain("LessOrEqual"),
  greater: plain("Greater"),
  greater_equal: plain("GreaterOrEqual"),
  logical_and: plain("And"),
  logical_or: plain("Or"),
  select,
  sum: reduction("ReduceSum"),
  mean: reduction("ReduceMean"),
  amax: reduction("ReduceMax"),
  argmax,
};

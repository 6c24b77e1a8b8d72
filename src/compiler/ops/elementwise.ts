/** Operators on each member of one tensor. */
import { textAttribute } from "./attributes.ts";
import { erf } from "./erf.ts";
import type { Backward, GradientRule, OperatorDefinition, Sample } from "./operator.ts";
import { apart, between, given } from "./sample-data.ts";
import type { Numbers, Tensor } from "./tensor.ts";
import { isFloat } from "./tensor.ts";
import type { DType, Value } from "../graph/graph.ts";
import { typeOf } from "../graph/graph.ts";

/** The one gradient and operand of a rule with one output. */
export function single({ gradients, inputs, outputs }: Backward): { dy: Value; x: Value; y: Value } {
  const [dy] = gradients;
  const [x] = inputs;
  const [y] = outputs;
  if (dy === undefined || x === undefined || y === undefined)
    throw new Error("a gradient rule was asked without a gradient");
  return { dy, x, y };
}

type Derivative = (backward: Backward, of: { dy: Value; x: Value; y: Value }) => Value;

function unary(
  name: string,
  loop: (x: Numbers, out: Numbers) => void,
  derivative: Derivative | "none",
  samples: () => readonly Sample[],
): OperatorDefinition {
  const gradient: GradientRule = (backward) => [
    derivative === "none" ? undefined : derivative(backward, single(backward)),
  ];
  return {
    name,
    evaluate(node, [x], evaluation) {
      const out = evaluation.output(node);
      loop(operand(x).data, out.data);
      return [out];
    },
    gradient: derivative === "none" ? "none" : gradient,
    samples,
  };
}
/** A loop over a function of a number; the hot operators spell theirs out, so that the engine can specialise it. */
function each(f: (x: number) => number): (x: Numbers, out: Numbers) => void {
  return (x, out) => {
    for (let i = 0; i < out.length; i++) out[i] = f(x[i]!);
  };
}

/** An input that the signature promises. */
export function operand(tensor: Tensor | undefined): Tensor {
  if (tensor === undefined) throw new Error("an operator was evaluated with too few inputs");
  return tensor;
}

const sample = (name: string, input: Sample["inputs"][number], more: Partial<Sample> = {}): Sample => ({
  name,
  attributes: {},
  inputs: [input],
  ...more,
});
const smooth = (low: number, high: number) => (): readonly Sample[] => [sample("draws", between(low, high, [3, 4]))];

const negate = (x: Numbers, out: Numbers): void => {
  for (let i = 0; i < out.length; i++) out[i] = -x[i]!;
};
/** NaN stays NaN. */
const rectify = (x: Numbers, out: Numbers): void => {
  for (let i = 0; i < out.length; i++) {
    const v = x[i]!;
    out[i] = v <= 0 ? 0 : v;
  }
};
const copy = (x: Numbers, out: Numbers): void => {
  out.set(x);
};

export const neg = unary("neg", negate, ({ emit }, { dy }) => emit.neg(dy), smooth(-2, 2));
/** d|x| = sign(x), 0 at 0. */
export const abs = unary(
  "abs",
  each(Math.abs),
  ({ emit }, { dy, x }) => emit.mul(dy, emit.op("sign", {}, x)),
  () => [
    sample("away from 0", apart(0.5, 2, [3, 4])),
    sample("at 0", given([3], [-2, 0, 3]), { kink: true, expected: { outputs: [[2, 0, 3]], gradients: [[-1, 0, 1]] } }),
  ],
);
export const sign = unary("sign", each(Math.sign), "none", () => [
  sample("all signs", given([5], [-2, -0.5, 0, 1, 7]), { kink: true, expected: { outputs: [[-1, -1, 0, 1, 1]] } }),
]);
export const exp = unary("exp", each(Math.exp), ({ emit }, { dy, y }) => emit.mul(dy, y), smooth(-2, 2));
export const log = unary("log", each(Math.log), ({ emit }, { dy, x }) => emit.div(dy, x), smooth(0.5, 3));
/** d sqrt(x) = 1 / (2 sqrt(x)). */
export const sqrt = unary(
  "sqrt",
  each(Math.sqrt),
  ({ emit }, { dy, y }) => emit.div(emit.scaled(dy, 0.5), y),
  smooth(0.5, 3),
);
export const sin = unary(
  "sin",
  each(Math.sin),
  ({ emit }, { dy, x }) => emit.mul(dy, emit.op("cos", {}, x)),
  smooth(-4, 4),
);
export const cos = unary(
  "cos",
  each(Math.cos),
  ({ emit }, { dy, x }) => emit.neg(emit.mul(dy, emit.op("sin", {}, x))),
  smooth(-4, 4),
);
/** d tanh(x) = 1 - tanh(x)^2. */
export const tanh = unary(
  "tanh",
  each(Math.tanh),
  ({ emit }, { dy, y }) => emit.mul(dy, emit.sub(emit.number(1, y), emit.mul(y, y))),
  () => [
    ...smooth(-2, 2)(),
    sample("saturated", given([2], [-30, 30]), { expected: { outputs: [[-1, 1]], gradients: [[0, 0]] } }),
  ],
);
/** Neither side overflows, and both keep all their digits. */
export function logistic(x: number): number {
  const e = Math.exp(-Math.abs(x));
  return x < 0 ? e / (1 + e) : 1 / (1 + e);
}
/** d sigmoid(x) = sigmoid(x) (1 - sigmoid(x)). */
export const sigmoid: OperatorDefinition = {
  ...unary(
    "sigmoid",
    each(logistic),
    ({ emit }, { dy, y }) => emit.op("sigmoid_gradient", {}, y, dy),
    () => [
      ...smooth(-4, 4)(),
      sample("by hand", given([4], [0, 2, -2, -40]), {
        expected: {
          outputs: [[0.5, 1 / (1 + Math.exp(-2)), 1 / (1 + Math.exp(2)), Math.exp(-40)]],
          gradients: [
            [0.25, 1 / (2 + Math.exp(2) + Math.exp(-2)), 1 / (2 + Math.exp(2) + Math.exp(-2)), Math.exp(-40)],
          ],
        },
      }),
    ],
  ),
  decompose(_, [x], emit) {
    const one = emit.number(1, x!);
    return [emit.div(one, emit.add(one, emit.exp(emit.neg(x!))))];
  },
};
export const sigmoidGradient: OperatorDefinition = {
  name: "sigmoid_gradient",
  evaluate(node, inputs, evaluation) {
    const out = evaluation.output(node);
    const y = operand(inputs[0]).data;
    const dy = operand(inputs[1]).data;
    for (let i = 0; i < dy.length; i++) out.data[i] = dy[i]! * y[i]! * (1 - y[i]!);
    return [out];
  },
  gradient({ inputs: [y, dy], gradients: [dz], needs, emit }) {
    const slope = (): Value => emit.sub(emit.number(1, y!), emit.scaled(y!, 2));
    return [
      needs[0] === true ? emit.mul(emit.mul(dz!, dy!), slope()) : undefined,
      needs[1] === true ? emit.op("sigmoid_gradient", {}, y!, dz!) : undefined,
    ];
  },
  samples: () => [
    { name: "draws", attributes: {}, inputs: [between(0, 1, [3, 4]), between(-2, 2, [3, 4])] },
    {
      name: "given",
      attributes: {},
      inputs: [given([3], [0.5, 0.25, 1]), given([3], [4, 16, 3])],
      expected: {
        outputs: [[1, 3, 0]],
        gradients: [
          [0, 8, -3],
          [0.25, 0.1875, 0],
        ],
      },
    },
  ],
  decompose(_, [y, dy], emit) {
    return [emit.mul(emit.mul(dy!, y!), emit.sub(emit.number(1, y!), y!))];
  },
};
/** d erf(x) = 2 / sqrt(pi) exp(-x^2) (Abramowitz and Stegun 7.1.19). */
export const erfOperator = unary(
  "erf",
  each(erf),
  ({ emit }, { dy, x }) => emit.mul(dy, emit.scaled(emit.exp(emit.neg(emit.mul(x, x))), 2 / Math.sqrt(Math.PI))),
  () => [
    ...smooth(-3, 3)(),
    // Abramowitz and Stegun, table 7.1, ten digits.
    sample("tabled", given([4], [0, 0.5, 1, 2]), {
      expected: { outputs: [[0, 0.5204998778, 0.8427007929, 0.995322265]] },
      tolerance: 1e-7,
    }),
  ],
);

/** The gradient at 0 is 0, as PyTorch has it. */
export const relu: OperatorDefinition = {
  ...unary(
    "relu",
    rectify,
    ({ emit }, { dy, y }) => emit.op("relu_gradient", {}, y, dy),
    () => [
      sample("away from 0", apart(0.5, 2, [3, 4])),
      sample("at 0", given([4], [-2, 0, 0, 3]), {
        kink: true,
        expected: { outputs: [[0, 0, 0, 3]], gradients: [[0, 0, 0, 1]] },
      }),
    ],
  ),
  decompose(_, [x], emit) {
    return [emit.op("max", {}, x!, emit.number(0, x!))];
  },
};
export const reluGradient: OperatorDefinition = {
  name: "relu_gradient",
  evaluate(node, inputs, evaluation) {
    const out = evaluation.output(node);
    const y = operand(inputs[0]).data;
    const dy = operand(inputs[1]).data;
    for (let i = 0; i < dy.length; i++) out.data[i] = y[i]! > 0 ? dy[i]! : 0;
    return [out];
  },
  gradient({ inputs: [y], gradients: [dz], needs, emit }) {
    return [undefined, needs[1] === true ? emit.op("relu_gradient", {}, y!, dz!) : undefined];
  },
  samples: () => [
    {
      name: "mask",
      attributes: {},
      inputs: [given([4], [0, 2, 0, 1]), given([4], [5, 6, 7, 8])],
      kink: true,
      expected: { outputs: [[0, 6, 0, 8]], gradients: [undefined, [0, 1, 0, 1]] },
    },
  ],
  decompose(_, [y, dy], emit) {
    const mask = emit.op("greater", {}, y!, emit.number(0, y!));
    return [emit.mul(emit.cast(mask, typeOf(dy!).dtype), dy!)];
  },
};

/** To an int it cuts towards zero, to a bool it asks whether the number is not 0. */
export const cast: OperatorDefinition = {
  name: "cast",
  evaluate(node, [x], evaluation) {
    const out = evaluation.output(node);
    const to = textAttribute(node, "to");
    const from = operand(x).data;
    if (to === "bool") for (let i = 0; i < from.length; i++) out.data[i] = from[i] === 0 ? 0 : 1;
    else if (isFloat(to as DType)) out.data.set(from);
    else for (let i = 0; i < from.length; i++) out.data[i] = Math.trunc(from[i]!);
    return [out];
  },
  gradient(backward) {
    const { dy, x, y } = single(backward);
    const floats = isFloat(typeOf(x).dtype) && isFloat(typeOf(y).dtype);
    return [floats ? backward.emit.cast(dy, typeOf(x).dtype) : undefined];
  },
  samples: () => [
    {
      name: "int to float",
      attributes: { to: "f32" },
      inputs: [given([3], [-2, 0, 7], "i64")],
      expected: { outputs: [[-2, 0, 7]] },
    },
    {
      name: "float to int cuts",
      attributes: { to: "i64" },
      inputs: [given([4], [-1.75, -0.5, 0.5, 2.75])],
      kink: true,
      expected: { outputs: [[-1, 0, 0, 2]] },
    },
    {
      name: "bool to float",
      attributes: { to: "f32" },
      inputs: [given([3], [1, 0, 1], "bool")],
      expected: { outputs: [[1, 0, 1]] },
    },
    {
      name: "number to bool",
      attributes: { to: "bool" },
      inputs: [given([3], [0, 0.5, -2])],
      kink: true,
      expected: { outputs: [[0, 1, 1]] },
    },
  ],
};

export const stopGradient = unary("stop_gradient", copy, "none", () => [
  sample("draws", between(-1, 1, [2, 3]), { kink: true }),
]);
export const logicalNot = unary(
  "logical_not",
  each((x) => (x === 0 ? 1 : 0)),
  "none",
  () => [sample("both", given([2], [0, 1], "bool"), { expected: { outputs: [[1, 0]] } })],
);

export const elementwiseOperators = [
  ...[neg, abs, sign, exp, log, sqrt, sin, cos, tanh, sigmoid, sigmoidGradient, erfOperator],
  ...[relu, reluGradient, cast, stopGradient, logicalNot],
];

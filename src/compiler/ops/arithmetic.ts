/** Operators on the members of two or three tensors, broadcast from the right. */
import { apart, between, distinct, given } from "./sample-data.ts";
import { operand, single } from "./elementwise.ts";
import { uniformNumber } from "./emit.ts";
import type { Backward, Evaluation, GradientRule, OperatorDefinition, Sample } from "./operator.ts";
import type { Numbers, Tensor } from "./tensor.ts";
import { stretchedStrides, stridesOf, walk } from "./tensor.ts";
import type { Node, Value } from "../graph/graph.ts";
import { typeOf } from "../graph/graph.ts";

/** Places of one row: where each operand starts and how far its next member is. The result's members are neighbours. */
type RowKernel = (
  x: Numbers,
  xo: number,
  xs: number,
  y: Numbers,
  yo: number,
  ys: number,
  out: Numbers,
  o: number,
  n: number,
) => void;

/** A row of any function; the four commonest operators spell theirs out, so that the engine can specialise the loop. */
function rowOf(f: (x: number, y: number) => number): RowKernel {
  return (x, xo, xs, y, yo, ys, out, o, n) => {
    for (let i = 0; i < n; i++) out[o + i] = f(x[xo + i * xs]!, y[yo + i * ys]!);
  };
}
const addRow: RowKernel = (x, xo, xs, y, yo, ys, out, o, n) => {
  for (let i = 0; i < n; i++) out[o + i] = x[xo + i * xs]! + y[yo + i * ys]!;
};
const subRow: RowKernel = (x, xo, xs, y, yo, ys, out, o, n) => {
  for (let i = 0; i < n; i++) out[o + i] = x[xo + i * xs]! - y[yo + i * ys]!;
};
const mulRow: RowKernel = (x, xo, xs, y, yo, ys, out, o, n) => {
  for (let i = 0; i < n; i++) out[o + i] = x[xo + i * xs]! * y[yo + i * ys]!;
};
const divRow: RowKernel = (x, xo, xs, y, yo, ys, out, o, n) => {
  for (let i = 0; i < n; i++) out[o + i] = x[xo + i * xs]! / y[yo + i * ys]!;
};

function evaluateTwo(row: RowKernel, node: Node, inputs: readonly Tensor[], evaluation: Evaluation): readonly Tensor[] {
  const out = evaluation.output(node);
  const x = operand(inputs[0]);
  const y = operand(inputs[1]);
  const strides = [stridesOf(out.shape), stretchedStrides(x.shape, out.shape), stretchedStrides(y.shape, out.shape)];
  walk(out.shape, strides, (n, offsets, steps) => {
    row(x.data, offsets[1]!, steps[1]!, y.data, offsets[2]!, steps[2]!, out.data, offsets[0]!, n);
  });
  return [out];
}

/** Derivatives before the sums over stretched axes, which every rule needs and `binary` adds. */
interface Derivatives {
  x(of: { backward: Backward; dy: Value; x: Value; y: Value; z: Value }): Value | undefined;
  y(of: { backward: Backward; dy: Value; x: Value; y: Value; z: Value }): Value | undefined;
}

function binary(
  name: string,
  row: RowKernel,
  derivatives: Derivatives | "none",
  samples: () => readonly Sample[],
): OperatorDefinition {
  const gradient: GradientRule = (backward) => {
    if (derivatives === "none") return [];
    const { dy, x, y: z } = single(backward);
    const y = backward.inputs[1];
    if (y === undefined) throw new Error(`${name} has two operands`);
    const operands = { backward, dy, x, y, z };
    return [x, y].map((input, index) => {
      if (backward.needs[index] !== true) return undefined;
      const wide = index === 0 ? derivatives.x(operands) : derivatives.y(operands);
      return wide && backward.emit.sumTo(wide, typeOf(input).shape);
    });
  };
  return {
    name,
    evaluate: (node, inputs, evaluation) => evaluateTwo(row, node, inputs, evaluation),
    gradient: derivatives === "none" ? "none" : gradient,
    samples,
  };
}

const two = (
  name: string,
  x: Sample["inputs"][number],
  y: Sample["inputs"][number],
  more: Partial<Sample> = {},
): Sample => ({
  name,
  attributes: {},
  inputs: [x, y],
  ...more,
});
/** The ways in which two shapes can meet. */
function meetings(draw: (shape: readonly number[], salt: number) => Sample["inputs"][number]): readonly Sample[] {
  return [
    two("same shapes", draw([2, 3], 1), draw([2, 3], 2)),
    two("with a scalar", draw([2, 3], 3), draw([], 4)),
    two("scalar first", draw([], 5), draw([2, 3], 6)),
    two("leading axes stretched", draw([2, 3, 4], 7), draw([3, 1], 8)),
    two("both stretched", draw([2, 1, 4], 9), draw([3, 1], 10)),
  ];
}
const anywhere = (): readonly Sample[] => meetings((shape, salt) => between(-2, 2, shape, salt));

export const add = binary("add", addRow, { x: ({ dy }) => dy, y: ({ dy }) => dy }, anywhere);
export const sub = binary(
  "sub",
  subRow,
  { x: ({ dy }) => dy, y: ({ backward, dy }) => backward.emit.neg(dy) },
  anywhere,
);
export const mul = binary(
  "mul",
  mulRow,
  { x: ({ backward: { emit }, dy, y }) => emit.mul(dy, y), y: ({ backward: { emit }, dy, x }) => emit.mul(dy, x) },
  anywhere,
);
/** d(x / y) = dx / y - (x / y) dy / y. */
export const div = binary(
  "div",
  divRow,
  {
    x: ({ backward: { emit }, dy, y }) => emit.div(dy, y),
    y: ({ backward: { emit }, dy, y, z }) => emit.neg(emit.div(emit.mul(dy, z), y)),
  },
  () => meetings((shape, salt) => apart(0.5, 2, shape, salt)),
);
/** x - y floor(x / y): the derivative by y is -floor(x / y) = -(x - z) / y. */
export const mod = binary(
  "mod",
  rowOf((x, y) => {
    const rest = x % y;
    return rest !== 0 && rest < 0 !== y < 0 ? rest + y : rest;
  }),
  {
    x: ({ dy }) => dy,
    y: ({ backward: { emit }, dy, x, y, z }) => emit.neg(emit.mul(dy, emit.div(emit.sub(x, z), y))),
  },
  () => [
    two("signs", given([4], [7.5, -7.5, 7.5, -7.5]), given([4], [2, 2, -2, -2]), {
      expected: {
        outputs: [[1.5, 0.5, -0.5, -1.5]],
        gradients: [
          [1, 1, 1, 1],
          [-3, 4, 4, -3],
        ],
      },
    }),
    two("whole numbers", given([4], [7, -7, 6, 0], "i64"), given([], [3], "i64"), {
      expected: { outputs: [[1, 2, 0, 0]] },
    }),
  ],
);

const powRow: RowKernel = (x, xo, xs, y, yo, ys, out, o, n) => {
  const exponent = y[yo]!;
  if (ys === 0 && exponent === 2) {
    for (let i = 0; i < n; i++) out[o + i] = x[xo + i * xs]! * x[xo + i * xs]!;
  } else {
    for (let i = 0; i < n; i++) out[o + i] = x[xo + i * xs]! ** y[yo + i * ys]!;
  }
};
/**
 * d x^n = n x^(n - 1) dx + x^n log(x) dn. A constant exponent takes a form that is finite wherever the derivative is: 2 x
 * for squares, none for n = 0. A variable one takes 0 where x is 0, for both parts that would be 0 times infinity.
 */
export const pow = binary(
  "pow",
  powRow,
  {
    x({ backward: { emit }, dy, x, y, z }) {
      const exponent = uniformNumber(y);
      if (exponent === undefined) {
        const slope = emit.mul(y, emit.pow(x, emit.sub(y, emit.number(1, y))));
        const zero = emit.number(0, y);
        return emit.mul(dy, emit.select(emit.op("equal", {}, y, zero), zero, slope));
      }
      if (exponent === 0) return undefined;
      if (exponent === 1) return dy;
      if (exponent === 2) return emit.mul(dy, emit.scaled(x, 2));
      if (exponent === 0.5) return emit.div(emit.scaled(dy, 0.5), z);
      return emit.mul(dy, emit.scaled(emit.pow(x, emit.number(exponent - 1, x)), exponent));
    },
    y({ backward: { emit }, dy, x, z }) {
      const isZero = emit.op("equal", {}, x, emit.number(0, x));
      return emit.mul(dy, emit.mul(z, emit.log(emit.select(isZero, emit.number(1, x), x))));
    },
  },
  () => [
    ...meetings((shape, salt) => between(0.5, 2, shape, salt)),
    two("zero base", given([3], [0, 0, 2]), given([3], [2, 1, 3]), {
      kink: true,
      expected: {
        outputs: [[0, 0, 8]],
        gradients: [
          [0, 1, 12],
          [0, 0, 8 * Math.log(2)],
        ],
      },
    }),
  ],
);

/** One half at a tie, else all to the one that won. */
function share(winsX: "less" | "greater"): Derivatives {
  const part = (emit: Backward["emit"], dy: Value, own: Value, other: Value): Value => {
    const { dtype } = typeOf(dy);
    const wins = emit.cast(emit.op(winsX, {}, own, other), dtype);
    const ties = emit.cast(emit.op("equal", {}, own, other), dtype);
    return emit.mul(dy, emit.add(wins, emit.scaled(ties, 0.5)));
  };
  return {
    x: ({ backward: { emit }, dy, x, y }) => part(emit, dy, x, y),
    y: ({ backward: { emit }, dy, x, y }) => part(emit, dy, y, x),
  };
}
const apartAndTied = (outputs: readonly number[], x: readonly number[], y: readonly number[]): readonly Sample[] => [
  two("apart", distinct(0.25, [3, 4], 1), given([4], [0.125, -0.875, 1.0625, -0.4375])),
  two("tied", given([3], [1, 2, 3]), given([3], [2, 2, 2]), {
    kink: true,
    expected: { outputs: [outputs], gradients: [x, y] },
  }),
];
export const min = binary("min", rowOf(Math.min), share("less"), () =>
  apartAndTied([1, 2, 2], [1, 0.5, 0], [0, 0.5, 1]),
);
export const max = binary("max", rowOf(Math.max), share("greater"), () =>
  apartAndTied([2, 2, 3], [0, 0.5, 1], [1, 0.5, 0]),
);

function comparison(
  name: string,
  holds: (x: number, y: number) => boolean,
  expected: readonly number[],
): OperatorDefinition {
  return binary(
    name,
    rowOf((x, y) => (holds(x, y) ? 1 : 0)),
    "none",
    () => [
      two("below, equal, above", given([3], [1, 2, 3]), given([], [2]), {
        kink: true,
        expected: { outputs: [expected] },
      }),
      two("whole numbers, stretched", given([2, 1], [1, 2], "i64"), given([2], [1, 2], "i64"), {
        expected: { outputs: [[1, 1, 2, 2].map((x, i) => (holds(x, [1, 2, 1, 2][i]!) ? 1 : 0))] },
      }),
    ],
  );
}
function logical(name: string, holds: (x: boolean, y: boolean) => boolean): OperatorDefinition {
  return binary(
    name,
    rowOf((x, y) => (holds(x !== 0, y !== 0) ? 1 : 0)),
    "none",
    () => [
      two("all four", given([2, 1], [0, 1], "bool"), given([2], [0, 1], "bool"), {
        expected: {
          outputs: [
            [
              [false, false],
              [false, true],
              [true, false],
              [true, true],
            ].map(([x, y]) => (holds(x!, y!) ? 1 : 0)),
          ],
        },
      }),
    ],
  );
}

/** The members of x where `when` holds, of y elsewhere. */
export const select: OperatorDefinition = {
  name: "select",
  evaluate(node, inputs, evaluation) {
    const out = evaluation.output(node);
    const [when, x, y] = [operand(inputs[0]), operand(inputs[1]), operand(inputs[2])];
    const strides = [stridesOf(out.shape), ...[when, x, y].map((t) => stretchedStrides(t.shape, out.shape))];
    walk(out.shape, strides, (n, offsets, steps) => {
      const [o, wo, xo, yo] = [offsets[0]!, offsets[1]!, offsets[2]!, offsets[3]!];
      const [ws, xs, ys] = [steps[1]!, steps[2]!, steps[3]!];
      for (let i = 0; i < n; i++) {
        out.data[o + i] = when.data[wo + i * ws] === 0 ? y.data[yo + i * ys]! : x.data[xo + i * xs]!;
      }
    });
    return [out];
  },
  gradient({ inputs: [when, x, y], gradients: [dz], needs, emit }) {
    const zero = emit.number(0, dz!);
    return [
      undefined,
      needs[1] === true ? emit.sumTo(emit.select(when!, dz!, zero), typeOf(x!).shape) : undefined,
      needs[2] === true ? emit.sumTo(emit.select(when!, zero, dz!), typeOf(y!).shape) : undefined,
    ];
  },
  samples: () => [
    {
      name: "same shapes",
      attributes: {},
      inputs: [given([4], [1, 0, 0, 1], "bool"), between(-1, 1, [4], 1), between(-1, 1, [4], 2)],
    },
    {
      name: "stretched",
      attributes: {},
      inputs: [given([2, 1], [1, 0], "bool"), between(-1, 1, [3], 3), between(-1, 1, [], 4)],
    },
    {
      name: "whole numbers",
      attributes: {},
      inputs: [given([3], [1, 0, 1], "bool"), given([3], [1, 2, 3], "i64"), given([], [9], "i64")],
      expected: { outputs: [[1, 9, 3]] },
    },
  ],
};

export const arithmeticOperators = [
  ...[add, sub, mul, div, mod, pow, min, max, select],
  comparison("equal", (x, y) => x === y, [0, 1, 0]),
  comparison("not_equal", (x, y) => x !== y, [1, 0, 1]),
  comparison("less", (x, y) => x < y, [1, 0, 0]),
  comparison("less_equal", (x, y) => x <= y, [1, 1, 0]),
  comparison("greater", (x, y) => x > y, [0, 0, 1]),
  comparison("greater_equal", (x, y) => x >= y, [0, 1, 1]),
  logical("logical_and", (x, y) => x && y),
  logical("logical_or", (x, y) => x || y),
];

/** What PyTorch has no layer for, against closed forms and numbers worked out by hand. */
import { describe, expect, it } from "vitest";
import type { Fed } from "../../src/backends/reference/index.ts";
import type { Program } from "../../src/compiler/program.ts";
import { programFrom, run } from "../support/library.ts";

interface Value {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
const row = (...data: number[]): Value => ({ shape: [data.length], data });
const table = (...rows: readonly number[][]): Value => ({
  shape: [rows.length, rows[0]?.length ?? 0],
  data: rows.flat(),
});

interface Case {
  readonly imports?: string;
  /** Element type, and for labels ` in 0 ..< 3`, by argument. */
  readonly types?: Readonly<Record<string, readonly [dtype: string, range: string]>>;
  /** A line before the result. */
  readonly before?: string;
  readonly training?: boolean;
  readonly variables?: (path: string) => number;
}
function modelFor(
  expr: string,
  args: Readonly<Record<string, Value>>,
  { imports = "", types = {}, before = "" }: Case,
): Program {
  const ports = Object.entries(args).map(([name, { shape }]) => {
    const [dtype, range] = types[name] ?? ["f32", ""];
    return `  input ${name}: ${dtype}[${shape.join(", ")}]${range}`;
  });
  return programFrom(`${imports}
model case() {
${ports.join("\n")}
  param zero: f32[1] = zeros()
  ${before}
  let result = ${expr}
  head main {
    loss (zero ^ 2.0)[0]
    predict out = result
  }
  train { batch = 1  epochs = 1  optimize "**" by sgd() at constant(0.0) }
}
`);
}
/** What an expression gives; in evaluation, with every weight at `variables`. */
function valueOf(
  expr: string,
  args: Readonly<Record<string, Value>>,
  given: Case = {},
): { shape: readonly number[]; data: number[] } {
  const program = modelFor(expr, args, given);
  const variables = new Map(
    program.variables.map((v): [string, Fed] => {
      const shape = v.type.shape.map((d) => d.constant ?? NaN);
      const count = shape.reduce((n, d) => n * d, 1);
      return [v.path, { shape, data: new Float64Array(count).fill(given.variables?.(v.path) ?? 0) }];
    }),
  );
  const made = run(program.predict, new Map(Object.entries(args)), variables).outputs.get("out");
  if (made === undefined) throw new Error("nothing came out");
  return { shape: made.shape, data: Array.from(made.data, Number) };
}
function expectClose(actual: readonly number[], expected: readonly number[], digits = 10): void {
  expect(actual.length).toBe(expected.length);
  for (const [i, n] of expected.entries()) expect(actual[i], `member ${String(i)}`).toBeCloseTo(n, digits);
}

const scores = table([2, 0, -1], [0.5, 0.5, 3]);
const labels = { y: ["i64", " in 0 ..< 3"] } as const;
function softmax(z: readonly number[]): number[] {
  const all = z.map(Math.exp);
  const sum = all.reduce((a, b) => a + b, 0);
  return all.map((e) => e / sum);
}
const p = [softmax([2, 0, -1]), softmax([0.5, 0.5, 3])] as const;
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const mean = (...xs: number[]): number => xs.reduce((a, b) => a + b, 0) / xs.length;

describe("losses", () => {
  it("focal_loss is cross entropy times (1 - p)^gamma", () => {
    const [a = 0, b = 0] = [p[0][0], p[1][1]];
    const expected = mean((1 - a) ** 2 * -Math.log(a), (1 - b) ** 2 * -Math.log(b));
    const { data } = valueOf("focal_loss(scores, y) |> reshape([1])", { scores, y: row(0, 1) }, { types: labels });
    expectClose(data, [expected]);
  });

  it("sigmoid_focal_loss weighs both sides", () => {
    const [q, r] = [sigmoid(1.5), sigmoid(-0.5)];
    const expected = mean(0.25 * (1 - q) ** 2 * -Math.log(q), 0.75 * r ** 2 * -Math.log(1 - r));
    const { data } = valueOf("sigmoid_focal_loss(x, y) |> reshape([1])", { x: row(1.5, -0.5), y: row(1, 0) });
    expectClose(data, [expected]);
  });

  it("cross_entropy_ignoring leaves out a number above the classes, or a class", () => {
    const [first, second] = [-Math.log(p[0][2] ?? NaN), -Math.log(p[1][1] ?? NaN)];
    const upTo = (n: number): Case => ({ types: { y: ["i64", ` in 0 ..< ${String(n)}`] } });
    const loss = (expr: string, y: Value, of: Case): number[] =>
      valueOf(`stack(axis: 0)([${expr}(x, y)])`, { x: scores, y }, of).data;
    expectClose(loss("cross_entropy_ignoring(255)", row(2, 1), upTo(256)), [mean(first, second)]);
    expectClose(loss("cross_entropy_ignoring(255)", row(2, 255), upTo(256)), [first]);
    expectClose(loss("cross_entropy_ignoring(255)", row(255, 255), upTo(256)), [0]);
    expectClose(loss("cross_entropy_ignoring(2)", row(2, 1), upTo(3)), [second]);
  });
  it("binary_cross_entropy_each is -log of the chance that was given to what is, a number an entry", () => {
    const given = { x: table([0, Math.log(3)], [Math.log(3), 0]), y: table([1, 1], [0, 0.5]) };
    const [quarter, half, three] = [Math.log(4), Math.log(2), Math.log(4 / 3)];
    expectClose(valueOf("binary_cross_entropy_each(x, y)", given).data, [half, three, quarter, half]);
    expectClose(valueOf("binary_cross_entropy_each(3.0)(x, y)", given).data, [3 * half, 3 * three, quarter, 2 * half]);
  });
  it("dice_loss compares each sample as a whole", () => {
    const args = { p: table([1, 0.5, 0], [0, 0, 0]), y: table([1, 1, 0], [0, 0, 0]) };
    // overlap 1.5, sums 1.5 and 2: 1 - 4 / 4.5; both empty: 0
    expectClose(valueOf("dice_loss(p, y) |> reshape([1])", args).data, [mean(1 - 4 / 4.5, 0)]);
  });

  it("mean_variance is half the squared error of the mean and the variance, weighed", () => {
    const spread = (q: readonly number[], y: number): number => {
      const m = q.reduce((sum, n, j) => sum + j * n, 0);
      const v = q.reduce((sum, n, j) => sum + n * (j - m) ** 2, 0);
      return 0.5 * 0.2 * (m - y) ** 2 + 0.05 * v;
    };
    const { data } = valueOf(
      "mean_variance(softmax(scores), y) |> reshape([1])",
      { scores, y: row(2, 1) },
      { types: labels },
    );
    expectClose(data, [mean(spread(p[0], 2), spread(p[1], 1))]);
  });

  it("ordinal_loss asks a question a step", () => {
    // 4 classes, 3 questions; y = 2: above 0, above 1, not above 2
    const z = [1, 0.5, -2] as const;
    const expected = -Math.log(sigmoid(z[0])) - Math.log(sigmoid(z[1])) - Math.log(1 - sigmoid(z[2]));
    const given = { types: { y: ["i32", " in 0 ..< 4"] } } as const;
    const args = { z: table([...z]), y: row(2) };
    expectClose(valueOf("ordinal_loss(z, y) |> reshape([1])", args, given).data, [expected]);
    expectClose(valueOf("ordinal_rank(z)", { z: table([...z]) }).data, [2]);
  });

  it("contrastive pulls pairs together and pushes others to the margin", () => {
    const args = { d: row(0.5, 0.4, 3), same: row(1, 0, 0) };
    expectClose(valueOf("contrastive(margin: 1.0)(d, same) |> reshape([1])", args).data, [mean(0.25, 0.36, 0)]);
  });

  it("gaussian_labels is a normal distribution over the classes there are", () => {
    const raw = [0, 1, 2].map((j) => Math.exp(-0.5 * ((j - 1) / 0.7) ** 2));
    const sum = raw.reduce((a, b) => a + b, 0);
    const { data } = valueOf("y |> gaussian_labels(0.7)", { y: row(1) }, { types: labels });
    expectClose(
      data,
      raw.map((e) => e / sum),
    );
  });
});

describe("metrics", () => {
  type MetricCase = [expr: string, args: Readonly<Record<string, Value>>, expected: readonly number[], given: Case];
  it.each<MetricCase>([
    ["accuracy(scores, y)", { scores, y: row(0, 1) }, [1, 0], { types: labels }],
    ["top_k_accuracy(2)(scores, y)", { scores, y: row(2, 1) }, [0, 1], { types: labels }],
    ["mae(x, y)", { x: row(1.5, -1), y: row(1, 1) }, [0.5, 2], {}],
    ["squared_error(x, y)", { x: row(1.5, -1), y: row(1, 1) }, [0.25, 4], {}],
    ["cumulative_score(5.0)(x, y)", { x: row(20, 31), y: row(25, 25) }, [1, 0], {}],
    ["binary_accuracy(x, y)", { x: row(0.1, 0.1, -2), y: row(1, 0, 0) }, [1, 0, 1], {}],
    ["iou(x, y)", { x: table([0.9, 0.8, 0.1], [0, 0, 0]), y: table([1, 0, 1], [0, 0, 0]) }, [1 / 3, 1], {}],
    ["expectation(x)", { x: table([0.2, 0.3, 0.5]) }, [1.3], {}],
    ["epsilon_error(x, y, s)", { x: row(3), y: row(1), s: row(2) }, [1 - Math.exp(-0.5)], {}],
  ])("%s", (expr, args, expected, given) => {
    expectClose(valueOf(expr, args, given).data, expected);
  });
});

describe("initialisers", () => {
  const initOf = (init: string, shape: string): unknown =>
    programFrom(
      `model case() {
  input x: f32[B, 1]
  param w: f32[${shape}] = ${init}
  head main { predict out = x * w |> reshape([B * 2 * 3 * 5]) }
}
`.replace(
        "x * w |> reshape([B * 2 * 3 * 5])",
        `x * (w |> reshape([${shape
          .split(", ")
          .map(Number)
          .reduce((a, b) => a * b, 1)}]))`,
      ),
    ).variables[0]?.init;
  it.each([
    ["full(0.25)", "4, 2", { kind: "uniform", low: 0.25, high: 0.25 }],
    ["he_normal()", "8, 3, 5, 5", { kind: "normal", mean: 0, std: Math.sqrt(2 / 200) }],
    ['he_normal("in")', "8, 3, 5, 5", { kind: "normal", mean: 0, std: Math.sqrt(2 / 75) }],
    ["he_uniform()", "8, 3", { kind: "uniform", low: -Math.sqrt(2), high: Math.sqrt(2) }],
    ["xavier_normal(gain: 2.0)", "8, 3, 5, 5", { kind: "normal", mean: 0, std: 2 * Math.sqrt(2 / 275) }],
    ["xavier_uniform()", "8, 4", { kind: "uniform", low: -Math.sqrt(0.5), high: Math.sqrt(0.5) }],
    ["lecun_normal()", "8, 4", { kind: "normal", mean: 0, std: 0.5 }],
    ["uniform_fan_in(4)", "8, 4", { kind: "uniform", low: -0.5, high: 0.5 }],
    ["fan_in_uniform()", "8, 4", { kind: "uniform", low: -0.5, high: 0.5 }],
  ])("%s", (init, shape, expected) => {
    expect(initOf(init, shape)).toEqual(expected);
  });
});

it("linear and embedding start as their `init` says, and as PyTorch's without it", () => {
  const { variables } = programFrom(`model case() {
  input x: f32[B, 16]
  input ids: i64[B] in 0 ..< 5
  let a = x |> linear(2, init: full(0.25)) as set
  let b = x |> linear(2) as free
  let c = ids |> embedding(5, 3, init: full(0.5)) as row_set
  let d = ids |> embedding(5, 3) as row_free
  head main { predict out = concat([a, b, c, d]) }
}
`);
  const starts = new Map(variables.map(({ path, init }) => [path, init]));
  expect(starts.get("set.weight")).toEqual({ kind: "uniform", low: 0.25, high: 0.25 });
  expect(starts.get("free.weight")).toEqual({ kind: "uniform", low: -0.25, high: 0.25 });
  expect(starts.get("row_set.weight")).toEqual({ kind: "uniform", low: 0.5, high: 0.5 });
  expect(starts.get("row_free.weight")).toEqual({ kind: "normal", mean: 0, std: 1 });
});

describe("dropout and its kin", () => {
  const ones: Value = { shape: [40, 10, 5], data: new Array<number>(2000).fill(1) };
  /** In training; the loss is the sum, so that the gradient by `scale` is the sum as well. */
  function trained(expr: string, seed: number): number[] {
    const program = programFrom(`model case() {
  input x: f32[40, 10, 5]
  param scale: f32[40, 10, 5] = zeros()
  let result = scale * x |> ${expr}
  head main { loss sum(axis: [0, 1, 2])(result)  predict out = result }
  train { batch = 1  epochs = 1  optimize "**" by sgd() at constant(0.0) }
}
`);
    const variables = new Map(
      program.variables.map((v): [string, Fed] => {
        const shape = v.type.shape.map((d) => d.constant ?? NaN);
        const value = v.path === "step" ? seed : 1;
        return [v.path, { shape, data: new Float64Array(shape.reduce((n, d) => n * d, 1)).fill(value) }];
      }),
    );
    const inputs = new Map([["x", ones]]);
    expect(new Set(run(program.predict, inputs, variables).outputs.get("out")?.data)).toEqual(new Set([1]));
    if (program.train === undefined) throw new Error("the case has a loss");
    return Array.from(run(program.train, inputs, variables).outputs.get("grad.scale")?.data ?? [], Number);
  }
  it.each([
    ["dropout(0.25)", 1],
    ["dropout_channels(0.25)", 5],
    ["stochastic_depth(0.25)", 50],
  ])("%s drops as one what belongs together, and keeps the mean", (expr, run) => {
    const kept = trained(expr, 3);
    expect(new Set(kept.map((n) => n.toFixed(9)))).toEqual(new Set([(4 / 3).toFixed(9), (0).toFixed(9)]));
    for (let i = 0; i < kept.length; i += run) expect(new Set(kept.slice(i, i + run)).size).toBe(1);
    // within four deviations of the share that is meant
    const draws = kept.length / run;
    const dropped = kept.filter((n) => n === 0).length / kept.length;
    expect(Math.abs(dropped - 0.25)).toBeLessThan(4 * Math.sqrt((0.25 * 0.75) / draws));
    expect(trained(expr, 3)).toEqual(kept);
    expect(trained(expr, 4)).not.toEqual(kept);
  });
});

describe("composition", () => {
  it("repeat gives each round weights of its own", () => {
    const program = modelFor("x |> repeat(3, block(v) => v |> linear(2)) as tower", { x: table([1, 2]) }, {});
    expect(program.variables.filter((v) => v.path.endsWith("weight")).map((v) => v.path)).toEqual(
      [0, 1, 2].map((i) => `tower.${String(i)}.body.linear.weight`),
    );
  });
  it("residual adds its input", () => {
    expectClose(valueOf("x |> residual(block(v) => 2.0 * v)", { x: row(1, -2) }).data, [3, -6]);
  });
  it("unstack gives the steps, stack puts them back", () => {
    const x: Value = { shape: [1, 2, 3], data: [1, 2, 3, 4, 5, 6] };
    expectClose(valueOf("reverse(x |> unstack) |> stack(axis: 1)", { x }).data, [4, 5, 6, 1, 2, 3]);
  });
  it("sum_list and mean_list", () => {
    expectClose(valueOf("mean_list([x, 3.0 * x])", { x: row(1, 2) }).data, [2, 4]);
  });
});

describe("std:blocks", () => {
  const image: Value = { shape: [1, 2, 2, 2], data: [1, 2, 3, 4, -1, 0, 1, 0] };
  const one = (path: string): number => (path.endsWith("running_mean") || path.endsWith("bias") ? 0 : 1);

  it("squeeze_excite weighs channels by their means", () => {
    // means 2.5 and 0; all weights 1, biases 0: hidden 2.5, both gates sigmoid(2.5)
    const { data } = valueOf(
      "image |> squeeze_excite(1) as se",
      { image },
      {
        imports: 'import { squeeze_excite } from "std:blocks"',
        variables: one,
      },
    );
    expectClose(
      data,
      image.data.map((n) => n * sigmoid(2.5)),
    );
  });

  it("inverted_residual expands, filters, projects, and adds where it may", () => {
    // weights 1, statistics (0, 1): expand gives relu6 of the sum of channels in 4 channels, depthwise its 3x3 sums
    const sums = [0, 2, 4, 4];
    const total = Math.min(
      sums.reduce((a, b) => a + b, 0),
      6,
    );
    const unit = 1 / Math.sqrt(1 + 1e-5);
    const wide = sums.map((n) => Math.min(n * unit, 6));
    const deep = Math.min(wide.reduce((a, b) => a + b, 0) * unit, 6);
    const expected = image.data.map((n) => n + 4 * deep * unit);
    const { data } = valueOf(
      "image |> inverted_residual(2, expand: 2) as ir",
      { image },
      {
        imports: 'import { inverted_residual } from "std:blocks"',
        variables: one,
      },
    );
    expect(total).toBe(6);
    expectClose(data, expected);
  });

  it("dense_block keeps what came in and adds growth channels a layer", () => {
    const given = { imports: 'import { dense_block } from "std:blocks"', variables: one };
    const { shape, data } = valueOf("image |> dense_block(3, 2) as db", { image }, given);
    expect(shape).toEqual([1, 8, 2, 2]);
    expectClose(data.slice(0, 8), image.data);
  });

  it("transition halves channels and pixels", () => {
    const { shape, data } = valueOf(
      "image |> transition as t",
      { image },
      {
        imports: 'import { transition } from "std:blocks"',
        variables: one,
      },
    );
    expect(shape).toEqual([1, 1, 1, 1]);
    expectClose(data, [(1 + 2 + 3 + 4 + 1) / 4 / Math.sqrt(1 + 1e-5)]);
  });

  it("inception sets four towers side by side", () => {
    // weights 1: sums of channels s = 0, 2, 4, 4 after relu; a 1x1 gives s, 3x3 and 5x5 over 2 reduced maps give 2 * 10, the pool 3x3 maxima
    const { shape, data } = valueOf(
      "image |> inception([1, 2, 1, 2, 1, 1]) as i",
      { image },
      {
        imports: 'import { inception } from "std:blocks"',
        variables: one,
      },
    );
    expect(shape).toEqual([1, 4, 2, 2]);
    expectClose(data, [0, 2, 4, 4, 20, 20, 20, 20, 20, 20, 20, 20, 5, 5, 5, 5]);
  });

  it("factorized7 looks along one axis, then the other", () => {
    const unit = 1 / Math.sqrt(1 + 1e-5);
    const across = [3, 3, 7, 7].map((n, i) => n + [-1, -1, 1, 1][i]!).map((n) => n * unit);
    const down = (across[0]! + across[2]!) * unit;
    const { data } = valueOf(
      "image |> factorized7(1) as f",
      { image },
      {
        imports: 'import { factorized7 } from "std:blocks"',
        variables: one,
      },
    );
    expectClose(data, [down, down, down, down]);
  });
});

describe("std:transformer", () => {
  it("sinusoidal_positions", () => {
    const expected = [0, 1, 2].flatMap((t) => [Math.sin(t), Math.cos(t), Math.sin(t / 100), Math.cos(t / 100)]);
    const imports = 'import { sinusoidal_positions } from "std:transformer"';
    const { shape, data } = valueOf("sinusoidal_positions(3, 4) * x[0]", { x: row(1) }, { imports });
    expect(shape).toEqual([3, 4]);
    expectClose(data, expected);
  });
  it("a decoder layer sees no later step, and all of the memory", () => {
    const imports = 'import { decoder_layer } from "std:transformer"';
    const shape = [1, 3, 4];
    const x = Array.from({ length: 12 }, (_, i) => Math.sin(i));
    const memory = Array.from({ length: 12 }, (_, i) => Math.cos(3 * i));
    const of = (a: readonly number[], m: readonly number[]): number[] =>
      valueOf(
        "decoder_layer(2, wide: 5)(x, memory) as d",
        { x: { shape, data: a }, memory: { shape, data: m } },
        {
          imports,
          variables: (path) => 0.1 + 0.3 * Math.sin(path.length),
        },
      ).data;
    const changed = (at: number, all: readonly number[]): number[] => all.map((n, i) => (i === at ? n + 1 : n));
    const [base, later, other] = [of(x, memory), of(changed(11, x), memory), of(x, changed(11, memory))];
    expect(later.slice(0, 8)).toEqual(base.slice(0, 8));
    expect(later.slice(8)).not.toEqual(base.slice(8));
    expect(other.slice(0, 4)).not.toEqual(base.slice(0, 4));
  });
});

describe("std:regions", () => {
  // pixel (row, column) of 8 x 8 holds its own x, centres lie at (2 i + 1) / 8 - 1
  const ramp: Value = { shape: [1, 1, 8, 8], data: Array.from({ length: 64 }, (_, i) => (2 * (i % 8) + 1) / 8 - 1) };
  const points: Value = { shape: [1, 2, 2], data: [0.25, -0.125, -0.25, 0.125] };
  const crop = (pool: string): number[] => {
    const imports = 'import { whole, roi_align, roi_pool } from "std:regions"';
    return valueOf(
      "crop",
      { image: ramp, points },
      { imports, before: `let crop: f32[1, 1, 4, 4] = ${pool}(image, points)` },
    ).data;
  };
  const lines = (...columns: number[]): number[] => [0, 1, 2, 3].flatMap(() => columns);

  it("whole is the whole map", () => {
    expectClose(crop("whole"), lines(-0.75, -0.25, 0.25, 0.75));
  });
  it("roi_align reads a box around a mix of points", () => {
    // side 2 / 4 around x = 0.25: samples at 0.25 + (-0.75, -0.25, 0.25, 0.75) / 4
    expectClose(crop("roi_align(center: [1.0, 0.0], scale: 4.0)"), lines(0.0625, 0.1875, 0.3125, 0.4375));
  });
  it("roi_pool takes the maximum of whole pixels", () => {
    // the box is [-0.5, 0.5]: columns 2 to 5, a cell each
    expectClose(crop("roi_pool(center: [0.5, 0.5], scale: 2.0)"), lines(-0.375, -0.125, 0.125, 0.375));
  });
});

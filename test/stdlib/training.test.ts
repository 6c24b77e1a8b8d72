/** Optimizers, clipping and schedules of the library against PyTorch's own, in f64, step by step. */
import { beforeAll, describe, expect, it } from "vitest";
import type { Fed } from "../../src/backends/reference/index.ts";
import type { Program } from "../../src/compiler/program.ts";
import { maxDifference } from "../support/goldens.ts";
import { type GoldenCase, goldenCases, programFrom, run, startOf } from "../support/library.ts";

const tolerance = 1e-12;

/** A weight whose gradient is what is fed: the loss is the sum of their products. */
function program(optimizer: string, schedule: string, more = ""): Program {
  return programFrom(`model case() {
  input g: f32[2, 3]
  param weight: f32[2, 3] = zeros()
  head main {
    loss sum(axis: [0, 1])(weight * g)
    predict out = weight * g
  }
  train { batch = 1  epochs = 1  ${more}  optimize "**" by ${optimizer} at ${schedule} }
}
`);
}
/** The weight after each step; `feed` gives a step's gradient. */
function weights(
  made: Program,
  start: Fed,
  count: number,
  feed: (step: number) => Float64Array,
  perEpoch = 1,
): number[][] {
  if (made.train === undefined) throw new Error("the case has a loss");
  let variables = startOf(
    made,
    new Map([["weight", { dtype: "f64", shape: [2, 3], data: Float64Array.from(start.data, Number) }]]),
  );
  variables.set("steps_per_epoch", { shape: [], data: [perEpoch] });
  return Array.from({ length: count }, (_, step) => {
    const g: Fed = { shape: [2, 3], data: feed(step) };
    const { updates } = run(made.train!, new Map([["g", g]]), variables);
    variables = new Map([...variables, ...updates]);
    return Array.from(variables.get("weight")?.data ?? [], Number);
  });
}

let cases: ReadonlyMap<string, GoldenCase>;
beforeAll(async () => {
  cases = await goldenCases("training");
});
function numbers(name: string, key: string): Float64Array {
  return Float64Array.from(cases.get(name)?.get(key)?.data ?? [NaN], Number);
}

const optimizers: Readonly<Record<string, string>> = {
  sgd: "sgd()",
  sgd_momentum: "sgd(momentum: 0.9, decay: 0.1)",
  sgd_nesterov: "sgd(momentum: 0.9, nesterov: true, decay: 5e-4)",
  adam: "adam()",
  adam_decay: "adam(beta1: 0.5, beta2: 0.9, eps: 1e-3, decay: 0.1)",
  adamw: "adamw(decay: 0.2)",
  rmsprop: "rmsprop()",
  rmsprop_momentum: "rmsprop(alpha: 0.9, momentum: 0.5, decay: 0.1)",
  adagrad: "adagrad(decay: 0.1)",
};
const clips: Readonly<Record<string, string>> = { clip_norm: "clip_norm(0.8)", clip_value: "clip_value(0.3)" };
/** The epoch counts steps there where PyTorch's scheduler is stepped once an epoch. */
const schedules: Readonly<Record<string, string>> = {
  steps: "steps(0.1, at: [2.0, 5.0])",
  exponential: "exponential(0.1, by: 0.7)",
  cosine: "cosine(0.1, until: 8, end: 0.01)",
  polynomial: "polynomial(0.1, until: 6, power: 2.0)",
  one_cycle: "one_cycle(0.1, until: 20)",
};

it("has a case for every golden", () => {
  const here = [optimizers, clips, schedules].flatMap((table) => Object.keys(table));
  expect(here.sort()).toEqual([...cases.keys()].sort());
});

function expectSteps(name: string, made: Program): void {
  const [gradients, after] = [numbers(name, "i.g"), numbers(name, "y")];
  const start: Fed = { shape: [2, 3], data: numbers(name, "w.weight") };
  const seen = weights(made, start, after.length / 6, (step) => gradients.slice(6 * step, 6 * step + 6));
  expect(maxDifference(seen.flat(), after)).toBeLessThan(tolerance);
}
describe("optimizers", () => {
  it.each(Object.entries(optimizers))("%s", (name, text) => {
    expectSteps(name, program(text, "constant(0.05)"));
  });
});
describe("clipping", () => {
  it.each(Object.entries(clips))("%s", (name, text) => {
    expectSteps(name, program("sgd()", "constant(0.05)", `gradients = ${text}`));
  });

  it("takes the norm of all gradients together", () => {
    const made = programFrom(`model case() {
  input g: f32[1]
  param a: f32[1] = zeros()
  param b: f32[1] = zeros()
  head main { loss (3.0 * a * g + 4.0 * b * g)[0]  predict out = a * g }
  train { batch = 1  epochs = 1  gradients = clip_norm(1.0)  optimize "**" by sgd() at constant(1.0) }
}
`);
    const { updates, outputs } = run(made.train!, new Map([["g", { shape: [1], data: [1] }]]), zeroStart(made));
    expect(outputs.get("grad.a")?.data[0]).toBe(3); // what is told of a step is the gradient itself
    expect(updates.get("a")?.data[0]).toBeCloseTo(-3 / (5 + 1e-6), 12);
    expect(updates.get("b")?.data[0]).toBeCloseTo(-4 / (5 + 1e-6), 12);
  });
});
function zeroStart(made: Program): Map<string, Fed> {
  return new Map(
    made.variables.map((v): [string, Fed] => [
      v.path,
      { shape: v.type.shape.map(() => 1), data: [v.path === "steps_per_epoch" ? 1 : 0] },
    ]),
  );
}

/** The rates of the first steps: what plain SGD takes off a weight whose gradient is 1. */
function rates(schedule: string, count: number, perEpoch: number): number[] {
  const ones = new Float64Array(6).fill(1);
  const seen = weights(
    program("sgd()", schedule),
    { shape: [2, 3], data: new Float64Array(6) },
    count,
    () => ones,
    perEpoch,
  );
  return seen.map(([now = NaN], step) => (step === 0 ? 0 : (seen[step - 1]?.[0] ?? NaN)) - now);
}
describe("schedules", () => {
  it.each(Object.entries(schedules))("%s", (name, text) => {
    const expected = numbers(name, "y");
    const [perEpoch = 1] = numbers(name, "i.per_epoch");
    expect(maxDifference(rates(text, expected.length, perEpoch), expected)).toBeLessThan(tolerance);
  });

  it("counts epochs in fractions", () => {
    expect(maxDifference(rates("exponential(1.0, by: 0.25)", 5, 2), [1, 0.5, 0.25, 0.125, 0.0625])).toBeLessThan(
      tolerance,
    );
  });

  it("warm_up goes from 0 to the schedule behind it", () => {
    expect(maxDifference(rates("warm_up(4, constant(0.8))", 6, 1), [0, 0.2, 0.4, 0.6, 0.8, 0.8])).toBeLessThan(
      tolerance,
    );
  });

  it("warm_cosine is a line, then half a cosine", () => {
    const expected = [0, 0.5, 1, 0.5 + 0.5 * Math.cos(Math.PI / 4), 0.5, 0.5 + 0.5 * Math.cos((3 * Math.PI) / 4), 0, 0];
    expect(maxDifference(rates("warm_cosine(1.0, warm: 2, until: 6)", 8, 1), expected)).toBeLessThan(tolerance);
  });
});

describe("lion", () => {
  it("steps by the sign of the mix, and keeps the slower mean", () => {
    // beta1 0.9, beta2 0.99, decay 0.1, rate 0.5; one entry by hand, g = 1 then -0.5
    const made = program("lion(decay: 0.1)", "constant(0.5)");
    const feeds = [new Float64Array(6).fill(1), new Float64Array(6).fill(-0.5)];
    const start: Fed = { shape: [2, 3], data: new Float64Array(6).fill(2) };
    const [first, second] = weights(made, start, 2, (step) => feeds[step] ?? new Float64Array(6));
    expect(first?.[0]).toBeCloseTo(2 * 0.95 - 0.5, 12); // mean 0, mix 0.1 > 0
    expect(second?.[0]).toBeCloseTo(1.4 * 0.95 + 0.5, 12); // mean 0.01, mix 0.009 - 0.05 < 0
  });
});

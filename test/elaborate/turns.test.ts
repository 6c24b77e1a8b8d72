/** Steps that take turns, and sizes that an assert says to be divisible: by hand, in f64. */
import { describe, expect, it } from "vitest";
import { evaluate, type Fed, FeedError } from "../../src/backends/reference/index.ts";
import { Dim } from "../../src/compiler/types/dim.ts";
import { programFrom } from "../support/library.ts";

const one = (value: number): Fed => ({ shape: [1], data: [value] });

describe("steps", () => {
  const program = programFrom(`model duel() {
  input x: f32[1]
  param a: f32[1] = zeros()
  param b: f32[1] = zeros()
  state seen: f32[1] = zeros()
  update seen = seen + 1.0
  head first  { loss (0.5 * a ^ 2 * x)[0] }
  head second { loss (a * b * seen)[0]  predict out = a * b + seen * x }
  train {
    batch = 1  epochs = 1
    step one { optimize "a" for first  by sgd() at constant(0.1) }
    step two { optimize "b" for second by sgd() at constant(0.1) }
  }
}
`);
  const start = new Map<string, Fed>([
    ["a", one(2)],
    ["b", one(3)],
    ["seen", one(5)],
    ["step", { shape: [], data: [0] }],
    ["steps_per_epoch", { shape: [], data: [1] }],
  ]);
  if (program.train === undefined) throw new Error("the model has losses");
  const { outputs, updates } = evaluate(program.train, {
    precision: "f64",
    inputs: new Map([["x", one(1)]]),
    variables: start,
  });
  const value = (name: string): number | undefined => Number(updates.get(name)?.data[0]);

  it("each sees the weights that the one before left, and trains its own alone", () => {
    // a' = 2 - 0.1 * 2; b' = 3 - 0.1 * a' * seen', where the first step has counted seen up
    expect(value("a")).toBeCloseTo(1.8, 12);
    expect(value("b")).toBeCloseTo(3 - 0.1 * 1.8 * 6, 12);
  });
  it("each updates the states it passes", () => {
    expect(value("seen")).toBe(7);
  });
  it("tells of both losses, each where its step met it, and counts one step", () => {
    expect(outputs.get("loss.first.loss")?.data[0]).toBeCloseTo(2, 12);
    expect(outputs.get("loss.second.loss")?.data[0]).toBeCloseTo(1.8 * 3 * 6, 12);
    expect(outputs.get("loss")?.data[0]).toBeCloseTo(2 + 1.8 * 3 * 6, 12);
    expect(value("step")).toBe(1);
  });
});

describe("a size that something divides", () => {
  const h = Dim.variable("H", "", 16);

  it("has exact parts that multiply back", () => {
    const halved = h.floorDividedBy(Dim.of(2)).floorDividedBy(Dim.of(2));
    expect(halved.times(Dim.of(4)).equals(h)).toBe(true);
    expect(
      h
        .minus(Dim.of(3))
        .floorDividedBy(Dim.of(2))
        .plus(Dim.of(2))
        .equals(h.floorDividedBy(Dim.of(2))),
    ).toBe(true);
    expect([h, halved, h.times(h).floorDividedBy(Dim.of(8))].map(String)).toEqual(["H", "H / 4", "H ^ 2 / 8"]);
    expect(h.asVariable).toEqual({ name: "H", key: "H" });
  });
  it("takes multiples only", () => {
    expect(h.floorDividedBy(Dim.of(8)).evaluate(() => 48)).toBe(6);
    expect(() => h.evaluate(() => 50)).toThrow(/50, which is no multiple of 16/);
  });

  const program = programFrom(`model halves() {
  dim H in 4 ..= 12
  assert H % 4 == 0, "two halvings"
  input x: f32[B, 1, H, 4]
  let small = x |> max_pool(2) |> max_pool(2)
  let large: f32[B, 1, H, 4] = small |> upsample(scale: 4)
  head main { predict out = x + large }
}
`);
  const fed = (height: number): Map<string, Fed> =>
    new Map([["x", { shape: [1, 1, height, 4], data: new Float64Array(4 * height).fill(1) }]]);
  const run = (height: number): unknown =>
    evaluate(program.predict, { precision: "f64", inputs: fed(height), variables: new Map() }).outputs.get("out")
      ?.shape;

  it("is checked where it is fed", () => {
    expect(run(8)).toEqual([1, 1, 8, 4]);
    expect(() => run(6)).toThrow(FeedError);
    expect(() => run(6)).toThrow(/two halvings/);
    expect(() => run(16)).toThrow(/H <= 12/);
  });
});

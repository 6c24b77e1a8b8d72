/** Numbers that follow the step: in training and evaluation, by hand in f64; never in predictions. */
import { describe, expect, it } from "vitest";
import { evaluate, type Fed } from "../../src/backends/reference/index.ts";
import { checkText } from "../support/compile.ts";
import { programFrom } from "../support/library.ts";

const text = (predict: string): string => `
block rising(until: float)(step: i64[], _epoch: f32[]) -> f32[] => min(cast(to: f32)(step) / until, 1.0)
block weighed(x: float[B]) -> float[] => now(rising(10.0)) * (x |> sum(axis: [0]))
block warmed(x: float[B]) -> float[B] => (if training then now(rising(10.0)) else 1.0) * x
model net() {
  input x: f32[B]
  param w: f32[1] = ones()
  let y = w * x
  head main {
    loss near = weighed(y)
    loss far = now(steps(1.0, by: 0.5, at: [2])) * (y |> warmed |> sum(axis: [0]))
    metric weight = now(rising(5.0))
    predict same = ${predict}
  }
  train { batch = 1  epochs = 1  optimize "**" by sgd() at constant(0.0) }
}
`;
const number = (value: number): Fed => ({ shape: [], data: [value] });
const at = (step: number) => ({
  precision: "f64" as const,
  inputs: new Map<string, Fed>([["x", { shape: [2], data: [1, 2] }]]),
  variables: new Map<string, Fed>([
    ["w", { shape: [1], data: [2] }],
    ["step", number(step)],
    ["steps_per_epoch", number(2)],
  ]),
});

describe("now(schedule)", () => {
  const { train, evaluate: graph, predict } = programFrom(text("y"));
  if (train === undefined) throw new Error("the model has losses");

  // y = 2 x, whose sum is 6; two steps an epoch, so that from step 4 on the second epoch is over
  it.each([
    [0, 0, 1],
    [3, 0.3, 1],
    [4, 0.4, 0.5],
    [20, 1, 0.5],
  ])("at step %i weighs by %f and %f, in evaluation too", (step, rising, falling) => {
    const trained = evaluate(train, at(step)).outputs;
    expect(trained.get("loss.main.near")?.data[0]).toBeCloseTo(6 * rising, 6);
    expect(trained.get("loss.main.far")?.data[0]).toBeCloseTo(6 * rising * falling, 6);
    const { outputs } = evaluate(graph, at(step));
    expect(outputs.get("loss.main.near")?.data[0]).toBeCloseTo(6 * rising, 6);
    expect(outputs.get("loss.main.far")?.data[0]).toBeCloseTo(6 * falling, 6); // `training` is false there
    expect(outputs.get("metric.main.weight")?.data[0]).toBeCloseTo(Math.min(step / 5, 1), 6);
  });
  it("leaves the counters out of predictions", () => {
    expect(predict.variables.map((v) => v.path)).toEqual(["w"]);
  });
  it("is refused where a prediction would follow it", () => {
    const found = checkText(text("now(rising(3.0)) * y"));
    expect(found.map((d) => [d.code, d.message])).toEqual([
      ["E0410", "a prediction is the same at every step, and this is made from one that follows it"],
    ]);
    expect(checkText(text("(if training then now(rising(3.0)) else 1.0) * y"))).toEqual([]);
  });
});

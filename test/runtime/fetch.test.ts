/** Values inside a program, by the names that the model gives them. */
import { expect, it } from "vitest";
import { evaluate } from "../../src/backends/reference/index.ts";
import { withFetched } from "../../src/runtime/run/fetch.ts";
import { compileText } from "../support/compile.ts";

const program = compileText(`model net() {
  input x: f32[B, 2]
  target y: f32[B]
  let twice = x * 2.0
  let sides = { plus: x + 1.0, minus: x - 1.0 }
  let unused_in_predictions = x + 5.0
  branch both for s in sides {
    let cubed = s ^ 3
    => cubed |> sum(axis: [1])
  }
  head main {
    let logits = twice |> linear(1) as layer
    let score = logits[:, 0]
    loss mse_loss(score, y)
    predict out = score
    metric off = mae((unused_in_predictions |> sum(axis: [1])) + both.plus, y)
  }
  train { batch = 1  epochs = 1  optimize "**" by sgd() at constant(0.1) }
}
`);
const inputs = new Map([["x", { shape: [1, 2], data: [1, 3] }]]);
const zeros = new Map([
  ["main.layer.weight", { shape: [1, 2], data: [0, 0] }],
  ["main.layer.bias", { shape: [1], data: [0.25] }],
]);

it("gives lets, members of maps, lines and results of branches, and lets of heads", () => {
  const wanted = {
    twice: [2, 6],
    "sides.plus": [2, 4],
    "both.minus.cubed": [0, 8],
    "both.plus": [8 + 64],
    "main.score": [0.25],
    unused_in_predictions: [6, 8],
    out: [0.25],
  };
  const { predict } = withFetched(program, "predict", Object.keys(wanted));
  const { outputs } = evaluate(predict, { precision: "f64", inputs, variables: zeros });
  for (const [name, values] of Object.entries(wanted))
    expect([name, [...(outputs.get(name)?.data ?? [])]]).toEqual([name, values]);
});

it("suggests the nearest name where there is none", () => {
  expect(() => withFetched(program, "predict", ["twise"])).toThrow("No value is called `twise`");
});

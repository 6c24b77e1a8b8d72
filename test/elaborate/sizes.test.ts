/** Open sizes that nothing says which is fed: an error of the model, since no target could run it. */
import { expect, it } from "vitest";
import { spanText } from "../../src/compiler/source/source.ts";
import { checkText, compileText } from "../support/compile.ts";

const painter = (predict: string, rest = "", loss = "(paint(noise) - real) ^ 2 |> mean(axis: [0, 1])"): string => `
model painter() {
  input real: f32[B, 8]
  input code: f32[B, 4]
  shared paint = linear(8)
  let noise: f32[B, 4] = normal()
  head main {
    loss ${loss}
    predict picture = ${predict}
    predict same = code
  }
  train { batch = 8  epochs = 1  optimize "**" by adam() at constant(1e-3) }
}
${rest}`;
const errors = (text: string): readonly string[] =>
  checkText(text)
    .filter((d) => d.severity === "error")
    .map((d) => `${d.code} ${spanText(d.span)}`);

it("lets another prediction's input say the batch", () => {
  const text = painter("paint(noise)");
  expect(errors(text)).toEqual([]);
  expect(compileText(text).predict.ports.map((p) => p.name)).toEqual(["code"]);
});
it("refuses a prediction whose batch is nobody's", () => {
  expect(errors(painter("paint(noise)").replace("    predict same = code\n", ""))).toEqual(["E0412 paint(noise)"]);
});
it("refuses it in a variant, by the variant's name", () => {
  const text = painter("paint(code)", "variant blind of painter { remove main.same  set main.picture = paint(noise) }");
  const found = checkText(text);
  expect(found.map((d) => [d.code, spanText(d.span), d.note])).toEqual([
    ["E0412", "paint(noise)", "(in the variant `blind`)"],
  ]);
});
it("refuses a loss that reads nothing of the batch", () => {
  const text = painter("paint(code)", "", "paint(noise) ^ 2 |> mean(axis: [0, 1])");
  // evaluation has the predictions' inputs, the training step the losses' alone
  expect(errors(text)).toEqual(["E0412 paint(noise) ^ 2 |> mean(axis: [0, 1])"]);
});
it("counts sizes in settings of operators too", () => {
  const text = painter("paint(code)", "", "(x_size() - 1.0) ^ 2").replace(
    "model painter",
    "block x_size() -> f32[] { param w: f32[] = zeros() => w }\nmodel painter",
  );
  const counted = text.replace("(x_size() - 1.0) ^ 2", "(x_size() - 1.0) ^ 2 / B");
  expect(errors(text)).toEqual([]);
  expect(errors(counted)).toEqual(["E0412 (x_size() - 1.0) ^ 2 / B"]);
});

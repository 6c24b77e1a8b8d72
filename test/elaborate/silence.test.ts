/** What a program says is read or refused: nothing is dropped without a word. */
import { describe, expect, it } from "vitest";
import { checkText, compileText, modelOf, paramPaths } from "../support/compile.ts";

const codes = (text: string): readonly string[] => checkText(text).map((d) => d.code);

describe("a second one of a name", () => {
  it.each([
    [
      "loss of a head",
      modelOf("let code = x\n  head two { loss x |> mean(axis: [0, 1])  loss -mean(axis: [0, 1])(x) }"),
    ],
    ["head", modelOf("let code = x\n  head main { predict more = x }")],
    ["member of regions", modelOf("regions r of x -> f32[B, 8] { a = relu  a = tanh }\n  let code = r.a")],
    ["key of a map", modelOf("let sizes = { a: 1, a: 2 }\n  let code = x |> linear(sizes.a)")],
    ["field of train", modelOf("let code = x").replace("batch = 4", "batch = 4  batch = 8")],
    ["field of data", modelOf('let code = x\n  data { x = columns(["a"])  x = columns(["b"]) }')],
    [
      "output, added by a variant",
      `${modelOf("let code = x")}variant again of net { add in main predict scores = logits }`,
    ],
  ])("%s is an error", (_, text) => {
    expect(codes(text)).toContain("E0214");
  });
});

it("an output outside a head is an error", () => {
  expect(codes(modelOf("let code = x\n  metric size = mean(axis: [1])(x)"))).toEqual(["E0411"]);
});

it("a primitive of one's own is an error", () => {
  expect(codes(modelOf("let code = x", "prim twice(x: float[...S]) -> float[...S]"))).toEqual(["E0227"]);
});

it("the `if` of a head's `for` is read", () => {
  const head = 'head side for k: z in { a: x, b: x } if k == "b" { loss cross_entropy(z |> linear(4), label) }';
  const paths = paramPaths(compileText(modelOf(`let code = x\n  ${head}`)));
  expect(paths.filter((p) => p.startsWith("side."))).toEqual(["side.b.linear.weight", "side.b.linear.bias"]);
});

it("what `check` refuses is not compiled", () => {
  expect(() =>
    compileText(modelOf("let code = x\n  head two { loss mean(axis: [0, 1])(x)  loss -mean(axis: [0, 1])(x) }")),
  ).toThrow("E0214");
});

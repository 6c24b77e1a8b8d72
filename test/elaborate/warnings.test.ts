/** What is right but does nothing gets a word, each thing its own; what does something gets none. */
import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { check } from "../../src/compiler/compile.ts";
import { spanText } from "../../src/compiler/source/source.ts";
import { TestHost } from "../support/trees.ts";
import { checkText } from "../support/compile.ts";

const found = (text: string): readonly string[] => checkText(text).map((d) => `${d.code} ${spanText(d.span)}`);
const inBlock = (lines: string, rest = ""): string =>
  `${rest}block b(x: float[B, D]) -> float[B, D] {\n${lines}\n  => x\n}\n`;
const inModel = (lines: string, head = "", train = ""): string => `
block two(x: float[B, D]) -> (float[B, D], float[B, D]) => (2.0 * x, -x)
model net(width: int = 8) {
  input x: f32[B, 8]
  target y: f32[B]
  ${lines}
  head main {
    ${head}
    let guess = (x |> linear(width) as first |> linear(1) as second)[:, 0]
    loss mse_loss(guess, y)
    predict value = guess
  }
  train { batch = 4  epochs = 1  ${train} optimize "**" by sgd() at constant(0.1) }
}
`;

describe("a name that nothing reads", () => {
  it.each([
    ["an import", `import { stage } from "std:resnet"\n${inBlock("")}`, ["E0701 stage"]],
    ["an import by another name", `import { stage as s } from "std:resnet"\n${inBlock("")}`, ["E0701 s"]],
    ["a let", inBlock("  let z = x * 2.0"), ["E0701 z"]],
    ["one of a pattern", inBlock("  let (z, w) = (x, x)\n  let _v = z"), ["E0701 w"]],
    ["a param", inBlock("  param w: float[D] = ones()"), ["E0701 w"]],
    ["a state", inBlock("  state s: float[D] = zeros()"), ["E0701 s"]],
    ["a shared block", inBlock("  shared f = linear(8)"), ["E0701 f"]],
    ["a loop's name", inBlock("  let _z = [x for i in 0 ..< 2]"), ["E0701 i"]],
    ["a loop's key", inBlock("  let _z = [v for k: v in { a: x }]"), ["E0701 k"]],
    ["a setting", "block b(n: int)(x: float[B, D]) -> float[B, D] => x", ["E0701 n"]],
    ["a tensor", "block b(x: float[B, D], z: float[B, D]) -> float[B, D] => x", ["E0701 z"]],
    ["a parameter of a function", "fn f(n: int) -> int => 2", ["E0701 n"]],
    [
      "a parameter of a model",
      inModel("").replace("width: int = 8", "width: int = 8, depth: int = 3"),
      ["E0701 depth"],
    ],
    ["an input", inModel("input z: f32[B, 2]"), ["E0701 z"]],
    ["a target", inModel("target z: f32[B, 2]"), ["E0701 z"]],
    ["a let of a head", inModel("", "let z = x * 2.0"), ["E0701 z"]],
  ])("%s", (_, text, warnings) => {
    expect(found(text)).toEqual(warnings);
  });
  it("says so by an underscore, and is quiet", () => {
    expect(found(inBlock("  let _z = x * 2.0\n  param _w: float[D] = ones()"))).toEqual([]);
    expect(found(inModel("let _z = x |> linear(8)\n  input _u: f32[B, 2]"))).toEqual([]);
  });
});

describe("a part that reaches no output", () => {
  it.each([
    ["a let", "let z = x |> linear(8)", ["E0702 z"]],
    ["lets of a pattern", "let (z, w) = x |> two", ["E0702 z", "E0702 w"]],
    ["a chain of them", "let z = x |> linear(8)\n  let w = z |> relu", ["E0702 z", "E0702 w"]],
    ["a branch", "branch p for z in { a: x } => z |> linear(2)", ["E0702 p"]],
    ["a region", "regions r of x -> f32[B, 8] { a = relu }", ["E0702 relu"]],
  ])("%s", (_, lines, warnings) => {
    expect(found(inModel(lines))).toEqual(warnings);
  });
});

describe("weights that no loss moves", () => {
  const stopped = inModel("", "let z = x |> linear(1) as still |> stop_gradient |> sum(axis: [1])").replace(
    "mse_loss(guess, y)",
    "mse_loss(guess + z, y)",
  );
  it("are named", () => {
    const [only, ...rest] = checkText(stopped);
    expect(rest).toEqual([]);
    expect([only?.code, only?.message]).toEqual(["E0703", "no loss moves main.still.weight, main.still.bias"]);
  });
  it("may be meant to stand still", () => {
    expect(found(stopped.replace("train {", 'train { freeze "main.still.**" '))).toEqual([]);
  });
});

describe("a side of an `if` that is never taken", () => {
  it.each([
    ["2 > 1", ["E0704 -x"]],
    ["1 == 2", ["E0704 x"]],
    ["D >= 1", ["E0704 -x"]], // a size is one at least
    ["not true", ["E0704 x"]],
    ["training", []],
    ["D > 3", []],
    ["n > 3", []],
    ["use", []],
  ])("if %s", (condition, warnings) => {
    const text = `block b(n: int = 1, use: bool = true)(x: float[B, D]) -> float[B, D] {
  let _read = [n, use]
  => if ${condition} then x else -x
}`;
    expect(found(text)).toEqual(warnings);
  });
});

describe("the models of the project", () => {
  it.each(readdirSync("models").filter((name) => name.endsWith(".arch")))("%s has no word said about it", (name) => {
    const file = `models/${name}`;
    expect(check(new TestHost(file), file).diagnostics.map((d) => `${d.code} ${d.message}`)).toEqual([]);
  });
});

/** The names of weights: labels, lets, blocks, loops, slots, sharing. */
import { expect, it } from "vitest";
import { checkText, compileText, modelOf, paramPaths } from "../support/compile.ts";

function paths(lines: string, before = ""): readonly string[] {
  return paramPaths(compileText(modelOf(lines, before)))
    .filter((p) => !p.startsWith("main.") && p.endsWith(".weight"))
    .map((p) => p.slice(0, -".weight".length));
}

it("names the only layer of a let after the let", () => {
  expect(paths("let code = x |> linear(8) |> relu")).toEqual(["code"]);
});
it("names several by let and block, and labels outright", () => {
  expect(paths("let code = x |> linear(8) as first |> relu |> linear(8)")).toEqual(["first", "code.linear"]);
});
it("names layers of a body's result after their blocks", () => {
  const block = "block twice(w: int)(x: float[B, D]) -> float[B, w] => x |> linear(w) as up |> relu |> linear(w)";
  expect(paths("let code = x |> twice(8)", block)).toEqual(["code.up", "code.linear"]);
});
it("names the rounds of a loop by their keys", () => {
  expect(paths("let code = fold y = x for _ in 0 ..< 2 => y |> linear(8)")).toEqual(["code.0.linear", "code.1.linear"]);
  expect(paths("let code = fold y = x for w in { early: 8, late: 16 } => y |> linear(w)")).toEqual([
    "code.early.linear",
    "code.late.linear",
  ]);
});
it("names what a slot holds after the slot", () => {
  const block = `block inner(w: int)(x: float[B, D]) -> float[B, w] => x |> linear(w)
block outer(w: int, unit: block(w: int)(x: float[B, D]) -> float[B, w] = inner)(x: float[B, D]) -> float[B, w] => x |> unit(w)`;
  expect(paths("let code = x |> outer(8)", block)).toEqual(["code.unit.linear"]);
  expect(paths("let code = x |> outer(8, unit: linear)", block)).toEqual(["code.unit"]);
});
it("gives a shared block one set of weights", () => {
  expect(paths("shared f = linear(8)\n  let code = f(f(x))")).toEqual(["f"]);
});
it("draws count for no name", () => {
  expect(paths("let code = x |> dropout(0.5) |> linear(8)")).toEqual(["code"]);
});
it("lets both sides of a static if carry the let's name", () => {
  expect(paths("let code = if true then x |> linear(8) else x |> linear(16)")).toEqual(["code"]);
});
it("refuses two layers of one name", () => {
  const found = checkText(modelOf("let code = x |> linear(8) |> linear(8)"));
  expect(found.map((d) => d.code)).toEqual(["E0405"]);
});
it("drops parameters that nothing depends on", () => {
  expect(paramPaths(compileText(modelOf("let code = x |> linear(8, use_bias: false)")))).not.toContain("code.bias");
  const still = compileText(modelOf("let code = x |> linear(8)"));
  expect(still.variables.some((v) => v.kind === "optimizer")).toBe(false); // no momentum, no velocity
});

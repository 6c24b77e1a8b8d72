/** What the check of a block for all uses leaves to each of them: `archc check --strict` lists it. */
import { expect, it } from "vitest";
import { spanText } from "../../src/compiler/source/source.ts";
import { check } from "../../src/compiler/compile.ts";
import { textHost } from "../support/compile.ts";

function left(text: string): readonly string[] {
  const { diagnostics, perUse } = check(textHost({ "net.arch": text }), "net.arch");
  expect(diagnostics.filter((d) => d.severity === "error")).toEqual([]);
  return perUse.map(({ span, callee, what }) => `${spanText(span)}: ${callee ?? "here"} needs ${what}`);
}

it("is a condition of a layer that the block's own settings decide", () => {
  expect(left("block b(n: int)(x: float[B, C, H, W]) -> float[B, C, H, W] => x |> conv(C, groups: n)\n")).toEqual([
    "conv(C, groups: n): conv needs C % groups == 0",
    "conv(C, groups: n): conv needs out % groups == 0",
    "conv(C, groups: n): conv needs groups >= 1",
  ]);
});

it("is an equation between two sizes that need not agree", () => {
  expect(left("block b(x: float[B, C], y: float[B, D]) -> float[B, C] => x + (y |> reshape([B, C]))\n")).toEqual([
    "reshape([B, C]): reshape needs prod(S) == prod(to)",
  ]);
});

it("is what a loop of any number of rounds gives", () => {
  expect(
    left("block b(n: int)(x: float[B, C]) -> float[B, C] => fold y = x for i in 0 ..< n => y |> linear(C * (i + 1))\n"),
  ).toContain("fold y = x for i in 0 ..< n => y |> linear(C * (i + 1)): here needs the same type after each round");
});

it("is nothing where all sizes are settled", () => {
  expect(left("block b(out: int)(x: float[B, C]) -> float[B, out] => x |> linear(out) |> relu\n")).toEqual([]);
});

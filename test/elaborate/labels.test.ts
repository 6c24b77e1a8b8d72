/** Labels that say no range where one is needed. */
import { describe, expect, it } from "vitest";
import { mend } from "../../src/compiler/mend.ts";
import { checkText, textHost } from "../support/compile.ts";

const net = (target: string, lines: string, rest = ""): string => `
model net(classes: int = 10) {
  input  x:     f32[B, 8]
  input  ids:   i64[B, 2]
  target label: ${target}
  let table = [x |> linear(8) as first, x |> linear(8) as second]
  head main {
    let logits = table[0] + table[1] |> linear(classes)
    ${lines}
    predict scores = logits
    predict same = ids
  }
  train { batch = 4  epochs = 1  optimize "**" by sgd() at constant(0.1) }
}
${rest}`;
const messages = (text: string): readonly string[] => checkText(text).map((d) => `${d.code} ${d.message}`);

describe("a range that is needed and not said", () => {
  it.each([
    ["loss cross_entropy(logits, label)", "cross_entropy"],
    ["loss cross_entropy(logits, label)  metric right = accuracy(logits, label)", "cross_entropy"],
    ["loss focal_loss(logits, cast(to: i64)(label) |> reshape([B]))", "focal_loss"],
  ])("%s", (lines, callee) => {
    expect(messages(net("i32[B]", lines))).toEqual([
      `E0705 \`${callee}\` takes numbers of 0 ..< 10, and nothing says that those of \`label\` are`,
    ]);
  });
  it("is said at the label, once, also from inside a block", () => {
    const block = "block lost(l: float[B, K], y: int[B]) -> float[] => cross_entropy(l, y)\n";
    const [only, ...rest] = checkText(block + net("i32[B]", "loss lost(logits, label)"));
    expect(rest).toEqual([]);
    expect(only?.code).toBe("E0705");
  });
  it("is written by an edit", () => {
    const text = net("i32[B]", "loss cross_entropy(logits, label)");
    const { text: mended, diagnostics } = mend(textHost({ "net.arch": text }), "net.arch");
    expect(mended).toContain("target label: i32[B] in 0 ..< 10\n");
    expect(diagnostics).toEqual([]);
  });
  it.each([
    ["a range", net("i32[B] in 0 ..< classes", "loss cross_entropy(logits, label)")],
    ["what is computed", net("i32[B]", "loss cross_entropy(logits, label - 1)")],
    ["columns with ranges of their own", net("i32[B, 2]", "loss cross_entropy(logits, label[:, 0])")],
    ["numbers that are no classes", net("f32[B, 10]", "loss mse_loss(logits, label)")],
  ])("no word about %s", (_, text) => {
    expect(messages(text)).toEqual([]);
  });
  it("is said of the model, not again of its variants", () => {
    const text = net("i32[B]", "loss cross_entropy(logits, label)", "variant more of net { set classes = 12 }");
    expect(messages(text)).toHaveLength(1);
  });
});

describe("the range of a let", () => {
  const rows = (lines: string): readonly string[] => messages(net("i32[B] in 0 ..< classes", lines));

  it("may be wider than what comes in, which then may be anywhere in it", () => {
    const lines =
      "let seen: i32[B] in 0 ..< 12 = label  let code = seen |> embedding(12, 4)  loss mse_loss(code, code)";
    expect(rows(lines)).toEqual([]);
    expect(rows(lines.replace("embedding(12", "embedding(11"))).toEqual([
      "E0307 `count` is 11, and the numbers that come in are 0 ..< 12",
    ]);
  });
  it("cannot be narrower, at either end", () => {
    const end = (range: string): readonly string[] =>
      rows(`let seen: i32[B] in ${range} = label  let code = seen |> embedding(99, 4)  loss mse_loss(code, code)`);
    expect(end("0 ..< 9")).toEqual(["E0304 `seen` is declared i32[B] in 0 ..< 9, and this is i32[B] in 0 ..< 10"]);
    expect(end("1 ..= 9")).toEqual(["E0304 `seen` is declared i32[B] in 1 ..< 10, and this is i32[B] in 0 ..< 10"]);
    expect(end("0 ..= 9")).toEqual([]);
  });
  it("is given to what is computed, which has none", () => {
    const lines =
      "let kept: i32[B] in 0 ..< 9 = min(label, 8)  let code = kept |> embedding(9, 4)  loss mse_loss(code, code)";
    expect(rows(lines)).toEqual([]);
    expect(rows(lines.replace("embedding(9", "embedding(8"))).toEqual([
      "E0307 `count` is 8, and the numbers that come in are 0 ..< 9",
    ]);
  });
});

it("are held to their range in a pass over other inputs, too", () => {
  const found = checkText(`model net() {
  input  codes: i32[B] in 0 ..< 5
  input  wide:  i32[B] in 0 ..< 50
  target y: f32[B, 4]
  head main {
    let rows = codes |> embedding(5, 4)
    loss mse_loss(rows, y)
    predict others = rows with { codes: wide }
  }
  train { batch = 4  epochs = 1  optimize "**" by sgd() at constant(0.1) }
}
`);
  expect(found.map((d) => d.code)).toEqual(["E0307"]);
});

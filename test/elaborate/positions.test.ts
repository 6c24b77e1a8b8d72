/** Settings by position and by name: calls in the order of other libraries are errors that say what to write instead. */
import { describe, expect, it } from "vitest";
import { spanText } from "../../src/compiler/source/source.ts";
import { checkText, modelOf } from "../support/compile.ts";

const before = `import { attention, encoder_layer } from "std:transformer"
import { lstm } from "std:rnn"
import { stage, bottleneck } from "std:resnet"
block gated(out: int, rate: float = 0.1, deep: int = 1)(x: float[B, D]) -> float[B, out]
  => x |> linear(out * deep / deep) |> dropout(rate)
block plugged(f: block(out: int, deep: int)(x: float[B, D]) -> float[B, out])(x: float[B, D]) -> float[B, 8] => x |> f(8, 2)
block one(rate: float = 0.1)(x: float[B, D]) -> float[B, D] => x |> dropout(rate)
block plain(w: float[...S], g: float[...S], rate: f32[]) -> float[...S] => w - rate * g
`;
const parts = `input image: f32[B, 64, 8, 8]
  input seq: f32[B, 10, 64]
  input ids: i64[B, 10] in 0 ..< 1000
  let code = x
  let tried = `;
const errors = (line: string) => checkText(modelOf(parts + line, before)).filter((d) => d.severity === "error");

describe("the order of other libraries", () => {
  it.each([
    ["image |> conv(3, 64, 3)", "E0229", "64", "conv(64, kernel: 3)"],
    ["image |> conv(64, 128, 3, 2, 1)", "E0229", "128", "conv(128, kernel: 3, stride: 2, pad: 1)"],
    ["image |> conv_transpose(64, 32, 2, stride: 2)", "E0229", "32", "conv_transpose(32, kernel: 2, stride: 2)"],
    ["x |> linear(128, 10)", "E0229", "10", "linear(10)"],
    ["(x, x) |> bilinear(64, 64, 10)", "E0229", "64", "bilinear(10)"],
    ["image |> batch_norm(64)", "E0229", "64", "batch_norm\n"],
    ["image |> instance_norm(64)", "E0229", "64", "instance_norm\n"],
    ["image |> group_norm(32, 64)", "E0229", "64", "it comes with the tensor:   group_norm(32)"],
    ["image |> max_pool(3, 2)", "E0229", "2", "max_pool(3, stride: 2)"],
    ["seq |> attention(64, 8)", "E0229", "8", "attention(8)"],
    ["seq |> unstack |> lstm(64, 128)", "E0216", "128", "lstm(128)"],
    ["x |> layer_norm(64)", "E0310", "layer_norm(64)", "the size of what comes in is not written"],
    ["x |> rms_norm(64)", "E0310", "rms_norm(64)", "the size of what comes in is not written"],
    ["image |> prelu(64)", "E0310", "prelu(64)", "the size of what comes in is not written"],
    ["seq |> encoder_layer(64, 8)", "E0310", "encoder_layer(64, 8)", "the size of what comes in is not written"],
    ["x |> dropout(50)", "E0310", "dropout(50)", "fraction"],
    ["image |> batch_norm(eps: 64)", "E0310", "batch_norm(eps: 64)", "the size of what comes in is not written"],
    ["ids |> embedding(64, 1000)", "E0307", "embedding(64, 1000)", "count: 1000"],
    ["x |> gated(8, 0.5)", "E0229", "0.5", "gated(8, rate: 0.5)"],
  ])("%s", (line, code, place, help) => {
    const found = errors(line);
    expect(found.map((d) => `${d.code} ${spanText(d.span)}`)).toEqual([`${code} ${place}`]);
    expect(`${found[0]?.help ?? ""}\n`).toContain(help);
  });

  it.each([
    ["adam(1e-3)", "by adam() at constant(1e-3)"],
    ["sgd(0.1, 0.9)", "by sgd() at constant(0.1)"],
    ["lion(1e-4)", "by lion() at constant(1e-4)"],
  ])("by %s", (optimizer, help) => {
    const found = checkText(modelOf("let code = x").replace("by sgd()", `by ${optimizer}`));
    expect(found.map((d) => d.code)).toEqual(["E0229"]);
    expect(found[0]?.help).toContain(help);
  });

  it("offers no edit, since nobody can tell what was meant", () => {
    expect(errors("image |> conv(3, 64, 3)")[0]?.fixes).toEqual([]);
  });
});

describe("by position all the same", () => {
  it.each([
    "x |> leaky_relu(0.2)", // the only setting
    "x |> softmax(1) |> one(0.5)",
    "seq |> transpose([0, 2, 1])",
    "ids |> embedding(1000, 8)",
    "ids |> embedding(1024, 8)", // room to spare
    "x |> plugged(gated)", // in a slot's words
    "image |> stage(8, unit: bottleneck(groups: 2))",
    "image |> conv(8, init: normal(0.0, 0.02))", // a source
  ])("%s", (line) => {
    expect(errors(line).map((d) => d.message)).toEqual([]);
  });
});

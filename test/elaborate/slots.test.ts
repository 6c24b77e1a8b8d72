/** Blocks given for block parameters: what can fit in no use is refused at the argument, everything else is left to the use. */
import { describe, expect, it } from "vitest";
import { spanText } from "../../src/compiler/source/source.ts";
import { checkText, modelOf } from "../support/compile.ts";

const before = `import { stage, bottleneck } from "std:resnet"
block gated(act: block(x: float[...S]) -> float[...S] = relu)(x: float[B, D]) -> float[B, D] => x |> act
block joined(by: block(a: float[B, D], b: float[B, D]) -> float[B, E])(x: float[B, D]) -> float[B, E] => by(x, -x)
block mapped(f: block(x: float[B, C, H, W]) -> float[B, C, H, W])(x: float[B, D]) -> float[B, D]
  => (x[:, :, new, new] |> f)[:, :, 0, 0]
block sliced(f: block(x: float[B, 8]) -> float[B, 4])(x: float[B, D]) -> float[B, 4] => x |> f
block two(f: block(x: float[B, D]) -> (float[B, D], float[B, D]))(x: float[B, D]) -> float[B, D] {
  let (a, b) = x |> f
  => a + b
}
block wide(out: int, deep: int = 1)(x: float[B, D]) -> float[B, out] => x |> linear(out * deep / deep)
block nine(x: float[B, 9]) -> float[B, 4] => x[:, 0 ..< 4]
fn pick(f: block(x: float[...S]) -> float[...S]) -> int => 1
`;
const images = "let image = x |> linear(256) |> reshape([B, 4, 8, 8])\n  let code = image |> ";
const found = (line: string): readonly string[] =>
  checkText(modelOf(line, before))
    .filter((d) => d.severity === "error")
    .map((d) => `${d.code} ${spanText(d.span)} ${d.message}`);

describe("a block that fits in no use", () => {
  it.each([
    ["x |> gated(linear)", "linear", "its `out` would stay open"],
    ["x |> gated(act: pairwise_distance)", "pairwise_distance", "it takes 2 tensors"],
    ["x |> gated(zeros())", "zeros()", "it takes no tensor"],
    ["x |> gated(argmax(axis: 1))", "argmax(axis: 1)", "it gives i64[...reduced(S, [axis], false)]"],
    ["x |> gated(embedding(4, 8))", "embedding(4, 8)", "its `ids` is int[...S] in 0 ..< count"],
    ["x |> gated(global_avg_pool)", "global_avg_pool", "it gives float[B, C]"],
    [
      "x |> gated(block(p: float[...S], q: float[...S]) => p + q)",
      "block(p: float[...S], q: float[...S]) => p + q",
      "2",
    ],
    ["x |> joined(relu)", "relu", "it takes 1 tensor"],
    ["x |> mapped(linear(8))", undefined, ""],
    ["x |> mapped(cross_entropy)", "cross_entropy", "it takes 2 tensors"],
    ["x |> mapped(global_avg_pool)", "global_avg_pool", "it gives float[B, C]"],
    ["x |> mapped(max_pool1d(2))", "max_pool1d(2)", "its `x` is float[B, C, T]"],
    ["x |> sliced(nine)", "nine", "its `x` is float[B, 9]"],
    ["x |> two(relu)", "relu", "it gives float[...S]"],
    ["x |> linear(pick(concat))", "concat", "its `xs` is list[any[...]]"],
  ])("%s", (line, place, why) => {
    const errors = found(`let code = ${line}`);
    if (place === undefined) expect(errors).toEqual([]);
    else {
      expect(errors).toHaveLength(1);
      expect(errors[0]).toContain(`E0228 ${place} `);
      expect(errors[0]).toContain(why);
    }
  });
  it.each([
    ["stage(8, unit: linear) |> global_avg_pool", "linear", "it has no setting `stride`"],
    ["stage(8, unit: relu) |> global_avg_pool", "relu", "it has no setting `out`"],
    ["stage(8, unit: bottleneck(8)) |> global_avg_pool", "bottleneck(8)", "its `out` is set already"],
    ["conv(8, init: relu) |> global_avg_pool", "relu", "it takes 1 tensor"],
    ["repeat(2, global_avg_pool) |> flatten", "global_avg_pool", "it gives float[B, C]"],
    ["residual(max_pool) |> flatten", "max_pool", "its `kernel` would stay open"],
  ])("%s", (line, place, why) => {
    const errors = found(images + line);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(`E0228 ${place} `);
    expect(errors[0]).toContain(why);
  });
  it("is refused as a default and as a model's parameter too", () => {
    const text = modelOf("let code = x |> f", before).replace(
      "net()",
      "net(f: block(x: float[...S]) -> float[...S] = linear)",
    );
    expect(
      checkText(text)
        .filter((d) => d.severity === "error")
        .map((d) => `${d.code} ${spanText(d.span)}`),
    ).toEqual(["E0228 linear"]);
    const block = "block odd(f: block() -> float[...S] = relu)(x: float[B, D]) -> float[B, D] => x";
    expect(checkText(block).map((d) => `${d.code} ${spanText(d.span)}`)).toContain("E0228 relu");
  });
});

describe("a block that some use may suit", () => {
  it.each([
    "x |> gated(linear(8))", // the run has one axis, and the sizes are equal in this use
    "x |> gated(flatten)",
    "x |> gated(softmax(1))",
    "x |> gated(block(z: float[...S]) => 2.0 * z)",
    "x |> gated(block(z) => 2.0 * z)",
    "x |> gated(block(z: float[N, E]) => bilinear(8)(z, z))",
    "x |> mapped(conv(8))",
    "x |> mapped(adaptive_avg_pool(1))",
    "x |> sliced(wide(4))",
    "x |> sliced(linear(4, use_bias: false))",
  ])("%s", (line) => {
    expect(found(`let code = ${line}`)).toEqual([]);
  });
  it("keeps the library's own: units, initialisers, pools", () => {
    expect(found(`${images}stage(8, unit: bottleneck(groups: 2)) |> global_avg_pool`)).toEqual([]);
    expect(found(`${images}conv(8, init: xavier_uniform(gain: 2.0)) |> global_avg_pool`)).toEqual([]);
    expect(found(`${images}conv(8, init: normal(0.0, 0.02)) |> global_avg_pool`)).toEqual([]);
  });
});

/** Legal programs of odd forms, each against what it comes to by hand: folds, collections, sharing, element types, states. */
import { describe, expect, it } from "vitest";
import { evaluate, type Fed } from "../../src/backends/reference/index.ts";
import { checkText } from "../support/compile.ts";
import { programFrom } from "../support/library.ts";

const x: Fed = { shape: [2, 4], data: [1, 2, 3, 4, 5, 6, 7, 8] };
const n: Fed = { shape: [2], data: [3, -2] };

/** `out` of some lines over x = [[1, 2, 3, 4], [5, 6, 7, 8]] and n = [3, -2], in f64, all weights as they start. */
function outOf(lines: string, before = ""): readonly number[] {
  const program = programFrom(`${before}
model odd() {
  input x: f32[B, 4]
  input n: i64[B]
  ${lines}
  head main { predict out_ = out  predict same = x  predict also = n }
}
`);
  const variables = new Map(
    program.variables.map((v): [string, Fed] => {
      const shape = v.type.shape.map((d) => d.constant ?? NaN);
      const start = v.init.kind === "constant" ? v.init.value : NaN;
      return [v.path, { shape, data: new Float64Array(shape.reduce((a, b) => a * b, 1)).fill(start) }];
    }),
  );
  const { outputs } = evaluate(program.predict, {
    precision: "f64",
    inputs: new Map([
      ["x", x],
      ["n", n],
    ]),
    variables,
  });
  return [...(outputs.get("out_")?.data ?? [])].map(Number);
}

describe("folds", () => {
  it.each<[string, string, readonly number[]]>([
    ["over nothing give their start", "let out = fold y = x[:, 0] for _ in 0 ..< 0 => 2.0 * y", [1, 5]],
    ["count down", "let out = fold y = x[:, 0] for i in reverse(1 ..= 3) => y * 10.0 + i", [1321, 5321]],
    // (1, 2), (2, 3), (3, 5), (5, 8) and (5, 6), (6, 11), (11, 17), (17, 28)
    [
      "carry tuples",
      "let (a, _) = fold (p, q) = (x[:, 0], x[:, 1]) for _ in 0 ..< 3 => (q, p + q)\n  let out = a",
      [5, 17],
    ],
    ["grow", "let wide = fold y = x for _ in 0 ..< 2 => concat([y, y])\n  let out = wide |> sum(axis: [1])", [40, 104]],
    ["start static and become tensors", "let out = fold t = 1.0 for i in 0 ..< 3 => t * x[:, i]", [6, 210]],
    ["stay static", "let k = fold t = 1 for i in 1 ..= 5 => t * i\n  let out = x[:, 0] * k", [120, 600]],
    [
      "over maps, by key",
      'let out = fold t = x[:, 0] for k: v in { a: 2, b: 3 } => if k == "a" then t * v else t + v',
      [5, 13],
    ],
    ["filter", "let out = fold t = x[:, 0] for i in 0 ..< 10 if i % 3 == 1 => t + i", [13, 17]],
    ["inside folds", "let out = fold t = x[:, 0] for i in 0 ..< 3 => fold s = t for j in 0 ..< i => s + j + 1", [5, 9]],
    [
      "collect lists",
      "let all = fold xs = [] for i in 0 ..< 3 => [...xs, x[:, i] * i]\n  let out = all |> sum_list",
      [8, 20],
    ],
    [
      "unpack what they go over",
      "let out = fold t = x[:, 0] for (a, b) in zip([1, 2], [10, 20]) => t * a + b",
      [42, 50],
    ],
  ])("%s", (_, lines, wanted) => {
    expect(outOf(lines)).toEqual(wanted);
  });
});

describe("collections", () => {
  it.each<[string, string, readonly number[]]>([
    ["by name and by place", "let m = { a: x[:, 0], b: x[:, 1] }\n  let out = m.a * 10.0 + m[1] * m[-1]", [14, 86]],
    [
      "picked in another order",
      "let m = { a: x[:, 0], b: x[:, 1] }\n  let out = m.{b, a} |> stack(axis: 1) |> sum(axis: [1])",
      [3, 11],
    ],
    ["picked in another order, by place", "let m = { a: x[:, 0], b: x[:, 1] }\n  let out = m.{b, a}[0]", [2, 6]],
    ["reversed keep their keys", "let m = reverse({ a: x[:, 0], b: x[:, 1] })\n  let out = m.a - m[0]", [-1, -1]],
    ["of tuples", "let m = [(x[:, i], i) for i in 0 ..< 3]\n  let (v, k) = m[2]\n  let out = v * k", [6, 14]],
    ["of lists", "let m = [[i * j for j in 0 ..< 3] for i in 0 ..< 3]\n  let out = x[:, 0] * m[2][2]", [4, 20]],
    ["cut", "let m = [1, 2, 3, 4][1 ..< 3]\n  let out = x[:, 0] * (m[0] + 10 * m[1])", [32, 160]],
    ["empty ones have a length", "let m = [v for v in [1, 2] if v > 2]\n  let out = x[:, 0] + len(m)", [1, 5]],
    ["of blocks", "let fs = [relu, block(z) => -z]\n  let out = fold y = x[:, 0] for f in fs => y |> f", [-1, -5]],
    [
      "spread into maps' lists",
      "let m = { a: 1, b: 2 }\n  let out = x[:, 0] * (fold t = 0 for v in [...m, 5] => t + v)",
      [8, 40],
    ],
    [
      "zipped by three",
      "let out = fold t = x[:, 0] for (a, b, c) in zip([1, 2], [3, 4], [5, 6]) => t + a * b * c",
      [64, 68],
    ],
    [
      "of strings choose",
      'let kinds = ["up", "down"]\n  let out = fold t = x[:, 0] for k in kinds => if k == "up" then t + 1.0 else t * 2.0',
      [4, 12],
    ],
    ["nested in maps", "let m = { one: { two: x[:, 3] } }\n  let out = m.one.two", [4, 8]],
  ])("%s", (_, lines, wanted) => {
    expect(outOf(lines)).toEqual(wanted);
  });
});

describe("blocks and sharing", () => {
  const before = `
block scaled(by: float = 2.0)(z: float[...S]) -> float[...S] { param w: float[] = ones()  => w * by * z }
block counted(z: float[B, D]) -> float[B, D] { state seen: float[] = ones()  update seen = seen + 1.0  => z * seen }
block applied(f: block(z: float[...S]) -> float[...S], times: int = 1)(z: float[...S]) -> float[...S] => fold y = z for _ in 0 ..< times => y |> f
block both(z: float[B, D]) -> (float[B], float[B]) => (z[:, 0], z[:, 1])
block nested(k: int)(z: float[B, D]) -> float[B] where k < D => z[:, k]
block asked(z: float[B, D]) -> float[B, E] { let e: float[B, E] = ones()  => e * z[:, 0][:, new] }
block kind(to: dtype)(z: float[B, D]) -> to[B, D] => z |> cast(to: to)
fn fact(k: int) -> int => fold t = 1 for i in 1 ..= k => t * i
const table = [fact(3), fact(4)]
`;
  it.each<[string, string, readonly number[]]>([
    [
      "one block twice, each with its own settings",
      "let out = (x |> scaled(by: 3.0) as a |> scaled as b)[:, 0]",
      [6, 30],
    ],
    ["a configured block as a value", "let f = scaled(by: 5.0)\n  let out = (x |> f as a)[:, 1]", [10, 30]],
    ["a block in a slot of a block", "let out = (x |> applied(applied(tanh, times: 0), times: 3))[:, 0]", [1, 5]],
    [
      "a shared block in a slot",
      "shared f = scaled(by: 3.0)\n  let out = (x |> applied(f, times: 2) |> f)[:, 0]",
      [27, 135],
    ],
    ["a state is read as it stands", "let out = (x |> counted as a |> counted as b)[:, 2]", [3, 7]],
    ["several results", "let (a, b) = x |> both\n  let out = a * b", [2, 30]],
    ["several results, one unread", "let (_, b) = x |> both\n  let out = b", [2, 6]],
    ["a size asked of the use", "let wide: f32[B, 3] = x |> asked\n  let out = wide |> sum(axis: [1])", [3, 15]],
    ["an element type as a setting", "let out = (x |> kind(i64))[:, 0] * n", [3, -10]],
    ["functions and constants", "let out = x[:, 0] * table[1] + table[0]", [30, 126]],
    ["a tuple piped on", "let out = (x[:, 0], x[:, 1]) |> max", [2, 6]],
    ["a block applied at once", "let out = nested(2)(x)", [3, 7]],
    [
      "an anonymous block with a name around it",
      "let k = 3.0\n  let f = block(z) => z * k\n  let out = f(x[:, 0])",
      [3, 15],
    ],
  ])("%s", (_, lines, wanted) => {
    expect(outOf(lines, before)).toEqual(wanted);
  });
});

describe("element types and indexing", () => {
  it.each<[string, string, readonly number[]]>([
    ["whole numbers stay whole", "let out = n * 2 - 1", [5, -5]],
    ["the rest takes the right side's sign", "let out = n % 3", [0, 1]],
    ["comparisons choose", "let out = select(n > 0, x[:, 0], -x[:, 3])", [1, -8]],
    ["logic", "let out = select(n > 0 and not (x[:, 0] > 3.0) or n == -2, 1.0, 0.0)", [1, 1]],
    ["counts of true", "let out = cast(to: i64)(x > 3.0) |> sum(axis: [1])", [1, 4]],
    ["from the end, with new axes", "let out = x[:, -1][:, new] * x[..., 0 ..< 2] |> sum(axis: [1])", [12, 88]],
    ["an axis of the whole", "let out = x[..., new][:, :, 0][:, 2]", [3, 7]],
    ["literals of tensors", "let out = x * tensor([1.0, 0.0, 0.0, 10.0]) |> sum(axis: [1])", [41, 85]],
    ["f64 and back", "let out = (x |> cast(to: f64)) * 0.5 |> cast(to: f32) |> sum(axis: [1])", [5, 13]],
    ["a size as a number", "let out = (x |> sum(axis: [0]))[0] * B / 4 + 0.0 * x[:, 0]", [3, 3]],
    ["min and max on both levels", "let out = min(x[:, 0], max(2, 3)) + max(x[:, 1], 4.0)", [5, 9]],
    ["powers", "let out = x[:, 0] ^ 2 + 2.0 ^ x[:, 1] + 2 ^ 3", [13, 97]],
    ["what training would change", "let out = if training then 0.0 * x[:, 0] else x[:, 0]", [1, 5]],
  ])("%s", (_, lines, wanted) => {
    expect(outOf(lines)).toEqual(wanted);
  });
});

describe("an invariant that does not hold", () => {
  it.each([
    ["at the start", "fold y: float[B, D + 1] = x for _ in 0 ..< times => y"],
    ["after a round", "fold y: float[B, D + i] = x for i in 0 ..< times => concat([y, y |> linear(2) as more])"],
  ])("is said once: %s", (_, fold) => {
    const block = `block grown(times: int)(x: float[B, D]) -> float[B, D] => ${fold}\n`;
    expect(checkText(block).map((d) => d.code)).toEqual(["E0304"]);
  });
});

describe("weights of other element types", () => {
  it.each(["f64", "f16"])("%s is trained by every optimizer", (type) => {
    for (const optimizer of ["sgd(momentum: 0.9)", "adam()", "adamw()", "rmsprop()", "adagrad()", "lion(decay: 0.1)"]) {
      const program = programFrom(`model net() {
  input x: ${type}[B, 2]
  head main { loss (x |> linear(1))[:, 0] |> mean(axis: [0])  predict y = x }
  train { batch = 1  epochs = 1  optimize "**" by ${optimizer} at cosine(0.1, until: 10) }
}`);
      const updated = program.train?.updates
        .filter((u) => u.variable.kind === "param")
        .map((u) => u.variable.type.dtype);
      expect(updated, optimizer).toEqual([type, type]);
    }
  });
  it("converts nothing that has its element type already", () => {
    const program = programFrom(`model net() {
  input x: f32[B, 2]
  head main { loss cast(to: f32)(x |> linear(1))[:, 0] |> mean(axis: [0])  predict y = x |> cast(to: f32) }
  train { batch = 1  epochs = 1  optimize "**" by sgd() at constant(0.1) }
}`);
    expect(program.predict.nodes.map((n) => n.op)).toEqual(["input"]);
    expect(program.train?.nodes.filter((n) => n.op === "cast" && n.path !== "epoch")).toEqual([]);
  });
});

/**
 * Random draws in ONNX: the language's own generator (Philox4x32-10, keyed by seed and path, counted by place and step) in
 * whole numbers, so that they are the same numbers on every engine. ONNX's generators do not repeat ours.
 */
import { numberAttribute, textAttribute } from "../../../compiler/ops/attributes.ts";
import { streamOf } from "../../../compiler/ops/philox.ts";
import { Dim, elementCount } from "../../../compiler/types/dim.ts";
import type { NodeEmitter, Row } from "../emitter.ts";
import { UINT64 } from "../proto.ts";

const ROUNDS = 10;
const WORD = 2 ** 32;
/** The multipliers, less 2^32: engines multiply signed numbers of 64 bits, and these products fit into such. */
const FACTORS = [0xd2511f53 - WORD, 0xcd9e8d57 - WORD] as const;
/** A multiple of 2^32 that keeps those products from being negative. */
const LIFT = 2 ** 62;

export function randomRow(seed: number): Row {
  return (n) => {
    const { dtype, shape } = n.result;
    const count = elementCount(shape);
    const isUniform = textAttribute(n.node, "distribution") === "uniform";
    const numbers = isUniform ? uniform(n, seed, count) : normal(n, seed, count);
    const cut = n.one("Slice", [numbers, n.ints([0]), n.size(count), n.ints([0])]);
    return n.reshape(n.cast(cut, dtype), [count], shape);
  };
}

/** The words of the blocks that `count` numbers need, as four tensors of whole numbers below 2^32. */
function words(n: NodeEmitter, seed: number, count: Dim): readonly [string, string, string, string] {
  const i64 = (value: number): string => n.scalar(value, "i64");
  const [low, high] = streamOf(seed, textAttribute(n.node, "path"), 0).key;
  const lower = (x: string): string => n.one("BitwiseAnd", [x, i64(WORD - 1)]);
  const distance = n.one("Cast", [i64(32)], { to: { int: UINT64 } });
  const upper = (x: string): string =>
    n.cast(
      n.one("BitShift", [n.one("Cast", [x], { to: { int: UINT64 } }), distance], { direction: { text: "RIGHT" } }),
      "i64",
    );
  /** Lower and upper word of the product of each word with a multiplier. */
  const product = (x: string, factor: number): readonly [string, string] => {
    const lifted = n.one("Add", [n.one("Mul", [x, i64(factor)]), i64(LIFT)]);
    return [lower(lifted), n.one("Add", [upper(lifted), n.one("Sub", [x, i64(LIFT / WORD)])])];
  };
  const blocks = n.number(count.ceilDividedBy(Dim.of(4)));
  const block = n.one("Range", [i64(0), blocks, i64(1)]);
  const step = n.node.inputs.length === 0 ? i64(0) : n.cast(n.input(0), "i64");
  let [a, b, c, d] = [lower(block), upper(block), lower(step), upper(step)];
  for (let round = 0; round < ROUNDS; round++) {
    const keys = [low + round * 0x9e3779b9, high + round * 0xbb67ae85].map((key) => i64(key % WORD));
    const [first, second] = [product(a, FACTORS[0]), product(c, FACTORS[1])];
    const mixed = (x: string, y: string, key: string | undefined): string =>
      n.one("BitwiseXor", [x, n.one("BitwiseXor", [y, key ?? ""])]);
    [a, b, c, d] = [mixed(second[1], b, keys[0]), second[0], mixed(first[1], d, keys[1]), first[0]];
  }
  return [a, b, c, d];
}
/** The upper 24 bits of words as doubles. */
function fractions(n: NodeEmitter, parts: readonly string[]): readonly string[] {
  const whole = (x: string): string => {
    const distance = n.one("Cast", [n.scalar(8, "i64")], { to: { int: UINT64 } });
    const bits = n.one("Cast", [x], { to: { int: UINT64 } });
    return n.cast(n.one("BitShift", [bits, distance], { direction: { text: "RIGHT" } }), "f64");
  };
  return parts.map(whole);
}
/** Members of several tensors in turns. */
function inTurns(n: NodeEmitter, parts: readonly string[]): string {
  const columns = parts.map((part) => n.one("Unsqueeze", [part, n.ints([1])]));
  return n.one("Reshape", [n.one("Concat", columns, { axis: { int: 1 } }), n.ints([-1])]);
}

function uniform(n: NodeEmitter, seed: number, count: Dim): string {
  const [low, high] = [numberAttribute(n.node, "low"), numberAttribute(n.node, "high")];
  const scale = n.scalar((high - low) / 0x1000000, "f64");
  const scaled = n.one("Mul", [inTurns(n, fractions(n, words(n, seed, count))), scale]);
  return low === 0 ? scaled : n.one("Add", [scaled, n.scalar(low, "f64")]);
}

/** Box and Muller's transform of neighbours: the first gives the radius, the second the angle. */
function normal(n: NodeEmitter, seed: number, count: Dim): string {
  const f64 = (value: number): string => n.scalar(value, "f64");
  const [a = "", b = "", c = "", d = ""] = fractions(n, words(n, seed, count));
  const pair = (first: string, second: string): readonly string[] => {
    const share = n.one("Mul", [n.one("Add", [first, f64(1)]), f64(1 / 0x1000000)]);
    const spread = n.one("Sqrt", [n.one("Mul", [n.one("Log", [share]), f64(-2)])]);
    const radius = n.one("Mul", [spread, f64(numberAttribute(n.node, "std"))]);
    const angle = n.one("Mul", [second, f64((2 * Math.PI) / 0x1000000)]);
    // Engines compute the cosine in single precision only.
    const turned = n.one("Add", [angle, f64(Math.PI / 2)]);
    return [turned, angle].map((of) => n.one("Mul", [radius, n.one("Sin", [of])]));
  };
  return n.one("Add", [inTurns(n, [...pair(a, b), ...pair(c, d)]), f64(numberAttribute(n.node, "mean"))]);
}

/** The digest against FIPS vectors and Node's own; Philox against Random123's; what draws and starts promise. */
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import type { Initializer, Variable } from "../../src/compiler/graph/graph.ts";
import { GraphBuilder } from "../../src/compiler/graph/builder.ts";
import { sha256Hex } from "../../src/compiler/hash/sha256.ts";
import { initialValues } from "../../src/compiler/ops/initialize.ts";
import { fillNormal, fillUniform, philox, streamOf } from "../../src/compiler/ops/philox.ts";
import { Dim } from "../../src/compiler/types/dim.ts";
import { standardRules } from "../support/rules.ts";

test("SHA-256 of the standard's examples", () => {
  expect(sha256Hex("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  expect(sha256Hex("")).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  expect(sha256Hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")).toBe(
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
  );
});

test("SHA-256 of every length around a block equals Node's", () => {
  for (const length of [...Array(130).keys(), 1000, 100_000]) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 31 + length) & 255);
    expect(sha256Hex(bytes)).toBe(createHash("sha256").update(bytes).digest("hex"));
  }
});

// Random123, tests/kat_vectors, philox4x32 with 10 rounds.
test.each<[counter: [number, number, number, number], key: [number, number], expected: string]>([
  [[0, 0, 0, 0], [0, 0], "6627e8d5 e169c58d bc57ac4c 9b00dbd8"],
  [[0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff], "408f276d 41c83b0e a20bc7c6 6d5451fd"],
  [[0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0], "d16cfe09 94fdcceb 5001e420 24126ea1"],
])("Philox of counter %j and key %j", (counter, key, expected) => {
  expect([...philox(counter, key)].map((word) => word.toString(16).padStart(8, "0")).join(" ")).toBe(expected);
});

test("a draw depends on its place, not on how many are drawn", () => {
  const stream = streamOf(7, "global.near.b2.0.unit.conv1.weight", 3);
  for (const fill of [fillUniform, fillNormal]) {
    const all = new Float64Array(101);
    fill(all, stream, -1, 2);
    for (const from of [0, 1, 2, 3, 5, 50, 99, 100]) {
      const part = new Float64Array(101 - from);
      fill(part, stream, -1, 2, from);
      expect(part).toEqual(all.slice(from));
    }
  }
});

test("seed, path and step each change the draws", () => {
  const first = (seed: number, path: string, step: number): number => {
    const out = new Float64Array(1);
    fillUniform(out, streamOf(seed, path, step), 0, 1);
    return out[0]!;
  };
  expect(new Set([first(0, "a", 0), first(1, "a", 0), first(0, "b", 0), first(0, "a", 1)]).size).toBe(4);
  // The key of seed 0 and path `a` is the digest of `0:a`; the counter is (block, 0, step, 0).
  const digest = createHash("sha256").update("0:a").digest();
  const [word] = philox([0, 0, 5, 0], [digest.readUInt32BE(0), digest.readUInt32BE(4)]);
  expect(first(0, "a", 5)).toBe((word! >>> 8) / 2 ** 24);
});

test("uniform and normal draws have their moments", () => {
  const count = 200_000;
  const values = new Float64Array(count);
  const moments = (): { mean: number; deviation: number; skew: number } => {
    const mean = values.reduce((sum, v) => sum + v, 0) / count;
    const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / count;
    const third = values.reduce((sum, v) => sum + (v - mean) ** 3, 0) / count;
    return { mean, deviation: Math.sqrt(variance), skew: third / variance ** 1.5 };
  };
  fillUniform(values, streamOf(1, "u", 0), -2, 4);
  expect(Math.min(...values.slice(0, 1000))).toBeGreaterThanOrEqual(-2);
  expect(values.every((v) => v >= -2 && v < 4)).toBe(true);
  // Standard errors: 6 / sqrt(12 n) = 0.004.
  expect(Math.abs(moments().mean - 1)).toBeLessThan(0.02);
  expect(Math.abs(moments().deviation - 6 / Math.sqrt(12))).toBeLessThan(0.01);
  fillNormal(values, streamOf(1, "n", 0), 0.5, 2);
  expect(Math.abs(moments().mean - 0.5)).toBeLessThan(0.025);
  expect(Math.abs(moments().deviation - 2)).toBeLessThan(0.015);
  expect(Math.abs(moments().skew)).toBeLessThan(0.03);
  const within = values.filter((v) => Math.abs(v - 0.5) < 2).length / count;
  expect(Math.abs(within - 0.682689)).toBeLessThan(0.005);
});

const variableOf = (init: Initializer, dtype: "f32" | "f64" | "i64" | "bool", shape: readonly number[]): Variable => {
  const type = { dtype, shape: shape.map((size) => Dim.of(size)) };
  const node = new GraphBuilder(standardRules()).node("variable", { path: "w" }, [], [type]);
  return { path: "w", kind: "param", type, init, trained: true, value: { node, index: 0 }, span: undefined };
};
test("initial values come in the variable's own type, whole or in parts", () => {
  expect(initialValues(variableOf({ kind: "constant", value: 1.5 }, "f32", [2]), 0)).toEqual(Float32Array.of(1.5, 1.5));
  expect(initialValues(variableOf({ kind: "constant", value: 3 }, "i64", []), 0)).toEqual(BigInt64Array.of(3n));
  expect(initialValues(variableOf({ kind: "constant", value: 1 }, "bool", [1]), 0)).toEqual(Uint8Array.of(1));
  const values = { kind: "values", values: Float64Array.of(1, 2, 3, 4) } as const;
  expect(initialValues(variableOf(values, "f64", [2, 2]), 0, 1, 3)).toEqual(Float64Array.of(2, 3));
  const normal = variableOf({ kind: "normal", mean: 0, std: 0.1 }, "f32", [3, 7]);
  const whole = initialValues(normal, 9);
  expect(whole).toHaveLength(21);
  expect(initialValues(normal, 9, 5, 12)).toEqual(whole.slice(5, 12));
  expect(initialValues(normal, 10)).not.toEqual(whole);
});

/** The normal form of dims against plain evaluation: rewriting must never change a value, and no verdict may be wrong. */
import { expect, it } from "vitest";
import { Dim } from "../../src/compiler/types/dim.ts";
import { Facts } from "../../src/compiler/types/facts.ts";

/** A term with its meaning, computed without the normal form. */
interface Term {
  readonly dim: Dim;
  readonly value: (sizes: Readonly<Record<string, number>>) => number;
}
const names = ["H", "W", "C", "s"];

/** Mulberry32: a seeded generator, so that every run tries the same terms. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
function makeTerm(next: () => number, depth: number): Term {
  const pick = (n: number): number => Math.floor(next() * n);
  if (depth === 0 || next() < 0.2) {
    if (next() < 0.5) {
      const name = names[pick(names.length)] ?? "H";
      return { dim: Dim.variable(name), value: (s) => s[name] ?? NaN };
    }
    const n = pick(7) - 1;
    return { dim: Dim.of(n), value: () => n };
  }
  const a = makeTerm(next, depth - 1);
  const b = makeTerm(next, depth - 1);
  // divisors are sizes or constants, at least 1
  const below = next() < 0.6 ? constant(1 + pick(5)) : variable(names[pick(names.length)] ?? "s");
  switch (pick(6)) {
    case 0:
      return { dim: a.dim.plus(b.dim), value: (s) => a.value(s) + b.value(s) };
    case 1:
      return { dim: a.dim.minus(b.dim), value: (s) => a.value(s) - b.value(s) };
    case 2:
      return { dim: a.dim.times(b.dim), value: (s) => a.value(s) * b.value(s) };
    case 3:
      return { dim: a.dim.floorDividedBy(below.dim), value: (s) => Math.floor(a.value(s) / below.value(s)) };
    case 4:
      return { dim: a.dim.ceilDividedBy(below.dim), value: (s) => Math.ceil(a.value(s) / below.value(s)) };
    default:
      return { dim: Dim.extremum("max", [a.dim, b.dim]), value: (s) => Math.max(a.value(s), b.value(s)) };
  }
}
function constant(n: number): Term {
  return { dim: Dim.of(n), value: () => n };
}
function variable(name: string): Term {
  return { dim: Dim.variable(name), value: (s) => s[name] ?? NaN };
}
function sizes(next: () => number): Record<string, number> {
  return Object.fromEntries(names.map((n) => [n, 1 + Math.floor(next() * 9)]));
}

it("keeps the value of 50,000 random terms", () => {
  const next = random(1);
  for (let i = 0; i < 50_000; i++) {
    const term = makeTerm(next, 3);
    const at = sizes(next);
    expect(
      term.dim.evaluate((key) => at[key]),
      `${term.dim.toString()} at ${JSON.stringify(at)}`,
    ).toBe(term.value(at) + 0);
  }
});

it("gives no wrong verdict on 20,000 random pairs", () => {
  const next = random(2);
  const decided = { equal: 0, different: 0, open: 0 };
  for (let i = 0; i < 20_000; i++) {
    const a = makeTerm(next, 2);
    const b = next() < 0.3 ? { ...a, dim: a.dim.plus(Dim.zero) } : makeTerm(next, 2);
    for (const comparison of ["==", "<", ">="] as const) {
      const verdict = Facts.none.decide(a.dim, comparison, b.dim);
      if (verdict === undefined) {
        decided.open++;
        continue;
      }
      if (comparison === "==") decided[verdict ? "equal" : "different"]++;
      for (let k = 0; k < 4; k++) {
        const at = sizes(next);
        const [x, y] = [a.value(at), b.value(at)];
        const truth = comparison === "==" ? x === y : comparison === "<" ? x < y : x >= y;
        expect(verdict, `${a.dim.toString()} ${comparison} ${b.dim.toString()} at ${JSON.stringify(at)}`).toBe(truth);
      }
    }
  }
  // the pairs are worth trying only if each verdict occurs
  expect(Math.min(decided.equal, decided.different, decided.open)).toBeGreaterThan(1000);
});

const [H, W, C, s] = ["H", "W", "C", "s"].map((n) => Dim.variable(n)) as [Dim, Dim, Dim, Dim];
const d = (n: number): Dim => Dim.of(n);
it.each<[string, Dim, Dim]>([
  [
    "a 3x3 convolution at stride s with padding 1",
    H.plus(d(2)).minus(d(3)).floorDividedBy(s).plus(d(1)),
    H.ceilDividedBy(s),
  ],
  ["a 1x1 convolution at stride s", H.minus(d(1)).floorDividedBy(s).plus(d(1)), H.ceilDividedBy(s)],
  [
    "a 7x7 convolution, then a 3x3 pool, each at stride 2",
    H.plus(d(6)).minus(d(7)).floorDividedBy(d(2)).plus(d(1)).plus(d(2)).minus(d(3)).floorDividedBy(d(2)).plus(d(1)),
    H.ceilDividedBy(d(4)),
  ],
  ["two halvings", H.floorDividedBy(d(2)).floorDividedBy(d(2)), H.floorDividedBy(d(4))],
  [
    "a dilated convolution",
    H.plus(d(4))
      .minus(d(2).times(d(2)))
      .minus(d(1))
      .plus(d(1)),
    H,
  ],
  ["split and joined", C.times(d(4)).floorDividedBy(d(4)), C],
  ["an outer product", H.plus(W).times(H.minus(W)), H.times(H).minus(W.times(W))],
])("shows %s equal", (_, a, b) => {
  expect(a.key).toBe(b.key);
});

it("uses bounds and divisors", () => {
  const facts = Facts.none.bounded("H", { low: 16, high: 2048 }).divisible("W", 16);
  expect(facts.decide(H, ">=", d(16))).toBe(true);
  expect(facts.decide(H, "<", d(16))).toBe(false);
  expect(facts.decide(H, "==", d(20))).toBeUndefined();
  expect(Facts.none.decide(W.floorDividedBy(d(16)).times(d(16)), "==", W)).toBeUndefined();
  expect(facts.decide(W.floorDividedBy(d(16)).times(d(16)), "==", W)).toBe(true);
});

it("prints as one would write it", () => {
  expect(H.floorDividedBy(d(2)).scaled(2).plus(d(1)).toString()).toBe("2 * floor(H / 2) + 1");
  expect(H.minus(W).toString()).toBe("H - W");
  expect(H.plus(d(1)).floorDividedBy(s.times(C)).toString()).toBe("floor((H + 1) / (C * s))");
});

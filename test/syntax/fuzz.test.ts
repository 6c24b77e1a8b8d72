/** Any text at all: the parser ends, throws nothing, reports inside the text and gives a tree that can be walked. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { scan } from "../../src/compiler/syntax/scan.ts";
import { marks, reservedWords, softWords } from "../../grammar/tokens.ts";
import { parse, specFiles } from "./support.ts";

const SEED = 20261124;

function check(text: string): void {
  const { tree, diagnostics } = parse(text);
  for (const { span, related, fixes } of diagnostics)
    for (const place of [span, ...related.map((r) => r.span), ...fixes.map((f) => f.span)]) {
      expect(place.start).toBeGreaterThanOrEqual(0);
      expect(place.end).toBeGreaterThanOrEqual(place.start);
      expect(place.end).toBeLessThanOrEqual(text.length);
    }
  walk(tree.declarations, text.length);
}

function walk(node: unknown, length: number): void {
  if (typeof node !== "object" || node === null) return;
  const span = (node as { readonly span?: { readonly start: number; readonly end: number } }).span;
  if (span !== undefined) {
    expect(span.start).toBeGreaterThanOrEqual(0);
    expect(span.end).toBeLessThanOrEqual(length);
    expect(span.end).toBeGreaterThanOrEqual(span.start);
  }
  for (const [key, value] of Object.entries(node)) if (key !== "span" && key !== "file") walk(value, length);
}

const pieces = [
  ...Object.keys(reservedWords),
  ...Object.keys(softWords),
  ...Object.values(marks),
  ...["x", "B", "1", "0.5", '"a"', '"open', "\n", "\n  ", "// c\n", ";", "é", "\u0000", "/*", "'q'"],
];

describe("any text", () => {
  it("of words and marks", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 60 }), (parts) => {
        check(parts.join(" "));
      }),
      { seed: SEED, numRuns: 300 },
    );
  }, 60_000);

  it("of any characters", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
        check(text);
      }),
      { seed: SEED, numRuns: 300 },
    );
  }, 60_000);

  it("made from a spec by cutting, doubling and moving pieces", () => {
    const files = specFiles();
    const edit = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      length: fc.integer({ min: 0, max: 40 }),
      put: fc.array(fc.constantFrom(...pieces), { maxLength: 3 }),
    });
    fc.assert(
      fc.property(fc.constantFrom(...files), fc.array(edit, { minLength: 1, maxLength: 4 }), (file, edits) => {
        let text = file.text.slice(0, 3_000);
        for (const { at, length, put } of edits) {
          const start = Math.floor(at * text.length);
          text = `${text.slice(0, start)} ${put.join(" ")} ${text.slice(start + length)}`;
        }
        check(text);
      }),
      { seed: SEED, numRuns: 100 },
    );
  }, 120_000);

  it.each([
    ["brackets", "(\n".repeat(20_000)],
    ["braces", "{ x\n".repeat(20_000)],
    ["lines", `model m() {\n${"  let\n".repeat(5_000)}}`],
    ["values", `block b() {\n${"  f(x)\n".repeat(5_000)}}`],
    ["open strings", '"\n'.repeat(20_000)],
    ["declarations", "block\n".repeat(5_000)],
    ["deep declarations", `const a = ${"(".repeat(300)}\n`.repeat(500)],
    ["heads", `model m() {${" head h { ".repeat(150)}`],
    ["comments", "/// a\n".repeat(20_000)],
  ])(
    "of nothing but %s ends soon",
    (_, text) => {
      const start = performance.now();
      check(text);
      expect(performance.now() - start).toBeLessThan(20_000);
    },
    60_000,
  );

  it("is scanned whole: tokens and comments in order, and nothing in two of them", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 60 }), (parts) => {
        const text = parts.join("");
        const { tokens, comments } = scan({ name: "a", text });
        const places = [
          ...tokens.map((token) => [token.startOffset, (token.endOffset ?? 0) + 1] as const),
          ...comments.map(({ span }) => [span.start, span.end] as const),
        ].sort((a, b) => a[0] - b[0]);
        let end = 0;
        for (const [from, to] of places) {
          expect(from).toBeGreaterThanOrEqual(end);
          expect(to).toBeGreaterThan(from);
          end = to;
        }
      }),
      { seed: SEED, numRuns: 500 },
    );
  });
});

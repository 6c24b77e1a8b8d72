/** Checks that share a memo say what checks without one say, and the memo holds what one check needs, not what all needed. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { check, CheckMemo } from "../../src/compiler/compile.ts";
import type { Diagnostic } from "../../src/compiler/diagnostics/diagnostic.ts";
import type { Span } from "../../src/compiler/source/source.ts";
import { textHost } from "../support/compile.ts";
import { edited, history } from "../support/edits.ts";
import { Random } from "../support/random.ts";

const others = Object.fromEntries(
  readdirSync("models").map((name) => [name, readFileSync(`models/${name}`, "utf8")] as const),
);
const place = ({ file, start, end }: Span): string => `${file.name}:${String(start)}-${String(end)}`;
const placed = (of: { readonly span: Span }): object => ({ ...of, span: place(of.span) });
function said(text: string, memo?: CheckMemo): object {
  const { diagnostics, perUse } = check(textHost({ ...others, "net.arch": text }), "net.arch", memo);
  const whole = (d: Diagnostic): object => ({
    ...placed(d),
    related: d.related.map(placed),
    fixes: d.fixes.map(placed),
  });
  return { diagnostics: diagnostics.map(whole), perUse: perUse.map(placed) };
}
const model = (name: string): string => others[`${name}.arch`] ?? "";

describe.each([
  ["mean_variance", 40],
  ["mmoe", 40],
  ["tabular_image", 40],
  ["siamese", 30],
  ["vae", 40],
  ["gan", 30],
  ["pointnet", 30],
  ["stn", 20],
  ["gpt", 20],
  ["dhaa", 12],
  ["dhaa_ablations", 2],
])("%s", (name, steps) => {
  it("has the same mistakes at the same places after each of many edits", () => {
    const memo = new CheckMemo();
    let wrong = 0;
    for (const text of history(model(name), steps, new Random(name.length * 1009 + 7))) {
      const cold = said(text);
      expect(said(text, memo)).toEqual(cold);
      if (!JSON.stringify(cold).startsWith('{"diagnostics":[]')) wrong++;
    }
    // or else nothing was tried
    if (steps > 2) expect(wrong).toBeGreaterThan(0);
  });
});

it("does not change what was said before", () => {
  const memo = new CheckMemo();
  const before = model("dhaa").replace("units: units) as b1", "units: unit) as b1");
  const host = (text: string) => textHost({ "net.arch": text });
  const { diagnostics } = check(host(before), "net.arch", memo);
  const copy = structuredClone(diagnostics);
  expect(copy.map((d) => d.code)).toContain("E0202");
  check(host(`// a line above\n${before}`), "net.arch", memo);
  expect(diagnostics).toEqual(copy);
});

it("keeps no more after many edits than a few checks need", () => {
  const text = model("vae");
  const fresh = new CheckMemo();
  said(text, fresh);
  const memo = new CheckMemo();
  const random = new Random(3);
  for (let i = 0; i < 80; i++) said(i % 2 === 0 ? edited(text, random) : text, memo);
  said(text, memo);
  expect(memo.size).toBeLessThan(3 * fresh.size + 600);
});

/** Checks that share a memo say what checks without one say, and the memo holds what one check needs, not what all needed. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { check, CheckMemo } from "../../src/compiler/compile.ts";
import type { Diagnostic } from "../../src/compiler/diagnostics/diagnostic.ts";
import type { Span } from "../../src/compiler/source/source.ts";
import { modelOf, textHost } from "../support/compile.ts";
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

/** Each model's share of the time; what it is enough for depends on the machine, the order of the edits does not. */
const share = 800;

it.each([
  "mean_variance",
  "mmoe",
  "tabular_image",
  "siamese",
  "vae",
  "gan",
  "pointnet",
  "stn",
  "gpt",
  "dhaa",
  "dhaa_ablations",
])("%s has the same mistakes at the same places after each of many edits", (name) => {
  const memo = new CheckMemo();
  const end = performance.now() + share;
  let [tried, wrong] = [0, 0];
  for (const text of history(model(name), 1000, new Random(name.length * 1009 + 7))) {
    const cold = said(text);
    expect(said(text, memo)).toEqual(cold);
    if (!JSON.stringify(cold).startsWith('{"diagnostics":[]')) wrong++;
    tried++;
    if (performance.now() > end) break;
  }
  // or else nothing was tried
  if (tried > 12) expect(wrong).toBeGreaterThan(0);
});

it("tells each time what an initial value tells", () => {
  const memo = new CheckMemo();
  const odd = `block odd(n: int)(x: float[B, 8]) -> float[B, 8] {
    param w: float[n, 8] = normal()
    => x + (w |> sum(axis: [0]))
  }`;
  const text = modelOf("let code = x |> odd(0)", odd);
  for (const edit of ["// once", "// twice", "const two = 2"]) {
    const cold = said(`${edit}\n${text}`);
    expect(JSON.stringify(cold)).toContain("E0311");
    expect(said(`${edit}\n${text}`, memo)).toEqual(cold);
  }
});

it("keeps what it knows of a model while others are edited and the file is broken", () => {
  const memo = new CheckMemo();
  const text = `${modelOf("let code = x |> linear(8) |> dropout(0.5)")}\nvariant wide of net { set code = x |> linear(16) }\n`;
  const edits = (n: number): string =>
    text.replace("linear(16)", n % 2 === 0 ? `linear(16 + ${String(n)})` : "linear(16");
  said(text, memo);
  const before = memo.size;
  for (let n = 0; n < 60; n++) said(edits(n), memo);
  // nothing of the model went, and what the edits left behind is let go
  expect(memo.size).toBeGreaterThanOrEqual(before);
  expect(memo.size).toBeLessThan(3 * before + 600);
  expect(said(text, memo)).toEqual(said(text));
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

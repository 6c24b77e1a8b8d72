// Wrong specs of every kind: `check` throws nothing, ends, and points into files that exist. Seeded and boxed in time: each file
// once, and as many more as fit; `FUZZ_SECONDS` widens the box, `FUZZ_SEED` moves it.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { check } from "../../src/compiler/compile.ts";
import type { Diagnostic } from "../../src/compiler/diagnostics/diagnostic.ts";
import { renderAll } from "../../src/compiler/diagnostics/render.ts";
import { parse, specFiles } from "../syntax/support.ts";
import { textHost } from "../support/compile.ts";
import { Mutator } from "./mutate.ts";

const seconds = Number(process.env["FUZZ_SECONDS"] ?? "4");
const seed = Number(process.env["FUZZ_SEED"] ?? "20261201");
const root = join(import.meta.dirname, "..", "..");
const models = readdirSync(join(root, "models"))
  .filter((name) => name.endsWith(".arch"))
  .map((name) => ({ name, text: readFileSync(join(root, "models", name), "utf8") }));
const files = Object.fromEntries(models.map(({ name, text }) => [name, text]));

function within(diagnostics: readonly Diagnostic[]): void {
  for (const { span, related, fixes } of diagnostics)
    for (const place of [span, ...related.map((r) => r.span), ...fixes.map((f) => f.span)]) {
      expect(place.start).toBeGreaterThanOrEqual(0);
      expect(place.end).toBeGreaterThanOrEqual(place.start);
      expect(place.end).toBeLessThanOrEqual(place.file.text.length);
    }
}

/** Tries a mutant of each text, then more in turn until the time is over; gives how many. */
function boxed(texts: readonly { readonly name: string; readonly text: string }[], look: Look): number {
  const mutators = texts.map(({ name, text }, i) => ({ name, mutator: new Mutator(text, seed + i) }));
  const end = performance.now() + seconds * 1000;
  let tried = 0;
  for (;;) {
    for (const { name, mutator } of mutators) {
      if (tried >= texts.length && performance.now() > end) return tried;
      const { text, what } = mutator.mutant();
      tried++;
      try {
        look(name, text);
      } catch (error) {
        throw new Error(`${name}: ${what} (mutant ${tried}, seed ${seed})\n\n${text}`, { cause: error });
      }
    }
  }
}
type Look = (name: string, text: string) => void;

describe("mutants", () => {
  it(
    "of every file parse to a tree and to places inside the text",
    () => {
      const tried = boxed(specFiles(), (name, text) => within(parse(text, name).diagnostics));
      expect(tried).toBeGreaterThanOrEqual(specFiles().length);
    },
    (seconds + 120) * 1000,
  );

  it(
    "of every model are checked to the end, and what is said of them can be shown",
    () => {
      const tried = boxed(models, (name, text) => {
        const start = performance.now();
        const { diagnostics } = check(textHost({ ...files, [name]: text }), name);
        within(diagnostics);
        const shown = renderAll(diagnostics, { width: 120 });
        expect(shown).not.toMatch(/\bundefined\b|\[object|NaN/);
        expect(performance.now() - start, "milliseconds").toBeLessThan(20_000);
      });
      expect(tried).toBeGreaterThanOrEqual(models.length);
    },
    (seconds + 120) * 1000,
  );

  // each of these once ended `check` with an exception
  it.each([
    ["vit.arch", "224,", "224n", "a number with a letter"],
    ["dhaa.arch", '"**.b{n}.{i}.unit.{rest**}"  ', "", "a weight map without its pattern"],
    ["bilstm_tagger.arch", "= 128) {", "= 128) { {", "a brace too many"],
  ])("%s with %j for %j: %s", (name, from, to) => {
    const text = files[name] ?? "";
    expect(text).toContain(from);
    const { diagnostics } = check(textHost({ ...files, [name]: text.replace(from, to) }), name);
    expect(diagnostics.some((d) => d.severity === "error")).toBe(true);
    within(diagnostics);
  });
});

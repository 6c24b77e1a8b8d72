/**
 * Wrong specs as people write them, one mistake each, and exactly what `archc check` prints about them. A spec that starts
 * with a comment such as `// two mistakes` has so many. `UPDATE_ERRORS=1` writes the texts anew; read them, as somebody who
 * has only them, before they are committed.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { check } from "../../src/compiler/compile.ts";
import { catalog } from "../../src/compiler/diagnostics/catalog.ts";
import type { Diagnostic } from "../../src/compiler/diagnostics/diagnostic.ts";
import { renderAll } from "../../src/compiler/diagnostics/render.ts";
import { mend } from "../../src/compiler/mend.ts";
import { TestHost } from "../support/trees.ts";

const folder = fileURLToPath(new URL("specs/", import.meta.url));
const names = readdirSync(folder)
  .filter((file) => file.endsWith(".arch"))
  .map((file) => basename(file, ".arch"));

const numbers: Readonly<Record<string, number>> = { two: 2, three: 3, four: 4 };

/** How many mistakes a spec says that it has. */
function mistakes(text: string): number {
  const [, word = ""] = /^\/\/ (\w+) mistakes\n/.exec(text) ?? [];
  return numbers[word] ?? 1;
}

function errors(diagnostics: readonly Diagnostic[]): number {
  return diagnostics.filter((d) => d.severity === "error").length;
}

/** What no user should ever read: values of the machinery, its classes and kinds, lines of a stack. */
const internal = [
  /\bundefined\b|\bNaN\b|\[object|\bnull\b/,
  /^\s+at .+(:\d+:\d+|\))$/m,
  /\b[A-Z][A-Za-z]*(Error|Val|Expr|Node|Token|Decl|Item|Plan|Kind)\b/,
  /\b(LCurly|RCurly|LParen|RParen|LSquare|RSquare|FatArrow|Identifier|chevrotain)\b/,
  /\.ts\b|node_modules|src\/compiler/,
];

describe.each(names)("%s", (name) => {
  const file = `${name}.arch`;
  const text = readFileSync(`${folder}/${file}`, "utf8");
  const { diagnostics } = check(new TestHost(file, folder), file);
  const shown = `${renderAll(diagnostics, { width: 120 })}\n`;
  const path = `${folder}/${name}.txt`;

  it("says what was reviewed", () => {
    if (process.env["UPDATE_ERRORS"] === "1") writeFileSync(path, shown);
    expect(existsSync(path), `the text of ${file}`).toBe(true);
    expect(shown).toBe(readFileSync(path, "utf8"));
  });

  it("reports each mistake once", () => {
    expect(errors(diagnostics)).toBe(mistakes(text));
  });

  it("speaks of the spec, with a way out", () => {
    for (const pattern of internal) expect(shown.replaceAll(text, "")).not.toMatch(pattern);
    for (const d of diagnostics) expect(d.help, d.message).not.toBe("");
  });

  if (!diagnostics.some((d) => d.severity === "error" && d.fixes.length > 0)) return;
  it("offers edits that mend", () => {
    const mended = mend(new TestHost(file, folder), file);
    expect(mended.applied.length).toBeGreaterThan(0);
    expect(errors(mended.diagnostics)).toBeLessThan(errors(diagnostics));
  });
});

describe("the suite", () => {
  it("has a text for each spec and a spec for each text", () => {
    const texts = readdirSync(folder).filter((file) => file.endsWith(".txt"));
    expect(texts.map((file) => basename(file, ".txt"))).toEqual(names);
    expect(names.length).toBeGreaterThanOrEqual(110);
  });

  it("goes through the catalog", () => {
    const seen = new Set(
      names.flatMap((name) =>
        [...readFileSync(`${folder}/${name}.txt`, "utf8").matchAll(/^\w+\[(E\d{4})\]/gm)].map((m) => m[1]),
      ),
    );
    const codes = Object.keys(catalog).filter((code) => catalog[code as keyof typeof catalog].severity === "error");
    expect(codes.filter((code) => seen.has(code)).length).toBeGreaterThan(0.8 * codes.length);
  });
});

/**
 * What helps show as code, behind three spaces, is code: each piece parses where something of its kind can stand. `…` is
 * where the reader writes on. Whether a piece fits a program, the suites with edits look at.
 */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { DiagnosticBag } from "../../src/compiler/diagnostics/diagnostic.ts";
import { parseFile } from "../../src/compiler/syntax/parse.ts";

const folder = fileURLToPath(new URL("specs/", import.meta.url));

/** The pieces of code in a text: prose and code take turns, three spaces apart. */
function pieces(text: string): readonly string[] {
  const helps = [...text.matchAll(/^ {3}help: (.*(?:\n {9}.*)*)/gm)].map((m) => m[1] ?? "");
  return helps
    .flatMap((help) => help.split(/\n {9}/))
    .map((line) => line.replace(/ {2,}\((?:lines after|in the variant) .*\)$/, ""))
    .flatMap((line) => line.split(/ {3,}/).filter((_, i) => i % 2 === 1))
    .filter((piece) => !piece.startsWith("--")); // options of the command
}

/** Where a piece can stand. */
const places: readonly ((code: string) => string)[] = [
  (code) => code,
  (code) => `${code} }`,
  (code) => `${code} x`,
  (code) => `model m() { ${code} }`,
  (code) => `model m() { head h { ${code} } }`,
  (code) => `model m() { train { ${code} } }`,
  (code) => `model m() { data { ${code} } }`,
  (code) => `model m() { branch b for z in zs { => z ${code} }`,
  (code) => `model m() { branch b for z in zs { => z } ${code} }`,
  (code) => `model m() { ${code} { } }`,
  (code) => `model m() { pretrained p from "q" { ${code} } }`,
  (code) => `variant v of m { ${code} }`,
  (code) => `block f(x: any[B]) -> any[B] { ${code} }`,
  (code) => `const c = ${code}`,
  (code) => `const c = x${code}`,
  (code) => `const c = f(${code})`,
  (code) => `const c = a == b ${code}`,
  (code) => `const c = [${code}]`,
  (code) => `block f(${code}) -> any[B] => x`,
  (code) => `block f(x: ${code}) -> any[B] => x`,
];

/** `…` as values, lists, types and the like, whichever reads. */
const fillers: readonly string[] = ["", "x", "B", "{ => x }", "p: f32[B]", "x: x", "f32[B]"];

function parses(code: string): boolean {
  const filled = code.includes("…") ? fillers.map((filler) => code.replaceAll("…", filler)) : [code];
  return filled.some((text) =>
    places.some((place) => {
      const bag = new DiagnosticBag();
      parseFile({ name: "help.arch", text: `${place(text)}\n` }, bag);
      return !bag.hasErrors;
    }),
  );
}

const found = new Map<string, string>();
for (const file of readdirSync(folder).filter((name) => name.endsWith(".txt")))
  for (const piece of pieces(readFileSync(`${folder}/${file}`, "utf8"))) found.set(piece, file);

describe("code in helps", () => {
  it.each([...found])("%s (%s)", (piece) => {
    expect(parses(piece)).toBe(true);
  });

  it("is found", () => {
    expect(found.size).toBeGreaterThan(80);
    expect(parses("block(z: float[...S]) -> float[...S] => z * sigmoid(z)")).toBe(false);
    expect(parses("let x = = 1")).toBe(false);
  });
});

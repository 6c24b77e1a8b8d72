// docs/language.md against the compiler's own tables: words, static functions, shape functions.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { reservedWords, softWords } from "../../grammar/tokens.ts";
import { staticFunctions } from "../../src/compiler/types/shapes.ts";
import { root } from "./fences.ts";

const page = readFileSync(join(root, "docs/language.md"), "utf8");
const between = (from: string, to: string): string => {
  const start = page.indexOf(from);
  const end = page.indexOf(to, start + from.length);
  expect(start, from).toBeGreaterThan(0);
  expect(end, to).toBeGreaterThan(start);
  return page.slice(start + from.length, end);
};
const words = (text: string): string[] => text.split(/[^\w]+/).filter((word) => word !== "");

describe("docs/language.md", () => {
  it("lists the words of the language", () => {
    expect(words(between("These words are reserved: `", "`")).sort()).toEqual(Object.keys(reservedWords).sort());
    expect(words(between("names elsewhere: `", "`")).sort()).toEqual(Object.keys(softWords).sort());
  });

  it("lists the static functions, and the shape functions apart from them", () => {
    const functions = words(between("The static functions are `", "`"));
    const shapes = [...between("in signatures only:", "## Blocks").matchAll(/^\| `(\w+)\(/gm)].map(([, name]) => name);
    expect([...functions, ...shapes].sort()).toEqual(Object.keys(staticFunctions).sort());
  });
});

// docs/from-pytorch.md: the right side of every row is compiled, and there are at least 40 of them.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { renderAll } from "../../src/compiler/diagnostics/render.ts";
import { judge, root } from "./fences.ts";

const page = "docs/from-pytorch.md";
const rows = readFileSync(join(root, page), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| ") && !/^\| (?:-|PyTorch)/.test(line))
  .map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll("\\|", "|")),
  )
  .map(([left = "", right = ""]) => ({ left, right }));
/** The code of a cell, a line a span; a cell of prose has text beside its code. */
const codeOf = (cell: string): string | undefined =>
  cell.replaceAll(/`[^`]*`|<br>/g, "").trim() === ""
    ? [...cell.matchAll(/`([^`]*)`/g)].map(([, code]) => code).join("\n")
    : undefined;
const compiled = rows.flatMap(({ left, right }) => {
  const text = codeOf(right);
  return text === undefined || text.startsWith("archc ") ? [] : [{ left, text }];
});

describe(page, () => {
  it("has at least 40 rows with code on both sides", () => {
    expect(compiled.length).toBeGreaterThanOrEqual(40);
    for (const { left } of rows) expect(left).not.toBe("");
  });

  it.each(compiled)("$left", ({ text }) => {
    const found = judge({ page, line: 0, words: ["fragment"], text, message: undefined }, []);
    expect(found, renderAll(found, { width: 120 })).toEqual([]);
  });
});

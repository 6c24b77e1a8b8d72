/** Checks that share a memo say what checks without one say. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { check, CheckMemo } from "../../src/compiler/compile.ts";
import { diagnosticToJson } from "../../src/compiler/diagnostics/json.ts";
import { textHost } from "../support/compile.ts";

const said = (text: string, memo?: CheckMemo): readonly object[] =>
  check(textHost({ "net.arch": text }), "net.arch", memo).diagnostics.map(diagnosticToJson);

describe.each(["dhaa", "gpt", "translate", "gan", "bilstm_tagger", "mobilenet_v2"])("%s", (name) => {
  const text = readFileSync(`models/${name}.arch`, "utf8");

  it("has the same mistakes after each of its numbers was changed in turn", () => {
    const memo = new CheckMemo();
    expect(said(text, memo)).toEqual(said(text));
    const numbers = [...text.matchAll(/(?<![\w.])\d+(?![\w.])/g)];
    const every = Math.max(1, Math.floor(numbers.length / 6));
    const differing = numbers
      .filter((_, i) => i % every === 0)
      .map((found) => {
        const edited = `${text.slice(0, found.index)}${Number(found[0]) + 1}${text.slice(found.index + found[0].length)}`;
        const wanted = said(edited);
        expect(said(edited, memo)).toEqual(wanted);
        return wanted.length > 0;
      });
    // or else nothing was tried
    if (name === "dhaa") expect(differing).toContain(true);
  });
});

/** Checks that share a memo say what checks without one say. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { check, CheckMemo } from "../../src/compiler/compile.ts";
import { diagnosticToJson } from "../../src/compiler/diagnostics/json.ts";
import type { Host } from "../../src/compiler/host.ts";
import { parseFile } from "../../src/compiler/syntax/parse.ts";
import { DiagnosticBag } from "../../src/compiler/diagnostics/diagnostic.ts";
import type { FileNode } from "../../src/compiler/syntax/ast.ts";
import { textHost } from "../support/compile.ts";

/** As an editor's: the library's trees are the same objects every time, or no memo would know them again. */
const trees = new Map<string, FileNode>();
function editorHost(text: string): Host {
  const host = textHost({ "net.arch": text });
  return {
    ...host,
    parsed: (name, content) => {
      if (!name.startsWith("std:")) return undefined;
      const tree = trees.get(name) ?? parseFile({ name, text: content }, new DiagnosticBag());
      trees.set(name, tree);
      return tree;
    },
  };
}
const said = (text: string, memo?: CheckMemo): readonly object[] =>
  check(editorHost(text), "net.arch", memo).diagnostics.map(diagnosticToJson);

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

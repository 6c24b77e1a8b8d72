/** A text that is read again after an edit has the tree that reading it from nothing gives, with its places. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { DiagnosticBag } from "../../src/compiler/diagnostics/diagnostic.ts";
import type { FileNode } from "../../src/compiler/syntax/ast.ts";
import { parseFile } from "../../src/compiler/syntax/parse.ts";
import { Reader } from "../../src/compiler/syntax/reread.ts";
import { history } from "../support/edits.ts";
import { Random } from "../support/random.ts";

/** A tree whose places are pairs of offsets; each must be in the file that was read. */
function plain(tree: unknown, text: string): unknown {
  if (Array.isArray(tree)) return tree.map((t) => plain(t, text));
  if (typeof tree !== "object" || tree === null) return tree;
  if ("start" in tree && "end" in tree && "file" in tree) {
    expect((tree.file as FileNode["file"]).text).toBe(text);
    return [tree.start, tree.end];
  }
  const parts = Object.entries(tree).filter(([key]) => key !== "file");
  return Object.fromEntries(parts.map(([key, part]) => [key, plain(part, text)]));
}

describe.each(["models/dhaa", "models/dhaa_ablations", "models/gan", "stdlib/regions"])("%s", (name) => {
  it("is the same tree, with the same mistakes", () => {
    const reader = new Reader();
    for (const text of history(readFileSync(`${name}.arch`, "utf8"), 15, new Random(name.length))) {
      const [again, anew] = [new DiagnosticBag(), new DiagnosticBag()];
      const tree = plain(reader.read({ name: "net.arch", text }, again), text);
      expect(tree).toEqual(plain(parseFile({ name: "net.arch", text }, anew), text));
      expect(again.sorted()).toEqual(anew.sorted());
    }
  });
});

it("keeps the trees of lines that were not touched", () => {
  const text = "model m() {\n  let a = 1\n  branch b for x in [a] {\n    let c = x\n    let d = c\n    => d\n  }\n}\n";
  const reader = new Reader();
  const read = (of: string) => {
    const [model] = reader.read({ name: "net.arch", text: of }, new DiagnosticBag()).declarations;
    if (model?.kind !== "model") throw new Error("no model");
    const branch = model.items.find((item) => item.kind === "branch");
    return { first: model.items[0], lines: branch?.body.lines ?? [], result: branch?.body.result };
  };
  const before = read(text);
  const after = read(text.replace("let c = x", "let c = x + 1"));
  expect(after.first).toBe(before.first);
  expect(after.lines[0]).not.toBe(before.lines[0]);
  expect(after.lines[1]).toBe(before.lines[1]);
  expect(after.result).toBe(before.result);
});

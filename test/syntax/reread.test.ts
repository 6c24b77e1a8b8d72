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

/** What stands beside the line `edited` in a block, and the block before it. */
function kept(text: string, reader: Reader): { readonly first: object | undefined; readonly lines: readonly object[] } {
  const [first, second] = reader.read({ name: "net.arch", text }, new DiagnosticBag()).declarations;
  if (second?.kind !== "block") throw new Error("no second block");
  return { first, lines: second.body.lines };
}
const two = "block a(x: f32[B]) -> f32[B] => x\nblock b(x: f32[B]) -> f32[B] {\n  let c = x\n  let d = c\n  => d\n}\n";

it.each([
  ["a line half written", "let d = c", "let d = c +"],
  ["a string without its end", "let d = c", 'let d = "c'],
  ["a brace that is missing", "  => d\n}", "  => d"],
  ["a slip that is read as it was meant", "let d = c", "let new = c"],
])("keeps the trees beside %s, and finds the others when it is mended", (_, right, wrong) => {
  const reader = new Reader();
  const before = kept(two, reader);
  const beside = kept(two.replace(right, wrong), reader);
  expect(beside.first).toBe(before.first);
  expect(beside.lines[0]).toBe(before.lines[0]);
  const after = kept(`\n${two}`, reader);
  expect(after.first).toBe(before.first);
  expect(after.lines).toEqual(before.lines);
  after.lines.forEach((line, i) => {
    expect(line).toBe(before.lines[i]);
  });
});

it("tells blocks side by side from blocks inside each other", () => {
  const text = two + Array.from({ length: 80 }, (_, i) => `block more${String(i)}(x: f32[B]) => x\n`).join("");
  const reader = new Reader();
  expect(kept(`${text}// below`, reader).first).toBe(kept(text, reader).first);
});

it("does not take the head of a model for a declaration without an end", () => {
  const model = "model m(classes: int = 2) {\n  let a = classes\n}\n";
  const reader = new Reader();
  for (const text of [model, model.replace("{\n", "{\nmodel m(classes: int = 2) {\n")]) {
    const [again, anew] = [new DiagnosticBag(), new DiagnosticBag()];
    reader.read({ name: "net.arch", text }, again);
    parseFile({ name: "net.arch", text }, anew);
    expect(again.sorted()).toEqual(anew.sorted());
  }
});

/** What the syntax tests share: reading texts, and trees without places. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DiagnosticBag, type Diagnostic } from "../../src/compiler/diagnostics/diagnostic.ts";
import type { FileNode } from "../../src/compiler/syntax/ast.ts";
import { parseFile } from "../../src/compiler/syntax/parse.ts";

export const root = join(import.meta.dirname, "..", "..");

export interface Parsed {
  readonly tree: FileNode;
  readonly diagnostics: readonly Diagnostic[];
}

export function parse(text: string, name = "test.arch"): Parsed {
  const bag = new DiagnosticBag();
  const tree = parseFile({ name, text }, bag);
  return { tree, diagnostics: bag.sorted() };
}

/** Every `.arch` file of the project that is meant to be right. */
export function specFiles(): readonly { readonly name: string; readonly text: string }[] {
  return ["models", "stdlib", join("test", "syntax", "fixtures")].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith(".arch"))
      .map((name) => ({ name: `${folder}/${name}`, text: readFileSync(join(root, folder, name), "utf8") })),
  );
}

/** A node without spans and without the fields that say nothing. */
export function bare(node: unknown): unknown {
  return JSON.parse(
    JSON.stringify(node, (key, value: unknown) => {
      if (["span", "opSpan", "argsSpan", "file", "comments"].includes(key)) return undefined;
      if (key === "annotations" && Array.isArray(value) && value.length === 0) return undefined;
      return value;
    }),
  ) as unknown;
}

/** `CODE line:column text` of each, for short expectations. */
export function summary(diagnostics: readonly Diagnostic[]): readonly string[] {
  return diagnostics.map((d) => {
    const before = d.span.file.text.slice(0, d.span.start);
    const line = before.split("\n").length;
    const column = before.length - before.lastIndexOf("\n");
    return `${d.code} ${String(line)}:${String(column)} ${d.message}${d.label === "" ? "" : ` | ${d.label}`}`;
  });
}

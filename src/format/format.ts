/**
 * Formats texts: the same text always gives the same layout, and formatting it again changes nothing. A text with
 * mistakes is not formatted; its diagnostics come back instead. It reads and writes no files.
 */
import { printer } from "prettier/doc";
import { type Diagnostic, DiagnosticBag } from "../compiler/diagnostics/diagnostic.ts";
import type { SourceFile } from "../compiler/source/source.ts";
import type { FileNode } from "../compiler/syntax/ast.ts";
import { parseFile } from "../compiler/syntax/parse.ts";
import { scan } from "../compiler/syntax/scan.ts";
import { FilePrinter } from "./print-file.ts";
import type { Page } from "./printer-base.ts";
import { type Doc, Writer } from "./writer.ts";

export const PRINT_WIDTH = 120;
/** Columns of one level. */
export const INDENT = 2;

export interface Formatted {
  /** Undefined for a text with errors. */
  readonly text: string | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

/** A text that cannot be formatted because it has errors. */
export class UnreadableError extends Error {
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[]) {
    super(diagnostics[0]?.message ?? "the text has errors");
    this.name = "UnreadableError";
    this.diagnostics = diagnostics;
  }
}

/** Formats a text, or throws `UnreadableError`. */
export function formatText(text: string, name = "text.arch"): string {
  const { text: formatted, diagnostics } = formatFile({ name, text });
  if (formatted === undefined) throw new UnreadableError(diagnostics);
  return formatted;
}

export function formatFile(source: SourceFile): Formatted {
  const file: SourceFile = { name: source.name, text: source.text.replace(/^\ufeff/, "").replaceAll("\r\n", "\n") };
  const bag = new DiagnosticBag();
  const tree = parseFile(file, bag);
  if (bag.hasErrors) return { text: undefined, diagnostics: bag.sorted() };
  const doc = layOut(tree, { width: PRINT_WIDTH, indent: INDENT });
  const { formatted } = printer.printDocToString(doc, { printWidth: PRINT_WIDTH, tabWidth: INDENT });
  return { text: formatted, diagnostics: bag.sorted() };
}

/** The layout of a tree without errors. */
export function layOut(tree: FileNode, page: Page): Doc {
  const { text } = tree.file;
  return new FilePrinter(new Writer(text, scan(tree.file).tokens, tree.comments), page).file(tree);
}

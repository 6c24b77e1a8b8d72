/**
 * The formatter as a plugin of Prettier 3: `prettier --plugin archc/prettier FILE.arch`. It only hands over; the layout
 * is made by the printer, comments too.
 */
import type { AstPath, Parser, ParserOptions, Plugin, Printer } from "prettier";
import { DiagnosticBag } from "../compiler/diagnostics/diagnostic.ts";
import { positionOf, type SourceFile } from "../compiler/source/source.ts";
import type { FileNode } from "../compiler/syntax/ast.ts";
import { parseFile } from "../compiler/syntax/parse.ts";
import { INDENT, layOut, PRINT_WIDTH } from "./format.ts";

/** Prettier would print the comments of a node that has a field of that name, so the tree stands inside another. */
interface Root {
  readonly kind: "root";
  readonly tree: FileNode;
}

export const languages: Plugin["languages"] = [
  { name: "arch", parsers: ["arch"], extensions: [".arch"], vscodeLanguageIds: ["arch"] },
];

/** A mistake in the form in which Prettier shows it. */
class ArchSyntaxError extends SyntaxError {
  readonly loc: { readonly start: { readonly line: number; readonly column: number } };

  constructor(message: string, file: SourceFile, offset: number) {
    super(message);
    this.loc = { start: positionOf(file, offset) };
  }
}

const parser: Parser<Root> = {
  astFormat: "arch",
  locStart: ({ tree }) => tree.span.start,
  locEnd: ({ tree }) => tree.span.end,
  parse(text: string, { filepath }: ParserOptions): Root {
    const file: SourceFile = { name: typeof filepath === "string" ? filepath : "text.arch", text };
    const bag = new DiagnosticBag();
    const tree = parseFile(file, bag);
    const error = bag.sorted().find(({ severity }) => severity === "error");
    if (error === undefined) return { kind: "root", tree };
    throw new ArchSyntaxError(
      error.help === "" ? error.message : `${error.message}\nhelp: ${error.help}`,
      file,
      error.span.start,
    );
  },
};

const printer: Printer<Root> = {
  print: ({ node }: AstPath<Root>, { printWidth, tabWidth }) =>
    layOut(node.tree, { width: printWidth, indent: tabWidth }),
  massageAstNode: Object.assign(() => undefined, {
    ignoredProperties: new Set(["file", "comments", "span", "opSpan", "argsSpan"]),
  }),
};

export const parsers = { arch: parser };
export const printers = { arch: printer };
export const defaultOptions: Plugin["defaultOptions"] = { printWidth: PRINT_WIDTH, tabWidth: INDENT };

/**
 * Text to abstract syntax. A text without mistakes takes the straight way: scan, one run of the parser, tree. It must
 * not decide what anything means.
 */
import type { CstNode, IToken } from "chevrotain";
import type * as cst from "../../../grammar/cst.generated.ts";
import { ArchParser, type Rule } from "../../../grammar/parser.ts";
import type { DiagnosticBag } from "../diagnostics/diagnostic.ts";
import { positionOf, type SourceFile } from "../source/source.ts";
import type { Expr, FileNode, PathNode } from "./ast.ts";
import { scan, type Scan } from "./scan.ts";
import { all, Places } from "./tree-base.ts";
import { TreeBuilder } from "./tree-declarations.ts";

let shared: ArchParser | undefined;

/** Making a parser takes longer than parsing a file, and it keeps nothing between runs: one serves all. */
function parserInstance(): ArchParser {
  shared ??= new ArchParser({ skipValidations: true });
  return shared;
}

function run(
  tokens: readonly IToken[],
  rule: (parser: ArchParser) => Rule,
): { tree: CstNode; failedAt: IToken | undefined } {
  const parser = parserInstance();
  parser.input = [...tokens];
  const tree = rule(parser).call(parser);
  const failedAt = parser.errors[0]?.token;
  parser.input = [];
  return { tree, failedAt };
}

function builderFor(scanned: Scan): TreeBuilder {
  return new TreeBuilder(new Places(scanned.file, scanned.docs), new Map());
}

function reportUnexpected(file: SourceFile, token: IToken, bag: DiagnosticBag): void {
  const start = Number.isNaN(token.startOffset) ? file.text.length : token.startOffset;
  const found = token.image === "" ? "the end" : `\`${token.image}\``;
  bag.add({
    code: "E0101",
    severity: "error",
    message: `this does not belong here: ${found}`,
    span: { file, start, end: start + Math.max(token.image.length, 1) },
    label: `line ${String(positionOf(file, start).line)} cannot be read from here`,
    related: [],
    help: "",
    note: "",
    fixes: [],
  });
}

/** Reads a whole file; every mistake goes to `bag`, and what could be read is in the tree. */
export function parseFile(file: SourceFile, bag: DiagnosticBag): FileNode {
  const scanned = scan(file);
  const { tree, failedAt } = run(scanned.tokens, (parser) => parser.file);
  const span = { file, start: 0, end: file.text.length };
  if (failedAt !== undefined) {
    reportUnexpected(file, failedAt, bag);
    return { file, declarations: [], comments: scanned.comments, span };
  }
  const builder = builderFor(scanned);
  const declarations = all((tree as cst.FileCstNode).children.declaration).map((d) => builder.declaration(d));
  return { file, declarations, comments: scanned.comments, span };
}

/** Reads one expression that is the whole text, as after `--set PATH=`; undefined where there is none. */
export function parseExpression(text: string, name: string, bag: DiagnosticBag): Expr | undefined {
  const file: SourceFile = { name, text };
  const scanned = scan(file);
  const { tree, failedAt } = run(scanned.tokens, (parser) => parser.expr);
  if (failedAt === undefined) return builderFor(scanned).expr(tree as cst.ExprCstNode);
  reportUnexpected(file, failedAt, bag);
  return undefined;
}

/** Reads a path such as `branch.*.fuse` that is the whole text. */
export function parsePath(text: string, name: string, bag: DiagnosticBag): PathNode | undefined {
  const file: SourceFile = { name, text };
  const scanned = scan(file);
  const { tree, failedAt } = run(scanned.tokens, (parser) => parser.path);
  if (failedAt === undefined) return builderFor(scanned).path(tree as cst.PathCstNode);
  reportUnexpected(file, failedAt, bag);
  return undefined;
}

/**
 * Text to abstract syntax. A text without mistakes takes the straight way: scan, one run of the parser, tree; any other
 * goes through recovery. It must not decide what anything means.
 */
import type { IToken } from "chevrotain";
import type * as cst from "../../../grammar/cst.generated.ts";
import { runRule, type RuleName } from "../../../grammar/shared.ts";
import { report } from "../diagnostics/catalog.ts";
import type { DiagnosticBag } from "../diagnostics/diagnostic.ts";
import type { SourceFile } from "../source/source.ts";
import type { Declaration, Expr, FileNode, PathNode } from "./ast.ts";
import { findTooDeep } from "./depth.ts";
import { describeExpected, describeToken, expectedAfter, failurePoint } from "./expect.ts";
import { Layout } from "./layout.ts";
import { declarationStarts } from "./outline.ts";
import { Recovery } from "./recover.ts";
import { reportScanProblems } from "./scan-report.ts";
import { scan, type Scan } from "./scan.ts";
import { withoutSlips } from "./slips.ts";
import { all, Places } from "./tree-base.ts";
import { TreeBuilder } from "./tree-declarations.ts";

/** Reads a whole file; every mistake goes to `bag`, and what could be read is in the tree. */
export function parseFile(file: SourceFile, bag: DiagnosticBag): FileNode {
  const scanned = withoutTooDeep(scan(file), bag);
  reportScanProblems(scanned, bag);
  const span = { file, start: 0, end: file.text.length };
  return { file, declarations: readDeclarations(scanned, bag), comments: scanned.comments, span };
}

function readDeclarations(scanned: Scan, bag: DiagnosticBag): readonly Declaration[] {
  const { tree, failedAt } = runRule("file", scanned.tokens);
  if (failedAt !== undefined) {
    const tokens = withoutSlips(scanned, new Layout(scanned.file, scanned.tokens), bag);
    if (tokens === scanned.tokens) return new Recovery(scanned, bag).declarations();
    return readDeclarations({ ...scanned, tokens }, bag);
  }
  const builder = builderFor(scanned);
  return all((tree as cst.FileCstNode).children.declaration).map((d) => builder.declaration(d));
}

function builderFor(scanned: Scan): TreeBuilder {
  return new TreeBuilder(new Places(scanned.file, scanned.docs), new Map());
}

/** Takes out whole declarations in which something is too deep to be walked over; each is reported. */
function withoutTooDeep(scanned: Scan, bag: DiagnosticBag): Scan {
  if (findTooDeep(scanned.tokens) === undefined) return scanned;
  const starts = declarationStarts(new Layout(scanned.file, scanned.tokens));
  const kept: IToken[] = [];
  for (const [i, start] of starts.entries()) {
    const tokens = scanned.tokens.slice(start, starts[i + 1]);
    const found = findTooDeep(tokens);
    if (found === undefined) {
      for (const token of tokens) kept.push(token);
      continue;
    }
    const at = tokens[found.at]?.startOffset ?? 0;
    report(bag, "E0105", found, { file: scanned.file, start: at, end: at + 1 });
  }
  return { ...scanned, tokens: kept };
}

/** Reads one expression that is the whole text, as after `--set PATH=`; undefined where there is none. */
export function parseExpression(text: string, name: string, bag: DiagnosticBag): Expr | undefined {
  const read = readAll(text, name, "expr", bag);
  return read && builderFor(read.scanned).expr(read.tree as cst.ExprCstNode);
}

/** Reads a path such as `branch.*.fuse` that is the whole text. */
export function parsePath(text: string, name: string, bag: DiagnosticBag): PathNode | undefined {
  const read = readAll(text, name, "path", bag);
  return read && builderFor(read.scanned).path(read.tree as cst.PathCstNode);
}

function readAll(text: string, name: string, rule: RuleName, bag: DiagnosticBag) {
  const file: SourceFile = { name, text };
  const scanned = scan(file);
  reportScanProblems(scanned, bag);
  if (scanned.problems.length > 0) return undefined;
  const tooDeep = findTooDeep(scanned.tokens);
  if (tooDeep !== undefined) {
    report(bag, "E0105", tooDeep, { file, start: 0, end: text.length });
    return undefined;
  }
  const { tree, failedAt } = runRule(rule, scanned.tokens);
  if (failedAt === undefined) return { scanned, tree };
  const point = failurePoint(rule, scanned.tokens, failedAt);
  const { types } = expectedAfter(rule, scanned.tokens.slice(0, point));
  const token = scanned.tokens[point];
  const start = token?.startOffset ?? text.length;
  const end = token === undefined ? start : (token.endOffset ?? start) + 1;
  const args = { expected: describeExpected(types, false), found: describeToken(token), help: "" };
  report(bag, "E0101", args, { file, start, end });
  return undefined;
}

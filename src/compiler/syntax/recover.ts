/**
 * Reads a file that has mistakes: parts it into declarations and those into islands, reads each island by its own rule,
 * mends what one edit mends, and puts the pieces together. One mistake is reported once; what stands beside it is read
 * as if nothing had happened.
 */
import type { CstNode, IToken } from "chevrotain";
import type * as cst from "../../../grammar/cst.generated.ts";
import { runRule, type RuleName } from "../../../grammar/shared.ts";
import { tokens as t } from "../../../grammar/tokens.ts";
import type { DiagnosticBag } from "../diagnostics/diagnostic.ts";
import type { Declaration, Expr } from "./ast.ts";
import { Layout, type Container } from "./layout.ts";
import { declarationStarts, Outliner, type Group, type Island } from "./outline.ts";
import { poisoned } from "./poison.ts";
import { holeFor, tokenFor } from "./repair.ts";
import type { Scan } from "./scan.ts";
import { SyntaxReporter } from "./report.ts";
import { first, Places } from "./tree-base.ts";
import { TreeBuilder } from "./tree-declarations.ts";
import type { Graft } from "./tree-expressions.ts";

/** The rule that reads an island of a container. */
const islandRule: Readonly<Record<Container, RuleName>> = {
  file: "declaration",
  model: "item",
  body: "statement",
  head: "headLine",
  fields: "field",
  train: "trainLine",
  step: "optimizeLine",
  pretrained: "rule",
  variant: "edit",
};

/** A piece of the tree: what kind it is follows from the rule that read it. */
type Piece = { readonly rule: RuleName; readonly node: unknown };

/** Reads tokens that need no mending; who reads a text again may know their trees. Undefined where they cannot be read. */
export interface Keeper {
  /** All are asked for before the first of them is made. */
  declaration(tokens: readonly IToken[]): () => Declaration | undefined;
  read(rule: RuleName, tokens: readonly IToken[]): unknown;
}

/** Knows nothing. */
class Forgetful implements Keeper {
  readonly #builder: TreeBuilder;

  constructor({ file, docs }: Scan) {
    this.#builder = new TreeBuilder(new Places(file, docs), new Map());
  }
  declaration(tokens: readonly IToken[]): () => Declaration | undefined {
    return () => this.read("declaration", tokens) as Declaration | undefined;
  }
  read(rule: RuleName, tokens: readonly IToken[]): object | undefined {
    const { tree, failedAt } = runRule(rule, tokens);
    return failedAt === undefined ? treeOf(this.#builder, rule, tree) : undefined;
  }
}

export class Recovery {
  readonly #tokens: readonly IToken[];
  readonly #layout: Layout;
  readonly #grafts = new Map<IToken, Graft>();
  readonly #builder: TreeBuilder;
  readonly #reporter: SyntaxReporter;
  readonly #keeper: Keeper;

  constructor(scanned: Scan, bag: DiagnosticBag, keeper: Keeper = new Forgetful(scanned)) {
    this.#tokens = scanned.tokens;
    this.#layout = new Layout(scanned.file, scanned.tokens);
    this.#builder = new TreeBuilder(new Places(scanned.file, scanned.docs), this.#grafts);
    this.#reporter = new SyntaxReporter(scanned, this.#layout, bag);
    this.#keeper = keeper;
  }

  declarations(): readonly Declaration[] {
    const starts = declarationStarts(this.#layout);
    const regions = starts.map((start, i) => ({ start, end: starts[i + 1] ?? this.#tokens.length }));
    const wholes = regions.map(({ start, end }) => this.#keeper.declaration(this.#tokens.slice(start, end)));
    const found: Declaration[] = [];
    for (const [i, { start, end }] of regions.entries()) {
      const whole = wholes[i]?.();
      if (whole !== undefined) {
        found.push(whole);
        continue;
      }
      const pieces = new Outliner(this.#layout, start, end)
        .declarations(start)
        .map((island) => this.#read(island, end));
      // Only the rule `declaration` reads what stands in a file.
      for (const piece of pieces) if (piece !== undefined) found.push(piece.node as Declaration);
    }
    return found;
  }

  /** Reads an island; undefined where nothing of it could be read. `containerEnd` is where its container ends. */
  #read(island: Island, containerEnd: number): Piece | undefined {
    const rule = island.starter === "result" && island.container === "body" ? "result" : islandRule[island.container];
    const raw = this.#tokens.slice(island.start, island.end);
    if (island.groups.every((group) => group.hasOpen && group.hasClose)) {
      const node = this.#keeper.read(rule, raw);
      if (node !== undefined) return { rule, node };
    }
    if (raw.length === 1 && raw[0]?.tokenType === t.RCurly) {
      const next = this.#layout.line[island.end] !== this.#layout.line[island.start];
      this.#reporter.strayCloser(raw[0], next && this.#layout.isFirst(island.start));
      return undefined;
    }
    for (const group of island.groups) this.#readGroup(group);
    const tokens = this.#withStubs(island);
    const run = runRule(rule, tokens);
    if (run.failedAt === undefined) return { rule, node: treeOf(this.#builder, rule, run.tree) };
    const repair = this.#reporter.islandFailed({ island, rule, tokens, failedAt: run.failedAt, containerEnd });
    if (repair === undefined) return undefined;
    const mended = runRule(repair.rule, repair.tokens);
    const node = treeOf(this.#builder, repair.rule, mended.tree);
    return { rule: repair.rule, node: repair.sure ? node : poisoned(node) };
  }

  /** Reads what is between two braces and keeps it for the tree of the island around. */
  #readGroup(group: Group): void {
    this.#reporter.groupBraces(group);
    const lines: unknown[] = [];
    let result: Expr | undefined;
    let sawResult = false;
    let reported = false;
    for (const island of group.islands) {
      if (sawResult && !reported) this.#reporter.afterResult(island);
      reported ||= sawResult;
      const piece = this.#read(island, group.close);
      const isResult = island.starter === "result" || piece?.rule === "result";
      if (group.kind === "body" && isResult) sawResult = true;
      if (piece === undefined) continue;
      // Only the rule `result` gives an expression.
      if (piece.rule === "result") result = piece.node as Expr;
      else lines.push(piece.node);
    }
    if (group.kind === "body" && !sawResult) this.#reporter.noResult(group);
    this.#grafts.set(this.#opener(group), { kind: group.kind, lines, result });
  }

  #openers = new Map<Group, IToken>();

  /** The group's `{`, or one put in its place. */
  #opener(group: Group): IToken {
    const real = group.hasOpen ? this.#tokens[group.open] : undefined;
    const opener = real ?? this.#openers.get(group) ?? tokenFor(t.LCurly, this.#endBefore(group.open));
    this.#openers.set(group, opener);
    return opener;
  }

  #endBefore(index: number): number {
    const before = this.#tokens[index - 1];
    return before === undefined ? 0 : (before.endOffset ?? before.startOffset) + 1;
  }

  /** The island's tokens with next to nothing between the braces of its groups. */
  #withStubs(island: Island): readonly IToken[] {
    let out: IToken[] = [];
    let at = island.start;
    for (const group of island.groups) {
      out = out.concat(this.#tokens.slice(at, group.open), this.#opener(group));
      const closer = group.hasClose ? this.#tokens[group.close] : undefined;
      const offset = this.#endBefore(group.close);
      if (group.kind === "body") out.push(tokenFor(t.FatArrow, offset), holeFor(t.Identifier, offset));
      out.push(closer ?? tokenFor(t.RCurly, offset));
      at = group.hasClose ? group.close + 1 : group.close;
    }
    return out.concat(this.#tokens.slice(at, island.end));
  }
}

/** The tree of an island that a rule read. */
export function treeOf(builder: TreeBuilder, rule: RuleName, tree: CstNode): object {
  switch (rule) {
    case "declaration":
      return builder.declaration(tree as cst.DeclarationCstNode);
    case "item":
      return builder.item(tree as cst.ItemCstNode);
    case "statement":
      return builder.line(first((tree as cst.StatementCstNode).children.line), tree);
    case "result":
      return builder.expr(first((tree as cst.ResultCstNode).children.expr));
    case "headLine":
      return builder.headLine(tree as cst.HeadLineCstNode);
    case "field":
      return builder.field(tree as cst.FieldCstNode);
    case "trainLine":
      return builder.trainLine(tree as cst.TrainLineCstNode);
    case "optimizeLine":
      return builder.optimizeLine(tree as cst.OptimizeLineCstNode);
    case "rule":
      return builder.rule(tree as cst.RuleCstNode);
    case "edit":
      return builder.edit(tree as cst.EditCstNode);
    default:
      throw new Error(`no island is read by the rule ${rule}`);
  }
}

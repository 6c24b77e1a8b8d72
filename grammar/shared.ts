/**
 * One parser for everybody. Making one takes longer than reading a file, and a parser keeps nothing from one run to
 * the next, so it is made when first asked for and never again.
 */
import type { CstNode, IToken } from "chevrotain";
import { Neighbours } from "./neighbours.ts";
import { ArchParser, type Rule } from "./parser.ts";

let parser: ArchParser | undefined;

/** What a run of one rule over all of some tokens gave. */
export interface Run {
  readonly tree: CstNode;
  /** Index of the token at which the parser gave up; the number of tokens for the end; undefined if all was read. */
  readonly failedAt: number | undefined;
}

export type RuleName = {
  [K in keyof ArchParser]: ArchParser[K] extends Rule ? K : never;
}[keyof ArchParser];

function sharedParser(): ArchParser {
  // Validation is for those who change the grammar: a test does it.
  parser ??= new ArchParser({ skipValidations: true });
  return parser;
}

let neighbours: Neighbours | undefined;

/** Only recovery asks, so it is not computed for a text without mistakes. */
export function grammarNeighbours(): Neighbours {
  neighbours ??= new Neighbours(sharedParser().getGAstProductions());
  return neighbours;
}

export function runRule(rule: RuleName, tokens: readonly IToken[]): Run {
  const parser = sharedParser();
  parser.input = [...tokens];
  const tree = parser[rule]();
  const error = parser.errors[0];
  parser.input = [];
  if (error === undefined) return { tree, failedAt: undefined };
  const index = tokens.indexOf(error.token);
  return { tree, failedAt: index === -1 ? tokens.length : index };
}

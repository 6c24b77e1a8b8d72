/**
 * One parser for everybody. Making one takes longer than reading a file, and a parser keeps nothing from one run to
 * the next, so it is made when first asked for and never again.
 */
import type { CstNode, IToken } from "chevrotain";
import { Neighbours } from "./neighbours.ts";
import { ArchParser, type Rule } from "./parser.ts";
import { fold, type Folded } from "./slices.ts";

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
  const folded = fold(tokens);
  const parser = sharedParser();
  parser.input = folded === undefined ? [...tokens] : [...folded.tokens];
  const tree = withoutStackTraces(() => parser[rule]());
  const error = parser.errors[0];
  parser.input = [];
  const failed = error?.token ?? (folded === undefined ? undefined : unfold(tree, folded));
  if (failed === undefined) return { tree, failedAt: undefined };
  const index = tokens.indexOf(failed);
  return { tree, failedAt: index === -1 ? tokens.length : index };
}

/** A refusal is an Error to Chevrotain; nobody reads its stack, and recording it takes longer than the refusal. */
function withoutStackTraces<T>(run: () => T): T {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return run();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

/** Reads what was folded away, each by the rule that took its brackets; gives the token at which that failed. */
function unfold(tree: CstNode, folded: Folded): IToken | undefined {
  const waiting = [tree];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    for (const child of Object.values(node.children).flat()) {
      if ("children" in child) {
        waiting.push(child);
        continue;
      }
      const inside = folded.inside.get(child);
      if (inside === undefined) continue;
      // A rule's node has the rule's name.
      const run = runRule(node.name as RuleName, inside);
      if (run.failedAt !== undefined) return inside[run.failedAt] ?? inside.at(-1);
      Object.assign(node, { children: run.tree.children });
      break;
    }
  }
  return undefined;
}

/**
 * Guards every later walk over the tree: counts, on tokens alone, how deep and how long an expression becomes, so that
 * no text can overflow the stack. It reads no syntax.
 */
import type { IToken, TokenType } from "chevrotain";
import { tokens as t } from "../../../grammar/tokens.ts";
import { isName } from "./layout.ts";

/** Brackets inside each other. */
export const MAX_DEPTH = 256;
/** `if`, `fold`, `block` and `^` inside each other without a bracket between; each holds the rest of its expression. */
export const MAX_FORMS = 64;
/** Tokens of one expression at one bracket depth: each operator, call and pipe of a chain is one level of the tree. */
export const MAX_CHAIN = 1_000;

export interface TooDeep {
  /** Index of the token that is one too many. */
  readonly at: number;
  readonly limit: number;
  readonly what: string;
}

/** Forms whose last part is an expression again: each nests without a bracket. */
const nests: ReadonlySet<TokenType> = new Set([t.If, t.Fold, t.Block, t.Caret]);
/** Between these an expression starts afresh, and at a `block` that has a name. */
const separates: ReadonlySet<TokenType> = new Set([
  ...[t.Comma, t.Assign, t.FatArrow, t.Let, t.Shared, t.Param, t.State, t.Update, t.Assert, t.Input, t.Target],
  ...[t.Regions, t.Branch, t.Head, t.Loss, t.Predict, t.Metric, t.Optimize, t.Freeze, t.Import, t.Const, t.Fn, t.Prim],
  ...[t.Model, t.Variant],
]);

interface Level {
  /** Forms open at this bracket depth. */
  forms: number;
  length: number;
}

export function findTooDeep(tokens: readonly IToken[]): TooDeep | undefined {
  const levels: Level[] = [{ forms: 0, length: 0 }];
  let forms = 0;
  for (const [at, token] of tokens.entries()) {
    const type = token.tokenType;
    const level = levels.at(-1) ?? { forms: 0, length: 0 };
    if (type === t.LParen || type === t.LSquare || type === t.LCurly) {
      level.length++;
      levels.push({ forms: 0, length: 0 });
    } else if (type === t.RParen || type === t.RSquare || type === t.RCurly) {
      if (levels.length > 1) {
        forms -= level.forms;
        levels.pop();
      }
    } else if (nests.has(type) && !(type === t.Block && isName(tokens[at + 1]))) {
      level.forms++;
      level.length++;
      forms++;
    } else if (separates.has(type) || type === t.Block) {
      // `=>` goes on with the form that it belongs to.
      if (type !== t.FatArrow && type !== t.Assign) {
        forms -= level.forms;
        level.forms = 0;
      }
      level.length = 0;
    } else level.length++;
    if (levels.length > MAX_DEPTH + 1) return { at, limit: MAX_DEPTH, what: "brackets inside each other" };
    if (forms > MAX_FORMS) return { at, limit: MAX_FORMS, what: "`if`, `fold`, `block` or `^` inside each other" };
    if (level.length > MAX_CHAIN) return { at, limit: MAX_CHAIN, what: "parts in one expression" };
  }
  return undefined;
}

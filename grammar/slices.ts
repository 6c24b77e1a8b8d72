/**
 * Keeps the parser's stack small: Chevrotain needs tens of stack frames for each bracket, so the insides of deep
 * brackets are taken out and read later, on their own. Only tokens are looked at here.
 */
import type { IToken, TokenType } from "chevrotain";
import { tokens as t } from "./tokens.ts";

/** Brackets inside each other that the parser reads in one go. */
const SLICE = 32;

export interface Folded {
  /** The tokens with nothing between the deep brackets. */
  readonly tokens: readonly IToken[];
  /** By the opening bracket: all tokens from it to its closer. */
  readonly inside: ReadonlyMap<IToken, readonly IToken[]>;
}

const closerOf: ReadonlyMap<TokenType, TokenType> = new Map([
  [t.LParen, t.RParen],
  [t.LSquare, t.RSquare],
  [t.LCurly, t.RCurly],
]);

/** Undefined where nothing is so deep. */
export function fold(tokens: readonly IToken[]): Folded | undefined {
  if (!isDeep(tokens)) return undefined;
  const kept: IToken[] = [];
  const inside = new Map<IToken, readonly IToken[]>();
  let depth = 0;
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at];
    if (token === undefined) break;
    kept.push(token);
    if (isCloser(token)) depth = Math.max(0, depth - 1);
    if (!closerOf.has(token.tokenType)) continue;
    depth++;
    if (depth <= SLICE || !mayBeEmpty(tokens, at)) continue;
    const end = matching(tokens, at);
    // Without a closer the rest cannot be read either way, and going into it would cost the stack.
    if (end === undefined) break;
    inside.set(token, tokens.slice(at, end + 1));
    at = end - 1;
  }
  return { tokens: kept, inside };
}

function isCloser(token: IToken): boolean {
  return token.tokenType === t.RParen || token.tokenType === t.RSquare || token.tokenType === t.RCurly;
}

export function isDeep(tokens: readonly IToken[]): boolean {
  let depth = 0;
  for (const token of tokens) {
    if (closerOf.has(token.tokenType) && ++depth > SLICE) return true;
    if (isCloser(token)) depth--;
  }
  return false;
}

/** Whether the grammar allows nothing between this bracket and its closer, so that the rest reads the same. */
function mayBeEmpty(tokens: readonly IToken[], at: number): boolean {
  const type = tokens[at]?.tokenType;
  if (type === t.LParen) return true;
  if (type === t.LSquare) return tokens[at - 1]?.tokenType !== t.List;
  // The braces of a map; those of a body hold at least its result.
  return tokens[at + 2]?.tokenType === t.Colon;
}

function matching(tokens: readonly IToken[], at: number): number | undefined {
  const open: TokenType[] = [];
  for (let i = at; i < tokens.length; i++) {
    const type = tokens[i]?.tokenType;
    const closer = type === undefined ? undefined : closerOf.get(type);
    if (closer !== undefined) open.push(closer);
    else if (type === open.at(-1)) {
      open.pop();
      if (open.length === 0) return i;
    } else if (type === t.RParen || type === t.RSquare || type === t.RCurly) return undefined;
  }
  return undefined;
}

/**
 * What could stand at a place, in plain words. The parser itself is asked: a token is expected if the rule reads past
 * it. Nothing is reported here.
 */
import type { IToken, TokenType } from "chevrotain";
import { grammarNeighbours, runRule, type RuleName } from "../../../grammar/shared.ts";
import { allTokens, tokens as t } from "../../../grammar/tokens.ts";
import { tokenFor } from "./repair.ts";

/** The first token that no continuation could save; the parser itself may notice one token earlier or later. */
export function failurePoint(rule: RuleName, tokens: readonly IToken[], noticedAt: number): number {
  const token = tokens[noticedAt];
  if (token === undefined) return noticedAt;
  if (!grammarNeighbours().canFollow(tokens[noticedAt - 1]?.tokenType, token.tokenType)) return noticedAt;
  const prefix = tokens.slice(0, noticedAt + 1);
  return readsPast(rule, prefix, noticedAt) ? noticedAt + 1 : noticedAt;
}

/** Whether the token at `index`, the last of these, fits there. */
function readsPast(rule: RuleName, prefix: readonly IToken[], index: number): boolean {
  return [...probes, ...allTokens].some((type) => {
    if (!grammarNeighbours().canFollow(prefix[index]?.tokenType, type)) return false;
    const failedAt = runRule(rule, [...prefix, tokenFor(type, 0)]).failedAt;
    return failedAt === undefined || failedAt > index;
  });
}

const operators: readonly TokenType[] = [
  ...[t.Plus, t.Minus, t.Star, t.Slash, t.Percent, t.Caret, t.Equal, t.NotEqual, t.Less, t.LessEqual, t.Greater],
  ...[t.GreaterEqual, t.And, t.Or, t.RangeUntil, t.RangeTo],
];
/** Never worth saying when an operator is possible. */
const suffixes: readonly TokenType[] = [t.LParen, t.LSquare, t.Dot, t.With, t.As, t.Pipe];
/** Tokens that would have to be said one by one, in the order in which they are said. */
const said: readonly TokenType[] = [
  ...[t.Comma, t.RParen, t.RSquare, t.RCurly, t.Assign, t.Colon, t.FatArrow, t.Arrow, t.LCurly, t.LParen, t.LSquare],
  ...[t.In, t.For, t.Of, t.From, t.By, t.At, t.Then, t.Else, t.If, t.Fuse, t.Where, t.Dot, t.Pipe, t.Bar, t.As, t.Star],
];

/** One token for each thing that is said as a whole, and those that are said themselves. */
const probes: readonly TokenType[] = [
  ...[t.Identifier, t.Number, t.String, t.Plus, t.Star, t.Let, t.List, t.Wildcard, t.Ellipsis, t.Block],
  ...said,
];

/** The token types that could follow these tokens, as far as they are worth saying, and whether the rule may end. */
export function expectedAfter(
  rule: RuleName,
  tokens: readonly IToken[],
): { types: ReadonlySet<TokenType>; end: boolean } {
  const fits = (type: TokenType): boolean => {
    if (!grammarNeighbours().canFollow(tokens.at(-1)?.tokenType, type)) return false;
    const failedAt = runRule(rule, [...tokens, tokenFor(type, 0)]).failedAt;
    return failedAt === undefined || failedAt > tokens.length;
  };
  const telling = probes.filter(fits);
  const types = new Set(telling.length > 0 ? telling : allTokens.filter(fits));
  return { types, end: runRule(rule, tokens).failedAt === undefined };
}

/** "`,`, `)` or an operator"; the same words for the same place, whatever the parser's state is called. */
export function describeExpected(types: ReadonlySet<TokenType>, end: boolean): string {
  const parts: string[] = [];
  const value = types.has(t.Number) && types.has(t.LParen) && types.has(t.Identifier);
  const operator = types.has(t.Plus) && types.has(t.Star);
  const left = new Set(types);
  if (value) {
    parts.push("a value");
    for (const type of [t.LParen, t.LSquare, t.LCurly, t.Block, t.If, t.Ellipsis, t.Colon]) left.delete(type);
  } else if (types.has(t.Identifier) && types.has(t.LParen) && types.has(t.List)) {
    parts.push("a type");
    left.delete(t.LParen);
  } else if (types.has(t.Identifier)) parts.push("a name");
  if (types.has(t.Identifier))
    for (const type of left) if (type.CATEGORIES?.includes(t.Name) === true) left.delete(type);
  if (!types.has(t.Identifier) && types.has(t.String)) parts.push("a string");
  // Where any word may stand, the words need no list.
  if (!value && types.has(t.Then) && types.has(t.For))
    for (const type of left) if (/^[a-z]/.test(tokenFor(type, 0).image)) left.delete(type);
  if (operator) for (const type of [...operators, ...suffixes]) left.delete(type);
  // what a pipe can follow, a call or an index can as well; one of them tells enough
  else if (left.has(t.Pipe)) for (const type of suffixes) if (type !== t.Pipe) left.delete(type);
  if (end) parts.push("the end of the line");
  for (const type of said) if (left.has(type)) parts.push(`\`${tokenFor(type, 0).image}\``);
  if (!value && left.has(t.Let)) parts.push("a line");
  if (operator) parts.push("an operator");
  return listed(parts.length === 0 ? [...left].slice(0, 4).map((type) => `\`${tokenFor(type, 0).image}\``) : parts);
}

function listed(parts: readonly string[]): string {
  const last = parts.at(-1) ?? "something else";
  return parts.length < 2 ? last : `${parts.slice(0, -1).join(", ")} or ${last}`;
}

/** A token as a message names it. */
export function describeToken(token: IToken | undefined): string {
  if (token === undefined) return "the end";
  if (token.tokenType === t.String) return token.image.length > 24 ? "this string" : `the string ${token.image}`;
  return `\`${token.image}\``;
}

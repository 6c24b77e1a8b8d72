/**
 * A word on mistakes that come from other languages: what is written here for a mark or a line that is written otherwise
 * there. Looks at tokens only, and never decides whether something is a mistake.
 */
import type { IToken, TokenType } from "chevrotain";
import { tokens as t } from "../../../grammar/tokens.ts";
import { isName } from "./layout.ts";

const loop = "a loop is a fold:   let y = fold y = x for i in 0 ..< n => y |> layer(64)";
const choice = "a choice is a value:   let y = if deep then x |> layer(64) else x";
const part =
  "a layer or network is a block:   block NAME(out: int)(x: float[B, C, H, W]) -> float[B, out, H, W] => x |> conv(out)";

/** Lines that start with a word of another language, by that word. */
const lines: ReadonlyMap<string, string> = new Map([
  ["for", loop],
  ["while", loop],
  ["repeat", loop],
  ["if", choice],
  ["elif", choice],
  ["else", choice],
  ["class", part],
  ["def", part],
  ["struct", part],
  ["from", 'an import names the file last:   import { stage } from "std:resnet"'],
  ["using", 'an import names the file last:   import { stage } from "std:resnet"'],
  ["print", "nothing is printed while a network runs; `archc run --fetch PATH` writes any value"],
  ["self", "parts of a block are `let` lines, its weights `param` lines"],
  ["super", "a block has no parent; it is made of other blocks"],
]);

/** What a line that starts with this word would be here. */
export function lineHint(word: string): string | undefined {
  return lines.get(word);
}

const operators = new Set([t.Plus, t.Minus, t.Star, t.Slash, t.Percent, t.Caret]);

/** What the token at `point` would be here. */
export function hint(tokens: readonly IToken[], point: number): string {
  const [before, token, after] = [tokens[point - 1], tokens[point], tokens[point + 1]];
  const type = token?.tokenType;
  const first = tokens[0]?.tokenType;
  const shown = token?.image ?? "";
  if (type === t.Star && before?.tokenType === t.Star) return "a power is written `x ^ 2`";
  if (type === t.AtSign) return "a matrix product is written `matmul(a, b)`";
  if (type === t.Slash && before?.tokenType === t.Slash) return "write `floor(a / b)`";
  if (type === t.Dot && before?.tokenType === t.Dot) return "a range is written `a ..< b` or `a ..= b`";
  if (type === t.For && before?.tokenType === t.LSquare)
    return "the member comes first:   [x |> linear(w) for w in widths]";
  if (hasTwoFors(tokens, point))
    return "one `for` a list; the lists of a list are joined by a loop:   fold all = [] for a in rows => [...all, ...[f(a, b) for b in columns]]";
  if (type === t.For) return loop;
  if (type === t.Ellipsis && isInMap(tokens, point))
    return "a map is written entry by entry; only lists are spread:   { a: old.a, b: old.b, c: 3 }";
  const strided = type === t.Colon ? stride(tokens, point) : undefined;
  if (strided !== undefined) return strided;
  if (before?.image === "lambda") return "a block without a name:   block(z: float[...S]) => z * sigmoid(z)";
  if (type === t.LSquare && before?.tokenType === t.Colon) return "the type of a list is written `list[int]`";
  const form = type === undefined ? undefined : bracketed.get(type);
  if (form !== undefined && before !== undefined && (before.tokenType === t.Pipe || operators.has(before.tokenType)))
    return `inside of an expression \`${shown}\` stands in parentheses:   x ${before.image} ${form}`;
  if (type !== undefined && comparisons.has(type))
    return `comparisons do not chain:   … and ${before?.image ?? "x"} ${shown} ${after?.image ?? "y"}`;
  if (type !== undefined && operators.has(type) && tokens.slice(0, point).some((x) => x.tokenType === t.Pipe))
    return "behind a pipe stands a block; to go on with an operator, put the pipe in parentheses:   (x |> f) + y";
  if (first === t.Import && point === 1) return 'names stand in braces:   import { stage } from "std:resnet"';
  if (first === t.Pretrained && type === t.From) return 'give it a name:   pretrained start from "…"';
  if ((first === t.Predict || first === t.Metric) && point === 1)
    return `an output has a name:   ${tokens[0]?.image ?? ""} NAME = ${shown}${after?.tokenType === t.LParen ? "(…)" : ""}`;
  if (first !== undefined && takePatterns.has(first) && isName(token))
    return `patterns of paths are strings:   ${tokens[0]?.image ?? ""} "${shown}.**"`;
  if (type === t.LCurly && tokens.slice(0, point).some((x) => x.tokenType === t.Model))
    return "a model has a list of parameters, which may be empty:   model net() {";
  if (type === t.FatArrow && before?.tokenType === t.RParen)
    return "a block without a name:   block(z: float[...S]) => z * sigmoid(z)";
  if (type === t.Comma && (tokens[1]?.tokenType === t.Assign || after === undefined))
    return "lines and fields end by themselves; take the comma out";
  if (type === t.Assign && (first === t.Param || first === t.State))
    return "a weight states its type:   param scale: float[C] = ones()";
  if (type === t.Number && before?.tokenType === t.Comma && tokens[point - 2]?.tokenType === t.Number)
    return `thousands are parted by \`_\`:   ${tokens[point - 2]?.image ?? ""}_${shown}`;
  if (type === t.Assign && isName(before) && after !== undefined)
    return "nothing is reassigned; a new value needs a `let` and a name of its own";
  if (isName(token) && before?.tokenType === t.RParen && tokens.slice(0, point).some((x) => x.tokenType === t.Pipe))
    return `a step of a pipe starts with \`|>\`:   … |> ${shown}   and a label with \`as\`:   … as ${shown}`;
  if (sideBySide(before, token) && isInList(tokens, point))
    return `the members of a list are parted by commas:   ${before?.image ?? ""}, ${shown}`;
  return "";
}

/** `[f(a, b) for a in as for b in bs]`, read up to the place. */
function hasTwoFors(tokens: readonly IToken[], point: number): boolean {
  if (tokens[point]?.tokenType !== t.For || !isInList(tokens, point)) return false;
  return tokens.slice(0, point).some((token, i) => token.tokenType === t.For && isInList(tokens, i));
}

/** Whether an entry of a map belongs at the place. */
function isInMap(tokens: readonly IToken[], point: number): boolean {
  const before = tokens[point - 1]?.tokenType;
  return before === t.LCurly || (before === t.Comma && !isInList(tokens, point));
}

/** `x[:, ::2]` and `x[0:16:2]`: every second entry. */
function stride(tokens: readonly IToken[], point: number): string | undefined {
  const second = tokens[point - 1]?.tokenType === t.Colon ? point : point + 2;
  const step = tokens[second + 1];
  if (tokens[second]?.tokenType !== t.Colon || step?.tokenType !== t.Number || !isInList(tokens, point))
    return undefined;
  const open = tokens.slice(0, point).findLastIndex((token) => token.tokenType === t.LSquare);
  const axis = tokens.slice(open, point).filter((token) => token.tokenType === t.Comma).length;
  const name = tokens[open - 1];
  const of = isName(name) ? (name?.image ?? "x") : "x";
  return `an index has no step; places with one are counted:   gather(axis: ${String(axis)})(${of}, ${step.image} * iota(COUNT))`;
}

/** Forms that hold the rest of their expression. */
const bracketed: ReadonlyMap<TokenType, string> = new Map([
  [t.Block, "(block(z: float[...S]) => z * 2.0)"],
  [t.If, "(if deep then 1.0 else 2.0)"],
  [t.Fold, "(fold y = z for i in 0 ..< n => y |> layer(64))"],
]);
const comparisons = new Set([t.Less, t.LessEqual, t.Greater, t.GreaterEqual, t.Equal, t.NotEqual]);
const takePatterns = new Set([t.Freeze, t.Optimize, t.Fresh, t.Unused]);

function sideBySide(before: IToken | undefined, token: IToken | undefined): boolean {
  return [before, token].every((x) => x !== undefined && (isName(x) || x.tokenType === t.Number));
}

/** Whether the innermost bracket that is open before the place is that of a list. */
function isInList(tokens: readonly IToken[], point: number): boolean {
  let closed = 0;
  for (const token of tokens.slice(0, point).reverse()) {
    if (token.tokenType === t.RSquare || token.tokenType === t.RParen) closed++;
    if (token.tokenType === t.LParen || token.tokenType === t.LSquare) {
      if (closed === 0) return token.tokenType === t.LSquare;
      closed--;
    }
  }
  return false;
}

/** The way to finish a line that ends too early. */
export function unfinishedHint(types: ReadonlySet<TokenType>, last: IToken | undefined): string {
  if (types.has(t.Else)) return "a choice has two sides:   if … then … else x";
  if (types.has(t.At) && !types.has(t.Number) && !types.has(t.Identifier))
    return 'the rate follows:   optimize "**" by adam() at constant(1e-3)';
  return last?.tokenType === t.Pipe ? "a block follows, such as relu or linear(10); or take `|>` away" : "";
}

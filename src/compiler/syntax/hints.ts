/**
 * A word on mistakes that come from other languages: what is written here for a mark or a line that is written otherwise
 * there. Looks at tokens only, and never decides whether something is a mistake.
 */
import type { IToken } from "chevrotain";
import { tokens as t } from "../../../grammar/tokens.ts";
import { isName } from "./layout.ts";

const loop = "a loop is a fold:   let y = fold y = x for i in 0 ..< n => y |> layer(64)";
const choice = "a choice is a value:   let y = if deep then x |> layer(64) else x";
const part = "a layer or network is a block:   block NAME(out: int)(x: float[B, C, H, W]) -> float[B, out, H, W] => …";

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
  if (type === t.Star && before?.tokenType === t.Star) return "a power is written `x ^ 2`";
  if (type === t.AtSign) return "a matrix product is written `matmul(a, b)`";
  if (type === t.Slash && before?.tokenType === t.Slash) return "write `floor(a / b)`";
  if (type === t.Dot && before?.tokenType === t.Dot) return "a range is written `a ..< b` or `a ..= b`";
  if (type === t.For) return loop;
  if (type === t.LSquare && before?.tokenType === t.Colon) return "the type of a list is written `list[int]`";
  if (type !== undefined && operators.has(type) && tokens.slice(0, point).some((x) => x.tokenType === t.Pipe))
    return "behind a pipe stands a block; to go on with an operator, put the pipe in parentheses:   (x |> f) + y";
  if (tokens[0]?.tokenType === t.Import && point === 1)
    return 'names stand in braces:   import { stage } from "std:resnet"';
  if (type === t.LCurly && tokens.slice(0, point).some((x) => x.tokenType === t.Model))
    return "a model has a list of parameters, which may be empty:   model net() {";
  if (type === t.Comma && tokens[1]?.tokenType === t.Assign)
    return "lines and fields end by themselves; take the comma out";
  const declares = [t.Param, t.State].some((word) => tokens[0]?.tokenType === word);
  if (type === t.Assign && declares) return "a weight states its type:   param scale: float[C] = ones()";
  if (type === t.Assign && isName(before) && after !== undefined)
    return "nothing is reassigned; a new value needs a `let` and a name of its own";
  return "";
}

/**
 * Where tokens stand in their lines, and which of them begin a line of the language. Only recovery asks: to a text
 * without mistakes newlines mean nothing.
 */
import type { IToken, TokenType } from "chevrotain";
import { reservedWords, softWords, tokens as t, type WordGroup } from "../../../grammar/tokens.ts";
import { lineStartsOf, type SourceFile } from "../source/source.ts";

/** What stands between two braces, or in the whole file. */
export type Container = "file" | "model" | "body" | "head" | "fields" | "train" | "step" | "pretrained" | "variant";

/** What kind of line a token begins. `result` is the `=>` of a body, `field` is `name =`, `map` is `"pattern" =`. */
export type Starter = "top" | "line" | "item" | "output" | "train" | "step" | "edit" | "rule" | "field" | "result";

const allowed: Readonly<Record<Container, readonly Starter[]>> = {
  file: ["top"],
  model: ["line", "item", "output"],
  body: ["line", "result"],
  head: ["line", "output"],
  fields: ["field"],
  train: ["field", "train", "step"],
  step: ["train"],
  pretrained: ["rule"],
  variant: ["edit"],
};

export function allows(container: Container, starter: Starter | undefined): boolean {
  return starter !== undefined && allowed[container].includes(starter);
}

const starterOfGroup: Partial<Record<WordGroup, Starter>> = {
  declaration: "top",
  line: "line",
  item: "item",
  output: "output",
};

const wordGroups: ReadonlyMap<string, WordGroup> = new Map(Object.entries({ ...reservedWords, ...softWords }));

/** A word right before which a name stands, so that what follows on the same line begins nothing. */
const takesName: ReadonlySet<TokenType> = new Set([
  ...[t.Let, t.Shared, t.Param, t.State, t.Update, t.Dim, t.Input, t.Target, t.Regions, t.Branch, t.Head, t.Predict],
  ...[t.Metric, t.Pretrained, t.Step, t.Fold, t.As, t.For, t.Model, t.Fn, t.Prim, t.Const, t.Variant, t.Set, t.Keep],
  ...[t.Remove, t.Dot, t.AtSign, t.Add, t.Of],
]);

/** Tokens after which an expression, a type or a path may be complete. */
const endsValue: ReadonlySet<TokenType> = new Set([
  ...[t.Number, t.String, t.True, t.False, t.Training, t.RParen, t.RSquare, t.RCurly, t.New, t.Wildcard, t.Star],
  t.Branch,
]);

/** Tokens that a line goes on with, when they stand first on the next one. */
const continues: ReadonlySet<TokenType> = new Set([
  ...[t.Pipe, t.Arrow, t.Comma, t.Dot, t.LCurly, t.RCurly, t.RParen, t.RSquare, t.Plus, t.Minus, t.Star, t.Slash],
  ...[t.Percent, t.Caret, t.Equal, t.NotEqual, t.Less, t.LessEqual, t.Greater, t.GreaterEqual, t.RangeUntil, t.Bar],
  ...[t.RangeTo, t.Where, t.Then, t.Else, t.Fuse, t.As, t.With, t.And, t.Or, t.For, t.In, t.FatArrow, t.LParen],
]);

export function isName(token: IToken | undefined): boolean {
  return (
    token !== undefined && (token.tokenType === t.Identifier || token.tokenType.CATEGORIES?.includes(t.Name) === true)
  );
}

export function isWord(token: IToken | undefined): boolean {
  return token !== undefined && (isName(token) || wordGroups.has(token.image));
}

/** Whether a value, a type or a path may be complete behind this token. */
export function mayEndValue(token: IToken): boolean {
  return endsValue.has(token.tokenType) || isName(token);
}

export class Layout {
  readonly tokens: readonly IToken[];
  /** Of each token, from 1. */
  readonly line: readonly number[];
  readonly column: readonly number[];
  /** The column of the first token of its line. */
  readonly indent: readonly number[];

  constructor(file: SourceFile, tokens: readonly IToken[]) {
    this.tokens = tokens;
    const starts = lineStartsOf(file);
    const [lines, columns, indents]: [number[], number[], number[]] = [[], [], []];
    let line = 0;
    for (const [i, token] of tokens.entries()) {
      while ((starts[line + 1] ?? Number.POSITIVE_INFINITY) <= token.startOffset) line++;
      const column = token.startOffset - (starts[line] ?? 0) + 1;
      lines.push(line + 1);
      columns.push(column);
      indents.push(lines[i - 1] === line + 1 ? (indents[i - 1] ?? column) : column);
    }
    this.line = lines;
    this.column = columns;
    this.indent = indents;
  }

  is(index: number, type: TokenType): boolean {
    return this.tokens[index]?.tokenType === type;
  }

  columnAt(index: number): number {
    return this.column[index] ?? 0;
  }

  isFirst(index: number): boolean {
    return this.columnAt(index) === this.indent[index];
  }

  continuesLine(index: number): boolean {
    const type = this.tokens[index]?.tokenType;
    return type !== undefined && continues.has(type);
  }

  endsValue(index: number): boolean {
    const token = this.tokens[index];
    return token !== undefined && mayEndValue(token);
  }

  /** What the token begins, wherever that may be allowed; undefined where it can only be part of a line. */
  starterAt(index: number): Starter | undefined {
    const token = this.tokens[index];
    if (token === undefined) return undefined;
    const [before, after] = [this.tokens[index - 1], this.tokens[index + 1]];
    const isFirst = this.isFirst(index);
    if (!isFirst && before !== undefined && takesName.has(before.tokenType)) return undefined;
    if (!isFirst && before?.tokenType === t.Comma) return undefined;
    if (!isFirst && before?.tokenType === t.Dot) return undefined;
    const type = token.tokenType;
    if (type === t.FatArrow) return "result";
    if (type === t.String) return after?.tokenType === t.Assign && this.#lineMayEnd(index) ? "rule" : undefined;
    const group = wordGroups.get(token.image);
    const isReserved = group !== undefined && token.tokenType.CATEGORIES?.includes(t.Name) !== true;
    if (group === undefined || (after?.tokenType === t.Assign && !isReserved)) {
      const field = isName(token) && after?.tokenType === t.Assign && this.#lineMayEnd(index);
      return field ? "field" : undefined;
    }
    const isPort = isFirst && (type === t.Input || type === t.Target);
    if ((after?.tokenType === t.Colon && !isPort) || after?.tokenType === t.Dot) return undefined;
    if (type === t.Block) {
      // In the first column even a declaration that lost its name is one.
      if (this.columnAt(index) === 1) return isName(after) || after?.tokenType === t.LParen ? "top" : undefined;
      return isName(after) && !this.#insideValue(index) ? "top" : undefined;
    }
    if (type === t.Branch) return isName(after) || after?.tokenType === t.For ? "item" : undefined;
    if (type === t.Optimize || type === t.Freeze) return "train";
    if (type === t.Step) return isName(after) && this.#lineMayEnd(index) ? "step" : undefined;
    if (type === t.Fresh || type === t.Unused) return after?.tokenType === t.String ? "rule" : undefined;
    if (group === "edit") return this.#lineMayEnd(index) && (isWord(after) || isFirst) ? "edit" : undefined;
    return starterOfGroup[group];
  }

  /** Whether `(a, b) =` stands here. */
  bindsTuple(index: number): boolean {
    if (!this.is(index, t.LParen)) return false;
    let depth = 0;
    // A pattern is short; the bound keeps a text of nothing but brackets from taking quadratic time.
    for (let i = index; i < index + 100; i++) {
      if (this.is(i, t.LParen)) depth++;
      if (this.is(i, t.RParen) && --depth === 0) return this.is(i + 1, t.Assign);
    }
    return false;
  }

  /** Whether a line may have ended right before this token. */
  #lineMayEnd(index: number): boolean {
    return (
      this.isFirst(index) ||
      this.endsValue(index - 1) ||
      [t.LCurly, t.Train, t.Data].some((type) => this.is(index - 1, type))
    );
  }

  /** Whether `block` stands where a value or a type is expected. */
  #insideValue(index: number): boolean {
    return !this.endsValue(index - 1) && index > 0;
  }
}

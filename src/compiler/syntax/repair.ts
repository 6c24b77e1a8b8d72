/**
 * Mends one island that the parser refused: looks for the one edit (a token put in, replaced or taken out near the
 * place of failure) after which its rule reads all of it. It reports nothing; what it guesses, it marks as a guess.
 */
import type { IToken, TokenType } from "chevrotain";
import { grammarNeighbours, runRule, type RuleName } from "../../../grammar/shared.ts";
import { marks, tokens as t, wordTokens } from "../../../grammar/tokens.ts";
import { isName, mayEndValue } from "./layout.ts";
import { makeToken } from "./scan.ts";

export interface Repair {
  readonly kind: "insert" | "replace" | "delete" | "cut";
  /** Index in the refused tokens. */
  readonly at: number;
  /** What was put in; empty when something was only taken out. */
  readonly put: readonly IToken[];
  /** All tokens after the edit; the rule reads them. */
  readonly tokens: readonly IToken[];
  readonly rule: RuleName;
  /** The tree can be trusted: no other edit would do, or what is unknown is marked as such in the tree. */
  readonly sure: boolean;
  /** The edit is certainly what was meant, and can be offered. */
  readonly offered: boolean;
}

const closerOf: ReadonlyMap<TokenType, TokenType> = new Map([
  [t.LParen, t.RParen],
  [t.LSquare, t.RSquare],
  [t.LCurly, t.RCurly],
]);

const imageOf: ReadonlyMap<TokenType, string> = new Map<TokenType, string>([
  ...Object.entries(marks).map(([name, image]) => [t[name as keyof typeof marks], image] as const),
  ...[...wordTokens].map(([word, type]) => [type, word] as const),
]);

/** Tokens that hold a construct together; where one is missing there is usually one way to put it back. */
const structural: readonly TokenType[] = [
  ...[t.Comma, t.Colon, t.Assign, t.FatArrow, t.Arrow, t.RParen, t.RSquare, t.RCurly, t.LParen, t.LSquare, t.LCurly],
  ...[
    t.In,
    t.For,
    t.Of,
    t.From,
    t.By,
    t.At,
    t.Then,
    t.Else,
    t.Fuse,
    t.If,
    t.Fold,
    t.Block,
    t.Where,
    t.Step,
    t.Dot,
    t.Bar,
  ],
  ...[t.Let, t.Loss, t.Input],
];

/** What is easily written for something else. */
const confused: readonly (readonly [TokenType, TokenType])[] = [
  [t.Assign, t.Colon],
  [t.Colon, t.Assign],
  [t.Colon, t.RangeUntil],
  [t.Assign, t.FatArrow],
  [t.Arrow, t.FatArrow],
  [t.FatArrow, t.Arrow],
  [t.Bar, t.Pipe],
  [t.Arrow, t.Pipe],
  [t.Equal, t.Assign],
  [t.RParen, t.RSquare],
  [t.RSquare, t.RParen],
  [t.RCurly, t.RParen],
  [t.RParen, t.RCurly],
  [t.In, t.Of],
  [t.Of, t.In],
  [t.Arrow, t.Colon],
];

/** Tokens that a value can begin with. */
const startsValue: ReadonlySet<TokenType> = new Set([
  ...[t.Number, t.String, t.True, t.False, t.Training, t.Branch, t.LParen, t.LSquare, t.LCurly, t.Minus, t.Not],
  ...[t.If, t.Fold, t.Block, t.Ellipsis, t.New, t.Wildcard],
]);

export function tokenFor(type: TokenType, offset: number): IToken {
  return makeToken(type, imageOf.get(type) ?? "", offset, offset);
}

/** Stands for something that is missing; the tree builder leaves it out or makes a `bad` expression of it. */
export function holeFor(type: TokenType, offset: number): IToken {
  const image = type === t.String ? '""' : (imageOf.get(type) ?? "");
  return Object.assign(makeToken(type, image, offset, offset), { hole: true });
}

/** Where something put in before the token at `index` would stand: right behind what is there. */
export function offsetBefore(tokens: readonly IToken[], index: number): number {
  const before = tokens[index - 1];
  if (before !== undefined) return (before.endOffset ?? before.startOffset) + 1;
  return tokens[index]?.startOffset ?? 0;
}

/** The closers that tokens leave open, innermost first, and the first opener without one. */
export function unclosed(tokens: readonly IToken[]): { closers: readonly TokenType[]; opener: number | undefined } {
  const open: { readonly index: number; readonly closer: TokenType }[] = [];
  for (const [index, token] of tokens.entries()) {
    const closer = closerOf.get(token.tokenType);
    if (closer !== undefined) open.push({ index, closer });
    else if (token.tokenType === open.at(-1)?.closer) open.pop();
  }
  return { closers: open.map((o) => o.closer).reverse(), opener: open.at(-1)?.index };
}

/** A mark in the place of another one. */
function rewritten(token: IToken, type: TokenType): IToken {
  return makeToken(type, imageOf.get(type) ?? "", token.startOffset, (token.endOffset ?? 0) + 1);
}

function neighbour(left: IToken | undefined, right: IToken | undefined): boolean {
  return grammarNeighbours().canFollow(left?.tokenType, right?.tokenType);
}

export class Repairer {
  readonly #rule: RuleName;
  readonly #tokens: readonly IToken[];
  readonly #failedAt: number;

  constructor(rule: RuleName, tokens: readonly IToken[], failedAt: number) {
    this.#rule = rule;
    this.#tokens = tokens;
    this.#failedAt = failedAt;
  }

  /** Puts a line's first word in before the token at `at`, or in its place. */
  withStart(
    starts: readonly (readonly [TokenType, RuleName])[],
    kind: "insert" | "replace",
    at: number,
  ): Repair | undefined {
    const found: Repair[] = [];
    const before = this.#tokens.slice(0, at);
    const rest = this.#tokens.slice(kind === "insert" ? at : at + 1);
    const offset = this.#tokens[at]?.startOffset ?? 0;
    for (const [type, rule] of starts) {
      // Before `=` a soft word would only be a name.
      if (rest[0]?.tokenType === t.Assign && type.CATEGORIES?.includes(t.Name) === true) continue;
      const put = tokenFor(type, offset);
      const tokens = [...before, put, ...rest];
      if (runRule(rule, tokens).failedAt === undefined)
        found.push({ kind, at, put: [put], tokens, rule, sure: true, offered: true });
    }
    const [best] = found;
    // `let` is what people forget; where the line could as well be a weight or an output, they have to say.
    const types = found.map((repair) => repair.put[0]?.tokenType).filter((type) => type !== t.Assert);
    const plainLet = types[0] === t.Let && !types.includes(t.Param) && !types.includes(t.Predict);
    return best && { ...best, offered: kind === "replace" || types.length === 1 || plainLet || types[0] === t.Set };
  }

  find(): Repair | undefined {
    return (
      this.#swallowed() ??
      this.#unnamed() ??
      this.#untyped() ??
      this.#misread() ??
      this.#absent() ??
      this.#halfDone() ??
      this.#closers() ??
      this.#reserved() ??
      this.#structure() ??
      this.#confusion() ??
      this.#missing() ??
      this.#tooMuch() ??
      this.#cut()
    );
  }

  /** Positions near the failure, the likeliest first. */
  #near(): readonly number[] {
    const p = this.#failedAt;
    return [p, p - 1, p + 1, p - 2].filter((at) => at >= 0 && at <= this.#tokens.length);
  }

  /** The tokens after an edit, if the rule reads them. */
  #edited(at: number, put: readonly IToken[], drop = 0): readonly IToken[] | undefined {
    // Most edits make neighbours that no text has; those need no run.
    const joint = [this.#tokens[at - 1], ...put, this.#tokens[at + drop]];
    const fits = joint.every((token, i) => i === 0 || neighbour(joint[i - 1], token));
    if (!fits) return undefined;
    const tokens = [...this.#tokens.slice(0, at), ...put, ...this.#tokens.slice(at + drop)];
    return runRule(this.#rule, tokens).failedAt === undefined ? tokens : undefined;
  }

  #insert(at: number, types: readonly TokenType[]): Repair | undefined {
    const put = types.map((type) => tokenFor(type, offsetBefore(this.#tokens, at)));
    const tokens = this.#edited(at, put);
    return tokens && { kind: "insert", at, put, tokens, rule: this.#rule, sure: true, offered: true };
  }

  /** Puts in something that is marked as missing, so that the rest of the tree can be trusted. */
  #hole(at: number, type: TokenType): Repair | undefined {
    const put = [holeFor(type, offsetBefore(this.#tokens, at))];
    const tokens = this.#edited(at, put);
    return tokens && { kind: "insert", at, put, tokens, rule: this.#rule, sure: true, offered: false };
  }

  /** `regions of x`: the name is missing, and the word behind it was taken for one. */
  #swallowed(): Repair | undefined {
    const at = this.#failedAt - 1;
    const type = this.#tokens[at]?.tokenType;
    return type === t.Of || type === t.From ? this.#hole(at, t.Identifier) : undefined;
  }

  /** `predict softmax(logits)`: the name of the output is missing. */
  #unnamed(): Repair | undefined {
    const [word, name, next] = this.#tokens;
    const isOutput = word?.tokenType === t.Predict || word?.tokenType === t.Metric;
    if (!isOutput || !isName(name) || next?.tokenType === t.Assign) return undefined;
    const offset = offsetBefore(this.#tokens, 1);
    return this.#holes(1, [holeFor(t.Identifier, offset), tokenFor(t.Assign, offset)]);
  }

  /** `param scale = ones()`: the type is missing, so nothing is known of the value. */
  #untyped(): Repair | undefined {
    const [word, name, assign] = this.#tokens;
    const isWeight = word?.tokenType === t.Param || word?.tokenType === t.State;
    if (!isWeight || name === undefined || !isName(name) || assign?.tokenType !== t.Assign) return undefined;
    const offset = offsetBefore(this.#tokens, 2);
    const value = [holeFor(t.Identifier, offset)];
    const tokens: IToken[] = [tokenFor(t.Let, word.startOffset), name, assign, ...value];
    if (runRule(this.#rule, tokens).failedAt !== undefined) return undefined;
    return { kind: "replace", at: 2, put: value, tokens, rule: this.#rule, sure: true, offered: false };
  }

  /** A mark before the failure was read as another one: `let y: x |> f` and `block f(…) => T { … }`. */
  #misread(): Repair | undefined {
    const [word] = this.#tokens;
    const [wrong, right] =
      word?.tokenType === t.Let ? [t.Colon, t.Assign] : word?.tokenType === t.Block ? [t.FatArrow, t.Arrow] : [];
    if (wrong === undefined || right === undefined) return undefined;
    const at = this.#tokens.findIndex((token) => token.tokenType === wrong);
    const token = this.#tokens[at];
    if (token === undefined || at >= this.#failedAt || (wrong === t.Colon && at !== 2)) return undefined;
    const put = rewritten(token, right);
    const tokens = this.#edited(at, [put], 1);
    return tokens && { kind: "replace", at, put: [put], tokens, rule: this.#rule, sure: true, offered: true };
  }

  /** `by adam()` without its schedule, `if … then x` without its other side. */
  #halfDone(): Repair | undefined {
    const at = this.#failedAt;
    const offset = offsetBefore(this.#tokens, at);
    for (const type of [t.At, t.Else]) {
      const repair = this.#holes(at, [tokenFor(type, offset), holeFor(t.Identifier, offset)]);
      if (repair !== undefined) return repair;
    }
    return undefined;
  }

  #holes(at: number, put: readonly IToken[]): Repair | undefined {
    const tokens = this.#edited(at, put);
    return tokens && { kind: "insert", at, put, tokens, rule: this.#rule, sure: true, offered: false };
  }

  /** Nothing stands where a value or a name belongs. */
  #absent(): Repair | undefined {
    const at = this.#failedAt;
    const next = this.#tokens[at];
    const before = this.#tokens[at - 1]?.tokenType;
    const afterSoftWord = before === t.Of || before === t.From || before === t.By || before === t.At;
    if (
      (this.#endsValue(at - 1) && !afterSoftWord) ||
      isName(next) ||
      (next !== undefined && startsValue.has(next.tokenType))
    )
      return undefined;
    return this.#hole(at, t.Identifier) ?? this.#hole(at, t.String);
  }

  /** `*` ends a value only as a member; elsewhere it is a product. */
  #endsValue(at: number): boolean {
    const token = this.#tokens[at];
    if (token?.tokenType === t.Star) return this.#tokens[at - 1]?.tokenType === t.Dot;
    return token !== undefined && mayEndValue(token);
  }

  /** Brackets that are open at the failure are closed there. */
  #closers(): Repair | undefined {
    for (const at of [this.#failedAt, this.#failedAt - 1, this.#failedAt + 1]) {
      if (at < 0 || at > this.#tokens.length) continue;
      const { closers, opener } = unclosed(this.#tokens.slice(0, at));
      // Of the open brackets some may be closed later on: put in one more with each try.
      for (let count = 1; count <= closers.length; count++) {
        const repair = this.#insert(at, closers.slice(0, count));
        if (repair === undefined || opener === undefined) continue;
        const earlier = Array.from({ length: at - opener - 2 }, (_, i) => opener + 2 + i);
        // behind the opener itself nothing is known of what was to be inside
        const sure = at > opener + 1 && !earlier.some((i) => this.#insert(i, closers.slice(0, count)) !== undefined);
        return { ...repair, sure, offered: sure };
      }
    }
    return undefined;
  }

  /** A reserved word where a name is wanted. */
  #reserved(): Repair | undefined {
    for (const at of this.#near()) {
      const token = this.#tokens[at];
      if (token === undefined || !wordTokens.has(token.image)) continue;
      const name = makeToken(t.Identifier, token.image, token.startOffset, (token.endOffset ?? 0) + 1);
      const tokens = this.#edited(at, [name], 1);
      if (tokens !== undefined)
        return { kind: "replace", at, put: [name], tokens, rule: this.#rule, sure: true, offered: false };
    }
    return undefined;
  }

  #structure(): Repair | undefined {
    for (const at of this.#near()) {
      const found: Repair[] = [];
      // Where a name would do, a soft word would only be taken for one.
      const nameFits = this.#edited(at, [holeFor(t.Identifier, 0)]) !== undefined;
      for (const type of structural) {
        if (nameFits && type.CATEGORIES?.includes(t.Name) === true) continue;
        if (type === t.Dot && !this.#picksAt(at)) continue;
        const repair = this.#insert(at, [type]);
        if (repair !== undefined) found.push(repair);
      }
      const [best] = found;
      if (best === undefined) continue;
      const sure = found.length === 1 && this.#isOnlyWay(best, at);
      return { ...best, sure, offered: sure };
    }
    return undefined;
  }

  /** A point makes a member of anything; only before `{a, b}` and `*` nothing else could be meant. */
  #picksAt(at: number): boolean {
    const next = this.#tokens[at]?.tokenType;
    const after = this.#tokens[at + 2]?.tokenType;
    return next === t.Star || (next === t.LCurly && (after === t.Comma || after === t.RCurly));
  }

  /** Whether a token that was put in could not as well be another one, or stand elsewhere. */
  #isOnlyWay(repair: Repair, at: number): boolean {
    const [put] = repair.put;
    const [before, next, after] = [this.#tokens[at - 1], this.#tokens[at], this.#tokens[at + 1]];
    const isOpener = put !== undefined && closerOf.has(put.tokenType);
    if (isOpener) {
      // `f(x))` has a closer too many or an opener too few, and the opener could stand in many places.
      if (closerOf.get(put.tokenType) === next?.tokenType) return false;
      for (let i = 1; i < this.#failedAt + 1; i++)
        if (i !== at && this.#insert(i, [put.tokenType]) !== undefined) return false;
    }
    // Two values side by side lack a comma or an operator; only two strings, or a name with `:`, say which.
    if (put?.tokenType === t.Comma && after?.tokenType !== t.Colon)
      return before?.tokenType === t.String && next?.tokenType === t.String;
    return this.#hole(at, t.Plus) === undefined;
  }

  /** One mark where another belongs. */
  #confusion(): Repair | undefined {
    const at = this.#failedAt;
    const token = this.#tokens[at];
    for (const [wrong, right] of confused) {
      if (token?.tokenType !== wrong) continue;
      const put = [rewritten(token, right)];
      const tokens = this.#edited(at, put, 1) ?? this.#all(at, wrong, right);
      if (tokens !== undefined)
        return { kind: "replace", at, put, tokens, rule: this.#rule, sure: true, offered: true };
    }
    return undefined;
  }

  /** Who writes one mark for another does so all along the line. */
  #all(at: number, wrong: TokenType, right: TokenType): readonly IToken[] | undefined {
    const tokens = this.#tokens.map((token, i) =>
      i >= at && token.tokenType === wrong ? rewritten(token, right) : token,
    );
    return runRule(this.#rule, tokens).failedAt === undefined ? tokens : undefined;
  }

  /** A name, a string or an operator is missing: what is there is kept around a hole. */
  #missing(): Repair | undefined {
    for (const type of [t.Identifier, t.String, t.Plus]) {
      for (const at of this.#near()) {
        const repair = this.#hole(at, type);
        if (repair !== undefined) return repair;
      }
    }
    return undefined;
  }

  #tooMuch(): Repair | undefined {
    for (const at of this.#near()) {
      if (at >= this.#tokens.length) continue;
      const tokens = this.#edited(at, [], 1);
      if (tokens !== undefined)
        return { kind: "delete", at, put: [], tokens, rule: this.#rule, sure: false, offered: false };
    }
    return undefined;
  }

  /** Gives up the part that cannot be read: up to the braces of a header, or all of the rest. */
  #cut(): Repair | undefined {
    const tokens = this.#tokens;
    const brace = tokens.findLastIndex((token, i) => i >= this.#failedAt && token.tokenType === t.LCurly);
    for (const to of brace === -1 ? [tokens.length] : [brace, tokens.length]) {
      for (let from = Math.min(this.#failedAt, to); from > 0; from--) {
        const { closers } = unclosed(tokens.slice(0, from));
        const offset = offsetBefore(tokens, from);
        const close = closers.map((type) => tokenFor(type, offset));
        for (const put of [[...close], [holeFor(t.Identifier, offset), ...close]]) {
          const made = this.#edited(from, put, to - from);
          if (made !== undefined)
            return { kind: "cut", at: from, put, tokens: made, rule: this.#rule, sure: false, offered: false };
        }
      }
    }
    return undefined;
  }
}

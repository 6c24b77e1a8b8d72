/**
 * Lines that other languages write in another order, and words of the language that are taken for names: each is
 * reported once and read as it was meant, before recovery parts the text into lines. Works on tokens; builds no trees.
 */
import type { IToken, TokenType } from "chevrotain";
import { reservedWords, tokens as t } from "../../../grammar/tokens.ts";
import { report } from "../diagnostics/catalog.ts";
import type { DiagnosticBag, Fix } from "../diagnostics/diagnostic.ts";
import type { Span } from "../source/source.ts";
import { describeToken } from "./expect.ts";
import { isName, mayEndValue, type Layout } from "./layout.ts";
import { makeToken, type Scan } from "./scan.ts";
import { startersOf } from "./starters.ts";

/** The tokens as they were meant; the same array where nothing of the kind is there. */
export function withoutSlips(scanned: Scan, layout: Layout, bag: DiagnosticBag): readonly IToken[] {
  const slips = new Slips(scanned, layout, bag);
  return slips.run();
}

const elementTypes: ReadonlySet<string> = new Set(["f16", "bf16", "f32", "f64", "i32", "i64"]);

/** Words right before the name that they declare. */
const declares: ReadonlySet<TokenType> = new Set([
  ...[t.Let, t.Shared, t.Param, t.State, t.Update, t.Input, t.Target, t.Predict, t.Metric, t.For, t.Fold, t.Const],
]);
/** Words with which a value can begin: whether one of them is meant as a name cannot be told where it is read. */
const startsValue: ReadonlySet<TokenType> = new Set([
  ...[t.If, t.Fold, t.Block, t.Branch, t.Not, t.True, t.False, t.Training, t.New, t.List],
]);

class Slips {
  readonly #scan: Scan;
  readonly #layout: Layout;
  readonly #bag: DiagnosticBag;
  readonly #out: IToken[] = [];
  /** Words that were declared as names. */
  readonly #names = new Set<string>();
  #found = false;

  constructor(scanned: Scan, layout: Layout, bag: DiagnosticBag) {
    this.#scan = scanned;
    this.#layout = layout;
    this.#bag = bag;
  }

  run(): readonly IToken[] {
    const { tokens } = this.#scan;
    for (let at = 0; at < tokens.length;) {
      const next =
        this.#import(at) ??
        this.#pythonImport(at) ??
        this.#shape(at) ??
        this.#result(at) ??
        this.#brace(at) ??
        this.#word(at);
      if (next !== undefined) {
        this.#found = true;
        at = next;
        continue;
      }
      const token = tokens[at];
      if (token !== undefined) this.#out.push(token);
      at++;
    }
    return this.#found ? this.#out : tokens;
  }

  // --- imports ------------------------------------------------------------------------------------------------------

  /** `import stage from "std:resnet"` and `import { stage } from std:resnet`. */
  #import(at: number): number | undefined {
    const { tokens } = this.#scan;
    if (tokens[at]?.tokenType !== t.Import || !this.#layout.isFirst(at)) return undefined;
    const braces = tokens[at + 1]?.tokenType === t.LCurly;
    const first = at + (braces ? 2 : 1);
    const last = this.#nameList(first);
    const from = last + (braces ? 1 : 0);
    if (last === first || (braces && tokens[last]?.tokenType !== t.RCurly)) return undefined;
    if (tokens[from]?.tokenType !== t.From) return undefined;
    const quoted = tokens[from + 1]?.tokenType === t.String;
    const end = quoted ? from + 2 : this.#lineEnd(from + 1);
    if (braces && quoted) return undefined;
    const module = quoted ? (tokens[from + 1]?.image ?? "") : moduleOf(this.#text(from + 1, end));
    if (module === "") return undefined;
    const names = this.#text(first, last);
    const line = `import { ${names} } from ${module}`;
    const wrong = braces ? from + 1 : first;
    const span = this.#span(wrong, wrong + 1);
    const fix: Fix = braces
      ? { title: `write ${module}`, span: this.#span(from + 1, end), text: module }
      : { title: "put braces around the names", span: this.#span(at, end), text: line };
    const help = braces ? `the name of a file is a string:   ${line}` : `names stand in braces:   ${line}`;
    const expected = braces ? "a string" : "`{`";
    report(this.#bag, "E0101", { expected, found: describeToken(tokens[wrong]), help }, span, { fixes: [fix] });
    this.#pushImport(at, tokens.slice(first, last), module);
    return end;
  }

  /** `from std.resnet import stage`. */
  #pythonImport(at: number): number | undefined {
    const { tokens } = this.#scan;
    if (tokens[at]?.tokenType !== t.From || !this.#layout.isFirst(at)) return undefined;
    const end = this.#lineEnd(at);
    const word = tokens.slice(at, end).findIndex((token) => token.tokenType === t.Import) + at;
    if (word <= at + 1 || this.#nameList(word + 1) !== end || end === word + 1) return undefined;
    const module = moduleOf(this.#text(at + 1, word));
    if (module === "") return undefined;
    const line = `import { ${this.#text(word + 1, end)} } from ${module}`;
    const fixes = [{ title: "name the file last", span: this.#span(at, end), text: line }];
    const found = describeToken(tokens[at]);
    const args = { found, starters: startersOf("file").sentence, help: `an import names the file last:   ${line}` };
    report(this.#bag, "E0102", args, this.#span(at, at + 1), { fixes });
    this.#pushImport(word, tokens.slice(word + 1, end), module);
    return end;
  }

  #pushImport(word: number, names: readonly IToken[], module: string): void {
    const { tokens } = this.#scan;
    const [keyword, last] = [tokens[word], names.at(-1)];
    if (keyword === undefined || last === undefined) return;
    const [start, end] = [names[0]?.startOffset ?? 0, (last.endOffset ?? 0) + 1];
    const mark = (type: TokenType, image: string, place: number): IToken => makeToken(type, image, place, place);
    this.#out.push(keyword, mark(t.LCurly, "{", start), ...names, mark(t.RCurly, "}", end));
    this.#out.push(mark(t.From, "from", end), mark(t.String, module, end));
  }

  /** Where a list of names ends that starts here. */
  #nameList(start: number): number {
    const { tokens } = this.#scan;
    let at = start;
    while (isName(tokens[at]) && tokens[at]?.tokenType !== t.From) {
      at++;
      if (tokens[at]?.tokenType === t.As && isName(tokens[at + 1])) at += 2;
      if (tokens[at]?.tokenType !== t.Comma) break;
      at++;
    }
    return at;
  }

  // --- types and braces ---------------------------------------------------------------------------------------------

  /** `f32(B, 3)` for `f32[B, 3]`. */
  #shape(at: number): number | undefined {
    const { tokens } = this.#scan;
    const [before, name, open] = [tokens[at - 1], tokens[at], tokens[at + 1]];
    if (name === undefined || open?.tokenType !== t.LParen || !elementTypes.has(name.image)) return undefined;
    if (before?.tokenType !== t.Colon && before?.tokenType !== t.Arrow) return undefined;
    const close = this.#matching(at + 1, t.LParen, t.RParen);
    const closer = close === undefined ? undefined : tokens[close];
    if (close === undefined || closer === undefined) return undefined;
    const text = `${name.image}[${this.#text(at + 2, close)}]`;
    const args = { expected: "`[`", found: "`(`", help: `a shape stands in square brackets:   ${text}` };
    const fixes = [{ title: `write \`${text}\``, span: this.#span(at, close + 1), text }];
    report(this.#bag, "E0101", args, this.#span(at + 1, at + 2), { fixes });
    this.#out.push(name, makeToken(t.LSquare, "[", open.startOffset, open.startOffset + 1));
    this.#out.push(...tokens.slice(at + 2, close));
    this.#out.push(makeToken(t.RSquare, "]", closer.startOffset, closer.startOffset + 1));
    return close + 1;
  }

  /** `block(z: float[D]) -> float[D] => …`: a block without a name gives what its body gives, and states no type. */
  #result(at: number): number | undefined {
    const { tokens } = this.#scan;
    if (tokens[at]?.tokenType !== t.Arrow || tokens[at - 1]?.tokenType !== t.RParen) return undefined;
    const open = this.#opening(at - 1);
    const before = tokens[open - 2]?.tokenType;
    // behind `:` and `->` it is the type of a block
    if (tokens[open - 1]?.tokenType !== t.Block || before === t.Colon || before === t.Arrow) return undefined;
    const bracket = at + 2;
    const close = tokens[bracket]?.tokenType === t.LSquare ? this.#matching(bracket, t.LSquare, t.RSquare) : at + 1;
    if (close === undefined || !isName(tokens[at + 1])) return undefined;
    const [end, body] = [close + 1, tokens[close + 1]?.tokenType];
    if (body !== t.FatArrow && body !== t.LCurly) return undefined;
    const span = this.#span(at, end);
    const type = this.#text(at, end);
    const help = `a block without a name does not state its result; take \`${type}\` out`;
    const start = (tokens[at - 1]?.endOffset ?? 0) + 1;
    const fixes = [{ title: `remove \`${type}\``, span: { ...span, start }, text: "" }];
    report(this.#bag, "E0101", { expected: "`=>` or `{`", found: "`->`", help }, span, { fixes });
    return end;
  }

  /** `{ {`: no line starts with a brace. */
  #brace(at: number): number | undefined {
    const { tokens } = this.#scan;
    if (at === 0 || tokens[at]?.tokenType !== t.LCurly || tokens[at - 1]?.tokenType !== t.LCurly) return undefined;
    // with a closer of its own it is no slip of one key
    if (this.#matching(at - 1, t.LCurly, t.RCurly) !== undefined) return undefined;
    const span = this.#span(at, at + 1);
    const args = { expected: "a line", found: "`{`", help: "take one of the two `{` out" };
    const start = (tokens[at - 1]?.endOffset ?? 0) + 1;
    report(this.#bag, "E0101", args, span, { fixes: [{ title: "remove `{`", span: { ...span, start }, text: "" }] });
    return at + 1;
  }

  // --- words --------------------------------------------------------------------------------------------------------

  /** `let state = …`: the word is taken for a name there, and wherever a value is expected. */
  #word(at: number): number | undefined {
    const { tokens } = this.#scan;
    const [before, token, after] = [tokens[at - 1], tokens[at], tokens[at + 1]];
    if (token === undefined || before === undefined || isName(token) || !Object.hasOwn(reservedWords, token.image))
      return undefined;
    const isDeclared =
      declares.has(before.tokenType) &&
      (after?.tokenType === t.Assign || after?.tokenType === t.Colon || after?.tokenType === t.In);
    const isRead = this.#names.has(token.image) && !mayEndValue(before) && before.tokenType !== t.LCurly;
    if (!isDeclared && !isRead) return undefined;
    if (isDeclared) {
      const help = `another name, such as \`${token.image}_\`, here and where it is read`;
      report(this.#bag, "E0106", { word: token.image, help }, this.#span(at, at + 1));
      if (!startsValue.has(token.tokenType)) this.#names.add(token.image);
    }
    this.#out.push(makeToken(t.Identifier, token.image, token.startOffset, (token.endOffset ?? 0) + 1));
    return at + 1;
  }

  // --- places -------------------------------------------------------------------------------------------------------

  #matching(at: number, open: TokenType, close: TokenType): number | undefined {
    const { tokens } = this.#scan;
    let depth = 0;
    for (let i = at; i < tokens.length; i++) {
      if (tokens[i]?.tokenType === open) depth++;
      if (tokens[i]?.tokenType === close && --depth === 0) return i;
    }
    return undefined;
  }

  /** Where the round bracket opens that closes here; -1 where none does. */
  #opening(at: number): number {
    const { tokens } = this.#scan;
    let depth = 0;
    for (let i = at; i >= 0; i--) {
      if (tokens[i]?.tokenType === t.RParen) depth++;
      if (tokens[i]?.tokenType === t.LParen && --depth === 0) return i;
    }
    return -1;
  }

  #lineEnd(at: number): number {
    const { line } = this.#layout;
    let end = at;
    while (end < this.#scan.tokens.length && line[end] === line[at]) end++;
    return end;
  }

  #text(start: number, end: number): string {
    const { start: from, end: to } = this.#span(start, end);
    return this.#scan.file.text.slice(from, to);
  }

  #span(start: number, end: number): Span {
    const [first, last] = [this.#scan.tokens[start], this.#scan.tokens[end - 1]];
    return { file: this.#scan.file, start: first?.startOffset ?? 0, end: (last?.endOffset ?? 0) + 1 };
  }
}

/** `std.resnet` and `std:resnet` as they are quoted here. */
function moduleOf(text: string): string {
  const [, name] = /^std\s*[.:]\s*([a-z][a-z0-9_]*)$/.exec(text) ?? [];
  if (name !== undefined) return `"std:${name}"`;
  return /^[a-z_][a-z0-9_]*$/i.test(text) ? `"./${text}.arch"` : "";
}

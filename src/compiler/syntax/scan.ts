/**
 * Text to tokens: one pass by hand over the token table, because it must tell broken strings, numbers and characters
 * apart and start in no time. It reports what no rule could ever read and goes on with the nearest token that could.
 */
import type { IToken, TokenType } from "chevrotain";
import { markTokens, tokens as t, wordTokens } from "../../../grammar/tokens.ts";
import type { SourceFile } from "../source/source.ts";
import type { Comment } from "./ast.ts";

/** Something in the text that is no token; `replacement` is what was read in its place, empty for nothing. */
export interface ScanProblem {
  readonly kind: "character" | "quote" | "string" | "escape" | "number" | "comment";
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
}

export interface Scan {
  readonly file: SourceFile;
  readonly tokens: readonly IToken[];
  readonly comments: readonly Comment[];
  /** The text of the `///` lines right above a token, by the token's offset. */
  readonly docs: ReadonlyMap<number, string>;
  readonly problems: readonly ScanProblem[];
}

const WORD = /[A-Za-z_][A-Za-z0-9_]*/y;
/** What stands where a number could: also what only looks like one. */
const NUMBER = /\.?[0-9](?:[eE][+-]|\.(?!\.)|[A-Za-z0-9_])*/y;
const GOOD_NUMBER = /^[0-9]+(?:_[0-9]+)*(?:\.[0-9]+(?:_[0-9]+)*)?(?:[eE][+-]?[0-9]+)?$/;
const SPACE = /[ \t\r\n\f\v\u00a0\ufeff]+/y;
/** A run of characters that start no token. */
const STRANGE = /[^A-Za-z0-9_"'()[\]{},:@.=\-|<>!+*/%^\s]+/y;

/** Characters that editors and papers put where the language has a plain mark. */
const lookalikes: Readonly<Record<string, string>> = {
  "−": "-",
  "–": "-",
  "—": "-",
  "×": "*",
  "·": "*",
  "÷": "/",
  "≤": "<=",
  "≥": ">=",
  "≠": "!=",
  "→": "->",
  "⇒": "=>",
  "…": "...",
  "&&": "and",
  "||": "or",
  "**": "^",
  "..": "..<",
  "&": "and",
  "!": "not",
};

class Scanner {
  readonly tokens: IToken[] = [];
  readonly comments: Comment[] = [];
  readonly docs = new Map<number, string>();
  readonly problems: ScanProblem[] = [];
  #at = 0;
  /** Where the last token ended: only comments behind it can document the next. */
  #lastEnd = 0;
  readonly #text: string;
  readonly #file: SourceFile;

  constructor(file: SourceFile) {
    this.#file = file;
    this.#text = file.text;
  }

  run(): void {
    while (this.#at < this.#text.length) this.#next();
  }

  #next(): void {
    const text = this.#text;
    const start = this.#at;
    const code = text.charCodeAt(start);
    if (isSpace(code)) this.#at = this.#match(SPACE);
    else if (isLetter(code)) this.#word();
    else if (isDigit(code)) this.#number();
    else if (code === 0x22) this.#string('"');
    else if (code === 0x2f && text.startsWith("//", start)) this.#comment();
    else if (code === 0x2f && text.startsWith("/*", start)) this.#foreignComment();
    else if (code === 0x2e && isDigit(text.charCodeAt(start + 1)) && text[start - 1] !== ".") this.#number();
    else this.#mark();
  }

  #match(pattern: RegExp): number {
    pattern.lastIndex = this.#at;
    return pattern.test(this.#text) ? pattern.lastIndex : this.#at;
  }

  #push(type: TokenType, start: number, end: number, image = this.#text.slice(start, end)): void {
    const comment = this.comments.at(-1);
    if (comment?.doc === true && comment.span.end > this.#lastEnd) {
      const doc = docAbove(this.#text, this.comments, start);
      if (doc !== undefined) this.docs.set(start, doc);
    }
    this.#lastEnd = end;
    this.tokens.push(makeToken(type, image, start, end));
    this.#at = end;
  }

  #problem(kind: ScanProblem["kind"], start: number, end: number, replacement: string): void {
    this.problems.push({ kind, start, end, replacement });
  }

  #word(): void {
    const start = this.#at;
    const end = this.#match(WORD);
    const image = this.#text.slice(start, end);
    this.#push(image === "_" ? t.Wildcard : (wordTokens.get(image) ?? t.Identifier), start, end, image);
  }

  #number(): void {
    const start = this.#at;
    let end = this.#match(NUMBER);
    // `1.` before a word is a point too many, but `a.1.b` is nobody's number: take the digits only.
    const image = this.#text.slice(start, end);
    if (!GOOD_NUMBER.test(image)) {
      const plain = /^[0-9]+(?=\.[A-Za-z_])/.exec(image);
      if (plain !== null) end = start + plain[0].length;
      // Right behind a name or a bracket, a point asks for a member and starts no number.
      else this.#problem("number", start, end, /[\w)\]]/.test(this.#text[start - 1] ?? "") ? "" : mendNumber(image));
    } else if (!Number.isFinite(Number(image.replaceAll("_", "")))) this.#problem("number", start, end, "");
    this.#push(t.Number, start, end);
  }

  #string(quote: string): void {
    const text = this.#text;
    const start = this.#at;
    let at = start + 1;
    for (; at < text.length; at++) {
      const char = text[at];
      if (char === quote) {
        at++;
        if (quote !== '"') this.#problem("quote", start, at, `"${text.slice(start + 1, at - 1)}"`);
        this.#push(t.String, start, at, `"${text.slice(start + 1, at - 1)}"`);
        return;
      }
      if (char === "\n") break;
      if (char === "\\") {
        const escaped = text[at + 1];
        if (escaped === undefined || !'"\\nt'.includes(escaped)) this.#problem("escape", at, at + 2, "");
        if (escaped !== "\n" && escaped !== undefined) at++;
      }
    }
    // The closing quote is missing: the closers at the end of the line most likely stood behind it.
    const line = text.slice(start, at);
    const body = line.replace(/[\s)\]},]*(?:[\s)\]}]*\/\/.*)?$/, "");
    const end = start + Math.max(body.length, 1);
    this.#problem("string", start, end, `${text.slice(start, end)}"`);
    this.#push(t.String, start, end, `"${text.slice(start + 1, end)}"`);
  }

  #comment(): void {
    const start = this.#at;
    const newline = this.#text.indexOf("\n", start);
    let end = newline === -1 ? this.#text.length : newline;
    while (end > start && /\s/.test(this.#text[end - 1] ?? "")) end--;
    const text = this.#text.slice(start, end);
    const doc = text.startsWith("///") && !text.startsWith("////");
    this.comments.push({ span: { file: this.#file, start, end }, text, doc });
    this.#at = end;
  }

  #foreignComment(): void {
    const start = this.#at;
    const close = this.#text.indexOf("*/", start + 2);
    const newline = this.#text.indexOf("\n", start);
    const end = close !== -1 ? close + 2 : newline !== -1 ? newline : this.#text.length;
    this.#problem("comment", start, end, "");
    this.#at = end;
  }

  #mark(): void {
    const text = this.#text;
    const start = this.#at;
    // Two marks that stand for one of ours, before the first of them is taken for itself.
    const two = text.slice(start, start + 2);
    if (this.#standsForTwo(two, start) && !this.#startsMark(start, 3)) {
      this.#standsFor(start, start + 2, lookalikes[two] ?? "");
      return;
    }
    for (const [mark, type] of markTokens) {
      if (mark !== "_" && text.startsWith(mark, start)) {
        this.#push(type, start, start + mark.length, mark);
        return;
      }
    }
    const char = text[start] ?? "";
    if (char === "'" || char === "\u201c" || char === "\u2018" || char === "\u201d" || char === "\u2019") {
      const close = char === "\u201c" ? "\u201d" : char === "\u2018" ? "\u2019" : char;
      const end = text.slice(start + 1).search(new RegExp(`${close}|\n`));
      if (end !== -1 && text[start + 1 + end] !== "\n") {
        this.#string(close);
        return;
      }
    }
    if (char === "#") {
      const newline = text.indexOf("\n", start);
      this.#problem("comment", start, start + 1, "//");
      this.#at = newline === -1 ? text.length : newline;
      return;
    }
    for (const length of [2, 1]) {
      const meant = lookalikes[text.slice(start, start + length)];
      if (meant === undefined) continue;
      this.#standsFor(start, start + length, meant);
      return;
    }
    const end = Math.max(this.#match(STRANGE), start + 1);
    // Cut a run of strange characters before one that stands for something.
    let cut = start + 1;
    while (cut < end && lookalikes[text[cut] ?? ""] === undefined && text[cut] !== "#") cut++;
    this.#problem("character", start, cut, "");
    this.#at = cut;
  }

  /** Whether two marks are one of another language here, and not a slip between two of ours. */
  #standsForTwo(two: string, start: number): boolean {
    const [before, after] = [this.#text[start - 1] ?? " ", this.#text[start + 2] ?? " "];
    if (two === "..") return /[0-9\s)\]]/.test(before) && /[A-Za-z0-9_\s(]/.test(after);
    return two === "||" || (two === "**" && before !== ".");
  }

  /** Whether a mark of this length starts here. */
  #startsMark(start: number, length: number): boolean {
    return markTokens.some(([mark]) => mark.length === length && this.#text.startsWith(mark, start));
  }

  /** Takes what stands here for one of the language's words or marks, and remembers that it is none. */
  #standsFor(start: number, end: number, meant: string): void {
    this.#problem("character", start, end, meant);
    const type = wordTokens.get(meant) ?? markTokens.find(([mark]) => mark === meant)?.[1];
    if (type !== undefined) this.#push(type, start, end, meant);
    else this.#at = end;
  }
}

function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d) || code === 0xa0 || code === 0xfeff;
}
function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}
function isLetter(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || code === 0x5f;
}

/** What a number that is none was meant to be, or nothing where that is a guess. */
function mendNumber(image: string): string {
  let mended = image.replace(/_+/g, "_").replace(/_(?![0-9])/g, "");
  if (mended.startsWith(".")) mended = `0${mended}`;
  mended = mended.replace(/\.(?![0-9])/, ".0");
  return GOOD_NUMBER.test(mended) ? mended : "";
}

/** The `///` lines directly above `start`, joined; a blank line or another comment between parts them. */
function docAbove(text: string, comments: readonly Comment[], start: number): string | undefined {
  const lines: string[] = [];
  let below = start;
  for (let i = comments.length - 1; i >= 0; i--) {
    const comment = comments[i];
    if (comment === undefined || !comment.doc) break;
    const between = text.slice(comment.span.end, below);
    if (!/^[ \t]*\r?\n[ \t]*$/.test(between)) break;
    lines.unshift(comment.text.slice(3).replace(/^ /, ""));
    below = comment.span.start;
  }
  return lines.length === 0 ? undefined : lines.join("\n");
}

/** A Chevrotain token with the fields that this project reads; `end` is exclusive. */
export function makeToken(type: TokenType, image: string, start: number, end: number): IToken {
  return {
    image,
    startOffset: start,
    endOffset: end - 1,
    tokenType: type,
    // Chevrotain compares tokens by this number alone.
    tokenTypeIdx: type.tokenTypeIdx ?? 0,
    startLine: Number.NaN,
    startColumn: Number.NaN,
    endLine: Number.NaN,
    endColumn: Number.NaN,
  };
}

export function scan(file: SourceFile): Scan {
  const scanner = new Scanner(file);
  scanner.run();
  const { tokens, comments, docs, problems } = scanner;
  return { file, tokens, comments, docs, problems };
}

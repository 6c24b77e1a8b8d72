/**
 * Walks over the tokens of a text while a printer walks over its tree: every token is taken once and in order, and the
 * comments in front of it are put into the document where they stood. It must not know what the tokens mean.
 */
import { builders } from "prettier/doc";
import type { IToken } from "chevrotain";
import type { Comment } from "../compiler/syntax/ast.ts";

export type Doc = builders.Doc;
const { breakParent, hardline, indent, line, lineSuffix, softline } = builders;

/** What stands between two tokens: nothing, a space, or a place where the line may or must end. */
export type Gap = "" | " " | "soft" | "line" | "hard";

/** A comment between two tokens. */
export interface Remark {
  readonly text: string;
  /** It stands on the line on which the last token ended. */
  readonly behind: boolean;
  /** Spaces in front of it. */
  readonly spaces: number;
  readonly blankBefore: boolean;
  readonly blankAfter: boolean;
}

export class Writer {
  readonly text: string;
  readonly #tokens: readonly IToken[];
  readonly #comments: readonly Comment[];
  #at = 0;
  #comment = 0;
  /** Where the last token that was taken ended, or the last comment. */
  #end = 0;

  constructor(text: string, tokens: readonly IToken[], comments: readonly Comment[]) {
    this.text = text;
    this.#tokens = tokens;
    this.#comments = comments;
  }

  /** The text of a token to come; empty behind the last one. */
  peek(ahead = 0): string {
    return this.#tokens[this.#at + ahead]?.image ?? "";
  }

  /** The token that was passed last. */
  get last(): string {
    return this.#tokens[this.#at - 1]?.image ?? "";
  }

  /** Where a token to come starts. */
  start(ahead = 0): number {
    return this.#tokens[this.#at + ahead]?.startOffset ?? this.text.length;
  }

  /** The next token, which has this text if one is given. */
  take(image?: string): Doc {
    const found = this.peek();
    if (found === "" || (image !== undefined && image !== found))
      throw new Error(
        `the formatter expected ${image ?? "a token"} at ${this.start()} and found ${found || "the end"}`,
      );
    const before = this.#pending ? this.gap("") : "";
    this.#pass();
    return before === "" ? found : [before, found];
  }

  /** A space and the next token. */
  word(image?: string): Doc {
    return [this.gap(" "), this.take(image)];
  }

  /** Passes over a token that is not printed; comments in front of it wait for the next one. */
  skip(): void {
    this.#at += 1;
  }

  skipIf(image: string): void {
    if (this.peek() === image) this.skip();
  }

  /** The text up to `end` as it stands, with all its comments. */
  verbatim(end: number): string {
    const start = this.start();
    while (this.#at < this.#tokens.length && this.start() < end) this.#pass();
    while ((this.#comments[this.#comment]?.span.start ?? end) < end) this.#comment += 1;
    return this.text.slice(start, end);
  }

  /** What stands between the last token and the next. */
  gap(kind: Gap): Doc {
    const mark = kind === "soft" ? softline : kind === "line" ? line : kind === "hard" ? hardline : kind;
    const remarks = this.remarks();
    if (remarks.length === 0) return mark;
    const ends = kind !== "" && kind !== " ";
    const { behind, own } = split(remarks);
    const lines = [ends ? mark : hardline, ...blankAfter(behind)];
    for (const remark of own) lines.push(remark.text, hardline, ...blankAfter(remark));
    return [...suffix(behind), ends ? lines : indent(lines)];
  }

  /** What stands in front of a closing bracket; comments there belong to what it encloses. */
  closing(kind: "" | "soft" | "line"): Doc {
    const remarks = this.remarks();
    if (remarks.length === 0) return kind === "" ? "" : kind === "soft" ? softline : line;
    const { behind, own } = split(remarks);
    return [...suffix(behind), indent(own.map((remark) => [hardline, remark.text])), hardline];
  }

  /** Takes the comments in front of the next token. */
  remarks(): readonly Remark[] {
    const found: Remark[] = [];
    while (this.#pending) found.push(this.#remark());
    return found;
  }

  /** Takes the comment behind the last token, if there is one on its line. */
  behind(): Remark | undefined {
    const comment = this.#comments[this.#comment];
    if (comment === undefined || !this.#pending || this.#lineEnds(comment.span.start)) return undefined;
    return this.#remark();
  }

  /** Whether the source has an empty line in front of the next token. */
  get blank(): boolean {
    return isBlank(this.text.slice(this.#end, this.start()));
  }

  /** Whether the line ends behind the last token. */
  get ends(): boolean {
    return this.#lineEnds(this.start());
  }

  /** How many spaces stand in front of the next token on its line; 0 where it starts one. */
  get spaces(): number {
    const between = this.text.slice(this.#end, this.start());
    return /^ *$/.test(between) ? between.length : 0;
  }

  /** Whether a comment stands in front of the next token. */
  get remarked(): boolean {
    return this.#pending;
  }

  get done(): boolean {
    return this.#at === this.#tokens.length && this.#comment === this.#comments.length;
  }

  get #pending(): boolean {
    return (this.#comments[this.#comment]?.span.start ?? Infinity) < this.start();
  }

  #pass(): void {
    const token = this.#tokens[this.#at];
    this.#end = (token?.endOffset ?? this.#end) + 1;
    this.#at += 1;
  }

  #lineEnds(at: number): boolean {
    return this.text.slice(this.#end, at).includes("\n");
  }

  #remark(): Remark {
    const comment = this.#comments[this.#comment];
    if (comment === undefined) throw new Error("there is no comment to take");
    this.#comment += 1;
    const { start, end } = comment.span;
    const before = this.text.slice(this.#end, start);
    const next = Math.min(this.start(), this.#comments[this.#comment]?.span.start ?? Infinity);
    const behind = !before.includes("\n") && this.#end > 0;
    this.#end = end;
    return {
      text: comment.text,
      behind,
      spaces: before.length - before.trimEnd().length,
      blankBefore: isBlank(before),
      blankAfter: isBlank(this.text.slice(end, next)),
    };
  }
}

function isBlank(between: string): boolean {
  return between.split("\n").length > 2;
}

function blankAfter(remark: Remark | undefined): readonly Doc[] {
  return remark?.blankAfter === true ? [hardline] : [];
}

/** The comment that stays on its line, and those that have lines of their own. */
function split(remarks: readonly Remark[]): { behind: Remark | undefined; own: readonly Remark[] } {
  const [first, ...rest] = remarks;
  return first?.behind === true ? { behind: first, own: rest } : { behind: undefined, own: remarks };
}

function suffix(remark: Remark | undefined): readonly Doc[] {
  return remark === undefined ? [] : [behindLine(remark.text), breakParent];
}

/** A comment that goes to the end of the line, which is then no longer than it would be without it. */
export function behindLine(text: string, spaces = 1): Doc {
  return lineSuffix([" ".repeat(spaces), text]);
}

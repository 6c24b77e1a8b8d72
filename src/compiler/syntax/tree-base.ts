/**
 * What every part of the tree builder needs: from tokens and offsets of the concrete tree to spans, names, numbers
 * and strings. It makes no nodes of the language.
 */
import type { CstNode, IToken } from "chevrotain";
import { type SourceFile, type Span, spanBetween } from "../source/source.ts";
import type { BadExpr, Name, NumberNode, StringNode } from "./ast.ts";

/** A token that recovery put in: what it stands for is not in the text. */
export interface HoleToken extends IToken {
  readonly hole: true;
}

export function isHole(token: IToken): boolean {
  return "hole" in token;
}

/** The first of the children that the grammar promises. */
export function first<T>(children: readonly T[] | undefined): T {
  return nth(children, 0);
}

export function nth<T>(children: readonly T[] | undefined, index: number): T {
  const child = children?.[index];
  if (child === undefined) throw new Error("the concrete tree lacks a child that its rule promises");
  return child;
}

/** All children, also of a rule that need not have any. */
export function all<T>(children: readonly T[] | undefined): readonly T[] {
  return children ?? [];
}

const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", '"': '"', "\\": "\\" };

export class Places {
  readonly file: SourceFile;
  readonly docs: ReadonlyMap<number, string>;
  /** Every place of the trees, for whoever moves them to where their text went (`reread.ts`). */
  readonly made: Span[] = [];

  constructor(file: SourceFile, docs: ReadonlyMap<number, string>) {
    this.file = file;
    this.docs = docs;
  }

  at(start: number, end: number): Span {
    return this.#keep({ file: this.file, start, end });
  }
  between(first: Span, last: Span): Span {
    return this.#keep(spanBetween(first, last));
  }
  #keep(span: Span): Span {
    this.made.push(span);
    return span;
  }

  ofToken(token: IToken): Span {
    return this.at(token.startOffset, (token.endOffset ?? token.startOffset) + 1);
  }

  ofNode(node: CstNode): Span {
    const location = node.location;
    if (location === undefined) throw new Error(`the rule ${node.name} has no place`);
    return this.at(location.startOffset, (location.endOffset ?? location.startOffset) + 1);
  }

  docBefore(offset: number): string | undefined {
    return this.docs.get(offset);
  }

  name(token: IToken): Name {
    return { text: isHole(token) ? "" : token.image, span: this.ofToken(token) };
  }

  /** A string token as a name: what is between the quotes. */
  quotedName(token: IToken): Name {
    return { text: unquote(token.image), span: this.ofToken(token) };
  }

  string(token: IToken): StringNode {
    return { kind: "string", value: unquote(token.image), span: this.ofToken(token) };
  }

  /** One that is not written right was reported when it was scanned, and has no value. */
  number(token: IToken): NumberNode | BadExpr {
    const text = token.image;
    const value = Number(text.replaceAll("_", ""));
    const span = this.ofToken(token);
    return Number.isNaN(value)
      ? { kind: "bad", span }
      : { kind: "number", text, value, int: !/[.eE]/.test(text), span };
  }
}

function unquote(image: string): string {
  const inner = image.slice(1, -1);
  return inner.includes("\\") ? inner.replace(/\\(.)/gs, (whole, char: string) => escapes[char] ?? whole) : inner;
}

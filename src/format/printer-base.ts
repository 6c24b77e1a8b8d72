/**
 * What every part of the printer needs: bracketed lists, and what can be told about parentheses, which the tree does
 * not hold. It prints no form of the language by itself.
 */
import { builders } from "prettier/doc";
import type { Expr } from "../compiler/syntax/ast.ts";
import type { Doc, Writer } from "./writer.ts";

const { fill, group, ifBreak, indent, softline } = builders;

export interface Page {
  /** How long a line may be. */
  readonly width: number;
  /** How far one level is set in. */
  readonly indent: number;
}

export interface ListStyle {
  /** A space inside the brackets where the list is on one line. */
  readonly padded?: boolean;
  /** A line that ends behind the opening bracket in the source ends there again. */
  readonly keeps?: boolean;
  /** As many members on a line as fit. */
  readonly fills?: boolean;
  /** The only member brings brackets of its own, which open on the same line. */
  readonly hugs?: boolean;
}

export class PrinterBase {
  readonly w: Writer;
  readonly page: Page;

  constructor(writer: Writer, page: Page) {
    this.w = writer;
    this.page = page;
  }

  /** Members between brackets: on one line if they fit, else one a line, each with a comma behind it. */
  list<T>(open: string, nodes: readonly T[], print: (node: T) => Doc, close: string, style: ListStyle = {}): Doc {
    const { w } = this;
    const opener = w.take(open);
    const [single] = nodes;
    if (single === undefined) return [opener, w.closing(""), w.take(close)];
    if (style.hugs === true && !w.remarked) {
      const only = print(single);
      w.skipIf(",");
      return [opener, only, w.closing(""), w.take(close)];
    }
    const shouldBreak = style.keeps === true && w.ends;
    const edge = style.padded === true ? "line" : "soft";
    const id = Symbol("list");
    // A member that fills a line does not know whether the list around it has broken.
    const last = style.fills === true ? ifBreak(",", "", { groupId: id }) : ifBreak(",");
    const members: Doc[] = [];
    for (const [i, node] of nodes.entries()) {
      const gap = w.gap(i === 0 ? edge : "line");
      members.push(i === 0 && style.fills === true ? "" : gap);
      members.push([print(node), i === nodes.length - 1 ? last : ","]);
      w.skipIf(",");
    }
    const inside: Doc = style.fills === true ? [softline, fill(members.slice(1))] : members;
    return group([opener, indent(inside), w.closing(edge), w.take(close)], { shouldBreak, id });
  }

  /** Members with commas between them and no brackets around: as many on a line as fit. */
  series<T>(nodes: readonly T[], print: (node: T) => Doc): Doc {
    const { w } = this;
    const start = w.gap(" ");
    const docs: Doc[] = [];
    let remarked = false;
    for (const [i, node] of nodes.entries()) {
      if (i > 0) {
        remarked ||= w.remarked;
        docs.push(w.gap("line"));
      }
      const doc = print(node);
      const last = i === nodes.length - 1;
      // A comment in front of the comma goes behind it.
      if (!last) w.skipIf(",");
      docs.push(last ? doc : [doc, ","]);
    }
    return indent([start, remarked ? group(docs) : fill(docs)]);
  }

  /** Whether a parenthesis around this whole expression comes next. */
  opensAround(node: Expr): boolean {
    const { w } = this;
    if (w.peek() !== "(") return false;
    const left = leftOf(node);
    if (left !== undefined) return w.start() < left.span.start;
    if (node.kind !== "tuple") return true;
    const [member] = node.members;
    return member === undefined ? w.peek(1) !== ")" : w.start(1) !== member.span.start;
  }

  /** Whether the source has a comment somewhere in these. */
  remarksIn(start: number, end: number): boolean {
    // Also true for a string with two slashes, which does no harm.
    return this.w.text.slice(start, end).includes("//");
  }
}

/** What stands first in an expression that does not start with a token of its own. */
export function leftOf(node: Expr): Expr | undefined {
  switch (node.kind) {
    case "binary":
      return node.left;
    case "call":
      return node.callee;
    case "index":
    case "member":
    case "star":
    case "pick":
    case "with":
    case "label":
      return node.of;
    case "pipe":
      return node.input;
    default:
      return undefined;
  }
}

/** Whether the expression stands in parentheses, where its tree does not start with one. */
export function isEnclosed(node: Expr): boolean {
  const left = leftOf(node);
  const { file, start } = node.span;
  if (left !== undefined) return start < left.span.start;
  return node.kind !== "tuple" && file.text[start] === "(";
}

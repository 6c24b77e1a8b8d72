/**
 * Parts the tokens of a declaration that cannot be read into islands: lines that can be read one by one, each with the
 * braces inside it parted further. Words that start lines, brackets and, where braces do not match, the columns of
 * lines decide; nothing is read here, and nothing is reported.
 */
import { tokens as t } from "../../../grammar/tokens.ts";
import { allows, isName, isWord, type Container, type Layout, type Starter } from "./layout.ts";

/** Lines between two braces. A brace that is missing has no token; `open` and `close` then say where it would be. */
export interface Group {
  readonly kind: Container;
  readonly open: number;
  readonly hasOpen: boolean;
  readonly close: number;
  readonly hasClose: boolean;
  readonly islands: readonly Island[];
}

/** The tokens from `start` to before `end`: one line, item or declaration. */
export interface Island {
  readonly container: Container;
  readonly starter: Starter | undefined;
  readonly start: number;
  readonly end: number;
  readonly groups: readonly Group[];
}

/** How many tokens are looked ahead for a guess: enough for real text, and no quadratic time for any other. */
const FAR = 2_000;

/** Which containers stand around, from the outside in, and where the innermost one was opened. */
interface Context {
  readonly kind: Container;
  /** The column of the line in which the container's own line starts. */
  readonly base: number;
  readonly openLine: number;
  readonly ofBranch: boolean;
  readonly parent: Context | undefined;
}

/** Where the regions of declarations begin; a word that starts a declaration ends whatever was open before it. */
export function declarationStarts(layout: Layout): readonly number[] {
  const starts: number[] = [];
  // After annotations the declaration's own word begins nothing new.
  let annotated = false;
  let depth = 0;
  for (let i = 0; i < layout.tokens.length; i++) {
    if (layout.is(i, t.LCurly)) depth++;
    if (layout.is(i, t.RCurly)) depth--;
    const isAnnotation = layout.is(i, t.AtSign) && layout.columnAt(i) === 1;
    const isTop = layout.starterAt(i) === "top" && (!layout.is(i, t.Block) || layout.columnAt(i) === 1 || depth <= 0);
    if (i > 0 && (isAnnotation || isTop) && !annotated) {
      starts.push(i);
      depth = 0;
    }
    if (i === 0) starts.push(0);
    annotated = isAnnotation || (annotated && !isTop);
  }
  return starts;
}

/** The container that a word opens with its brace. */
function headerOf(layout: Layout, index: number): Container | undefined {
  switch (layout.tokens[index]?.tokenType) {
    case t.Model:
      return "model";
    case t.Variant:
      return "variant";
    case t.Block:
    case t.Fn:
    case t.Branch:
      return "body";
    case t.Head:
      return "head";
    case t.Regions:
    case t.Data:
      return "fields";
    case t.Train:
      return "train";
    case t.Pretrained:
      return "pretrained";
    case t.Step:
      return "step";
    default:
      return undefined;
  }
}

export class Outliner {
  readonly #layout: Layout;
  readonly #end: number;
  /** More opening braces than closing ones, or fewer: then columns decide what belongs where. */
  readonly #lacksClosers: boolean;
  readonly #lacksOpeners: boolean;

  /** For the tokens from `start` to before `end`. */
  constructor(layout: Layout, start: number, end: number) {
    this.#layout = layout;
    this.#end = end;
    let depth = 0;
    for (let i = start; i < end; i++) {
      if (layout.is(i, t.LCurly)) depth++;
      if (layout.is(i, t.RCurly)) depth--;
    }
    this.#lacksClosers = depth > 0;
    this.#lacksOpeners = depth < 0;
  }

  /** The declarations of the region; usually one. */
  declarations(start: number): readonly Island[] {
    const context: Context = { kind: "file", base: 0, openLine: 0, ofBranch: false, parent: undefined };
    const islands: Island[] = [];
    for (let at = start; at < this.#end;) {
      const island = this.#island(context, at);
      islands.push(island);
      at = island.end;
    }
    return islands;
  }

  #group(context: Context, open: number, hasOpen: boolean): Group {
    const islands: Island[] = [];
    let at = hasOpen ? open + 1 : open;
    while (at < this.#end) {
      if (this.#layout.is(at, t.RCurly) && this.#closes(at, context))
        return { kind: context.kind, open, hasOpen, close: at, hasClose: true, islands };
      if (this.#leaves(at, context)) break;
      const island = this.#island(context, at);
      islands.push(island);
      at = island.end;
    }
    return { kind: context.kind, open, hasOpen, close: at, hasClose: false, islands };
  }

  /** Whether this `}` is the container's own. */
  #closes(at: number, context: Context): boolean {
    const layout = this.#layout;
    if (context.kind === "file") return false;
    if (this.#lacksClosers && layout.isFirst(at) && layout.columnAt(at) < context.base) return false;
    if (!this.#lacksOpeners) return true;
    // One `}` too many: it is one that does not stand where this container's would.
    const last = at + 1 >= this.#end;
    if (context.parent?.kind === "file") return last;
    const sameLine = layout.line[at] === context.openLine;
    return sameLine || (layout.isFirst(at) && layout.columnAt(at) === context.base);
  }

  /** Whether the token belongs to something further outside, so that this container's `}` must be missing. */
  #leaves(at: number, context: Context): boolean {
    const layout = this.#layout;
    if (context.kind === "file") return false;
    if (layout.is(at, t.Fuse) && context.ofBranch) return true;
    if (!this.#lacksClosers) return false;
    const isFirst = layout.isFirst(at);
    if (layout.is(at, t.RCurly)) return isFirst && layout.columnAt(at) < context.base;
    if (isFirst && layout.columnAt(at) <= context.base && layout.line[at] !== context.openLine) return true;
    const starter = layout.starterAt(at);
    if (starter === undefined || allows(context.kind, starter)) return false;
    for (let outer = context.parent; outer !== undefined; outer = outer.parent)
      if (allows(outer.kind, starter)) return true;
    return false;
  }

  #island(context: Context, start: number): Island {
    return new IslandScan(this.#layout, this.#end, context, start, {
      closes: (at) => this.#closes(at, context),
      leaves: (at) => this.#leaves(at, context),
      group: (kind, open, hasOpen, base, ofBranch) =>
        this.#group(
          { kind, base, openLine: this.#layout.line[hasOpen ? open : open - 1] ?? 0, ofBranch, parent: context },
          open,
          hasOpen,
        ),
    }).run();
  }
}

interface Around {
  readonly closes: (at: number) => boolean;
  readonly leaves: (at: number) => boolean;
  readonly group: (kind: Container, open: number, hasOpen: boolean, base: number, ofBranch: boolean) => Group;
}

/** Finds the end of one island and the groups in it. */
class IslandScan {
  readonly #layout: Layout;
  readonly #end: number;
  readonly #context: Context;
  readonly #start: number;
  readonly #around: Around;
  readonly #base: number;
  readonly #groups: Group[] = [];
  /** Brackets and braces of maps that are open here. */
  readonly #open: string[] = [];
  /** What the island's own word opens with a brace that has not come yet. */
  #header: Container | undefined;
  #starter: Starter | undefined;
  #word = -1;
  /** How many `fold` and `block(` still wait for their body. */
  #bodies = 0;

  constructor(layout: Layout, end: number, context: Context, start: number, around: Around) {
    this.#layout = layout;
    this.#end = end;
    this.#context = context;
    this.#start = start;
    this.#around = around;
    this.#base = layout.indent[start] ?? 1;
  }

  run(): Island {
    let at = this.#start;
    // A stray closing brace is an island of its own.
    if (this.#layout.is(at, t.RCurly)) return this.#finish(at + 1);
    this.#takeWord(at);
    while (at < this.#end) {
      if (at > this.#start && this.#endsAt(at)) {
        if (!this.#opensUnseen(at)) break;
        at = this.#enter(this.#header ?? "body", at, false);
      } else at = this.#step(at);
      if (at < 0) return this.#finish(-at);
    }
    return this.#finish(at);
  }

  #finish(end: number): Island {
    const { kind } = this.#context;
    return { container: kind, starter: this.#starter, start: this.#start, end, groups: this.#groups };
  }

  /** `"pattern": "source"` where it is written with `=`. */
  #misspeltRule(at: number): boolean {
    return this.#context.kind === "pretrained" && this.#layout.is(at, t.String) && this.#layout.is(at + 1, t.Colon);
  }

  /** `name: value` where fields are written `name = value`. */
  #misspeltField(at: number): boolean {
    const { kind } = this.#context;
    const isField = isName(this.#layout.tokens[at]) && this.#layout.is(at + 1, t.Colon);
    return isField && (kind === "fields" || kind === "train");
  }

  #takeWord(at: number): void {
    const starter = this.#misspeltField(at) ? "field" : this.#misspeltRule(at) ? "rule" : this.#layout.starterAt(at);
    if (!allows(this.#context.kind, starter)) return;
    this.#starter = starter;
    this.#word = at;
    this.#header = headerOf(this.#layout, at);
  }

  /** Goes over one token, or over a group; a negative number is where the island ends for good. */
  #step(at: number): number {
    const layout = this.#layout;
    const type = layout.tokens[at]?.tokenType;
    if (this.#starter === undefined && layout.is(this.#start, t.AtSign)) this.#takeWord(at);
    if (this.#context.kind === "variant" && at > this.#start && this.#header === undefined)
      this.#header = this.#addedHeader(at);
    if (type === t.Fold || (type === t.Block && at !== this.#word)) this.#bodies++;
    else if (type === t.FatArrow) this.#inlineBody();
    else if (type === t.LParen) this.#open.push(")");
    else if (type === t.LSquare) this.#open.push("]");
    else if (type === t.LCurly) {
      const kind = this.#groupAt(at);
      if (kind !== undefined) return this.#enter(kind, at, true);
      this.#open.push("}");
    } else if (type === t.RParen || type === t.RSquare || type === t.RCurly) {
      const found = this.#open.lastIndexOf(layout.tokens[at]?.image ?? "");
      if (found !== -1) this.#open.splice(found);
    }
    return at + 1;
  }

  /** In a variant, `add head …` opens what `head` opens. */
  #addedHeader(at: number): Container | undefined {
    const layout = this.#layout;
    if (!layout.is(this.#start, t.Add) || layout.is(at - 1, t.Dot) || layout.is(at - 1, t.In)) return undefined;
    const follows = layout.tokens[at + 1]?.tokenType;
    if (follows === t.Dot || follows === t.Assign) return undefined;
    return headerOf(layout, at);
  }

  #inlineBody(): void {
    if (this.#bodies > 0) this.#bodies--;
    else if (this.#header === "body") this.#header = undefined;
  }

  /** Whether the island ends before this token. */
  #endsAt(at: number): boolean {
    const layout = this.#layout;
    if (layout.is(at, t.RCurly) && !this.#open.includes("}")) return this.#around.closes(at) || this.#around.leaves(at);
    if (this.#around.leaves(at)) return true;
    const starter = layout.starterAt(at);
    const annotations = this.#starter === undefined && layout.is(this.#start, t.AtSign);
    if (starter === "result") {
      if (this.#context.kind !== "body" || annotations || this.#header === "body") return false;
      // A `=>` in the middle of a line belongs to that line, unless the whole body is on it.
      const sameLine = layout.line[at] === this.#context.openLine;
      if (layout.isFirst(at) && !sameLine && layout.columnAt(at) <= this.#base + 1) return true;
      return this.#bodies === 0 && (layout.isFirst(at) || sameLine);
    }
    // What an `add` adds stands on its line, and so may look like something inside.
    const adds = layout.is(this.#start, t.Add) && !layout.isFirst(at);
    if (this.#header !== undefined && allows(this.#header, starter) && !adds) return true;
    if (allows(this.#context.kind, starter)) return !annotations;
    if (layout.is(at, t.AtSign) && layout.isFirst(at) && this.#context.kind !== "variant") return !annotations;
    if (!layout.isFirst(at) || (layout.continuesLine(at) && !layout.bindsTuple(at))) return false;
    // A line that has no start but stands where one would.
    const column = layout.columnAt(at);
    if (annotations) return false;
    if (starter !== undefined && column <= this.#base) return true;
    // One column more is what a word taken away leaves behind; whoever goes on with a line indents by two.
    return this.#open.length === 0 ? column <= this.#base + 1 : column === this.#base || column === this.#base + 1;
  }

  /** Whether a line that starts here is the first of a container whose `{` is missing. */
  #opensUnseen(at: number): boolean {
    const layout = this.#layout;
    const inner = this.#header ?? (this.#bodies > 0 ? "body" : undefined);
    const starter = layout.starterAt(at);
    if (inner === undefined || !allows(inner, starter) || starter === "result") return false;
    const deeper = layout.isFirst(at) ? layout.columnAt(at) > this.#base : true;
    return deeper || (this.#header !== undefined && !allows(this.#context.kind, starter));
  }

  /** Parts a group and says where to go on. */
  #enter(kind: Container, at: number, hasOpen: boolean): number {
    const isHeader = this.#header !== undefined && this.#header === kind && this.#bodies === 0;
    const branch = this.#layout.is(this.#word, t.Branch) || this.#layout.is(this.#start, t.Add);
    const group = this.#around.group(kind, at, hasOpen, this.#base, isHeader && branch);
    this.#groups.push(group);
    const next = group.hasClose ? group.close + 1 : group.close;
    if (!isHeader) {
      if (this.#bodies > 0) this.#bodies--;
      return next;
    }
    this.#header = undefined;
    this.#open.length = 0;
    // Behind a header's braces only a branch goes on; what stands on the closer's line was meant to.
    const goesOn =
      this.#layout.is(next, t.Fuse) ||
      (branch && group.hasClose && this.#layout.line[next] === this.#layout.line[group.close]);
    return goesOn ? next : -next;
  }

  /** What the brace at `at` opens, or undefined for a map or a choice of members. */
  #groupAt(at: number): Container | undefined {
    const layout = this.#layout;
    const mapLike = this.#looksLikeMap(at);
    const afterDot = layout.is(at - 1, t.Dot);
    const afterValue = layout.endsValue(at - 1) || (!mapLike && layout.starterAt(at + 1) !== undefined);
    if (this.#bodies > 0 && afterValue && !mapLike) return "body";
    if (this.#header !== undefined) {
      // Members are chosen before the header's own brace, never in its place.
      const chooses = (mapLike && afterDot) || ((mapLike || afterDot) && layout.is(this.#closerOf(at) + 1, t.LCurly));
      if (at - 1 === this.#word) return this.#header;
      const isHeader = this.#open.length === 0 ? afterValue || afterDot || !mapLike : afterValue;
      return isHeader && !chooses ? this.#header : undefined;
    }
    if (afterDot || mapLike || (at !== this.#start && !afterValue)) return undefined;
    return this.#guess(at);
  }

  /** Words with `,` or `:` behind them, or one word alone. */
  #looksLikeMap(at: number): boolean {
    const layout = this.#layout;
    if (!isWord(layout.tokens[at + 1])) return false;
    return [t.RCurly, t.Colon, t.Comma].some((type) => layout.is(at + 2, type));
  }

  #closerOf(open: number): number {
    let depth = 0;
    for (let i = open; i < Math.min(this.#end, open + FAR); i++) {
      if (this.#layout.is(i, t.LCurly)) depth++;
      if (this.#layout.is(i, t.RCurly) && --depth === 0) return i;
    }
    return this.#end;
  }

  /** The kind of a group whose word is missing, from what it holds. */
  #guess(at: number): Container | undefined {
    const layout = this.#layout;
    const seen = new Set<Starter>();
    let depth = 0;
    for (let i = at; i < Math.min(this.#end, at + FAR); i++) {
      if (layout.is(i, t.LCurly)) depth++;
      if (layout.is(i, t.RCurly) && --depth === 0) break;
      const starter = depth === 1 ? layout.starterAt(i) : undefined;
      if (starter !== undefined) seen.add(starter);
    }
    if (seen.has("edit") && this.#context.kind === "file") return "variant";
    if (seen.has("item") || (seen.has("output") && this.#context.kind === "file")) return "model";
    if (seen.has("output")) return "head";
    if (seen.has("train") || seen.has("step")) return "train";
    if (seen.has("rule")) return "pretrained";
    // The `=>` of a block in a field is not that of a body.
    if (seen.has("field") && !seen.has("line")) return "fields";
    return seen.has("line") || seen.has("result") ? "body" : undefined;
  }
}

/**
 * Reads a file again after an edit: declarations, items of models and lines whose text is what it was keep their trees, moved
 * to where they now stand, also beside a mistake. Who remembers something of a tree finds the same tree again. What reading
 * means is decided in `parse.ts` and `recover.ts` alone.
 */
import type { CstNode, IToken, TokenType } from "chevrotain";
import { runRule, type RuleName } from "../../../grammar/shared.ts";
import { tokens as t } from "../../../grammar/tokens.ts";
import type { DiagnosticBag } from "../diagnostics/diagnostic.ts";
import type { SourceFile, Span } from "../source/source.ts";
import type { Declaration, FileNode, Item, ModelDecl } from "./ast.ts";
import { findTooDeep } from "./depth.ts";
import { isName, Layout } from "./layout.ts";
import { parseFile } from "./parse.ts";
import { type Keeper, Recovery, treeOf } from "./recover.ts";
import { reportScanProblems } from "./scan-report.ts";
import { scan, type Scan } from "./scan.ts";
import { withoutSlips } from "./slips.ts";
import { Places } from "./tree-base.ts";
import { TreeBuilder } from "./tree-declarations.ts";

/** A tree that stands for some text by itself, and those in it: lines, fields, edits. */
interface Island {
  readonly tree: object;
  /** Those of the tree that are in no inner one. */
  readonly spans: readonly Writable<Span>[];
  /** By their distance from its start. */
  readonly inner: readonly (readonly [number, Island])[];
  readonly key: string | undefined;
  start: number;
}
type Writable<T> = { -readonly [K in keyof T]: T[K] };

const declarationStarts: ReadonlySet<TokenType> = new Set([
  ...[t.Import, t.Const, t.Fn, t.Prim, t.Block, t.Model, t.Variant],
]);
const itemStarts: ReadonlySet<TokenType> = new Set([
  ...[t.Let, t.Shared, t.Param, t.State, t.Update, t.Assert, t.Dim, t.Input, t.Target, t.Regions, t.Branch, t.Head],
  ...[t.Train, t.Data, t.Pretrained, t.Loss, t.Predict, t.Metric],
]);

/** Where tokens are not what the text says. */
type Range = Pick<Span, "start" | "end">;

/** One file as it was last read. */
export class Reader {
  #last: FileNode | undefined;
  /** Of the last text, and of the last one without a mistake: what a slip of the hand takes away soon comes back. */
  #islands: readonly Island[] = [];
  #whole: readonly Island[] = [];
  readonly #models = new Models();

  read(file: SourceFile, bag: DiagnosticBag): FileNode {
    if (this.#last?.file.text === file.text) return this.#last;
    this.#last = undefined; // its trees may move
    const scanned = scan(file);
    if (findTooDeep(scanned.tokens) !== undefined) return parseFile(file, bag);
    reportScanProblems(scanned, bag);
    const known = new Known([...this.#islands, ...this.#whole]);
    const before = bag.told;
    const { declarations, islands } = this.#declarations(scanned, scanned.problems, known, bag);
    const tree = { file, declarations, comments: scanned.comments, span: { file, start: 0, end: file.text.length } };
    this.#islands = islands;
    // a mistake is told each time
    if (scanned.problems.length > 0 || bag.told > before) return tree;
    this.#whole = islands;
    return (this.#last = tree);
  }

  #declarations(
    scanned: Scan,
    doubtful: readonly Range[],
    known: Known,
    bag: DiagnosticBag,
  ): { readonly declarations: readonly Declaration[]; readonly islands: readonly Island[] } {
    const reading = new Reading(scanned, doubtful, known, this.#models);
    const { islands } = reading;
    const declarations = reading.declarations();
    if (declarations !== undefined) return { declarations, islands };
    const tokens = withoutSlips(scanned, new Layout(scanned.file, scanned.tokens), bag);
    if (tokens === scanned.tokens) return { declarations: new Recovery(scanned, bag, reading).declarations(), islands };
    return this.#declarations({ ...scanned, tokens }, [...doubtful, ...changed(scanned.tokens, tokens)], known, bag);
  }
}

/** The places of the tokens that are in one list alone. */
function changed(before: readonly IToken[], after: readonly IToken[]): readonly Range[] {
  const [old, made] = [new Set(before), new Set(after)];
  const odd = [...before.filter((token) => !made.has(token)), ...after.filter((token) => !old.has(token))];
  return odd.map((token) => ({ start: token.startOffset, end: end(token) }));
}

/** Models put together of their heads and items; of the same ones the same model. */
class Models {
  readonly #known = new WeakMap<object, { readonly model: ModelDecl; readonly span: Writable<Span> }>();

  whole(head: ModelDecl, items: readonly Item[], span: Span): ModelDecl {
    const known = this.#known.get(head);
    if (known?.model.items.length === items.length && known.model.items.every((item, i) => item === items[i])) {
      Object.assign(known.span, span);
      return known.model;
    }
    const own = { ...span };
    const model = { ...head, items, span: own };
    this.#known.set(head, { model, span: own });
    return model;
  }
}

/** Tokens that are read on their own, and what they are known to be. */
interface Piece {
  readonly rule: RuleName;
  readonly tokens: readonly IToken[];
  readonly start: number;
  readonly key: string | undefined;
  readonly known: Island | undefined;
}

class Reading implements Keeper {
  readonly islands: Island[] = [];
  readonly #scan: Scan;
  readonly #doubtful: readonly Range[];
  readonly #known: Known;
  readonly #models: Models;

  constructor(scan: Scan, doubtful: readonly Range[], known: Known, models: Models) {
    this.#scan = scan;
    this.#doubtful = doubtful;
    this.#known = known;
    this.#models = models;
  }

  /** Undefined where something cannot be read. */
  declarations(): readonly Declaration[] | undefined {
    // what is whole keeps its lines, before others look for theirs
    const read = parted(this.#scan.tokens, declarationStarts).map((tokens) => this.declaration(tokens));
    const declarations: Declaration[] = [];
    for (const make of read) {
      const declaration = make();
      if (declaration === undefined) {
        this.#known.releaseAll(this.islands.splice(0));
        return undefined;
      }
      declarations.push(declaration);
    }
    return declarations;
  }

  declaration(tokens: readonly IToken[]): () => Declaration | undefined {
    const word = tokens.findIndex((token, i) => declarationStarts.has(token.tokenType) && startsHere(tokens, i));
    const open = tokens[word]?.tokenType === t.Model ? tokens.findIndex(({ tokenType }) => tokenType === t.LCurly) : -1;
    const [first, last] = [tokens[0], tokens.at(-1)];
    if (
      first === undefined ||
      last === undefined ||
      open === -1 ||
      open === tokens.length - 1 ||
      last.tokenType !== t.RCurly
    ) {
      const whole = this.#piece("declaration", tokens);
      return () => this.#trees([whole])?.[0] as Declaration | undefined;
    }
    // its text ends with the brace, and is no declaration
    const head = this.#piece("declaration", [...tokens.slice(0, open + 1), last], "head", tokens[open]);
    const pieces = parted(tokens.slice(open + 1, -1), itemStarts).map((part) => this.#piece("item", part));
    return () => {
      const [model, ...items] = this.#trees([head, ...pieces]) ?? [];
      const span = { file: this.#scan.file, start: first.startOffset, end: end(last) };
      return model && this.#models.whole(model as ModelDecl, items as Item[], span);
    };
  }
  read(rule: RuleName, tokens: readonly IToken[]): object | undefined {
    return this.#trees([this.#piece(rule, tokens)])?.[0];
  }

  #piece(rule: RuleName, tokens: readonly IToken[], kind: string = rule, last = tokens.at(-1)): Piece {
    const start = tokens[0]?.startOffset ?? 0;
    const key = keyOf(this.#scan, this.#doubtful, kind, start, last === undefined ? start : end(last));
    return { rule, tokens, start, key, known: this.#known.take(key) };
  }
  /** All of them, or else those that are known or could be read are free for others. */
  #trees(pieces: readonly Piece[]): readonly object[] | undefined {
    const islands: Island[] = [];
    for (const { rule, tokens, start, key, known } of pieces) {
      if (known) move(known, this.#scan.file, start);
      const island = known ?? this.#read(rule, tokens, start, key);
      if (island === undefined) {
        this.#known.release([...islands, ...pieces.flatMap((piece) => piece.known ?? [])]);
        return undefined;
      }
      islands.push(island);
    }
    this.islands.push(...islands);
    return islands.map(({ tree }) => tree);
  }
  #read(rule: RuleName, tokens: readonly IToken[], start: number, key: string | undefined): Island | undefined {
    const { tree, failedAt } = runRule(rule, tokens);
    if (failedAt !== undefined) return undefined;
    const builder = new KeepingBuilder(this.#scan, this.#doubtful, this.#known);
    return builder.island(key, start, () => treeOf(builder, rule, tree));
  }
}

/** Builds what it does not know. */
class KeepingBuilder extends TreeBuilder {
  readonly #scan: Scan;
  readonly #doubtful: readonly Range[];
  readonly #known: Known;
  #inner: Island[] = [];

  constructor(scan: Scan, doubtful: readonly Range[], known: Known) {
    super(new Places(scan.file, scan.docs), new Map());
    this.#scan = scan;
    this.#doubtful = doubtful;
    this.#known = known;
  }
  island(key: string | undefined, start: number, build: () => object): Island {
    const [outer, before] = [this.#inner, this.places.made.length];
    this.#inner = [];
    const tree = build();
    const inner = this.#inner.map((island) => [island.start - start, island] as const);
    const island = { tree, spans: this.places.made.splice(before), inner, key, start };
    this.#inner = outer;
    return island;
  }
  protected override part<T extends object>({ name, location }: CstNode, build: () => T): T {
    if (location === undefined) return build();
    const start = location.startOffset;
    const key = keyOf(this.#scan, this.#doubtful, name, start, (location.endOffset ?? start) + 1);
    const known = this.#known.take(key);
    if (known) move(known, this.#scan.file, start);
    const island = known ?? this.island(key, start, build);
    this.#inner.push(island);
    return island.tree as T; // the key has the rule's name
  }
}

/** Islands of earlier readings that nobody took yet. */
class Known {
  readonly #free = new Map<string, Island[]>();
  readonly #all = new Set<Island>();
  readonly #taken = new Set<Island>();

  constructor(islands: readonly Island[]) {
    for (const island of islands) this.#add(island);
  }
  #add(island: Island): void {
    if (this.#all.has(island)) return;
    this.#all.add(island);
    const { key } = island;
    const same = key === undefined ? undefined : this.#free.get(key);
    if (same) same.push(island);
    else if (key !== undefined) this.#free.set(key, [island]);
    for (const [, inner] of island.inner) this.#add(inner);
  }
  take(key: string | undefined): Island | undefined {
    const found = key === undefined ? undefined : this.#free.get(key)?.find((island) => this.#isFree(island));
    if (found) this.#keep(found);
    return found;
  }
  /** Gives back what was taken, and what was read anew, for others to take. */
  release(islands: readonly Island[]): void {
    for (const island of islands) {
      this.#taken.delete(island);
      this.#add(island);
      this.release(island.inner.map(([, inner]) => inner));
    }
  }
  releaseAll(made: readonly Island[]): void {
    this.#taken.clear();
    for (const island of made) this.#add(island);
  }
  #isFree(island: Island): boolean {
    return !this.#taken.has(island) && island.inner.every(([, inner]) => this.#isFree(inner));
  }
  #keep(island: Island): void {
    this.#taken.add(island);
    for (const [, inner] of island.inner) this.#keep(inner);
  }
}

/** Undefined where the text does not tell what its tokens are. */
function keyOf(
  { file, docs }: Scan,
  doubtful: readonly Range[],
  rule: string,
  start: number,
  end: number,
): string | undefined {
  if (doubtful.some((range) => range.start < end && range.end > start)) return undefined;
  return `${rule}\n${docs.get(start) ?? ""}\n${file.text.slice(start, end)}`;
}
function end(token: IToken): number {
  return (token.endOffset ?? token.startOffset) + 1;
}

/** The places of a tree are its own; what was said about it before the edit must have been copied. */
function move(island: Island, file: SourceFile, to: number): void {
  const by = to - island.start;
  for (const span of island.spans) {
    span.file = file;
    span.start += by;
    span.end += by;
  }
  island.start = to;
  for (const [distance, inner] of island.inner) move(inner, file, to + distance);
}

/** The tokens before each word that starts something outside all brackets; what stands before the first is a part, too. */
function parted(tokens: readonly IToken[], starts: ReadonlySet<TokenType>): readonly (readonly IToken[])[] {
  const cuts: number[] = [];
  let depth = 0;
  // the word behind annotations starts nothing new
  let annotated = false;
  for (const [i, { tokenType: type }] of tokens.entries()) {
    if (type === t.LParen || type === t.LSquare || type === t.LCurly) depth++;
    else if (type === t.RParen || type === t.RSquare || type === t.RCurly) depth--;
    else if (depth === 0 && (type === t.AtSign || (starts.has(type) && startsHere(tokens, i)))) {
      if (!annotated) cuts.push(i);
      annotated = type === t.AtSign;
    }
  }
  if (cuts[0] !== 0 && tokens.length > 0) cuts.unshift(0);
  return cuts.map((cut, i) => tokens.slice(cut, cuts[i + 1]));
}
/** `branch` and `block` are expressions, too, unless a name follows; behind `.` and `@` every word is a name. */
function startsHere(tokens: readonly IToken[], at: number): boolean {
  const before = tokens[at - 1]?.tokenType;
  if (before === t.Dot || before === t.AtSign) return false;
  const type = tokens[at]?.tokenType;
  return (type !== t.Branch && type !== t.Block) || isName(tokens[at + 1]);
}

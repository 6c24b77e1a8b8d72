/**
 * What recovery tells the user: one diagnostic for each mistake, with the place, what was expected, and the edit that
 * mends it where there is exactly one. It decides which repair is taken, but reads no trees.
 */
import type { IToken, TokenType } from "chevrotain";
import type { RuleName } from "../../../grammar/shared.ts";
import { isDeep } from "../../../grammar/slices.ts";
import { reservedWords, tokens as t } from "../../../grammar/tokens.ts";
import { report, type ReportExtras } from "../diagnostics/catalog.ts";
import type { DiagnosticBag, Fix, Related } from "../diagnostics/diagnostic.ts";
import { positionOf, type Span } from "../source/source.ts";
import { hint, lineHint, unfinishedHint } from "./hints.ts";
import { describeExpected, describeToken, expectedAfter, failurePoint } from "./expect.ts";
import { type Layout } from "./layout.ts";
import type { Group, Island } from "./outline.ts";
import { isHole } from "./tree-base.ts";
import { offsetBefore, Repairer, unclosed, type Repair } from "./repair.ts";
import type { Scan } from "./scan.ts";
import { annotationsEnd, mendedStart, startersOf } from "./starters.ts";

/** Past this many mends in one file, what cannot be read is only reported and left out: time stays bounded. */
const MAX_REPAIRS = 100;

export interface FailedIsland {
  readonly island: Island;
  readonly rule: RuleName;
  /** The island's tokens, with stubs for its groups. */
  readonly tokens: readonly IToken[];
  readonly failedAt: number;
  readonly containerEnd: number;
}

export class SyntaxReporter {
  readonly #scan: Scan;
  readonly #layout: Layout;
  readonly #bag: DiagnosticBag;
  #repairs = 0;

  constructor(scanned: Scan, layout: Layout, bag: DiagnosticBag) {
    this.#scan = scanned;
    this.#layout = layout;
    this.#bag = bag;
  }

  // --- braces of groups ---------------------------------------------------------------------------------------------

  /** `alone` on its line nothing but removing it is likely. */
  strayCloser(token: IToken, alone: boolean): void {
    const span = this.#spanOf(token);
    const fixes = alone ? [{ title: `remove \`${token.image}\``, span, text: "" }] : [];
    report(this.#bag, "E0109", { close: token.image }, span, { fixes });
  }

  groupBraces(group: Group): void {
    const token = this.#layout.tokens[group.open];
    if (!group.hasOpen) {
      const at = this.#endBefore(group.open);
      const expected = "`{`";
      const help = "put `{` before what belongs inside";
      const fixes = [{ title: "insert `{`", span: this.#at(at, at), text: " {" }];
      report(this.#bag, "E0101", { expected, found: describeToken(token), help }, this.#spanOf(token), { fixes });
    }
    if (group.hasClose) return;
    const at = this.#endBefore(group.close);
    const opener = group.hasOpen ? token : this.#layout.tokens[group.open - 1];
    const follower = this.#layout.tokens[group.close];
    const multiline = this.#layout.line[group.open] !== this.#layout.line[group.close - 1];
    const indent = " ".repeat(Math.max(0, (this.#layout.indent[group.open - 1] ?? 1) - 1));
    const span = this.#at(at, at);
    const related =
      follower === undefined ? [] : [{ span: this.#spanOf(follower), label: "this no longer belongs inside" }];
    report(
      this.#bag,
      "E0103",
      { open: "{", close: "}", help: follower === undefined ? "" : "put `}` before the line that is marked" },
      this.#spanOf(opener),
      { related, fixes: [{ title: "insert `}`", span, text: multiline ? `\n${indent}}` : " }" }] },
    );
  }

  // --- results of bodies --------------------------------------------------------------------------------------------

  noResult(group: Group): void {
    if (!group.hasClose) return;
    const closer = this.#layout.tokens[group.close];
    const [from, to] = [this.#layout.tokens[group.open]?.startOffset ?? 0, closer?.startOffset ?? 0];
    if (this.#hasProblem(from, to)) return;
    const last = group.islands.at(-1);
    const [word, name] = last === undefined ? [] : this.#layout.tokens.slice(last.start, last.start + 2);
    const value = word?.tokenType === t.Let && name?.tokenType === t.Identifier ? name.image : "value";
    report(this.#bag, "E0110", { value }, this.#spanOf(closer));
  }

  afterResult(island: Island): void {
    const token = this.#layout.tokens[island.start];
    report(this.#bag, "E0112", { found: describeToken(token) }, this.#spanOf(token));
  }

  // --- islands ------------------------------------------------------------------------------------------------------

  /** Reports why an island cannot be read, and gives the tokens to read in its place where something can be kept. */
  islandFailed(failed: FailedIsland): Repair | undefined {
    const { island, rule, tokens } = failed;
    const silent = this.#hasProblem(tokens[0]?.startOffset ?? 0, (tokens.at(-1)?.endOffset ?? 0) + 1);
    // Trying edits in very deep brackets would cost the stack, and what is expected there is not worth it.
    const mayRepair = ++this.#repairs <= MAX_REPAIRS && !isDeep(tokens);
    if (island.starter === undefined) {
      const repair = mayRepair ? mendedStart(failed, this.#layout) : undefined;
      if (!silent) this.#noStart(failed, repair);
      // a second value of one name is left out: what reads the name has the first
      return repair?.put[0]?.tokenType === t.Let && this.#assignedAgain(tokens, repair.at) !== undefined
        ? undefined
        : repair;
    }
    if (!mayRepair) {
      if (!silent) this.#unexpected(failed, failed.failedAt, undefined);
      return undefined;
    }
    const point = failurePoint(rule, tokens, failed.failedAt);
    const repair = new Repairer(rule, tokens, point).find();
    const missesName =
      repair?.kind === "insert" &&
      repair.put[0] !== undefined &&
      isHole(repair.put[0]) &&
      repair.put[0].tokenType !== t.Plus;
    // A word behind a missing name may have been taken for it; the mend knows better where the name belongs.
    const known = missesName || (repair?.kind === "replace" && !repair.put.some(isHole));
    if (!silent) this.#explain(failed, known ? Math.min(point, repair.at) : point, repair);
    // Where a closer is too much, an opener may be missing, and nobody knows where.
    return repair !== undefined && isStray(tokens, point) ? { ...repair, sure: false } : repair;
  }

  #noStart(failed: FailedIsland, repair: Repair | undefined): void {
    const { island, tokens } = failed;
    const start = annotationsEnd(tokens);
    const token = tokens[start];
    const span = this.#spanOf(token);
    const { sentence, otherwise } = startersOf(island.container);
    const put = repair?.put[0]?.image ?? "";
    const shown = this.#text(span.start, island);
    const isStart = repair?.at === start && repair.put.length > 0 && !repair.put.some(isHole);
    const mended = repair?.kind === "replace" ? replaceFirst(shown, token, put) : `${put} ${shown}`;
    const again = isStart && put === "let" ? this.#assignedAgain(tokens, start) : undefined;
    const text = again ?? (isStart ? mended : (lineHint(token?.image ?? "") ?? otherwise));
    const fixes: Fix[] = [];
    if (isStart && again === undefined && repair.kind === "insert" && repair.offered)
      fixes.push({ title: `insert \`${put}\``, span: this.#at(span.start, span.start), text: `${put} ` });
    if (isStart && repair.kind === "replace") fixes.push({ title: `write \`${put}\``, span, text: put });
    const line = positionOf(this.#scan.file, this.#at(span.start, span.start).start).line;
    const follows = island.end < this.#layout.tokens.length && !isCloser(this.#layout.tokens[island.end]?.tokenType);
    const note = island.container === "file" || !follows ? "" : `(lines after ${String(line)} were read as usual)`;
    const found = describeToken(token);
    report(this.#bag, "E0102", { found, starters: sentence, help: text }, span, {
      fixes,
      note,
      related: this.#lineAbove(island),
    });
  }

  /** `y = …` where `y` has a value: the way out is another name. */
  #assignedAgain(tokens: readonly IToken[], start: number): string | undefined {
    const [name, assign] = [tokens[start], tokens[start + 1]];
    if (name === undefined || assign?.tokenType !== t.Assign) return undefined;
    const earlier = this.#layout.tokens.findIndex((token) => token === name);
    const isKnown = this.#layout.tokens
      .slice(0, Math.max(0, earlier))
      .some((token, i, all) => token.image === name.image && all[i - 1]?.tokenType === t.Let);
    return isKnown ? `nothing is reassigned; give the new value its own name:   let ${name.image}2 = …` : undefined;
  }

  /** The line that an island follows, to be shown with it. */
  #lineAbove(island: Island): readonly Related[] {
    const { line, tokens } = this.#layout;
    const before = island.start - 1;
    if (island.container === "file" || (line[island.start] ?? 0) - (line[before] ?? 0) !== 1) return [];
    const at = this.#spanOf(tokens[before]).start;
    return [{ span: this.#at(at, at), label: "" }];
  }

  #explain(failed: FailedIsland, point: number, repair: Repair | undefined): void {
    const { tokens } = failed;
    const found = tokens[point];
    if (found !== undefined && isStray(tokens, point)) {
      this.strayCloser(found, false);
      return;
    }
    if (repair !== undefined) {
      const [put] = repair.put;
      const replaced = tokens[repair.at];
      const renames = put?.tokenType === t.Identifier && !isHole(put);
      if (repair.kind === "replace" && renames && replaced !== undefined) {
        const word = replaced.image;
        report(this.#bag, "E0106", { word, help: `another name, such as \`${word}_\`` }, this.#spanOf(replaced));
        return;
      }
      const closes =
        repair.kind === "insert" && repair.put.length > 0 && repair.put.every((p) => isCloser(p.tokenType));
      if (closes && this.#unclosed(failed, repair)) return;
      const removed = repair.kind === "delete" ? tokens[repair.at] : undefined;
      if (removed !== undefined && isCloser(removed.tokenType)) {
        this.strayCloser(removed, false);
        return;
      }
    } else if (this.#unclosed(failed, undefined)) return;
    this.#unexpected(failed, point, repair);
  }

  /** Reports the bracket that a repair had to close, or that nothing closes. */
  #unclosed(failed: FailedIsland, repair: Repair | undefined): boolean {
    const { tokens } = failed;
    const upTo = repair?.at ?? tokens.length;
    const { opener } = unclosed(tokens.slice(0, upTo));
    const token = opener === undefined ? undefined : tokens[opener];
    if (token === undefined || isHole(token)) return false;
    const close = token.tokenType === t.LParen ? ")" : token.tokenType === t.LSquare ? "]" : "}";
    const fixes: Fix[] = [];
    const help = this.#swallowedBy(token, close);
    if (repair?.offered === true && help === "") {
      const at = offsetBefore(tokens, repair.at);
      const text = repair.put.map((p) => p.image).join("");
      fixes.push({ title: `insert \`${text}\``, span: this.#at(at, at), text });
    }
    report(this.#bag, "E0103", { open: token.image, close, help }, this.#spanOf(token), { fixes });
    return true;
  }

  /** `linear(width // 2)`: the closer stands in what is a comment here. */
  #swallowedBy(opener: IToken, close: string): string {
    const { text } = this.#scan.file;
    const end = text.indexOf("\n", opener.startOffset);
    const comment = this.#scan.comments.find(
      ({ span }) => span.start > opener.startOffset && (end === -1 || span.start < end),
    );
    if (comment?.text.includes(close) !== true) return "";
    const before = /([A-Za-z0-9_]+)\s*$/.exec(text.slice(opener.startOffset, comment.span.start))?.[1];
    const divisor = /^\/\/\s*([A-Za-z0-9_]+)/.exec(comment.text)?.[1];
    if (before === undefined || divisor === undefined) return "";
    return `\`//\` starts a comment; a quotient without its rest is   floor(${before} / ${divisor})`;
  }

  #unexpected(failed: FailedIsland, point: number, repair: Repair | undefined): void {
    const { rule, tokens, island } = failed;
    const { types, end } =
      isDeep(tokens) || this.#repairs > MAX_REPAIRS
        ? { types: new Set<TokenType>(), end: false }
        : expectedAfter(rule, tokens.slice(0, point));
    const isMark = repair?.kind === "replace" && repair.at === point && !repair.put.some(isHole);
    const expected = isMark ? `\`${repair.put[0]?.image ?? ""}\`` : describeExpected(types, end);
    const token = tokens[point];
    const fixes = repair === undefined ? [] : this.#fixOf(tokens, repair);
    const [fix] = fixes;
    const extras: ReportExtras = { fixes };
    if (token !== undefined && !isHole(token) && token.startOffset < (token.endOffset ?? 0) + 1) {
      const known =
        repair?.put.some(isHole) !== true &&
        Object.hasOwn(reservedWords, token.image) &&
        types.has(t.Identifier) &&
        !types.has(t.Number);
      if (known) {
        report(this.#bag, "E0106", { word: token.image, help: "" }, this.#spanOf(token));
        return;
      }
      const missing = repair?.kind === "insert" && repair.put.length === 1 ? repair.put[0] : undefined;
      const wanted = missing !== undefined && isHole(missing) && missing.tokenType === t.Identifier;
      const help =
        fix?.title ?? (hint(tokens, point) || (wanted ? `write what is missing before \`${token.image}\`` : ""));
      report(this.#bag, "E0101", { expected, found: describeToken(token), help }, this.#spanOf(token), extras);
      return;
    }
    const last = this.#layout.tokens[island.end - 1] ?? tokens.at(-1);
    const help = fix?.title ?? unfinishedHint(types, tokens[point - 1]);
    report(this.#bag, "E0111", { expected, last: describeToken(tokens[point - 1]), help }, this.#behind(last), extras);
  }

  #fixOf(tokens: readonly IToken[], repair: Repair): readonly Fix[] {
    if (!repair.offered || repair.put.some(isHole)) return [];
    const text = repair.put.map((p) => p.image).join("");
    if (repair.kind === "replace") {
      const place = this.#spanOf(tokens[repair.at]);
      // `a = 1` becomes `a: 1`, without the space.
      const start = text === ":" || text === "," ? offsetBefore(tokens, repair.at) : place.start;
      const span = this.#at(start, place.end);
      return [{ title: `write \`${text}\` here`, span, text }];
    }
    if (repair.kind !== "insert") return [];
    const at = offsetBefore(tokens, repair.at);
    const [before, after] = [this.#scan.file.text[at - 1], this.#scan.file.text[at]];
    // A word must not run into its neighbours; marks may touch them.
    const wordy = /^\w/.test(text);
    const left =
      wordy || !/^[,:)\]}]/.test(text)
        ? before === undefined || /[\s([{.]/.test(before) || text === "(" || text === "["
          ? ""
          : " "
        : "";
    const right = wordy && after !== undefined && /\S/.test(after) ? " " : "";
    const name = tokens[repair.at];
    const title = name === undefined ? `insert \`${text}\`` : `insert \`${text}\` before ${describeToken(name)}`;
    return [{ title, span: this.#at(at, at), text: `${left}${text}${right}` }];
  }

  // --- places -------------------------------------------------------------------------------------------------------

  #hasProblem(start: number, end: number): boolean {
    return this.#scan.problems.some((p) => p.start < end && p.end > start);
  }

  #at(start: number, end: number): Span {
    return { file: this.#scan.file, start, end };
  }

  #spanOf(token: IToken | undefined): Span {
    const end = this.#scan.file.text.length;
    return token === undefined ? this.#at(end, end) : this.#at(token.startOffset, (token.endOffset ?? 0) + 1);
  }

  /** The empty place right behind a token. */
  #behind(token: IToken | undefined): Span {
    const end = this.#spanOf(token).end;
    return this.#at(end, end);
  }

  #endBefore(index: number): number {
    return this.#spanOf(this.#layout.tokens[index - 1]).end;
  }

  /** An island's first line as it stands in the text, cut where it is long. */
  #text(start: number, island: Island): string {
    const [line = ""] = this.#scan.file.text.slice(start, this.#endBefore(island.end)).split("\n");
    return line.length > 60 ? `${line.slice(0, 57)}…` : line.trimEnd();
  }
}

/** Whether a closing bracket stands here that nothing before it opens. */
function isStray(tokens: readonly IToken[], at: number): boolean {
  const token = tokens[at];
  return token !== undefined && isCloser(token.tokenType) && unclosed(tokens.slice(0, at)).opener === undefined;
}

function isCloser(type: TokenType | undefined): boolean {
  return type === t.RParen || type === t.RSquare || type === t.RCurly;
}

function replaceFirst(text: string, token: IToken | undefined, put: string): string {
  return put + text.slice(token?.image.length ?? 0);
}

/**
 * The lines of a file, a body or a section under each other: blank lines, comments, and columns where the writer asked
 * for them. Two spaces or more in front of a mark ask for a column there, in that line and in those of its kind around it.
 */
import { builders, utils } from "prettier/doc";
import { flatWidth } from "./width.ts";
import { behindLine, type Doc, type Remark } from "./writer.ts";

const { group, hardline, indent, line } = builders;

/** A part of a line that may start a column. */
export interface Cell {
  readonly doc: Doc;
  /** Spaces in front of it in the source. */
  readonly spaces: number;
}

export interface Row {
  /** Lines of one kind have their columns in common; empty for a line without columns. */
  readonly kind: string;
  /** Annotations, each with its line end. */
  readonly before?: Doc;
  readonly cells: readonly Cell[];
  /** Whether the line may break in front of its cells. */
  readonly breaks?: boolean;
  /** Whether it shares columns only while it fits on one line. */
  readonly flat?: boolean;
}

/** A line, or a comment that has a line of its own and stands in no column. */
export interface Entry {
  readonly row: Row | Doc;
  readonly blankBefore: boolean;
  readonly behind?: Remark | undefined;
}

/** A line that may share columns, and where it stands among the entries. */
interface Line extends Omit<Entry, "row"> {
  readonly row: Row;
  readonly at: number;
}

/** The lines with everything between them; `available` is how wide they may be. */
export function stack(entries: readonly Entry[], available: number): Doc[] {
  const lines = linesOf(entries);
  const docs = entries.map(({ row }) => (isRow(row) ? "" : row));
  arrange(lines, docs, available);
  for (const paragraph of split(lines, ({ blankBefore }) => blankBefore)) addRemarks(paragraph, docs, available);
  return docs.map((doc, i): Doc => {
    const blank = entries[i]?.blankBefore === true ? [hardline] : [];
    return [i === 0 ? "" : hardline, ...blank, doc];
  });
}

/** Prints the lines in their columns. One that would not fit on a line and may not share columns then is taken out of them. */
function arrange(lines: readonly Line[], docs: Doc[], available: number): void {
  for (const run of split(lines, startsRun)) {
    const pads = columns(run.map(({ row }) => row));
    for (const [i, { at, row }] of run.entries()) docs[at] = rowDoc(row, pads[i]);
  }
  const kept = lines.map((line) => {
    const { row, at } = line;
    if (row.flat !== true || (flatWidth(docs[at] ?? "") ?? Infinity) <= available) return line;
    return { ...line, row: { ...row, kind: "", flat: false } };
  });
  if (kept.some((line, i) => line !== lines[i])) arrange(kept, docs, available);
}

/** Comments between two lines do not part them, but an empty line above a comment does. */
function linesOf(entries: readonly Entry[]): readonly Line[] {
  const lines: Line[] = [];
  let blank = false;
  for (const [at, { row, blankBefore, behind }] of entries.entries()) {
    blank ||= blankBefore;
    if (!isRow(row)) continue;
    lines.push({ row, at, behind, blankBefore: blank });
    blank = false;
  }
  return lines;
}

function isRow(row: Row | Doc): row is Row {
  return typeof row === "object" && "cells" in row;
}

/** A line on its own, or with `pads` spaces in front of those of its cells that share a column. */
export function rowDoc(row: Row, pads: readonly (number | undefined)[] = []): Doc {
  const docs = row.cells.map(({ doc }, i) => {
    // What stands in front of a column cannot go over lines.
    const shared = pads.slice(i + 1).some((pad) => pad !== undefined);
    return shared ? utils.removeLines(doc) : doc;
  });
  const [first = "", ...rest] = docs;
  const parts = rest.map((doc, i): Doc => {
    const pad = pads[i + 1];
    return [pad !== undefined || row.breaks !== true ? " ".repeat(pad ?? 1) : line, doc];
  });
  const all: Doc = row.breaks === true ? group([first, indent(parts)]) : [first, ...parts];
  return row.before === undefined ? all : [row.before, all];
}

/** Parts a list in front of each line that starts one. */
function split(lines: readonly Line[], starts: (line: Line, before: Line) => boolean): readonly (readonly Line[])[] {
  const found: Line[][] = [];
  for (const [i, next] of lines.entries()) {
    const before = lines[i - 1];
    if (before === undefined || starts(next, before)) found.push([next]);
    else found.at(-1)?.push(next);
  }
  return found;
}

function startsRun({ row, blankBefore }: Line, { row: above }: Line): boolean {
  return blankBefore || row.kind === "" || row.kind !== above.kind || row.cells.length !== above.cells.length;
}

/** For each row, how many spaces stand in front of each of its cells; undefined where it shares no column. */
function columns(rows: readonly Row[]): (number | undefined)[][] {
  const pads = rows.map((): (number | undefined)[] => [undefined]);
  const reached = rows.map(() => 0);
  const count = rows[0]?.cells.length ?? 0;
  for (let column = 1; column < count; column++) {
    const widths = rows.map(({ cells }, i) => add(reached[i], cells[column - 1]));
    const asks = rows.map(({ cells }) => (cells[column]?.spaces ?? 0) > 1);
    for (const [i, pad] of columnPads(widths, asks).entries()) {
      pads[i]?.push(pad);
      reached[i] = (widths[i] ?? 0) + (pad ?? 1);
    }
  }
  return pads;
}

/**
 * A line that asks for a column draws in its neighbours, and so does one that got more than a space this way; so what
 * comes out asks for the same columns again.
 */
function columnPads(widths: readonly number[], asks: readonly boolean[]): readonly (number | undefined)[] {
  const pads = widths.map((): number | undefined => undefined);
  const apart = (i: number): boolean => {
    const [one, other] = [widths[i - 1] ?? 0, widths[i] ?? 0];
    return !Number.isFinite(one + other) || (one !== other && asks[i - 1] !== true && asks[i] !== true);
  };
  for (let from = 0, to = 1; from < widths.length; from = to, to = from + 1) {
    while (to < widths.length && !apart(to)) to++;
    if (to === from + 1 || !asks.slice(from, to).includes(true)) continue;
    const widest = Math.max(...widths.slice(from, to));
    for (let i = from; i < to; i++) pads[i] = widest - (widths[i] ?? 0) + 1;
  }
  const padded = asks.map((asked, i) => asked || (pads[i] ?? 1) > 1);
  return padded.every((asked, i) => asked === asks[i]) ? pads : columnPads(widths, padded);
}

function add(reached: number | undefined, cell: Cell | undefined): number {
  return (reached ?? 0) + (flatWidth(cell?.doc ?? "") ?? Infinity);
}

/** Comments behind the lines of one paragraph stand under each other if one of them was set off by more than a space. */
function addRemarks(lines: readonly Line[], docs: Doc[], available: number): void {
  const asked = lines.some(({ behind }) => (behind?.spaces ?? 0) > 1);
  const widths = lines.map(({ behind, row, at }) => {
    if (behind === undefined || row.before !== undefined) return undefined;
    const width = flatWidth(docs[at] ?? "");
    return width === undefined || width > available ? undefined : width;
  });
  const widest = Math.max(...widths.map((width) => width ?? 0));
  for (const [i, { behind, at }] of lines.entries()) {
    if (behind === undefined) continue;
    const width = widths[i];
    const spaces = asked && width !== undefined ? widest - width + 1 : 1;
    docs[at] = [docs[at] ?? "", behindLine(behind.text, spaces)];
  }
}

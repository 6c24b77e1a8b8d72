/**
 * A diagnostic as text for people: headline with the place at its end, the source lines that matter with what each
 * contributes, then the way out. Colours come from outside, so this stays pure.
 */
import { lineText, positionOf, type SourceFile, type Span } from "../source/source.ts";
import type { Diagnostic, Severity } from "./diagnostic.ts";
import { printable, textWidth } from "./printable.ts";

/** Turns parts of the text into coloured ones; each function may only add what takes no room. */
export interface Painter {
  readonly headline: (severity: Severity, text: string) => string;
  readonly primary: (severity: Severity, text: string) => string;
  readonly related: (text: string) => string;
  readonly place: (text: string) => string;
  readonly gutter: (text: string) => string;
  readonly help: (text: string) => string;
}

const same = (text: string): string => text;
export const plainPainter: Painter = {
  headline: (_, text) => text,
  primary: (_, text) => text,
  related: same,
  place: same,
  gutter: same,
  help: same,
};

export interface RenderOptions {
  /** Columns of the terminal; what is right-aligned ends there. */
  readonly width: number;
  readonly paint?: Painter;
}

/** One underlined place of a source line. */
interface Mark {
  /** Offsets within the line. */
  readonly start: number;
  readonly end: number;
  readonly label: string;
  readonly primary: boolean;
}

interface MarkedLine {
  readonly file: SourceFile;
  readonly line: number;
  readonly marks: Mark[];
}

export function render(diagnostic: Diagnostic, options: RenderOptions): string {
  const paint = options.paint ?? plainPainter;
  const out = [headline(diagnostic, options.width, paint)];
  const lines = markedLines(diagnostic);
  const digits = Math.max(5, ...lines.map((l) => String(l.line).length + 3));
  for (const line of lines) out.push(...sourceRows(line, diagnostic, digits, options.width, paint));
  out.push(...closing(diagnostic, options.width, paint));
  return out.join("\n");
}

/** All of them, with a blank line between and a count at the end; empty for none. */
export function renderAll(diagnostics: readonly Diagnostic[], options: RenderOptions): string {
  if (diagnostics.length === 0) return "";
  const counts = (["error", "warning", "information"] as const)
    .map((severity) => [severity, diagnostics.filter((d) => d.severity === severity).length] as const)
    .filter(([, count]) => count > 0)
    .map(([severity, count]) => `${String(count)} ${severity}${count === 1 || severity === "information" ? "" : "s"}`);
  return [...diagnostics.map((d) => render(d, options)), counts.join(", ")].join("\n\n");
}

function headline(diagnostic: Diagnostic, width: number, paint: Painter): string {
  const { severity, code, span } = diagnostic;
  const position = positionOf(span.file, span.start);
  const place = `${printable(span.file.name)}:${String(position.line)}:${String(position.column)}`;
  const start = `${severity}[${code}]:`;
  const message = printable(diagnostic.message);
  return besideOrBelow(
    `${paint.headline(severity, start)} ${message}`,
    textWidth(`${start} ${message}`),
    place,
    width,
    paint.place,
  );
}

/** `right` at the end of the line where it fits, else on a line of its own. */
function besideOrBelow(
  left: string,
  leftWidth: number,
  right: string,
  width: number,
  paint: (text: string) => string,
): string {
  const room = width - leftWidth - textWidth(right);
  if (room >= 2) return left + " ".repeat(room) + paint(right);
  return `${left}\n${" ".repeat(Math.max(3, width - textWidth(right)))}${paint(right)}`;
}

/** The lines to show: those of the primary file in order, then those of others. */
function markedLines(diagnostic: Diagnostic): readonly MarkedLine[] {
  const lines = new Map<string, MarkedLine>();
  const add = (span: Span, label: string, primary: boolean): void => {
    const { line, column } = positionOf(span.file, span.start);
    const length = lineText(span.file, line).length;
    const key = `${span.file.name}:${String(line)}`;
    const known = lines.get(key) ?? { file: span.file, line, marks: [] };
    lines.set(key, known);
    // A place without length and label only wants its line shown.
    if (!primary && label === "" && span.start === span.end) return;
    const start = Math.min(column - 1, length);
    // A place that goes on over more lines is underlined to the end of its first one.
    const end = Math.max(start + 1, Math.min(start + span.end - span.start, length));
    if (!known.marks.some((m) => m.start === start && m.end === end && m.label === label))
      known.marks.push({ start, end, label, primary });
  };
  add(diagnostic.span, diagnostic.label, true);
  for (const related of diagnostic.related) add(related.span, related.label, false);
  const files = [...new Set([...lines.values()].map((l) => l.file.name))];
  return [...lines.values()].sort((a, b) => files.indexOf(a.file.name) - files.indexOf(b.file.name) || a.line - b.line);
}

/** The part of a line that is shown: all of it, or a window around its marks. */
function windowOf(
  length: number,
  marks: readonly Mark[],
  room: number,
): { readonly from: number; readonly to: number } {
  if (length <= room) return { from: 0, to: length };
  const first = Math.min(...marks.map((m) => m.start));
  const last = Math.max(0, ...marks.map((m) => m.end));
  const from = last <= room - 2 ? 0 : Math.max(0, Math.min(first - 8, last + 8 - room));
  return { from, to: Math.min(length, from + room) };
}

function sourceRows(
  line: MarkedLine,
  diagnostic: Diagnostic,
  digits: number,
  width: number,
  paint: Painter,
): readonly string[] {
  const gutter = (text: string): string => paint.gutter(`${text.padStart(digits)} │`);
  const raw = lineText(line.file, line.line);
  const { from, to } = windowOf(raw.length, line.marks, Math.max(20, width - digits - 3));
  const cutLeft = from > 0 ? "…" : "";
  const cutRight = to < raw.length ? "…" : "";
  const shown = cutLeft + printable(raw.slice(from + cutLeft.length, to - cutRight.length)) + cutRight;
  const columnOf = (offset: number): number => {
    if (offset <= from) return 0;
    return cutLeft.length + textWidth(printable(raw.slice(from + cutLeft.length, Math.min(offset, to))));
  };
  const rows: string[] = [];
  const text = `${gutter(String(line.line))} ${shown}`.trimEnd();
  if (line.file.name === diagnostic.span.file.name) rows.push(text);
  else {
    const mark = `(${printable(line.file.name)})`;
    const room = width - digits - 3 - textWidth(shown) - textWidth(mark);
    if (room < 2) rows.push(`${gutter("")} ${paint.place(mark)}`, text);
    else rows.push(text + " ".repeat(room) + paint.place(mark));
  }
  rows.push(...markRows(line.marks, columnOf, diagnostic.severity, paint).map((row) => `${gutter("")} ${row}`));
  return rows;
}

/** The underlines, with the labels that fit beside them; the others follow below, each under its own place. */
function markRows(
  marks: readonly Mark[],
  columnOf: (offset: number) => number,
  severity: Severity,
  paint: Painter,
): readonly string[] {
  const ordered = [...marks].sort((a, b) => a.start - b.start || Number(a.primary) - Number(b.primary));
  const paintFor = (mark: Mark): ((text: string) => string) =>
    mark.primary ? (text) => paint.primary(severity, text) : paint.related;
  const rows: string[] = [];
  const below: Mark[] = [];
  let row = "";
  let column = 0;
  for (const [i, mark] of ordered.entries()) {
    const [start, end] = [columnOf(mark.start), columnOf(mark.end)];
    const from = Math.max(start, column);
    const underline = (mark.primary ? "^" : "─").repeat(Math.max(1, end - from));
    if (end <= column) {
      if (mark.label !== "") below.push(mark);
      continue;
    }
    row += " ".repeat(from - column) + paintFor(mark)(underline);
    column = from + underline.length;
    const [label = ""] = printableLines(mark.label);
    if (label === "") continue;
    const next = ordered[i + 1];
    if (next === undefined || column + 1 + textWidth(label) + 2 <= columnOf(next.start)) {
      row += ` ${paintFor(mark)(label)}`;
      column += 1 + textWidth(label);
    } else below.push(mark);
  }
  if (row !== "") rows.push(row);
  for (const mark of below.reverse()) {
    const [label = ""] = printableLines(mark.label);
    rows.push(" ".repeat(columnOf(mark.start)) + paintFor(mark)(label));
  }
  // What a label says beyond its first line is a remark on the whole line.
  for (const mark of ordered) rows.push(...printableLines(mark.label).slice(1));
  return rows;
}

function printableLines(text: string): readonly string[] {
  return text === "" ? [] : text.split("\n").map(printable);
}

function closing(diagnostic: Diagnostic, width: number, paint: Painter): readonly string[] {
  const help = printableLines(diagnostic.help);
  const [note = "", ...moreNote] = printableLines(diagnostic.note);
  const rows = help.map((text, i) => `   ${i === 0 ? `${paint.help("help:")} ` : "      "}${text}`);
  const lastHelp = help.at(-1);
  const remark = note.startsWith("(") ? note : `(${note})`;
  if (note === "") return rows;
  const last = rows.pop();
  if (lastHelp !== undefined && last !== undefined && moreNote.length === 0) {
    const used = 9 + textWidth(lastHelp);
    if (width - used - textWidth(remark) >= 2) {
      rows.push(last + " ".repeat(width - used - textWidth(remark)) + remark);
      return rows;
    }
  }
  if (last !== undefined) rows.push(last);
  rows.push(`   ${paint.help("note:")} ${note}`, ...moreNote.map((text) => `         ${text}`));
  return rows;
}

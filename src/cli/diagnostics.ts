/** Prints the compiler's diagnostics: for people on stderr, with the terminal's width and colours. */
import type { Diagnostic, Severity } from "../compiler/diagnostics/diagnostic.ts";
import { type Painter, renderAll } from "../compiler/diagnostics/render.ts";
import { type Colors, colorsOf } from "./ui.ts";

const NARROWEST = 60;
const WIDEST = 160;

export function printDiagnostics(diagnostics: readonly Diagnostic[]): void {
  if (diagnostics.length === 0) return;
  const columns = process.stderr.isTTY ? process.stderr.columns : 120;
  const width = Math.max(NARROWEST, Math.min(WIDEST, columns));
  process.stderr.write(`${renderAll(diagnostics, { width, paint: painter(colorsOf(process.stderr)) })}\n`);
}

function painter(colors: Colors): Painter {
  const of = (severity: Severity): ((text: string) => string) =>
    severity === "error" ? colors.red : severity === "warning" ? colors.yellow : colors.blue;
  return {
    headline: (severity, text) => colors.bold(of(severity)(text)),
    primary: (severity, text) => of(severity)(text),
    related: (text) => colors.cyan(text),
    place: (text) => colors.dim(text),
    gutter: (text) => colors.dim(text),
    help: (text) => colors.green(text),
  };
}

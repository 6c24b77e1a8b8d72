/** A diagnostic as the stable JSON that `--json` prints: places as lines and columns from 1. */
import { positionOf, type Position, type Span } from "../source/source.ts";
import type { Diagnostic, Severity } from "./diagnostic.ts";

export interface JsonPlace {
  readonly file: string;
  readonly start: Position;
  /** Right behind the last character. */
  readonly end: Position;
}

export interface JsonDiagnostic extends JsonPlace {
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  readonly label: string;
  readonly help: string;
  readonly note: string;
  readonly related: readonly (JsonPlace & { readonly label: string })[];
  readonly fixes: readonly (JsonPlace & { readonly title: string; readonly text: string })[];
}

export function placeToJson(span: Span): JsonPlace {
  return { file: span.file.name, start: positionOf(span.file, span.start), end: positionOf(span.file, span.end) };
}

export function diagnosticToJson(diagnostic: Diagnostic): JsonDiagnostic {
  const { code, severity, message, span, label, help, note, related, fixes } = diagnostic;
  return {
    code,
    severity,
    message,
    ...placeToJson(span),
    label,
    help,
    note,
    related: related
      .filter((r) => r.label !== "" || r.span.end > r.span.start)
      .map((r) => ({ ...placeToJson(r.span), label: r.label })),
    fixes: fixes.map((f) => ({ ...placeToJson(f.span), title: f.title, text: f.text })),
  };
}

/**
 * What a diagnostic is. Prose comes from the catalog (`catalog.ts`): report sites name a code and its arguments, the
 * places that matter and why. Rendering for a terminal is `render.ts`; nothing here prints.
 */
import type { Span } from "../source/source.ts";

export type Severity = "error" | "warning" | "information";

/**
 * A further place that explains the error: where a size comes from, what is read there, … A place without length and
 * label only asks for its line to be shown.
 */
export interface Related {
  readonly span: Span;
  readonly label: string;
}

/** A change that would mend the program, as one replacement. */
export interface Fix {
  readonly title: string;
  readonly span: Span;
  readonly text: string;
}

export interface Diagnostic {
  readonly code: string;
  readonly severity: Severity;
  /** The headline, one line, no full stop. */
  readonly message: string;
  readonly span: Span;
  /** What stands under the caret line of the primary span; empty for none. */
  readonly label: string;
  readonly related: readonly Related[];
  /** The way out, in a user's words; may hold several lines. Empty for none. */
  readonly help: string;
  /** A remark printed after the help, e.g. "(all 12 rounds, reported once)". */
  readonly note: string;
  readonly fixes: readonly Fix[];
}

/** Collects diagnostics; drops a second one of the same code at the same place. */
export class DiagnosticBag {
  readonly #seen = new Set<string>();
  readonly #all: Diagnostic[] = [];
  #told = 0;
  #errors = 0;

  add(diagnostic: Diagnostic): void {
    const { code, span, severity } = diagnostic;
    this.#told++;
    const key = `${code} ${span.file.name} ${String(span.start)} ${String(span.end)}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    this.#all.push(diagnostic);
    if (severity === "error") this.#errors++;
  }

  get hasErrors(): boolean {
    return this.#errors > 0;
  }
  /** How often something was told, what was known already too. */
  get told(): number {
    return this.#told;
  }

  /** Everything reported so far, sorted by file (in order of first report) and place. */
  sorted(): readonly Diagnostic[] {
    const order = new Map<string, number>();
    for (const d of this.#all) if (!order.has(d.span.file.name)) order.set(d.span.file.name, order.size);
    return [...this.#all].sort(
      (a, b) =>
        (order.get(a.span.file.name) ?? 0) - (order.get(b.span.file.name) ?? 0) ||
        a.span.start - b.span.start ||
        a.span.end - b.span.end ||
        (a.code < b.code ? -1 : a.code > b.code ? 1 : 0),
    );
  }
}

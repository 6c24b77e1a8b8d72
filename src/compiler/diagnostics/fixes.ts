/**
 * Applies the edits that diagnostics offer to a text: the first one of each, as far as they do not overlap. What an edit
 * makes of the program is for the next check to say.
 */
import type { Diagnostic, Fix } from "./diagnostic.ts";

export interface Fixed {
  readonly text: string;
  /** In the order of their places. */
  readonly applied: readonly { readonly diagnostic: Diagnostic; readonly fix: Fix }[];
}

/** `file` is the name of the text in messages; edits of other files are left out. */
export function applyFixes(diagnostics: readonly Diagnostic[], file: string, text: string): Fixed {
  const offered = diagnostics
    .flatMap((diagnostic) => {
      const [fix] = diagnostic.fixes;
      return fix?.span.file.name === file ? [{ diagnostic, fix }] : [];
    })
    .sort((a, b) => a.fix.span.start - b.fix.span.start || a.fix.span.end - b.fix.span.end);
  const applied: { diagnostic: Diagnostic; fix: Fix }[] = [];
  let made = "";
  let done = 0;
  for (const each of offered) {
    const { start, end } = each.fix.span;
    // Two edits of one place are two answers to one question: the first is taken.
    const last = applied.at(-1)?.fix.span;
    if (start < done || (last?.start === start && last.end === end)) continue;
    made += text.slice(done, start) + each.fix.text;
    done = end;
    applied.push(each);
  }
  return { text: made + text.slice(done), applied };
}

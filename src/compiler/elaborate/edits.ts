/**
 * Edits that mend a program: how an expression is put in another one's place without changing what stands around it.
 * Pure string work on the source text; nothing is reported here.
 */
import type { Fix } from "../diagnostics/diagnostic.ts";
import { type Span, spanText } from "../source/source.ts";

/** Whether nothing around the place binds closer than a pipe, so that one may stand there without parentheses. */
function standsAlone({ file, start, end }: Span): boolean {
  const before = /(\S)\s*$/.exec(file.text.slice(0, start))?.[1] ?? "";
  const after = /^[ \t]*(\|>|\S|\n|$)/.exec(file.text.slice(end))?.[1] ?? "";
  const opens = /[=>([,:{]/.test(before) || /\bloss\s*$/.test(file.text.slice(0, start));
  return opens && ["\n", ")", "]", "}", ",", "|>", ""].includes(after);
}

/** A pipe in the place of an expression. */
export function pipeInstead(span: Span, pipe: string): string {
  return standsAlone(span) ? pipe : `(${pipe})`;
}

/** `f(a)` around an expression: right wherever the expression was. */
export function wrapped(title: string, span: Span, block: string): Fix {
  return { title, span, text: `${block}(${spanText(span)})` };
}

/** A step at the end of the pipe that an expression is, or becomes. */
export function pipedOn(title: string, span: Span, step: string): Fix {
  return { title, span, text: pipeInstead(span, `${spanText(span)} |> ${step}`) };
}

/** A label right behind an application. */
export function labelled(title: string, span: Span, isPipe: boolean, label: string): Fix {
  const end = { ...span, start: span.end };
  if (isPipe || standsAlone(span)) return { title, span: end, text: ` as ${label}` };
  return { title, span, text: `(${spanText(span)} as ${label})` };
}

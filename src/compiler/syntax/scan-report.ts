/** Says what the scanner could not take as a token, with the edit that mends it where that is plain. */
import { report } from "../diagnostics/catalog.ts";
import type { DiagnosticBag, Fix } from "../diagnostics/diagnostic.ts";
import type { Span } from "../source/source.ts";
import type { Scan, ScanProblem } from "./scan.ts";

export function reportScanProblems(scanned: Scan, bag: DiagnosticBag): void {
  for (const problem of scanned.problems) reportProblem(scanned, problem, bag);
}

function reportProblem(scanned: Scan, problem: ScanProblem, bag: DiagnosticBag): void {
  const { kind, start, end, replacement } = problem;
  const span: Span = { file: scanned.file, start, end };
  const text = scanned.file.text.slice(start, end);
  const fixes: readonly Fix[] =
    replacement === "" ? [] : [{ title: `write \`${replacement}\``, span, text: apart(replacement, scanned, end) }];
  switch (kind) {
    case "string":
      // with a space in it, who can tell where the text was to end
      if (!/\s/.test(text))
        report(bag, "E0103", { open: '"', close: '"', help: `write ${replacement}` }, span, { fixes });
      else
        report(
          bag,
          "E0103",
          { open: '"', close: '"', help: `end it where it ends:   ${/^\S+/.exec(text)?.[0] ?? ""}"` },
          span,
        );
      return;
    case "escape":
      report(bag, "E0108", { escape: text }, span);
      return;
    case "number":
      report(bag, "E0107", { text, why: whyNoNumber(text), help: replacement && `write ${replacement}` }, span, {
        fixes,
      });
      return;
    case "comment":
      report(bag, "E0104", { shown: `\`${text.slice(0, 2)}\``, help: commentHelp(text) }, span, { fixes });
      return;
    case "quote":
      report(bag, "E0104", { shown: "this kind of quote", help: `a string is written ${replacement}` }, span, {
        fixes,
      });
      return;
    case "character":
      report(bag, "E0104", { shown: shownCharacter(text), help: characterHelp(text, replacement) }, span, {
        fixes: text === ";" ? [{ title: "remove `;`", span, text: "" }] : fixes,
      });
  }
}

/** A word in the place of a mark must not run into what follows. */
function apart(replacement: string, { file: { text } }: Scan, end: number): string {
  return /^[a-z]+$/.test(replacement) && /\w/.test(text[end] ?? "") ? `${replacement} ` : replacement;
}

function commentHelp(text: string): string {
  return text.includes("\n") ? "each line of a comment starts with `//`" : "a comment starts with `//`";
}

function whyNoNumber(text: string): string {
  if (/^\.|\.$|\.[^0-9]/.test(text)) return "a number has a digit on both sides of its point";
  if (/^0[xXbBoO]/.test(text)) return "numbers are decimal";
  if (/_/.test(text) && !/[a-zA-Z]/.test(text)) return "`_` stands between two digits";
  if (/^[0-9.]+[eE][+-]?[0-9]+$/.test(text)) return "it is too large to be kept";
  return "a number has no letters and no unit; a name has no digit in front";
}

function shownCharacter(text: string): string {
  const [char = "", more] = text;
  const code = (char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  const seen = /[\p{L}\p{N}\p{P}\p{S}]/u.test(char) ? `\`${text}\`` : `the character U+${code}`;
  return more === undefined && char.charCodeAt(0) > 0x7e
    ? `${seen} (U+${code})`.replace(/^(the character U\+\w+) .*/, "$1")
    : seen;
}

function characterHelp(text: string, replacement: string): string {
  if (replacement !== "") return `write \`${replacement}\``;
  if (text === "?") return "a choice is written   if deep then 256 else 64";
  if (text.startsWith(";")) return "lines end by themselves; no mark is needed";
  if (/^\p{L}/u.test(text)) return "names are made of the letters a to z, digits and `_`";
  return "";
}

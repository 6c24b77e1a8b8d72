/**
 * Mends a file with the edits that its own diagnostics offer, round by round, as one mended mistake may show another.
 * Pure: the new text is given back, and whoever has the disk writes it.
 */
import { check } from "./compile.ts";
import type { Diagnostic } from "./diagnostics/diagnostic.ts";
import { applyFixes, type Fixed } from "./diagnostics/fixes.ts";
import type { Host } from "./host.ts";

export interface Mended {
  readonly text: string;
  readonly applied: Fixed["applied"];
  /** What is left to say about the mended text. */
  readonly diagnostics: readonly Diagnostic[];
}

const MAX_ROUNDS = 8;

export function mend(host: Host, file: string): Mended {
  let text = host.read(file) ?? "";
  const seen = new Set([text]);
  const applied: Fixed["applied"][number][] = [];
  let { diagnostics } = check(host, file);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const next = applyFixes(diagnostics, file, text);
    if (next.applied.length === 0 || seen.has(next.text)) break;
    const after = check(reading(host, file, next.text), file);
    // an edit may uncover mistakes, but not make a text that cannot be read
    if (unreadable(after.diagnostics) > unreadable(diagnostics)) break;
    ({ text } = next);
    ({ diagnostics } = after);
    seen.add(text);
    applied.push(...next.applied);
  }
  return { text, applied, diagnostics };
}

/** The host with one file as it will be. */
function reading(host: Host, file: string, text: string): Host {
  return {
    read: (name) => (name === file ? text : host.read(name)),
    resolve: (importer, from) => host.resolve(importer, from),
  };
}

function unreadable(diagnostics: readonly Diagnostic[]): number {
  return diagnostics.filter(({ code }) => code.startsWith("E01")).length;
}

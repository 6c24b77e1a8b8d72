/** Which known names a misspelt or foreign one may have meant, and the edit that writes it. Pure string work. */
import type { Span } from "../source/source.ts";
import type { Fix } from "./diagnostic.ts";
import type { Foreign } from "./foreign-names.ts";

export interface Suggestion {
  /** The best first. */
  readonly near: readonly string[];
  /** A line of help beside them; empty for none. */
  readonly advice: string;
  readonly fixes: readonly Fix[];
}

/** What a name that nothing has may have meant: the word for it here, else names that are spelt alike. */
export function suggest(
  name: string,
  span: Span,
  candidates: Iterable<string>,
  foreign: Foreign | undefined,
): Suggestion {
  const near = foreign === undefined ? nearest(name, candidates) : foreign.names;
  const [only] = near;
  // where two words are near, or a short one, nobody but the author knows which was meant
  const sure =
    near.length === 1 &&
    only !== undefined &&
    foreign?.sizeFirst !== true &&
    (foreign !== undefined || name.length > 3 || name.toLowerCase() === only.toLowerCase());
  const text = foreign?.word ?? (sure ? only : undefined);
  const fixes = text === undefined ? [] : [{ title: `write \`${text}\``, span, text }];
  return { near, advice: foreign?.advice ?? "", fixes };
}

/** Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`; stops past `limit`. */
export function editDistance(a: string, b: string, limit = Number.POSITIVE_INFINITY): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      row.push(cost);
      least = Math.min(least, cost);
    }
    if (least > limit) return limit + 1;
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}

/**
 * The candidates nearest to `name`, best first, at most `count`. A third of the letters may differ (one in a short
 * name); case alone, and the same words in another order, count as near.
 */
export function nearest(name: string, candidates: Iterable<string>, count = 3): readonly string[] {
  const limit = Math.max(1, Math.floor(name.length / 3));
  const lower = name.toLowerCase();
  const words = sortedWords(lower);
  const found = new Map<string, number>();
  for (const candidate of candidates) {
    if (candidate === name || candidate === "") continue;
    const other = candidate.toLowerCase();
    if (other === lower || sortedWords(other) === words) found.set(candidate, 0);
    else {
      const distance = editDistance(lower, other, limit);
      // A name of two letters is not near to one that shares none with it.
      if (distance <= limit && distance < Math.max(name.length, candidate.length)) found.set(candidate, distance);
    }
  }
  const sameLetters = [...found].filter(([, distance]) => distance === 0);
  return (sameLetters.length > 0 ? sameLetters : [...found])
    .sort((a, b) => a[1] - b[1] || (a[0] < b[0] ? -1 : 1))
    .slice(0, count)
    .map(([candidate]) => candidate);
}

function sortedWords(name: string): string {
  return name.split("_").sort().join("_");
}

/** "`a`", "`a` or `b`", "`a`, `b` or `c`"; empty for none. */
export function alternatives(names: readonly string[]): string {
  const quoted = names.map((name) => `\`${name}\``);
  const last = quoted.pop();
  if (last === undefined) return "";
  return quoted.length === 0 ? last : `${quoted.join(", ")} or ${last}`;
}

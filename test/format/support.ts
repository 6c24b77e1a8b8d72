/** What has to hold for every text that is formatted. */
import { expect } from "vitest";
import { formatText } from "../../src/format/format.ts";
import { bare, parse, summary } from "../syntax/support.ts";

/** Formats a text and checks what must hold for any; `name` says which text it was. */
export function formatted(text: string, name: string): string {
  const before = parse(text, name);
  expect(summary(before.diagnostics), name).toEqual([]);
  const once = formatText(text, name);
  const after = parse(once, name);
  expect(summary(after.diagnostics), name).toEqual([]);
  expect(bare(after.tree), `${name}: the tree`).toEqual(bare(before.tree));
  const texts = (comments: readonly { readonly text: string }[]): readonly string[] => comments.map((c) => c.text);
  expect(texts(after.tree.comments), `${name}: the comments`).toEqual(texts(before.tree.comments));
  expect(formatText(once, name), `${name}: formatted twice`).toBe(once);
  // A line that is kept as it stands may end in spaces.
  if (!text.includes("prettier-ignore")) expect(once, `${name}: line ends`).not.toMatch(/[ \t]\n|\r|\n\n\n|\n\n$/);
  return once;
}

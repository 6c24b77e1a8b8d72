/** Edits as people make them, drawn from a seed: of numbers, names, tokens and lines. */
import type { Random } from "./random.ts";

export function edited(text: string, random: Random): string {
  const lines = text.split("\n");
  const at = random.below(lines.length);
  const put = (found: RegExpExecArray, by: string): string =>
    `${text.slice(0, found.index)}${by}${text.slice(found.index + found[0].length)}`;
  const one = (of: RegExp): RegExpExecArray => random.pick([...text.matchAll(of)]);
  const token = /[A-Za-z_]\w*|\d[\w.]*|\|>|[^\s\w]/g;
  const name = /[A-Za-z_]\w*/g;
  const ways: readonly (() => string)[] = [
    () => put(one(token), ""),
    () => lines.toSpliced(at, 0, lines[at] ?? "").join("\n"),
    () => lines.toSpliced(at, 1).join("\n"),
    () =>
      lines
        .toSpliced(at, 1)
        .toSpliced(random.below(lines.length), 0, lines[at] ?? "")
        .join("\n"),
    () => {
      const number = one(/(?<![\w.])\d+(?![\w.])/g);
      return put(number, String(random.pick([0, 1, 2, 3, Number(number[0]) + 1, Number(number[0]) * 2])));
    },
    () => {
      const found = one(name);
      return put(found, `${found[0]}_2`);
    },
    () => put(one(name), one(name)[0]),
    () => {
      const found = one(token);
      return put(found, random.pick(["\n", "// note\n", "/// doc\n", "(", "}", "let q = 1\n"]) + found[0]);
    },
  ];
  return random.pick(ways)();
}

/** A text and then edits of it, some undone: what a file was while somebody worked on it. */
export function* history(original: string, steps: number, random: Random): Iterable<string> {
  const texts = [original];
  let text = original;
  for (let i = 0; i < steps; i++) {
    yield text;
    // what strayed far is no longer like anything that people write
    const isOver = random.chance(0.3) || text.length > 1.3 * original.length;
    text = isOver ? original : random.chance(0.2) ? random.pick(texts) : edited(text, random);
    texts.push(text);
  }
}

/**
 * The `.arch` examples of the documents: cut out of their fences, put among the lines they need, and checked. It says what
 * an example gives; whether that is right is for the tests to say.
 *
 * The words after the fence's `arch` say what the example is: nothing, complete files; `fragment`, lines of a model; a code
 * such as `E0301`, that it gives this one; a name such as `rings.arch`, under which later examples of the page import it;
 * `part of FILE`, lines that stand in a file of the project; `prelude`, what surrounds fragments. A fence `text message` after
 * an example is what the compiler says of it.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { check } from "../../src/compiler/compile.ts";
import type { Diagnostic } from "../../src/compiler/diagnostics/diagnostic.ts";
import { textHost } from "../support/compile.ts";

export const root = join(import.meta.dirname, "..", "..");

export interface Example {
  readonly page: string;
  readonly line: number;
  readonly words: readonly string[];
  readonly text: string;
  /** What a `text message` fence after it says that the compiler says. */
  readonly message: string | undefined;
}

/** The `arch` fences of a page, in order. A fence inside a list is indented; its lines are, too. */
export function examplesOf(page: string): readonly Example[] {
  const lines = readFileSync(join(root, page), "utf8").split("\n");
  const examples: Example[] = [];
  for (let i = 0; i < lines.length; i++) {
    const [, indent = "", language, info = ""] = /^( *)```(\w*) *(.*)$/.exec(lines[i] ?? "") ?? [];
    if (language === undefined) continue;
    const start = i + 1;
    while (++i < lines.length && (lines[i] ?? "").trim() !== "```");
    const words = info.split(/\s+/).filter((word) => word !== "");
    const text = lines
      .slice(start, i)
      .map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line))
      .join("\n");
    const last = examples.at(-1);
    if (language === "arch") examples.push({ page, line: start, words, text, message: undefined });
    else if (language === "text" && words.includes("message") && last)
      examples[examples.length - 1] = { ...last, message: text };
  }
  return examples;
}

/** The lines around fragments: the page's own, or those of the reference. */
export function preludeOf(page: string): string {
  for (const name of [page, "docs/language.md"]) {
    const prelude = examplesOf(name).find((example) => example.words.includes("prelude"));
    if (prelude) return prelude.text;
  }
  throw new Error("docs/language.md has no prelude");
}

const declares = /^(?:import|const|fn|block\s+\w+|model|variant|@renamed)\b/;
const begins =
  /^(?:let|shared|param|state|update|assert|dim|input|target|regions|branch|head|loss|predict|metric|train|data|pretrained|@\w+|\/\/)/;

/** Puts a fragment among the prelude's lines: declarations before the model, lines into it, a value as a `let`. */
export function complete(fragment: string, prelude: string): string {
  const before: string[] = [];
  const inside: string[] = [];
  let target = inside;
  for (const line of fragment.split("\n")) {
    // only a line at the margin begins something; a doc comment goes with what follows
    if (/^\/\/\/|^@renamed/.test(line) || declares.test(line)) target = before;
    else if (begins.test(line)) target = inside;
    else if (target === before && /^[^\s}){]/.test(line) && !line.startsWith("=>") && !line.startsWith("where"))
      target = inside;
    target.push(line);
  }
  const lines = inside.join("\n");
  const first = inside.find((line) => line.trim() !== "" && !line.trimStart().startsWith("//")) ?? "";
  const body = first === "" || begins.test(first) ? lines : `let value = ${lines}`;
  const models = before.join("\n").matchAll(/^variant \w+ of (\w+)/gm);
  const imports = [...new Set([...models].map(([, name = ""]) => name))].flatMap((name) => importOf(name));
  const own = (item: string): boolean => new RegExp(`^${item}\\b`, "m").test(body);
  const kept = ["head", "train"].reduce((text, item) => (own(item) ? text.replace(blockOf(item), "") : text), prelude);
  return `${imports.join("\n")}\n${kept.replace(/^ *\/\/ the example.*$/m, () => body).replace(/^model /m, () => `${before.join("\n")}\n\nmodel `)}\n`;
}
const blockOf = (item: string): RegExp => new RegExp(`^  ${item}\\b[^\\n]*(?:\\n    [^\\n]*)*(?:\\n  \\})?\\n`, "m");

/** The import of a model that a file of `models/` has. */
function importOf(model: string): readonly string[] {
  const file = modelFiles().find(({ text }) => new RegExp(`^(?:model|variant) ${model}\\b`, "m").test(text));
  return file ? [`import { ${model} } from "./${file.name}"`] : [];
}
function modelFiles(): readonly { readonly name: string; readonly text: string }[] {
  return readdirSync(join(root, "models"))
    .filter((name) => name.endsWith(".arch"))
    .map((name) => ({ name, text: readFileSync(join(root, "models", name), "utf8") }));
}

/** Warnings of names that a fragment gives and leaves to its reader. */
const leftToTheReader = ["E0701", "E0702", "E0703"];

/** What the compiler says of an example; of a fragment, less what its being one explains. */
export function judge(example: Example, earlier: readonly Example[]): readonly Diagnostic[] {
  const fragment = example.words.includes("fragment");
  const text = fragment ? complete(example.text, preludeOf(example.page)) : example.text;
  const files = Object.fromEntries(modelFiles().map(({ name, text }) => [name, text]));
  for (const { words, text } of earlier) for (const word of words) if (word.endsWith(".arch")) files[word] = text;
  const name = example.words.find((word) => word.endsWith(".arch")) ?? "example.arch";
  const { diagnostics } = check(textHost({ ...files, [name]: text }), name);
  const expected = codesOf(example);
  return fragment
    ? diagnostics.filter((d) => !leftToTheReader.includes(d.code) || expected.includes(d.code))
    : diagnostics;
}
export function codesOf(example: Example): readonly string[] {
  return example.words.filter((word) => /^E\d{4}$/.test(word));
}
/** The file of which an example is a part. */
export function wholeOf(example: Example): string | undefined {
  const at = example.words.indexOf("part");
  return at === -1 ? undefined : example.words[at + 2];
}

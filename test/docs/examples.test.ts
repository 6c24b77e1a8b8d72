// Every example of the documents is compiled: what is shown as right is clean, what is shown as wrong gives the code it names
// and the message that is printed below it. `UPDATE_ERRORS=1` writes those messages anew; read them before they are committed.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { renderAll } from "../../src/compiler/diagnostics/render.ts";
import { codesOf, type Example, examplesOf, judge, root, wholeOf } from "./fences.ts";

const pages = [
  "README.md",
  ...readdirSync(join(root, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];
const squeeze = (text: string): string =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .join("\n");

function rewrite(page: string, { text, message = "" }: Example, said: string): void {
  const path = join(root, page);
  const whole = readFileSync(path, "utf8");
  const place = whole.indexOf("```text message\n", whole.indexOf(text)) + "```text message\n".length;
  const end = place + (message === "" ? 0 : message.length + 1);
  writeFileSync(path, `${whole.slice(0, place)}${said}\n${whole.slice(end)}`);
}

describe.each(pages)("%s", (page) => {
  const examples = examplesOf(page).filter(({ words }) => !words.includes("prelude"));
  if (examples.length === 0) it("has no example", () => expect(examples).toEqual([]));
  else
    it.each(examples.map((example): [number, Example] => [example.line, example]))("line %i", (line, example) => {
      const whole = wholeOf(example);
      if (whole !== undefined) {
        const text = squeeze(readFileSync(join(root, whole), "utf8"));
        for (const part of example.text.split(/\n\s*\n/)) expect(text).toContain(squeeze(part));
        return;
      }
      const found = judge(
        example,
        examples.filter((other) => other.line < line),
      );
      const codes = [...new Set(found.map((d) => d.code))].sort();
      expect(codes, renderAll(found, { width: 120 })).toEqual([...codesOf(example)].sort());
      if (example.message === undefined) return;
      const said = renderAll(found, { width: 120 }).replace(/\n\n\d+ errors?.*$/, "");
      if (process.env["UPDATE_ERRORS"] === "1") rewrite(page, example, said);
      else expect(example.message).toBe(said);
    });
});

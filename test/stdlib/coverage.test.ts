/** The library as a whole: it checks clean, says what each part is, and each part is held against something. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { check } from "../../src/compiler/compile.ts";
import { DiagnosticBag } from "../../src/compiler/diagnostics/diagnostic.ts";
import type { Declaration } from "../../src/compiler/syntax/ast.ts";
import { parseFile } from "../../src/compiler/syntax/parse.ts";
import { DiskHost } from "../../src/runtime/host.ts";

const files = readdirSync("stdlib").filter((name) => name.endsWith(".arch"));
type Named = Exclude<Declaration, { kind: "import" }>;
interface Part {
  readonly file: string;
  readonly declaration: Named;
  readonly text: string;
}
const parts = files.flatMap((file): Part[] => {
  const text = readFileSync(`stdlib/${file}`, "utf8");
  const { declarations } = parseFile({ name: `std:${file}`, text }, new DiagnosticBag());
  return declarations.flatMap((d) =>
    d.kind === "import" ? [] : [{ file, declaration: d, text: text.slice(d.span.start, d.span.end) }],
  );
});
const isPublic = ({ declaration }: Part): boolean => !declaration.name.text.startsWith("_");

describe("each file", () => {
  it.each(files)("%s checks clean", (file) => {
    const { diagnostics } = check(new DiskHost(file), `std:${file.replace(".arch", "")}`);
    expect(diagnostics.map((d) => `${d.code} ${d.message}`)).toEqual([]);
  });
});

it("every public part says what it is", () => {
  // the gradients' primitives are no one's to call
  const silent = parts.filter((p) => isPublic(p) && p.file !== "gradients.arch" && !p.declaration.doc?.trim());
  expect(silent.map((p) => `${p.file} ${p.declaration.name.text}`)).toEqual([]);
});

it("every block is in a test or a model, or inside one that is", () => {
  const folders = ["test/stdlib", "test/runtime", "models"];
  const held = folders.flatMap((folder) =>
    readdirSync(folder).map((name) => readFileSync(`${folder}/${name}`, "utf8")),
  );
  const reads = (text: string, name: string): boolean => new RegExp(`\\b${name}\\b`).test(text);
  const covered = new Set<Part>();
  for (let texts = held; texts.length > 0;) {
    const found = parts.filter((p) => !covered.has(p) && texts.some((text) => reads(text, p.declaration.name.text)));
    for (const part of found) covered.add(part);
    texts = found.map((p) => p.text);
  }
  // primitives have samples of their own
  const open = parts.filter((p) => !covered.has(p) && p.declaration.kind !== "prim");
  expect(open.map((p) => `${p.file} ${p.declaration.name.text}`)).toEqual([]);
});

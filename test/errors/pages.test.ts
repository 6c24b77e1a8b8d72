/**
 * The pages of `docs/errors/`: every code has one, its bad example gives exactly the message that the page shows, its good
 * example is clean. `UPDATE_ERRORS=1` writes the messages anew; read them before they are committed.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { emitOnnxProgram } from "../../src/backends/onnx/index.ts";
import { check, compile } from "../../src/compiler/compile.ts";
import { catalog, isCode } from "../../src/compiler/diagnostics/catalog.ts";
import type { Diagnostic } from "../../src/compiler/diagnostics/diagnostic.ts";
import { mend } from "../../src/compiler/mend.ts";
import { render } from "../../src/compiler/diagnostics/render.ts";
import { standardModules } from "../../src/compiler/resolve/modules.ts";
import { TargetError } from "../../src/runtime/artifact.ts";
import { textHost } from "../support/compile.ts";

const folder = new URL("../../docs/errors/", import.meta.url);
const pages = readdirSync(folder).filter((name) => name !== "README.md");
const MAIN = "net.arch";

interface Page {
  readonly code: string;
  readonly text: string;
  readonly title: string;
  /** How the bad example is read: checked, where nothing is said. */
  readonly run: string | undefined;
  readonly bad: Readonly<Record<string, string>>;
  readonly message: string;
  readonly good: Readonly<Record<string, string>>;
}

function read(name: string): Page {
  const text = readFileSync(new URL(name, folder), "utf8");
  const [, front = ""] = /^---\n([\s\S]*?)\n---\n/.exec(text) ?? [];
  const field = (key: string): string | undefined => new RegExp(`^${key}: (.*)$`, "m").exec(front)?.[1];
  const examples = (kind: string): Record<string, string> =>
    Object.fromEntries(
      [...text.matchAll(new RegExp("^```arch " + kind + "( \\S+)?\\n([\\s\\S]*?)^```$", "gm"))].map(
        ([, file, body]) => [file?.trim() ?? MAIN, body ?? ""],
      ),
    );
  const [, message = ""] = /^```text\n([\s\S]*?)^```$/m.exec(text) ?? [];
  return {
    code: name.replace(/\.md$/, ""),
    text,
    title: field("title") ?? "",
    run: field("run"),
    bad: examples("bad"),
    message,
    good: examples("good"),
  };
}

function diagnosticsOf(files: Readonly<Record<string, string>>, run: string | undefined): readonly Diagnostic[] {
  const host = textHost(files);
  if (run === undefined || (run === "missing" && MAIN in files)) return check(host, MAIN).diagnostics;
  const { program, diagnostics } = compile(host, { file: MAIN });
  if (run !== "onnx" || program === undefined) return diagnostics;
  const { refusals } = emitOnnxProgram(program, { base: "net", producerVersion: "0", rawInputs: false });
  return new TargetError(program, "onnx", refusals).diagnostics;
}

function shown(diagnostics: readonly Diagnostic[]): string {
  return `${diagnostics.map((d) => render(d, { width: 100 })).join("\n\n")}\n`;
}

const all = pages.map(read);

describe("docs/errors", () => {
  it("has a page for every code, and no other", () => {
    expect(pages.map((name) => name.replace(/\.md$/, "")).sort()).toEqual(Object.keys(catalog).sort());
  });

  it.each(all)("$code says what its bad example gives", (page) => {
    const { code, text, title, run, bad, message } = page;
    if (!isCode(code)) throw new Error(`${code} is no code`);
    expect(title).toBe(catalog[code].title);
    const found = diagnosticsOf(bad, run);
    if (process.env["UPDATE_ERRORS"] === "1") {
      const made = text.replace(/^```text\n[\s\S]*?^```$/m, () => "```text\n" + shown(found) + "```");
      writeFileSync(new URL(`${code}.md`, folder), made);
      return;
    }
    expect([...new Set(found.map((d) => d.code))]).toEqual([code]);
    expect(shown(found)).toBe(message);
    for (const { help, fixes } of found) expect(help !== "" || fixes.length > 0, "a way out").toBe(true);
  });

  it.each(all)("$code shows a good example that is clean", ({ good, run }) => {
    expect(Object.keys(good)).toContain(MAIN);
    expect(shown(diagnosticsOf(good, run)).trim()).toBe("");
    if (run !== undefined) expect(shown(check(textHost(good), MAIN).diagnostics).trim()).toBe("");
  });

  it.each(all.filter(({ run }) => run === undefined))("$code offers only edits that mend", ({ code, bad }) => {
    const offers = diagnosticsOf(bad, undefined).some((d) => d.code === code && d.fixes.length > 0);
    const { text, applied, diagnostics } = mend(textHost(bad), MAIN);
    expect(applied.length > 0, "an edit is made where one is offered").toBe(offers);
    if (!offers) expect(text).toBe(bad[MAIN]);
    else expect(diagnostics.filter((d) => d.severity === "error" && d.fixes.length > 0)).toEqual([]);
  });

  it("never shows an internal word", () => {
    for (const { code, message } of all) {
      expect(message, code).not.toMatch(/undefined|\[object|NaN|Error:|null\b|\bat .*\.ts:/);
    }
  });

  it("gives each code its own way out", () => {
    const seen = new Map<string, string>();
    for (const { code, message } of all) {
      const [, help = ""] = /^ +help: (.*)$/m.exec(message) ?? [];
      expect(help, code).not.toBe("");
      expect(seen.get(help), `${code} says the same: ${help}`).toBeUndefined();
      seen.set(help, code);
    }
  });
});

it("names every module of the library where an import misses one", () => {
  const files = readdirSync(new URL("../../stdlib/", import.meta.url)).map((f) => `std:${f.replace(/\.arch$/, "")}`);
  // what gradients are made of is nobody's to import
  expect([...standardModules]).toEqual(files.filter((f) => f !== "std:gradients").sort());
});

/**
 * What users read: each `.arch` file of this folder is checked, and its messages are compared with the text beside it.
 * `UPDATE_ERRORS=1` writes the texts anew; read them before they are committed.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { check } from "../../src/compiler/compile.ts";
import { renderAll } from "../../src/compiler/diagnostics/render.ts";
import { TestHost } from "../support/trees.ts";

const folder = fileURLToPath(new URL(".", import.meta.url));
const cases = readdirSync(folder).filter((name) => name.endsWith(".arch"));

describe("messages", () => {
  it.each(cases)("%s", (name) => {
    const { diagnostics } = check(new TestHost(name, folder), name);
    const text = renderAll(diagnostics, { width: 120 });
    const path = `${folder}/${basename(name, ".arch")}.txt`;
    if (process.env["UPDATE_ERRORS"] === "1") writeFileSync(path, text + "\n");
    expect(existsSync(path), `the text of ${name}`).toBe(true);
    expect(text + "\n").toBe(readFileSync(path, "utf8"));
    // a file named after a code is about it
    if (/^E\d{4}/.test(name)) expect(diagnostics.map((d) => d.code)).toContain(name.slice(0, 5));
  });

  it.each(cases.filter((name) => name.startsWith("many")))(
    "reports the ten independent mistakes of %s as ten",
    (name) => {
      const { diagnostics } = check(new TestHost(name, folder), name);
      expect(diagnostics.filter((d) => d.severity === "error")).toHaveLength(10);
    },
  );
});

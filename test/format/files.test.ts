/** The formatter on every file of the repository. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse, root } from "../syntax/support.ts";
import { formatted } from "./support.ts";

const OTHERS = new Set(["node_modules", "build", "dist", ".git"]);

function archFiles(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return OTHERS.has(entry.name) ? [] : archFiles(path);
    return entry.name.endsWith(".arch") ? [path] : [];
  });
}

const files = archFiles(".").map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
// Some files are there for their errors.
const readable = files.filter(({ path, text }) => parse(text, path).diagnostics.length === 0);

describe("files of the repository", () => {
  for (const { path, text } of readable) {
    it(`${path} keeps its meaning`, () => {
      const once = formatted(text, path);
      if (/^(?:models|stdlib)\//.test(path)) expect(once, `${path} is formatted`).toBe(text);
    });
  }

  it("are enough", () => {
    expect(readable.length).toBeGreaterThan(40);
  });
});

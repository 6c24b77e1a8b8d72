// docs/stdlib.md is what the library's doc comments give, and everything in the library that has no `_` is on it.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { libraryPage } from "../../src/format/library-page.ts";
import { root } from "./fences.ts";

const files = readdirSync(join(root, "stdlib"))
  .filter((name) => name.endsWith(".arch"))
  .map((name) => ({ name: name.slice(0, -".arch".length), text: readFileSync(join(root, "stdlib", name), "utf8") }));

it("docs/stdlib.md is up to date", () => {
  const page = readFileSync(join(root, "docs", "stdlib.md"), "utf8");
  expect(page === libraryPage(files), "run: npm run generate").toBe(true);
});

it("has every declaration of the library", () => {
  const page = libraryPage(files);
  for (const { name, text } of files.filter((file) => file.name !== "gradients")) {
    const declared = [...text.matchAll(/^(?:block|fn|prim|const) ([a-z]\w*)/gm)].map(([, word]) => word);
    expect(declared.length).toBeGreaterThan(0);
    for (const word of declared) expect(page).toContain(`<a id="${name}-${word ?? ""}"></a>`);
  }
});

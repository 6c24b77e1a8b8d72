/**
 * Writes docs/stdlib.md from the doc comments of stdlib/*.arch: part of `npm run generate`. With `--check` it writes nothing
 * and exits 1 if the page differs from what it would write.
 */
import { readdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { bundle } from "./bundle.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

const outfile = join(root, "build", "generate", "library-page.mjs");
await bundle(join(root, "src", "format", "library-page.ts"), outfile, { packages: "external" });
const { libraryPage } = await import(pathToFileURL(outfile).href);

const names = (await readdir(join(root, "stdlib"))).filter((name) => name.endsWith(".arch")).sort();
const files = await Promise.all(
  names.map(async (name) => ({
    name: name.slice(0, -".arch".length),
    text: await readFile(join(root, "stdlib", name), "utf8"),
  })),
);
const path = "docs/stdlib.md";
const text = libraryPage(files);
if ((await readFile(join(root, path), "utf8").catch(() => undefined)) !== text) {
  if (process.argv.includes("--check")) {
    console.error(`${path} is not what stdlib/*.arch gives; run: npm run generate`);
    process.exitCode = 1;
  } else {
    await writeFile(join(root, `${path}.new`), text);
    await rename(join(root, `${path}.new`), join(root, path));
    console.log(`wrote ${path}`);
  }
}

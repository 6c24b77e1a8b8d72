/**
 * Writes the files that are made from the token table and the parser: `npm run generate`. With `--check` it writes
 * nothing and exits 1 if a file differs from what it would write. The makers themselves live in `grammar/generate/`.
 */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { bundle } from "./bundle.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

const outfile = join(root, "build", "generate", "files.mjs");
await bundle(join(root, "grammar", "generate", "files.ts"), outfile, { packages: "external" });
const { generatedFiles } = await import(pathToFileURL(outfile).href);

const check = process.argv.includes("--check");
let stale = 0;
for (const { path, text } of generatedFiles()) {
  const target = join(root, path);
  const present = await readFile(target, "utf8").catch(() => undefined);
  if (present === text) continue;
  stale++;
  if (check) {
    console.error(`${path} is not what the grammar gives; run: npm run generate`);
    continue;
  }
  await mkdir(dirname(target), { recursive: true });
  await writeFile(`${target}.new`, text);
  await rename(`${target}.new`, target);
  console.log(`wrote ${path}`);
}
if (check && stale > 0) process.exitCode = 1;

/**
 * Bundles the loader of compiled tfjs folders into `src/backends/tfjs/loader.generated.ts`: the compiler is pure and takes
 * the text from there. With `--check` it writes nothing and exits 1 if the file is not what the sources give.
 */
import { readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const target = join(root, "src", "backends", "tfjs", "loader.generated.ts");

const { outputFiles } = await build({
  absWorkingDir: root,
  entryPoints: ["src/runtime/engine/tfjs/folder.ts"],
  bundle: true,
  write: false,
  format: "esm",
  platform: "node",
  target: "node20.19",
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
});
const head = "// Made by archc. Loads the model in this folder into TensorFlow; see index.d.ts for what it offers.\n";
const text = head + outputFiles[0].text;
const quoted = text.replace(/\\/g, "\\\\").replace(/`/g, "\\`").replace(/\$\{/g, "\\${");
const file = `/** Made by scripts/generate-loader.mjs from src/runtime/engine/tfjs/folder.ts; do not edit. */\nexport const LOADER = \`${quoted}\`;\n`;

const present = await readFile(target, "utf8").catch(() => undefined);
if (process.argv.includes("--check")) {
  if (present !== file) {
    console.error("src/backends/tfjs/loader.generated.ts is stale; run: node scripts/generate-loader.mjs");
    process.exitCode = 1;
  }
} else if (present !== file) {
  await writeFile(`${target}.new`, file);
  await rename(`${target}.new`, target);
  console.log("wrote src/backends/tfjs/loader.generated.ts");
}

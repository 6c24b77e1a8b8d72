/**
 * Bundles what compiled folders bring along into texts that the compiler, which is pure, puts there: the loaders, and the
 * operators that portable modules add to tfjs. With `--check` it writes nothing and exits 1 if a text is not what the
 * sources give.
 */
import { readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const engine = "src/runtime/engine";
const node = { platform: "node", target: "node20.19" };
const browser = { platform: "browser", target: "es2022", external: ["./model.mjs", "@tensorflow/tfjs-core"] };

const FILES = [
  {
    target: "src/backends/tfjs/loader.generated.ts",
    texts: [
      {
        name: "LOADER",
        source: `${engine}/tfjs/folder.ts`,
        head: "Loads the model in this folder into TensorFlow; see index.d.ts for what it offers.",
        options: node,
      },
    ],
  },
  {
    target: "src/backends/portable/files.generated.ts",
    texts: [
      {
        name: "LOADER",
        source: `${engine}/portable/folder.ts`,
        head: "Loads the model in this folder into the backend of tfjs that is set; see index.d.ts for what it offers.",
        options: browser,
      },
      {
        name: "OPERATORS",
        source: `${engine}/portable/operators.ts`,
        head: "What tfjs has no operator for, in its plain operators.",
        options: browser,
        namesAs: "OPERATOR_NAMES",
      },
    ],
  },
];

for (const { target, texts } of FILES) {
  const sources = texts.map(({ source }) => source).join(" and ");
  const parts = await Promise.all(texts.map(bundled));
  await keep(target, `/** Made by scripts/generate-loader.mjs from ${sources}; do not edit. */\n${parts.join("")}`);
}

async function bundled({ name, source, head, options, namesAs }) {
  const { outputFiles, metafile } = await build({
    metafile: true,
    absWorkingDir: root,
    entryPoints: [source],
    bundle: true,
    write: false,
    format: "esm",
    charset: "utf8",
    legalComments: "none",
    logLevel: "warning",
    ...options,
  });
  const text = `// Made by archc. ${head}\n${outputFiles[0].text}`;
  const quoted = text.replace(/\\/g, "\\\\").replace(/`/g, "\\`").replace(/\$\{/g, "\\${");
  const names = JSON.stringify(Object.values(metafile.outputs)[0].exports).replaceAll(",", ", ");
  return `export const ${name} = \`${quoted}\`;\n${namesAs ? `export const ${namesAs} = ${names};\n` : ""}`;
}

async function keep(target, file) {
  const path = join(root, target);
  const present = await readFile(path, "utf8").catch(() => undefined);
  if (present === file) return;
  if (process.argv.includes("--check")) {
    console.error(`${target} is stale; run: node scripts/generate-loader.mjs`);
    process.exitCode = 1;
    return;
  }
  await writeFile(`${path}.new`, file);
  await rename(`${path}.new`, path);
  console.log(`wrote ${target}`);
}

// Bundles the sources into dist/: archc.cjs, the command, with archc.cache, its compiled code; engine.mjs, the part of
// the runtime that sets engines up, for the set-up script; worker.mjs, the process that trains and measures;
// prettier.mjs, the formatter as a plugin; library.mjs, which parses the standard library once and for all into library/.
// Packages with native code stay outside.
//   node scripts/build.mjs [--if-needed] [--quiet]
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const dist = join(root, "dist");
const stampFile = join(dist, ".sources");

const ENTRIES = {
  engine: "src/runtime/engine/index.ts",
  worker: "src/runtime/worker.ts",
  prettier: "src/format/plugin.ts",
  library: "src/runtime/library.ts",
};
const COMMAND = "src/cli/main.ts";
/** Native code, or a file layout that the package looks for at run time. */
const OUTSIDE = ["@tensorflow/tfjs-node-gpu", "onnxruntime-node", "sharp", "node-api-headers"];
const SOURCE_FOLDERS = ["src", "grammar", "stdlib", "bin"];
const SOURCE_FILES = ["package.json", "package-lock.json", "scripts/build.mjs", "scripts/code-cache.mjs"];

/** Builds dist/ unless it was built from these very sources. Returns whether it had to. */
export async function build({ ifNeeded = false } = {}) {
  const stamp = sourcesStamp();
  if (ifNeeded && existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp) return false;
  const { build: bundle } = await import("esbuild");
  const common = {
    absWorkingDir: root,
    outdir: dist,
    write: false,
    bundle: true,
    platform: "node",
    target: "node20.19",
    external: OUTSIDE,
    // Shorter to read for the engine, still readable in a stack trace.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: "linked",
    logLevel: "silent",
  };
  const modules = await bundle({
    ...common,
    entryPoints: ENTRIES,
    splitting: true,
    format: "esm",
    outExtension: { ".js": ".mjs" },
    chunkNames: "chunks/[name]-[hash]",
    // CommonJS packages inside an ES module still call require for Node's own modules.
    banner: {
      js: 'import { createRequire as createRequireForBundle } from "node:module"; const require = createRequireForBundle(import.meta.url);',
    },
  });
  // The command is one script, a function of `require` and its own address: V8 keeps compiled code for scripts alone.
  const command = await bundle({
    ...common,
    entryPoints: { archc: COMMAND },
    format: "cjs",
    outExtension: { ".js": ".cjs" },
    banner: { js: "(function (require, bundleUrl) { const module = { exports: {} };" },
    footer: { js: "})" },
    define: { "import.meta.url": "bundleUrl" },
    // A script from V8's cache has no way to import; what stays outside is CommonJS and can be required.
    supported: { "dynamic-import": false },
  });
  for (const warning of [...modules.warnings, ...command.warnings]) console.warn(`build: ${warning.text}`);
  place([...modules.outputFiles, ...command.outputFiles]);
  await (await import(pathToFileURL(join(dist, "library.mjs")).href)).packLibrary();
  const { status, stderr } = spawnSync(process.execPath, [join(root, "scripts/code-cache.mjs")], { encoding: "utf8" });
  if (status !== 0) console.warn(`build: archc starts more slowly, because its code could not be kept:\n${stderr}`);
  writeBeside(stampFile, stamp);
  return true;
}

/** Puts the files in place one by one, chunks before the entries that name them, then drops old ones. */
function place(files) {
  const isEntry = (file) => dirname(file.path) === dist;
  for (const file of [...files].sort((a, b) => Number(isEntry(a)) - Number(isEntry(b)))) {
    mkdirSync(dirname(file.path), { recursive: true });
    writeBeside(file.path, file.contents);
  }
  const kept = new Set(files.map((file) => file.path));
  for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && !kept.has(path)) rmSync(path);
  }
}

function writeBeside(path, contents) {
  const beside = `${path}.${process.pid}`;
  writeFileSync(beside, contents);
  renameSync(beside, path);
}

/** Changes when any source changes: names, sizes and times, which take milliseconds to read. */
function sourcesStamp() {
  const hash = createHash("sha256");
  const add = (path) => {
    const { size, mtimeMs } = statSync(path);
    hash.update(`${path}\0${size}\0${mtimeMs}\n`);
  };
  for (const folder of SOURCE_FOLDERS) {
    const entries = readdirSync(join(root, folder), { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    files.sort().forEach(add);
  }
  for (const file of SOURCE_FILES) add(join(root, file));
  return hash.digest("hex");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const started = performance.now();
  const built = await build({ ifNeeded: process.argv.includes("--if-needed") });
  if (!process.argv.includes("--quiet")) {
    console.log(built ? `built dist/ in ${Math.round(performance.now() - started)} ms` : "dist/ is up to date");
  }
}

// Bundles bench/NAME.ts beside the built command and runs it with the arguments that are left:
//   node bench/run.mjs check
// Machines are noisy: every bench interleaves what it compares, prints medians with their spread, and CPU time too.
import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "../scripts/bundle.mjs";
import { setUp } from "../scripts/setup.mjs";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const [name = "", ...args] = process.argv.slice(2);
const source = join(root, "bench", `${name}.ts`);
if (name === "" || !existsSync(source)) {
  console.error("usage: node bench/run.mjs NAME [ARGUMENT…], where bench/NAME.ts is a bench");
  process.exit(2);
}
await setUp({ engine: false, brief: true });
// inside dist/, so that it finds the library's trees as the command does
const outfile = join(root, `dist/bench-${name}.${process.pid}.mjs`);
try {
  await bundle(source, outfile, {
    target: "node20.19",
    banner: { js: 'import { createRequire as make } from "node:module"; const require = make(import.meta.url);' },
  });
  const { status } = spawnSync(process.execPath, [outfile, ...args], { cwd: root, stdio: "inherit" });
  process.exitCode = status ?? 1;
} finally {
  rmSync(outfile, { force: true });
}

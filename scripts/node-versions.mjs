// Runs the tests, and one training step on TensorFlow, under other Node versions than the one at hand.
// The binaries come from the packages that the npm package `node` is made of (its own installer is a package script,
// and those are off); they are kept in archc's cache.
//   node scripts/node-versions.mjs [--step SCRIPT] [TEST PATH…]
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { setUp } from "./setup.mjs";

const VERSIONS = ["22.23.3", "24.21.0"];
const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");

const { values, positionals } = parseArgs({
  options: { step: { type: "string", default: "scripts/tfjs-step.mjs" } },
  allowPositionals: true,
});

const engineReady = await setUp({ brief: true });
const { cacheFolder } = await import(pathToFileURL(join(root, "dist/engine.mjs")).href);

const failures = [];
for (const version of VERSIONS) {
  const node = fetchNode(version);
  console.log(`\nNode ${version}: tests`);
  if (!run(node, ["scripts/test.mjs", ...positionals])) failures.push(`tests on Node ${version}`);
  if (!engineReady) continue;
  console.log(`\nNode ${version}: ${values.step}`);
  if (!run(node, [values.step])) failures.push(`${values.step} on Node ${version}`);
}
console.log(failures.length === 0 ? `\ngood on Node ${VERSIONS.join(" and ")}` : `\nfailed: ${failures.join(", ")}`);
process.exitCode = failures.length === 0 ? 0 : 1;

/** The path of this version's program, installed on first use and moved into place whole. */
function fetchNode(version) {
  const system = process.platform === "win32" ? "win" : process.platform;
  const name = `node-${system}-${process.arch}`;
  const program = process.platform === "win32" ? "bin/node.exe" : "bin/node";
  const place = join(cacheFolder(), "node", version);
  const node = join(place, "node_modules", name, program);
  if (existsSync(node)) return node;
  console.log(`fetching ${name} ${version}`);
  mkdirSync(dirname(place), { recursive: true });
  const staging = mkdtempSync(`${place}.new-`);
  writeFileSync(join(staging, "package.json"), '{ "private": true }\n');
  const args = ["install", "--prefix", staging, "--ignore-scripts", "--no-audit", "--no-fund", `${name}@${version}`];
  const { status } = spawnSync("npm", args, { cwd: staging, stdio: ["ignore", "ignore", "inherit"] });
  if (status !== 0) {
    rmSync(staging, { recursive: true, force: true });
    throw new Error(`npm could not install ${name}@${version}.`);
  }
  renameSync(staging, place);
  return node;
}

function run(node, args) {
  // First on the PATH too, so that what a test starts by name is the same Node.
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ""}` };
  return spawnSync(node, args, { cwd: root, stdio: "inherit", env }).status === 0;
}

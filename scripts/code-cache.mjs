// Writes dist/archc.cache: what V8 compiled of the bundle while it checked a large program. bin/archc starts from it.
// A process of its own, because V8 takes its cache only with the flags that it was made with.
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import v8 from "node:v8";
import vm from "node:vm";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const bundle = join(root, "dist/archc.cjs");
const cache = join(root, "dist/archc.cache");

if (process.versions.v8.startsWith("11.")) {
  v8.setFlagsFromString("--interrupt-budget=1000000");
  v8.setFlagsFromString("--semi-space-growth-factor=16");
}
const script = new vm.Script(readFileSync(bundle, "latin1"), {
  filename: bundle,
});
process.argv = [process.execPath, join(root, "bin/archc"), "check", join(root, "models/dhaa.arch")];
process.on("exit", () => {
  writeFileSync(`${cache}.${process.pid}`, script.createCachedData());
  renameSync(`${cache}.${process.pid}`, cache);
});
script.runInThisContext()(createRequire(bundle), pathToFileURL(bundle).href);

/** Where archc itself is installed: the folder with its package.json, above the sources and above the bundle alike. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

let known: string | undefined;

export function packageRoot(): string {
  known ??= search(dirname(fileURLToPath(import.meta.url)));
  return known;
}

function search(from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, "package.json")) && existsSync(join(folder, "stdlib"))) return folder;
    if (folder === dirname(folder)) throw new Error(`archc's own folder was not found above ${from}`);
  }
}

export function ownVersion(): string {
  return (JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8")) as { version: string }).version;
}

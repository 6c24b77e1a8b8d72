/**
 * Packs the editor extension into build/archc-vscode-VERSION.vsix: `npm run vscode`. The grammar in it is made anew
 * first. Needs no network.
 */
import { execFileSync } from "node:child_process";
import { mkdir, readFile, rename } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { createVSIX } from "@vscode/vsce";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const extension = join(root, "editors", "vscode");

execFileSync(process.execPath, [join(root, "scripts", "generate-grammar.mjs")], { stdio: "inherit" });

const { name, version } = JSON.parse(await readFile(join(extension, "package.json"), "utf8"));
const folderAt = process.argv.indexOf("--out");
const folder = folderAt === -1 ? join(root, "build") : process.argv[folderAt + 1];
if (folder === undefined) {
  console.error("--out needs a folder");
  process.exit(2);
}
const target = join(folder, `${name}-${version}.vsix`);
await mkdir(folder, { recursive: true });
// The same sources give the same bytes: vsce stamps the files with this time.
process.env.SOURCE_DATE_EPOCH ??= "946684800";
// Written beside and renamed, so that a half-written package never stands there under the right name.
await createVSIX({
  cwd: extension,
  packagePath: `${target}.new`,
  dependencies: false,
  allowMissingRepository: true,
  skipLicense: false,
  gitHubIssueLinking: false,
});
await rename(`${target}.new`, target);
console.log(`packed ${relative(process.cwd(), target)}`);

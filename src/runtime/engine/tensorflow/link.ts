// Lends the cached addon to a project of the user's own: a link inside its tfjs package, where that package looks by
// itself. For programs that import what `archc compile --target tfjs` wrote; archc itself needs no link.
import { existsSync, lstatSync, mkdirSync, readFileSync, renameSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { EngineError } from "../error.ts";
import { ADDON_FILE, findPackage, locateTensorflow, type LocateOptions } from "./locate.ts";
import { TFJS_PACKAGE } from "./pins.ts";

/** The same addon serves both: their C++ sources are the same. */
const PACKAGES = [TFJS_PACKAGE, "@tensorflow/tfjs-node"];

/** Links the engine into the tfjs packages that `project` would import, and returns the links. Throws EngineError. */
export function linkTensorflow(project: string, options: LocateOptions = {}): readonly string[] {
  const lookup = locateTensorflow(options);
  if (!lookup.found) throw new EngineError(`There is nothing to link: ${lookup.problem}.`, lookup.ways);
  const { addon } = lookup.location;
  const version = findPackage()?.version;
  const require = createRequire(join(resolve(project), "package.json"));
  const links: string[] = [];
  for (const name of PACKAGES) {
    let manifest: string;
    try {
      manifest = require.resolve(`${name}/package.json`);
    } catch {
      continue;
    }
    const found = (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
    if (found !== version) {
      throw new EngineError(
        `${name} in ${project} is ${found}; the addon is built for ${version ?? "another version"}.`,
        [{ text: "Install that version there:", commands: [`npm install ${name}@${version ?? ""} --ignore-scripts`] }],
      );
    }
    const link = join(dirname(manifest), ADDON_FILE);
    if (link !== addon) place(link, addon);
    links.push(link);
  }
  if (links.length > 0) return links;
  throw new EngineError(`${project} has no ${TFJS_PACKAGE}.`, [
    { text: "Install it there first:", commands: [`npm install ${TFJS_PACKAGE}@${version ?? ""} --ignore-scripts`] },
  ]);
}

function place(link: string, addon: string): void {
  // An addon that npm's own install put there is the user's; it works without us.
  if (existsSync(link) && !lstatSync(link).isSymbolicLink()) return;
  mkdirSync(dirname(link), { recursive: true });
  const beside = `${link}.${String(process.pid)}`;
  symlinkSync(addon, beside);
  renameSync(beside, link);
}

/**
 * The standard library as trees, parsed when archc is built: reading a tree back takes a tenth of parsing the text anew.
 * A tree counts only for the very text it was made from; whoever edits the library gets the parser.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { deserialize, serialize } from "node:v8";
import { DiagnosticBag } from "../compiler/diagnostics/diagnostic.ts";
import type { FileNode } from "../compiler/syntax/ast.ts";
import { writeBeside } from "./files.ts";
import { packageRoot } from "./package-root.ts";

/** The sources have no trees: only a bundle knows that they are of its own parser. */
function treeFolder(): string | undefined {
  const built = join(packageRoot(), "dist");
  return fileURLToPath(import.meta.url).startsWith(built + sep) ? join(built, "library") : undefined;
}

/** The tree of module `nn` of the library, if it was made from this text. */
export function libraryTree(module: string, text: string): FileNode | undefined {
  const folder = treeFolder();
  if (folder === undefined) return undefined;
  try {
    const tree = deserialize(readFileSync(join(folder, module))) as FileNode;
    return tree.file.text === text ? tree : undefined;
  } catch {
    // Not built, or by a newer Node.
    return undefined;
  }
}

/** Parses every module and writes its tree. */
export async function packLibrary(): Promise<void> {
  const folder = treeFolder();
  if (folder === undefined) return;
  const { parseFile } = await import("../compiler/syntax/parse.ts");
  const texts = join(packageRoot(), "stdlib");
  for (const file of readdirSync(texts).filter((name) => name.endsWith(".arch"))) {
    const module = file.slice(0, -".arch".length);
    const bag = new DiagnosticBag();
    const tree = parseFile({ name: `std:${module}`, text: readFileSync(join(texts, file), "utf8") }, bag);
    if (!bag.hasErrors) writeBeside(join(folder, module), serialize(tree));
  }
}

/**
 * The standard library as trees, parsed when archc is built: reading a tree back takes a tenth of parsing the text anew, and
 * of most declarations a program needs the name alone: the rest is read when somebody looks at it. A tree counts only for
 * the very text it was made from; whoever edits the library gets the parser.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { deserialize, serialize } from "node:v8";
import { DiagnosticBag } from "../compiler/diagnostics/diagnostic.ts";
import type { ImportDecl, FileNode } from "../compiler/syntax/ast.ts";
import type { Named } from "../compiler/resolve/modules.ts";
import type { SourceFile } from "../compiler/source/source.ts";
import { writeBeside } from "./files.ts";
import { packageRoot } from "./package-root.ts";

/** The sources have no trees: only a bundle knows that they are of its own parser. */
function treeFolder(): string | undefined {
  const built = join(packageRoot(), "dist");
  return fileURLToPath(import.meta.url).startsWith(built + sep) ? join(built, "library") : undefined;
}

/** A declaration but for what its name is. */
interface Packed extends Pick<Named, "kind" | "name"> {
  /** What else it has. */
  readonly fields: readonly string[];
  /** All of it, in a file whose text is left out. */
  readonly bytes: Uint8Array;
}
interface PackedFile {
  readonly file: SourceFile;
  readonly declarations: readonly (ImportDecl | Packed)[];
}

/** The tree of module `nn` of the library, if it was made from this text. Its comments are left out: only a formatter asks. */
export function libraryTree(module: string, text: string): FileNode | undefined {
  const folder = treeFolder();
  if (folder === undefined) return undefined;
  try {
    const { file, declarations } = deserialize(readFileSync(join(folder, module))) as PackedFile;
    if (file.text !== text) return undefined;
    const span = { file, start: 0, end: text.length };
    return { file, declarations: declarations.map((d) => ("bytes" in d ? unpacked(d, text) : d)), comments: [], span };
  } catch {
    // Not built, or by a newer Node.
    return undefined;
  }
}

/** The declaration, read when somebody asks for more than its name. */
function unpacked({ kind, name, fields, bytes }: Packed, text: string): Named {
  const declaration = { kind, name };
  const read = (): void => {
    const whole = deserialize(bytes) as Named;
    Object.assign(whole.span.file, { text });
    const values = Object.entries(whole).filter(([field]) => fields.includes(field));
    for (const [field, value] of values) Object.defineProperty(declaration, field, { value, enumerable: true });
  };
  for (const field of fields)
    Object.defineProperty(declaration, field, {
      configurable: true,
      enumerable: true,
      get: (): unknown => {
        read();
        return Reflect.get(declaration, field);
      },
    });
  return declaration as Named;
}

/** Parses every module and writes its tree. */
export async function packLibrary(): Promise<void> {
  const folder = treeFolder();
  if (folder === undefined) return;
  const { parseFile } = await import("../compiler/syntax/parse.ts");
  const texts = join(packageRoot(), "stdlib");
  for (const source of readdirSync(texts).filter((name) => name.endsWith(".arch"))) {
    const module = source.slice(0, -".arch".length);
    const bag = new DiagnosticBag();
    const text = readFileSync(join(texts, source), "utf8");
    const file = { name: `std:${module}`, text };
    const tree = parseFile(file, bag);
    if (bag.hasErrors) continue;
    file.text = "";
    const declarations = tree.declarations.map((declaration): ImportDecl | Packed => {
      if (declaration.kind === "import") return declaration;
      const { kind, name, ...rest } = declaration;
      return { kind, name, fields: Object.keys(rest), bytes: serialize(declaration) };
    });
    file.text = text;
    writeBeside(join(folder, module), serialize({ file, declarations } satisfies PackedFile));
  }
}

/**
 * Loads a file with everything it imports and gives each file its scope: own declarations, imports, the prelude.
 * It knows names, not what they mean; bodies are looked at by `names.ts`.
 */
import { DiagnosticBag } from "../diagnostics/diagnostic.ts";
import { report } from "../diagnostics/catalog.ts";
import { foreignName } from "../diagnostics/foreign-names.ts";
import { nearest, suggest } from "../diagnostics/suggest.ts";
import type { Host } from "../host.ts";
import type { SourceFile } from "../source/source.ts";
import type { Declaration, FileNode, ImportDecl } from "../syntax/ast.ts";
import { parseFile } from "../syntax/parse.ts";
import type { KnownTrees } from "./known.ts";
import { reportRecursion } from "./recursion.ts";

/** Modules whose public names are in scope everywhere; a declaration or an import of the file wins over them. */
export const preludeModules = ["std:prim", "std:nn", "std:losses", "std:optim", "std:init", "std:data"] as const;

/** Every module of the library that programs may import by name. */
export const standardModules = [
  "std:blocks",
  "std:data",
  "std:fusion",
  "std:init",
  "std:losses",
  "std:nn",
  "std:optim",
  "std:prim",
  "std:regions",
  "std:resnet",
  "std:rnn",
  "std:transformer",
] as const;

export type Named = Exclude<Declaration, ImportDecl>;

/** A declaration together with the file in whose scope its names are read. */
export interface Declared {
  readonly declaration: Named;
  readonly scope: FileScope;
}

export class FileScope {
  readonly file: SourceFile;
  readonly tree: FileNode;
  readonly declarations: ReadonlyMap<string, Named>;
  /** Local name to the declaration of another file. */
  readonly imports = new Map<string, Declared>();
  /** Imported names that could not be found: reported once, where they are imported; uses stay silent. */
  readonly broken = new Set<string>();
  /** The module of the library that has a name and would have to be imported; for suggestions. */
  readonly elsewhere: (name: string) => string | undefined;
  readonly #prelude: () => Iterable<FileScope>;

  constructor(
    tree: FileNode,
    prelude: () => Iterable<FileScope>,
    elsewhere: (name: string) => string | undefined = () => undefined,
  ) {
    this.elsewhere = elsewhere;
    this.file = tree.file;
    this.tree = tree;
    this.#prelude = prelude;
    const declarations = new Map<string, Named>();
    for (const d of tree.declarations) {
      if (d.kind !== "import" && !declarations.has(d.name.text)) declarations.set(d.name.text, d);
    }
    this.declarations = declarations;
  }

  /** What a name means at the top level of this file. */
  lookup(name: string): Declared | undefined {
    const own = this.declarations.get(name);
    if (own) return { declaration: own, scope: this };
    const imported = this.imports.get(name);
    if (imported) return imported;
    if (name.startsWith("_")) return undefined;
    for (const scope of this.#prelude()) {
      const declaration = scope.declarations.get(name);
      if (declaration) return { declaration, scope };
    }
    return undefined;
  }
  /** Every name that `lookup` finds, own ones first; for suggestions. */
  *names(): Iterable<string> {
    yield* this.declarations.keys();
    yield* this.imports.keys();
    for (const scope of this.#prelude())
      for (const name of scope.declarations.keys()) if (!name.startsWith("_")) yield name;
  }
}

export interface Modules {
  readonly entry: FileScope;
  /** By resolved name, in order of loading; the prelude too. */
  readonly files: ReadonlyMap<string, FileScope>;
}

/** Loads `entry`; undefined where the host has no such file. Mistakes go to `bag`. */
export function loadModules(
  host: Host,
  entry: string,
  bag: DiagnosticBag,
  parse: (file: SourceFile, bag: DiagnosticBag) => FileNode = parseFile,
  trees?: KnownTrees,
): Modules | undefined {
  const files = new Map<string, FileScope>();
  const prelude: FileScope[] = [];
  const text = host.read(entry);
  if (text === undefined) return undefined;

  let further: ReadonlyMap<string, string> | undefined;
  const elsewhere = (name: string): string | undefined => (further ??= namesToImport(host)).get(name);
  const ready = new Set<FileNode>();
  const load = (name: string, content: string): FileScope => {
    const known = host.parsed?.(name, content);
    if (known !== undefined) ready.add(known);
    const scope = new FileScope(known ?? parse({ name, text: content }, bag), () => prelude, elsewhere);
    files.set(name, scope);
    return scope;
  };
  for (const name of preludeModules) {
    const content = host.read(name);
    if (content === undefined) throw new Error(`the standard library lacks ${name}`);
    prelude.push(name === entry ? load(name, text) : load(name, content));
  }
  const root = files.get(entry) ?? load(entry, text);

  const visiting = new Set<FileScope>();
  const finished = new Set<FileScope>();
  const link = (scope: FileScope): void => {
    visiting.add(scope);
    for (const declaration of scope.tree.declarations) {
      if (declaration.kind === "import") linkImport(scope, declaration);
    }
    visiting.delete(scope);
    finished.add(scope);
  };
  const linkImport = (scope: FileScope, declaration: ImportDecl): void => {
    const from = declaration.from.text;
    const resolved = host.resolve(scope.file.name, from);
    // the module of the gradients' primitives is the compiler's own
    const isHidden =
      resolved?.startsWith("std:") === true && !(standardModules as readonly string[]).includes(resolved);
    const name = isHidden ? undefined : resolved;
    const known = name === undefined ? undefined : files.get(name);
    const content = name === undefined || known ? undefined : host.read(name);
    if (name === undefined || (known === undefined && content === undefined)) {
      const near = from.startsWith("std:") ? nearest(from, standardModules, 1) : [];
      const { span } = declaration.from;
      const quoted = near.map((name) => ({ title: `write "${name}"`, span, text: JSON.stringify(name) }));
      const isQuoted = span.file.text[span.start] === '"';
      const fixes = isQuoted ? quoted : quoted.map((fix, i) => ({ ...fix, text: near[i] ?? fix.text }));
      report(bag, "E0210", { from, near, modules: standardModules }, span, { fixes });
      for (const { name: imported, as } of declaration.names) scope.broken.add((as ?? imported).text);
      return;
    }
    const target = known ?? load(name, content ?? "");
    if (visiting.has(target)) {
      report(bag, "E0211", { from }, declaration.from.span);
      for (const { name: imported, as } of declaration.names) scope.broken.add((as ?? imported).text);
      return;
    }
    if (!finished.has(target)) link(target);
    for (const { name: imported, as } of declaration.names) {
      const found = target.declarations.get(imported.text);
      const local = as ?? imported;
      if (found === undefined || imported.text.startsWith("_")) {
        const names = [...target.declarations.keys()].filter((n) => !n.startsWith("_"));
        const { near, fixes } = suggest(imported.text, imported.span, names, foreignName(imported.text, names));
        const elsewhere = imported.text.startsWith("_") ? undefined : scope.elsewhere(imported.text);
        const inPrelude = preludeModules.some((m) => files.get(m)?.declarations.has(imported.text));
        report(bag, "E0212", { name: imported.text, from, names, near, elsewhere, inPrelude }, imported.span, {
          fixes: elsewhere === undefined && !inPrelude ? fixes : [],
        });
        if (!inPrelude) scope.broken.add(local.text);
        continue;
      }
      if (scope.declarations.has(local.text) || scope.imports.has(local.text)) {
        const text = as ? `other_${local.text}` : `${local.text} as other_${local.text}`;
        const fixes = [{ title: `call it \`other_${local.text}\` here`, span: local.span, text }];
        const first = scope.declarations.get(local.text)?.name.span;
        const related = first ? [{ span: first, label: "declared here" }] : [];
        report(bag, "E0213", { name: local.text }, local.span, { fixes, related });
        continue;
      }
      scope.imports.set(local.text, { declaration: found, scope: target });
    }
  };
  for (const scope of [...prelude, root]) if (!finished.has(scope)) link(scope);
  for (const scope of files.values()) {
    // a tree that somebody read before has no mistakes
    if (ready.has(scope.tree)) continue;
    reportDuplicates(scope, bag);
    reportRecursion(scope, bag, trees);
  }
  return { entry: root, files };
}

function reportDuplicates(scope: FileScope, bag: DiagnosticBag): void {
  for (const declaration of scope.tree.declarations) {
    if (declaration.kind === "import") continue;
    const { name } = declaration;
    const first = scope.declarations.get(name.text);
    if (first === undefined || first === declaration) continue;
    report(bag, "E0214", { name: name.text }, name.span, {
      related: [{ span: first.name.span, label: "the first one" }],
    });
  }
}

/** What the library's other modules declare, and where. Read only when a name is missed. */
function namesToImport(host: Host): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const module of standardModules) {
    if ((preludeModules as readonly string[]).includes(module)) continue;
    const text = host.read(module) ?? "";
    const tree = host.parsed?.(module, text) ?? parseFile({ name: module, text }, new DiagnosticBag());
    for (const d of tree.declarations)
      if (d.kind !== "import" && !d.name.text.startsWith("_")) found.set(d.name.text, module);
  }
  return found;
}

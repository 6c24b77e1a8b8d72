/**
 * The compiler's view of the disk. `std:` names are files of archc's own stdlib folder; every other import is relative and
 * stays inside the project. It only reads.
 */
import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import type { Host } from "../compiler/host.ts";
import type { FileNode } from "../compiler/syntax/ast.ts";
import { libraryTree } from "./library.ts";
import { packageRoot } from "./package-root.ts";

const STANDARD = /^std:([a-z0-9_]+)$/;

/**
 * A host for one main file. Names are relative to `folder` (where the user is), as messages show them. The project is the
 * nearest folder above the file with a package.json or a .git, else the user's folder, else the file's own.
 */
export class DiskHost implements Host {
  readonly #folder: string;
  readonly #project: string;
  /**
   * Every file that was asked for, by absolute path, with the time of its last change (ms) when it was first read;
   * undefined for a file that is not there. What a watcher has to watch.
   */
  readonly files = new Map<string, number | undefined>();

  constructor(file: string, folder: string = process.cwd()) {
    this.#folder = folder;
    this.#project = real(projectOf(resolve(folder, file), folder));
  }

  read(name: string): string | undefined {
    const path = this.#path(name);
    if (path === undefined) return undefined;
    if (!this.files.has(path)) this.files.set(path, statSync(path, { throwIfNoEntry: false })?.mtimeMs);
    try {
      return readFileSync(path, "utf8");
    } catch {
      return undefined;
    }
  }

  resolve(importer: string, from: string): string | undefined {
    if (STANDARD.test(from)) return from;
    if (!from.startsWith("./") && !from.startsWith("../")) return undefined;
    if (STANDARD.test(importer)) return undefined;
    const path = resolve(this.#folder, dirname(importer), from);
    // Links are followed first: one inside the project may point out of it.
    const inside = relative(this.#project, real(path));
    if (inside === ".." || inside.startsWith(`..${sep}`) || isAbsolute(inside)) return undefined;
    return this.name(path);
  }

  parsed(name: string, text: string): FileNode | undefined {
    const module = STANDARD.exec(name)?.[1];
    return module === undefined ? undefined : libraryTree(module, text);
  }

  /** How messages name a file. */
  name(path: string): string {
    return relative(this.#folder, resolve(this.#folder, path)).split(sep).join("/");
  }

  #path(name: string): string | undefined {
    const standard = STANDARD.exec(name);
    if (standard !== null) return join(packageRoot(), "stdlib", `${standard[1] ?? ""}.arch`);
    return resolve(this.#folder, name);
  }
}

function projectOf(file: string, folder: string): string {
  for (let at = dirname(file); ; at = dirname(at)) {
    if (existsSync(join(at, "package.json")) || existsSync(join(at, ".git"))) return at;
    if (at === dirname(at)) break;
  }
  return file.startsWith(folder + sep) ? folder : dirname(file);
}

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

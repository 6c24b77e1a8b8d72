/**
 * How the compiler sees files. It never opens one itself: the command line, the language server and a browser each
 * bring a host.
 */
import type { FileNode } from "./syntax/ast.ts";

export interface Host {
  /** The text of a file by its resolved name (`models/net.arch`, `std:nn`), or undefined where there is none. */
  read(name: string): string | undefined;
  /** The name that `from` means in an import of file `importer`; undefined where it leaves the project. */
  resolve(importer: string, from: string): string | undefined;
  /** The tree of a file of this name and text, where somebody read it before and found no mistake. */
  parsed?(name: string, text: string): FileNode | undefined;
}

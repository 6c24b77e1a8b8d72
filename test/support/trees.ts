/** The library's trees, parsed once a process: parsing it takes longer than most of what the tests compile. */
import { DiagnosticBag } from "../../src/compiler/diagnostics/diagnostic.ts";
import type { FileNode } from "../../src/compiler/syntax/ast.ts";
import { parseFile } from "../../src/compiler/syntax/parse.ts";
import { DiskHost } from "../../src/runtime/host.ts";

const trees = new Map<string, FileNode>();

export function libraryTree(name: string, text: string): FileNode | undefined {
  if (!name.startsWith("std:")) return undefined;
  const known = trees.get(name);
  if (known?.file.text === text) return known;
  const bag = new DiagnosticBag();
  const tree = parseFile({ name, text }, bag);
  if (bag.hasErrors) return undefined;
  trees.set(name, tree);
  return tree;
}

/** The disk, with those trees. */
export class TestHost extends DiskHost {
  override parsed(name: string, text: string): FileNode | undefined {
    return libraryTree(name, text);
  }
}

/**
 * Finds declarations that need themselves: blocks and functions that call themselves, constants made from themselves.
 * Evaluation would never end there, so their uses count as unknown from here on. Imports cannot form cycles, so each
 * file is looked at alone.
 */
import { report } from "../diagnostics/catalog.ts";
import type { DiagnosticBag } from "../diagnostics/diagnostic.ts";
import type { Declaration, NameExpr } from "../syntax/ast.ts";
import type { KnownTrees, Use } from "./known.ts";
import type { FileScope } from "./modules.ts";

export function reportRecursion(scope: FileScope, bag: DiagnosticBag, known?: KnownTrees): void {
  const uses = new Map<string, readonly Use[]>();
  for (const [name, declaration] of scope.declarations) {
    if (declaration.kind !== "block" && declaration.kind !== "fn" && declaration.kind !== "const") continue;
    const all = known?.uses.get(declaration) ?? usesOf(declaration);
    known?.uses.set(declaration, all);
    uses.set(
      name,
      all.filter((use) => scope.declarations.has(use.name)),
    );
  }
  const finished = new Set<string>();
  const path: string[] = [];
  const visit = (name: string): void => {
    path.push(name);
    for (const use of uses.get(name) ?? []) {
      const start = path.indexOf(use.name);
      if (start !== -1) {
        const names = path.slice(start);
        if (!names.some((n) => scope.broken.has(n))) report(bag, "E0226", { names }, use.span);
        for (const n of names) scope.broken.add(n);
      } else if (!finished.has(use.name)) visit(use.name);
    }
    path.pop();
    finished.add(name);
  };
  for (const name of uses.keys()) if (!finished.has(name)) visit(name);
}

/** Every name that a declaration reads, without those that it binds itself. */
function usesOf(declaration: Declaration): readonly Use[] {
  const read: Use[] = [];
  const bound = new Set<string>();
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) {
      node.forEach(visit);
      return;
    }
    if (!isNode(node)) return;
    if (node["kind"] === "name" && isNameExpr(node)) read.push({ name: node.text, span: node.span });
    for (const [key, child] of Object.entries(node)) {
      if (key === "span" || key === "annotations") continue;
      if (key === "target" && node["kind"] !== "pipe") bind(child);
      else if (key === "params" || key === "lists") parameters(child);
      else visit(child);
    }
  };
  const bind = (target: unknown): void => {
    if (!isNode(target)) return;
    if (typeof target["text"] === "string") bound.add(target["text"]);
    if (Array.isArray(target["members"])) target["members"].forEach(bind);
  };
  const parameters = (node: unknown): void => {
    if (Array.isArray(node)) node.forEach(parameters);
    else if (isNode(node)) {
      bind(node["name"]);
      visit(node["type"]);
      visit(node["default"]);
    }
  };
  visit(declaration);
  return read.filter((use) => !bound.has(use.name));
}

function isNode(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
function isNameExpr(node: object): node is NameExpr {
  return "text" in node && typeof node.text === "string" && "span" in node;
}

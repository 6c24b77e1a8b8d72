/**
 * Variants: edits of a model's named parts, applied in order to a copy of its plan. The result is evaluated and checked as a
 * program of its own; nothing here evaluates.
 */
import { report } from "../diagnostics/catalog.ts";
import type { DiagnosticBag, Fix } from "../diagnostics/diagnostic.ts";
import { nearest, suggest } from "../diagnostics/suggest.ts";
import type { FileScope } from "../resolve/modules.ts";
import type { Span } from "../source/source.ts";
import type { AddEdit, Edit, Expr, Item, Name, OutputItem, PathNode, VariantDecl } from "../syntax/ast.ts";
import { trainFields } from "./training.ts";
import {
  addItem,
  addToHead,
  boundNames,
  copyPlan,
  isLine,
  isOutput,
  outputName,
  type PartExpr,
  partExpr,
  type PartLine,
  partLine,
  type Plan,
  planOf,
} from "./plan.ts";

/** The plan of a model or variant by name; undefined after a report. */
export function planFor(
  name: string,
  scope: FileScope,
  bag: DiagnosticBag,
  at?: Span,
  seen: ReadonlySet<VariantDecl> = new Set(),
): Plan | undefined {
  const declared = scope.lookup(name);
  if (declared?.declaration.kind === "model") return planOf(declared.declaration, declared.scope);
  if (declared?.declaration.kind === "variant") {
    const variant = declared.declaration;
    if (seen.has(variant)) {
      // the circle is one mistake, whichever of its variants is looked at
      const [first = variant] = [...seen].sort((a, b) => a.span.start - b.span.start);
      report(bag, "E0505", { name: first.name.text }, first.of.span);
      return undefined;
    }
    const base = planFor(variant.of.text, declared.scope, bag, variant.of.span, new Set([...seen, variant]));
    return base && applyEdits(base, variant.name.text, variant.edits, declared.scope, bag);
  }
  if (at && !scope.broken.has(name)) {
    const models = [...scope.names()].filter((n) =>
      ["model", "variant"].includes(scope.lookup(n)?.declaration.kind ?? ""),
    );
    // a name that stands on the command line has no place to be mended at
    const fixes = at.start === at.end ? [] : renaming({ text: name, span: at }, models);
    report(bag, "E0503", { name, near: nearest(name, models), names: models }, at, { fixes });
  }
  return undefined;
}

export function applyEdits(
  base: Plan,
  name: string,
  edits: readonly Edit[],
  scope: FileScope,
  bag: DiagnosticBag,
): Plan {
  const plan = copyPlan(base, name, [base.name, ...base.basis]);
  const set = new Map<Handle["key"], Span>();
  for (const edit of edits) {
    switch (edit.kind) {
      case "set":
        for (const handle of locate(plan, edit.path, bag, "set")) {
          const before = set.get(handle.key);
          if (before)
            report(bag, "E0504", { path: handle.key }, edit.path.span, {
              related: [{ span: before, label: "the first edit" }],
            });
          set.set(handle.key, edit.path.span);
          handle.set?.(edit.value, scope);
        }
        break;
      case "keep":
        applyKeep(plan, edit.paths, bag);
        break;
      case "remove":
        for (const path of edit.paths) {
          for (const handle of locate(plan, path, bag, "remove")) {
            handle.remove?.();
            plan.removed.set(handle.key, path.span);
          }
        }
        break;
      case "add":
        applyAdd(plan, edit, scope, bag);
    }
  }
  return plan;
}

/** The edit that writes the one name that is near. */
function renaming({ text, span }: Name, names: readonly string[]): readonly Fix[] {
  return suggest(text, span, names, undefined).fixes;
}

/** A part that an edit can change. */
interface Handle {
  /** The part's own path: `face.eye`, `global.fuse`, `joined`. */
  readonly key: string;
  readonly set: ((value: Expr, scope: FileScope) => void) | undefined;
  readonly remove: (() => void) | undefined;
  /** A field that the model leaves to its default. */
  readonly unsaid?: boolean;
}

/** What messages call the thing that a variant edits. */
function edited(plan: Plan): string {
  return plan.basis[0] ?? plan.name;
}

function locate(plan: Plan, path: PathNode, bag: DiagnosticBag, use: "set" | "remove"): readonly Handle[] {
  const parts = path.parts;
  let handles: readonly Handle[] = roots(plan);
  let prefix = "";
  let found: readonly Handle[] = [];
  for (const [i, part] of parts.entries()) {
    const names = handles.map((h) => h.key.slice(prefix === "" ? 0 : h.key.lastIndexOf(".") + 1));
    found = handles.filter((h, k) => (part.text === "*" ? h.unsaid !== true : names[k] === part.text));
    // `branch.*` and `head.x` name the namespaces themselves
    if (i === 0 && (part.text === "branch" || part.text === "head") && parts.length > 1 && found.length === 0) {
      const all = part.text === "branch" ? plan.branches.keys() : plan.heads.keys();
      handles = [...all].map((key) => ({ key, set: undefined, remove: removerOf(plan, key) }));
      prefix = "";
      continue;
    }
    if (found.length === 0) {
      const owner = parts
        .slice(0, i)
        .map((p) => p.text)
        .join(".");
      report(
        bag,
        "E0501",
        {
          model: edited(plan),
          path: parts.map((p) => p.text).join("."),
          owner,
          part: part.text,
          has: [...new Set(names.filter((_, k) => handles[k]?.unsaid !== true))],
          near: nearest(part.text, names),
        },
        part.span,
        { fixes: renaming(part, names) },
      );
      return [];
    }
    if (i < parts.length - 1) {
      handles = found.flatMap((h) => children(plan, h.key));
      prefix = part.text;
      if (handles.length === 0) handles = [];
    }
  }
  const usable = found.filter((h) => (use === "set" ? h.set : h.remove) !== undefined);
  if (usable.length === 0) {
    const shown = parts.map((p) => p.text).join(".");
    report(
      bag,
      "E0506",
      { path: shown, use, isParameter: plan.params.has(shown), isInput: plan.ports.has(shown) },
      path.span,
    );
  }
  return usable;
}

function roots(plan: Plan): readonly Handle[] {
  const handles: Handle[] = [];
  for (const [name, { param, value }] of plan.params) {
    const before = value ?? (param.default && partExpr(param.default, plan.scope));
    const place = { name, block: param.type?.kind === "block" };
    handles.push({
      key: name,
      set: (e, s) => plan.params.set(name, { param, value: partExpr(e, s, before, place) }),
      remove: undefined,
    });
  }
  for (const name of plan.ports.keys()) handles.push({ key: name, set: undefined, remove: removerOf(plan, name) });
  handles.push(...lineHandles(plan.lines, ""));
  for (const name of [
    ...plan.regions.keys(),
    ...plan.branches.keys(),
    ...plan.heads.keys(),
    ...plan.pretrained.keys(),
  ]) {
    handles.push({ key: name, set: undefined, remove: removerOf(plan, name) });
  }
  for (const name of ["train", "data"]) handles.push({ key: name, set: undefined, remove: undefined });
  return handles;
}
function removerOf(plan: Plan, name: string): () => void {
  return () => {
    plan.branches.delete(name);
    plan.heads.delete(name);
    plan.regions.delete(name);
    plan.pretrained.delete(name);
    if (plan.ports.delete(name)) plan.data?.delete(name);
  };
}
function lineHandles(lines: PartLine[], prefix: string): readonly Handle[] {
  return lines.flatMap((part) =>
    boundNames(part.line).map((name): Handle => ({
      key: `${prefix}${name}`,
      set:
        part.line.kind !== "let"
          ? undefined
          : (expr, scope) => {
              const place = lines.findIndex((l) => l.line === part.line);
              const before = lines[place]?.value ?? part.value;
              const type = part.line.kind === "let" ? part.line.type : undefined;
              const own = part.line.kind === "let" && part.line.target.kind === "name" ? name : undefined;
              lines[place] = { line: part.line, value: partExpr(expr, scope, before, { name: own, type }) };
            },
      remove: () => {
        const place = lines.findIndex((l) => l.line === part.line);
        if (place !== -1) lines.splice(place, 1);
      },
    })),
  );
}
function children(plan: Plan, key: string): readonly Handle[] {
  const regions = plan.regions.get(key);
  if (regions) {
    return [...regions.members].map(([name, before]): Handle => ({
      key: `${key}.${name}`,
      set: (e, s) => regions.members.set(name, partExpr(e, s, before, { block: true })),
      remove: () => regions.members.delete(name),
    }));
  }
  const branch = plan.branches.get(key);
  if (branch) {
    const part = (name: string, before: PartExpr | undefined, put: (value: PartExpr | undefined) => void): Handle => ({
      key: `${key}.${name}`,
      set: (e, s) => put(partExpr(e, s, before, { block: name === "fuse" })),
      remove: name === "fuse" ? () => put(undefined) : undefined,
    });
    return [
      ...lineHandles(branch.lines, `${key}.`),
      part("in", branch.in, (v) => v && (branch.in = v)),
      part("fuse", branch.fuse, (v) => (branch.fuse = v)),
    ];
  }
  const head = plan.heads.get(key);
  if (head) {
    const outputs = [...head.outputs].map(([name, { output, value }]): Handle => ({
      key: `${key}.${name}`,
      set: (e, s) => head.outputs.set(name, { output, value: partExpr(e, s, value) }),
      remove: () => head.outputs.delete(name),
    }));
    return [...lineHandles(head.lines, `${key}.`), ...outputs];
  }
  const none = new Map<string, PartExpr>();
  const fields = key === "train" ? plan.training : key === "data" ? (plan.data ??= new Map<string, PartExpr>()) : none;
  const unsaid = key === "train" ? trainFields.filter((name) => !fields.has(name)) : [];
  return [
    ...[...fields].map(([name, before]): Handle => ({
      key: `${key}.${name}`,
      set: (e, s) => fields.set(name, partExpr(e, s, before)),
      remove: () => fields.delete(name),
    })),
    ...unsaid.map((name): Handle => ({
      key: `${key}.${name}`,
      set: (e, s) => fields.set(name, partExpr(e, s, undefined)),
      remove: undefined,
      unsaid: true,
    })),
  ];
}

/** `keep` limits collections; what is left out stays as a definition for those that read it. */
function applyKeep(plan: Plan, paths: readonly PathNode[], bag: DiagnosticBag): void {
  const kept = new Map<string, Set<string>>();
  for (const path of paths) {
    const [collection, member] = path.parts;
    const names =
      collection === undefined
        ? []
        : collection.text === "branch"
          ? [...plan.branches.keys()]
          : collection.text === "head"
            ? [...plan.heads.keys()]
            : [...(plan.regions.get(collection.text)?.members.keys() ?? [])];
    if (collection === undefined || member === undefined || path.parts.length !== 2 || names.length === 0) {
      // `keep global` means the member of that name
      const alone = path.parts.length === 1 ? collection?.text : undefined;
      const owner = alone && (plan.branches.has(alone) ? "branch" : plan.heads.has(alone) ? "head" : undefined);
      const inCollection = owner && alone ? `${owner}.${alone}` : undefined;
      report(
        bag,
        "E0507",
        {
          path: path.parts.map((p) => p.text).join("."),
          collections: [
            ...(plan.branches.size > 0 ? ["branch"] : []),
            ...(plan.heads.size > 0 ? ["head"] : []),
            ...[...plan.regions].filter(([, { members }]) => members.size > 0).map(([name]) => name),
          ],
          line: alone !== undefined && plan.lines.some(({ line }) => boundNames(line).includes(alone)),
          member: inCollection ?? "",
        },
        path.span,
        {
          fixes:
            inCollection === undefined
              ? []
              : [{ title: `write \`${inCollection}\``, span: path.span, text: inCollection }],
        },
      );
      continue;
    }
    if (member.text !== "*" && !names.includes(member.text)) {
      report(
        bag,
        "E0501",
        {
          model: edited(plan),
          path: `${collection.text}.${member.text}`,
          owner: collection.text,
          part: member.text,
          has: names,
          near: nearest(member.text, names),
        },
        member.span,
        { fixes: renaming(member, names) },
      );
      continue;
    }
    const set = kept.get(collection.text) ?? new Set<string>();
    for (const name of member.text === "*" ? names : [member.text]) set.add(name);
    kept.set(collection.text, set);
  }
  for (const [collection, names] of kept) {
    if (collection === "branch") plan.keptBranches = names;
    else if (collection === "head") plan.keptHeads = names;
    else {
      const regions = plan.regions.get(collection);
      if (regions) regions.kept = names;
    }
  }
}

function isItem(item: AddEdit["item"]): item is Exclude<Item, OutputItem> {
  return (
    isLine(item) ||
    ["dim", "input", "target", "regions", "branch", "head", "train", "data", "pretrained"].includes(item.kind)
  );
}

function applyAdd(plan: Plan, edit: AddEdit, scope: FileScope, bag: DiagnosticBag): void {
  const { item } = edit;
  const into = edit.in?.parts.map((p) => p.text).join(".");
  const misplaced = (): void => report(bag, "E0508", { into: into ?? plan.name, item: item.kind }, edit.span);
  if (into === undefined) {
    if (isItem(item)) addItem(plan, item, scope);
    else misplaced();
    return;
  }
  const head = plan.heads.get(into.replace(/^head\./, ""));
  const branch = plan.branches.get(into.replace(/^branch\./, ""));
  const regions = plan.regions.get(into);
  const pretrained = plan.pretrained.get(into);
  const present = head?.outputs ?? regions?.members ?? { train: plan.training, data: plan.data }[into];
  const name = isOutput(item) ? outputName(item) : item.kind === "field" ? item.name.text : undefined;
  if (name !== undefined && present?.has(name)) report(bag, "E0214", { name: `${into}.${name}`, set: true }, edit.span);
  if (head && (isLine(item) || isOutput(item))) addToHead(head, item, scope);
  else if (branch && isLine(item)) branch.lines.push(partLine(item, scope));
  else if (regions && item.kind === "field") regions.members.set(item.name.text, partExpr(item.value, scope));
  else if (into === "train" && item.kind === "field") plan.training.set(item.name.text, partExpr(item.value, scope));
  else if (into === "train" && item.kind === "optimize") plan.optimize.unshift({ node: item, scope });
  else if (into === "train" && item.kind === "freeze") plan.freeze.unshift({ node: item, scope });
  else if (into === "data" && item.kind === "field")
    (plan.data ??= new Map()).set(item.name.text, partExpr(item.value, scope));
  else if (pretrained && (item.kind === "map" || item.kind === "fresh" || item.kind === "unused"))
    pretrained.rules.unshift({ node: item, scope });
  else if (head || branch || regions || pretrained || into === "train" || into === "data") misplaced();
  else {
    const names = [
      ...plan.heads.keys(),
      ...plan.branches.keys(),
      ...plan.regions.keys(),
      ...plan.pretrained.keys(),
      "train",
      "data",
    ];
    report(
      bag,
      "E0501",
      { model: edited(plan), path: into, owner: "", part: into, has: names, near: nearest(into, names) },
      edit.in?.span ?? edit.span,
    );
  }
}

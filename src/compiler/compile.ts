/**
 * From a file's text to a program: load, plan, elaborate. Reads as the line of ARCHITECTURE.md; phases live in their folders.
 */
import { report } from "./diagnostics/catalog.ts";
import { type Diagnostic, DiagnosticBag } from "./diagnostics/diagnostic.ts";
import type { CheckMemo } from "./elaborate/memo.ts";
import { checkDeclarations } from "./elaborate/generic.ts";
import type { PerUse } from "./elaborate/context.ts";
import { elaborate, type ElaborateOptions } from "./elaborate/model.ts";
import type { Plan } from "./elaborate/plan.ts";
import { dataFields, pretrainedMaps, settingsOf, trainingFields } from "./elaborate/records.ts";
import { applyEdits, planFor } from "./elaborate/variants.ts";
import type { TypeRules } from "./graph/builder.ts";
import { primitiveRules } from "./graph/primitives.ts";
import { sha256Hex } from "./hash/sha256.ts";
import type { Host } from "./host.ts";
import { printGraph } from "./graph/print.ts";
import type { Program } from "./program.ts";
import type { KnownTrees } from "./resolve/known.ts";
import { type FileScope, loadModules, type Modules } from "./resolve/modules.ts";
import { checkNames } from "./resolve/names.ts";
import type { ModelDecl, SetEdit, VariantDecl } from "./syntax/ast.ts";
import { parseExpression, parseFile, parsePath } from "./syntax/parse.ts";

export interface Setting {
  readonly path: string;
  /** An expression of the language. */
  readonly value: string;
}
export interface CompileOptions {
  readonly file: string;
  /** Which model, where a file has several. */
  readonly model?: string | undefined;
  readonly variant?: string | undefined;
  /** `--set PATH=VALUE`: each is a `set` edit. */
  readonly settings?: readonly Setting[] | undefined;
}
export interface Compilation {
  /** Absent where there are errors. */
  readonly program: Program | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

export function compile(host: Host, options: CompileOptions): Compilation {
  const bag = new DiagnosticBag();
  const modules = load(host, options.file, bag);
  if (modules === undefined) return { program: undefined, diagnostics: bag.sorted() };
  refuseNames(modules, bag);
  const name = options.variant ?? options.model ?? onlyModel(modules.entry, bag);
  const place = { file: modules.entry.file, start: 0, end: 0 };
  const base = name === undefined ? undefined : planFor(name, modules.entry, bag, place);
  const plan = base && applySettings(base, options.settings ?? [], modules.entry, bag);
  const program = plan && assemble(plan, rulesOf(host, modules), options.file, bag);
  return { program: bag.hasErrors ? undefined : program, diagnostics: bag.sorted() };
}

/** For checks of one program after another, as an editor makes them: the second costs a fraction of the first. */
export { CheckMemo } from "./elaborate/memo.ts";

export interface Checked {
  readonly diagnostics: readonly Diagnostic[];
  /** What the blocks of the file leave to each of their uses. */
  readonly perUse: readonly PerUse[];
}
/** Every mistake of a file: its declarations, each of its models, each of its variants. */
export function check(host: Host, file: string, memo?: CheckMemo): Checked {
  const bag = new DiagnosticBag();
  const modules = load(host, file, bag, memo);
  if (modules === undefined) return { diagnostics: bag.sorted(), perUse: [] };
  const rules = rulesOf(host, modules);
  const { entry } = modules;
  checkNames(entry, bag, memo?.trees);
  refuseNames(modules, bag, { but: entry, trees: memo?.trees });
  const perUse = checkDeclarations(entry, rules, bag, memo);
  for (const declaration of modelsOf(entry)) {
    const evaluate = (): void => {
      const plan = planFor(declaration.name.text, entry, bag);
      if (plan) assemble(plan, rules, file, bag, { checkOnly: true, memo });
    };
    if (memo) memo.evaluateModel(declaration, entry, bag, evaluate);
    else evaluate();
  }
  const diagnostics = bag.sorted();
  if (memo === undefined) return { diagnostics, perUse };
  memo.endCheck();
  // trees that are kept move with the next edit
  return { diagnostics: diagnostics.map(copied), perUse: perUse.map((p) => ({ ...p, span: { ...p.span } })) };
}
/** A diagnostic whose places are its own. */
function copied(diagnostic: Diagnostic): Diagnostic {
  const { span, related, fixes } = diagnostic;
  return {
    ...diagnostic,
    span: { ...span },
    related: related.map((r) => ({ ...r, span: { ...r.span } })),
    fixes: fixes.map((f) => ({ ...f, span: { ...f.span } })),
  };
}

export interface Listed {
  readonly name: string;
  readonly kind: "model" | "variant";
  /** What a variant is of. */
  readonly of: string | undefined;
  readonly doc: string | undefined;
}
/** The models and variants that a file declares, in order. */
export function listModels(
  host: Host,
  file: string,
): { readonly models: readonly Listed[]; readonly diagnostics: readonly Diagnostic[] } {
  const bag = new DiagnosticBag();
  const modules = load(host, file, bag);
  const models = [...(modules?.entry.declarations.values() ?? [])].flatMap((d): Listed[] => {
    if (d.kind === "model") return [{ name: d.name.text, kind: "model", of: undefined, doc: d.doc }];
    return d.kind === "variant" ? [{ name: d.name.text, kind: "variant", of: d.of.text, doc: d.doc }] : [];
  });
  return { models, diagnostics: bag.sorted() };
}

function load(host: Host, file: string, bag: DiagnosticBag, memo?: CheckMemo): Modules | undefined {
  const modules = loadModules(host, file, bag, memo && ((source, into) => memo.parse(source, into)), memo?.trees);
  if (modules === undefined) report(bag, "E0222", { file }, { file: { name: file, text: "" }, start: 0, end: 0 });
  return modules;
}

/** What `check` refuses about names is refused here too; its warnings are for those who ask. */
function refuseNames(
  modules: Modules,
  bag: DiagnosticBag,
  { but, trees }: { readonly but?: FileScope; readonly trees?: KnownTrees | undefined } = {},
): void {
  const names = new DiagnosticBag();
  for (const [name, scope] of modules.files)
    if (!name.startsWith("std:") && scope !== but) checkNames(scope, names, trees);
  for (const diagnostic of names.sorted()) if (diagnostic.severity === "error") bag.add(diagnostic);
}

function modelsOf(scope: FileScope): readonly (ModelDecl | VariantDecl)[] {
  return [...scope.declarations.values()].filter((d) => d.kind === "model" || d.kind === "variant");
}
/** The file's model, where there is only one. */
function onlyModel(scope: FileScope, bag: DiagnosticBag): string | undefined {
  const declared = [...scope.declarations.values()];
  const models = declared.filter((d) => d.kind === "model").map((d) => d.name.text);
  const [only] = models;
  if (models.length === 1) return only;
  const variants = declared.filter((d) => d.kind === "variant").map((d) => d.name.text);
  report(bag, "E0223", { models, variants }, { file: scope.file, start: 0, end: 0 });
  return undefined;
}

function applySettings(plan: Plan, settings: readonly Setting[], scope: FileScope, bag: DiagnosticBag): Plan {
  if (settings.length === 0) return plan;
  const edits = settings.flatMap(({ path, value }): SetEdit[] => {
    const source = `--set ${path}`;
    const parsedPath = parsePath(path, source, bag);
    const expr = parseExpression(value, source, bag);
    if (parsedPath === undefined || expr === undefined) return [];
    return [{ kind: "set", path: parsedPath, value: expr, span: expr.span, annotations: [], doc: undefined }];
  });
  // settings change a plan without making a variant of it
  return { ...applyEdits(plan, plan.name, edits, scope, bag), basis: plan.basis };
}

/** The types of the primitives that the library declares. */
export function rulesOf(host: Host, modules?: Modules): TypeRules {
  const declarations = ["std:prim", "std:gradients"].flatMap((name) => {
    const read = modules?.files.get(name)?.tree.declarations;
    if (read) return read;
    const text = host.read(name);
    if (text === undefined) throw new Error(`the standard library lacks ${name}`);
    return (host.parsed?.(name, text) ?? parseFile({ name, text }, new DiagnosticBag())).declarations;
  });
  return primitiveRules(declarations.filter((d) => d.kind === "prim"));
}

function assemble(
  plan: Plan,
  rules: TypeRules,
  file: string,
  bag: DiagnosticBag,
  options: ElaborateOptions = {},
): Program | undefined {
  const elaborated = elaborate(plan, rules, bag, options);
  if (elaborated === undefined) return undefined;
  const { network, train, accumulate, evaluate, predict, variables, parts, named, pruned } = elaborated;
  const program = {
    name: plan.name,
    basis: plan.basis,
    file,
    settings: settingsOf(network),
    train,
    accumulate,
    evaluate,
    predict,
    variables,
    parts,
    named,
    pruned,
    training: trainingFields(network),
    data: dataFields(network),
    pretrained: pretrainedMaps(network),
    renames: renamesOf(plan),
  };
  if (bag.hasErrors) return undefined;
  let hash: string | undefined;
  return {
    ...program,
    // hashing takes as long as compiling, and few ask for it
    get hash() {
      hash ??= sha256Hex([train, evaluate, predict].map((g) => (g ? printGraph(g) : "")).join("\n"));
      return hash;
    },
  };
}

function renamesOf(plan: Plan): Program["renames"] {
  return plan.model.annotations.flatMap(({ name, args }) => {
    const [from, to] = args ?? [];
    if (name.text !== "renamed" || from?.value.kind !== "string" || to?.value.kind !== "string") return [];
    return [{ old: from.value.value, new: to.value.value }];
  });
}

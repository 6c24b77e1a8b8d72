/**
 * Looks at the local names of a file: none may hide another, and one that nothing reads is worth a word. What names mean is
 * not asked here; unknown names are found where they are evaluated.
 */
import { report } from "../diagnostics/catalog.ts";
import type { DiagnosticBag } from "../diagnostics/diagnostic.ts";
import type { Span } from "../source/source.ts";
import type {
  Item,
  Body,
  DimNode,
  Expr,
  ForClause,
  Line,
  ModelDecl,
  Name,
  OutputItem,
  Param,
  Target,
  TypeNode,
  VariantDecl,
} from "../syntax/ast.ts";
import { childrenOf } from "../syntax/walk.ts";
import type { KnownTrees } from "./known.ts";
import type { FileScope, Named } from "./modules.ts";

type Kind =
  "let" | "parameter" | "loop name" | "shared block" | "param" | "state" | "input" | "target" | "part" | "import";

interface Local {
  readonly name: string;
  readonly kind: Kind;
  readonly span: Span;
  used: boolean;
}

/** The names of a body, inside those of what surrounds it. */
class Scope {
  readonly #outer: Scope | undefined;
  readonly #names = new Map<string, Local>();

  constructor(outer?: Scope) {
    this.#outer = outer;
  }
  find(name: string): Local | undefined {
    return this.#names.get(name) ?? this.#outer?.find(name);
  }
  set(local: Local): void {
    this.#names.set(local.name, local);
  }
  get locals(): Iterable<Local> {
    return this.#names.values();
  }
}

export function checkNames(scope: FileScope, bag: DiagnosticBag, trees?: KnownTrees): void {
  new NameChecker(scope, bag).file(trees);
}

class NameChecker {
  readonly #file: FileScope;
  readonly #bag: DiagnosticBag;
  readonly #imports: Scope;
  /** What could not be read may have been what reads a name. */
  readonly #unreadable: boolean;
  /** Where a line was read as if it were another one: `y = …` as a second `let y`. */
  readonly #mended: ReadonlySet<number>;
  /** The imports that were read in the declaration at hand. */
  #read = new Set<string>();

  constructor(file: FileScope, bag: DiagnosticBag) {
    this.#file = file;
    this.#bag = bag;
    this.#imports = new Scope();
    const unread = bag.sorted().filter((d) => d.code.startsWith("E01") && d.span.file === file.file);
    this.#unreadable = unread.length > 0;
    this.#mended = new Set(unread.map((d) => d.span.start));
  }

  file(trees: KnownTrees | undefined): void {
    const { declarations } = this.#file.tree;
    for (const d of declarations) {
      if (d.kind !== "import") continue;
      for (const { name, as } of d.names) {
        const local = as ?? name;
        if (!this.#file.broken.has(local.text))
          this.#imports.set({ name: local.text, kind: "import", span: local.span, used: false });
      }
    }
    const locals = [...this.#imports.locals].map((local) => local.name);
    const around = trees && [...this.#file.declarations.keys(), "", ...locals].join();
    for (const d of declarations) {
      if (d.kind === "import") continue;
      const known = trees?.orderly.get(d);
      if (known !== undefined && known.around === around) {
        for (const name of known.reads) this.#use(name, this.#imports);
        continue;
      }
      this.#read = new Set();
      const before = this.#bag.told;
      this.#named(d);
      // where something could not be read, not all is told
      if (around !== undefined && !this.#unreadable && this.#bag.told === before)
        trees?.orderly.set(d, { around, reads: [...this.#read] });
    }
    this.#unused(this.#imports);
  }
  #named(d: Named): void {
    switch (d.kind) {
      case "const":
        this.#type(d.type, this.#imports);
        this.#expr(d.value, this.#imports);
        break;
      case "fn":
        this.#declaration([d.params], d.result, d.where, d.body);
        break;
      case "block":
        this.#declaration(d.lists, d.result, d.where, d.body);
        break;
      case "prim": // a signature alone: its names stand for nothing else
        if (!this.#file.file.name.startsWith("std:")) report(this.#bag, "E0227", { name: d.name.text }, d.name.span);
        break;
      case "model":
        this.#model(d);
        break;
      case "variant":
        this.#variant(d);
    }
  }

  /** Binds a name; hiding another one of this file is an error. `_` and `_name` mean unused on purpose. */
  #bind(name: Name | { readonly text: string; readonly span: Span }, kind: Kind, scope: Scope): void {
    const { text, span } = name;
    if (text === "_") return;
    const before = scope.find(text) ?? this.#topLevel(text);
    if (this.#mended.has(span.start)) return;
    if (before && before.span !== span)
      report(this.#bag, "E0225", { name: text, kind: before.kind }, span, {
        related: [{ span: before.span, label: "the first one" }],
      });
    scope.set({ name: text, kind, span, used: before?.used ?? false });
  }
  #topLevel(name: string): { readonly kind: string; readonly span: Span; readonly used: boolean } | undefined {
    const declaration = this.#file.declarations.get(name);
    return declaration && { kind: declaration.kind, span: declaration.name.span, used: true };
  }
  #target(target: Target, kind: Kind, scope: Scope): void {
    if (target.kind === "name") this.#bind(target, kind, scope);
    else for (const member of target.members) this.#target(member, kind, scope);
  }
  /** Names of one place, such as the fields of a section: the second of two equal ones would replace the first unseen. */
  #distinct(names: readonly { readonly text: string; readonly span: Span }[]): void {
    const first = new Map<string, Span>();
    for (const { text, span } of names) {
      const before = first.get(text);
      if (before === undefined) first.set(text, span);
      else report(this.#bag, "E0214", { name: text }, span, { related: [{ span: before, label: "the first one" }] });
    }
  }
  #unused(scope: Scope): void {
    if (this.#unreadable) return;
    for (const local of scope.locals) {
      // whether a part of a model reaches an output is asked where it is evaluated
      if (!local.used && local.kind !== "part" && !local.name.startsWith("_"))
        report(this.#bag, "E0701", { name: local.name, kind: local.kind }, local.span);
    }
  }
  #use(name: string, scope: Scope): void {
    const local = scope.find(name);
    if (local === undefined) return;
    local.used = true;
    if (local.kind === "import") this.#read.add(name);
  }

  #declaration(
    lists: readonly (readonly Param[])[],
    result: TypeNode | undefined,
    where: readonly Expr[],
    body: Body,
  ): void {
    const scope = new Scope(this.#imports);
    for (const param of lists.flat()) this.#bind(param.name, "parameter", scope);
    for (const param of lists.flat()) {
      this.#type(param.type, scope);
      if (param.default) this.#expr(param.default, scope);
    }
    this.#type(result, scope);
    for (const condition of where) this.#expr(condition, scope);
    this.#body(body, scope);
    this.#unused(scope);
  }

  #body(body: Body, outer: Scope): void {
    this.#unused(this.#lines(body, outer));
  }
  /** A body whose lets may be read from outside, as those of a branch are (`global.*.b2`). */
  #lines(body: Body, outer: Scope): Scope {
    const scope = new Scope(outer);
    for (const line of body.lines) this.#line(line, scope);
    this.#expr(body.result, scope);
    return scope;
  }
  #line(line: Line, scope: Scope): void {
    switch (line.kind) {
      case "let":
        this.#type(line.type, scope);
        this.#expr(line.value, scope);
        this.#target(line.target, "let", scope);
        return;
      case "shared":
        this.#expr(line.value, scope);
        this.#bind(line.name, "shared block", scope);
        return;
      case "param":
      case "state":
        this.#type(line.type, scope);
        this.#expr(line.value, scope);
        this.#bind(line.name, line.kind, scope);
        return;
      case "update":
        this.#use(line.name.text, scope);
        this.#expr(line.value, scope);
        return;
      case "assert":
        this.#expr(line.condition, scope);
    }
  }

  /** The weights of a part begin with its name, and what optimizers keep begins with `optimizer`. */
  #refuseTaken(item: Item): void {
    const owns = ["shared", "param", "state", "regions", "branch", "head"].includes(item.kind);
    const name = item.kind === "let" ? item.target : owns && "name" in item ? item.name : undefined;
    if (name === undefined || !("text" in name) || name.text !== "optimizer") return;
    const args = { word: name.text, help: "another name, such as `optimizer1`", taken: "what optimizers keep" };
    report(this.#bag, "E0106", args, name.span);
  }

  #model(model: ModelDecl): void {
    const scope = new Scope(this.#imports);
    for (const param of model.params) this.#bind(param.name, "parameter", scope);
    for (const param of model.params) {
      this.#type(param.type, scope);
      if (param.default) this.#expr(param.default, scope);
    }
    // parts may stand in any order: bind them all, then read
    for (const item of model.items) {
      switch (item.kind) {
        case "input":
        case "target":
          this.#bind(item.name, item.kind, scope);
          break;
        case "regions":
        case "branch":
          this.#bind(item.name, "part", scope);
          break;
        case "let":
          this.#target(item.target, "part", scope);
          break;
        case "shared":
          this.#bind(item.name, "shared block", scope);
          break;
        case "param":
        case "state":
          this.#bind(item.name, item.kind, scope);
          break;
        default:
      }
    }
    for (const item of model.items) this.#refuseTaken(item);
    this.#distinct(model.items.flatMap((item) => (item.kind === "head" ? [item.name] : [])));
    for (const item of model.items) {
      switch (item.kind) {
        case "loss":
        case "predict":
        case "metric":
          report(this.#bag, "E0411", { kind: item.kind }, item.span);
          this.#expr(item.value, scope);
          break;
        case "let":
        case "param":
        case "state":
          this.#type(item.type, scope);
          this.#expr(item.value, scope);
          break;
        case "shared":
          this.#expr(item.value, scope);
          break;
        case "update":
          this.#use(item.name.text, scope);
          this.#expr(item.value, scope);
          break;
        case "assert":
          this.#expr(item.condition, scope);
          break;
        case "dim":
          this.#expr(item.range, scope);
          break;
        case "input":
        case "target":
          this.#type(item.type, scope);
          break;
        case "regions":
          this.#expr(item.of, scope);
          this.#type(item.type, scope);
          this.#distinct(item.fields.map((field) => field.name));
          for (const field of item.fields) this.#expr(field.value, scope);
          break;
        case "branch":
          this.#for(item.for, scope, (inner) => {
            this.#lines(item.body, inner);
          });
          if (item.fuse) this.#expr(item.fuse, scope);
          break;
        case "head": {
          const lines = (outer: Scope): void => {
            this.#head(item.lines, outer);
          };
          if (item.for) this.#for(item.for, scope, lines);
          else lines(scope);
          break;
        }
        case "train":
          this.#distinct(item.lines.flatMap((line) => (line.kind === "field" ? [line.name] : [])));
          this.#distinct(item.lines.flatMap((line) => (line.kind === "step" ? [line.name] : [])));
          for (const line of item.lines) {
            const optimize = line.kind === "optimize" ? [line] : line.kind === "step" ? line.lines : [];
            if (line.kind === "field") this.#expr(line.value, scope);
            for (const { by, at } of optimize) [by, at].forEach((e) => this.#expr(e, scope));
          }
          break;
        case "data":
          this.#distinct(item.fields.map((field) => field.name));
          for (const field of item.fields) {
            this.#use(field.name.text, scope);
            this.#expr(field.value, scope);
          }
          break;
        case "pretrained":
          for (const rule of item.rules) if (rule.kind === "map") this.#expr(rule.value, scope);
          break;
        default:
      }
    }
    this.#unused(scope);
  }
  #head(lines: readonly (Line | OutputItem)[], outer: Scope): void {
    const scope = new Scope(outer);
    this.#distinct(
      lines.flatMap((line) =>
        line.kind === "loss" || line.kind === "predict" || line.kind === "metric"
          ? [line.name ?? { text: "loss", span: line.span }]
          : [],
      ),
    );
    for (const line of lines) {
      if ("type" in line || line.kind === "shared" || line.kind === "update" || line.kind === "assert")
        this.#line(line, scope);
      else this.#expr(line.value, scope);
    }
    this.#unused(scope);
  }
  #variant(variant: VariantDecl): void {
    for (const edit of variant.edits) {
      if (edit.kind === "set") this.#expr(edit.value, this.#imports);
      if (edit.kind !== "add") continue;
      const { item } = edit;
      const scope = new Scope(this.#imports);
      if (
        item.kind === "field" ||
        item.kind === "loss" ||
        item.kind === "predict" ||
        item.kind === "metric" ||
        item.kind === "map"
      )
        this.#expr(item.value, scope);
      else if (item.kind === "optimize") [item.by, item.at].forEach((e) => this.#expr(e, scope));
      else if (
        item.kind === "let" ||
        item.kind === "shared" ||
        item.kind === "param" ||
        item.kind === "state" ||
        item.kind === "update" ||
        item.kind === "assert"
      )
        this.#line(item, scope);
      else if (item.kind === "head") this.#head(item.lines, scope);
      else if (item.kind === "branch") {
        this.#for(item.for, scope, (inner) => {
          this.#lines(item.body, inner);
        });
        if (item.fuse) this.#expr(item.fuse, scope);
      } else if (item.kind === "regions") for (const field of item.fields) this.#expr(field.value, scope);
    }
    this.#use(variant.of.text, this.#imports);
  }

  #for(clause: ForClause, outer: Scope, read: (scope: Scope) => void): void {
    this.#expr(clause.in, outer);
    const scope = new Scope(outer);
    if (clause.key) this.#bind(clause.key, "loop name", scope);
    this.#target(clause.target, "loop name", scope);
    if (clause.if) this.#expr(clause.if, scope);
    read(scope);
    this.#unused(scope);
  }

  #type(type: TypeNode | undefined, scope: Scope): void {
    if (type === undefined) return;
    switch (type.kind) {
      case "tensor":
        this.#use(type.name.text, scope);
        for (const dim of type.dims ?? []) this.#dim(dim, scope);
        if (type.range) this.#expr(type.range, scope);
        return;
      case "list":
        this.#type(type.member, scope);
        if (type.range) this.#expr(type.range, scope);
        return;
      case "tuple":
        for (const member of type.members) this.#type(member, scope);
        return;
      case "block": {
        const inner = new Scope(scope);
        for (const param of type.lists.flat()) {
          inner.set({ name: param.name.text, kind: "parameter", span: param.name.span, used: true });
          this.#type(param.type, inner);
        }
        this.#type(type.result, inner);
        return;
      }
      default:
    }
  }
  #dim(dim: DimNode, scope: Scope): void {
    const expr = dim.kind === "any" ? undefined : dim.kind === "run" ? dim.of : dim.value;
    if (expr) this.#expr(expr, scope);
  }

  #expr(expr: Expr, scope: Scope): void {
    switch (expr.kind) {
      case "name":
        this.#use(expr.text, scope);
        return;
      case "map":
        this.#distinct(expr.entries.map((entry) => entry.key));
        for (const entry of expr.entries) this.#expr(entry.value, scope);
        return;
      case "comprehension":
        this.#for(expr.for, scope, (inner) => this.#expr(expr.member, inner));
        return;
      case "fold": {
        this.#expr(expr.start, scope);
        this.#for(expr.for, scope, (inner) => {
          this.#type(expr.type, inner); // the invariant may name the round
          const state = new Scope(inner);
          this.#target(expr.target, "loop name", state);
          this.#body(expr.body, state);
        });
        return;
      }
      case "block": {
        const inner = new Scope(scope);
        for (const param of expr.params) {
          this.#bind(param.name, "parameter", inner);
          this.#type(param.type, inner);
        }
        this.#body(expr.body, inner);
        this.#unused(inner);
        return;
      }
      default:
        for (const child of childrenOf(expr)) this.#expr(child, scope);
    }
  }
}

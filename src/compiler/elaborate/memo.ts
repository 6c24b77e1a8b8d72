/**
 * What checks of one program after another share. An editor checks a file at every keystroke, and most of it is what it was:
 * trees of unchanged text stay, and what was found out about a tree holds for as long as what it read is the same. Only what
 * left no mistake is kept, and what the last checks did not use is let go.
 */
import type { DiagnosticBag } from "../diagnostics/diagnostic.ts";
import type { FileScope, Named } from "../resolve/modules.ts";
import type { SourceFile } from "../source/source.ts";
import type { FileNode } from "../syntax/ast.ts";
import { Reader } from "../syntax/reread.ts";
import type { PerUse } from "./context.ts";
import type { Step } from "./recall.ts";
import type { Outlined } from "./templates.ts";

/** Numbers for the objects of a key. */
export class Ids {
  readonly #ids = new WeakMap<object, number>();
  #next = 0;

  of(object: object): number {
    const known = this.#ids.get(object);
    if (known !== undefined) return known;
    this.#ids.set(object, this.#next);
    return this.#next++;
  }
}

/** Entries that a check neither made nor used go, once they are more than the others. */
class Kept<T> {
  readonly #entries = new Map<string, { readonly value: T; used: number }>();
  #check = 0;
  #used = 0;

  get size(): number {
    return this.#entries.size;
  }
  get(key: string): T | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.used !== this.#check) this.#used++;
    entry.used = this.#check;
    return entry.value;
  }
  set(key: string, value: T): T {
    this.#used++;
    this.#entries.set(key, { value, used: this.#check });
    return value;
  }
  endCheck(): void {
    if (this.#entries.size > 2 * this.#used + 100)
      for (const [key, { used }] of this.#entries) if (used !== this.#check) this.#entries.delete(key);
    this.#check++;
    this.#used = 0;
  }
}

export class CheckMemo {
  readonly ids = new Ids();
  /** Applications of blocks, by what tells them apart (`templates.ts`). */
  readonly applications = new Kept<Outlined>();
  /** Parts of models (`recall.ts`). */
  readonly steps = new Kept<Step>();
  /** Declarations without a mistake, and what they leave to their uses (`generic.ts`). */
  readonly declarations = new Kept<readonly PerUse[]>();
  readonly #meanings = new Kept<object>();
  readonly #readers = new Kept<Reader>();
  readonly #namesOf = new WeakMap<Named, readonly string[]>();
  /** In this check; undefined while the declaration is looked at. */
  readonly #stamps = new Map<Named, number | undefined>();

  /** How many things it holds. */
  get size(): number {
    const { applications, steps, declarations } = this;
    return [applications, steps, declarations, this.#meanings, this.#readers].reduce((sum, { size }) => sum + size, 0);
  }
  endCheck(): void {
    for (const kept of [this.applications, this.steps, this.declarations, this.#meanings, this.#readers])
      kept.endCheck();
    this.#stamps.clear();
  }

  parse(file: SourceFile, bag: DiagnosticBag): FileNode {
    const reader = this.#readers.get(file.name) ?? this.#readers.set(file.name, new Reader());
    return reader.read(file, bag);
  }

  /** The same number for the same declaration, as long as everything that it names, however deep, is the same. */
  stampOf(declaration: Named, scope: FileScope): number {
    // the library names only itself
    if (scope.file.name.startsWith("std:")) return this.ids.of(declaration);
    if (this.#stamps.has(declaration)) return this.#stamps.get(declaration) ?? this.ids.of({});
    this.#stamps.set(declaration, undefined);
    const meanings = this.#names(declaration).map((name) => {
      if (scope.broken.has(name)) return "!";
      const named = scope.lookup(name);
      return named === undefined || named.declaration === declaration
        ? ""
        : String(this.stampOf(named.declaration, named.scope));
    });
    const key = `${String(this.ids.of(declaration))}:${meanings.join()}`;
    const stamp = this.ids.of(this.#meanings.get(key) ?? this.#meanings.set(key, {}));
    this.#stamps.set(declaration, stamp);
    return stamp;
  }
  /** Every word of the declaration that may be a name. */
  #names(declaration: Named): readonly string[] {
    const known = this.#namesOf.get(declaration);
    if (known) return known;
    const names = new Set<string>();
    const visit = (node: unknown): void => {
      if (Array.isArray(node)) node.forEach(visit);
      else if (typeof node === "object" && node !== null) {
        if ("text" in node && typeof node.text === "string") names.add(node.text);
        for (const [key, child] of Object.entries(node)) if (!/span$/i.test(key)) visit(child);
      }
    };
    visit(declaration);
    this.#namesOf.set(declaration, [...names]);
    return [...names];
  }
}

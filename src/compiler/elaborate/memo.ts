/**
 * What checks of one program after another share. An editor checks a file at every keystroke, and most of it is what it was:
 * trees of unchanged text stay, and what was found out about a tree holds for as long as what it read is the same. Only what
 * left no mistake is kept, and what the last checks did not use is let go.
 */
import type { DiagnosticBag } from "../diagnostics/diagnostic.ts";
import { KnownTrees } from "../resolve/known.ts";
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

/** How often something is evaluated again before what its evaluations no longer use goes. */
const patience = 16;

/** Who evaluates: a model, a declaration, or the check as a whole. */
interface Owner {
  /** How often it did. */
  turns: number;
  /** The check that saw it last. */
  seen: number;
}
interface Entry<T> {
  readonly value: T;
  owner: Owner;
  turn: number;
}

/** Entries stay while their owners use them; who is not evaluated, because nothing changed, loses nothing. */
class Kept<T> {
  readonly #entries = new Map<string, Entry<T>>();
  readonly #owner: () => Owner;

  constructor(owner: () => Owner) {
    this.#owner = owner;
  }
  get size(): number {
    return this.#entries.size;
  }
  get(key: string): T | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    entry.owner = this.#owner();
    entry.turn = entry.owner.turns;
    return entry.value;
  }
  set(key: string, value: T): T {
    const owner = this.#owner();
    this.#entries.set(key, { value, owner, turn: owner.turns });
    return value;
  }
  /** Lets go what was not used for long. */
  sweep(check: number): void {
    for (const [key, { owner, turn }] of this.#entries)
      if (owner.turns - turn > patience || check - owner.seen > patience) this.#entries.delete(key);
  }
}

export class CheckMemo {
  readonly ids = new Ids();
  /** Applications of blocks, by what tells them apart (`templates.ts`). */
  readonly applications = new Kept<Outlined>(() => this.#owner);
  /** Parts of models (`recall.ts`). */
  readonly steps = new Kept<Step>(() => this.#owner);
  /** Declarations without a mistake, and what they leave to their uses (`generic.ts`). */
  readonly declarations = new Kept<readonly PerUse[]>(() => this.#whole);
  /** What is known of trees by themselves. */
  readonly trees = new KnownTrees();
  /** Models and variants without a mistake, and whether that was found where there were others. */
  readonly #clean = new Kept<true>(() => this.#whole);
  readonly #meanings = new Kept<object>(() => this.#whole);
  readonly #readers = new Kept<Reader>(() => this.#whole);
  readonly #whole: Owner = { turns: 0, seen: 0 };
  readonly #owners = new Map<string, Owner>();
  #owner = this.#whole;
  readonly #namesOf = new WeakMap<Named, readonly string[]>();
  readonly #wordsOf = new WeakMap<object, readonly string[]>();
  /** In this check; undefined while the declaration is looked at. */
  readonly #stamps = new Map<Named, number | undefined>();

  /** How many things it holds. */
  get size(): number {
    return this.#kept().reduce((sum, { size }) => sum + size, 0);
  }
  endCheck(): void {
    const check = ++this.#whole.turns;
    this.#whole.seen = check;
    this.#stamps.clear();
    if (check % patience > 0) return;
    for (const kept of this.#kept()) kept.sweep(check);
    for (const [name, { seen }] of this.#owners) if (check - seen > patience) this.#owners.delete(name);
  }
  /** What is asked and kept in `evaluate` belongs to this declaration. */
  evaluating(declaration: Named, evaluate: () => void): void {
    this.#owner = this.#ownerOf(declaration);
    this.#owner.turns++;
    try {
      evaluate();
    } finally {
      this.#owner = this.#whole;
    }
  }
  #ownerOf({ kind, name }: Named): Owner {
    const key = `${kind} ${name.text}`;
    const owner = this.#owners.get(key) ?? { turns: 0, seen: 0 };
    this.#owners.set(key, owner);
    owner.seen = this.#whole.turns;
    return owner;
  }
  #kept(): readonly Kept<unknown>[] {
    const { applications, steps, declarations } = this;
    return [applications, steps, declarations, this.#clean, this.#meanings, this.#readers];
  }

  /** Evaluates a model, unless it was evaluated as it is and nothing was told of it. */
  evaluateModel(model: Named, scope: FileScope, bag: DiagnosticBag, evaluate: () => void): void {
    const stamp = String(this.stampOf(model, scope));
    // beside mistakes less is looked at
    const beside = bag.hasErrors ? `${stamp} beside mistakes` : stamp;
    if (this.#clean.get(stamp) ?? this.#clean.get(beside)) return;
    const before = bag.told;
    this.evaluating(model, evaluate);
    if (bag.told === before) this.#clean.set(beside, true);
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
    this.#ownerOf(declaration);
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
    // an edit leaves nearly all items of a model as they are
    const { items, ...rest } = declaration.kind === "model" ? declaration : { ...declaration, items: [] };
    const names = new Set(wordsIn(rest));
    for (const item of items) {
      const words = this.#wordsOf.get(item) ?? wordsIn(item);
      this.#wordsOf.set(item, words);
      for (const word of words) names.add(word);
    }
    this.#namesOf.set(declaration, [...names]);
    return [...names];
  }
}

/** Every word in a tree that may be a name. */
function wordsIn(tree: object): readonly string[] {
  const words = new Set<string>();
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) node.forEach(visit);
    else if (typeof node === "object" && node !== null) {
      if ("text" in node && typeof node.text === "string") words.add(node.text);
      for (const [key, child] of Object.entries(node)) if (!/span$/i.test(key)) visit(child);
    }
  };
  visit(tree);
  return [...words];
}

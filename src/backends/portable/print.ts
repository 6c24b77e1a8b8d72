/**
 * Lays out statements as a function that a person can read: what is read once and short stands inside its reader, a
 * part of the model is a block of its own whose intermediate tensors are freed at its end, and each result is freed after
 * its last reader. Names come from the paths of the model.
 */
import { type Code, identifier, key, type Ref, refsIn, type Statement, substitute, textOf } from "./code.ts";

export interface NamedCode {
  readonly name: string;
  readonly code: Code;
}

/** A part of the model: statements one after another under one path. */
interface Block {
  readonly path: string;
  readonly statements: readonly Statement[];
}

/** Parts with more statements are laid out as their own parts. */
const MOST_STATEMENTS = 24;
/** Longer lines are not made by putting one statement into another. */
const LINE = 90;
const LONGEST_LINE = 110;
/** What a name is thought to take, before it has one. */
const GUESSED_NAME = 12;

/** The lines of a function's body, from the first statement to the return of `outputs`. `taken`: names in use. */
export function printBody(all: readonly Statement[], outputs: readonly NamedCode[], taken: Iterable<string>): string[] {
  const used = withoutUnused(all, outputs);
  const outward = new Set(outputs.flatMap(({ code }) => refsIn(code)));
  const blocks = blocksOf(used, 0).map(({ path, statements }) => ({
    path,
    statements: inlined(statements, used, outward),
  }));
  const names = new Names(taken);
  const printed = blocks.map((block, i) => {
    const own = new Set(block.statements.flatMap(({ results }) => results));
    const later = blocks.slice(i + 1).flatMap(({ statements }) => statements.flatMap(({ code }) => refsIn(code)));
    const exported = [...new Set([...outward, ...later])].filter((ref) => own.has(ref));
    return printBlock(block, exported, names);
  });
  const lines: string[] = [];
  const freed = lastReaders(blocks, outward);
  blocks.forEach((_, i) => {
    lines.push("", ...(printed[i] ?? []));
    const dead = (freed.get(i) ?? []).map((ref) => names.of(ref));
    if (dead.length > 0) lines.push(...wrapped("tf.dispose([", dead, "]);"));
  });
  const results = outputs.map(({ name, code }) => {
    const text = textOf(code, (ref) => names.of(ref));
    return key(name) === text ? text : `${key(name)}: ${text}`;
  });
  return [...lines.slice(1), "", ...wrapped("return { ", results, " };")];
}

function withoutUnused(all: readonly Statement[], outputs: readonly NamedCode[]): readonly Statement[] {
  const needed = new Set(outputs.flatMap(({ code }) => refsIn(code)));
  const kept: Statement[] = [];
  for (const statement of all.toReversed()) {
    if (!statement.results.some((ref) => needed.has(ref))) continue;
    kept.push(statement);
    for (const ref of refsIn(statement.code)) needed.add(ref);
  }
  return kept.reverse();
}

function blocksOf(statements: readonly Statement[], depth: number): readonly Block[] {
  const runs: Statement[][] = [];
  let before: string | undefined;
  for (const statement of statements) {
    const word = statement.path
      .split(".")
      .slice(0, depth + 1)
      .join(".");
    if (word !== before) runs.push([]);
    runs.at(-1)?.push(statement);
    before = word;
  }
  return runs.flatMap((run): readonly Block[] => {
    const path =
      run[0]?.path
        .split(".")
        .slice(0, depth + 1)
        .join(".") ?? "";
    const deeper = run.some((statement) => statement.path.split(".").length > depth + 1);
    return run.length > MOST_STATEMENTS && deeper ? blocksOf(run, depth + 1) : [{ path, statements: run }];
  });
}

/** Statements whose one result is read once, by a statement of the same block, stand in their reader if it stays short. */
function inlined(
  block: readonly Statement[],
  all: readonly Statement[],
  outward: ReadonlySet<Ref>,
): readonly Statement[] {
  const uses = new Map<Ref, number>();
  for (const { code } of all) for (const ref of refsIn(code)) uses.set(ref, (uses.get(ref) ?? 0) + 1);
  const moved = new Map<Ref, Code>();
  const open = new Map<Ref, Code>();
  const rewritten = block.map((statement) => {
    let { code } = statement;
    for (const ref of refsIn(code)) {
      const inner = open.get(ref);
      if (inner === undefined) continue;
      const longer = substitute(code, new Map([[ref, inner]]));
      if (lengthOf(longer) > LINE) continue;
      code = longer;
      moved.set(ref, inner);
    }
    const [only] = statement.results;
    if (statement.results.length === 1 && only && uses.get(only) === 1 && !outward.has(only)) open.set(only, code);
    return { ...statement, code };
  });
  return rewritten.filter(({ results }) => !results.some((ref) => moved.has(ref)));
}
function lengthOf(code: Code): number {
  return code.reduce((sum, piece) => sum + (typeof piece === "string" ? piece.length : GUESSED_NAME), 0);
}

/** For each block the results that no later one reads, among those that leave their block. */
function lastReaders(blocks: readonly Block[], outward: ReadonlySet<Ref>): ReadonlyMap<number, readonly Ref[]> {
  const madeIn = new Map<Ref, number>();
  const readIn = new Map<Ref, number>();
  blocks.forEach(({ statements }, i) => {
    for (const { results, code } of statements) {
      for (const ref of results) madeIn.set(ref, i);
      for (const ref of refsIn(code)) if (madeIn.get(ref) !== i) readIn.set(ref, i);
    }
  });
  const freed = new Map<number, Ref[]>();
  for (const [ref, i] of readIn) if (!outward.has(ref)) freed.set(i, [...(freed.get(i) ?? []), ref]);
  return freed;
}

function printBlock({ path, statements }: Block, exported: readonly Ref[], names: Names): string[] {
  const line = statements.find((s) => s.line !== undefined && !s.line.startsWith("std:"))?.line ?? statements[0]?.line;
  const title = [path, line].filter((text) => text !== undefined && text !== "").join("  ");
  const head = title === "" ? [] : [`// ${title}`];
  if (statements.length === 1 || path === "") {
    // Results stand in the function itself.
    return [
      ...head,
      ...statements.flatMap((statement) => printStatement(statement, names, nameIn(statement, statements, path, true))),
    ];
  }
  const inner = names.inside();
  const nameOf = (ref: Ref): string => inner.of(ref);
  const [last] = statements.slice(-1);
  const [only, ...more] = exported;
  const direct = more.length === 0 && only !== undefined && last?.results[0] === only && last.results.length === 1;
  const body = (direct ? statements.slice(0, -1) : statements).flatMap((statement) =>
    printStatement(statement, inner, nameIn(statement, statements, path, false)),
  );
  const results = exported.map((ref) => (direct ? "" : nameOf(ref)));
  if (direct) body.push(...printCall("return ", textOf(last.code, nameOf)));
  else body.push(`return ${more.length === 0 ? results.join("") : `[${results.join(", ")}]`};`);
  const outer = exported.map((ref, i) => names.give(ref, more.length === 0 ? path : `${path}.${results[i] ?? ""}`));
  const start = more.length === 0 ? [`const ${outer.join("")} = `] : wrapped("const [", outer, "] = ");
  return [
    ...head,
    ...start.slice(0, -1),
    `${start.at(-1) ?? ""}tf.tidy(() => {`,
    ...body.map((text) => `  ${text}`),
    "});",
  ];
}

function printStatement({ results, code }: Statement, names: Names, wanted: string): string[] {
  const text = textOf(code, (ref) => names.of(ref));
  const given = results.map((ref) => names.give(ref, results.length === 1 ? wanted : `${wanted}_${ref.hint}`));
  const start = given.length === 1 ? given.join("") : `[${given.join(", ")}]`;
  return printCall(`const ${start} = `, text);
}
/** A call on one line, or with an argument a line where that is long. */
function printCall(start: string, text: string): string[] {
  const open = text.indexOf("(");
  if (start.length + text.length <= LONGEST_LINE || !text.endsWith(")") || open < 0) return [`${start}${text};`];
  const inside = text.slice(open + 1, -1);
  const members: string[] = [];
  let [depth, from] = [0, 0];
  for (let at = 0; at <= inside.length; at++) {
    const char = inside.charAt(at);
    if (/[([{]/.test(char)) depth++;
    if (/[)\]}]/.test(char)) depth--;
    if ((char !== "," && at < inside.length) || depth > 0) continue;
    members.push(inside.slice(from, at));
    from = at + 1;
  }
  return [`${start}${text.slice(0, open + 1)}`, ...members.map((member) => `  ${member.trim()},`), ");"];
}

/** What a statement's result is called inside its block: the layer, and the operator where the layer has several. */
function nameIn(statement: Statement, block: readonly Statement[], path: string, whole: boolean): string {
  const hint = statement.results[0]?.hint ?? "value";
  const alone = block.filter((other) => other.path === statement.path).length === 1;
  const rest = whole ? statement.path : statement.path.slice(path.length).replace(/^\./, "");
  const layer = /^[0-9]/.test(rest) ? `${path.split(".").at(-1) ?? ""}.${rest}` : rest;
  if (layer === "") return hint;
  return alone ? layer : `${layer}.${hint}`;
}

/** What results are called in a function, or in a block of it that sees the function's names, too. */
class Names {
  readonly #taken: Set<string>;
  readonly #names: Map<Ref, string>;

  constructor(taken: Iterable<string>, names: Iterable<readonly [Ref, string]> = []) {
    this.#taken = new Set(taken);
    this.#names = new Map(names);
  }
  inside(): Names {
    return new Names(this.#taken, this.#names);
  }
  of(ref: Ref): string {
    const name = this.#names.get(ref);
    if (name === undefined) throw new Error(`a ${ref.hint} is read before it is made`);
    return name;
  }
  give(ref: Ref, wanted: string): string {
    const base = identifier(wanted);
    let name = base;
    for (let i = 2; this.#taken.has(name); i++) name = `${base}_${String(i)}`;
    this.#taken.add(name);
    this.#names.set(ref, name);
    return name;
  }
}

/** Members between brackets on one line, or a line each. */
function wrapped(open: string, members: readonly string[], close: string): string[] {
  const flat = `${open}${members.join(", ")}${close}`;
  if (flat.length <= LINE) return [flat];
  return [open.trimEnd(), ...members.map((member) => `  ${member},`), close.trimStart()];
}

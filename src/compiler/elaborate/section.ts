/**
 * A section of a model whose lines may be read in any order: the model itself, a sub-network of a branch, a head. Lines are
 * evaluated when first read; a cycle is an error.
 */
import type { Related } from "../diagnostics/diagnostic.ts";
import { spanText } from "../source/source.ts";
import type { Expr } from "../syntax/ast.ts";
import { bindTarget, evaluateLet, evaluateLine, nameOf } from "./bodies.ts";
import { type Environment, extend } from "./environment.ts";
import type { Evaluator } from "./evaluator.ts";
import { boundNames, type PartExpr, type PartLine, targetNames, withValue } from "./plan.ts";
import { recall } from "./recall.ts";
import { unknown, type Val } from "./values.ts";

/** How many lines may be evaluated inside one another: far from where the stack of an engine ends. */
const deepest = 40;

export class Section {
  readonly #evaluator: Evaluator;
  readonly #lines: readonly PartLine[];
  readonly #lineOf = new Map<string, PartLine>();
  /** The environment of a part of this section: its own names first, then the file the part was written in. */
  readonly #environment: (part: PartExpr, section: Section) => Environment;
  readonly #values = new Map<string, Val>();
  readonly #done = new Set<PartLine>();
  readonly #open = new Set<PartLine>();
  readonly #pending: (() => void)[] = [];

  constructor(
    evaluator: Evaluator,
    lines: readonly PartLine[],
    environment: (part: PartExpr, section: Section) => Environment,
  ) {
    this.#evaluator = evaluator;
    this.#lines = lines;
    for (const line of lines)
      for (const name of boundNames(line.line)) if (!this.#lineOf.has(name)) this.#lineOf.set(name, line);
    this.#environment = environment;
  }

  /** What was read so far, by name. */
  get evaluated(): ReadonlyMap<string, Val> {
    return this.#values;
  }
  lookup(name: string): Val | undefined {
    const known = this.#values.get(name);
    if (known) return known;
    const line = this.#lineOf.get(name);
    if (line === undefined) return undefined;
    this.#run(line);
    return this.#values.get(name) ?? unknown;
  }
  *names(): Iterable<string> {
    for (const { line } of this.#lines) yield* boundNames(line);
  }
  /** Evaluates every line that was not read, so that all are checked. */
  force(): void {
    for (const line of this.#lines) if (!this.#isRepeated(line)) this.#run(line);
  }
  /** A second line of one name, which nothing can read: the first one is what the name is. */
  #isRepeated(line: PartLine): boolean {
    const [name] = line.line.kind === "update" ? [] : boundNames(line.line);
    return name !== undefined && name !== "_" && this.#lineOf.get(name) !== line;
  }
  /** Applies the section's updates; call once everything that reads its states was evaluated. */
  finish(): void {
    for (const line of this.#lines) if (line.line.kind === "update" || line.line.kind === "assert") this.#run(line);
    for (const update of this.#pending.splice(0)) update();
  }

  #run(part: PartLine): void {
    if (this.#done.has(part)) return;
    if (this.#open.has(part)) {
      this.#reportCycle(part);
      return;
    }
    this.#open.add(part);
    if (this.#open.size > deepest) this.#runNeeded(part);
    const outer = this.#environment(part.value, this);
    const [name] = boundNames(part.line);
    const env = outer.reader === undefined && name !== undefined ? { ...outer, reader: name } : outer;
    const line = withValue(part.line, part.value.expr);
    const locals = new Map<string, Val>();
    if (line.kind === "let" && part.value.base === undefined) {
      const { target, type, value } = line;
      const site = { line: part.line, expr: value, name: nameOf(target) };
      const made = recall(this.#evaluator, site, env, (own) => evaluateLet(this.#evaluator, target, type, value, own));
      bindTarget(this.#evaluator, target, made, locals);
    } else evaluateLine(this.#evaluator, line, env, locals, this.#pending);
    if (line.kind === "let")
      for (const name of targetNames(line.target)) this.#values.set(name, locals.get(name) ?? unknown);
    for (const [name, value] of locals) this.#values.set(name, value);
    this.#open.delete(part);
    this.#done.add(part);
  }
  /** Evaluates what a line at the end of a long chain reads, nearest to the inputs first. */
  #runNeeded(part: PartLine): void {
    const waiting = [part];
    const seen = new Set(waiting);
    for (let last = waiting.at(-1); last !== undefined; last = waiting.at(-1)) {
      const before = waiting.length;
      for (const name of namesRead(last.value.expr)) {
        const line = this.#lineOf.get(name);
        if (line === undefined || this.#done.has(line) || this.#open.has(line) || seen.has(line)) continue;
        seen.add(line);
        waiting.push(line);
      }
      if (waiting.length > before) continue;
      waiting.pop();
      if (last !== part) this.#run(last);
    }
  }
  #reportCycle(part: PartLine): void {
    const open = [...this.#open];
    const circle = open.slice(open.indexOf(part));
    const [own, ...others] = circle.map((p, i) => reading(p, circle[(i + 1) % circle.length] ?? p));
    const names = circle.flatMap((p) => boundNames(p.line));
    this.#evaluator.context.report("E0219", { names, reads: own?.label ?? "" }, own?.span ?? part.line.span, {
      related: others,
    });
    for (const name of boundNames(part.line)) this.#values.set(name, unknown);
  }
}

/** Where a line reads a name of another one. */
function reading(part: PartLine, other: PartLine): Related {
  const { expr } = part.value;
  const [own = "", ...more] = boundNames(part.line);
  for (const name of boundNames(other.line)) {
    const at = spanText(expr.span).search(new RegExp(`(?<![\\w.])${name}\\b(?!\\s*:)`));
    if (at === -1) continue;
    const start = expr.span.start + at;
    const label = more.length > 0 ? "" : own === name ? "reads itself" : `\`${own}\` reads \`${name}\``;
    return { span: { ...expr.span, start, end: start + name.length }, label };
  }
  return { span: part.line.span, label: "" };
}

/** An environment over a section. */
export function sectionEnvironment(
  outer: Environment,
  section: Section,
  locals: ReadonlyMap<string, Val>,
): Environment {
  return {
    ...extend(outer, locals),
    lookup: (name) => locals.get(name) ?? section.lookup(name) ?? outer.lookup(name),
    *names() {
      yield* locals.keys();
      yield* section.names();
      yield* outer.names();
    },
  };
}

/** Names that an expression reads whenever it is evaluated. */
function namesRead(expr: Expr): readonly string[] {
  switch (expr.kind) {
    case "name":
      return [expr.text];
    case "binary":
      return [...namesRead(expr.left), ...namesRead(expr.right)];
    case "pipe":
      return namesRead(expr.input);
    case "label":
    case "unary":
    case "index":
    case "member":
    case "star":
    case "pick":
      return namesRead(expr.of);
    case "call":
      return expr.args.flatMap((a) => namesRead(a.value));
    case "tuple":
      return expr.members.flatMap(namesRead);
    case "list":
      return expr.members.flatMap((m) => namesRead(m.value));
    case "map":
      return expr.entries.flatMap((e) => namesRead(e.value));
    case "fold":
      return namesRead(expr.start);
    default:
      return [];
  }
}

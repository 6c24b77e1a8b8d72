/**
 * Pieces of JavaScript in the making: text in which results of other statements stand as references, so that their names,
 * and whether a statement stands alone or inside its reader, are chosen when all is known. Knows no operator.
 */

/** The result of a statement. */
export class Ref {
  /** What to call it where its place in the model says nothing. */
  readonly hint: string;
  constructor(hint: string) {
    this.hint = hint;
  }
}
/** An expression. */
export type Code = readonly (string | Ref)[];
/** What may stand in an expression; lists become array literals. */
export type Part = string | number | boolean | Ref | Code | PartList;
export interface PartList {
  readonly list: readonly Part[];
}

export function listOf(parts: readonly Part[]): PartList {
  return { list: parts };
}

export function codeOf(part: Part): Code {
  if (part instanceof Ref) return [part];
  if (typeof part !== "object") return [String(part)];
  if (!("list" in part)) return part;
  return ["[", ...part.list.flatMap((member, i) => (i === 0 ? codeOf(member) : [", ", ...codeOf(member)])), "]"];
}

/** An expression from a template. */
export function js(texts: TemplateStringsArray, ...parts: readonly Part[]): Code {
  return texts.flatMap((text, i) => {
    const part = parts[i];
    return part === undefined ? [text] : [text, ...codeOf(part)];
  });
}

export interface Statement {
  /** Several where the expression gives a list. */
  readonly results: readonly Ref[];
  readonly code: Code;
  /** Where in the model it stands, and the line of the program that says so. */
  readonly path: string;
  readonly line: string | undefined;
}

export function refsIn(code: Code): readonly Ref[] {
  return code.filter((piece) => piece instanceof Ref);
}
export function substitute(code: Code, by: ReadonlyMap<Ref, Code>): Code {
  return code.flatMap((piece) => (typeof piece === "string" ? [piece] : (by.get(piece) ?? [piece])));
}
export function textOf(code: Code, nameOf: (ref: Ref) => string): string {
  return code.map((piece) => (typeof piece === "string" ? piece : nameOf(piece))).join("");
}

/** A text as a JavaScript name. */
export function identifier(text: string): string {
  const clean = text.replace(/[^A-Za-z0-9_$]+/g, "_");
  return /^[0-9]/.test(clean) || reserved.has(clean) || clean === "" ? `_${clean}` : clean;
}
/** A property of an object by name. */
export function member(of: string, name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? `${of}.${name}` : `${of}[${JSON.stringify(name)}]`;
}
export function key(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}

const reserved: ReadonlySet<string> = new Set(
  (
    "arguments await break case catch class const continue debugger default delete do else enum eval export extends " +
    "false finally for function if implements import in instanceof interface let new null package private protected " +
    "public return static super switch this throw true try typeof undefined var void while with yield " +
    "Math Infinity NaN"
  ).split(" "),
);

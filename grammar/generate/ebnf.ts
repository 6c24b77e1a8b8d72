/** The grammar as EBNF, read off the parser's own rules, so that the page cannot disagree with the parser. */
import {
  Alternation,
  Alternative,
  NonTerminal,
  Option,
  Repetition,
  RepetitionMandatory,
  Terminal,
  type IProduction,
  type Rule,
  type TokenType,
} from "chevrotain";
import { marks, reservedWords, softWords, wordTokenName, type ReservedWord, type SoftWord } from "../tokens.ts";

const literals: ReadonlyMap<string, string> = new Map([
  ...Object.entries(marks),
  ...[...Object.keys(reservedWords), ...Object.keys(softWords)].map(
    (word) => [wordTokenName(word as ReservedWord | SoftWord), word] as const,
  ),
]);

export function ebnf(productions: Readonly<Record<string, Rule>>, start: string): string {
  const rules = inOrder(productions, start);
  const width = Math.max(...rules.map((rule) => rule.name.length));
  return rules.map((rule) => `${rule.name.padEnd(width)} = ${wrapped(sequence(rule.definition), width)} ;`).join("\n");
}

/** Each rule right before those that it is the first to use, so that the page reads from the outside in. */
function inOrder(productions: Readonly<Record<string, Rule>>, start: string): readonly Rule[] {
  const found = new Map<string, Rule>();
  const waiting = [start];
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    const rule = productions[name];
    if (rule === undefined || found.has(name)) continue;
    found.set(name, rule);
    waiting.unshift(...rule.definition.flatMap(usedRules));
  }
  return [...found.values()];
}

function usedRules(p: IProduction): readonly string[] {
  if (p instanceof NonTerminal) return [p.nonTerminalName];
  return "definition" in p && Array.isArray(p.definition) ? (p.definition as IProduction[]).flatMap(usedRules) : [];
}

/** Breaks a long alternation before `|`. */
function wrapped(text: string, width: number): string {
  const room = 116 - width;
  if (text.length <= room) return text;
  const lines: string[] = [];
  let line = "";
  for (const alternative of text.split(/ (?=\| )/)) {
    if (line !== "" && line.length + alternative.length + 1 > room) {
      lines.push(line);
      line = alternative;
    } else line = line === "" ? alternative : `${line} ${alternative}`;
  }
  return [...lines, line].join(`\n${" ".repeat(width + 1)}`);
}

function sequence(list: readonly IProduction[]): string {
  const single = list.length === 1;
  return list.map((p) => piece(p, single)).join(" ");
}

function piece(p: IProduction, alone: boolean): string {
  if (p instanceof Terminal) return terminal(p.terminalType);
  if (p instanceof NonTerminal) return p.nonTerminalName;
  if (p instanceof Alternation) {
    const text = p.definition.map((alternative) => piece(alternative, true)).join(" | ");
    return alone ? text : `( ${text} )`;
  }
  if (p instanceof Alternative) return sequence(p.definition);
  if (p instanceof Option) return `[ ${sequence(p.definition)} ]`;
  if (p instanceof Repetition) return `{ ${sequence(p.definition)} }`;
  if (p instanceof RepetitionMandatory) return `${sequence(p.definition)} { ${sequence(p.definition)} }`;
  throw new Error(`the grammar has a production of an unknown kind: ${p.constructor.name}`);
}

function terminal(type: TokenType): string {
  const literal = literals.get(type.name);
  return literal === undefined ? type.name : `"${literal}"`;
}

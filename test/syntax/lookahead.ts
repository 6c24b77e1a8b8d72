/**
 * The strict LL(k) check that Chevrotain does not make: it looks past optional parts, with what may follow a rule.
 * Works on the parser's own grammar; k is 1 or 2.
 */
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
} from "chevrotain";
import { tokensOf } from "../../grammar/neighbours.ts";
import { allTokens } from "../../grammar/tokens.ts";

/** A sequence of at most two tokens as a number: its first token, counted from 1, and 256 times the second. */
type Sequence = number;
type Sequences = ReadonlySet<Sequence>;
const SECOND = 256;
const END = 255;
const nothing: Sequences = new Set([0]);

const numberOf = new Map(allTokens.map((type, i) => [type, i + 1]));

function show(sequence: Sequence): string {
  const parts = [sequence % SECOND, Math.floor(sequence / SECOND)].filter((part) => part > 0);
  return parts.map((part) => allTokens[part - 1]?.name ?? "END").join(" ");
}

export interface Conflict {
  readonly rule: string;
  readonly decision: string;
  readonly sequences: readonly string[];
}

export function findConflicts(
  productions: Readonly<Record<string, Rule>>,
  start: string,
  k: 1 | 2,
): readonly Conflict[] {
  const rules = Object.values(productions);
  const firsts = new Map<string, Set<Sequence>>(rules.map((r) => [r.name, new Set()]));
  const end = k === 1 ? END : END + END * SECOND;
  const follows = new Map<string, Set<Sequence>>(rules.map((r) => [r.name, new Set(r.name === start ? [end] : [])]));

  const concat = (first: Sequences, second: Sequences): Set<Sequence> => {
    const out = new Set<Sequence>();
    for (const a of first) {
      if (a === 0) for (const b of second) out.add(b);
      else if (k === 1 || a >= SECOND) out.add(a);
      else for (const b of second) out.add(a + (b % SECOND) * SECOND);
    }
    return out;
  };
  const firstOf = (p: IProduction): Set<Sequence> => {
    if (p instanceof Terminal) return new Set(tokensOf(p.terminalType).map((type) => numberOf.get(type) ?? 0));
    if (p instanceof NonTerminal) return firsts.get(p.nonTerminalName) ?? new Set();
    if (p instanceof Alternation) return union(p.definition.map((d) => firstOf(d)));
    const inner = sequence(inside(p));
    if (p instanceof Option) return union([inner, nothing]);
    if (p instanceof Repetition) return union([inner, concat(inner, inner), nothing]);
    return p instanceof RepetitionMandatory ? union([inner, concat(inner, inner)]) : inner;
  };
  const sequence = (list: readonly IProduction[]): Set<Sequence> =>
    list.reduce<Set<Sequence>>((set, p) => concat(set, firstOf(p)), new Set(nothing));

  fixpoint(() => rules.map((r) => grow(firsts.get(r.name), sequence(r.definition))));

  const conflicts: Conflict[] = [];
  const clash = (rule: string, decision: string, one: Sequences, other: Sequences): void => {
    const both = [...one].filter((item) => other.has(item));
    if (both.length > 0) conflicts.push({ rule, decision, sequences: both.slice(0, 5).map(show) });
  };
  /** Goes over a sequence with what follows it; adds to the follow sets, and checks decisions when asked. */
  const walk = (list: readonly IProduction[], follow: Sequences, rule: string, check: boolean): boolean => {
    let changed = false;
    for (const [i, p] of list.entries()) {
      const after = concat(sequence(list.slice(i + 1)), follow);
      if (p instanceof NonTerminal) changed = grow(follows.get(p.nonTerminalName), after) || changed;
      else if (p instanceof Alternation) {
        const seen = new Set<Sequence>();
        for (const alternative of p.definition) {
          const ahead = concat(firstOf(alternative), after);
          if (check) clash(rule, `OR${String(p.idx)}`, seen, ahead);
          for (const item of ahead) seen.add(item);
          changed = walk([alternative], after, rule, check) || changed;
        }
      } else if (p instanceof Alternative) changed = walk(p.definition, after, rule, check) || changed;
      else if (p instanceof Option || p instanceof Repetition || p instanceof RepetitionMandatory) {
        const again = p instanceof Option ? after : union([after, concat(sequence(p.definition), after)]);
        if (check) clash(rule, `${p.constructor.name}${String(p.idx)}`, concat(sequence(p.definition), again), after);
        changed = walk(p.definition, again, rule, check) || changed;
      }
    }
    return changed;
  };
  fixpoint(() => rules.map((r) => walk(r.definition, follows.get(r.name) ?? new Set(), r.name, false)));
  for (const r of rules) walk(r.definition, follows.get(r.name) ?? new Set(), r.name, true);
  return conflicts;
}

export function inside(p: IProduction): readonly IProduction[] {
  return "definition" in p && Array.isArray(p.definition) ? (p.definition as IProduction[]) : [];
}

function union(sets: Iterable<Sequences>): Set<Sequence> {
  const out = new Set<Sequence>();
  for (const set of sets) for (const item of set) out.add(item);
  return out;
}

function grow(set: Set<Sequence> | undefined, more: Sequences): boolean {
  const before = set?.size ?? 0;
  for (const item of more) set?.add(item);
  return (set?.size ?? 0) > before;
}

function fixpoint(round: () => readonly boolean[]): void {
  while (round().some(Boolean));
}

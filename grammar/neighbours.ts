/**
 * Which tokens can stand beside each other in any right text: computed from the rules, so that whoever looks for a
 * missing token need not try those that fit nowhere. It says nothing about longer sequences.
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
  type TokenType,
} from "chevrotain";
import { allTokens } from "./tokens.ts";

/** What a piece of the grammar can begin and end with, and whether it can be nothing. */
interface Edges {
  readonly first: Set<TokenType>;
  readonly last: Set<TokenType>;
  empty: boolean;
}

function noEdges(): Edges {
  return { first: new Set(), last: new Set(), empty: false };
}

export class Neighbours {
  readonly #after = new Map<TokenType, Set<TokenType>>(allTokens.map((type) => [type, new Set()]));
  readonly #rules = new Map<string, Edges>();
  #changed = true;

  constructor(productions: Readonly<Record<string, Rule>>) {
    const rules = Object.values(productions);
    for (const rule of rules) this.#rules.set(rule.name, noEdges());
    while (this.#changed) {
      this.#changed = false;
      for (const rule of rules) this.#merge(this.#rules.get(rule.name) ?? noEdges(), this.#sequence(rule.definition));
    }
  }

  /** Whether `right` can follow `left` somewhere; an edge of the text is `undefined` and stands beside anything. */
  canFollow(left: TokenType | undefined, right: TokenType | undefined): boolean {
    return left === undefined || right === undefined || this.#after.get(left)?.has(right) === true;
  }

  #merge(into: Edges, from: Edges): void {
    const size = into.first.size + into.last.size;
    for (const type of from.first) into.first.add(type);
    for (const type of from.last) into.last.add(type);
    if (into.first.size + into.last.size > size || (from.empty && !into.empty)) this.#changed = true;
    into.empty ||= from.empty;
  }

  #join(left: Iterable<TokenType>, right: ReadonlySet<TokenType>): void {
    for (const type of left) {
      const after = this.#after.get(type);
      for (const next of right) after?.add(next);
    }
  }

  #sequence(list: readonly IProduction[]): Edges {
    const whole: Edges = { first: new Set(), last: new Set(), empty: true };
    for (const production of list) {
      const part = this.#edges(production);
      this.#join(whole.last, part.first);
      if (whole.empty) for (const type of part.first) whole.first.add(type);
      if (!part.empty) whole.last.clear();
      for (const type of part.last) whole.last.add(type);
      whole.empty &&= part.empty;
    }
    return whole;
  }

  #edges(production: IProduction): Edges {
    if (production instanceof Terminal) {
      const types = new Set(tokensOf(production.terminalType));
      return { first: types, last: types, empty: false };
    }
    if (production instanceof NonTerminal) return this.#rules.get(production.nonTerminalName) ?? noEdges();
    if (production instanceof Alternation) {
      const whole = noEdges();
      for (const alternative of production.definition) {
        const { first, last, empty } = this.#edges(alternative);
        for (const type of first) whole.first.add(type);
        for (const type of last) whole.last.add(type);
        whole.empty ||= empty;
      }
      return whole;
    }
    if (production instanceof Alternative) return this.#sequence(production.definition);
    if (production instanceof Option) return { ...this.#sequence(production.definition), empty: true };
    if (production instanceof Repetition) return { ...this.#repeated(production), empty: true };
    if (production instanceof RepetitionMandatory) return this.#repeated(production);
    throw new Error(`the grammar has a production of an unknown kind: ${production.constructor.name}`);
  }

  #repeated(production: Repetition | RepetitionMandatory): Edges {
    const inner = this.#sequence(production.definition);
    this.#join(inner.last, inner.first);
    return inner;
  }
}

/** The tokens that a type of the grammar stands for: those of a category, or itself alone. */
export function tokensOf(type: TokenType): readonly TokenType[] {
  if (type.isParent !== true) return [type];
  const kinds = type.categoryMatchesMap ?? {};
  return allTokens.filter((t) => t.isParent !== true && kinds[t.tokenTypeIdx ?? -1] === true);
}

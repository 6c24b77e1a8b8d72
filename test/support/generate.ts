/**
 * Programs at random, straight from the parser's own rules: each is read without an error, though it means nothing.
 * First the tokens, then a text of them with any spaces, line ends and comments.
 */
import {
  Alternation,
  NonTerminal,
  Option,
  Repetition,
  Terminal,
  type IProduction,
  type Rule,
  type TokenType,
} from "chevrotain";
import { ArchParser } from "../../grammar/parser.ts";
import { markTokens, softWords, tokens as t, wordTokens } from "../../grammar/tokens.ts";
import type { Random } from "./random.ts";

const NAMES = ["x", "y", "w", "conv", "features", "B", "S", "_hidden", "a_rather_long_name_for_a_layer", "relu6"];
const NUMBERS = ["0", "1", "64", "10_000", "0.5", "5e-4", "1e9", "3.141592653589793"];
const STRINGS = ['""', '"std:nn"', '"**.weight"', '"a {x} // no comment"', '"a \\"quoted\\" word"', '"zwölf"'];
const COMMENTS = [
  "// why",
  "//",
  "/// What it is.",
  "//// a rule ------",
  '// a "quote" and a { brace',
  "// prettier-ignore",
];

/** What a token is spelled like, where it is always the same. */
const spelled = new Map<TokenType, string>([
  ...[...wordTokens].map(([text, type]) => [type, text] as const),
  ...markTokens.map(([text, type]) => [type, text] as const),
]);

/** The words that a file of `rule` may be made of; longer programs for a larger `size`. */
export class Generator {
  readonly #rules: Readonly<Record<string, Rule>>;
  /** How many tokens the shortest text of a rule has. */
  readonly #shortest = new Map<string, number>();
  readonly #random: Random;
  #left = 0;

  constructor(random: Random) {
    this.#random = random;
    this.#rules = new ArchParser({ skipValidations: true }).getGAstProductions();
    for (let changed = true; changed;) {
      changed = false;
      for (const rule of Object.values(this.#rules)) {
        const length = this.#lengthOf(rule.definition);
        if (length >= (this.#shortest.get(rule.name) ?? Infinity)) continue;
        this.#shortest.set(rule.name, length);
        changed = true;
      }
    }
  }

  tokens(size: number, rule = "file"): readonly string[] {
    this.#left = size;
    const found: string[] = [];
    this.#expand(this.#rules[rule]?.definition ?? [], 0, found);
    return found;
  }

  #lengthOf(productions: readonly IProduction[]): number {
    return productions.reduce((sum, production) => sum + this.#length(production), 0);
  }

  #length(production: IProduction): number {
    if (production instanceof Terminal) return 1;
    if (production instanceof NonTerminal) return this.#shortest.get(production.nonTerminalName) ?? Infinity;
    if (mayBeLeftOut(production)) return 0;
    if (production instanceof Alternation) return Math.min(...inside(production).map((one) => this.#length(one)));
    return this.#lengthOf(inside(production));
  }

  #expand(productions: readonly IProduction[], depth: number, into: string[]): void {
    for (const production of productions) this.#expandOne(production, depth, into);
  }

  #expandOne(production: IProduction, depth: number, into: string[]): void {
    const random = this.#random;
    if (production instanceof Terminal) {
      this.#left -= 1;
      into.push(this.#spell(production.terminalType));
    } else if (production instanceof NonTerminal) {
      this.#expand(this.#rules[production.nonTerminalName]?.definition ?? [], depth + 1, into);
    } else if (production instanceof Alternation) {
      this.#expandOne(this.#choose(production, depth), depth, into);
    } else if (production instanceof Option) {
      if (this.#goesOn(depth)) this.#expand(inside(production), depth, into);
    } else if (production instanceof Repetition) {
      // A file goes on until it is long enough.
      while (depth === 0 ? this.#left > 0 : this.#goesOn(depth) && random.chance(0.8))
        this.#expand(inside(production), depth, into);
    } else {
      this.#expand(inside(production), depth, into);
    }
  }

  /** Whether what may be left out is put in. */
  #goesOn(depth: number): boolean {
    return this.#left > 0 && this.#random.chance(depth < 12 ? 0.5 : depth < 40 ? 0.3 : 0.05);
  }

  #choose(production: Alternation, depth: number): IProduction {
    const alternatives = inside(production);
    const lengths = alternatives.map((one) => this.#length(one));
    const shortest = Math.min(...lengths);
    const short = alternatives.filter((_, i) => lengths[i] === shortest);
    return this.#random.pick(this.#left <= 0 || depth > 60 ? short : alternatives);
  }

  #spell(type: TokenType): string {
    const random = this.#random;
    const names = random.chance(0.1) ? Object.keys(softWords) : NAMES;
    if (type === t.Name || type === t.Identifier) return random.pick(names);
    if (type === t.Word) return random.chance(0.2) ? random.pick([...wordTokens.keys()]) : random.pick(names);
    if (type === t.Number) return random.pick(NUMBERS);
    if (type === t.String) return random.pick(STRINGS);
    const text = spelled.get(type);
    if (text === undefined) throw new Error(`the generator cannot spell ${type.name}`);
    return text;
  }
}

function mayBeLeftOut(production: IProduction): boolean {
  return production instanceof Option || production instanceof Repetition;
}

/** What a production is made of. */
function inside(production: IProduction): readonly IProduction[] {
  if ("definition" in production) return production.definition as readonly IProduction[];
  throw new Error(`the generator knows no ${production.constructor.name}`);
}

export interface Spelling {
  /** How often a line ends between two tokens, from 0 to 1. */
  readonly lines: number;
  /** How often a comment stands between two tokens. */
  readonly comments: number;
}

/** A text of these tokens. */
export function spell(tokens: readonly string[], random: Random, { lines, comments }: Spelling): string {
  let text = "";
  for (const [i, token] of tokens.entries())
    text += between(tokens[i - 1] ?? "", token, random, lines, comments) + token;
  return text + (random.chance(0.5) ? "\n" : "");
}

function between(before: string, after: string, random: Random, lines: number, comments: number): string {
  let gap = "";
  while (random.chance(comments))
    gap += `${blanks(random, lines) || " "}${random.pick(COMMENTS)}${random.pick(["", " "])}\n`;
  gap += blanks(random, lines);
  if (gap !== "" || before === "") return gap;
  const mayTouch = /[)\]},]$/.test(before) || /^[()[\]{},]/.test(after);
  return mayTouch && random.chance(0.5) ? "" : " ";
}

function blanks(random: Random, lines: number): string {
  if (!random.chance(lines)) return " ".repeat(random.below(4));
  return "\n".repeat(1 + random.below(3)) + " ".repeat(random.below(5));
}

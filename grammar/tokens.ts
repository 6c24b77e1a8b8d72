/**
 * The token table: every word and every mark of the language, each with the group it belongs to. The parser, the
 * scanner, the highlighting grammar and the EBNF are made from this table; it must not know about rules or trees.
 */
import { createToken, type TokenType } from "chevrotain";

/** What a word is for. Highlighting colours by it, and recovery knows line starters by it. */
export type WordGroup =
  | "declaration"
  | "line"
  | "item"
  | "output"
  | "training"
  | "edit"
  | "rule"
  | "clause"
  | "operator"
  | "constant"
  | "type"
  | "namespace";

/** Reserved words; they name nothing, except after `.` and before `:`. */
export const reservedWords = {
  import: "declaration",
  const: "declaration",
  fn: "declaration",
  prim: "declaration",
  block: "declaration",
  model: "declaration",
  variant: "declaration",
  let: "line",
  shared: "line",
  param: "line",
  state: "line",
  update: "line",
  assert: "line",
  dim: "item",
  input: "item",
  target: "item",
  regions: "item",
  branch: "item",
  head: "item",
  train: "item",
  data: "item",
  pretrained: "item",
  loss: "output",
  predict: "output",
  metric: "output",
  optimize: "training",
  freeze: "training",
  if: "clause",
  then: "clause",
  else: "clause",
  for: "clause",
  in: "clause",
  fold: "clause",
  fuse: "clause",
  with: "clause",
  where: "clause",
  as: "clause",
  and: "operator",
  or: "operator",
  not: "operator",
  true: "constant",
  false: "constant",
  training: "constant",
  list: "type",
  new: "constant",
} as const satisfies Record<string, WordGroup>;

/** Words with a meaning in one place only; everywhere else they are names. */
export const softWords = {
  from: "clause",
  of: "clause",
  by: "clause",
  at: "clause",
  step: "training",
  set: "edit",
  add: "edit",
  keep: "edit",
  remove: "edit",
  fresh: "rule",
  unused: "rule",
} as const satisfies Record<string, WordGroup>;

/** Marks, by the name that the parser gives them. */
export const marks = {
  LParen: "(",
  RParen: ")",
  LSquare: "[",
  RSquare: "]",
  LCurly: "{",
  RCurly: "}",
  Comma: ",",
  Colon: ":",
  AtSign: "@",
  Wildcard: "_",
  Ellipsis: "...",
  RangeUntil: "..<",
  RangeTo: "..=",
  Dot: ".",
  FatArrow: "=>",
  Arrow: "->",
  Pipe: "|>",
  Bar: "|",
  Equal: "==",
  NotEqual: "!=",
  LessEqual: "<=",
  GreaterEqual: ">=",
  Less: "<",
  Greater: ">",
  Assign: "=",
  Plus: "+",
  Minus: "-",
  Star: "*",
  Slash: "/",
  Percent: "%",
  Caret: "^",
} as const;

export type ReservedWord = keyof typeof reservedWords;
export type SoftWord = keyof typeof softWords;
export type MarkName = keyof typeof marks;
export type WordTokenName = Capitalize<ReservedWord | SoftWord>;
/** `Word` is any word and `Name` what may name things; the others stand for themselves. */
export type TokenName = WordTokenName | MarkName | "Identifier" | "Number" | "String" | "Word" | "Name";

export type Tokens = Readonly<Record<TokenName, TokenType>>;

/** The token name of a word: `let` is `Let`. */
export function wordTokenName(word: ReservedWord | SoftWord): WordTokenName {
  return (word.charAt(0).toUpperCase() + word.slice(1)) as WordTokenName;
}

function makeTokens(): Tokens {
  const made = new Map<TokenName, TokenType>();
  const word = createToken({ name: "Word" });
  const name = createToken({ name: "Name", categories: word, label: "a name" });
  made.set("Word", word).set("Name", name);
  made.set("Identifier", createToken({ name: "Identifier", categories: name, label: "a name" }));
  for (const text of Object.keys(reservedWords) as ReservedWord[])
    made.set(wordTokenName(text), createToken({ name: wordTokenName(text), categories: word, label: text }));
  for (const text of Object.keys(softWords) as SoftWord[])
    made.set(wordTokenName(text), createToken({ name: wordTokenName(text), categories: name, label: text }));
  made.set("Number", createToken({ name: "Number", label: "a number" }));
  made.set("String", createToken({ name: "String", label: "a string" }));
  for (const mark of Object.keys(marks) as MarkName[]) made.set(mark, createToken({ name: mark, label: marks[mark] }));
  return Object.freeze(Object.fromEntries(made)) as Tokens;
}

/** The token types, by name. Made once; Chevrotain numbers them when they are made. */
export const tokens: Tokens = makeTokens();

export const allTokens: readonly TokenType[] = Object.values(tokens);

/** How the scanner finds the token type of a word it has read. */
export const wordTokens: ReadonlyMap<string, TokenType> = new Map(
  ([...Object.keys(reservedWords), ...Object.keys(softWords)] as (ReservedWord | SoftWord)[]).map((text) => [
    text,
    tokens[wordTokenName(text)],
  ]),
);

/** Marks from the longest to the shortest, so that the first that fits is the right one. */
export const markTokens: readonly (readonly [text: string, type: TokenType])[] = (Object.keys(marks) as MarkName[])
  .map((name) => [marks[name], tokens[name]] as const)
  .sort((a, b) => b[0].length - a[0].length);

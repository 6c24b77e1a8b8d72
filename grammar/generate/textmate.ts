/**
 * The TextMate grammar that editors colour by, made from the token table. It sees one line at a time, so it knows
 * words and what stands beside them, not rules.
 */
import { marks, reservedWords, softWords, type WordGroup } from "../tokens.ts";

interface Pattern {
  readonly name?: string;
  readonly match?: string;
  readonly begin?: string;
  readonly end?: string;
  readonly include?: string;
  readonly captures?: Readonly<Record<string, { readonly name: string }>>;
  readonly beginCaptures?: Readonly<Record<string, { readonly name: string }>>;
  readonly endCaptures?: Readonly<Record<string, { readonly name: string }>>;
  readonly patterns?: readonly Pattern[];
}

const NAME = "[A-Za-z_][A-Za-z0-9_]*";
/** No word begins or ends inside a longer one. */
const START = "(?<![A-Za-z0-9_])";
const END = "(?![A-Za-z0-9_])";
/** A word names something after `.` and before `:`, whatever it means elsewhere; `...` spreads what follows. */
const NOT_A_NAME = "(?:(?<=\\.\\.\\.)|(?<!\\.))";
const NOT_A_KEY = "(?!\\s*:)";

function wordsOf(table: Readonly<Record<string, WordGroup>>, ...groups: readonly WordGroup[]): string {
  return Object.keys(table)
    .filter((word) => groups.includes(table[word] ?? "clause"))
    .join("|");
}

function word(alternatives: string): string {
  return `${START}${NOT_A_NAME}(?:${alternatives})${END}${NOT_A_KEY}`;
}

/** `WORD NAME`: the word, then what it names. */
function declares(words: string, keyword: string, named: string): Pattern {
  return {
    match: `${START}${NOT_A_NAME}(${words})${END}\\s+(${NAME})`,
    captures: { 1: { name: keyword }, 2: { name: named } },
  };
}

function escaped(mark: string): string {
  return mark.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}

/** Marks that are operators, the longest first. */
function operators(): string {
  const plain = new Set(["(", ")", "[", "]", "{", "}", ",", ":", "@", "_", "."]);
  return Object.values(marks)
    .filter((mark) => !plain.has(mark))
    .sort((a, b) => b.length - a.length)
    .map(escaped)
    .join("|");
}

const types = ["f16", "bf16", "f32", "f64", "i32", "i64", "bool", "float", "int", "num", "any", "string", "dtype"];

const include = (...names: readonly string[]): readonly Pattern[] => names.map((name) => ({ include: `#${name}` }));

export function textmateGrammar(generatedBy: string): string {
  const repository: Readonly<Record<string, Pattern>> = {
    comments: {
      patterns: [
        {
          name: "comment.line.documentation.arch",
          match: "(///)(?!/).*$",
          captures: { 1: { name: "punctuation.definition.comment.arch" } },
        },
        {
          name: "comment.line.double-slash.arch",
          match: "(//).*$",
          captures: { 1: { name: "punctuation.definition.comment.arch" } },
        },
      ],
    },
    strings: {
      name: "string.quoted.double.arch",
      begin: '"',
      end: '"|$',
      beginCaptures: { 0: { name: "punctuation.definition.string.begin.arch" } },
      endCaptures: { 0: { name: "punctuation.definition.string.end.arch" } },
      patterns: [
        { name: "constant.character.escape.arch", match: '\\\\["\\\\nt]' },
        { name: "invalid.illegal.escape.arch", match: "\\\\." },
        { name: "constant.other.placeholder.arch", match: `\\{${NAME}(?:\\*\\*)?\\}|\\*{1,2}` },
      ],
    },
    numbers: {
      name: "constant.numeric.arch",
      match: `(?<![A-Za-z0-9_.])[0-9]+(?:_[0-9]+)*(?:\\.[0-9]+(?:_[0-9]+)*)?(?:[eE][+-]?[0-9]+)?${END}`,
    },
    annotations: {
      match: `(@)(${NAME})`,
      captures: {
        1: { name: "punctuation.definition.annotation.arch" },
        2: { name: "storage.modifier.annotation.arch" },
      },
    },
    declarations: {
      patterns: [
        declares("block|fn|prim", "storage.type.declaration.arch", "entity.name.function.arch"),
        {
          match: `${START}${NOT_A_NAME}(variant)${END}\\s+(${NAME})(?:\\s+(of)${END}\\s+(${NAME}))?`,
          captures: {
            1: { name: "storage.type.declaration.arch" },
            2: { name: "entity.name.type.variant.arch" },
            3: { name: "keyword.control.clause.arch" },
            4: { name: "entity.name.type.model.arch" },
          },
        },
        declares("model", "storage.type.declaration.arch", "entity.name.type.model.arch"),
        declares("const", "storage.type.declaration.arch", "variable.other.constant.arch"),
      ],
    },
    items: {
      patterns: [
        declares("input|target", "storage.type.item.arch", "variable.parameter.arch"),
        declares("dim", "storage.type.item.arch", "entity.name.type.dim.arch"),
        declares("regions|branch|head|pretrained", "storage.type.item.arch", "entity.name.section.arch"),
        {
          match: `${START}(step)${END}\\s+(${NAME})(?=\\s*\\{)`,
          captures: { 1: { name: "keyword.control.training.arch" }, 2: { name: "entity.name.section.arch" } },
        },
      ],
    },
    lines: {
      patterns: [
        declares("let|shared|param|state|update", "storage.type.line.arch", "variable.other.definition.arch"),
        declares("predict|metric", "keyword.other.output.arch", "variable.other.definition.arch"),
        {
          match: `${START}${NOT_A_NAME}(loss)${END}\\s+(${NAME})(?=\\s*=(?!=))`,
          captures: { 1: { name: "keyword.other.output.arch" }, 2: { name: "variable.other.definition.arch" } },
        },
      ],
    },
    /** `branch.*` is the namespace of all branches. */
    namespaces: { name: "variable.language.branch.arch", match: `${START}${NOT_A_NAME}branch(?=\\s*\\.)` },
    words: {
      patterns: [
        { name: "storage.type.declaration.arch", match: word(wordsOf(reservedWords, "declaration")) },
        { name: "storage.type.line.arch", match: word(wordsOf(reservedWords, "line")) },
        { name: "storage.type.item.arch", match: word(wordsOf(reservedWords, "item")) },
        { name: "keyword.other.output.arch", match: word(wordsOf(reservedWords, "output")) },
        { name: "keyword.control.training.arch", match: word(wordsOf(reservedWords, "training")) },
        { name: "keyword.operator.logical.arch", match: word(wordsOf(reservedWords, "operator")) },
        { name: "constant.language.arch", match: word(wordsOf(reservedWords, "constant")) },
        { name: "support.type.arch", match: word(wordsOf(reservedWords, "type")) },
        {
          match: `${START}${NOT_A_NAME}(as)${END}\\s+(${NAME})`,
          captures: { 1: { name: "keyword.control.clause.arch" }, 2: { name: "entity.name.label.arch" } },
        },
        { name: "keyword.control.clause.arch", match: word(wordsOf(reservedWords, "clause")) },
      ],
    },
    /** Words that mean something in one place only, by what stands around them there. */
    softWords: {
      patterns: [
        { name: "keyword.control.clause.arch", match: `${START}from${END}(?=\\s*")` },
        {
          name: "keyword.control.clause.arch",
          match: `${START}(?:of|by|at)${END}(?=\\s+[A-Za-z_(\\[{0-9"])(?!\\s*[=:])`,
        },
        {
          name: "keyword.other.edit.arch",
          match: `(?:(?<=^|[{}])|(?<=\\s))(?:${wordsOf(softWords, "edit")})${END}(?=\\s+[A-Za-z_"])`,
        },
        { name: "keyword.other.rule.arch", match: `${START}(?:${wordsOf(softWords, "rule")})${END}(?=\\s*")` },
      ],
    },
    types: {
      name: "support.type.primitive.arch",
      match: `${START}${NOT_A_NAME}(?:${types.join("|")})${END}${NOT_A_KEY}`,
    },
    dims: { name: "variable.other.dim.arch", match: `${START}${NOT_A_NAME}[A-Z][A-Za-z0-9]*${END}` },
    keys: {
      match: `${START}(${NAME})\\s*(:)(?!\\s*[,\\]])`,
      captures: { 1: { name: "variable.parameter.name.arch" }, 2: { name: "punctuation.separator.key-value.arch" } },
    },
    fields: {
      match: `${START}${NOT_A_NAME}(${NAME})\\s*(=)(?![=>])`,
      captures: { 1: { name: "variable.other.field.arch" }, 2: { name: "keyword.operator.arch" } },
    },
    calls: { match: `${START}(${NAME})(?=\\()`, captures: { 1: { name: "entity.name.function.call.arch" } } },
    members: {
      match: `(\\.)\\s*(${NAME}|\\*)`,
      captures: { 1: { name: "punctuation.accessor.arch" }, 2: { name: "variable.other.member.arch" } },
    },
    operators: { name: "keyword.operator.arch", match: operators() },
    names: { name: "variable.other.arch", match: `${START}${NAME}${END}` },
  };
  const order = [
    ...["comments", "strings", "numbers", "annotations", "declarations", "items", "lines", "namespaces", "words"],
    ...["softWords", "types", "keys", "fields", "dims", "calls", "operators", "members", "names"],
  ];
  const grammar = {
    information_for_contributors: [generatedBy],
    name: "arch",
    scopeName: "source.arch",
    fileTypes: ["arch"],
    patterns: include(...order),
    repository,
  };
  return `${JSON.stringify(grammar, null, 2)}\n`;
}

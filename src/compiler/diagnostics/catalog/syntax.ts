/** Rows E01xx: what cannot be read. Prose only. */
import { row, type Rows } from "../row.ts";

export const syntaxRows = {
  E0101: row<{ expected: string; found: string; help: string }>({
    severity: "error",
    title: "something else was expected here",
    message: ({ found }) => `${found} does not fit here`,
    label: ({ expected }) => `expected ${expected}`,
    help: ({ found, help }) => help || `take ${found} out, or write what is expected before it`,
  }),
  E0102: row<{ found: string; starters: string; help: string }>({
    severity: "error",
    title: "a line that cannot start so",
    message: ({ found }) => `this line cannot start with ${found}`,
    label: ({ starters }) => starters,
    help: ({ help }) => help,
  }),
  E0103: row<{ open: string; close: string; help: string }>({
    severity: "error",
    title: "a bracket or a string is never closed",
    message: ({ open }) => (open === '"' ? "this string is never closed" : `this \`${open}\` is never closed`),
    label: ({ open, close }) => (open === '"' ? "a string ends on its own line" : `\`${close}\` is missing`),
    help: ({ close, help }) => help || `put \`${close}\` where what it holds ends`,
  }),
  E0104: row<{ shown: string; help: string }>({
    severity: "error",
    title: "a character that the language does not have",
    message: ({ shown }) => `${shown} means nothing in this language`,
    help: ({ help }) => help,
  }),
  E0105: row<{ limit: number; what: string }>({
    severity: "error",
    title: "an expression is too deep",
    message: ({ limit, what }) => `more than ${String(limit)} ${what}`,
    help: () => "give parts of it names of their own with `let`",
  }),
  E0106: row<{ word: string; help: string; taken?: string }>({
    severity: "error",
    title: "a reserved word is used as a name",
    message: ({ word, taken }) =>
      taken === undefined
        ? `\`${word}\` is a word of the language and cannot be a name`
        : `\`${word}\` is the name of ${taken}, and cannot be that of a part`,
    label: () => "expected a name",
    help: ({ word, help }) => help || `another name, such as \`${word}_\``,
  }),
  E0107: row<{ text: string; why: string; help: string }>({
    severity: "error",
    title: "a number is not written right",
    message: ({ text }) => `\`${text}\` is not a number`,
    label: ({ why }) => why,
    help: ({ help }) => help || "numbers are written 12, 10_000, 0.5 or 5e-4",
  }),
  E0108: row<{ escape: string }>({
    severity: "error",
    title: "a string has an unknown escape",
    message: ({ escape }) => `\`${escape}\` means nothing in a string`,
    label: () => 'strings know \\" \\\\ \\n \\t',
    help: ({ escape }) => (escape.length > 1 ? `for a backslash itself, write it twice: \\${escape}` : ""),
  }),
  E0109: row<{ close: string }>({
    severity: "error",
    title: "a closing bracket closes nothing",
    message: ({ close }) => `this \`${close}\` closes nothing`,
    help: () => "remove it, or open it before",
  }),
  E0110: row<{ value: string }>({
    severity: "error",
    title: "a body ends without a result",
    message: () => "this body has no result",
    label: () => "expected `=> result` before this",
    help: ({ value }) => `end the body with the value it gives:   => ${value}`,
  }),
  E0111: row<{ expected: string; last: string; help: string }>({
    severity: "error",
    title: "a line is not finished",
    message: () => "this line is not finished",
    label: ({ expected, last }) => `expected ${expected} after ${last}`,
    help: ({ last, help }) => help || `write what is missing, or take ${last} away`,
  }),
  E0112: row<{ found: string }>({
    severity: "error",
    title: "something follows the result of a body",
    message: ({ found }) => `${found} stands after the body's result`,
    label: () => "`=> result` is the last line of a body",
    help: () => "move the line up, before `=>`",
  }),
} satisfies Rows<"E01">;

/** Rows E07xx: warnings, about what is right but does nothing. Prose only. */
import { row, type Rows } from "../row.ts";

export const warningRows = {
  E0701: row<{ name: string; kind: string }>({
    severity: "warning",
    title: "a name that nothing reads",
    message: ({ name, kind }) => `nothing reads the ${kind} \`${name}\``,
    help: ({ name, kind }) =>
      kind === "import" ? "take it out of the import" : `remove it, or call it \`_${name}\` to say that this is meant`,
  }),
  E0702: row<{ part: string; kind: string }>({
    severity: "warning",
    title: "a part that reaches no output",
    message: ({ part, kind }) => `the ${kind} \`${part}\` reaches no loss, prediction or metric`,
    help: ({ part }) => `remove it, or let a head read \`${part}\``,
  }),
  E0703: row<{ paths: readonly string[] }>({
    severity: "warning",
    title: "weights that no loss moves",
    message: ({ paths }) =>
      `no loss moves ${paths.slice(0, 3).join(", ")}${paths.length > 3 ? ` and ${paths.length - 3} more` : ""}`,
    help: () =>
      'say that they are meant to stand still:   freeze "…"; or look for a `stop_gradient` or a loss that leaves them out',
  }),
  E0704: row<{ value: boolean }>({
    severity: "warning",
    title: "a side of an `if` that is never taken",
    message: ({ value }) => `this side is never taken: the condition is always ${value}`,
    help: () => "keep the other side alone",
  }),
  E0705: row<{ callee: string; port: string; range: string; line: string }>({
    severity: "warning",
    title: "labels without a range",
    message: ({ callee, port, range }) =>
      `\`${callee}\` takes numbers of ${range}, and nothing says that those of \`${port}\` are`,
    help: ({ line }) => `say it, and data is held against it:   ${line}`,
  }),
} satisfies Rows<"E07">;

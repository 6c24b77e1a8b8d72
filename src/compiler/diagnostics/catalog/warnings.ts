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
} satisfies Rows<"E07">;

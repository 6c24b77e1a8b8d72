/** Rows E08xx: what a target of compilation cannot express. Prose only. */
import { row, type Rows } from "../row.ts";

export const targetsRows = {
  E0801: row<{ target: string; op: string; path: string; reason: string; help: string }>({
    severity: "error",
    title: "Something that a target cannot express",
    message: ({ target, op, path }) =>
      `the ${target} target cannot express \`${op}\`${path === "" ? "" : ` of \`${path}\``}`,
    label: ({ reason }) => reason,
    help: ({ help }) => help,
  }),
} satisfies Rows<"E08">;

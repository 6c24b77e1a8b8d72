/**
 * The shape of a catalog row: what a code means and how its prose is made from named arguments. Rows are data; they
 * must not look at programs.
 */
import type { Severity } from "./diagnostic.ts";

export interface Row<Args> {
  readonly severity: Severity;
  /** What the code stands for in general, as its page is titled: no argument occurs in it. */
  readonly title: string;
  /** The headline: one line, no full stop. */
  readonly message: (args: Args) => string;
  /** What stands under the primary place. */
  readonly label?: (args: Args) => string;
  /** The way out, in a user's words. */
  readonly help?: (args: Args) => string;
}

/** All rows of one hundred; each file of `catalog/` says `satisfies Rows<"E02">` and so on. */
export type Rows<Prefix extends string> = Readonly<Record<`${Prefix}${string}`, Row<never>>>;

/** Names the arguments of a row once; TypeScript then checks its prose and every report of it. */
export function row<Args extends object = Record<string, never>>(made: Row<Args>): Row<Args> {
  return made;
}

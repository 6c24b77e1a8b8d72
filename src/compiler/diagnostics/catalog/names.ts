/** Rows E02xx: names, calls and levels. Prose only. */
import type { Rows } from "../row.ts";

export const namesRows = {} satisfies Rows<"E02">;

/** Rows E03xx: types and shapes. Prose only. */
import type { Rows } from "../row.ts";

export const shapesRows = {} satisfies Rows<"E03">;

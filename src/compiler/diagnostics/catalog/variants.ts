/** Rows E05xx: variants and edits. Prose only. */
import type { Rows } from "../row.ts";

export const variantsRows = {} satisfies Rows<"E05">;

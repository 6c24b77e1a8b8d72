/** Rows E04xx: weights, layers and paths. Prose only. */
import type { Rows } from "../row.ts";

export const layersRows = {} satisfies Rows<"E04">;

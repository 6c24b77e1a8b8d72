/** Rows E06xx: training, data and pretrained weights. Prose only. */
import type { Rows } from "../row.ts";

export const dataRows = {} satisfies Rows<"E06">;

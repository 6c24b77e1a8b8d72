/**
 * How wide a document is when all of it stands on one line. The printer decides where lines break; columns have to know
 * widths before it does.
 */
import type { Doc } from "./writer.ts";

/** Undefined for a document that cannot stand on one line. */
export function flatWidth(doc: Doc): number | undefined {
  if (typeof doc === "string") return doc.length;
  if (Array.isArray(doc)) return sum(doc);
  switch (doc.type) {
    case "line":
      return doc.hard === true ? undefined : doc.soft === true ? 0 : 1;
    case "group":
      return doc.break ? undefined : flatWidth(doc.contents);
    case "indent":
    case "align":
    case "label":
      return flatWidth(doc.contents);
    case "fill":
      return sum(doc.parts);
    case "if-break":
      return flatWidth(doc.flatContents);
    case "break-parent":
      return undefined;
    default:
      // Comments go behind the line, and the others print nothing.
      return 0;
  }
}

function sum(docs: readonly Doc[]): number | undefined {
  let total = 0;
  for (const doc of docs) {
    const width = flatWidth(doc);
    if (width === undefined) return undefined;
    total += width;
  }
  return total;
}

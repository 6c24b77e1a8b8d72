/** Lists the parts of a tree by their places, so that two trees can be compared part by part. */

interface Described {
  readonly kind?: string;
  readonly name?: { readonly text: string };
  readonly target?: unknown;
  readonly from?: { readonly text?: string; readonly value?: string };
  readonly pattern?: { readonly value: string };
  readonly patterns?: readonly { readonly value: string }[];
  readonly path?: { readonly parts: readonly { readonly text: string }[] };
  readonly paths?: readonly { readonly parts: readonly { readonly text: string }[] }[];
}

function described(node: Described): string {
  const pathText = (path: { readonly parts: readonly { readonly text: string }[] }): string =>
    path.parts.map((part) => part.text).join(".");
  if (node.name !== undefined) return node.name.text;
  if (node.target !== undefined)
    return JSON.stringify(node.target, (key, value: unknown) => (key === "span" ? undefined : value));
  if (node.from !== undefined) return node.from.text ?? node.from.value ?? "";
  if (node.pattern !== undefined) return node.pattern.value;
  if (node.patterns !== undefined) return node.patterns.map((p) => p.value).join();
  if (node.path !== undefined) return pathText(node.path);
  return node.paths?.map(pathText).join() ?? "";
}

/** Every declaration, line, item, field, rule and edit, and every result of a body that was read. */
export function partsOf(node: unknown, place = "", out: string[] = []): readonly string[] {
  if (Array.isArray(node)) {
    for (const member of node) partsOf(member, place, out);
    return out;
  }
  if (typeof node !== "object" || node === null) return out;
  let inner = place;
  if ("annotations" in node) {
    inner = `${place}/${(node as Described).kind ?? ""} ${described(node as Described)}`;
    out.push(inner);
  } else if ("braces" in node && "result" in node) {
    if ((node.result as Described).kind !== "bad") out.push(`${place}/=>`);
  }
  for (const [key, value] of Object.entries(node))
    if (!["span", "file", "comments", "annotations"].includes(key)) partsOf(value, inner, out);
  return out;
}

/** Those of `before` that `after` lacks; parts of the same place are counted. */
export function lostParts(before: readonly string[], after: readonly string[]): readonly string[] {
  const left = new Map<string, number>();
  for (const part of after) left.set(part, (left.get(part) ?? 0) + 1);
  return before.filter((part) => {
    const count = left.get(part) ?? 0;
    if (count > 0) left.set(part, count - 1);
    return count === 0;
  });
}

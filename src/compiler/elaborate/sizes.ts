/** Sizes that only a run tells come from what is fed. It looks at graphs and reports; it changes none. */
import { report } from "../diagnostics/catalog.ts";
import type { DiagnosticBag } from "../diagnostics/diagnostic.ts";
import type { Attribute, Graph, Node, Output, Port } from "../graph/graph.ts";
import { reachableFrom } from "../graph/reach.ts";
import { spanText } from "../source/source.ts";
import { Dim } from "../types/dim.ts";

/** Reports outputs whose sizes no input says that is fed for them, such as pictures painted from noise alone. */
export function refuseUnsaidSizes(graph: Graph, outputs: readonly Output[], note: string, bag: DiagnosticBag): void {
  const fed = reachableFrom(outputs.map((o) => o.value));
  const said = new Set(graph.ports.filter((p) => fed.has(p.value.node)).flatMap(sizesOfPort));
  // most nodes have sizes of others
  const looked = new Set<Dim>();
  const isSaid = (dim: Dim): boolean => {
    if (looked.has(dim)) return true;
    const all = dim.constant !== undefined || [...dim.variables().keys()].every((key) => said.has(key));
    if (all) looked.add(dim);
    return all;
  };
  const unsaid = [...fed].filter((node) => anyDim(node, (dim) => !isSaid(dim)));
  if (unsaid.length === 0) return;
  const odd = new Set(unsaid);
  const output = outputs.find((o) => o.span !== undefined && [...reachableFrom([o.value])].some((n) => odd.has(n)));
  if (output?.span === undefined) return;
  const own = reachableFrom([output.value]);
  const open = unsaid.filter((n) => own.has(n)).flatMap((n) => [...sizesOf(n)]);
  const [key, found] = open.find(([k]) => !said.has(k)) ?? [];
  if (key === undefined || found === undefined) return;
  const size = found.name;
  const teller = graph.ports.find((p) => sizesOfPort(p).includes(key));
  const related = teller?.span
    ? [{ span: teller.span, label: `\`${teller.name}\` has \`${size}\`, and is not read` }]
    : [];
  const kind = output.kind === "predict" ? "prediction" : output.kind;
  report(bag, "E0412", { kind, size, output: spanText(output.span) }, output.span, { related, note });
}

function sizesOfPort({ type }: Port): readonly string[] {
  return type.shape.flatMap((dim) => [...dim.variables().keys()]);
}
/** Sizes in the shapes and the attributes of a node, by key: their names, and where they stand. */
export function sizesOf(node: Node): ReadonlyMap<string, { readonly name: string; readonly dim: Dim }> {
  const found = new Map<string, { readonly name: string; readonly dim: Dim }>();
  anyDim(node, (dim) => {
    if (dim.constant === undefined) for (const { key, name } of dim.variables().values()) found.set(key, { name, dim });
    return false;
  });
  return found;
}
/** Whether a size in the shapes or the attributes of the node is as asked; asked of every node, so it makes no lists. */
function anyDim({ outputs, attributes }: Node, asked: (dim: Dim) => boolean): boolean {
  const within = (attribute: Attribute | undefined): boolean => {
    if (attribute instanceof Dim) return asked(attribute);
    return Array.isArray(attribute) && (attribute as readonly Attribute[]).some(within);
  };
  for (const { shape } of outputs) if (shape.some(asked)) return true;
  for (const name in attributes) if (within(attributes[name])) return true;
  return false;
}

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
  const unsaid = [...fed].filter((node) => !dimsOf(node).every(isSaid));
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
  const look = (dim: Dim): void => {
    if (dim.constant === undefined) for (const { key, name } of dim.variables().values()) found.set(key, { name, dim });
  };
  dimsOf(node).forEach(look);
  return found;
}
function dimsOf({ outputs, attributes }: Node): readonly Dim[] {
  const [first, ...more] = outputs;
  const shapes = more.length === 0 && first ? first.shape : outputs.flatMap(({ shape }) => shape);
  const others = Object.values(attributes).flatMap(dimsIn);
  return others.length === 0 ? shapes : [...shapes, ...others];
}
function dimsIn(attribute: Attribute): readonly Dim[] {
  if (attribute instanceof Dim) return [attribute];
  return Array.isArray(attribute) ? (attribute as readonly Attribute[]).flatMap(dimsIn) : [];
}

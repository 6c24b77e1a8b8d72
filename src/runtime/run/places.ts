/**
 * Looks, before a run, that whole numbers of the inputs lie on the axes they are used on: an embedding's number of rows, the
 * classes of a loss. Engines differ in what they do otherwise: one fails, one reads zeros, one reads what is beside. It
 * follows what is computed from inputs alone; the names of operators are nothing to it.
 */
import { evaluate, type Fed } from "../../backends/reference/index.ts";
import type { Sizes } from "../../backends/reference/sizes.ts";
import type { Graph, Node, Port, Value } from "../../compiler/graph/graph.ts";
import { reachableFrom } from "../../compiler/graph/reach.ts";
import { operatorNamed } from "../../compiler/ops/index.ts";
import { isFloat, type Tensor } from "../../compiler/ops/tensor.ts";
import type { Dim } from "../../compiler/types/dim.ts";

/** A number that lies outside the axis it is a place on. */
export interface Misplaced {
  readonly port: Port;
  /** Where in the input, axis by axis; undefined where the place was computed. */
  readonly at: readonly number[] | undefined;
  readonly value: number;
  readonly size: number;
  /** Whether all uses of the input have as many places. */
  readonly everywhere: boolean;
  /** The part of the model that uses it. */
  readonly path: string;
}

/** One use of places that come from inputs. */
interface Use {
  readonly node: Node;
  readonly value: Value;
  readonly size: Dim;
}

/** The uses of places that are known from the inputs of these names, and those inputs. */
function usesOf(
  graph: Graph,
  names: ReadonlySet<string>,
): { readonly uses: readonly Use[]; readonly ports: readonly Port[]; readonly needed: ReadonlySet<Node> } {
  const byNode = new Map(graph.ports.map((port) => [port.value.node, port]));
  const known = new Set<Node>();
  for (const node of graph.nodes) {
    const port = byNode.get(node);
    const isKnown =
      port === undefined
        ? !UNKNOWN.has(node.op) && node.inputs.every((input) => known.has(input.node))
        : names.has(port.name) && !isFloat(port.type.dtype);
    if (isKnown) known.add(node);
  }
  const uses = graph.nodes.flatMap((node): Use[] => {
    const places = operatorNamed(node.op).places?.(node);
    const value = places && node.inputs[places.input];
    return places !== undefined && value !== undefined && known.has(value.node)
      ? [{ node, value, size: places.size }]
      : [];
  });
  const ports = graph.ports.filter(({ name }) => names.has(name)).map((port) => ({ ...port, range: undefined }));
  return { uses, ports, needed: reachableFrom(uses.map(({ value }) => value)) };
}

/** The first number that is no place on its axis. */
export function misplaced(graph: Graph, inputs: ReadonlyMap<string, Fed>): Misplaced | undefined {
  const { uses, ports, needed } = usesOf(graph, new Set(inputs.keys()));
  if (!ports.some(({ value }) => needed.has(value.node))) return undefined;
  const sizes = knownSizes(ports, inputs);
  try {
    evaluate(partOf(graph, ports, needed), {
      ...{ precision: "f64", inputs, variables: new Map(), keep: uses.map(({ value }) => value) },
      observe(made, outputs) {
        for (const use of uses) if (use.value.node === made) requireInside(use, outputs[use.value.index], sizes);
      },
    });
    return undefined;
  } catch (error) {
    if (error instanceof Outside) return explained(error, { graph, uses, ports }, inputs);
    throw error;
  }
}

function partOf(graph: Graph, ports: readonly Port[], needed: ReadonlySet<Node>): Graph {
  const nodes = graph.nodes.filter((node) => needed.has(node));
  return { nodes, ports, variables: [], updates: [], outputs: [], asserts: [] };
}

/** What no input says: weights, draws. */
const UNKNOWN: ReadonlySet<string> = new Set(["variable", "random"]);

class Outside extends Error {
  readonly use: Use;
  readonly place: number;
  readonly value: number;
  readonly size: number;

  constructor(use: Use, place: number, value: number, size: number) {
    super("outside");
    this.use = use;
    this.place = place;
    this.value = value;
    this.size = size;
  }
}

function requireInside(use: Use, tensor: Tensor | undefined, sizes: Sizes): void {
  const size = use.size.constant ?? use.size.evaluate((key) => sizes.get(key));
  tensor?.data.forEach((value, place) => {
    if (!(value >= 0 && value < size)) throw new Outside(use, place, value, size);
  });
}

/** Names the input, and the entry of it that the number was carried from as it is. */
function explained(
  { use: { node, value: source }, place, value, size }: Outside,
  { graph, uses, ports }: { readonly graph: Graph; readonly uses: readonly Use[]; readonly ports: readonly Port[] },
  inputs: ReadonlyMap<string, Fed>,
): Misplaced | undefined {
  const reached = reachableFrom([source]);
  const from = ports.filter((port) => reached.has(port.value.node));
  const found = (port: Port, at: readonly number[] | undefined): Misplaced => {
    const own = uses.filter((use) => reachableFrom([use.value]).has(port.value.node));
    const everywhere = own.every((use) => use.size.constant === size);
    const declared = graph.ports.find(({ name }) => name === port.name) ?? port;
    return { port: declared, at, value, size, everywhere, path: node.path };
  };
  for (const port of from) {
    const own = inputs.get(port.name);
    if (own === undefined) continue;
    // The input's entries are replaced by their numbers: what stands at the place then says which entry it was.
    const numbered = { shape: own.shape, data: Array.from({ length: own.data.length }, (_, i) => i) };
    const all = carried(partOf(graph, ports, reached), source, new Map([...inputs, [port.name, numbered]]));
    const entry = all?.[place];
    if (entry !== undefined && Number(own.data[entry]) === value) return found(port, unflatten(entry, own.shape));
  }
  return from[0] && found(from[0], undefined);
}

/** A value of a part of the graph that is computed from inputs alone. */
function carried(part: Graph, source: Value, inputs: ReadonlyMap<string, Fed>): readonly number[] | undefined {
  try {
    const { data } = evaluate(part, { precision: "f64", inputs, variables: new Map(), keep: [source] }).value(source);
    return Array.from(data);
  } catch {
    // The numbers of entries are places, too, that another axis may not have.
    return undefined;
  }
}

function unflatten(place: number, shape: readonly number[]): readonly number[] {
  const at: number[] = [];
  for (const size of shape.toReversed()) {
    at.unshift(place % size);
    place = Math.floor(place / size);
  }
  return at;
}

function knownSizes(ports: readonly Port[], inputs: ReadonlyMap<string, Fed>): Sizes {
  const sizes = new Map<string, number>();
  for (const { name, type } of ports) {
    type.shape.forEach((dim, axis) => {
      const size = inputs.get(name)?.shape[axis];
      if (dim.asVariable !== undefined && size !== undefined) sizes.set(dim.asVariable.key, size);
    });
  }
  return sizes;
}

/**
 * The number of places that each entry of a sample may name, by input; null for those that are no places. Inputs whose other
 * sizes than the batch are not known have no such list, nor have those that a place is computed from.
 */
export function limitsOf(graph: Graph): ReadonlyMap<string, readonly (number | null)[]> {
  const limits = new Map<string, (number | null)[]>();
  const whole = graph.ports.filter(({ type }) => !isFloat(type.dtype) && type.dtype !== "bool");
  const shapes = new Map(
    whole.map(({ name, type }) => [name, type.shape.map((size, axis) => (axis === 0 ? 1 : size.constant))]),
  );
  const fed = new Map<string, Fed>();
  for (const [name, shape] of shapes) {
    const known = shape.flatMap((size) => size ?? []);
    if (known.length === shape.length)
      fed.set(name, { shape: known, data: new Float64Array(known.reduce((product, size) => product * size, 1)) });
  }
  const { uses, ports } = usesOf(graph, new Set(fed.keys()));
  for (const { value: source, size } of uses) {
    const count = size.constant;
    const reached = reachableFrom([source]);
    const [port, ...others] = ports.filter(({ value }) => reached.has(value.node));
    const zeros = port && fed.get(port.name);
    if (count === undefined || port === undefined || zeros === undefined || others.length > 0) continue;
    const numbered = (factor: number): readonly number[] => {
      const data = zeros.data.length === 0 ? [] : Array.from({ length: zeros.data.length }, (_, i) => factor * i);
      return carried(partOf(graph, ports, reached), source, new Map([...fed, [port.name, { ...zeros, data }]])) ?? [];
    };
    const [once, thrice] = [numbered(1), numbered(3)];
    // What is not carried as it is, is computed: its entries have no limit of their own.
    if (once.some((entry, i) => thrice[i] !== 3 * entry)) continue;
    const own = limits.get(port.name) ?? new Array<number | null>(zeros.data.length).fill(null);
    for (const entry of once) own[entry] = Math.min(own[entry] ?? count, count);
    limits.set(port.name, own);
  }
  return limits;
}

/** `codes` holds 60 at [0, 32], and `rows.embedding` takes 0 ..< 9. */
export function described({ port: { name, kind }, at, value, size, path }: Misplaced): string {
  const user = path === "" ? "the model" : `\`${path}\``;
  const what =
    at === undefined ? `a place that is computed from the ${kind} \`${name}\` is` : `the ${kind} \`${name}\` holds`;
  const where = at === undefined ? "" : ` at [${at.join(", ")}]`;
  return `${what} ${String(value)}${where}, and ${user} takes 0 ..< ${String(size)}`;
}

/** The declaration with the range that it lacks. */
export function rangeFor({ port: { name, type, range }, size, everywhere }: Misplaced): readonly string[] {
  if (range !== undefined || !everywhere) return [];
  const declaration = `${name}: ${type.dtype}[${type.shape.map(String).join(", ")}] in 0 ..< ${String(size)}`;
  return [`Its declaration can say so, and data is held against it:   ${declaration}`];
}

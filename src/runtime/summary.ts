/**
 * What a model costs: parameters, FLOP, bytes moved and memory, for prediction and for training, part by part. FLOP count
 * convolutions and matrix products, forward and gradients, 2 per multiply-add; all other work shows in the bytes.
 */
import type { Graph, Node, Variable } from "../compiler/graph/graph.ts";
import { costOf } from "../compiler/ops/cost.ts";
import { bytesOf } from "../compiler/ops/tensor.ts";
import type { Part, Program } from "../compiler/program.ts";
import { type Dim, elementCount } from "../compiler/types/dim.ts";

export interface Figures {
  readonly predict: number;
  /** Null where the model has no loss. */
  readonly train: number | null;
}

export interface PartSummary {
  readonly path: string;
  readonly kind: Part["kind"];
  /** Own and those of the parts inside. */
  readonly parameters: number;
  readonly trainable: number;
  readonly flops: Figures;
  readonly bytes: Figures;
}

export interface Summary {
  readonly name: string;
  readonly parameters: number;
  readonly trainable: number;
  readonly states: number;
  /** A sample. */
  readonly flops: Figures;
  readonly bytes: {
    readonly parameters: number;
    /** Read and written by all operators, a sample. */
    readonly moved: Figures;
    /** The most that values between operators take at one time, for a batch. */
    readonly activations: Figures;
    readonly batch: number;
  };
  readonly parts: readonly PartSummary[];
}

export function summarise(program: Program, batch: number): Summary {
  const graphs = { predict: program.predict, train: program.train };
  const nodes = {
    predict: nodeCosts(program.predict),
    train: program.train === undefined ? undefined : nodeCosts(program.train),
  };
  const params = program.variables.filter(({ kind }) => kind === "param");
  const total = (inside: (path: string) => boolean): Omit<PartSummary, "path" | "kind"> => {
    const own = params.filter(({ path }) => inside(path));
    const sum = (which: "flops" | "bytes"): Figures => ({
      predict: sumOf(nodes.predict, inside, which),
      train: nodes.train === undefined ? null : sumOf(nodes.train, inside, which),
    });
    return {
      parameters: numbersIn(own),
      trainable: numbersIn(own.filter(({ trained }) => trained)),
      flops: sum("flops"),
      bytes: sum("bytes"),
    };
  };
  const all = total(() => true);
  return {
    name: program.name,
    parameters: all.parameters,
    trainable: all.trainable,
    states: numbersIn(program.variables.filter(({ kind }) => kind === "state")),
    flops: all.flops,
    bytes: {
      parameters: params.reduce((sum, { type }) => sum + countOf(type.shape) * bytesOf(type.dtype), 0),
      moved: all.bytes,
      activations: {
        predict: peakBytes(graphs.predict, batch),
        train: graphs.train === undefined ? null : peakBytes(graphs.train, batch),
      },
      batch,
    },
    parts: allParts(program)
      .map(({ path, kind }) => ({ path, kind, ...total((at) => at === path || at.startsWith(`${path}.`)) }))
      // A `let` whose work stands under the names of its labels has none of its own.
      .filter(({ parameters, bytes }) => parameters > 0 || bytes.predict > 0 || (bytes.train ?? 0) > 0),
  };
}

/** The program's parts, after those that only have a name by their label: `stem`, `b1`. */
function allParts(program: Program): readonly Part[] {
  const covered = (path: string): boolean =>
    program.parts.some((part) => path === part.path || path.startsWith(`${part.path}.`));
  // neither schedules and optimizers nor what the compiler adds, which has no place in the source, are parts
  const own = [
    ...program.evaluate.nodes.filter(({ span }) => span !== undefined),
    ...program.variables.filter(({ kind }) => kind === "param" || kind === "state"),
  ];
  const loose = new Set<string>();
  for (const { path } of own) {
    const [first] = path.split(".");
    if (first !== undefined && first !== "" && !covered(path)) loose.add(first);
  }
  return [...[...loose].map((path): Part => ({ path, kind: "let" })), ...program.parts];
}

export function numbersIn(variables: readonly Variable[]): number {
  return variables.reduce((sum, { type }) => sum + countOf(type.shape), 0);
}

/** FLOP of one graph for one sample. */
export function flopsOf(graph: Graph): number {
  return sumOf(nodeCosts(graph), () => true, "flops");
}

interface NodeCost {
  readonly path: string;
  readonly flops: number;
  readonly bytes: number;
}

/** Leaves cost nothing: what reads them pays. */
const LEAVES: ReadonlySet<string> = new Set(["input", "variable", "constant", "axis_size"]);

function nodeCosts(graph: Graph): readonly NodeCost[] {
  return graph.nodes.flatMap((node) => {
    if (LEAVES.has(node.op)) return [];
    const { flops, bytes } = costOf(node);
    return [{ path: node.path, flops: at(flops, 1), bytes: at(bytes, 1) }];
  });
}

/** FLOP of one node for a batch. */
export function flopsOfNode(node: Node, batch: number): number {
  return at(costOf(node).flops, batch);
}

function sumOf(costs: readonly NodeCost[], inside: (path: string) => boolean, which: "flops" | "bytes"): number {
  return costs.reduce((sum, cost) => sum + (inside(cost.path) ? cost[which] : 0), 0);
}

/** What a run-time size other than the batch is taken as: this, or the next multiple of what divides it. */
const TYPICAL_SIZE = 64;

function at(dim: Dim, batch: number): number {
  return dim.evaluate((_, name, unit) => (name === "B" ? batch : Math.ceil(TYPICAL_SIZE / unit) * unit));
}

function countOf(shape: Variable["type"]["shape"]): number {
  return at(elementCount(shape), 1);
}

/** Runs through the graph in its order, keeping each value from where it is made to where it is last read. */
function peakBytes(graph: Graph, batch: number): number {
  const last = new Map<Node, number>();
  graph.nodes.forEach((node, place) => {
    last.set(node, place);
    for (const { node: read } of node.inputs) last.set(read, place);
  });
  const end = graph.nodes.length;
  for (const { value } of [...graph.outputs, ...graph.updates]) last.set(value.node, end);
  const dying = new Map<number, Node[]>();
  for (const [node, place] of last) dying.set(place, [...(dying.get(place) ?? []), node]);
  const size = (node: Node): number =>
    node.op === "variable" || node.op === "constant"
      ? 0
      : node.outputs.reduce((sum, type) => sum + at(elementCount(type.shape), batch) * bytesOf(type.dtype), 0);
  let alive = 0;
  let peak = 0;
  graph.nodes.forEach((node, place) => {
    alive += size(node);
    peak = Math.max(peak, alive);
    for (const dead of dying.get(place) ?? []) alive -= size(dead);
  });
  return peak;
}

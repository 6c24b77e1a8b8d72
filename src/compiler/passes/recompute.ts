/**
 * Makes what a backward pass reads anew from what it keeps anyhow: elementwise work and batch norms first, other work where
 * it frees many bytes for its time, as long as the most that lives at once falls. The graph means the same up to rounding.
 * It must be the last pass, for others would find the copies equal and share them.
 */
import type { GraphBuilder } from "../graph/builder.ts";
import type { Graph, Node, Value } from "../graph/graph.ts";
import { typeOf } from "../graph/graph.ts";
import { reachableFrom } from "../graph/reach.ts";
import { rewrite } from "../graph/rewrite.ts";
import { guessed, secondsOf } from "../ops/cost.ts";
import { bytesOf } from "../ops/tensor.ts";
import { elementCount } from "../types/dim.ts";
import { noRules, type Pass, type PassResult } from "./pass.ts";

/** Operators that cost about as much as reading their inputs. */
const CHEAP: ReadonlySet<string> = new Set([
  ...["relu", "neg", "abs", "add", "sub", "mul", "div", "min", "max", "sigmoid", "tanh"],
  ...["batch_norm_train", "batch_norm_eval", "concat", "slice", "pad", "reshape", "expand", "transpose"],
]);
/**
 * `normal` does again what costs little, in graphs whose values outweigh the engine's own memory; `low` frees what it can. The
 * share of a step's time that may go into doing again what is not cheap, and the bytes below which all is kept.
 */
const LEVELS = { normal: { mostTime: 0.03, enough: 2 ** 28 }, low: { mostTime: 0.16, enough: 0 } } as const;
export type Level = keyof typeof LEVELS;
/** Values whose readers lie further apart than this share of a step are kept, for a copy would live as long between them. */
const FAR = 0.1;
/** Plans that differ by less, in time or in what lives, are alike. */
const ALIKE = 0.01;

export function recompute(level: Level): Pass {
  return { name: "recompute", run: (graph) => runOn(graph, level) };
}

function runOn(graph: Graph, level: Level): PassResult {
  const results = graph.outputs.filter((output) => output.kind !== "gradient");
  const forward = reachableFrom(results.map((output) => output.value));
  const remade = choose(graph, forward, LEVELS[level]);
  const made = new Map<Node, readonly Value[]>();
  const changed = rewrite(graph, noRules, (builder, node, inputs) => {
    if (forward.has(node)) return undefined;
    const again = node.inputs.map((old, i) => {
      const given = inputs[i] as Value;
      return remade.has(old.node) && !isSmall(old) ? remake(builder, old, given, remade, made) : given;
    });
    if (again.every((value, i) => value === inputs[i])) return undefined;
    const copy = builder.node(node.op, node.attributes, again, node.outputs);
    return node.outputs.map((_, index) => ({ node: copy, index }));
  });
  return { graph: changed ?? graph, changed: changed !== undefined };
}

type Limits = (typeof LEVELS)[Level];

interface Plan {
  readonly remade: ReadonlySet<Node>;
  /** The most bytes of the forward pass that live at once. */
  readonly peak: number;
  /** Seconds of work that is done again and not cheap. */
  readonly seconds: number;
}

/** Adds what frees most for its time; the plan in which the least lives at once. */
function choose(graph: Graph, forward: ReadonlySet<Node>, { mostTime, enough }: Limits): ReadonlySet<Node> {
  const clock = new Clock(graph);
  if (enough > 0 && planOf(graph, forward, () => false, clock).peak < enough) return new Set();
  const density = new Map<Node, number>();
  for (const node of graph.nodes) {
    if (!forward.has(node) || isLeaf(node) || node.op === "random" || CHEAP.has(node.op)) continue;
    density.set(node, bytesIn(node) / clock.seconds(node));
  }
  let best = planOf(graph, forward, (node) => CHEAP.has(node.op), clock);
  let tried = 0;
  for (const least of [...new Set(density.values())].sort((a, b) => b - a)) {
    const plan = planOf(graph, forward, (node) => CHEAP.has(node.op) || (density.get(node) ?? 0) >= least, clock);
    if (plan.seconds > mostTime * clock.work) break;
    if (plan.seconds < tried + ALIKE * clock.work) continue;
    tried = plan.seconds;
    if (plan.peak < (1 - ALIKE) * best.peak) best = plan;
  }
  return best.remade;
}

/** The work of a graph before each of its nodes, in seconds. */
class Clock {
  readonly work: number;
  readonly #before = new Map<Node, number>();
  readonly #seconds = new Map<Node, number>();

  constructor(graph: Graph) {
    let work = 0;
    for (const node of graph.nodes) {
      const seconds = secondsOf(node);
      this.#before.set(node, work);
      this.#seconds.set(node, seconds);
      work += seconds;
    }
    this.work = work;
  }
  at(node: Node): number {
    return this.#before.get(node) ?? 0;
  }
  seconds(node: Node): number {
    return this.#seconds.get(node) ?? 0;
  }
}

interface Span {
  first: number;
  last: number;
}

/** What to make again of the nodes that may be, and what it comes to. */
function planOf(graph: Graph, forward: ReadonlySet<Node>, mayBeMade: (node: Node) => boolean, clock: Clock): Plan {
  /** What needs work that is not cheap. */
  const heavy = new Set<Node>();
  /** When the forward pass has read a node's values for the last time, and when the backward pass needs them. */
  const [read, needed] = [new Map<Node, number>(), new Map<Node, Span>()];
  const need = (value: Value, at: number): void => {
    if (isLeaf(value.node) || isSmall(value)) return;
    const span = needed.get(value.node);
    if (span === undefined) needed.set(value.node, { first: at, last: at });
    else [span.first, span.last] = [Math.min(span.first, at), Math.max(span.last, at)];
  };
  for (const node of graph.nodes) {
    const at = clock.at(node);
    for (const input of node.inputs) {
      if (!forward.has(input.node)) continue;
      if (forward.has(node)) read.set(input.node, at);
      else need(input, at);
    }
    if (!forward.has(node) || !mayBeMade(node)) continue;
    if (!CHEAP.has(node.op) || node.inputs.some((input) => heavy.has(input.node) && !isSmall(input))) heavy.add(node);
  }
  const kept = new Set<Node>();
  for (const node of [...graph.nodes].reverse()) {
    const span = needed.get(node);
    if (span === undefined || !forward.has(node)) continue;
    if (!mayBeMade(node) || (heavy.has(node) && span.last - span.first > FAR * clock.work)) kept.add(node);
    else for (const input of node.inputs) need(input, span.first);
  }
  const remade = new Set<Node>();
  const changes: (readonly [at: number, bytes: number])[] = [];
  const lives = (from: number, to: number, bytes: number): void => void changes.push([from, bytes], [to, -bytes]);
  let seconds = 0;
  for (const node of graph.nodes) {
    if (!forward.has(node) || isLeaf(node)) continue;
    const span = needed.get(node);
    const there = node.inputs.every(
      (input) => isLeaf(input.node) || isSmall(input) || kept.has(input.node) || remade.has(input.node),
    );
    const again = span !== undefined && !kept.has(node) && there;
    const [start, end, bytes] = [clock.at(node), read.get(node) ?? clock.at(node), bytesIn(node)];
    if (!again) {
      lives(start, Math.max(end, span?.last ?? 0), bytes);
      continue;
    }
    remade.add(node);
    lives(start, end, bytes);
    lives(span.first, span.last, bytes);
    if (!CHEAP.has(node.op)) seconds += clock.seconds(node);
  }
  changes.sort(([a, x], [b, y]) => a - b || y - x);
  let [live, peak] = [0, 0];
  for (const [, bytes] of changes) {
    live += bytes;
    peak = Math.max(peak, live);
  }
  return { remade, peak, seconds };
}

function isLeaf(node: Node): boolean {
  return node.inputs.length === 0 && node.op !== "random";
}
/** A few numbers a channel, or fewer: kept without a thought. */
function isSmall(value: Value): boolean {
  return typeOf(value).shape.length < 3;
}
/** What a node's larger results take. */
function bytesIn(node: Node): number {
  return node.outputs.reduce(
    (sum, { shape, dtype }) => sum + (shape.length < 3 ? 0 : guessed(elementCount(shape)) * bytesOf(dtype)),
    0,
  );
}

/** `old` of the graph that is read, `given` the same value of the one that is made. */
function remake(
  builder: GraphBuilder,
  old: Value,
  given: Value,
  remade: ReadonlySet<Node>,
  made: Map<Node, readonly Value[]>,
): Value {
  const known = made.get(given.node)?.[given.index];
  if (known !== undefined) return known;
  const inputs = old.node.inputs.map((input, i) => {
    const there = given.node.inputs[i] as Value;
    return remade.has(input.node) && !isSmall(input) ? remake(builder, input, there, remade, made) : there;
  });
  const { op, attributes, outputs, path, span } = given.node;
  const copy = builder.at({ path, span }, () => {
    if (op !== "batch_norm_train") return builder.node(op, attributes, inputs, outputs);
    // with the batch's own statistics, which the forward pass has found
    const statistics = [1, 2].map((index): Value => ({ node: given.node, index }));
    return builder.node("batch_norm_eval", attributes, [...inputs, ...statistics], outputs.slice(0, 1));
  });
  const values = outputs.map((_, index): Value => ({ node: copy, index }));
  made.set(given.node, values);
  return values[given.index] as Value;
}

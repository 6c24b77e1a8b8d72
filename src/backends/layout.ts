/**
 * Decides in which order of axes each value lives. Convolutions and pools want channels last and kernels HWIO; values
 * that elementwise work ties together get one order, that of most votes, so transposes stand only at the borders.
 */
import type { Graph, Node, Value } from "../compiler/graph/graph.ts";
import { typeOf } from "../compiler/graph/graph.ts";
import { guessed } from "../compiler/ops/cost.ts";
import { elementCount, type Shape } from "../compiler/types/dim.ts";

/** Which logical axis stands at each place in memory: `[0, 2, 3, 1]` is NHWC. Undefined is the logical order. */
export type Layout = readonly number[] | undefined;

/** `[B, C, ...S]` with the channels last. */
export function channelsLast(rank: number): Layout {
  return rank < 3 ? undefined : [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1];
}
/** `[O, I, H, W]` as HWIO. */
export const kernelLayout: Layout = [2, 3, 1, 0];

export function sameLayout(a: Layout, b: Layout): boolean {
  return a === b || (a !== undefined && b !== undefined && a.every((axis, i) => axis === b[i]));
}
/** The order of all axes, also where it is the logical one. */
export function orderOf(layout: Layout, rank: number): readonly number[] {
  return layout ?? Array.from({ length: rank }, (_, i) => i);
}
export function inLayout<T>(layout: Layout, axes: readonly T[]): T[] {
  return orderOf(layout, axes.length).map((axis) => axes[axis] as T);
}
/** Where a logical axis stands in memory. */
export function placeOf(layout: Layout, axis: number): number {
  return layout === undefined ? axis : layout.indexOf(axis);
}
/** The order without the axes that a reduction drops. */
export function withoutAxes(layout: Layout, rank: number, dropped: readonly number[]): Layout {
  const kept = orderOf(layout, rank).filter((axis) => !dropped.includes(axis));
  const sorted = [...kept].sort((a, b) => a - b);
  const order = kept.map((axis) => sorted.indexOf(axis));
  return order.every((axis, i) => axis === i) ? undefined : order;
}
/** Do these sizes lie in memory in the same way under both orders: does only an axis of size 1 move? */
export function movesOnlyOnes(shape: Shape, from: Layout, to: Layout): boolean {
  const real = (layout: Layout) => orderOf(layout, shape.length).filter((axis) => shape[axis]?.constant !== 1);
  return real(from).every((axis, i) => axis === real(to)[i]);
}

/** What an operator asks of the order of its tensors. */
export type LayoutRule =
  /** Elementwise or axis by axis: whatever order the tensors of the result's rank share. */
  | { readonly kind: "shared" }
  /** These orders of inputs and outputs; a missing entry is the logical order. */
  | { readonly kind: "fixed"; readonly inputs: readonly Layout[]; readonly outputs: readonly Layout[] }
  /** Takes the input as it is and brings its own order. */
  | { readonly kind: "any" };

const logical: LayoutRule = { kind: "fixed", inputs: [], outputs: [] };

export interface Layouts {
  of(value: Value): Layout;
}

export function assignLayouts(graph: Graph, ruleOf: (node: Node) => LayoutRule | undefined): Layouts {
  const places = new Places(graph);
  const union = (a: Value, b: Value): void => {
    places.join(a, b);
  };
  const votes: { readonly value: Value; readonly layout: Layout; readonly weight: number }[] = [];
  const vote = (value: Value, layout: Layout): void => {
    if (rankOf(value) < 3) return;
    votes.push({
      value,
      layout,
      weight: guessed(elementCount(typeOf(value).shape)),
    });
  };
  for (const node of graph.nodes) {
    const rule = node.op === "variable" ? ({ kind: "any" } as const) : (ruleOf(node) ?? logical);
    const outputs = node.outputs.map((_, index): Value => ({ node, index }));
    const [first] = outputs;
    if (rule.kind === "shared" && first) {
      for (const value of [...node.inputs, ...outputs.slice(1)])
        if (rankOf(value) === rankOf(first)) union(first, value);
    } else if (rule.kind === "fixed") {
      node.inputs.forEach((value, i) => vote(value, rule.inputs[i]));
      outputs.forEach((value, i) => vote(value, rule.outputs[i]));
    }
  }
  for (const update of graph.updates) union(update.variable.value, update.value);

  const ballots = new Map<number, Map<string, { layout: Layout; weight: number }>>();
  for (const { value, layout, weight } of votes) {
    const root = places.rootOf(value);
    const ballot = ballots.get(root) ?? new Map<string, { layout: Layout; weight: number }>();
    ballots.set(root, ballot);
    const name = layout === undefined ? "" : layout.join();
    ballot.set(name, { layout, weight: weight + (ballot.get(name)?.weight ?? 0) });
  }
  const winners = new Map<number, Layout>();
  for (const [root, ballot] of ballots) {
    const best = [...ballot.entries()].sort(([a, x], [b, y]) => y.weight - x.weight || (a < b ? -1 : 1))[0];
    winners.set(root, best?.[1].layout);
  }
  return {
    of(value) {
      const layout = winners.get(places.rootOf(value));
      return layout?.length === rankOf(value) ? layout : undefined;
    },
  };
}

/** Values in classes that share one order: a forest over their numbers. */
class Places {
  readonly #first = new Map<Node, number>();
  readonly #parents: Int32Array;

  constructor(graph: Graph) {
    let count = 0;
    for (const node of graph.nodes) {
      this.#first.set(node, count);
      count += node.outputs.length;
    }
    this.#parents = Int32Array.from({ length: count }, (_, i) => i);
  }
  rootOf({ node, index }: Value): number {
    const first = this.#first.get(node);
    if (first === undefined) throw new Error(`node ${String(node.id)} (${node.op}) is not in the graph`);
    const parents = this.#parents;
    let at = first + index;
    for (let above = parents[at] ?? at; above !== at; above = parents[at] ?? at) {
      // Half of the way is saved for the next who asks.
      parents[at] = parents[above] ?? above;
      at = above;
    }
    return at;
  }
  join(a: Value, b: Value): void {
    const [x, y] = [this.rootOf(a), this.rootOf(b)];
    if (x !== y) this.#parents[x] = y;
  }
}

function rankOf(value: Value): number {
  return typeOf(value).shape.length;
}

/**
 * Puts the steps of a graph in an order in which two cores have work at any time, each a kernel of its own: a
 * kernel on one core wastes less than one that is split over two. Independent branches alternate, weight gradients run
 * beside the walk back. The order is cut into stretches; a run may be one stretch ahead and no more, for what runs early
 * lives long. A simulation by the operators' costs decides, the same on every machine.
 */
import type { Node } from "../../compiler/graph/graph.ts";
import { secondsOf } from "../../compiler/ops/cost.ts";
import type { Step } from "./schedule.ts";

export const CORES = 2;
/** How much of the work may lie between the first step that is not begun and one that is. */
const AHEAD = 0.05;
/** The share of a run that a stretch is. */
const STRETCH = 0.02;

export interface Stretched {
  /** The steps, each after what it needs. */
  readonly stretches: readonly (readonly Step[])[];
  /** The share of the cores' time in which one has nothing to do. */
  readonly idle: number;
}

/** `shareOf`: the time of a node as it is emitted, as a share of what its operator's cost says. */
export function inStretches(steps: readonly Step[], shareOf: (node: Node) => number): Stretched {
  const { needs, readers } = dependencies(steps);
  const seconds = steps.map((step) =>
    (step.kind === "node" ? [step.node] : step.nodes).reduce((sum, node) => sum + shareOf(node) * secondsOf(node), 0),
  );
  const work = seconds.reduce((sum, s) => sum + s, 0);
  const left = needs.map((list) => list.length);
  /** When what a step needs is there. */
  const ready = steps.map(() => 0);
  const done = steps.map(() => false);
  const clocks = Array.from({ length: CORES }, () => 0);
  const stretches: Step[][] = [];
  let first = 0;
  for (let count = 0; count < steps.length; count++) {
    while (done[first] === true) first++;
    const clock = Math.min(...clocks);
    let [best, start] = [-1, Infinity];
    for (let i = first, passed = 0; i < steps.length && passed <= AHEAD * work && start > clock; i++) {
      if (done[i] === true) continue;
      passed += seconds[i] ?? 0;
      if (left[i] !== 0) continue;
      const at = Math.max(clock, ready[i] ?? 0);
      if (at < start) [best, start] = [i, at];
    }
    const step = steps[best];
    if (step === undefined) throw new Error("a step needs what comes after it");
    const end = start + (seconds[best] ?? 0);
    const stretch = Math.floor((start * CORES) / (STRETCH * work));
    (stretches[stretch] ??= []).push(step);
    done[best] = true;
    clocks[clocks.indexOf(clock)] = end;
    for (const reader of readers[best] ?? []) {
      left[reader] = (left[reader] ?? 0) - 1;
      ready[reader] = Math.max(ready[reader] ?? 0, end);
    }
  }
  const idle = work === 0 ? 1 : 1 - work / (CORES * Math.max(...clocks));
  return { stretches: Object.values(stretches), idle };
}

/** Which steps, by their places, each needs, and which need it. */
function dependencies(steps: readonly Step[]): { readonly needs: number[][]; readonly readers: number[][] } {
  const places = new Map<Node, number>();
  steps.forEach((step, i) => {
    if (step.kind === "node") places.set(step.node, i);
  });
  const needs = steps.map((step) => {
    const nodes = step.kind === "node" ? step.node.inputs.map((v) => v.node) : step.after;
    return [...new Set(nodes.map((node) => places.get(node)).filter((i) => i !== undefined))];
  });
  const readers = steps.map((): number[] => []);
  needs.forEach((list, i) => {
    for (const need of list) readers[need]?.push(i);
  });
  return { needs, readers };
}

/**
 * The order in which a graph runs. Nodes keep the graph's own order (forward, then backward depth first), but what serves
 * one update alone runs as soon as its inputs exist and nobody will read the old value any more, so that gradients and
 * saved activations die early. Nodes that nothing needs are left out, and so are those of an update alone: emitting the
 * update asks for them.
 */
import type { Graph, Node, Update, Value } from "../../compiler/graph/graph.ts";

export type Step =
  | { readonly kind: "node"; readonly node: Node }
  | {
      readonly kind: "updates";
      readonly updates: readonly Update[];
      /** What serves these updates alone and is emitted with them. */
      readonly nodes: readonly Node[];
      /** Steps that give these nodes their values or read what is changed. */
      readonly after: readonly Node[];
    };

/** `isLazy`: nodes that are emitted where they are read, so that reading through them is reading what they read. */
export function schedule(
  graph: Graph,
  results: readonly Value[],
  updates: readonly Update[],
  isLazy: (node: Node) => boolean,
): readonly Step[] {
  const needed = reachable([...results, ...updates.map((u) => u.value)]);
  const groups = groupUpdates(graph, needed, results, updates);
  // Numbers that depend on no input, such as the learning rate, come first: updates must not wait for them.
  const [early, late]: [Set<Node>, Node[]] = [new Set(), []];
  for (const node of graph.nodes) {
    const group = groups.of.get(node);
    if (group !== undefined) group.nodes.push(node);
    else if (needed.has(node)) {
      const free = node.op !== "input" && node.op !== "random" && node.outputs.every(({ shape }) => shape.length === 0);
      if (free && node.inputs.every((input) => early.has(input.node))) early.add(node);
      else late.push(node);
    }
  }
  const shared = [...early, ...late];
  // A group waits for the shared nodes it reads and for the shared readers of the variables that it changes.
  const waiting = new Map<Node, Group[]>();
  const wait = (node: Node, group: Group): void => {
    if (isLeaf(node)) return;
    const list = waiting.get(node);
    if (list?.includes(group) === true) return;
    if (list === undefined) waiting.set(node, [group]);
    else list.push(group);
    group.after.push(node);
    group.pending++;
  };
  for (const group of groups.all) {
    for (const node of group.nodes)
      for (const input of node.inputs) if (groups.of.get(input.node) === undefined) wait(input.node, group);
    for (const { value } of group.updates) if (groups.of.get(value.node) === undefined) wait(value.node, group);
  }
  const owner = new Map<Node, Group>();
  for (const group of groups.all) for (const { variable } of group.updates) owner.set(variable.value.node, group);
  for (const node of shared) {
    if (isLazy(node)) continue;
    for (const input of node.inputs) {
      for (const source of through(input.node, isLazy)) {
        const group = owner.get(source);
        if (group !== undefined) wait(node, group);
      }
    }
  }
  const steps: Step[] = [];
  const run = (group: Group): void => {
    const { updates, nodes, after } = group;
    steps.push({ kind: "updates", updates, nodes, after });
  };
  const ready = groups.all.filter((g) => g.pending === 0);
  for (const node of shared) {
    steps.push({ kind: "node", node });
    for (const group of waiting.get(node) ?? []) {
      group.pending--;
      if (group.pending === 0) run(group);
    }
  }
  for (const group of ready) run(group);
  return steps;
}

interface Group {
  readonly nodes: Node[];
  readonly updates: Update[];
  readonly after: Node[];
  pending: number;
}

/** A node, or what it reads where it is lazy. */
function through(node: Node, isLazy: (node: Node) => boolean): readonly Node[] {
  return isLazy(node) ? node.inputs.flatMap((input) => through(input.node, isLazy)) : [node];
}
function isLeaf(node: Node): boolean {
  return node.op === "input" || node.op === "variable" || node.op === "constant";
}

function reachable(from: readonly Value[]): Set<Node> {
  const found = new Set<Node>();
  const open = from.map((v) => v.node);
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (found.has(node)) continue;
    found.add(node);
    for (const input of node.inputs) open.push(input.node);
  }
  return found;
}

/**
 * Which nodes serve the updates of one group and nothing else. An update whose value another group also reads (a
 * velocity, read by its weight) joins that group.
 */
function groupUpdates(
  graph: Graph,
  needed: ReadonlySet<Node>,
  results: readonly Value[],
  updates: readonly Update[],
): { readonly of: ReadonlyMap<Node, Group>; readonly all: readonly Group[] } {
  const parent = new Map<Update, Update>();
  const root = (update: Update): Update => {
    const above = parent.get(update);
    return above === undefined ? update : root(above);
  };
  /** The updates that a node serves: one (by its root), or `many`. */
  const serves = new Map<Node, Update | "many">();
  const direct = new Map<Node, Update[]>();
  for (const update of updates) direct.set(update.value.node, [...(direct.get(update.value.node) ?? []), update]);
  const reads = new Map<Node, Node[]>();
  for (const node of graph.nodes) {
    if (!needed.has(node)) continue;
    for (const input of node.inputs) {
      const readers = reads.get(input.node);
      if (readers === undefined) reads.set(input.node, [node]);
      else readers.push(node);
    }
  }
  const kept = new Set(results.map((v) => v.node));
  for (const node of [...graph.nodes].reverse()) {
    if (!needed.has(node) || isLeaf(node)) continue;
    if (kept.has(node)) {
      serves.set(node, "many");
      continue;
    }
    let only: Update | "many" | undefined;
    for (const reader of reads.get(node) ?? []) {
      const served = serves.get(reader) ?? "many";
      const above = served === "many" ? served : root(served);
      only = only === undefined || only === above ? above : "many";
      if (only === "many") break;
    }
    const own = direct.get(node) ?? [];
    const target = only ?? own[0];
    if (target === "many") serves.set(node, "many");
    if (target === undefined || target === "many") continue;
    for (const update of own) if (root(update) !== root(target)) parent.set(root(update), root(target));
    serves.set(node, root(target));
  }
  const groups = new Map<Update, Group>();
  for (const update of updates) {
    const key = root(update);
    const group = groups.get(key) ?? { nodes: [], updates: [], after: [], pending: 0 };
    group.updates.push(update);
    groups.set(key, group);
  }
  const of = new Map<Node, Group>();
  for (const [node, served] of serves) {
    const group = served === "many" ? undefined : groups.get(root(served));
    if (group !== undefined) of.set(node, group);
  }
  return { of, all: [...groups.values()] };
}

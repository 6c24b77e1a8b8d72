/**
 * Reverse-mode differentiation: one walk back over the nodes, by the operators' gradient rules. It emits into the same
 * builder, in the order in which gradients become known, so that an engine may run the emitted nodes as they stand.
 */
import { GraphBuilder, type TypeRules } from "../graph/builder.ts";
import type { Node, Value } from "../graph/graph.ts";
import { typeOf } from "../graph/graph.ts";
import { Emitter } from "./emit.ts";
import { operatorNamed } from "./index.ts";
import { isFloat } from "./tensor.ts";

/** Refuses to differentiate what has no gradient rule; it names the node's place in the model. */
export class GradientError extends Error {
  readonly node: Node;
  constructor(node: Node, message: string) {
    super(message);
    this.name = "GradientError";
    this.node = node;
  }
}

/** The gradients of the scalar `loss` by each of `wrt`; undefined where the loss does not depend on it. */
export function differentiate(
  builder: GraphBuilder,
  loss: Value,
  wrt: readonly Value[],
): readonly (Value | undefined)[] {
  const { shape, dtype } = typeOf(loss);
  if (shape.length !== 0 || !isFloat(dtype)) {
    throw new GradientError(loss.node, "only a float scalar has gradients");
  }
  const nodes = builder.nodes.slice();
  const wanted = new Places(wrt);
  const moves = dependents(nodes, wanted);
  if (!moves.has(loss)) return wrt.map(() => undefined);

  const emit = new Emitter(builder);
  const gradients = new Map<Node, (Value | undefined)[]>();
  const origin = ({ path, span }: Node): { path: string; span: Node["span"] } => ({ path, span });
  const receive = (value: Value, gradient: Value): void => {
    const own = gradients.get(value.node) ?? [];
    gradients.set(value.node, own);
    const before = own[value.index];
    own[value.index] = before === undefined ? gradient : emit.add(before, gradient);
  };

  builder.at(origin(loss.node), () => {
    receive(loss, emit.number(1, loss));
  });
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i]!;
    const received = gradients.get(node);
    const needs = node.inputs.map((value) => moves.has(value));
    if (received === undefined || !needs.includes(true)) continue;
    const { gradient } = operatorNamed(node.op);
    if (gradient === "none") continue;
    if (gradient === "once") throw new GradientError(node, `${node.op} cannot be differentiated again`);
    builder.at(origin(node), () => {
      const outputs = node.outputs.map((_, index) => ({ node, index }));
      const own = outputs.map((_, index) => received[index]);
      const results = gradient({ node, inputs: node.inputs, outputs, gradients: own, needs, emit });
      node.inputs.forEach((value, index) => {
        const result = results[index];
        if (result !== undefined && needs[index] === true) receive(value, result);
      });
    });
    // What no one reads any more is let go, unless it was asked for.
    if (!node.outputs.some((_, index) => wanted.has({ node, index }))) gradients.delete(node);
  }
  return wrt.map((value) => gradients.get(value.node)?.[value.index]);
}

/**
 * Which of `wrt` have a gradient: what `differentiate` gives, without its graph. `flows` says of nodes that stand for many
 * (`elaborate/outlines.ts`) which of their inputs the gradient of their one output reaches.
 */
export function haveGradients(
  builder: GraphBuilder,
  loss: Value,
  wrt: readonly Value[],
  flows: Flows = new Map(),
  asked: Asked = new Map(),
): readonly boolean[] {
  return gradientFlow(builder.nodes, loss, wrt, builder.rules, flows, asked);
}

/** What rules gave: by the list of a node's outputs, which copies share, and by what was received and needed. */
export type Asked = Map<Node["outputs"], Map<string, readonly boolean[]>>;

/**
 * The same over some nodes alone, each after its inputs, and for any value. Rules are asked once for all nodes that are
 * copies of one another; a value stands for its own gradient, whose type it has.
 */
export function gradientFlow(
  nodes: readonly Node[],
  from: Value,
  wrt: readonly Value[],
  rules: TypeRules,
  flows: Flows,
  asked: Asked,
): readonly boolean[] {
  const moves = dependents(nodes, new Places(wrt), flows);
  const reached = new Places(moves.has(from) ? [from] : []);
  const emit = new Emitter(new GraphBuilder(rules));
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i]!;
    const outputs = node.outputs.map((_, index) => ({ node, index }));
    const received = outputs.map((output) => reached.has(output));
    if (!received.includes(true)) continue;
    const needs = node.inputs.map((value) => moves.has(value));
    if (!needs.includes(true)) continue;
    const gives = flows.get(node) ?? ruleGives(node, outputs, received, needs);
    for (const [index, value] of node.inputs.entries())
      if (gives[index] === true && needs[index] === true) reached.add(value);
  }
  return wrt.map((value) => reached.has(value));

  function ruleGives(
    node: Node,
    outputs: readonly Value[],
    received: readonly boolean[],
    needs: readonly boolean[],
  ): readonly boolean[] {
    const { gradient } = operatorNamed(node.op);
    if (gradient === "none") return [];
    if (gradient === "once") throw new GradientError(node, `${node.op} cannot be differentiated again`);
    const known = asked.get(node.outputs) ?? new Map<string, readonly boolean[]>();
    asked.set(node.outputs, known);
    const key = [...received, ...needs].join();
    const gradients = outputs.map((output, index) => (received[index] === true ? output : undefined));
    const gives =
      known.get(key) ??
      gradient({ node, inputs: node.inputs, outputs, gradients, needs, emit }).map((result) => result !== undefined);
    known.set(key, gives);
    return gives;
  }
}

/** Of a node that is no operator: which of its inputs the gradient of its one output reaches. */
export type Flows = ReadonlyMap<Node, readonly boolean[]>;

/** The float values that move with one of `wanted`. */
function dependents(nodes: readonly Node[], wanted: Places, flows: Flows = new Map()): Places {
  const moves = new Places([]);
  // what comes from elsewhere moves where it is asked for itself
  const moving = (value: Value): boolean => moves.has(value) || wanted.has(value);
  for (const node of nodes) {
    const gives = flows.get(node);
    const carries = gives
      ? node.inputs.some((value, i) => gives[i] === true && moving(value))
      : operatorNamed(node.op).gradient !== "none" && node.inputs.some(moving);
    node.outputs.forEach(({ dtype }, index) => {
      const value = { node, index };
      if (wanted.has(value) || (carries && isFloat(dtype))) moves.add(value);
    });
  }
  for (const value of wanted) moves.add(value);
  return moves;
}

/** A set of values. Nearly all are their node's first output. */
class Places {
  readonly #firsts = new Set<Node>();
  readonly #others = new Map<Node, Set<number>>();
  constructor(values: readonly Value[]) {
    for (const value of values) this.add(value);
  }
  add({ node, index }: Value): void {
    if (index === 0) {
      this.#firsts.add(node);
      return;
    }
    const known = this.#others.get(node);
    if (known) known.add(index);
    else this.#others.set(node, new Set([index]));
  }
  has({ node, index }: Value): boolean {
    return index === 0 ? this.#firsts.has(node) : (this.#others.get(node)?.has(index) ?? false);
  }
  *[Symbol.iterator](): Iterator<Value> {
    for (const node of this.#firsts) yield { node, index: 0 };
    for (const [node, indices] of this.#others) for (const index of indices) yield { node, index };
  }
}

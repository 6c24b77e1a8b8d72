/**
 * Mixed precision: a graph in f32 becomes one whose heavy work computes in bf16. Convolutions and matrix products take
 * bf16; what lies between them follows where it rounds at most once; sums, losses, statistics and updates stay in f32, and
 * so do variables, inputs, outputs and gradients as updates see them. Which operator does what stands in the table below.
 */
import { GraphBuilder, type TypeRules } from "../graph/builder.ts";
import type { Graph, Node, Value } from "../graph/graph.ts";
import { typeOf } from "../graph/graph.ts";
import { rewrite } from "../graph/rewrite.ts";
import type { Pass, PassResult } from "./pass.ts";
import { prune } from "./prune.ts";

/**
 * What an operator does with its float operands. Operands that are not named stay in f32.
 * - `narrow`: those named are rounded to bf16, wherever they come from.
 * - `follow`: in bf16 where those named `lead` are bf16 already (weights and literals go along), and then `all` are.
 * - `product`: as narrow, but only where an operand is bf16 already or a weight, so that geometry keeps its digits.
 */
type Rule =
  | { readonly kind: "narrow"; readonly operands: readonly number[] }
  | {
      readonly kind: "follow";
      readonly lead: readonly number[] | "every";
      readonly operands: readonly number[] | "every";
    }
  | { readonly kind: "product" };

const narrow: Rule = { kind: "narrow", operands: [0, 1] };
/** Moves of numbers, and operators that round once what they compute: bf16 where every operand is. */
const follow: Rule = { kind: "follow", lead: "every", operands: "every" };
/** As one operand is: the value whose gradient the others are, or the data among statistics. */
const after = (lead: number, operands: readonly number[] | "every"): Rule => ({
  kind: "follow",
  lead: [lead],
  operands,
});
const each = (names: string, rule: Rule) => names.split(" ").map((name) => [name, rule] as const);

const rules: ReadonlyMap<string, Rule> = new Map([
  ...each("conv2d conv2d_transpose conv2d_input_gradient conv2d_weight_gradient", narrow),
  ["matmul", { kind: "product" }],
  ...each("add sub mul div min max neg abs sign relu select", follow),
  ...each("reshape expand transpose concat stack split slice pad flip gather stop_gradient", follow),
  ...each("max_pool2d avg_pool2d avg_pool2d_gradient", follow),
  ["relu_gradient", after(0, "every")],
  ["max_pool2d_gradient", after(0, "every")],
  ["batch_norm_train", after(0, [0])],
  ["batch_norm_eval", after(0, [0])],
  ["batch_norm_train_gradient", after(0, [0, 4])],
]);
/** Moves of one operand, through which a rounding goes to what they read. */
const moves: ReadonlySet<string> = new Set(["reshape", "expand", "transpose"]);

export function mixedPrecision(typeRules: TypeRules): Pass {
  return {
    name: "mixed precision",
    run(graph: Graph): PassResult {
      const mixed = new Narrowing(graph, typeRules).run();
      return mixed === undefined ? { graph, changed: false } : { graph: prune.run(mixed).graph, changed: true };
    },
  };
}

class Narrowing {
  readonly #graph: Graph;
  readonly #rules: TypeRules;
  /** Casts by what they read, anew for the backward pass: a copy that both read would live from one to the other. */
  #casts = new Map<Node, Map<string, Value>>();
  /** The last node of the losses: what comes after it is the backward pass. */
  readonly #lastLoss: number;
  /** Sums of gradients of one weight, and these gradients as updates see them. */
  readonly #sums = new Set<Node>();
  readonly #gradients = new Map<Node, Set<number>>();
  readonly #weights: ReadonlySet<string>;

  constructor(graph: Graph, rules: TypeRules) {
    this.#graph = graph;
    this.#rules = rules;
    const losses = graph.outputs.filter(({ kind }) => kind === "loss" || kind === "total");
    this.#lastLoss = Math.max(-1, ...losses.map(({ value }) => graph.nodes.indexOf(value.node)));
    this.#weights = new Set(graph.variables.filter(({ kind }) => kind === "param").map(({ path }) => path));
    const gradients = graph.outputs.filter(({ kind }) => kind === "gradient").map(({ value }) => value);
    for (const { node, index } of gradients)
      this.#gradients.set(node, (this.#gradients.get(node) ?? new Set()).add(index));
    const open = [...gradients, ...graph.updates.map(({ value }) => value)].map(({ node }) => node);
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      if (node.op !== "add" || this.#sums.has(node)) continue;
      this.#sums.add(node);
      open.push(...node.inputs.map((input) => input.node));
    }
  }

  run(): Graph | undefined {
    let place = 0;
    const graph = rewrite(this.#graph, this.#rules, (builder, node, inputs) => {
      if (place++ === this.#lastLoss + 1) this.#casts = new Map();
      return this.#replace(builder, node, inputs);
    });
    return graph && this.#borders(graph);
  }

  #replace(builder: GraphBuilder, node: Node, inputs: readonly Value[]): readonly Value[] | undefined {
    const rounded = this.#sums.has(node) ? undefined : this.#roundedOperands(node, inputs);
    const given = inputs.map((value, i) =>
      rounded?.has(i) === true ? this.#narrowed(builder, value) : this.#widened(builder, value),
    );
    if (rounded === undefined && given.every((value, i) => value === inputs[i])) return undefined;
    const made =
      rounded === undefined
        ? outputsOf(builder.node(node.op, node.attributes, given, node.outputs))
        : builder.all(node.op, node.attributes, ...given);
    const gradients = this.#gradients.get(node);
    return made.map((value, index) => (gradients?.has(index) === true ? this.#widened(builder, value) : value));
  }

  #narrowed(builder: GraphBuilder, value: Value): Value {
    const { dtype, shape } = typeOf(value);
    if (dtype !== "f32") return value;
    return this.#once(value, "bf16", () => {
      const { op, attributes, inputs } = value.node;
      const values = attributes["values"];
      if (op === "constant" && values instanceof Float64Array) {
        const node = builder.node("constant", attributes, [], [{ dtype: "bf16", shape }]);
        return { node, index: 0 };
      }
      const [moved] = inputs;
      if (moves.has(op) && moved !== undefined) return builder.op(op, attributes, this.#narrowed(builder, moved));
      return builder.op("cast", { to: "bf16" }, value);
    });
  }
  #widened(builder: GraphBuilder, value: Value): Value {
    if (typeOf(value).dtype !== "bf16") return value;
    return this.#once(value, "f32", () => builder.op("cast", { to: "f32" }, value));
  }
  #once(value: Value, to: string, make: () => Value): Value {
    const known = this.#casts.get(value.node) ?? new Map<string, Value>();
    this.#casts.set(value.node, known);
    const key = `${to} ${String(value.index)}`;
    const made = known.get(key) ?? make();
    known.set(key, made);
    return made;
  }

  /** Which operands an operator takes in bf16, given what they are now; undefined where it stays in f32. */
  #roundedOperands(node: Node, inputs: readonly Value[]): ReadonlySet<number> | undefined {
    const rule = rules.get(node.op);
    const floats = inputs.flatMap((value, i) => (/^(f32|bf16)$/.test(typeOf(value).dtype) ? [i] : []));
    if (rule === undefined || floats.length === 0) return undefined;
    const at = (i: number): Value => inputs[i] as Value;
    const isBf16 = (i: number): boolean => typeOf(at(i)).dtype === "bf16";
    switch (rule.kind) {
      case "narrow":
        return new Set(rule.operands);
      case "product":
        return floats.some((i) => isBf16(i) || this.#isWeight(at(i))) ? new Set(floats) : undefined;
      case "follow": {
        const lead = rule.lead === "every" ? floats : rule.lead;
        if (!lead.some(isBf16) || !lead.every((i) => isBf16(i) || this.#goesAlong(at(i)))) return undefined;
        return new Set(rule.operands === "every" ? floats : rule.operands);
      }
    }
  }
  /** A literal or a weight, or moved ones: they are rounded where others are bf16. */
  #goesAlong(value: Value): boolean {
    return value.node.op === "constant" || this.#isWeight(value) || isMoved(value, (moved) => this.#goesAlong(moved));
  }
  #isWeight(value: Value): boolean {
    const { path } = value.node.attributes;
    if (value.node.op === "variable") return typeof path === "string" && this.#weights.has(path);
    return isMoved(value, (moved) => this.#isWeight(moved));
  }

  /** Outputs and updates in the types that they had. */
  #borders(graph: Graph): Graph {
    const builder = new GraphBuilder(this.#rules, graph.nodes);
    const widened = (value: Value): Value => this.#widened(builder, value);
    const outputs = graph.outputs.map((output) => ({ ...output, value: widened(output.value) }));
    const updates = graph.updates.map((update) => ({ ...update, value: widened(update.value) }));
    return { ...graph, outputs, updates, nodes: builder.nodes };
  }
}

function isMoved({ node }: Value, of: (value: Value) => boolean): boolean {
  const [moved] = node.inputs;
  return moves.has(node.op) && moved !== undefined && of(moved);
}
function outputsOf(node: Node): readonly Value[] {
  return node.outputs.map((_, index) => ({ node, index }));
}

/**
 * The variables of one graph as they are met: params, states, the optimizer's states and the counters, each once a path,
 * and what becomes of them at the end of a step.
 */
import type { GraphBuilder } from "../graph/builder.ts";
import type { Initializer, Update, Value, Variable } from "../graph/graph.ts";
import type { Span } from "../source/source.ts";
import type { TensorType } from "../types/tensor.ts";

export class VariableStore {
  readonly #graph: GraphBuilder;
  readonly #byPath = new Map<string, Variable>();
  /** In the order of declaration. */
  readonly #all: Variable[] = [];
  /** The value that the next application of a shared block reads: the last one's update. */
  readonly #current = new Map<string, Value>();
  /** The variables that were asked for again. */
  readonly #reused: Variable[] = [];
  /** Every update in order. */
  readonly #log: { readonly path: string; readonly value: Value }[] = [];

  constructor(graph: GraphBuilder) {
    this.#graph = graph;
  }
  get all(): readonly Variable[] {
    return this.#all;
  }
  get(path: string): Variable | undefined {
    return this.#byPath.get(path);
  }
  /** The variable of a path, made where it is not there. */
  declare(
    kind: Variable["kind"],
    path: string,
    type: TensorType,
    init: () => Initializer,
    span: Span | undefined,
  ): Variable {
    const known = this.#byPath.get(path);
    if (known) {
      this.#reused.push(known);
      return known;
    }
    return this.add(kind, path, type, init(), span);
  }
  /** A variable of a path that has none. */
  add(kind: Variable["kind"], path: string, type: TensorType, init: Initializer, span: Span | undefined): Variable {
    const node = this.#graph.node("variable", { path }, [], [type], { path, span });
    const variable: Variable = { path, kind, type, init, trained: kind === "param", value: { node, index: 0 }, span };
    this.#all.push(variable);
    this.#byPath.set(path, variable);
    return variable;
  }
  read(variable: Variable): Value {
    return this.#current.get(variable.path) ?? variable.value;
  }
  update(path: string, value: Value): void {
    this.#current.set(path, value);
    this.#log.push({ path, value });
  }
  /** Ends a turn: what comes next reads the updates as given, and no gradient goes back into how they came about. */
  settle(): void {
    for (const [path, value] of this.#current) {
      const settled = this.#graph.at({ path, span: undefined }, () => this.#graph.op("stop_gradient", {}, value));
      this.#current.set(path, settled);
    }
  }
  /** Every variable that was asked for when it was there already, in order. */
  get reused(): readonly Variable[] {
    return this.#reused;
  }
  /** Every update, in order. */
  get log(): readonly { readonly path: string; readonly value: Value }[] {
    return this.#log;
  }
  updates(): readonly Update[] {
    return [...this.#current].flatMap(([path, value]) => {
      const variable = this.#byPath.get(path);
      return variable ? [{ variable, value }] : [];
    });
  }
}

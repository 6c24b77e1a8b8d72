/**
 * Gradients summed over micro-batches: a graph of its own adds those of a micro-batch to sums, and the training step of
 * the last one gives the optimizers the mean of all. Which optimizer that is, and how many there are, nothing here knows.
 */
import { type Graph, type Output, typeOf, type Update, type Value, type Variable } from "../graph/graph.ts";
import { withoutUnread } from "../graph/reach.ts";
import type { Context } from "./context.ts";

export class Accumulation {
  readonly #context: Context;
  /** How many micro-batches the sums hold. */
  readonly #held: Variable;
  readonly #more: Value;
  readonly #sums: Update[] = [];

  constructor(context: Context) {
    const { graph, variables } = context;
    this.#context = context;
    this.#held = variables.declare(
      "counter",
      "micro_batches",
      { dtype: "i64", shape: [] },
      () => ({ kind: "constant", value: 0 }),
      undefined,
    );
    this.#more = graph.at(counting, () => graph.op("add", {}, this.#held.value, graph.constant(1, "i64")));
    variables.update(this.#held.path, this.#zero(this.#held.value));
  }

  /** The number that draws go by: the step's for the first micro-batch, and another for each that follows. */
  drawsOf(step: Value): Value {
    const { graph } = this.#context;
    return graph.at(counting, () =>
      graph.op("add", {}, step, graph.op("mul", {}, this.#held.value, graph.constant(2 ** 32, "i64"))),
    );
  }

  /** What stands for the gradients of one batch: the means of the sums with these in them. */
  means(gradients: ReadonlyMap<Variable, Value>): ReadonlyMap<Variable, Value> {
    const { graph, variables } = this.#context;
    return new Map(
      [...gradients].map(([of, gradient]) => {
        const type = typeOf(gradient);
        // no optimizer can have a state of this name
        const path = `optimizer.${of.path}.gradient-sum`;
        const held = variables.declare("optimizer", path, type, () => ({ kind: "constant", value: 0 }), of.span);
        return graph.at({ path, span: of.span }, () => {
          const sum = graph.op("add", {}, held.value, gradient);
          this.#sums.push({ variable: held, value: sum });
          const zero = graph.op("cast", { to: type.dtype }, this.#zero(this.#held.value));
          variables.update(path, graph.op("expand", { to: type.shape }, zero));
          return [of, graph.op("div", {}, sum, graph.op("cast", { to: type.dtype }, this.#more))];
        });
      }),
    );
  }

  /** The graph of a micro-batch that others follow: losses, sums, and what layers keep. */
  graphOf(train: Graph): Graph {
    const kept = new Map(train.variables.map((v) => [v.path, v]));
    const updates = [...this.#sums, { variable: this.#held, value: this.#more }].flatMap(({ variable, value }) => {
      const known = kept.get(variable.path);
      return known === undefined ? [] : [{ variable: known, value }];
    });
    const isLoss = ({ kind }: Output): boolean => kind === "loss" || kind === "total";
    return withoutUnread({
      ...train,
      updates: [...train.updates.filter(({ variable }) => variable.kind === "state"), ...updates],
      outputs: train.outputs.filter(isLoss),
    });
  }

  /** 0, in a form that no engine folds into constants as large as what is filled from it. */
  #zero(count: Value): Value {
    const { graph } = this.#context;
    return graph.at(counting, () => graph.op("min", {}, count, graph.constant(0, "i64")));
  }
}

const counting = { path: "micro_batches", span: undefined } as const;

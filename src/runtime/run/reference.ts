/** The reference engine: archc's own evaluation of a program, in double precision (the oracle) or in single. */
import { evaluate } from "../../backends/reference/index.ts";
import type { Variable } from "../../compiler/graph/graph.ts";
import type { Tensor } from "../../compiler/ops/tensor.ts";
import type { Program } from "../../compiler/program.ts";
import { ownVersion } from "../package-root.ts";
import { readVariable, seededWeights, type Weights } from "../weights.ts";
import { type Engine, isOfStep, type Precision, STEP, withoutUpdates } from "./engine.ts";

export function reference(precision: Exclude<Precision, "bf16">): Engine {
  return {
    name: "reference",
    version: () => Promise.resolve(ownVersion()),
    async open({ program, weights, seed }) {
      const variables = await readVariables(program.predict.variables, weights);
      return {
        run: (inputs) => Promise.resolve(evaluate(program.predict, { precision, inputs, variables, seed }).outputs),
        close: () => Promise.resolve(),
      };
    },
    async train({ program, weights, seed, begin }, inputs, steps) {
      const graph = trainGraph(program);
      const start = await readVariables(graph.variables, weights);
      const counter = start.get(STEP);
      if (counter !== undefined && begin !== undefined) start.set(STEP, { ...counter, data: Float64Array.of(begin) });
      let variables: ReadonlyMap<string, Tensor> = start;
      let first: ReadonlyMap<string, Tensor> | undefined;
      for (let step = 0; step < Math.max(1, steps); step += 1) {
        // Gradients are asked for once; later steps would only keep them in memory.
        const outputs = step === 0 ? graph.outputs.filter(isOfStep) : [];
        const made = evaluate(steps === 0 ? withoutUpdates({ ...graph, outputs }) : { ...graph, outputs }, {
          precision,
          inputs,
          variables,
          seed,
        });
        first ??= made.outputs;
        variables = new Map([...variables, ...made.updates]);
      }
      return {
        first: first ?? new Map(),
        weights: new Map([...variables].filter(([path]) => isWeight(program, path))),
      };
    },
  };
}

export function trainGraph(program: Program): NonNullable<Program["train"]> {
  if (program.train === undefined) throw new Error(`${program.name} has no loss to train`);
  return program.train;
}

function isWeight(program: Program, path: string): boolean {
  return program.variables.some(
    (variable) => variable.path === path && (variable.kind === "param" || variable.kind === "state"),
  );
}

/** Weights from where they are; optimizer states and counters as they start. */
export async function readVariables(variables: readonly Variable[], weights: Weights): Promise<Map<string, Tensor>> {
  const fresh = seededWeights(0);
  const read = new Map<string, Tensor>();
  for (const variable of variables) {
    const own = variable.kind === "param" || variable.kind === "state";
    read.set(variable.path, await readVariable(own ? weights : fresh, variable));
  }
  return read;
}

/** The step at which a comparison begins: where a schedule begins at zero, the first steps would say nothing. */
import { evaluate } from "../../backends/reference/index.ts";
import type { Graph, Node, Value } from "../../compiler/graph/graph.ts";
import { isFloat } from "../../compiler/ops/tensor.ts";
import type { Program } from "../../compiler/program.ts";
import { STEP } from "../run/engine.ts";
import { readVariables } from "../run/reference.ts";
import { seededWeights } from "../weights.ts";

const TRIED = [0, ...Array.from({ length: 21 }, (_, i) => 2 ** i)];

/**
 * The first of the steps 0, 1, 2, 4, … at which each rate that is zero at step 0 has come to half of its largest; 0 where
 * none is zero. A rate is any number that the training graph computes from the step alone.
 */
export async function firstStep(program: Program): Promise<number> {
  if (program.train === undefined) return 0;
  const { schedule, rates } = ratesOf(program.train);
  const begun = await readVariables(schedule.variables, seededWeights(0));
  const at = (step: number): readonly number[] => {
    const variables = new Map(
      [...begun].map(([path, tensor]) => [path, path === STEP ? { ...tensor, data: [step] } : tensor]),
    );
    const made = evaluate(schedule, { precision: "f64", inputs: new Map(), variables, keep: rates });
    return rates.map((rate) => Math.abs(made.value(rate).data[0] ?? 0));
  };
  const [zeros] = [at(0).map((rate) => rate === 0)];
  if (!zeros.includes(true)) return 0;
  const tried = TRIED.map(at);
  const half = rates.map((_, i) => tried.reduce((most, rate) => Math.max(most, rate[i] ?? 0), 0) / 2);
  const reached = tried.map((rate) => rate.filter((value, i) => zeros[i] === true && value >= (half[i] ?? 0)).length);
  return TRIED[reached.indexOf(Math.max(...reached))] ?? 0;
}

/** The part of a training graph that depends on its counters alone, and the numbers in it that the rest reads. */
function ratesOf(graph: Graph): { readonly schedule: Graph; readonly rates: readonly Value[] } {
  const counters = graph.variables.filter(({ kind }) => kind === "counter");
  const inside = new Set<Node>();
  const moving = new Set<Node>(counters.map(({ value }) => value.node));
  const rates = new Map<Node, Value>();
  for (const node of graph.nodes) {
    const sources = node.inputs.map((input) => input.node);
    const isNumber =
      node.outputs.length === 1 && node.outputs.every(({ shape }) => shape.every((size) => size.constant === 1));
    const known =
      node.op === "constant" || moving.has(node) || (sources.length > 0 && sources.every((s) => inside.has(s)));
    if (isNumber && known) {
      inside.add(node);
      if (sources.some((source) => moving.has(source))) moving.add(node);
      continue;
    }
    for (const value of node.inputs)
      if (moving.has(value.node) && isFloat(value.node.outputs[0]?.dtype ?? "i64")) rates.set(value.node, value);
  }
  const nodes = graph.nodes.filter((node) => inside.has(node));
  const schedule = { nodes, ports: [], variables: counters, updates: [], outputs: [], asserts: [] };
  return { schedule, rates: [...rates.values()] };
}

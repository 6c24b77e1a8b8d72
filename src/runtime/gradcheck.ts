/**
 * Analytic gradients against central differences, in double precision. A difference that steps over a kink (a ReLU, a
 * maximum) says nothing, so each entry is tried with smaller steps until it agrees or the steps run out.
 */
import { evaluate } from "../backends/reference/index.ts";
import type { Graph, Variable } from "../compiler/graph/graph.ts";
import { withoutUnread } from "../compiler/graph/reach.ts";
import type { Tensor } from "../compiler/ops/tensor.ts";
import type { Program } from "../compiler/program.ts";
import { Draws } from "./draws.ts";
import { InputError } from "./error.ts";
import { drawInputs } from "./run/inputs.ts";
import { readVariables } from "./run/reference.ts";
import type { Weights } from "./weights.ts";

export interface GradcheckRequest {
  readonly weights: Weights;
  readonly batch: number;
  readonly seed: number;
  /** Entries of each parameter; all of them where undefined. */
  readonly entries: number | undefined;
  readonly onEntry: (done: number, of: number) => void;
  readonly signal: AbortSignal;
}

export interface Entry {
  readonly path: string;
  readonly index: number;
  readonly analytic: number;
  readonly numeric: number;
  /** The difference over the larger of both, or over a millionth of the parameter's largest gradient where both are less. */
  readonly relativeError: number;
}
export interface Gradcheck {
  readonly maxRelativeError: number;
  readonly worst: Entry | null;
  readonly entries: number;
}

const STEPS = [1e-5, 1e-6, 1e-4, 1e-7];
/** Good enough to stop trying other steps. */
const GOOD = 1e-6;

export async function gradcheck(program: Program, request: GradcheckRequest): Promise<Gradcheck> {
  const { train } = program;
  if (train === undefined) throw new InputError(`${program.name} has no loss, so there are no gradients.`);
  const { batch, seed, entries, onEntry, signal } = request;
  const still: Graph = { ...train, updates: [] };
  const inputs = await drawInputs(program, still, batch, seed);
  const variables = await doubles(still.variables, request.weights);
  const all = evaluate(still, { precision: "f64", inputs, variables, seed }).outputs;
  const lossOnly = withoutUnread({ ...still, outputs: still.outputs.filter(({ kind }) => kind === "total") });
  const lossAt = (): number =>
    evaluate(lossOnly, { precision: "f64", inputs, variables, seed }).outputs.get("loss")?.data[0] ?? NaN;

  const checked = train.variables.filter(({ trained, path }) => trained && all.has(`grad.${path}`));
  const plan = checked.map((variable) => ({ variable, places: places(variable, variables, entries, seed) }));
  const total = plan.reduce((sum, { places: list }) => sum + list.length, 0);
  let [done, worst]: [number, Entry | null] = [0, null];
  for (const { variable, places: list } of plan) {
    const { path } = variable;
    const gradient = all.get(`grad.${path}`) as Tensor;
    const data = (variables.get(path) as Tensor).data;
    let largest = 0;
    for (const value of gradient.data) largest = Math.max(largest, Math.abs(value));
    const floor = 1e-6 * largest + 1e-12;
    for (const index of list) {
      signal.throwIfAborted();
      const entry = check(path, index, gradient.data[index] ?? NaN, floor, (change) => {
        const before = data[index] ?? 0;
        data[index] = before + change;
        const loss = lossAt();
        data[index] = before;
        return loss;
      });
      if (worst === null || entry.relativeError > worst.relativeError) worst = entry;
      done += 1;
      onEntry(done, total);
      // Lets Ctrl-C in.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  return { maxRelativeError: worst?.relativeError ?? 0, worst, entries: total };
}

function check(
  path: string,
  index: number,
  analytic: number,
  floor: number,
  lossAfter: (change: number) => number,
): Entry {
  let best: Entry | undefined;
  for (const step of STEPS) {
    const numeric = (lossAfter(step) - lossAfter(-step)) / (2 * step);
    const relativeError = Math.abs(analytic - numeric) / Math.max(Math.abs(analytic), Math.abs(numeric), floor);
    if (best === undefined || relativeError < best.relativeError)
      best = { path, index, analytic, numeric, relativeError };
    if (best.relativeError < GOOD) break;
  }
  return best as Entry;
}

/** Parameters in double precision, in arrays of our own: entries are moved in place. */
async function doubles(variables: readonly Variable[], weights: Weights): Promise<Map<string, Tensor>> {
  const read = await readVariables(variables, weights);
  return new Map([...read].map(([path, tensor]) => [path, { ...tensor, data: Float64Array.from(tensor.data) }]));
}

function places(
  variable: Variable,
  values: ReadonlyMap<string, Tensor>,
  entries: number | undefined,
  seed: number,
): readonly number[] {
  const count = values.get(variable.path)?.data.length ?? 0;
  if (entries === undefined || entries >= count) return Array.from({ length: count }, (_, i) => i);
  const draws = new Draws(seed, "gradcheck", variable.path);
  const chosen = new Set<number>();
  while (chosen.size < entries) chosen.add(draws.below(count));
  return [...chosen];
}

/** The f64 reference against PyTorch in f64: predictions, losses, every gradient, and everything after 1 and 3 steps. */
import { beforeAll, describe, expect, it } from "vitest";
import { evaluate, type Fed } from "../../src/backends/reference/index.ts";
import type { Graph } from "../../src/compiler/graph/graph.ts";
import { golden, goldenProgram, type GoldenTensor, maxDifference } from "../support/goldens.ts";

/** Two f64 runs of PyTorch that sum in different orders differ by up to 4e-12; the bound leaves room for three steps. */
const tolerance = 1e-9;

type Tensors = ReadonlyMap<string, GoldenTensor>;
let inputs: Tensors;
let outputs: Tensors;

function feeds(graph: Graph): Map<string, Fed> {
  return new Map(graph.ports.map((p) => [p.name, inputs.get(p.name) as Fed]));
}
/** Weights as given, optimizer states and counters at their start. */
function startingVariables(weights: Tensors): Map<string, Fed> {
  return new Map(
    goldenProgram().variables.map((v): [string, Fed] => {
      const given = weights.get(v.path);
      if (given) return [v.path, given];
      const shape = v.type.shape.map((d) => d.constant ?? NaN);
      const value = v.path === "steps_per_epoch" ? 1 : 0;
      return [v.path, { shape, data: new Float64Array(shape.reduce((a, b) => a * b, 1)).fill(value) }];
    }),
  );
}
function trainOnce(variables: Map<string, Fed>): ReturnType<typeof evaluate> {
  const { train } = goldenProgram();
  if (train === undefined) throw new Error("the model has losses");
  return evaluate(train, { precision: "f64", inputs: feeds(train), variables });
}

describe("the small DHAA in f64", () => {
  let weights: Tensors;
  beforeAll(async () => {
    [inputs, outputs, weights] = await Promise.all([golden("inputs"), golden("outputs"), golden("weights")]);
  });

  it("has PyTorch's parameters", () => {
    const trained = goldenProgram().variables.filter((v) => v.trained);
    const count = trained.reduce((sum, v) => sum + v.type.shape.reduce((n, d) => n * (d.constant ?? NaN), 1), 0);
    expect(count).toBe(100_996);
  });

  it("predicts PyTorch's ages", () => {
    const { predict } = goldenProgram();
    const { outputs: made } = evaluate(predict, { precision: "f64", inputs: feeds(predict), variables: startingVariables(weights) });
    expect(maxDifference(made.get("years")?.data ?? [], outputs.get("predict.years.0")?.data ?? [])).toBeLessThan(tolerance);
  });

  it("has PyTorch's losses and gradients, and its weights after 1 and 3 steps", async () => {
    const [gradients, after1, after3] = await Promise.all([golden("gradients"), golden("after1"), golden("after3")]);
    let variables = startingVariables(weights);
    for (const step of [1, 2, 3]) {
      const made = trainOnce(variables);
      for (const [name, { data }] of outputs) {
        if (!name.startsWith("loss")) continue;
        const own = name === "loss" ? "loss" : `${name}.loss`;
        expect(Math.abs((made.outputs.get(own)?.data[0] ?? NaN) / (data[step - 1] ?? NaN) - 1), `${name}, step ${step}`).toBeLessThan(tolerance);
      }
      if (step === 1) {
        expect([...made.outputs.keys()].filter((k) => k.startsWith("grad.")).length).toBe(gradients.size);
        expectEqual(gradients, (path) => made.outputs.get(`grad.${path}`)?.data);
      }
      variables = new Map([...variables, ...made.updates]);
      if (step === 1) expectEqual(after1, (path) => variables.get(path)?.data);
      if (step === 3) expectEqual(after3, (path) => variables.get(path)?.data);
    }
    expect(Number(variables.get("step")?.data[0])).toBe(3);
  });
});

function expectEqual(expected: Tensors, actual: (path: string) => Fed["data"] | undefined): void {
  const wrong = [...expected].flatMap(([path, { data }]) => {
    const own = actual(path);
    const difference = own === undefined ? Infinity : maxDifference(Float64Array.from(own as ArrayLike<number>), data);
    return difference < tolerance ? [] : [`${path}: ${difference}`];
  });
  expect(wrong).toEqual([]);
}

/** Each ablation against the same change made by hand in PyTorch: what it predicts and its loss, at the small size in f64. */
import { readFileSync } from "node:fs";
import { beforeAll, expect, it } from "vitest";
import { evaluate, type Fed } from "../../src/backends/reference/index.ts";
import type { Graph } from "../../src/compiler/graph/graph.ts";
import { ablationProgram, ablations } from "../support/ablations.ts";
import { golden, goldenSettings, type GoldenTensor, maxDifference } from "../support/goldens.ts";

const tolerance = 1e-9;

let inputs: ReadonlyMap<string, GoldenTensor>;
let weights: ReadonlyMap<string, GoldenTensor>;
beforeAll(async () => {
  [inputs, weights] = await Promise.all([golden("inputs"), golden("weights")]);
});

/** What `ablations.py` takes for a weight that the stored file has not, or not in this shape. */
function plain(path: string, shape: readonly number[]): Fed {
  const count = shape.reduce((a, b) => a * b, 1);
  const positive = path.endsWith(".running_var") || (path.endsWith(".weight") && shape.length === 1);
  const valueAt = (i: number): number => (positive ? (((37 * i) % 101) + 51) / 128 : (((37 * i) % 101) - 50) / 256);
  return { shape, data: Float64Array.from({ length: count }, (_, i) => valueAt(i)) };
}
function startOf(name: string): { predict: Graph; train: Graph; variables: Map<string, Fed> } {
  const { predict, train, variables } = ablationProgram(name, goldenSettings);
  if (train === undefined) throw new Error("the model has losses");
  const start = variables.map(({ path, type, kind }): [string, Fed] => {
    const shape = type.shape.map((size) => size.constant ?? NaN);
    const stored = weights.get(path);
    if (stored && stored.shape.join() === shape.join()) return [path, stored];
    if (kind === "param" || path.includes(".running_")) return [path, plain(path, shape)];
    const value = path === "steps_per_epoch" ? 1 : 0;
    return [path, { shape, data: new Float64Array(shape.reduce((a, b) => a * b, 1)).fill(value) }];
  });
  return { predict, train, variables: new Map(start) };
}
const feeds = (graph: Graph): Map<string, Fed> => new Map(graph.ports.map((p) => [p.name, inputs.get(p.name) as Fed]));

it.each(ablations())("$name gives what PyTorch gives after the edit", ({ name, small }) => {
  const { predict, train, variables } = startOf(name);
  const made = evaluate(predict, { precision: "f64", inputs: feeds(predict), variables });
  expect(maxDifference(made.outputs.get("years")?.data ?? [], small.years)).toBeLessThan(tolerance);
  const step = evaluate(train, { precision: "f64", inputs: feeds(train), variables });
  expect(Math.abs((step.outputs.get("loss")?.data[0] ?? NaN) / small.loss - 1)).toBeLessThan(tolerance);
});

it.each(ablations().slice(1))("$name has the lines of its patch", ({ name, added, removed }) => {
  const patch = readFileSync(new URL(`../../scripts/goldens/ablations/${name}.patch`, import.meta.url), "utf8");
  const count = (lines: RegExp): number => [...patch.matchAll(lines)].length;
  expect([count(/^\+(?!\+\+ )/gm), count(/^-(?!-- )/gm)]).toEqual([added, removed]);
});

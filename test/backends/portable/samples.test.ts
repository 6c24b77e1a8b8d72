// Every sample of every forward operator as plain tfjs, on the backends that run in Node: against the operator's own
// evaluation in double precision, and against the closed forms that samples carry. Where an operator takes a batch, also
// with its size left open.
import { describe, expect, test } from "vitest";
import { evaluate } from "../../../src/backends/reference/index.ts";
import { emitPortable } from "../../../src/backends/portable/index.ts";
import { GraphBuilder } from "../../../src/compiler/graph/builder.ts";
import { decompose } from "../../../src/compiler/ops/decompose.ts";
import { Dim } from "../../../src/compiler/types/dim.ts";
import {
  batchedInputs,
  forwardGraph,
  isGradient,
  type OperatorSample,
  operatorSamples,
} from "../../support/operators.ts";
import { backends, openGraph, useBackend } from "../../support/portable.ts";
import { standardRules } from "../../support/rules.ts";
import { programOf } from "../../support/tfjs.ts";

const rules = standardRules();

async function check(s: OperatorSample, openAxes: readonly number[]): Promise<void> {
  const graph = forwardGraph(s, rules, openAxes);
  const inputs = new Map(
    s.sample.inputs.map(({ dtype, shape, values }, i) => [`x${String(i)}`, { dtype, shape, data: values }]),
  );
  const expected = evaluate(graph, { precision: "f64", inputs, variables: new Map() }).outputs;
  const opened = await openGraph(graph, rules);
  try {
    for (const backend of backends) {
      await useBackend(backend);
      const results = await opened.run(Object.fromEntries(inputs));
      expect(Object.keys(results)).toEqual([...expected.keys()]);
      for (const [i, [name, wanted]] of [...expected].entries()) {
        const got = results[name];
        expect(got?.shape, backend).toEqual(wanted.shape);
        const scale = Math.max(1, ...wanted.data.map(Math.abs));
        for (const numbers of [wanted.data, s.sample.expected?.outputs?.[i] ?? []]) {
          for (const [at, value] of numbers.entries()) {
            const error = Math.abs((got?.data[at] ?? NaN) - value);
            const told = `${backend}: ${name}[${String(at)}] is ${String(got?.data[at])}, not ${String(value)}`;
            expect(error / scale, told).toBeLessThan(s.sample.tolerance32 ?? 1e-5);
          }
        }
      }
    }
  } finally {
    await opened.close();
  }
}

describe("every sample", () => {
  const forward = operatorSamples().filter((s) => !isGradient(s));
  test.each(forward.map((s) => [s.operator.name, s.sample.name, s] as const))("%s: %s", async (name, _, s) => {
    await check(s, []);
    const openAxes = batchedInputs[name];
    if (openAxes !== undefined) await check(s, openAxes);
  });
});

describe("what plain tfjs cannot say is refused", () => {
  const like = operatorSamples().filter(({ operator: { name } }) => name === "grid_sample_grid_gradient");
  test("a gradient without a decomposition", () => {
    const graph = forwardGraph(like[0]!, rules, []);
    const { files, refusals } = emitPortable(programOf({ predict: graph }), { decompose, rules });
    expect(files.size).toBe(0);
    expect(refusals.map(({ op, path }) => [op, path])).toEqual([["grid_sample_grid_gradient", "part.layer"]]);
    expect(refusals[0]?.reason).toContain("no form of `grid_sample_grid_gradient`");
  });
  test("a random draw", () => {
    const builder = new GraphBuilder(rules);
    const type = { dtype: "f32", shape: [Dim.of(3)] } as const;
    const value = builder.at({ path: "part.noise", span: undefined }, () => ({
      node: builder.node("random", { distribution: "uniform", low: 0, high: 1, path: "part.noise" }, [], [type]),
      index: 0,
    }));
    const outputs = [{ name: "y", kind: "predict", value, span: undefined }] as const;
    const graph = { nodes: builder.nodes, ports: [], variables: [], updates: [], outputs, asserts: [] };
    const { refusals } = emitPortable(programOf({ predict: graph }), { decompose, rules });
    expect(refusals.map(({ op, path }) => [op, path])).toEqual([["random", "part.noise"]]);
    expect(refusals[0]?.help).toContain("feed the numbers as an input");
  });
});

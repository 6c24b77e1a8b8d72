/**
 * Training on TensorFlow over several steps, against the f64 reference: every optimizer and schedule of the library, rates
 * by path, frozen weights, clipping, and steps summed over micro-batches. Distances are L2 over the norm, a tensor.
 */
import { describe, expect, test } from "vitest";
import { evaluate } from "../../../src/backends/reference/index.ts";
import { initialValues } from "../../../src/compiler/ops/initialize.ts";
import { draws } from "../../../src/compiler/ops/sample-data.ts";
import type { Graph } from "../../../src/compiler/graph/graph.ts";
import type { Program } from "../../../src/compiler/program.ts";
import type { TfjsModel } from "../../../src/runtime/engine/tfjs/model.ts";
import { relativeL2 } from "../../support/goldens.ts";
import { programFrom } from "../../support/library.ts";
import { openProgram } from "../../support/tfjs.ts";

interface Fed {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}
type Batch = ReadonlyMap<string, Fed>;
const STEPS_PER_EPOCH = 2;

/** What serves a layer of the model below: every optimizer and every schedule is there. */
const groups: readonly (readonly [optimizer: string, schedule: string])[] = [
  ["sgd()", "constant(0.05)"],
  ["sgd()", "constant(0.005)"],
  ["sgd(momentum: 0.9, decay: 0.1)", "steps(0.05, at: [1.0, 2.0])"],
  ["sgd(momentum: 0.9, nesterov: true, decay: 5e-4)", "exponential(0.05, by: 0.7)"],
  ["adam()", "cosine(0.01, until: 6, end: 0.001)"],
  ["adam(beta1: 0.5, beta2: 0.9, eps: 1e-3, decay: 0.1)", "polynomial(0.01, until: 6, power: 2.0)"],
  ["adamw(decay: 0.2)", "warm_up(3, constant(0.01))"],
  ["rmsprop()", "warm_cosine(0.01, warm: 2, until: 8)"],
  ["rmsprop(alpha: 0.9, momentum: 0.5, decay: 0.1)", "one_cycle(0.01, until: 8)"],
  ["adagrad(decay: 0.1)", "constant(0.02)"],
  ["lion(decay: 0.1)", "constant(0.01)"],
];
function network(more = ""): Program {
  const sum = groups.map((_, i) => `(tanh(${String(0.5 + i / 8)} * x) |> linear(3) as l${String(i)})`).join(" + ");
  const lines = groups.map(([by, at], i) => `    optimize "main.l${String(i)}.**" by ${by} at ${at}`).join("\n");
  return programFrom(`model net() {
  input  x: f32[B, 6]
  target y: f32[B, 3]
  head main {
    let guess = ${sum} + (x |> linear(3) as still)
    loss mse_loss(guess, y)
    predict value = guess
  }
  train {
    batch  = 4
    epochs = 1
    ${more}
    freeze "main.still.**"
${lines}
  }
}
`);
}
const batchOf = (samples: number, salt: number): Batch =>
  new Map([
    ["x", { shape: [samples, 6], data: draws(6 * samples, -1, 1, salt) }],
    ["y", { shape: [samples, 3], data: draws(3 * samples, -2, 2, salt + 1000) }],
  ]);

function startOf(program: Program): Map<string, Fed> {
  return new Map(
    program.variables.map((v) => {
      const data = Float64Array.from([...initialValues(v, 0)].map(Number));
      if (v.path === "steps_per_epoch") data[0] = STEPS_PER_EPOCH;
      return [v.path, { shape: v.type.shape.map((d) => d.constant ?? 0), data }];
    }),
  );
}
function graphOf(graph: Graph | undefined): Graph {
  if (graph === undefined) throw new Error("there is no such graph");
  return graph;
}
/** All variables after these batches, each step being over a list of micro-batches. */
function referenceAfter(program: Program, steps: readonly (readonly Batch[])[]): Map<string, Fed> {
  let variables = startOf(program);
  for (const parts of steps)
    for (const [i, inputs] of parts.entries()) {
      const graph = graphOf(i + 1 < parts.length ? program.accumulate : program.train);
      const { updates } = evaluate(graph, { precision: "f64", inputs, variables });
      const made = [...updates].map(([path, t]): [string, Fed] => [
        path,
        { shape: t.shape, data: Float64Array.from(t.data, Number) },
      ]);
      variables = new Map([...variables, ...made]);
    }
  return variables;
}
function setStart(model: TfjsModel, program: Program): void {
  const start = startOf(program);
  model.setWeights(
    program.variables.map(({ path, type }) => {
      const { shape, data } = start.get(path) ?? { shape: [], data: new Float64Array() };
      if (type.dtype !== "i64") return [path, { shape, data: Float32Array.from(data) }];
      return [path, { shape: [...shape, 2], data: Int32Array.from([...data].flatMap((n) => [n, 0])) }];
    }),
  );
}
async function engineAfter(
  program: Program,
  steps: readonly (readonly Batch[])[],
  look: (model: TfjsModel) => void = () => undefined,
): Promise<Map<string, ArrayLike<number>>> {
  const opened = await openProgram(program, { mode: "train" });
  const { model } = opened;
  try {
    setStart(model, program);
    for (const parts of steps)
      for (const [i, batch] of parts.entries()) {
        const feeds = Object.fromEntries(batch);
        if (i + 1 < parts.length) model.accumulate(feeds);
        else model.trainStep(feeds);
      }
    look(model);
    return new Map([...model.getWeights()].map(([path, { data }]) => [path, data]));
  } finally {
    await opened.close();
  }
}
/** Names of the float variables that are further apart than f32 explains after a few steps. */
function apart(program: Program, actual: ReadonlyMap<string, ArrayLike<number>>, wanted: Map<string, Fed>): string[] {
  return program.variables.flatMap(({ path, type }) => {
    const [a, b] = [Array.from(actual.get(path) ?? []), Array.from(wanted.get(path)?.data ?? [])];
    if (type.dtype === "i64") return a.filter((_, i) => i % 2 === 0).join() === b.join() ? [] : [path];
    const zero = b.every((n) => n === 0);
    const distance = zero ? Math.max(...a.map(Math.abs)) : relativeL2(a, b);
    return distance <= 2e-5 ? [] : [`${path}: ${String(distance)}`];
  });
}
const six = Array.from({ length: 6 }, (_, i) => [batchOf(5, i)]);

describe("six steps are those of the reference", () => {
  test.each([
    ["every optimizer and schedule, rates by path, a frozen layer", ""],
    ["clipped by the common norm", "gradients = clip_norm(0.3)"],
    ["clipped by value", "gradients = clip_value(0.02)"],
    ["told to accumulate, and not doing it", "accumulate = 3"],
  ])("%s", async (_, more) => {
    const program = network(more);
    const wanted = referenceAfter(program, six);
    expect(apart(program, await engineAfter(program, six), wanted)).toEqual([]);
    const start = startOf(program);
    const stayed = program.variables.filter(({ path, kind }) => {
      const [before, after] = [start.get(path)?.data ?? [], wanted.get(path)?.data ?? []];
      return kind === "param" && relativeL2(Array.from(after), Array.from(before)) === 0;
    });
    expect(stayed.map(({ path }) => path)).toEqual(["main.still.weight", "main.still.bias"]);
  });
});

describe("gradients summed over micro-batches", () => {
  const whole = Array.from({ length: 4 }, (_, i) => [batchOf(12, i)]);
  /** The same samples, four at a time. */
  const parts = whole.map(([batch]) =>
    [0, 1, 2].map(
      (part): Batch =>
        new Map(
          [...(batch ?? [])].map(([name, { shape, data }]) => {
            const each = (4 * data.length) / 12;
            return [name, { shape: [4, ...shape.slice(1)], data: data.slice(part * each, (part + 1) * each) }];
          }),
        ),
    ),
  );
  const program = network("accumulate = 3  gradients = clip_norm(0.3)");
  test("three of four samples are one of twelve, whatever the optimizer", () => {
    const plain = network("gradients = clip_norm(0.3)");
    const [summed, full] = [referenceAfter(program, parts), referenceAfter(plain, whole)];
    for (const { path, type } of plain.variables)
      if (type.dtype === "f32")
        expect(relativeL2([...(summed.get(path)?.data ?? [])], [...(full.get(path)?.data ?? [])]), path).toBeLessThan(
          1e-11,
        );
    expect(summed.get("step")?.data[0]).toBe(4);
  });
  test("on TensorFlow too; the sums start anew with each step", async () => {
    const after = await engineAfter(program, parts);
    expect(apart(program, after, referenceAfter(program, parts))).toEqual([]);
    const sums = [...after].filter(([path]) => path.endsWith(".gradient-sum"));
    expect(sums.length).toBe(2 * groups.length);
    for (const [path, values] of sums)
      expect(
        Array.from(values).every((n) => n === 0),
        path,
      ).toBe(true);
  });
  test("a step is over as many as were added, be it none", async () => {
    const uneven = [[batchOf(4, 1)], [batchOf(4, 2), batchOf(4, 3)], [batchOf(4, 4)]];
    expect(apart(program, await engineAfter(program, uneven), referenceAfter(program, uneven))).toEqual([]);
  });
  test("layers keep statistics of every micro-batch, and draws differ between them", async () => {
    const made = programFrom(`model net() {
  input x: f32[B, 2]
  head main {
    let seen = x |> batch_norm as norm
    loss sum(axis: [0, 1])(seen + dropout(0.5)(x))
    predict value = seen
  }
  train { batch = 2  epochs = 1  accumulate = 2  optimize "**" by sgd() at constant(0.1) }
}
`);
    const ones = (value: number): Batch =>
      new Map([["x", { shape: [2, 2], data: Float64Array.of(value, 1, value, 1) }]]);
    const steps = [[ones(1), ones(2)]];
    const reference = referenceAfter(made, steps);
    const [mean] = reference.get("main.norm.running_mean")?.data ?? [];
    expect(mean).toBeCloseTo(0.9 * 0.1 + 0.2, 12);
    expect(apart(made, await engineAfter(made, steps), reference)).toEqual([]);
    // Many draws, so that two of them agree by chance once in 2^64.
    const wide: Batch = new Map([["x", { shape: [32, 2], data: new Float64Array(64).fill(1) }]]);
    const dropped = (count: number): number[] => {
      const variables = startOf(made);
      variables.set("micro_batches", { shape: [], data: Float64Array.of(count) });
      const keep = graphOf(made.train)
        .nodes.filter(({ op }) => op === "random")
        .map((node) => ({ node, index: 0 }));
      const run = evaluate(graphOf(made.train), { precision: "f64", inputs: wide, variables, keep });

      return keep.flatMap((value) => Array.from(run.value(value).data));
    };
    expect(dropped(0)).not.toEqual(dropped(1));
  });
  test("a model that does not accumulate has nothing of it", () => {
    const plain = network("accumulate = 1");
    expect(plain.accumulate).toBeUndefined();
    expect(plain.hash).toBe(network().hash);
  });
  test("steps that take turns cannot", () => {
    const text = `model game() {
  input x: f32[B, 2]
  shared a = linear(1)
  shared b = linear(1)
  head p { loss mean(axis: [0, 1])(a(x))  predict value = a(x) }
  head q { loss mean(axis: [0, 1])(b(x)) }
  train {
    batch = 2  epochs = 1  accumulate = 2
    step a { optimize "a.**" for p by sgd() at constant(0.1) }
    step b { optimize "b.**" for q by sgd() at constant(0.1) }
  }
}
`;
    expect(() => programFrom(text)).toThrow("`accumulate` takes 1 where steps take turns, and this is 2");
  });
});

/**
 * bf16 on TensorFlow. A number in bf16 has 8 significant bits, so rounding one to nearest errs by at most 2^-8 of it; sums
 * run in f32. Single operators get operands that bf16 holds exactly and are held to that. A whole network has no such
 * bound: it is held to what PyTorch's own bf16 (autocast) errs on the same numbers.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { evaluate } from "../../../src/backends/reference/index.ts";
import { emitTfjs } from "../../../src/backends/tfjs/index.ts";
import { GraphBuilder } from "../../../src/compiler/graph/builder.ts";
import type { Graph, Output, Port, Value } from "../../../src/compiler/graph/graph.ts";
import { decompose } from "../../../src/compiler/ops/decompose.ts";
import { differentiate } from "../../../src/compiler/ops/differentiate.ts";
import { Emitter } from "../../../src/compiler/ops/emit.ts";
import { initialValues } from "../../../src/compiler/ops/initialize.ts";
import { draws } from "../../../src/compiler/ops/sample-data.ts";
import type { Program } from "../../../src/compiler/program.ts";
import { Dim } from "../../../src/compiler/types/dim.ts";
import { compileText } from "../../support/compile.ts";
import { golden, goldenPath, goldenProgram, maxDifference, relativeL2 } from "../../support/goldens.ts";
import { standardRules } from "../../support/rules.ts";
import { graphNodes, openProgram, programOf } from "../../support/tfjs.ts";

const rules = standardRules();
/** What rounding to 8 bits adds at most, over the number. */
const ROUNDING = 2 ** -8;

interface Numbers {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Eighths between -2 and 2: exact in bf16, and sums of their products exact in f32. */
function eighths(count: number, salt: number): Float32Array {
  return Float32Array.from(draws(count, -16, 16, salt), (value) => Math.round(value) / 8);
}

interface Convolution {
  readonly side: number;
  readonly channels: number;
  readonly outputs: number;
  readonly kernel: number;
  readonly stride?: number;
  readonly pad?: number;
  readonly dilation?: number;
}
/** A convolution between two inputs, and both its gradients for a gradient that is fed. */
function convolutionGraph(c: Convolution): { readonly graph: Graph; readonly inputs: ReadonlyMap<string, Numbers> } {
  const builder = new GraphBuilder(rules);
  const emit = new Emitter(builder);
  const ports: Port[] = [];
  const inputs = new Map<string, Numbers>();
  const input = (name: string, shape: readonly number[], batch: boolean): Value => {
    const type = {
      dtype: "f32",
      shape: shape.map((n, i) => (batch && i === 0 ? Dim.variable("B") : Dim.of(n))),
    } as const;
    const value = { node: builder.node("input", { name, kind: "input" }, [], [type]), index: 0 };
    ports.push({ name, kind: "input", type, value, range: undefined, span: undefined });
    inputs.set(name, {
      shape,
      data: eighths(
        shape.reduce((a, b) => a * b, 1),
        ports.length,
      ),
    });
    return value;
  };
  const { side, kernel, stride = 1, pad = 0, dilation = 1 } = c;
  const x = input("x", [3, c.channels, side, side], true);
  const w = input("w", [c.outputs, c.channels, kernel, kernel], false);
  const pair = (n: number) => [Dim.of(n), Dim.of(n)];
  const settings = { stride: pair(stride), pad: pair(pad), dilation: pair(dilation), groups: Dim.one };
  const y = emit.op("conv2d", settings, x, w);
  const out = Math.floor((side + 2 * pad - dilation * (kernel - 1) - 1) / stride) + 1;
  const dy = input("dy", [3, c.outputs, out, out], true);
  const loss = emit.sum(emit.mul(y, dy), [0, 1, 2, 3]);
  const gradients = differentiate(builder, loss, [x, w]);
  const named: [string, Value | undefined][] = [
    ["y", y],
    ["dx", gradients[0]],
    ["dw", gradients[1]],
  ];
  const outputs = named.flatMap(([name, value]): Output[] =>
    value === undefined ? [] : [{ name, kind: "predict", value, span: undefined }],
  );
  return { graph: { nodes: builder.nodes, ports, variables: [], updates: [], outputs, asserts: [] }, inputs };
}

describe("a convolution and its gradients", () => {
  test.each<[string, Convolution & { readonly products: number }]>([
    ["3x3", { side: 7, channels: 64, outputs: 128, kernel: 3, pad: 1, products: 9 }],
    [
      "3x3 by steps of 2, an even side",
      { side: 14, channels: 64, outputs: 128, kernel: 3, stride: 2, pad: 1, products: 9 },
    ],
    [
      "3x3 by steps of 2, an odd side",
      { side: 9, channels: 128, outputs: 64, kernel: 3, stride: 2, pad: 1, products: 9 },
    ],
    [
      "3x3 by steps of 3, rows that nobody reads",
      { side: 11, channels: 64, outputs: 128, kernel: 3, stride: 3, products: 9 },
    ],
    ["3x3 with gaps", { side: 9, channels: 64, outputs: 128, kernel: 3, pad: 2, dilation: 2, products: 9 }],
    [
      "5x5 with gaps by steps of 2",
      { side: 12, channels: 64, outputs: 128, kernel: 5, stride: 2, pad: 3, dilation: 2, products: 25 },
    ],
    ["1x1", { side: 7, channels: 64, outputs: 128, kernel: 1, products: 1 }],
    ["1x1 by steps of 2", { side: 8, channels: 64, outputs: 128, kernel: 1, stride: 2, products: 1 }],
    ["a large map", { side: 20, channels: 64, outputs: 128, kernel: 3, pad: 1, products: 0 }],
    ["few channels", { side: 9, channels: 3, outputs: 5, kernel: 3, stride: 2, pad: 1, products: 0 }],
  ])("%s", async (_, { products, ...c }) => {
    const { graph, inputs } = convolutionGraph(c);
    const program = programOf({ predict: graph });
    const options = { mode: "predict", precision: "bf16", rules, decompose } as const;
    const nodes = graphNodes(emitTfjs(program, options).files);
    expect(nodes.filter(({ op }) => op === "MatMul")).toHaveLength(products);
    const exact = evaluate(graph, { precision: "f64", inputs, variables: new Map() }).outputs;
    const opened = await openProgram(program, options);
    const results = opened.model.predict(Object.fromEntries(inputs));
    for (const [name, { data }] of exact)
      expect(maxDifference(results[name]?.data ?? [], data), name).toBeLessThanOrEqual(ROUNDING);
    await opened.close();
  });
});

describe("the small network beside PyTorch's bf16", () => {
  const pytorch = (
    JSON.parse(readFileSync(new URL("../../goldens/dhaa-small/bf16-errors.json", import.meta.url), "utf8")) as {
      largest: Readonly<Record<"losses" | "predictions" | "gradients", Readonly<Record<string, number>>>>;
    }
  ).largest;
  const options = { mode: "train", probe: true, precision: "bf16", rules, decompose } as const;
  const median = (numbers: readonly number[]): number => [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? NaN;

  test("losses, gradients and predictions err as much", async () => {
    const opened = await openProgram(goldenProgram(), options);
    await opened.model.load(goldenPath("weights"));
    const feeds = Object.fromEntries(await golden("inputs"));
    const results = opened.model.run("gradients", feeds);
    const [outputs, gradients] = [await golden("outputs"), await golden("gradients")];
    const errors = [...gradients].map(([name, { data }]) => {
      const error = relativeL2(results[`grad.${name}`]?.data ?? [], data);
      return { name, error, theirs: pytorch.gradients[name] ?? NaN };
    });
    expect(errors).toHaveLength(452);
    expect(median(errors.map(({ error }) => error))).toBeLessThan(median(errors.map(({ theirs }) => theirs)));
    // many tensors have two to eight numbers, in which one run's error is luck
    expect(errors.filter(({ error, theirs }) => !(error <= 8 * theirs))).toEqual([]);
    const exact = outputs.get("loss")?.data.slice(0, 1) ?? [];
    expect(relativeL2(results["loss"]?.data ?? [], exact)).toBeLessThan(4 * (pytorch.losses["loss"] ?? NaN));
    const { image, landmarks } = feeds;
    if (image === undefined || landmarks === undefined) throw new Error("the goldens have no inputs");
    const [years] = Object.values(opened.model.predict({ image, landmarks }));
    const wanted = outputs.get("predict.years.0")?.data ?? [];
    expect(relativeL2(years?.data ?? [], wanted)).toBeLessThan(4 * (pytorch.predictions["years.0"] ?? NaN));
    await opened.close();
  }, 120_000);
});

describe("training", () => {
  const text = `
import { conv, batch_norm, max_pool, global_avg_pool, linear } from "std:nn"
model net() {
  input x: f32[B, 3, 12, 12]
  target label: i32[B] in 0 ..< 4
  let maps = x |> conv(16) as conv1 |> batch_norm as bn1 |> relu |> max_pool(2)
  let code = maps |> conv(16, stride: 2) as conv2 |> batch_norm as bn2 |> relu |> global_avg_pool
  head main {
    let logits = code |> linear(4)
    loss cross_entropy(logits, label)
    predict scores = logits
  }
  train { batch = 8  epochs = 1  optimize "**" by sgd(momentum: 0.9, nesterov: true, decay: 5e-4) at constant(0.05) }
}
`;
  const STEPS = 40;
  /** Four kinds of pictures, each a stripe of its own and noise. */
  const label = Int32Array.from({ length: 8 }, (_, i) => i % 4);
  const noise = draws(8 * 3 * 144, -1, 1, 5);
  const x = Float32Array.from(
    noise,
    (value, i) => value + (Math.floor(i / 36) % 4 === Math.floor(i / 432) % 4 ? 1 : 0),
  );
  const feeds = { x: { shape: [8, 3, 12, 12], data: x }, label: { shape: [8], data: label } };
  async function losses(program: Program, precision: "f32" | "bf16"): Promise<number[]> {
    const opened = await openProgram(program, { mode: "train", precision, rules, decompose });
    opened.model.setWeights(
      program.variables.flatMap((v) => {
        if (v.kind !== "param" && v.kind !== "state") return [];
        const data = Float32Array.from(initialValues(v, 0), Number);
        return [[v.path, { shape: v.type.shape.map((d) => d.constant ?? 0), data }] as const];
      }),
    );
    const found = Array.from({ length: STEPS }, () => Number(opened.model.trainStep(feeds)["loss"]));
    await opened.close();
    return found;
  }

  test("follows the loss of f32, and is the same from run to run", async () => {
    const program = compileText(text);
    const [single, half, again] = [
      await losses(program, "f32"),
      await losses(program, "bf16"),
      await losses(program, "bf16"),
    ];
    expect(again).toEqual(half);
    expect(half).not.toEqual(single);
    const [first = NaN] = single;
    expect(single.at(-1)).toBeLessThan(first / 4);
    // A step errs by a few roundings of 2^-8; what the steps before it erred moves the weights, and comes on top.
    half.forEach((loss, step) =>
      expect(Math.abs(loss - (single[step] ?? NaN)), String(step)).toBeLessThan(first * 2 ** -4),
    );
  });
});

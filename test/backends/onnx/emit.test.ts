// What the emitter makes of graphs built by hand: which forms it joins, what it folds, how sizes of a run reach the graph.
// Numbers are held against the reference in double precision; the file against what onnx-proto reads from it.
import { describe, expect, test } from "vitest";
import { emitOnnx, outputNames } from "../../../src/backends/onnx/emit.ts";
import { onnx } from "../../../src/backends/onnx/proto.ts";
import { evaluate } from "../../../src/backends/reference/index.ts";
import { GraphBuilder } from "../../../src/compiler/graph/builder.ts";
import type { DType, Graph, Port, Value, Variable } from "../../../src/compiler/graph/graph.ts";
import { draws } from "../../../src/compiler/ops/sample-data.ts";
import type { Tensor } from "../../../src/compiler/ops/tensor.ts";
import { Dim } from "../../../src/compiler/types/dim.ts";
import { onnxBytes, plainOptions, runOnnx } from "../../support/onnx.ts";
import { standardRules } from "../../support/rules.ts";

const rules = standardRules();
const B = Dim.variable("B");
const sizes = (...of: readonly number[]): readonly Dim[] => of.map((size) => Dim.of(size));

/** A graph by hand, and what it is fed. */
class Hand {
  readonly builder = new GraphBuilder(rules);
  readonly ports: Port[] = [];
  readonly variables: Variable[] = [];
  readonly weights = new Map<string, Tensor>();
  readonly feeds = new Map<string, Tensor>();
  readonly #outputs: { name: string; value: Value }[] = [];

  input(name: string, shape: readonly Dim[], fed: readonly number[], dtype: DType = "f32"): Value {
    const value: Value = {
      node: this.builder.node("input", { name, kind: "input" }, [], [{ dtype, shape }]),
      index: 0,
    };
    this.ports.push({ name, kind: "input", type: { dtype, shape }, value, range: undefined, span: undefined });
    this.feeds.set(name, { dtype, shape: fed, data: this.#draw(fed, -1) });
    return value;
  }
  variable(path: string, shape: readonly number[], low = -1): Value {
    const type = { dtype: "f32", shape: sizes(...shape) } as const;
    const value: Value = { node: this.builder.node("variable", { path }, [], [type]), index: 0 };
    this.variables.push({
      path,
      kind: "param",
      type,
      init: { kind: "constant", value: 0 },
      trained: true,
      value,
      span: undefined,
    });
    this.weights.set(path, { dtype: "f32", shape, data: this.#draw(shape, low) });
    return value;
  }
  #draw(shape: readonly number[], low: number): Float32Array {
    const count = shape.reduce((product, size) => product * size, 1);
    return Float32Array.from(draws(count, low, 1, this.weights.size + this.feeds.size));
  }
  op(name: string, attributes: Parameters<GraphBuilder["op"]>[1], ...inputs: readonly Value[]): Value {
    return this.builder.op(name, attributes, ...inputs);
  }
  norm(x: Value, path: string, channels: number): Value {
    const of = ["weight", "bias", "mean", "var"].map((name) =>
      this.variable(`${path}.${name}`, [channels], name === "var" ? 0.2 : -1),
    );
    return this.op("batch_norm_eval", { eps: 0.001 }, x, ...of);
  }
  output(name: string, value: Value): void {
    this.#outputs.push({ name, value });
  }
  get graph(): Graph {
    const outputs = this.#outputs.map((output) => ({ ...output, kind: "predict", span: undefined }) as const);
    return {
      nodes: this.builder.nodes,
      ports: this.ports,
      variables: this.variables,
      updates: [],
      outputs,
      asserts: [],
    };
  }

  /** The model as written, after its numbers were held against the reference. */
  async checked(tolerance = 2e-6): Promise<InstanceType<typeof onnx.GraphProto>> {
    const { graph, weights } = this;
    const expected = evaluate(graph, { precision: "f64", inputs: this.feeds, variables: weights }).outputs;
    const results = await runOnnx(graph, this.feeds, weights);
    for (const [name, { shape, data }] of expected) {
      const got = results.get(name)!;
      expect(got.shape).toEqual(shape);
      const scale = Math.max(1, ...data.map(Math.abs));
      data.forEach((value, i) => expect(Math.abs(got.data[i]! - value) / scale).toBeLessThan(tolerance));
    }
    return onnx.ModelProto.decode(await onnxBytes(graph, weights)).graph as InstanceType<typeof onnx.GraphProto>;
  }
}

const kinds = (graph: InstanceType<typeof onnx.GraphProto>): (string | null | undefined)[] =>
  graph.node.map((node) => node.opType);
const conv = { stride: Dim.of(1), pad: Dim.of(1), dilation: Dim.of(1), groups: Dim.of(1) };

describe("folding into filters", () => {
  test("a convolution, its bias and batch norm are one node", async () => {
    const hand = new Hand();
    const x = hand.input("x", [B, ...sizes(2, 5, 4)], [3, 2, 5, 4]);
    const y = hand.op("conv2d", conv, x, hand.variable("c.weight", [3, 2, 3, 3]));
    const bias = hand.op("reshape", { to: sizes(3, 1, 1) }, hand.variable("c.bias", [3]));
    hand.output("y", hand.op("relu", {}, hand.norm(hand.op("add", {}, y, bias), "bn", 3)));
    const graph = await hand.checked();
    expect(kinds(graph)).toEqual(["Conv", "Relu"]);
    expect(graph.initializer.map((tensor) => tensor.name)).toEqual(["c.weight", "c.bias"]);
  });

  test("groups", async () => {
    const hand = new Hand();
    const x = hand.input("x", [B, ...sizes(4, 3, 3)], [2, 4, 3, 3]);
    const y = hand.op("conv2d", { ...conv, groups: Dim.of(2) }, x, hand.variable("w", [6, 2, 3, 3]));
    hand.output("y", hand.norm(y, "bn", 6));
    expect(kinds(await hand.checked())).toEqual(["Conv"]);
  });

  test("a transposed convolution, whose channels are the filter's second axis", async () => {
    const hand = new Hand();
    const x = hand.input("x", [B, ...sizes(3, 2, 4)], [2, 3, 2, 4]);
    const y = hand.op(
      "conv2d_transpose",
      { stride: Dim.of(2), pad: Dim.of(0) },
      x,
      hand.variable("up.weight", [3, 5, 2, 2]),
    );
    hand.output("y", hand.norm(y, "bn", 5));
    expect(kinds(await hand.checked())).toEqual(["ConvTranspose"]);
  });

  test("a linear layer, its bias and batch norm", async () => {
    const hand = new Hand();
    const x = hand.input("x", [B, Dim.of(4)], [3, 4]);
    const w = hand.op("transpose", { order: sizes(1, 0) }, hand.variable("fc.weight", [5, 4]));
    const y = hand.op("add", {}, hand.op("matmul", {}, x, w), hand.variable("fc.bias", [5]));
    hand.output("y", hand.norm(y, "bn", 5));
    const graph = await hand.checked();
    expect(kinds(graph)).toEqual(["Gemm"]);
  });

  test("one filter under two norms is stored once for each", async () => {
    const hand = new Hand();
    const x = hand.input("x", [B, ...sizes(2, 3, 3)], [2, 2, 3, 3]);
    const w = hand.variable("w", [2, 2, 3, 3]);
    const one = hand.norm(hand.op("conv2d", conv, x, w), "one", 2);
    hand.output("y", hand.norm(hand.op("conv2d", conv, one, w), "two", 2));
    const graph = await hand.checked();
    expect(kinds(graph)).toEqual(["Conv", "Conv"]);
    expect(graph.initializer).toHaveLength(4);
  });

  test("not where the convolution has another reader", async () => {
    const hand = new Hand();
    const x = hand.input("x", [B, ...sizes(2, 3, 3)], [2, 2, 3, 3]);
    const y = hand.op("conv2d", conv, x, hand.variable("w", [2, 2, 3, 3]));
    hand.output("raw", y);
    hand.output("y", hand.norm(y, "bn", 2));
    expect(kinds(await hand.checked())).toEqual(["Conv", "BatchNormalization"]);
  });

  test("not where what is added is no bias", async () => {
    const hand = new Hand();
    const x = hand.input("x", [B, ...sizes(2, 3, 3)], [2, 2, 3, 3]);
    const y = hand.op("conv2d", conv, x, hand.variable("w", [2, 2, 3, 3]));
    hand.output("y", hand.op("add", {}, y, hand.variable("map", [2, 3, 3])));
    expect(kinds(await hand.checked())).toEqual(["Conv", "Add"]);
  });
});

describe("matrices", () => {
  test("the gates of a recurrent cell are two products that add up", async () => {
    const hand = new Hand();
    const [x, h] = [hand.input("x", [B, Dim.of(3)], [2, 3]), hand.input("h", [B, Dim.of(4)], [2, 4])];
    const product = (of: Value, path: string, width: number): Value =>
      hand.op("matmul", {}, of, hand.op("transpose", { order: sizes(1, 0) }, hand.variable(path, [8, width])));
    const input = hand.op("add", {}, product(x, "ih", 3), hand.variable("bias_ih", [8]));
    const gates = hand.op("add", {}, hand.op("add", {}, input, product(h, "hh", 4)), hand.variable("bias_hh", [8]));
    hand.output("gates", gates);
    expect(kinds(await hand.checked())).toEqual(["Gemm", "Gemm", "Add"]);
  });

  test("a product of batches stays one", async () => {
    const hand = new Hand();
    const x = hand.input("x", [B, ...sizes(2, 3)], [2, 2, 3]);
    hand.output("y", hand.op("matmul", {}, x, hand.variable("w", [3, 4])));
    expect(kinds(await hand.checked())).toEqual(["MatMul"]);
  });
});

describe("what needs no node", () => {
  test("literals are computed before", async () => {
    const hand = new Hand();
    const x = hand.input("x", [B, Dim.of(2)], [3, 2]);
    const literal = hand.op(
      "exp",
      {},
      hand.op("mul", {}, hand.builder.constant(0.5, "f32"), hand.builder.constant(Float64Array.of(1, 2), "f32", [2])),
    );
    hand.output("y", hand.op("add", {}, x, literal));
    const graph = await hand.checked();
    expect(kinds(graph)).toEqual(["Add"]);
    const values = new Float32Array(graph.initializer[0]!.rawData!.slice().buffer);
    expect([...values]).toEqual([Math.fround(Math.exp(0.5)), Math.fround(Math.E)]);
  });

  test("a stretched number is left to the operator that stretches", async () => {
    const hand = new Hand();
    const x = hand.input("x", [B, Dim.of(2)], [3, 2]);
    const zeros = hand.op("expand", { to: [B, Dim.of(2)] }, hand.builder.constant(0, "f32"));
    hand.output("y", hand.op("mul", {}, x, hand.op("stop_gradient", {}, hand.op("sub", {}, x, zeros))));
    expect(kinds(await hand.checked())).toEqual(["Sub", "Mul"]);
  });

  test("an input as an output is named by Identity, and so is a second name", async () => {
    const hand = new Hand();
    const x = hand.input("x", [B, Dim.of(2)], [3, 2]);
    const y = hand.op("neg", {}, x);
    hand.output("same", x);
    hand.output("a", y);
    hand.output("b", y);
    expect(kinds(await hand.checked())).toEqual(["Neg", "Identity", "Identity"]);
  });
});

test("an output of an input's name gets its own in the file", async () => {
  const hand = new Hand();
  hand.output("image", hand.op("neg", {}, hand.input("image", [B], [2])));
  hand.output("image_out", hand.input("other", [B], [2]));
  expect([...outputNames(hand.graph)]).toEqual([
    ["image", "image_out_2"],
    ["image_out", "image_out"],
  ]);
  expect([...(await runOnnx(hand.graph, hand.feeds)).keys()]).toEqual(["image_out_2", "image_out"]);
});

test("boxes of any kind are pooled as the reference does", async () => {
  const hand = new Hand();
  const x = hand.input("x", [B, ...sizes(2, 6, 9)], [40, 2, 6, 9]);
  const boxes = hand.input("boxes", [B, Dim.of(4)], [40, 4]);
  // Near the borders, beyond them, of no size, turned around.
  hand.feeds.set("boxes", { dtype: "f32", shape: [40, 4], data: Float32Array.from(draws(160, -1.6, 1.6, 9)) });
  hand.output("y", hand.op("roi_pool2d", { Ho: Dim.of(4), Wo: Dim.of(7) }, x, boxes));
  await hand.checked(1e-12);
});

test("weights of more than 2 GB go to a file of their own by themselves", () => {
  const hand = new Hand();
  const x = hand.input("x", [B, Dim.of(3)], [2, 3]);
  const type = { dtype: "f32", shape: sizes(3, 300_000_000) } as const;
  const w: Value = { node: hand.builder.node("variable", { path: "big" }, [], [type]), index: 0 };
  hand.output("y", hand.op("matmul", {}, x, w));
  const { plan } = emitOnnx(hand.graph, plainOptions);
  expect(plan?.weights?.bytes).toBe(3_600_000_000);
  expect(plan?.model.bytes).toBeLessThan(1000);
});

describe("sizes that a run decides", () => {
  const H = Dim.variable("H");

  test("reshape keeps, computes or leaves open", async () => {
    const hand = new Hand();
    const x = hand.input("x", [B, H, Dim.of(6)], [2, 3, 6]);
    hand.output("rows", hand.op("reshape", { to: [B.times(H), Dim.of(6)] }, x));
    hand.output("parts", hand.op("reshape", { to: [B, H, ...sizes(2, 3)] }, x));
    hand.output("merged", hand.op("reshape", { to: [H.times(B), ...sizes(3, 2)] }, x));
    hand.output("swapped", hand.op("reshape", { to: [H, B, Dim.of(6)] }, x));
    const graph = await hand.checked();
    expect(kinds(graph).filter((kind) => kind === "Shape")).toHaveLength(2);
  });

  test("slices, pads, grids and numbers of them", async () => {
    const hand = new Hand();
    const x = hand.input("x", [B, H, Dim.of(2)], [2, 5, 2]);
    // Borders of this kind are typed where a program's own facts bound them, so they are given their types here.
    const cut = (from: Dim, to: Dim): Value => ({
      node: hand.builder.node(
        "slice",
        { axis: Dim.of(1), from, to },
        [x],
        [{ dtype: "f32", shape: [B, to.minus(from), Dim.of(2)] }],
      ),
      index: 0,
    });
    hand.output("last", cut(H.minus(Dim.of(2)), H));
    hand.output("half", cut(Dim.of(0), H.floorDividedBy(Dim.of(2))));
    hand.output("wide", hand.op("pad", { before: [Dim.of(0), H, Dim.of(0)], after: sizes(0, 0, 0), value: 0.5 }, x));
    const count = hand.builder.axisSize(B.times(H).minus(Dim.of(20)).floorDividedBy(Dim.of(3)), "f32");
    hand.output("rounded down", count);
    hand.output("least", hand.builder.axisSize(Dim.extremum("min", [H, B.scaled(3)]), "i64"));
    hand.output("numbers", hand.op("cast", { to: "f32" }, hand.op("iota", { count: H }, ...[])));
    const graph = await hand.checked();
    expect(kinds(graph)).toContain("Range");
  });

  test("a batch that only a multiple of it says", async () => {
    const hand = new Hand();
    const x = hand.input("x", [B.scaled(2).plus(Dim.one), Dim.of(2)], [5, 2]);
    hand.output("y", hand.op("sum", { axis: sizes(0), keepdims: false }, x));
    const bytes = await onnxBytes(hand.graph);
    const dims = onnx.ModelProto.decode(bytes).graph?.input?.[0]?.type?.tensorType?.shape?.dim;
    expect(dims?.map((dim) => dim.dimParam || Number(dim.dimValue))).toEqual(["2 * B + 1", 2]);
  });
});

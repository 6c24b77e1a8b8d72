/** The pass to bf16: what computes in it and what does not, where casts stand, and that graphs stay valid. */
import { describe, expect, test } from "vitest";
import { compile } from "../../src/compiler/compile.ts";
import type { Graph, Node, Value } from "../../src/compiler/graph/graph.ts";
import { typeOf } from "../../src/compiler/graph/graph.ts";
import { assertValid } from "../../src/compiler/graph/verify.ts";
import { mixedPrecision } from "../../src/compiler/passes/mixed.ts";
import { simplify } from "../../src/compiler/passes/simplify.ts";
import type { Program } from "../../src/compiler/program.ts";
import { compileText, modelOf } from "../support/compile.ts";
import { standardRules } from "../support/rules.ts";
import { TestHost } from "../support/trees.ts";

const rules = standardRules();
function mixed(graph: Graph): Graph {
  const result = mixedPrecision(rules).run(simplify(graph)).graph;
  assertValid(result, rules, "mixed precision");
  return result;
}
function trainOf(program: Program): Graph {
  if (program.train === undefined) throw new Error("the model does not train");
  return mixed(program.train);
}
const isBf16 = (value: Value): boolean => typeOf(value).dtype === "bf16";
/** Operators that give or take bf16, and those that give or take f32, without casts and leaves. */
function operators(graph: Graph): { readonly bf16: readonly string[]; readonly f32: readonly string[] } {
  const touches = (node: Node, dtype: string): boolean =>
    [...node.inputs.map((v) => typeOf(v)), ...node.outputs].some((type) => type.dtype === dtype);
  const named = (dtype: string): string[] =>
    [
      ...new Set(
        graph.nodes.filter((n) => n.inputs.length > 0 && n.op !== "cast" && touches(n, dtype)).map((n) => n.op),
      ),
    ].sort();
  return { bf16: named("bf16"), f32: named("f32") };
}
function networkOf(lines: string): Graph {
  return trainOf(
    compileText(`
model net() {
  input x: f32[B, 3, 16, 16]
  target label: i32[B] in 0 ..< 4
  ${lines}
  head main {
    let logits = code |> linear(4)
    loss cross_entropy(logits, label)
    predict scores = logits
  }
  train { batch = 4  epochs = 1  optimize "**" by sgd(momentum: 0.9, decay: 5e-4) at constant(0.1) }
}`),
  );
}

test("convolutions, products and what lies between are in bf16; statistics, losses and updates in f32", () => {
  const graph = networkOf(
    "let code = x |> conv(8) as a |> batch_norm as n |> relu |> max_pool(2) |> conv(8) as b |> relu |> global_avg_pool",
  );
  const { bf16, f32 } = operators(graph);
  expect(bf16).toEqual([
    ...[
      "add",
      "batch_norm_train",
      "batch_norm_train_gradient",
      "conv2d",
      "conv2d_input_gradient",
      "conv2d_weight_gradient",
    ],
    ...[
      "div",
      "expand",
      "matmul",
      "max_pool2d",
      "max_pool2d_gradient",
      "relu",
      "relu_gradient",
      "reshape",
      "transpose",
    ],
  ]);
  for (const op of ["conv2d", "relu", "relu_gradient", "max_pool2d"]) expect(f32).not.toContain(op);
  for (const op of ["softmax_cross_entropy", "mean", "sum", "mul", "sub"]) expect(f32).toContain(op);
  for (const { variable, value } of graph.updates) expect(typeOf(value)).toEqual(variable.type);
  for (const { value } of graph.outputs) expect(isBf16(value)).toBe(false);
});

test("a weight is rounded anew for the backward pass, and no copy serves both", () => {
  const graph = networkOf("let code = x |> conv(8) as a |> conv(8) as b |> global_avg_pool");
  const casts = graph.nodes.filter((n) => n.op === "cast" && n.inputs[0]?.node.attributes["path"] === "b.weight");
  const readers = casts.map((cast) =>
    graph.nodes.filter((n) => n.inputs.some((v) => v.node === cast)).map((n) => n.op),
  );
  expect(readers).toEqual([["conv2d"], ["conv2d_input_gradient"]]);
});

test("the gradients of one weight from several uses are added in f32", () => {
  const file = "models/siamese.arch";
  const { program } = compile(new TestHost(file), { file });
  const graph = trainOf(program as Program);
  const kernels = graph.outputs.filter(({ kind, value }) => kind === "gradient" && typeOf(value).shape.length === 4);
  expect(kernels).toHaveLength(3);
  for (const { value } of kernels) {
    expect(value.node.op).toBe("add");
    expect(value.node.inputs.map(({ node }) => [node.op, node.inputs[0]?.node.op])).toEqual([
      ["cast", "conv2d_weight_gradient"],
      ["cast", "conv2d_weight_gradient"],
    ]);
  }
});

test("functions that cancel and sums stay in f32", () => {
  const { bf16, f32 } = operators(
    trainOf(compileText(modelOf("let code = x |> linear(16) as a |> gelu |> layer_norm as n"))),
  );
  expect(bf16).toContain("matmul");
  for (const op of ["erf", "sqrt", "mean"]) expect(f32).toContain(op);
  for (const op of ["erf", "sqrt", "mean", "exp", "log"]) expect(bf16).not.toContain(op);
});

test("a program without heavy work is left alone", () => {
  const program = compileText(`
model net() {
  input x: f32[B, 8]
  head main { predict scores = exp(x) + 1.0 }
}`);
  const graph = simplify(program.predict);
  expect(mixedPrecision(rules).run(graph)).toEqual({ graph, changed: false });
});

describe.each(["dhaa", "siamese", "ssr_net", "stn", "tabular_image"])("models/%s", (name) => {
  const file = `models/${name}.arch`;
  const { program } = compile(new TestHost(file), { file });
  test.each(["train", "evaluate", "predict"] as const)("%s stays valid and rounds nothing twice", (which) => {
    const graph = program?.[which];
    if (graph === undefined) return;
    const result = mixed(graph);
    expect(result.outputs.map(({ name: output, value }) => [output, typeOf(value).dtype])).toEqual(
      graph.outputs.map(({ name: output, value }) => [output, typeOf(value).dtype]),
    );
    // bf16 that was made f32 and bf16 again; f32 rounded and used as f32
    const pairs = result.nodes.filter(
      (n) => n.op === "cast" && n.inputs[0]?.node.op === "cast" && typeOf(n.inputs[0]).dtype !== "bool",
    );
    expect(pairs.map((n) => n.path)).toEqual([]);
    for (const node of result.nodes) if (/^conv2d/.test(node.op)) expect(node.outputs[0]?.dtype).toBe("bf16");
  });
});

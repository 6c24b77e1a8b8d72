// Whole models on the real ONNX Runtime: the small DHAA against PyTorch's goldens, it and all its variants against the
// reference in double precision, with the reference's own single precision as the yardstick.
import { beforeAll, describe, expect, test } from "vitest";
import { onnx } from "../../../src/backends/onnx/proto.ts";
import { evaluate } from "../../../src/backends/reference/index.ts";
import { compile, listModels } from "../../../src/compiler/compile.ts";
import type { Graph, Variable } from "../../../src/compiler/graph/graph.ts";
import { initialValues, variableCount } from "../../../src/compiler/ops/initialize.ts";
import { draws } from "../../../src/compiler/ops/sample-data.ts";
import type { Tensor } from "../../../src/compiler/ops/tensor.ts";
import type { Program } from "../../../src/compiler/program.ts";
import { TestHost } from "../../support/trees.ts";
import { golden, goldenProgram, goldenSettings, goldenYardsticks, relativeL2 } from "../../support/goldens.ts";
import { onnxBytes, runOnnx } from "../../support/onnx.ts";

const ablations = "models/dhaa_ablations.arch";
const host = new TestHost(ablations);
const variants = listModels(host, ablations).models.map((model) => model.name);

function programOf(variant: string): Program {
  // A variant that sets sizes itself keeps them.
  const own = variant.endsWith("_small");
  const { program, diagnostics } = compile(host, { file: ablations, variant, settings: own ? [] : goldenSettings });
  if (program === undefined) throw new Error(diagnostics.map((d) => `${d.code} ${d.message}`).join("\n"));
  return program;
}

/** Drawn as a training starts; but what would start equal everywhere is moved, so that folding it shows. */
function movedWeights(variables: readonly Variable[]): Map<string, Tensor> {
  return new Map(
    variables.map((variable, i): [string, Tensor] => {
      const count = variableCount(variable);
      const start = variable.init.kind === "constant" ? variable.init.value : undefined;
      const shape = variable.type.shape.map((dim) => dim.constant ?? NaN);
      const data =
        start === undefined
          ? Float32Array.from(initialValues(variable, 1, 0, count), Number)
          : Float32Array.from(draws(count, start - 0.3, start + 0.3, i));
      return [variable.path, { dtype: "f32", shape, data }];
    }),
  );
}

/** Images of random pixels and faces that are near the usual place. */
function feedsOf(graph: Graph, batch: number): Map<string, Tensor> {
  const face = [-0.36, -0.28, 0.36, -0.28, 0, 0.1, -0.3, 0.46, 0.3, 0.46];
  return new Map(
    graph.ports.map(({ name, type }, i): [string, Tensor] => {
      const shape = type.shape.map((dim) => dim.constant ?? batch);
      const count = shape.reduce((product, size) => product * size, 1);
      const data =
        name === "landmarks"
          ? draws(count, -0.1, 0.1, i).map((moved, at) => moved + face[at % 10]!)
          : draws(count, -2, 2, i + 50);
      return [name, { dtype: type.dtype, shape, data: Float32Array.from(data) }];
    }),
  );
}

function decode(bytes: Uint8Array): InstanceType<typeof onnx.ModelProto> {
  return onnx.ModelProto.decode(bytes);
}
function operatorsOf(bytes: Uint8Array): Set<string> {
  return new Set(decode(bytes).graph?.node?.map((node) => node.opType ?? ""));
}

describe("the small DHAA", () => {
  let weights: Map<string, Tensor>;
  let bytes: Uint8Array;
  beforeAll(async () => {
    const given = await golden("weights");
    weights = new Map([...given].map(([path, { shape, data }]) => [path, { dtype: "f32", shape, data }]));
    bytes = await onnxBytes(goldenProgram().predict, weights);
  });

  test("predicts PyTorch's ages, within 4 times the error of PyTorch's own f32", async () => {
    const { predict } = goldenProgram();
    const [inputs, outputs] = await Promise.all([golden("inputs"), golden("outputs")]);
    const feeds = new Map(
      predict.ports.map(({ name }): [string, Tensor] => [name, { dtype: "f32", ...inputs.get(name)! }]),
    );
    const results = await runOnnx(predict, feeds, weights);
    const yardstick = goldenYardsticks().predictions["years.0"] ?? 0;
    const error = relativeL2(results.get("years")!.data, outputs.get("predict.years.0")!.data);
    expect(error).toBeLessThan(Math.max(1e-6, 4 * yardstick));
  });

  test("is written with the same bytes again", async () => {
    const again = await onnxBytes(goldenProgram().predict, weights);
    expect(Buffer.from(again).equals(Buffer.from(bytes))).toBe(true);
  });

  test("has batch norm, biases and transposes folded, and nothing of training", () => {
    const kinds = operatorsOf(bytes);
    expect(kinds).toContain("AffineGrid");
    expect(kinds).toContain("GridSample");
    expect(kinds).not.toContain("BatchNormalization");
    const names = decode(bytes).graph?.initializer?.map((tensor) => tensor.name) ?? [];
    expect(names).toContain("stem.conv1.weight");
    expect(names.filter((name) => /running_|region\.|\.bn\d\.weight/.test(name ?? ""))).toEqual([]);
  });

  test("says its batch by name, and names nodes by their places in the program", () => {
    const { graph } = decode(bytes);
    const dims = graph?.input?.[0]?.type?.tensorType?.shape?.dim?.map((dim) => dim.dimParam || Number(dim.dimValue));
    expect(dims).toEqual(["B", 3, 64, 64]);
    expect(graph?.node?.map((node) => node.name)).toContain("global.near.b2.0.unit.conv1/Conv");
    expect(graph?.output?.map((output) => output.name)).toEqual(["years"]);
  });
});

describe("every variant against the reference", () => {
  test.each(variants)("%s", async (name) => {
    const { predict } = programOf(name);
    const weights = movedWeights(predict.variables);
    const inputs = feedsOf(predict, 3);
    const [exact, single] = (["f64", "f32"] as const).map(
      (precision) => evaluate(predict, { precision, inputs, variables: weights }).outputs,
    );
    const results = await runOnnx(predict, inputs, weights);
    expect([...results.keys()]).toEqual(predict.outputs.map((output) => output.name));
    for (const [output, { data, shape }] of results) {
      const wanted = exact!.get(output)!;
      expect(shape).toEqual(wanted.shape);
      const yardstick = relativeL2(single!.get(output)!.data, wanted.data);
      expect(relativeL2(data, wanted.data)).toBeLessThan(Math.max(1e-6, 4 * yardstick));
    }
  });
});

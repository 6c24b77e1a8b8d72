/**
 * A training step as a file: what it takes and gives, that the programs beside it train as the reference does, that it draws
 * the reference's numbers, and that sums at places which coincide are the same in every run.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { onnx } from "../../../src/backends/onnx/proto.ts";
import { evaluate } from "../../../src/backends/reference/index.ts";
import { GraphBuilder } from "../../../src/compiler/graph/builder.ts";
import type { Graph, Port, Value } from "../../../src/compiler/graph/graph.ts";
import { draws } from "../../../src/compiler/ops/sample-data.ts";
import type { Tensor } from "../../../src/compiler/ops/tensor.ts";
import { Dim } from "../../../src/compiler/types/dim.ts";
import { TargetError } from "../../../src/runtime/artifact.ts";
import { writeOnnxStep } from "../../../src/runtime/artifact-onnx.ts";
import { OnnxSession } from "../../../src/runtime/engine/onnx.ts";
import { OnnxState, OnnxStep } from "../../../src/runtime/engine/onnx-train.ts";
import { readVariables } from "../../../src/runtime/run/reference.ts";
import { seededWeights } from "../../../src/runtime/weights.ts";
import { compileText, modelOf } from "../../support/compile.ts";
import { onnxBytes, runOnnx, stepOptions } from "../../support/onnx.ts";
import { standardRules } from "../../support/rules.ts";

const rules = standardRules();
const folder = mkdtempSync(join(tmpdir(), "archc-onnx-step-"));
const at = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("a small model", () => {
  const program = compileText(modelOf("let code = x |> linear(6) |> batch_norm |> relu |> dropout(0.5)"));
  const weights = seededWeights(4);
  beforeAll(async () => {
    symlinkSync(resolve("node_modules"), at("node_modules"));
    await writeOnnxStep(program, at("net.onnx"), { weights, seed: 9, rules, evaluation: true });
  });

  /** Steps of the reference on a batch of zeros, as the programs beside the file take. */
  async function reference(steps: number): Promise<{ readonly losses: number[]; readonly after: Map<string, Tensor> }> {
    const graph = program.train!;
    const after = await readVariables(graph.variables, weights);
    const inputs = new Map<string, Tensor>([
      ["x", { dtype: "f32", shape: [2, 8], data: new Float32Array(16) }],
      ["label", { dtype: "i32", shape: [2], data: new Float64Array(2) }],
    ]);
    const losses: number[] = [];
    for (let step = 0; step < steps; step++) {
      const made = evaluate(graph, { precision: "f64", inputs, variables: after, seed: 9 });
      losses.push(made.outputs.get("loss")?.data[0] ?? NaN);
      for (const [path, value] of made.updates) after.set(path, value);
    }
    return { losses, after };
  }

  test("takes data and variables, gives losses and new values, in standard operators of opset 18", () => {
    const model: InstanceType<typeof onnx.ModelProto> = onnx.ModelProto.decode(readFileSync(at("net.onnx")));
    const { graph, opsetImport, metadataProps } = model;
    expect([Number(model.irVersion), opsetImport.map(({ domain, version }) => [domain, Number(version)])]).toEqual([
      8,
      [["", 18]],
    ]);
    const inputs = graph?.input?.map(({ name }) => name) ?? [];
    expect(inputs.slice(0, 2)).toEqual(["x", "label"]);
    const state = program.train!.variables.map(({ path }) => path);
    expect(state.filter((path) => !inputs.includes(path))).toEqual([]);
    expect(state).toContain("code.batch_norm.running_mean");
    const outputs = graph?.output?.map(({ name }) => name) ?? [];
    expect(outputs).toEqual([
      ...program.train!.outputs.filter(({ kind }) => kind !== "gradient").map(({ name }) => name),
      ...program.train!.updates.map(({ variable }) => `next.${variable.path}`),
    ]);
    expect(graph?.initializer?.some(({ name }) => state.includes(name ?? ""))).toBe(false);
    const kept = JSON.parse(metadataProps.find(({ key }) => key === "archc.state")?.value ?? "") as object;
    expect(kept).toMatchObject({ step: { kind: "counter", type: "i64[]", next: "next.step" } });
  });

  test("the driver trains as the reference does", async () => {
    const { losses, after } = await reference(4);
    const state = await OnnxState.open(at("net.onnx"), at("net.safetensors"));
    const step = await OnnxStep.open(at("net.onnx"), state);
    const batch = new Map<string, Tensor>([
      ["x", { dtype: "f32", shape: [2, 8], data: new Float32Array(16) }],
      ["label", { dtype: "i32", shape: [2], data: new Float64Array(2) }],
    ]);
    for (const loss of losses) expect((await step.run(batch)).get("loss")?.data[0]).toBeCloseTo(loss, 5);
    for (const [path, { data }] of after)
      Array.from(data, Number).forEach((value, i) => expect(state.get(path)?.data[i]).toBeCloseTo(value, 5));
    // The evaluation reads the same variables and changes none.
    const evaluation = await OnnxStep.open(at("net.evaluate.onnx"), state);
    const scores = await evaluation.run(batch);
    const exact = evaluate(program.evaluate, { precision: "f64", inputs: batch, variables: after }).outputs;
    expect([...scores.keys()]).toEqual([...exact.keys()]);
    for (const [name, { data }] of exact) expect(scores.get(name)?.data[0]).toBeCloseTo(Number(data[0]), 5);
    // A checkpoint brings back everything.
    await state.save(at("saved.safetensors"), "all");
    const losing = (await step.run(batch)).get("loss")?.data[0];
    await state.load(at("saved.safetensors"));
    expect((await step.run(batch)).get("loss")?.data[0]).toBe(losing);
    await Promise.all([step.close(), evaluation.close()]);
  });

  test("the JavaScript beside it trains", async () => {
    const output = execFileSync(process.execPath, [at("net.usage.mjs")], { encoding: "utf8" });
    const { losses } = await reference(5);
    const printed = output
      .trim()
      .split("\n")
      .map((line) => Number(line.split(" ")[1]));
    expect(printed).toHaveLength(5);
    losses.forEach((loss, i) => expect(printed[i]).toBeCloseTo(loss, 5));
  });

  test("a state that does not fit is told by name", async () => {
    await expect(OnnxState.open(at("net.evaluate.onnx"), at("missing.safetensors"))).rejects.toThrow(
      "missing.safetensors",
    );
    const state = await OnnxState.open(at("net.onnx"), at("net.safetensors"));
    expect(() => state.set("nothing", { dtype: "f32", shape: [], data: new Float32Array(1) })).toThrow("`nothing`");
  });
});

test("micro-batches sum up as the reference's do", async () => {
  const program = compileText(
    modelOf("let code = x |> linear(6) |> batch_norm |> relu |> dropout(0.5)").replace(
      "batch = 4",
      "batch = 4  accumulate = 3",
    ),
  );
  const [weights, seed] = [seededWeights(1), 2];
  await writeOnnxStep(program, at("sums.onnx"), { weights, seed, rules });
  const state = await OnnxState.open(at("sums.onnx"), at("sums.safetensors"));
  const train = await OnnxStep.open(at("sums.onnx"), state);
  const accumulate = await OnnxStep.open(at("sums.accumulate.onnx"), state);
  const variables = await readVariables(program.train!.variables, weights);
  for (let part = 0; part < 6; part++) {
    const inputs = new Map<string, Tensor>([
      ["x", { dtype: "f32", shape: [4, 8], data: Float32Array.from(draws(32, -1, 1, part)) }],
      ["label", { dtype: "i32", shape: [4], data: Float64Array.of(0, 1, 2, 3) }],
    ]);
    const isLast = part % 3 === 2;
    await (isLast ? train : accumulate).run(inputs);
    const graph = isLast ? program.train! : program.accumulate!;
    const made = evaluate(graph, { precision: "f64", inputs, variables, seed });
    for (const [path, value] of made.updates) variables.set(path, value);
  }
  for (const [path, { data }] of variables)
    Array.from(data, Number).forEach((value, i) => expect(state.get(path)?.data[i], path).toBeCloseTo(value, 5));
  expect(state.get("step")?.data[0]).toBe(2);
  await Promise.all([train.close(), accumulate.close()]);
});

test("an input that is called as a variable of the training is refused", async () => {
  const text = modelOf("let code = x * reshape([B, 1])(step) |> linear(6)");
  const program = compileText(text.replace("input x: f32[B, 8]", "input x: f32[B, 8]\n  input step: f32[B]"));
  const request = { weights: seededWeights(0), seed: 0, rules };
  await expect(writeOnnxStep(program, at("twice.onnx"), request)).rejects.toThrow(TargetError);
});

/** A graph of one operator over inputs that `shapes` name, fed to `step` where it is a scalar of whole numbers. */
function graphOf(
  make: (builder: GraphBuilder, inputs: readonly Value[]) => Value,
  types: readonly Port["type"][],
): Graph {
  const builder = new GraphBuilder(rules);
  const ports = types.map((type, i): Port => {
    const name = `x${String(i)}`;
    const value = { node: builder.node("input", { name, kind: "input" }, [], [type]), index: 0 };
    return { name, kind: "input", type, value, range: undefined, span: undefined };
  });
  const value = make(
    builder,
    ports.map((port) => port.value),
  );
  const outputs = [{ name: "y", kind: "value", value, span: undefined } as const];
  return { nodes: builder.nodes, ports, variables: [], updates: [], outputs, asserts: [] };
}

describe("draws are the reference's", () => {
  const B = Dim.variable("B");
  const [uniform, normal] = [
    { distribution: "uniform", low: -1, high: 2, path: "a.dropout" },
    { distribution: "normal", mean: 0.5, std: 3, path: "a.noise" },
  ] as const;
  const shapes = [[], [Dim.of(1)], [Dim.of(3), Dim.of(5)], [B, Dim.of(7)]];
  test.each([uniform, normal])("$distribution", async (attributes) => {
    for (const shape of shapes) {
      const draw = graphOf(
        (builder, [step]) => ({
          node: builder.node("random", attributes, [step!], [{ dtype: "f32", shape }]),
          index: 0,
        }),
        [
          { dtype: "i64", shape: [] },
          { dtype: "f32", shape: [B] },
        ],
      );
      for (const step of [0, 1, 2 ** 32 + 5]) {
        const inputs = new Map<string, Tensor>([
          ["x0", { dtype: "i64", shape: [], data: Float64Array.of(step) }],
          ["x1", { dtype: "f32", shape: [3], data: new Float32Array(3) }],
        ]);
        const given = evaluate(draw, { precision: "f32", inputs, variables: new Map(), seed: 11 }).outputs.get("y");
        const made = (await runOnnx(draw, inputs, new Map(), stepOptions(11))).get("y");
        expect(made?.shape).toEqual(given?.shape);
        if (attributes === uniform) expect(made?.data).toEqual(given?.data);
        else Array.from(given?.data ?? [], Number).forEach((value, i) => expect(made?.data[i]).toBeCloseTo(value, 5));
      }
    }
  });
});

test("sums of many at few places repeat to the bit, and no operator adds where threads may meet", async () => {
  const [rows, width, size] = [20_000, 32, 7];
  const graph = graphOf(
    (builder, [at, dy]) => builder.op("gather_gradient", { axis: Dim.of(0), size: Dim.of(size) }, at!, dy!),
    [
      { dtype: "i64", shape: [Dim.of(rows)] },
      { dtype: "f32", shape: [Dim.of(rows), Dim.of(width)] },
    ],
  );
  const bytes = await onnxBytes(graph, new Map(), stepOptions());
  expect(onnx.ModelProto.decode(bytes).graph?.node?.map(({ opType }) => opType)).not.toContain("ScatterND");
  const places = draws(rows, 0, size, 1).map(Math.floor);
  const values = Float32Array.from(draws(rows * width, -1, 1, 2));
  const inputs = new Map<string, Tensor>([
    ["x0", { dtype: "i64", shape: [rows], data: places }],
    ["x1", { dtype: "f32", shape: [rows, width], data: values }],
  ]);
  await using session = await OnnxSession.open(bytes);
  const first = (await session.run(inputs)).get("y");
  for (let again = 0; again < 5; again++) expect((await session.run(inputs)).get("y")?.data).toEqual(first?.data);
  const wanted = evaluate(graph, { precision: "f64", inputs, variables: new Map() }).outputs.get("y");
  Array.from(wanted?.data ?? [], Number).forEach((value, i) =>
    expect(Math.abs((first?.data[i] ?? NaN) - value)).toBeLessThan(1e-2),
  );
});

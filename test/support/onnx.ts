/** Runs graphs on the real ONNX Runtime, for tests: emits, joins the bytes of the file, opens and runs it. */
import { emitOnnx, type OnnxOptions } from "../../src/backends/onnx/emit.ts";
import { planChunks, type ReadVariable } from "../../src/backends/onnx/write.ts";
import { decompose } from "../../src/compiler/ops/decompose.ts";
import type { Graph } from "../../src/compiler/graph/graph.ts";
import type { Tensor } from "../../src/compiler/ops/tensor.ts";
import { encodeElements } from "../../src/backends/bytes.ts";
import { OnnxSession } from "../../src/runtime/engine/onnx.ts";
import type { FilePlan } from "../../src/backends/onnx/plan.ts";
import { standardRules } from "./rules.ts";

export const plainOptions: OnnxOptions = {
  name: "test",
  doc: "",
  producerVersion: "0.0.0",
  metadata: {},
  docs: {},
  weights: { file: "test.onnx.data", apart: "when too large" },
};

/** A training step's options: variables are fed, and what has no row is replaced by its meaning. */
export function stepOptions(seed = 0): Partial<OnnxOptions> {
  return { step: { seed, decompose, rules: standardRules() } };
}

export async function bytesOfPlan(plan: FilePlan, read: ReadVariable): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of planChunks(plan, read)) parts.push(chunk.slice());
  const bytes = new Uint8Array(Buffer.concat(parts));
  if (bytes.byteLength !== plan.bytes)
    throw new Error(`the plan said ${String(plan.bytes)} bytes, ${String(bytes.byteLength)} came`);
  return bytes;
}

/** Reads variables from memory. */
export function readerOf(weights: ReadonlyMap<string, Tensor>): ReadVariable {
  return (path) => {
    const tensor = weights.get(path);
    if (tensor === undefined) throw new Error(`no weights for ${path}`);
    return [encodeElements(tensor.dtype, tensor.data)];
  };
}

export async function onnxBytes(
  graph: Graph,
  weights: ReadonlyMap<string, Tensor> = new Map(),
  options: Partial<OnnxOptions> = {},
): Promise<Uint8Array> {
  const { plan, refusals } = emitOnnx(graph, { ...plainOptions, ...options });
  if (plan === undefined) throw new Error(refusals.map((r) => `${r.op} at ${r.path}: ${r.reason}`).join("\n"));
  return bytesOfPlan(plan.model, readerOf(weights));
}

export async function runOnnx(
  graph: Graph,
  feeds: ReadonlyMap<string, Tensor>,
  weights: ReadonlyMap<string, Tensor> = new Map(),
  options: Partial<OnnxOptions> = {},
): Promise<Map<string, Tensor>> {
  await using session = await OnnxSession.open(await onnxBytes(graph, weights, options), { threads: 1 });
  return await session.run(feeds);
}

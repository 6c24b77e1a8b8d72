/** ONNX Runtime as a trainer: a training step and the files that go with it, in this process. */
import { join } from "node:path";
import type { StepGraph } from "../../backends/onnx/index.ts";
import type { Tensor } from "../../compiler/ops/tensor.ts";
import { stepFile } from "../artifact-onnx.ts";
import { onnxRuntimeVersion } from "../engine/onnx.ts";
import { OnnxState, OnnxStep } from "../engine/onnx-train.ts";
import type { Batch } from "../data/batches.ts";
import { STEP_FILE } from "./job.ts";
import { STEPS_PER_EPOCH, type TrainingEngine } from "./loop.ts";

function tensorsOf(batch: Batch): ReadonlyMap<string, Tensor> {
  return new Map([...batch].flatMap(([name, fed]) => (fed.dtype === "u8" ? [] : [[name, fed]])));
}

export async function openTrainer(folder: string, weights: string | undefined): Promise<TrainingEngine> {
  const at = (graph: StepGraph): string => join(folder, `${stepFile(STEP_FILE, graph)}.onnx`);
  const state = await OnnxState.open(at("train"), join(folder, `${STEP_FILE}.safetensors`));
  if (weights !== undefined) await state.load(weights);
  const opened = new Map<StepGraph, OnnxStep>([["train", await OnnxStep.open(at("train"), state)]]);
  /** Opened when it is first needed: many trainings neither validate nor sum. */
  const run = async (graph: StepGraph, batch: Batch): Promise<[string, Tensor["data"]][]> => {
    const file = opened.get(graph) ?? (await OnnxStep.open(at(graph), state));
    opened.set(graph, file);
    return [...(await file.run(tensorsOf(batch)))].map(([name, { data }]) => [name, data]);
  };
  const losses = async (graph: StepGraph, batch: Batch): Promise<Record<string, number>> =>
    Object.fromEntries((await run(graph, batch)).map(([name, data]) => [name, data[0] ?? NaN]));
  return {
    name: "ONNX Runtime",
    version: await onnxRuntimeVersion(),
    device: "cpu",
    pictures: false,
    step: (batch) => losses("train", batch),
    accumulate: (batch) => losses("accumulate", batch),
    evaluate: async (batch) =>
      Object.fromEntries((await run("evaluate", batch)).filter(([name]) => /^(loss|metric)\./.test(name))),
    setStepsPerEpoch(steps) {
      const counter = state.get(STEPS_PER_EPOCH);
      if (counter !== undefined) state.set(STEPS_PER_EPOCH, { ...counter, data: Float64Array.of(steps) });
    },
    save: (path, what) => state.save(path, what),
    async close() {
      for (const file of opened.values()) await file.close();
    },
  };
}

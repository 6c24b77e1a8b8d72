/** ONNX Runtime as a trainer: a training step and its evaluation, in this process. */
import { join } from "node:path";
import { evaluationOf } from "../artifact-onnx.ts";
import { onnxRuntimeVersion } from "../engine/onnx.ts";
import { OnnxState, OnnxStep } from "../engine/onnx-train.ts";
import type { Tensors } from "../run/engine.ts";
import { STEP_FILE } from "./job.ts";
import { STEPS_PER_EPOCH, type TrainingEngine } from "./loop.ts";

export async function openTrainer(folder: string, weights: string | undefined): Promise<TrainingEngine> {
  const at = (name: string): string => join(folder, name);
  const state = await OnnxState.open(at(`${STEP_FILE}.onnx`), at(`${STEP_FILE}.safetensors`));
  if (weights !== undefined) await state.load(weights);
  const training = await OnnxStep.open(at(`${STEP_FILE}.onnx`), state);
  let evaluation: OnnxStep | undefined;
  return {
    name: "ONNX Runtime",
    version: await onnxRuntimeVersion(),
    device: "cpu",
    step: async (batch) =>
      Object.fromEntries([...(await training.run(batch))].map(([name, { data }]) => [name, data[0] ?? NaN])),
    async evaluate(batch) {
      evaluation ??= await OnnxStep.open(at(`${evaluationOf(STEP_FILE)}.onnx`), state);
      return scoresOf(await evaluation.run(batch));
    },
    setStepsPerEpoch(steps) {
      const counter = state.get(STEPS_PER_EPOCH);
      if (counter !== undefined) state.set(STEPS_PER_EPOCH, { ...counter, data: Float64Array.of(steps) });
    },
    save: (path, what) => state.save(path, what),
    async close() {
      await training.close();
      await evaluation?.close();
    },
  };
}

function scoresOf(results: Tensors): Record<string, ArrayLike<number>> {
  const scores = [...results].filter(([name]) => /^(loss|metric)\./.test(name));
  return Object.fromEntries(scores.map(([name, { data }]) => [name, data]));
}

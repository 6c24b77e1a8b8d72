/** The TensorFlow engine as a trainer: a compiled folder, opened in this process. Loads TensorFlow, so only workers import it. */
import type { Batch } from "../data/batches.ts";
import { loadTensorflow } from "../engine/tensorflow/load.ts";
import type { Feeds } from "../engine/tfjs/feeds.ts";
import { openModel } from "../engine/tfjs/model.ts";
import { STEPS_PER_EPOCH, type TrainingEngine } from "./loop.ts";

export async function openTrainer(folder: string, weights: string | undefined): Promise<TrainingEngine> {
  const { tf, version, device } = loadTensorflow();
  const model = await openModel(folder, { tf, ...(weights === undefined ? {} : { weights }) });
  return {
    name: "TensorFlow",
    version,
    device,
    pictures: true,
    step: (batch) => Promise.resolve(model.trainStep(feedsOf(batch))),
    accumulate: (batch) => Promise.resolve(model.accumulate(feedsOf(batch))),
    evaluate: (batch) => {
      const results = Object.entries(model.evaluate(feedsOf(batch)));
      return Promise.resolve(
        Object.fromEntries(
          results.filter(([name]) => /^(loss|metric)\./.test(name)).map(([name, { data }]) => [name, data]),
        ),
      );
    },
    setStepsPerEpoch(steps) {
      if (!model.description.variables.some(({ path }) => path === STEPS_PER_EPOCH)) return;
      // i64 crosses the border as (low, high).
      model.setWeights([[STEPS_PER_EPOCH, { shape: [2], data: Int32Array.of(steps, 0) }]]);
    },
    save: (path, what) => model.save(path, what),
    close() {
      model.dispose();
      return Promise.resolve();
    },
  };
}

export function feedsOf(batch: Batch): Feeds {
  return Object.fromEntries([...batch].map(([name, { shape, data }]) => [name, { shape, data }]));
}

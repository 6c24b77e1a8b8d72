/**
 * TensorFlow as an engine of single runs: the program is compiled into a folder of its own, opened, run, and removed; or a
 * folder that is named. Loads TensorFlow into this process.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Tensor } from "../../compiler/ops/tensor.ts";
import { writeTfjs } from "../artifact.ts";
import { InputError } from "../error.ts";
import { loadTensorflow } from "../engine/tensorflow/load.ts";
import { openModel, type TfjsModel } from "../engine/tfjs/model.ts";
import type { TensorData } from "../engine/tfjs/session.ts";
import { feedsOf } from "../train/tensorflow.ts";
import { type Engine, type Predictor, type Setting, STEP } from "./engine.ts";

export const tensorflow: Engine = {
  name: "tfjs",
  version: () => Promise.resolve(loadTensorflow().version),
  async open(setting) {
    const { model, remove } = await compiled(setting, "predict");
    return predictorOf(model, remove);
  },
  async train(setting, inputs, steps) {
    const { model, remove } = await compiled(setting, "train");
    try {
      const feeds = feedsOf(inputs);
      // i64 crosses the border as (low, high).
      if (setting.begin !== undefined && model.description.variables.some(({ path }) => path === STEP))
        model.setWeights([[STEP, { shape: [2], data: Int32Array.of(setting.begin, 0) }]]);
      const first = tensorsOf(Object.entries(model.run("gradients", feeds)));
      for (let step = 0; step < steps; step += 1) model.trainStep(feeds);
      const { variables } = model.description;
      const paths = variables.filter(({ kind }) => kind === "param" || kind === "state").map(({ path }) => path);
      return { first, weights: tensorsOf(model.getWeights(paths)) };
    } finally {
      model.dispose();
      remove();
    }
  },
};

/** A compiled folder, with its own weights or others. */
export async function openFolder(folder: string, weights: string | undefined): Promise<Predictor> {
  if (!existsSync(join(folder, "model.json")))
    throw new InputError(
      `${folder} is no folder that \`archc compile --target tfjs\` made: it has no model.json.`,
      `archc compile FILE --target tfjs --mode predict -o ${folder}`,
    );
  const { tf } = loadTensorflow({ threads: { inter: 2 } });
  return predictorOf(await openModel(folder, { tf, ...(weights === undefined ? {} : { weights }) }), () => undefined);
}

function predictorOf(model: TfjsModel, remove: () => void): Predictor {
  return {
    run: (inputs) => Promise.resolve(tensorsOf(Object.entries(model.predict(feedsOf(inputs))))),
    close() {
      model.dispose();
      remove();
      return Promise.resolve();
    },
  };
}

async function compiled(
  setting: Setting,
  mode: "predict" | "train",
): Promise<{ model: TfjsModel; remove: () => void }> {
  const { tf } = loadTensorflow({ threads: { inter: 2 } });
  const { program, rules, weights, seed } = setting;
  const precision = setting.precision === "bf16" ? "bf16" : "f32";
  const folder = mkdtempSync(join(tmpdir(), "archc-run-"));
  const remove = (): void => {
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const place = join(folder, "model");
    await writeTfjs(program, place, { mode, weights, seed, rules, precision, probe: mode === "train" });
    return { model: await openModel(place, { tf }), remove };
  } catch (error) {
    remove();
    throw error;
  }
}

function tensorsOf(values: Iterable<readonly [string, TensorData]>): Map<string, Tensor> {
  return new Map(
    [...values].map(([name, { shape, data }]) => {
      const float = data instanceof Float32Array;
      const dtype = float ? "f32" : data instanceof Uint8Array ? "bool" : "i32";
      return [name, { dtype, shape, data: float ? data : Float64Array.from(data) }];
    }),
  );
}

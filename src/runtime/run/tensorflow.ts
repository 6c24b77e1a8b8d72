/**
 * TensorFlow as an engine of single runs: the program is compiled into a folder of its own, opened, run, and removed.
 * Loads TensorFlow into this process.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Tensor } from "../../compiler/ops/tensor.ts";
import { writeTfjs } from "../artifact.ts";
import { loadTensorflow } from "../engine/tensorflow/load.ts";
import { openModel, type TfjsModel } from "../engine/tfjs/model.ts";
import type { TensorData } from "../engine/tfjs/session.ts";
import { feedsOf } from "../train/tensorflow.ts";
import { type Engine, type Setting, withoutUpdates } from "./engine.ts";
import { trainGraph } from "./reference.ts";

export const tensorflow: Engine = {
  name: "tfjs",
  version: () => Promise.resolve(loadTensorflow().version),
  predict: (setting) =>
    withModel(setting, "predict", (model) =>
      tensorsOf(Object.entries(model.predict(feedsOf(only(setting, "predict"))))),
    ),
  train: (setting, steps) =>
    withModel(setting, "train", (model) => {
      const feeds = feedsOf(only(setting, "train"));
      const first = tensorsOf(Object.entries(model.run("gradients", feeds)));
      for (let step = 0; step < steps; step += 1) model.trainStep(feeds);
      const paths = setting.program.variables
        .filter(({ kind }) => kind === "param" || kind === "state")
        .map(({ path }) => path);
      const known = new Set(model.description.variables.map(({ path }) => path));
      return { first, weights: tensorsOf(model.getWeights(paths.filter((path) => known.has(path)))) };
    }),
};

async function withModel<T>(setting: Setting, mode: "predict" | "train", use: (model: TfjsModel) => T): Promise<T> {
  const { tf } = loadTensorflow({ threads: { inter: 2 } });
  const { program, rules, weights, seed } = setting;
  const folder = mkdtempSync(join(tmpdir(), "archc-run-"));
  try {
    const place = join(folder, "model");
    await writeTfjs(program, place, { mode, weights, seed, rules, probe: mode === "train" });
    const model = await openModel(place, { tf });
    try {
      return use(model);
    } finally {
      model.dispose();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The inputs that a graph takes. */
function only({ program, inputs }: Setting, mode: "predict" | "train"): ReadonlyMap<string, Tensor> {
  const graph = mode === "train" ? withoutUpdates(trainGraph(program)) : program.predict;
  const names = new Set(graph.ports.map(({ name }) => name));
  return new Map([...inputs].filter(([name]) => names.has(name)));
}

function tensorsOf(values: Iterable<readonly [string, TensorData]>): Map<string, Tensor> {
  return new Map(
    [...values].map(([name, { shape, data }]) => {
      const float = data instanceof Float32Array;
      return [
        name,
        {
          dtype: float ? "f32" : data instanceof Uint8Array ? "bool" : "i32",
          shape,
          data: float ? data : Float64Array.from(data),
        },
      ];
    }),
  );
}

/** Runs portable modules in Node, for tests: on the backends of tfjs that need no browser. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { emitPortable } from "../../src/backends/portable/index.ts";
import type { Graph } from "../../src/compiler/graph/graph.ts";
import { decompose } from "../../src/compiler/ops/decompose.ts";
import type { Tensor } from "../../src/compiler/ops/tensor.ts";
import type { TypeRules } from "../../src/compiler/graph/builder.ts";
import { writePortable } from "../../src/runtime/artifact.ts";
import type { create, Feeds, PortableModel } from "../../src/runtime/engine/portable/folder.ts";
import type { TensorData } from "../../src/runtime/engine/tfjs/session.ts";
import type { Engine, Setting, Tensors } from "../../src/runtime/run/engine.ts";
import { programOf } from "./tfjs.ts";

export { tf };
export const backends = ["cpu", "wasm"] as const;
export type BackendName = (typeof backends)[number];

/** An empty weights file: the length of its header, and the header. */
const noWeights = Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d);

export async function useBackend(name: BackendName): Promise<void> {
  if (!(await tf.setBackend(name))) throw new Error(`tfjs has no ${name} backend here`);
}

/** The module in a folder, as a user imports it. */
export async function openFolder(folder: string, options: Parameters<typeof create>[0] = {}): Promise<PortableModel> {
  const address = pathToFileURL(join(folder, "index.mjs")).href;
  const module = (await import(/* @vite-ignore */ address)) as { readonly create: typeof create };
  return module.create({ tf, ...options });
}

/** A graph without variables, ready to run; the caller closes it. */
export async function openGraph(
  graph: Graph,
  rules: TypeRules,
): Promise<{ run(inputs: Feeds): Promise<Record<string, TensorData>>; close(): Promise<void> }> {
  const { files, refusals } = emitPortable(programOf({ predict: graph }), { decompose, rules });
  if (refusals.length > 0) throw new Error(refusals.map((r) => `${r.op}: ${r.reason}`).join("\n"));
  const folder = await mkdtemp(join(tmpdir(), "archc-portable-"));
  for (const [name, content] of files) await writeFile(join(folder, name), content);
  return {
    async run(inputs) {
      const model = await openFolder(folder, { weights: noWeights });
      const before = tf.memory().numTensors;
      const results = await model.predict(inputs);
      if (tf.memory().numTensors !== before) throw new Error("a prediction left tensors behind");
      model.dispose();
      return results;
    },
    close: () => rm(folder, { recursive: true }),
  };
}

/** As an engine of predictions, beside those of the runtime. */
export function portable(backend: BackendName): Pick<Engine, "open"> & { readonly name: string; train: undefined } {
  return {
    name: `portable on ${backend}`,
    async open({ program, rules, weights }: Setting) {
      // TensorFlow's own addon is a backend of the same tfjs, and wants to be the one that is set.
      const before = tf.getBackend();
      await useBackend(backend);
      const folder = await mkdtemp(join(tmpdir(), "archc-portable-"));
      await writePortable(program, join(folder, "model"), { weights, rules });
      const model = await openFolder(join(folder, "model"));
      return {
        async run(inputs: Tensors) {
          return tensorsOf(await model.predict(Object.fromEntries(inputs)));
        },
        async close() {
          model.dispose();
          await tf.setBackend(before);
          await rm(folder, { recursive: true });
        },
      };
    },
    train: undefined,
  };
}

export function tensorsOf(results: Record<string, TensorData>): Map<string, Tensor> {
  return new Map(
    Object.entries(results).map(([name, { shape, data }]) => {
      const float = data instanceof Float32Array;
      const dtype = float ? "f32" : data instanceof Int32Array ? "i32" : "bool";
      return [name, { dtype, shape, data: float ? data : Float64Array.from(data) }];
    }),
  );
}

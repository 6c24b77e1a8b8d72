/**
 * The entry of the `index.mjs` in a compiled folder: opens the folder in which it stands, with the tfjs-node it is given or
 * finds.
 */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { EngineError, describeEngineError } from "../error.ts";
import { loadTensorflow } from "../tensorflow/load.ts";
import { openModel, type OpenOptions, type TfjsModel, type TfModule } from "./model.ts";

export { FeedError, TfjsRunError } from "./model.ts";

export async function create(options: Partial<OpenOptions> = {}): Promise<TfjsModel> {
  const tf = options.tf ?? (await findTf());
  return openModel(dirname(fileURLToPath(import.meta.url)), { ...options, tf });
}

/** `@tensorflow/tfjs-node-gpu` over the engine that archc built or npm fetched, else `@tensorflow/tfjs-node`. */
async function findTf(): Promise<TfModule> {
  try {
    return loadTensorflow().tf;
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    try {
      const name = "@tensorflow/tfjs-node";
      const module = (await import(name)) as { default?: TfModule } & TfModule;
      return module.default ?? module;
    } catch {
      throw new Error(`${describeEngineError(error)}\nOr install @tensorflow/tfjs-node, or pass { tf }.`, {
        cause: error,
      });
    }
  }
}

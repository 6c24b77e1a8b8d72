/** The entry of the `index.mjs` in a compiled folder: opens the folder in which it stands. */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { openModel, type OpenOptions, type TfjsModel } from "./model.ts";

export { FeedError, TfjsRunError } from "./model.ts";

export function create(options: OpenOptions = {}): Promise<TfjsModel> {
  return openModel(dirname(fileURLToPath(import.meta.url)), options);
}

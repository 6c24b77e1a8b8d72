// A compiled tfjs folder as a contender of a bench: one training step after another.
//   node bench/contenders/archc.mjs FOLDER INPUTS.safetensors [floats|bytes]
// With `bytes` the image is fed as a picture's bytes, [B, H, W, 3], which the graph normalises.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { serve, tensorsOf } from "./steps.mjs";

const [folder = "", inputs = "", images = "floats"] = process.argv.slice(2);
const root = resolve(fileURLToPath(import.meta.url), "../../..");
const url = (path) => pathToFileURL(path).href;

const { loadTensorflow } = await import(url(join(root, "dist/engine.mjs")));
const { tf } = loadTensorflow();
const { create } = await import(url(resolve(folder, "index.mjs")));
const model = await create({ tf });
const { signatures } = JSON.parse(readFileSync(join(folder, "model.json"), "utf8"));
const feeds = tensorsOf(inputs, new Set(signatures.train_step.inputs.map(({ name }) => name)));
if (images === "bytes") {
  const [batch, channels, height, width] = feeds.image.shape;
  const data = Uint8Array.from(feeds.image.data, (value) => 32 * (value + 4));
  feeds.image = { shape: [batch, height, width, channels], data };
}
await serve(() => model.trainStep(feeds).loss);

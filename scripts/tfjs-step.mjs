// One training step on the real TensorFlow addon, checked against its closed form. For scripts/node-versions.mjs.
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const engine = join(dirname(fileURLToPath(import.meta.url)), "../dist/engine.mjs");
const { loadTensorflow } = await import(pathToFileURL(engine).href);
const { tf, version } = loadTensorflow();

// loss = sum(w^2), so its gradient is 2w and one step of rate 1/4 halves w: exact in float32.
const weights = tf.variable(tf.tensor1d([3, -8, 0.5]));
const loss = tf.train.sgd(0.25).minimize(() => tf.sum(tf.square(weights)), true);
const after = Array.from(weights.dataSync());
if (loss.dataSync()[0] !== 73.25 || after.join() !== "1.5,-4,0.25") {
  throw new Error(`one step gave loss ${loss.dataSync()[0]} and weights ${after.join(", ")}`);
}
console.log(`Node ${process.versions.node}, TensorFlow ${version}: one step is exact`);

// One training step of a small compiled model on the real TensorFlow addon, checked against its closed form. The command
// that compiles it runs under the same Node. For scripts/node-versions.mjs.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");

const SPEC = `model halves() {
  input x: f32[B, 3]
  param w: f32[3] = ones()
  head main {
    let y = w * x
    loss y * y |> sum(axis: [0, 1])
    predict y = y
  }
  train { optimize "**" by sgd() at constant(0.00390625) }
}
`;

const folder = mkdtempSync(join(tmpdir(), "archc-step-"));
try {
  writeFileSync(join(folder, "halves.arch"), SPEC);
  const args = ["compile", "halves.arch", "--target", "tfjs", "--mode", "train", "-o", "model", "--quiet"];
  const { status } = spawnSync(process.execPath, [join(root, "bin/archc"), ...args], {
    cwd: folder,
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (status !== 0) throw new Error("the model does not compile");
  const { loadTensorflow } = await import(pathToFileURL(join(root, "dist/engine.mjs")).href);
  const { tf, version } = loadTensorflow();
  const { create } = await import(pathToFileURL(join(folder, "model/index.mjs")).href);
  const model = await create({ tf });

  // loss = sum((w x)^2) at w = 1, so w moves by 2 x^2 / 256: every number is exact in single precision.
  const x = [3, -8, 0.5];
  const { loss } = model.trainStep({ x: { shape: [1, 3], data: Float32Array.from(x) } });
  const { data } = model.getWeights(["w"]).get("w");
  const { y } = model.predict({ x: { shape: [1, 3], data: Float32Array.from([1, 1, 1]) } });
  const wanted = x.map((value) => 1 - (2 * value ** 2) / 256);
  model.dispose();
  if (loss !== 73.25 || data.join() !== wanted.join() || y.data.join() !== wanted.join())
    throw new Error(`one step gave loss ${loss}, weights ${data.join(", ")} and predictions ${y.data.join(", ")}`);
  console.log(`Node ${process.versions.node}, TensorFlow ${version}: one step of a compiled model is exact`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

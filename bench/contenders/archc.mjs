// A compiled tfjs folder as a contender of a bench: one training step after another, told by lines of standard input.
//   node bench/contenders/archc.mjs FOLDER INPUTS.safetensors
// Each line `N` makes N steps and answers with one line of JSON: {wall: [ms a step], cpu: ms in all, peak: MB, loss}.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath, pathToFileURL } from "node:url";

const [folder = "", inputs = ""] = process.argv.slice(2);
const root = resolve(fileURLToPath(import.meta.url), "../../..");
const url = (path) => pathToFileURL(path).href;

const started = performance.now();
const { loadTensorflow } = await import(url(join(root, "dist/engine.mjs")));
const { tf } = loadTensorflow();
const { create } = await import(url(resolve(folder, "index.mjs")));
const model = await create({ tf });
const { signatures } = JSON.parse(readFileSync(join(folder, "model.json"), "utf8"));
const feeds = readInputs(inputs, new Set(signatures.train_step.inputs.map((input) => input.name)));
answer({ ready: performance.now() - started });

for await (const line of createInterface({ input: process.stdin })) {
  const wall = [];
  const before = process.cpuUsage();
  let loss = 0;
  for (let i = 0; i < Number(line); i += 1) {
    const start = performance.now();
    loss = model.trainStep(feeds).loss;
    wall.push(performance.now() - start);
  }
  const { user, system } = process.cpuUsage(before);
  answer({ wall, cpu: (user + system) / 1000, peak: peakMegabytes(), loss });
}

function answer(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
function peakMegabytes() {
  return Number(/VmHWM:\s*(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? 0) / 1024;
}
/** The wanted tensors of a small safetensors file: f32 and i32. */
function readInputs(path, wanted) {
  const bytes = readFileSync(path);
  const size = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString("utf8", 8, 8 + size));
  const start = 8 + size;
  return Object.fromEntries(
    Object.entries(header)
      .filter(([name]) => wanted.has(name))
      .map(
        ([
          name,
          {
            dtype,
            shape,
            data_offsets: [from, to],
          },
        ]) => {
          const part = bytes.buffer.slice(bytes.byteOffset + start + from, bytes.byteOffset + start + to);
          return [name, { shape, data: dtype === "F32" ? new Float32Array(part) : new Int32Array(part) }];
        },
      ),
  );
}

// The ONNX file of a training step as a contender of a bench, on ONNX Runtime, fed back as its usage program does.
//   node bench/contenders/onnx.mjs STEP.onnx INPUTS.safetensors
// Each line `N` makes N steps and answers with one line of JSON: {wall: [ms a step], cpu: ms in all, peak: MB, loss}.
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { createInterface } from "node:readline";
import { InferenceSession, Tensor } from "onnxruntime-node";

const [model = "", inputs = ""] = process.argv.slice(2);
const started = performance.now();
const session = await InferenceSession.create(model, {
  intraOpNumThreads: availableParallelism(),
  // idle threads that spin would take the cores from whoever has its turn
  extra: { session: { force_spinning_stop: "1" } },
});
const known = new Set(session.inputNames);
const state = tensorsOf(model.replace(/onnx$/, "safetensors"));
const batch = tensorsOf(inputs);
answer({ ready: performance.now() - started });

for await (const line of createInterface({ input: process.stdin })) {
  const wall = [];
  const before = process.cpuUsage();
  let loss = 0;
  for (let i = 0; i < Number(line); i += 1) {
    const start = performance.now();
    const results = await session.run({ ...state, ...batch });
    for (const name in results) if (name.startsWith("next.")) state[name.slice(5)] = results[name];
    loss = results.loss.data[0];
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
/** Those tensors of a safetensors file that the model takes. */
function tensorsOf(path) {
  const bytes = readFileSync(path);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const types = { F32: ["float32", Float32Array], I32: ["int32", Int32Array], I64: ["int64", BigInt64Array] };
  const entries = Object.entries(JSON.parse(bytes.toString("utf8", 8, start)));
  return Object.fromEntries(
    entries
      .filter(([name]) => known.has(name))
      .map(([name, { dtype, shape, data_offsets: offsets }]) => {
        const [type, Numbers] = types[dtype];
        const [from, to] = offsets.map((offset) => start + offset);
        return [name, new Tensor(type, new Numbers(Uint8Array.from(bytes.subarray(from, to)).buffer), shape)];
      }),
  );
}

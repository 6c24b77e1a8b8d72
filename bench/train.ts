/**
 * Training steps of compiled graphs beside PyTorch's, on the same work in one run.
 *   node bench/run.mjs train [--model dhaa|resnet18] [--batch 8] [--rounds 5] [--steps 2]
 *     [--ours="--memory normal;--memory low;--precision bf16"] [--peers eager,channels_last,compile,bf16]
 * Each entry of --ours is flags of `archc compile`. PYTHON names an interpreter with scripts/goldens/requirements.txt.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { kernelsOf, workerEnvironment } from "../src/runtime/supervise.ts";
import { writeSafetensors } from "../src/runtime/safetensors.ts";
import { type Contender, contest, median } from "./contest.ts";

const { values: flags } = parseArgs({
  options: {
    model: { type: "string", default: "dhaa" },
    batch: { type: "string", default: "8" },
    rounds: { type: "string", default: "5" },
    steps: { type: "string", default: "2" },
    ours: { type: "string", default: "--memory normal" },
    peers: { type: "string", default: "eager,channels_last" },
  },
});
const SPECS: Record<string, { readonly file: string; readonly side: number }> = {
  dhaa: { file: "models/dhaa.arch", side: 256 },
  resnet18: { file: "bench/resnet18.arch", side: 112 },
};
/** Eyes, nose tip, mouth corners of an upright face. */
const FACE = [-0.36, -0.28, 0.36, -0.28, 0, 0.1, -0.3, 0.46, 0.3, 0.46];

const spec = SPECS[flags.model];
if (spec === undefined) throw new Error(`--model is one of ${Object.keys(SPECS).join(", ")}`);
const python = process.env["PYTHON"] ?? "python3";
const folder = mkdtempSync(join(tmpdir(), "archc-bench-"));
try {
  const inputs = join(folder, "inputs.safetensors");
  await writeInputs(inputs, Number(flags.batch), spec.side);
  const contenders: Contender[] = [];
  for (const text of flags.ours.split(";").filter((t) => t !== "")) {
    const options = text.trim().split(/\s+/);
    const out = join(folder, `ours${String(contenders.length)}`);
    const args = ["bin/archc", "compile", spec.file, "--target", "tfjs", "-o", out, "--quiet", ...options];
    if (spawnSync(process.execPath, args, { stdio: "inherit" }).status !== 0)
      throw new Error(`${args.join(" ")} failed`);
    contenders.push({
      name: `archc ${options.join(" ")}`,
      command: process.execPath,
      args: ["bench/contenders/archc.mjs", out, inputs],
      env: workerEnvironment(kernelsOf(out)),
    });
  }
  for (const mode of flags.peers.split(",").filter((m) => m !== "")) {
    contenders.push({
      name: `PyTorch ${mode}`,
      command: python,
      args: ["bench/contenders/pytorch.py", flags.model, inputs, mode],
      // idle threads that spin would take the cores from whoever has its turn
      env: { ...process.env, OMP_WAIT_POLICY: "PASSIVE", OMP_NUM_THREADS: String(availableParallelism()) },
    });
  }
  const measured = await contest(contenders, {
    rounds: Number(flags.rounds),
    steps: Number(flags.steps),
    warmUp: 3,
  });
  console.log(`${flags.model}, batch ${flags.batch}: medians of ${String(measured[0]?.wall.length ?? 0)} steps`);
  for (const one of measured) {
    const [low, high] = [Math.min(...one.wall), Math.max(...one.wall)];
    console.log(
      `${one.name.padEnd(34)} ${median(one.wall).toFixed(0).padStart(6)} ms a step (${low.toFixed(0)} to ${high.toFixed(0)}), ` +
        `${median(one.cpu).toFixed(0)} ms CPU, ${one.peak.toFixed(0)} MB, first step after ${(one.first / 1000).toFixed(1)} s`,
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** A batch that all contenders read: noise, faces that are nearly upright, labels. */
async function writeInputs(path: string, batch: number, side: number): Promise<void> {
  let state = 1;
  const random = (): number => {
    // Park and Miller's generator: enough for noise
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
  const image = Float32Array.from({ length: batch * 3 * side * side }, () => 4 * random() - 2);
  const landmarks = Float32Array.from({ length: batch * 10 }, (_, i) => (FACE[i % 10] ?? 0) + 0.04 * (random() - 0.5));
  const age = Int32Array.from({ length: batch }, () => Math.floor(101 * random()));
  const bytes = (data: Float32Array | Int32Array) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  await writeSafetensors(path, [
    { name: "image", dtype: "f32", shape: [batch, 3, side, side], bytes: () => [bytes(image)] },
    { name: "landmarks", dtype: "f32", shape: [batch, 5, 2], bytes: () => [bytes(landmarks)] },
    { name: "age", dtype: "i32", shape: [batch], bytes: () => [bytes(age)] },
  ]);
}

/**
 * The ONNX training step of ResNet-18 (112 px, batch 8) on ONNX Runtime beside PyTorch eager, in one run.
 *   node bench/run.mjs onnx [--rounds 7] [--steps 2] [--peers eager]
 * PYTHON names an interpreter with scripts/goldens/requirements.txt.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { encodeElements } from "../src/backends/bytes.ts";
import { draws } from "../src/compiler/ops/sample-data.ts";
import { writeSafetensors } from "../src/runtime/safetensors.ts";
import { type Contender, contest, median } from "./contest.ts";

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    steps: { type: "string", default: "2" },
    peers: { type: "string", default: "eager" },
  },
});
const [batch, side, classes] = [8, 112, 101];
const folder = mkdtempSync(join(tmpdir(), "archc-bench-"));
const at = (name: string): string => join(folder, name);
try {
  const image = encodeElements("f32", draws(batch * 3 * side * side, -2, 2, 1));
  const age = encodeElements("i32", draws(batch, 0, classes, 2).map(Math.floor));
  await writeSafetensors(at("inputs.safetensors"), [
    { name: "image", dtype: "f32", shape: [batch, 3, side, side], bytes: () => [image] },
    { name: "age", dtype: "i32", shape: [batch], bytes: () => [age] },
  ]);
  const args = [
    "compile",
    "bench/resnet18.arch",
    "--target",
    "onnx",
    "--mode",
    "train",
    "-o",
    at("step.onnx"),
    "--quiet",
  ];
  if (spawnSync(process.execPath, ["bin/archc", ...args], { stdio: "inherit" }).status !== 0)
    throw new Error(`archc ${args.join(" ")} failed`);
  const ours: Contender = {
    name: "ONNX Runtime",
    command: process.execPath,
    args: ["bench/contenders/onnx.mjs", at("step.onnx"), at("inputs.safetensors")],
    env: process.env,
  };
  const peers = flags.peers.split(",").map((mode): Contender => ({
    name: `PyTorch ${mode}`,
    command: process.env["PYTHON"] ?? "python3",
    args: ["bench/contenders/pytorch.py", "resnet18", at("inputs.safetensors"), mode],
    env: { ...process.env, OMP_WAIT_POLICY: "PASSIVE", OMP_NUM_THREADS: String(availableParallelism()) },
  }));
  const options = { rounds: Number(flags.rounds), steps: Number(flags.steps), warmUp: 3 };
  const [own, ...others] = await contest([ours, ...peers], options);
  if (own === undefined) throw new Error("nothing was measured");
  const [wall, cpu] = [median(own.wall), median(own.cpu)];
  console.log(`ResNet-18, ${side} px, batch ${batch}: medians of ${own.wall.length} steps`);
  for (const one of [own, ...others]) {
    const [low, high] = [Math.min(...one.wall), Math.max(...one.wall)].map((value) => value.toFixed(0));
    const ratios = `${(wall / median(one.wall)).toFixed(2)} wall, ${(cpu / median(one.cpu)).toFixed(2)} CPU`;
    console.log(
      `${one.name.padEnd(16)} ${median(one.wall).toFixed(0).padStart(5)} ms a step (${low ?? ""} to ${high ?? ""}), ` +
        `${median(one.cpu).toFixed(0)} ms CPU, ${one.peak.toFixed(0)} MB${one === own ? "" : `; ONNX Runtime takes ${ratios} of it`}`,
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/**
 * The ONNX training step of ResNet-18 (112 px, batch 8) on ONNX Runtime beside PyTorch eager, in one run.
 *   node bench/run.mjs onnx [--rounds 7] [--steps 2] [--peers eager]
 * PYTHON names an interpreter with bench/requirements.txt.
 */
import { parseArgs } from "node:util";
import { archc, type Contender, contest, inFolder, report } from "./contest.ts";
import { writeInputs } from "./inputs.ts";
import { peer } from "./training.ts";

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    steps: { type: "string", default: "2" },
    peers: { type: "string", default: "eager" },
  },
});
await inFolder(async (at) => {
  const [model, inputs] = [at("step.onnx"), at("inputs.safetensors")];
  await writeInputs(inputs, 8, 112);
  archc("compile", "bench/resnet18.arch", "--target", "onnx", "--mode", "train", "-o", model);
  const ours: Contender = {
    name: "ONNX Runtime",
    command: process.execPath,
    args: ["bench/contenders/onnx.mjs", model, inputs],
    env: process.env,
  };
  const peers = flags.peers.split(",").map((mode) => peer(mode, "resnet18", inputs, at(`caches-${mode}`)));
  const options = { rounds: Number(flags.rounds), steps: Number(flags.steps), warmUp: 3 };
  report("ResNet-18, 112 px, batch 8, a training step", await contest([ours, ...peers], options));
});

/**
 * DHAA's prediction in ONNX Runtime: archc's file beside what torch.onnx.export makes of the PyTorch network (its least squares
 * rewritten by hand, for no exporter knows a solver), by both exporters, on the same weights, engine and options; and on OpenVINO.
 *   node bench/run.mjs predict [--batch 1] [--rounds 7] [--steps 4] [--peers torchscript,dynamo,openvino]
 * PYTHON names an interpreter with bench/requirements.txt.
 */
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import { archc, type Contender, contest, inFolder, python, report } from "./contest.ts";
import { writeInputs } from "./inputs.ts";

const { values: flags } = parseArgs({
  options: {
    batch: { type: "string", default: "1" },
    rounds: { type: "string", default: "7" },
    steps: { type: "string", default: "4" },
    peers: { type: "string", default: "torchscript,dynamo,openvino" },
  },
});
await inFolder(async (at) => {
  const [weights, inputs] = [at("weights.safetensors"), at("inputs.safetensors")];
  await writeInputs(inputs, Number(flags.batch), 256);
  archc("weights", "init", "models/dhaa.arch", "--seed", "0", "-o", weights);
  archc("compile", "models/dhaa.arch", "--target", "onnx", "--weights", weights, "-o", at("archc.onnx"));
  const onnx = (name: string, file: string): Contender => ({
    name,
    command: process.execPath,
    args: ["bench/contenders/onnx.mjs", at(file), inputs],
    env: process.env,
  });
  const peers = flags.peers.split(",").map((mode) => {
    if (mode === "openvino")
      return python("OpenVINO, archc's file", ["openvino_run.py", at("archc.onnx"), inputs], at("caches"));
    const { command, args, env } = python(mode, ["export.py", weights, at(`${mode}.onnx`), mode, "once"], at("caches"));
    if (spawnSync(command, args, { env, stdio: ["ignore", "ignore", "inherit"] }).status !== 0)
      throw new Error(`the export by ${mode} failed`);
    return onnx(`PyTorch ${mode} export`, `${mode}.onnx`);
  });
  const options = { rounds: Number(flags.rounds), steps: Number(flags.steps), warmUp: 5 };
  const measured = await contest([onnx("archc", "archc.onnx"), ...peers], options);
  report(`DHAA, batch ${flags.batch}, a prediction`, measured);
  const ages = measured.map(({ value }) => value);
  if (Math.max(...ages) - Math.min(...ages) > 0.01) throw new Error(`the ages differ: ${ages.join(", ")}`);
});

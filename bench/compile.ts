/**
 * Making an ONNX file of DHAA's prediction with its 400 MB of weights: the whole command, beside a plain copy of the file, and beside
 * torch.onnx.export alone, called in a process that has the network ready (its least squares rewritten by hand).
 *   node bench/run.mjs compile [--rounds 3] [--peers torchscript,dynamo]
 * PYTHON names an interpreter with bench/requirements.txt.
 */
import { parseArgs } from "node:util";
import { archc, contest, inFolder, python, report } from "./contest.ts";

const { values: flags } = parseArgs({
  options: { rounds: { type: "string", default: "3" }, peers: { type: "string", default: "torchscript,dynamo" } },
});
await inFolder(async (at) => {
  const [weights, file] = [at("weights.safetensors"), at("archc.onnx")];
  archc("weights", "init", "models/dhaa.arch", "--seed", "0", "-o", weights);
  const compile = ["compile", "models/dhaa.arch", "--target", "onnx", "--weights", weights, "-o", file];
  const command = (name: string, ...args: readonly string[]) => python(name, ["command.py", ...args], at("caches"));
  const contenders = [
    command("archc compile", process.execPath, "bin/archc", ...compile, "--quiet"),
    command("cp", "cp", file, at("copy.onnx")),
    ...flags.peers
      .split(",")
      .filter((mode) => mode !== "")
      .map((mode) => python(`PyTorch ${mode}`, ["export.py", weights, at(`${mode}.onnx`), mode], at("caches"))),
  ];
  const measured = await contest(contenders, { rounds: Number(flags.rounds), steps: 1, warmUp: 0 });
  report("DHAA to ONNX", measured);
});

/**
 * Training steps of compiled graphs beside others', on the same work in one run.
 *   node bench/run.mjs train [--model dhaa|resnet18] [--batch 8] [--rounds 5] [--steps 2]
 *     [--ours="--memory normal;--memory low;--precision bf16"] [--peers eager,channels_last,compile+channels_last,bf16,jax]
 *     [--images floats|bytes]
 * Each entry of --ours is flags of `archc compile`; --images is what it is fed. Peers are modes of bench/contenders/pytorch.py, jax,
 * `unset` (our first graph without the environment that `archc train` gives its process), and for resnet18 keras, keras_xla (Keras on
 * TensorFlow), tfjs and tfjs_fused (eager tfjs by hand). PYTHON names an interpreter with bench/requirements.txt.
 */
import { parseArgs } from "node:util";
import { type Contender, contest, inFolder, report } from "./contest.ts";
import { writeInputs } from "./inputs.ts";
import { compiled, peer, specOf } from "./training.ts";

const { values: flags } = parseArgs({
  options: {
    model: { type: "string", default: "dhaa" },
    batch: { type: "string", default: "8" },
    rounds: { type: "string", default: "5" },
    steps: { type: "string", default: "2" },
    ours: { type: "string", default: "--memory normal" },
    peers: { type: "string", default: "eager,channels_last" },
    images: { type: "string", default: "floats" },
  },
});
const { model, file, side } = specOf(flags.model);
await inFolder(async (at) => {
  const inputs = at("inputs.safetensors");
  await writeInputs(inputs, Number(flags.batch), side);
  const ours: Contender[] = flags.ours
    .split(";")
    .filter((text) => text !== "")
    .map((text, i) => compiled(file, text, at(`ours${String(i)}`), inputs, flags.images));
  const peers = flags.peers
    .split(",")
    .filter((mode) => mode !== "")
    .map((mode) => {
      const [own] = ours;
      if (mode === "unset" && own !== undefined) return { ...own, name: "archc, nothing set", env: process.env };
      return peer(mode, model, inputs, at(`caches-${mode}`));
    });
  const options = { rounds: Number(flags.rounds), steps: Number(flags.steps), warmUp: 3 };
  const measured = await contest([...ours, ...peers], options);
  report(`${model}, ${String(side)} px, batch ${flags.batch}, a training step`, measured, ours.length);
});

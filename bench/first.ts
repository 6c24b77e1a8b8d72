/**
 * From the start of a process to the end of its first training step: a compiled folder that is loaded, beside torch.compile,
 * once with nothing kept from earlier and once with all that it keeps on disk. In turns, each a fresh process.
 *   node bench/run.mjs first [--model dhaa|resnet18] [--batch 8] [--rounds 3] [--peer compile]
 * PYTHON names an interpreter with bench/requirements.txt.
 */
import { parseArgs } from "node:util";
import { type Contender, contest, inFolder, median, type Measured } from "./contest.ts";
import { writeInputs } from "./inputs.ts";
import { compiled, peer, specOf } from "./training.ts";

const { values: flags } = parseArgs({
  options: {
    model: { type: "string", default: "dhaa" },
    batch: { type: "string", default: "8" },
    rounds: { type: "string", default: "3" },
    peer: { type: "string", default: "compile" },
  },
});
const { model, file, side } = specOf(flags.model);
const once = async (contender: Contender): Promise<readonly Measured[]> =>
  contest([contender], { rounds: 0, steps: 0, warmUp: 0 });

await inFolder(async (at) => {
  const inputs = at("inputs.safetensors");
  await writeInputs(inputs, Number(flags.batch), side);
  const own = compiled(file, "", at("ours"), inputs);
  const rows: Record<"archc" | "cold" | "warm", Measured[]> = { archc: [], cold: [], warm: [] };
  for (let round = 0; round < Number(flags.rounds); round++) {
    const other = peer(flags.peer, model, inputs, at(`caches${String(round)}`));
    rows.archc.push(...(await once(own)));
    rows.cold.push(...(await once(other)));
    rows.warm.push(...(await once(other)));
  }
  const names = { archc: "archc", cold: `PyTorch ${flags.peer}`, warm: `PyTorch ${flags.peer}, caches filled` };
  console.log(`${model}, batch ${flags.batch}: medians of ${flags.rounds} processes, seconds`);
  for (const key of ["archc", "cold", "warm"] as const) {
    const [ready, first] = [rows[key].map((one) => one.ready / 1000), rows[key].map((one) => one.first / 1000)];
    const step = rows[key].map((one) => (one.first - one.ready) / 1000);
    const share =
      key === "archc"
        ? ""
        : `; archc takes ${(median(rows.archc.map((one) => one.first / 1000)) / median(first)).toFixed(3)} of it`;
    console.log(
      `${names[key].padEnd(32)} ready after ${median(ready).toFixed(1)}, first step ${median(step).toFixed(1)}, in all ${median(first).toFixed(1)}${share}`,
    );
  }
});

/** `archc verify`: every engine present against the f64 reference. Measuring and judging are the runtime's. */
import { Command } from "commander";
import type { ErrorsOf } from "../../runtime/verify/verify.ts";
import { Reported } from "../fail.ts";
import { example, type ModelFlags, type ReportFlags, whole, withModel, withReport } from "../flags.ts";
import { interruption } from "../interrupt.ts";
import { choice, load } from "../load.ts";
import { table, Ui } from "../ui.ts";

interface VerifyFlags extends ModelFlags, ReportFlags {
  readonly batch: number;
  readonly steps: number;
  readonly seed: number;
  readonly weights?: string;
  readonly input?: string;
  readonly against?: string;
}

export function verify(): Command {
  const command = new Command("verify")
    .description("hold every engine present against the f64 reference: outputs, losses, gradients, weights after steps")
    .argument("<file>", "an .arch file")
    .option("--input <file>", "a safetensors file with one tensor an input and target, instead of drawn ones")
    .option("--batch <n>", "samples, where they are drawn", whole(1), 2)
    .option("--steps <n>", "training steps", whole(1), 1)
    .option("--seed <n>", "of weights and inputs", whole(0), 0)
    .option("--weights <file>", "weights to start from, instead of the seed's")
    .option("--against <model.onnx>", "compare the predictions of this ONNX file instead of the engines");
  return example(withReport(withModel(command)), "archc verify models/dhaa_ablations.arch --variant dhaa_small").action(
    run,
  );
}

async function run(file: string, flags: VerifyFlags): Promise<void> {
  const ui = new Ui(flags);
  const { program } = await load(ui, file, flags);
  const { verify: compare } = await import("../../runtime/verify/verify.ts");
  const { signal } = interruption();
  const { batch, steps, seed, weights, input, against } = flags;
  const bar = ui.progress("verifying", 5);
  const verdict = await compare(program, {
    file,
    ...choice(flags),
    batch,
    steps,
    seed,
    weights,
    input,
    against,
    signal,
    onStage: (done, _, text) => {
      bar.update(done, text);
      if (!process.stderr.isTTY) ui.note(text);
    },
  }).finally(() => {
    bar.stop();
  });
  ui.result(verdict);
  const cell = (value: number | null): string => (value === null ? "-" : value.toExponential(1));
  const cells = (errors: ErrorsOf): string[] =>
    [errors.outputs, errors.losses, errors.gradients, errors.weights].map(cell);
  const rows = verdict.engines.map(({ name, version, maxError, ok }) => [
    `${name} ${version}`,
    ...cells(maxError),
    ok ? "ok" : "NOT OK",
  ]);
  const [first] = verdict.engines;
  if (first !== undefined) rows.unshift(["reference f32", ...cells(first.yardstick), "the yardstick"]);
  ui.print(
    table([`${program.name}, largest relative L2 to f64`, "outputs", "losses", "gradients", "weights", ""], rows),
  );
  if (verdict.begin > 0)
    ui.print(`A rate of ${program.name} is 0 at step 0, so the steps compared begin at step ${String(verdict.begin)}.`);
  for (const { name, departures, first: node } of verdict.engines) {
    if (node !== null) {
      ui.print(
        `${name} departs first at ${node.place}: ${node.op} of ${node.path} is off by ${cell(node.error)}, ${cell(node.allowed)} is allowed`,
      );
    }
    for (const { kind, name: tensor, error, allowed } of departures.slice(0, 10)) {
      ui.print(`${name}: ${kind} ${tensor} is off by ${cell(error)}, ${cell(allowed)} is allowed`);
    }
  }
  if (!verdict.ok) throw new Reported();
}

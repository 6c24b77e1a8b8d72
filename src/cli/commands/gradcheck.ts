/** `archc gradcheck`: analytic gradients against central differences in f64. */
import { Command } from "commander";
import { Reported } from "../fail.ts";
import { example, type ModelFlags, type ReportFlags, whole, withModel, withReport } from "../flags.ts";
import { interruption } from "../interrupt.ts";
import { load } from "../load.ts";
import { grouped, Ui } from "../ui.ts";

interface GradcheckFlags extends ModelFlags, ReportFlags {
  readonly batch: number;
  readonly seed: number;
  readonly weights?: string;
  readonly entries: number;
  readonly all?: boolean;
}

/** Beyond this a gradient is taken to be wrong. */
const LIMIT = 1e-4;

export function gradcheck(): Command {
  const command = new Command("gradcheck")
    .description("analytic gradients against central differences, in f64; exits 1 where they differ by more than 1e-4")
    .argument("<file>", "an .arch file")
    .option("--entries <n>", "random entries of each parameter", whole(1), 8)
    .option("--all", "every entry of every parameter")
    .option("--batch <n>", "samples", whole(1), 2)
    .option("--seed <n>", "of weights, inputs and entries", whole(0), 0)
    .option("--weights <file>", "weights to check at, instead of the seed's");
  return example(
    withReport(withModel(command)),
    "archc gradcheck models/dhaa.arch --entries 1 --set side=64 --set size=14 --set base=2 --set width=4 --set classes=11",
  ).action(run);
}

async function run(file: string, flags: GradcheckFlags): Promise<void> {
  const ui = new Ui(flags);
  const { program } = await load(ui, file, flags);
  const { gradcheck: compare } = await import("../../runtime/gradcheck.ts");
  const { weightsFor } = await import("../../runtime/weights.ts");
  const { signal } = interruption();
  const weights = await weightsFor(program, flags);
  let bar: ReturnType<Ui["progress"]> | undefined;
  const result = await compare(program, {
    weights,
    batch: flags.batch,
    seed: flags.seed,
    entries: flags.all === true ? undefined : flags.entries,
    signal,
    onEntry: (done, of) => {
      bar ??= ui.progress("checking", of);
      bar.update(done);
    },
  }).finally(() => {
    bar?.stop();
    return weights.close();
  });
  ui.result(result);
  const { maxRelativeError, worst, entries } = result;
  ui.print(`${program.name}: ${grouped(entries)} entries, largest relative error ${maxRelativeError.toExponential(2)}`);
  if (worst !== null) {
    ui.print(
      `worst: ${worst.path}[${worst.index}], analytic ${worst.analytic.toPrecision(9)}, central difference ${worst.numeric.toPrecision(9)}`,
    );
  }
  if (!(maxRelativeError <= LIMIT)) throw new Reported();
}

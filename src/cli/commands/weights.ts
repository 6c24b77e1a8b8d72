/** `archc weights`: makes weight files and compares them with a model. Reading and drawing are the runtime's. */
import { Command } from "commander";
import { Reported } from "../fail.ts";
import { example, type ModelFlags, type ReportFlags, whole, withModel, withReport } from "../flags.ts";
import { load } from "../load.ts";
import { Ui } from "../ui.ts";

export function weights(): Command {
  return new Command("weights")
    .description("make and compare weight files (safetensors)")
    .addCommand(init())
    .addCommand(check());
}

interface InitFlags extends ModelFlags, ReportFlags {
  readonly seed: number;
  readonly output: string;
}

function init(): Command {
  const command = new Command("init")
    .description("draw the initial weights that a seed gives: the same on every machine")
    .argument("<file>", "an .arch file")
    .option("--seed <n>", "the seed", whole(0), 0)
    .requiredOption("-o, --output <file>", "the .safetensors file to write");
  return example(
    withReport(withModel(command)),
    "archc weights init models/dhaa.arch --seed 7 -o start.safetensors",
  ).action(runInit);
}

async function runInit(file: string, flags: InitFlags): Promise<void> {
  const ui = new Ui(flags);
  const { program } = await load(ui, file, flags);
  const { seededWeights, weightVariables, writeWeights } = await import("../../runtime/weights.ts");
  await writeWeights(program, seededWeights(flags.seed), flags.output);
  const variables = weightVariables(program);
  ui.print(`${flags.output}: ${variables.length} tensors of ${program.name}, seed ${flags.seed}`);
  ui.result({ kept: [], reshaped: [], new: variables.map(({ path }) => path), unused: [] });
}

function check(): Command {
  const command = new Command("check")
    .description("compare a weights file with a model; exits 1 where it does not fit")
    .argument("<file>", "an .arch file")
    .argument("<weights>", "a .safetensors file");
  return example(withReport(withModel(command)), "archc weights check models/dhaa.arch start.safetensors").action(
    runCheck,
  );
}

async function runCheck(file: string, weightsFile: string, flags: ModelFlags & ReportFlags): Promise<void> {
  const ui = new Ui(flags);
  const { program } = await load(ui, file, flags);
  const { compareWeights } = await import("../../runtime/weights.ts");
  const { SafetensorsFile } = await import("../../runtime/safetensors.ts");
  const opened = await SafetensorsFile.open(weightsFile);
  const { report } = compareWeights(program, opened);
  await opened.close();
  ui.result(report);
  const { kept, reshaped, unused } = report;
  const lines = [
    ...reshaped.map(
      ({ path, file: was, model }) =>
        `reshaped  ${path}: [${was.join(", ")}] in the file, [${model.join(", ")}] in the model`,
    ),
    ...report.new.map((path) => `new       ${path}`),
    ...unused.map((name) => `unused    ${name}`),
    `${kept.length} kept, ${reshaped.length} reshaped, ${report.new.length} new, ${unused.length} unused`,
  ];
  ui.print(lines.join("\n"));
  if (reshaped.length + report.new.length + unused.length > 0) throw new Reported();
}

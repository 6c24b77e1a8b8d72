/** `archc summary`: what a model costs, as a table of its parts. The counting is the runtime's. */
import { Command } from "commander";
import { example, type ModelFlags, type ReportFlags, whole, withModel, withReport } from "../flags.ts";
import { load } from "../load.ts";
import { grouped, scaled, table, Ui } from "../ui.ts";

interface SummaryFlags extends ModelFlags, ReportFlags {
  readonly batch: number;
  readonly depth: number;
}

export function summary(): Command {
  const command = new Command("summary")
    .description("parameters, FLOP and bytes of a model and its parts")
    .argument("<file>", "an .arch file")
    .option("--batch <n>", "the batch that memory is counted for", whole(1), 1)
    .option("--depth <n>", "how deep parts are listed", whole(1), 2);
  return example(withReport(withModel(command)), "archc summary models/dhaa.arch --batch 32").action(run);
}

async function run(file: string, flags: SummaryFlags): Promise<void> {
  const ui = new Ui(flags);
  const { program } = await load(ui, file, flags);
  const { summarise } = await import("../../runtime/summary.ts");
  const made = summarise(program, flags.batch);
  const parts = made.parts.filter(({ path }) => path.split(".").length <= flags.depth);
  const { pruned } = program;
  ui.result({ ...made, parts, pruned });
  const flop = (value: number | null): string => (value === null ? "-" : scaled(value, "FLOP"));
  const byte = (value: number | null): string => (value === null ? "-" : scaled(value, "B"));
  const rows = parts.map(({ path, trainable, flops, bytes }) => [
    "  ".repeat(path.split(".").length - 1) + path,
    grouped(trainable),
    flop(flops.predict),
    flop(flops.train),
    byte(bytes.predict),
    byte(bytes.train),
  ]);
  const { flops, bytes } = made;
  rows.push([
    "all",
    grouped(made.trainable),
    flop(flops.predict),
    flop(flops.train),
    byte(bytes.moved.predict),
    byte(bytes.moved.train),
  ]);
  ui.print(table(["part", "trained", "predict", "train", "predict moves", "train moves"], rows));
  ui.print(
    [
      "",
      `${made.name}: ${grouped(made.parameters)} parameters (${grouped(made.trainable)} trained, ${byte(bytes.parameters)}), ${grouped(made.states)} numbers of state`,
      ...(pruned.length > 0 ? [`No output needs ${pruned.join(", ")}.`] : []),
      `FLOP and bytes moved are a sample's. Values between operators take at most ${byte(bytes.activations.predict)} to predict and ${byte(bytes.activations.train)} to train, at batch ${flags.batch}.`,
    ].join("\n"),
  );
}

/** `archc variants`: every variant of a file with its size, work and hash. */
import { Command } from "commander";
import { example, type ReportFlags, withReport } from "../flags.ts";
import { Reported } from "../fail.ts";
import { load, requireFile, tell } from "../load.ts";
import { grouped, scaled, table, Ui } from "../ui.ts";
import { DiskHost } from "../../runtime/host.ts";

export function variants(): Command {
  const command = new Command("variants")
    .description("every variant with parameters, FLOP and hash")
    .argument("<file>", "an .arch file");
  return example(withReport(command), "archc variants models/dhaa_ablations.arch").action(run);
}

async function run(file: string, flags: ReportFlags): Promise<void> {
  const ui = new Ui(flags);
  requireFile(file);
  const { listModels } = await import("../../compiler/compile.ts");
  const { flopsOf, numbersIn } = await import("../../runtime/summary.ts");
  const host = new DiskHost(file);
  const listed = listModels(host, host.name(file));
  await tell(ui, listed.diagnostics);
  if (listed.diagnostics.some(({ severity }) => severity === "error")) throw new Reported();
  const names = listed.models.filter(({ kind }) => kind === "variant");
  const made = [];
  const bar = ui.progress("counting", names.length);
  for (const { name, of } of names) {
    const { program } = await load(ui, file, { variant: name });
    const trained = program.variables.filter((variable) => variable.trained);
    made.push({
      name,
      of,
      parameters: numbersIn(trained),
      flops: flopsOf(program.predict),
      hash: program.hash,
      pruned: program.pruned,
    });
    bar.update(made.length);
  }
  bar.stop();
  ui.result({ variants: made });
  const rows = made.map(({ name, of, parameters, flops, hash }) => [
    name,
    of ?? "",
    grouped(parameters),
    scaled(flops, "FLOP"),
    hash.slice(0, 12),
  ]);
  ui.print(
    rows.length === 0 ? `${file} has no variants` : table(["variant", "of", "trained", "predict", "hash"], rows),
  );
  const pruning = made.filter(({ pruned }) => pruned.length > 0);
  if (pruning.length > 0)
    ui.print(
      `\n${table(
        ["variant", "what no output needs any more"],
        pruning.map(({ name, pruned }) => [name, pruned.join(", ")]),
      )}`,
    );
}

/** `archc params`: every parameter and state of a model, in the order of declaration. */
import { Command } from "commander";
import type { Initializer, Variable } from "../../compiler/graph/graph.ts";
import { example, type ModelFlags, type ReportFlags, withModel, withReport } from "../flags.ts";
import { load } from "../load.ts";
import { grouped, table, Ui } from "../ui.ts";

export function params(): Command {
  const command = new Command("params")
    .description("every parameter and state, in order")
    .argument("<file>", "an .arch file");
  return example(withReport(withModel(command)), "archc params models/dhaa.arch --json").action(run);
}

async function run(file: string, flags: ModelFlags & ReportFlags): Promise<void> {
  const ui = new Ui(flags);
  const { program } = await load(ui, file, flags);
  const listed = program.variables.filter(({ kind }) => kind === "param" || kind === "state");
  const rows = listed.map((variable) => ({
    path: variable.path,
    shape: variable.type.shape.map((dim) => dim.constant ?? dim.toString()),
    dtype: variable.type.dtype,
    trained: variable.trained,
    init: initText(variable.init),
  }));
  ui.print(
    table(
      ["path", "shape", "type", "kind", "starts as"],
      rows.map(({ path, shape, dtype, init }, i) => [path, `[${shape.join(", ")}]`, dtype, kindOf(listed[i]!), init]),
    ),
  );
  const trained = listed
    .filter((variable) => variable.trained)
    .reduce((sum, { type }) => sum + type.shape.reduce((n, dim) => n * (dim.constant ?? 1), 1), 0);
  ui.print(`\n${grouped(trained)} trained numbers`);
  ui.result({ params: rows });
}

function kindOf({ kind, trained }: Variable): string {
  return kind === "state" ? "state" : trained ? "trained" : "frozen";
}

function initText(init: Initializer): string {
  switch (init.kind) {
    case "constant":
      return String(init.value);
    case "uniform":
      return `uniform(${short(init.low)}, ${short(init.high)})`;
    case "normal":
      return `normal(${short(init.mean)}, ${short(init.std)})`;
    case "values":
      return `${init.values.length} values`;
  }
}

function short(value: number): string {
  return String(Number(value.toPrecision(6)));
}

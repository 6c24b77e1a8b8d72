/** `archc run`: one pass on one engine, from a safetensors file to another. */
import { Command, Option } from "commander";
import type { Engine, Precision } from "../../runtime/run/engine.ts";
import { UsageError } from "../fail.ts";
import { example, type ModelFlags, type ReportFlags, whole, withModel, withReport, words } from "../flags.ts";
import { load } from "../load.ts";
import { Ui } from "../ui.ts";

interface RunFlags extends ModelFlags, ReportFlags {
  readonly input: string;
  readonly output: string;
  readonly engine: Engine["name"];
  readonly precision?: Precision;
  readonly weights?: string;
  readonly seed: number;
  readonly mode: "predict" | "train";
  readonly fetch?: readonly string[];
}

export function run(): Command {
  const command = new Command("run")
    .description("one pass: tensors in, tensors out")
    .argument("<file>", "an .arch file")
    .requiredOption(
      "--input <file>",
      "a safetensors file with one tensor an input, by name; in train mode the targets too",
    )
    .requiredOption("-o, --output <file>", "the safetensors file to write")
    .addOption(
      new Option("--engine <engine>", "what computes").choices(["reference", "onnx", "tfjs"]).default("reference"),
    )
    .addOption(
      new Option("--precision <type>", "f64 is the reference's, bf16 TensorFlow's (default: f32)").choices([
        "f32",
        "f64",
        "bf16",
      ]),
    )
    .option("--weights <file>", "the weights (safetensors)")
    .option("--seed <n>", "draws the weights where no file is given", whole(0), 0)
    .addOption(
      new Option("--mode <mode>", "train gives `loss.*` and `grad.PATH` of one step")
        .choices(["predict", "train"])
        .default("predict"),
    )
    .option("--fetch <paths>", "further values to write, by path, with commas between", words);
  return example(
    withReport(withModel(command)),
    "archc run models/dhaa.arch --input faces.safetensors -o ages.safetensors --engine onnx --weights run/weights.safetensors",
  ).action(action);
}

async function action(file: string, flags: RunFlags): Promise<void> {
  const ui = new Ui(flags);
  const { engine, precision, mode, input, output, weights, seed, fetch = [] } = flags;
  const able = { f32: engine, f64: "reference", bf16: "tfjs" }[precision ?? "f32"];
  if (precision !== undefined && able !== engine)
    throw new UsageError(`The ${engine} engine does not compute in ${precision}.`, `--engine ${able}`);
  const { program, rules } = await load(ui, file, flags);
  const { run: runOnce } = await import("../../runtime/run/run.ts");
  const results = await runOnce(program, rules, {
    engine,
    precision: precision ?? "f32",
    mode,
    input,
    output,
    weights,
    seed,
    fetch,
  });
  ui.print(
    `${output}: ${[...results]
      .slice(0, 6)
      .map(([name, { dtype, shape }]) => `${name} ${dtype}[${shape.join(", ")}]`)
      .join(", ")}${results.size > 6 ? `, … (${results.size} in all)` : ""}`,
  );
  ui.result({ output, tensors: [...results].map(([name, { dtype, shape }]) => ({ name, dtype, shape })) });
}

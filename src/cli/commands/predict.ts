/** `archc predict`: predictions for pictures, by FILE and weights or by an artifact that was compiled from it. */
import { statSync } from "node:fs";
import { Command, Option } from "commander";
import type { Engine, Predictor } from "../../runtime/run/engine.ts";
import { UsageError } from "../fail.ts";
import { example, type ModelFlags, type ReportFlags, whole, withModel, withReport } from "../flags.ts";
import { interruption } from "../interrupt.ts";
import { type Loaded, load } from "../load.ts";
import { table, Ui } from "../ui.ts";

interface PredictFlags extends ModelFlags, ReportFlags {
  readonly weights?: string;
  readonly artifact?: string;
  readonly engine: Engine["name"];
  readonly data?: string;
  readonly split?: string;
  readonly limit?: number;
  readonly batch: number;
  readonly skipBad?: boolean;
}

export function predict(): Command {
  const command = new Command("predict")
    .description("predictions for pictures; points come from the manifest or from IMAGE.json beside each")
    .argument("<file>", "an .arch file")
    .argument("[image...]", "pictures: PNG, JPEG, WebP")
    .option("--weights <file>", "the weights (safetensors)")
    .option("--artifact <path>", "an .onnx file or a tfjs folder made from FILE, instead of compiling it")
    .addOption(new Option("--engine <engine>", "what computes").choices(["reference", "onnx", "tfjs"]).default("onnx"))
    .option("--data <manifest>", "a CSV file with the pictures and their points")
    .option("--split <name>", "rows of the manifest with this `split` only")
    .option("--limit <n>", "the first n pictures only", whole(1))
    .option("--batch <n>", "pictures at a time", whole(1), 8)
    .option("--skip-bad", "leave rows out that cannot be used");
  return example(
    withReport(withModel(command)),
    "archc predict models/dhaa.arch --weights run/weights.safetensors face.jpg",
    "archc predict models/dhaa.arch --artifact dhaa.onnx --data faces/manifest.csv --split test --json",
  ).action(run);
}

async function run(file: string, images: readonly string[], flags: PredictFlags): Promise<void> {
  const ui = new Ui(flags);
  if (images.length === 0 && flags.data === undefined)
    throw new UsageError(
      "There is nothing to predict for.",
      "archc predict FILE --weights W IMAGE…   or   --data MANIFEST",
    );
  if (flags.weights === undefined && flags.artifact === undefined)
    throw new UsageError("Predictions need weights.", "--weights FILE   or   --artifact PATH");
  const loaded = await load(ui, file, flags);
  const { count, faultLines } = await import("../../runtime/data/table.ts");
  const { openPictures, predictAll } = await import("../../runtime/predict.ts");
  const { signal } = interruption();
  const bar = ui.progress("predicting", 1);
  const { data, split, limit, batch, skipBad = false } = flags;
  const request = {
    images,
    data,
    split,
    limit,
    batch,
    skipBad,
    signal,
    onSkipped: (problem: string) => ui.note(`left out: ${problem}`),
    onDone: (done: number, of: number) => bar.update(done / of),
  };
  const pictures = await openPictures(loaded.program, request);
  const { path, skipped } = pictures.manifest;
  if (skipped.length > 0)
    ui.note([`${count(skipped.length, "row")} left out:`, ...faultLines(path, skipped)].join("\n  "));
  const predictor = await open(loaded, flags);
  try {
    const made = await predictAll(predictor, pictures, request);
    const outputs = loaded.program.predict.outputs.map(({ name }) => name);
    const text = (value: number | readonly number[] | undefined): string =>
      typeof value === "number"
        ? value.toFixed(2)
        : (value ?? [])
            .slice(0, 4)
            .map((number) => number.toPrecision(3))
            .join(" ");
    ui.print(
      table(
        [made[0]?.image === undefined ? "row" : "image", ...outputs],
        made.map(({ image, row, values }) => [image ?? row, ...outputs.map((name) => text(values[name]))]),
      ),
    );
    ui.result({
      predictions: made.map(({ image, row, values, columns }) => ({
        ...(image === undefined ? { row } : { image }),
        ...values,
        columns,
      })),
    });
  } finally {
    bar.stop();
    await predictor.close();
  }
}

async function open({ program, rules }: Loaded, flags: PredictFlags): Promise<Predictor> {
  const { artifact, weights: path } = flags;
  if (artifact !== undefined) {
    if (!artifact.endsWith(".onnx")) {
      if (!isFolder(artifact)) throw new UsageError(`${artifact} is neither an .onnx file nor a folder.`);
      return (await import("../../runtime/run/tensorflow.ts")).openFolder(artifact, path);
    }
    if (path !== undefined) throw new UsageError("An ONNX file has its weights inside: --weights does not go with it.");
    return (await import("../../runtime/run/onnx.ts")).openOnnx(artifact);
  }
  const { engineNamed } = await import("../../runtime/run/run.ts");
  const { weightsFor } = await import("../../runtime/weights.ts");
  const engine = await engineNamed(flags.engine, "f32");
  const weights = await weightsFor(program, { weights: path, seed: 0 });
  try {
    return await engine.open({ program, rules, weights, seed: 0 });
  } finally {
    await weights.close();
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

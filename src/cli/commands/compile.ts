/**
 * `archc compile`: a program as a TensorFlow training graph, a module of plain tfjs operators, or ONNX files. Emitting and
 * writing are the runtime's.
 */
import { basename, dirname, join } from "node:path";
import { Command, Option } from "commander";
import type { Convolution, TfjsPrecision } from "../../backends/tfjs/index.ts";
import type { Program } from "../../compiler/program.ts";
import type { Written } from "../../runtime/artifact.ts";
import { DiskHost } from "../../runtime/host.ts";
import { report, Reported, STATUS, UsageError } from "../fail.ts";
import {
  convolutionOption,
  example,
  type ModelFlags,
  type ReportFlags,
  precisionOption,
  whole,
  withModel,
  withReport,
} from "../flags.ts";
import { interruption } from "../interrupt.ts";
import { type Loaded, load, requireFile, tell } from "../load.ts";
import { scaled, table, Ui } from "../ui.ts";

type Target = "tfjs" | "onnx";
interface CompileFlags extends ModelFlags, ReportFlags {
  readonly target: Target;
  readonly output: string;
  readonly weights?: string;
  readonly seed: number;
  readonly mode?: "train" | "predict";
  readonly portable?: boolean;
  readonly allVariants?: boolean;
  readonly memory: "normal" | "low";
  readonly convolution?: Convolution;
  readonly watch?: boolean;
  readonly stats?: boolean;
  readonly rawInputs?: boolean;
  readonly externalData?: boolean;
  readonly precision?: TfjsPrecision;
}

export function compile(): Command {
  const command = new Command("compile")
    .description(
      "compile to a TensorFlow SavedModel that trains itself (tfjs), or to an ONNX file that predicts or trains",
    )
    .argument("<file>", "an .arch file")
    .addOption(new Option("--target <target>", "what to make").choices(["tfjs", "onnx"]).makeOptionMandatory())
    .requiredOption(
      "-o, --output <path>",
      "a folder for tfjs, an .onnx file for onnx; a folder of such with --all-variants",
    )
    .option("--weights <file>", "the weights to put in (safetensors)")
    .option("--seed <n>", "draws the weights where no file is given", whole(0), 0)
    .addOption(
      new Option("--mode <mode>", "a training step, or prediction alone (default: tfjs train, onnx predict)").choices([
        "train",
        "predict",
      ]),
    )
    .option("--portable", "tfjs: prediction as a module of plain tfjs operators, which a browser runs, too")
    .addOption(precisionOption("tfjs: "))
    .option("--all-variants", "the model and every variant of the file, each under its name")
    .option("--raw-inputs", "onnx: images are fed as the bytes of pictures and normalised in the graph")
    .option("--external-data", "onnx: weights in a file of their own, as they are past 2 GB anyhow")
    .addOption(
      new Option("--memory <amount>", "tfjs: how much the backward pass keeps; with low it computes more again")
        .choices(["normal", "low"])
        .default("normal"),
    )
    .addOption(convolutionOption("tfjs: "))
    .option("--watch", "compile again whenever a file changes")
    .option("--stats", "the time of each phase");
  return example(
    withReport(withModel(command)),
    "archc compile models/dhaa.arch --target tfjs -o build/dhaa",
    "archc compile models/dhaa.arch --target tfjs --portable --mode predict -o site/dhaa",
    "archc compile models/dhaa.arch --target onnx --weights run/weights.safetensors -o dhaa.onnx",
    "archc compile models/dhaa.arch --target onnx --mode train -o step.onnx",
  ).action(run);
}

interface Made {
  readonly name: string;
  readonly program: Program;
  readonly written: Written;
  readonly milliseconds: Readonly<Record<string, number>>;
}

async function run(file: string, flags: CompileFlags): Promise<void> {
  const ui = new Ui(flags);
  if (flags.target === "onnx" && flags.mode === "train" && flags.externalData === true)
    throw new UsageError("--external-data is for predictions; the weights of a training step lie beside it anyhow.");
  if (flags.portable === true && (flags.target === "onnx" || flags.mode === "train"))
    throw new UsageError(
      "--portable is for predictions with --target tfjs.",
      "--target tfjs --portable --mode predict",
    );
  if (flags.precision === "bf16" && (flags.target === "onnx" || flags.portable === true))
    throw new UsageError("--precision bf16 is for the graph of --target tfjs; ONNX files and modules compute in f32.");
  if (
    flags.convolution !== undefined &&
    (flags.target === "onnx" || flags.portable === true || flags.mode === "predict")
  )
    throw new UsageError(
      "--convolution is for the training step of --target tfjs; everything else convolves directly.",
    );
  if (flags.target === "tfjs" && flags.rawInputs === true)
    throw new UsageError(
      "--raw-inputs is for --target onnx; a tfjs folder takes images either way, as floats or as bytes.",
    );
  if (flags.target === "tfjs" && flags.externalData === true)
    throw new UsageError("--external-data is for --target onnx; a tfjs folder's weights lie beside its graph anyhow.");
  if (flags.target === "onnx" && flags.allVariants !== true && !flags.output.endsWith(".onnx")) {
    throw new UsageError(`${flags.output}: an ONNX file's name ends in .onnx.`, `-o ${flags.output}.onnx`);
  }
  if (flags.allVariants === true && (flags.variant !== undefined || flags.weights !== undefined)) {
    throw new UsageError("--all-variants takes neither --variant nor --weights: the variants have different ones.");
  }
  requireFile(file);
  if (flags.watch === true) return watch(ui, file, flags);
  await once(ui, file, flags, new DiskHost(file));
}

/** Compiles what was asked for, from what `host` reads. */
async function once(ui: Ui, file: string, flags: CompileFlags, host: DiskHost): Promise<void> {
  const made: Made[] = [];
  const names = flags.allVariants === true ? await everyName(ui, file, host) : [undefined];
  const bar = ui.progress("compiling", names.length);
  try {
    for (const name of names) {
      const loaded = await load(ui, file, name === undefined ? flags : { ...flags, variant: name }, host);
      made.push(await build(ui, loaded, flags, name));
      bar.update(made.length);
    }
  } finally {
    bar.stop();
  }
  await tellMade(ui, made, flags);
}

async function everyName(ui: Ui, file: string, host: DiskHost): Promise<readonly string[]> {
  const { listModels } = await import("../../compiler/compile.ts");
  const { models, diagnostics } = listModels(host, host.name(file));
  await tell(ui, diagnostics);
  if (diagnostics.some(({ severity }) => severity === "error")) throw new Reported();
  if (models.length === 0) throw new UsageError(`${file} declares no model and no variant.`);
  return models.map(({ name }) => name);
}

async function build(
  ui: Ui,
  { program, rules, milliseconds }: Loaded,
  flags: CompileFlags,
  name: string | undefined,
): Promise<Made> {
  const { weightsFor } = await import("../../runtime/weights.ts");
  const { target, output, seed } = flags;
  const weights = await weightsFor(program, { weights: flags.weights, seed });
  const place = name === undefined ? output : join(output, target === "onnx" ? `${name}.onnx` : name);
  try {
    let written: Written;
    if (flags.portable === true) {
      const { writePortable } = await import("../../runtime/artifact.ts");
      written = await writePortable(program, place, { weights, rules });
    } else if (target === "tfjs") {
      const { writeTfjs } = await import("../../runtime/artifact.ts");
      const mode = flags.mode ?? (program.train === undefined ? "predict" : "train");
      if (mode === "train") requireLoss(program);
      written = await writeTfjs(program, place, {
        mode,
        weights,
        seed,
        rules,
        precision: flags.precision,
        memory: flags.memory,
        convolution: flags.convolution,
      });
    } else {
      const { writeOnnx, writeOnnxStep } = await import("../../runtime/artifact-onnx.ts");
      const rawInputs = flags.rawInputs === true;
      if (flags.mode === "train") {
        requireLoss(program);
        written = await writeOnnxStep(program, place, { weights, seed, rules, rawInputs });
      } else {
        written = await writeOnnx(program, place, { weights, rawInputs, externalData: flags.externalData === true });
      }
    }
    return {
      name: program.name,
      program,
      written,
      milliseconds: { check: Math.round(milliseconds * 10) / 10, ...written.milliseconds },
    };
  } catch (error) {
    if (error instanceof Error && error.name === "TargetError" && "diagnostics" in error) {
      await tell(ui, error.diagnostics as Parameters<typeof tell>[1]);
      throw new Reported();
    }
    throw error;
  } finally {
    await weights.close();
  }
}

function requireLoss(program: Program): void {
  if (program.train !== undefined) return;
  throw new UsageError(`${program.name} has no loss, so it has no training graph.`, "--mode predict");
}

async function tellMade(ui: Ui, made: readonly Made[], flags: CompileFlags): Promise<void> {
  const first = made[0];
  if (first === undefined) return;
  const { hashed } = await import("../../runtime/artifact.ts");
  const one = async ({ program, written, milliseconds }: Made): Promise<object> => ({
    artifacts: await Promise.all(written.artifacts.map(hashed)),
    parameters: parametersOf(program),
    nodes: written.nodes,
    milliseconds,
  });
  if (flags.json === true) {
    const all = await Promise.all(made.map(one));
    const variants = made.map(({ name }, i) => ({ name, ...all[i] }));
    ui.result(flags.allVariants === true ? { ...all[0], variants } : all[0]);
  }
  for (const each of made) {
    const { artifacts, nodes } = each.written;
    const folder = dirname(artifacts[0]?.path ?? flags.output);
    const bytes = artifacts.reduce((sum, artifact) => sum + artifact.bytes, 0);
    ui.print(
      `${each.name}: ${artifacts.map(({ path }) => basename(path)).join(", ")} (${scaled(bytes, "B")}, ${nodes} nodes) in ${folder}`,
    );
    if (flags.stats === true) {
      const rows = Object.entries(each.milliseconds).map(([phase, ms]) => [phase, ms.toFixed(1)]);
      ui.print(
        table(["phase", "ms"], [...rows, ["all", rows.reduce((sum, [, ms]) => sum + Number(ms), 0).toFixed(1)]]),
      );
    }
  }
}

function parametersOf(program: Program): number {
  const params = program.variables.filter(({ kind }) => kind === "param");
  return params.reduce(
    (sum, { type }) => sum + type.shape.reduce((product, dim) => product * (dim.constant ?? 1), 1),
    0,
  );
}

/** How often a watch looks at its files. */
const WATCH_MS = 200;

/** Until Ctrl-C. A program with errors is told and waited for, like one that compiles. */
async function watch(ui: Ui, file: string, flags: CompileFlags): Promise<void> {
  const { statSync } = await import("node:fs");
  const { setTimeout: delay } = await import("node:timers/promises");
  const { signal } = interruption();
  const ended = (): boolean => signal.aborted;
  while (!ended()) {
    const host = new DiskHost(file);
    // Watched even where it is gone: some editors take a file away before they write it anew.
    host.read(host.name(file));
    try {
      await once(ui, file, flags, host);
    } catch (error) {
      if (report(error) === STATUS.system) throw error;
    }
    // Compared with what was read, so that no file changes unseen while it is compiled.
    const changed = (): boolean =>
      [...host.files].some(([path, read]) => statSync(path, { throwIfNoEntry: false })?.mtimeMs !== read);
    while (!ended() && !changed()) await delay(WATCH_MS, undefined, { signal }).catch(() => undefined);
    if (!ended()) ui.note(`${file} changed`);
  }
  throw new Reported(STATUS.interrupted);
}

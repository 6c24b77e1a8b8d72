/** `archc train`: trains a model on a manifest, in a run's folder. The loop is the runtime's; this asks and reports. */
import { resolve } from "node:path";
import { Command, Option } from "commander";
import type { Convolution, TfjsPrecision } from "../../backends/tfjs/index.ts";
import type { Node } from "../../compiler/graph/graph.ts";
import type { Program } from "../../compiler/program.ts";
import type { StepMessage, TrainingEngineName } from "../../runtime/train/job.ts";
import { Reported, STATUS, UsageError } from "../fail.ts";
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
import { load } from "../load.ts";
import { type Progress, Ui } from "../ui.ts";

interface TrainFlags extends ModelFlags, ReportFlags {
  readonly data?: string;
  readonly output: string;
  readonly engine?: TrainingEngineName;
  readonly precision?: TfjsPrecision;
  readonly steps?: number;
  readonly epochs?: number;
  readonly batch?: number;
  readonly accumulate?: number;
  readonly memory?: "normal" | "low";
  readonly convolution?: Convolution;
  readonly seed?: number;
  readonly limit?: number;
  readonly balance?: string;
  readonly weigh?: string;
  readonly weights?: string;
  readonly skipBad?: boolean;
  readonly overfitOneBatch?: boolean;
  readonly resume?: boolean;
  readonly profile?: boolean;
}

export function train(): Command {
  const command = new Command("train")
    .description(
      "train a model on TensorFlow or ONNX Runtime; the run's folder holds config, metrics, checkpoints and weights",
    )
    .argument("<file>", "an .arch file")
    .option("--data <manifest>", "a CSV file with a row a sample; rows whose `split` is not `train` are left out")
    .requiredOption("-o, --output <run>", "the folder of the run")
    .addOption(new Option("--engine <engine>", "what computes (default: tfjs)").choices(["tfjs", "onnx"]))
    .addOption(precisionOption())
    .addOption(convolutionOption())
    .option("--steps <n>", "how many steps, instead of epochs", whole(1))
    .option("--epochs <n>", "how many epochs (default: the model's)", whole(1))
    .option("--batch <n>", "samples a step (default: the model's)", whole(1))
    .option("--accumulate <n>", "batches a step, whose gradients' mean it takes (default: the model's, or 1)", whole(1))
    .addOption(
      new Option("--memory <amount>", "how much the backward pass keeps; with low it computes more again").choices([
        "normal",
        "low",
      ]),
    )
    .option("--seed <n>", "of the first weights, the order and the augmentation (default: 0)", whole(0))
    .option("--limit <n>", "use the first n rows only", whole(1))
    .option("--balance <column>", "show rows so that the values of this column come equally often")
    .option("--weigh <column>", "show rows in proportion to the number in this column")
    .option("--weights <file>", "weights to start from, instead of the seed's")
    .option("--skip-bad", "leave rows out that cannot be used")
    .option("--overfit-one-batch", "train on the first batch alone, to see that the loss can fall")
    .option("--profile", "make a few steps only, and tell where their time goes, by line of the model")
    .option("--resume", "go on where the run's checkpoint stands");
  return example(
    withReport(withModel(command)),
    "archc train models/dhaa.arch --data faces/manifest.csv -o run --batch 4 --steps 60",
    "archc train models/dhaa.arch -o run --resume --steps 120",
  ).action(run);
}

async function run(file: string, flags: TrainFlags): Promise<void> {
  const ui = new Ui(flags);
  const folder = flags.output;
  const { prepareRun, readConfig, resumeRun } = await import("../../runtime/train/prepare.ts");
  const { superviseTraining } = await import("../../runtime/supervise.ts");
  const { signal } = interruption();
  if (flags.profile === true && flags.engine === "onnx")
    throw new UsageError("--profile reads what TensorFlow's executor logs; it is for --engine tfjs.");
  if (flags.memory === "low" && flags.engine === "onnx")
    throw new UsageError("--memory low is for --engine tfjs; an ONNX step keeps what it keeps.");
  if (flags.convolution !== undefined && flags.engine === "onnx")
    throw new UsageError("--convolution is for --engine tfjs; an ONNX step convolves directly.");
  const { tellProfile, PROFILED_STEPS } = await import("../profile.ts");
  let origins: ReadonlyMap<string, Node> = new Map();
  let program: Program;
  let job;
  if (flags.resume === true) {
    refuseWithResume(flags);
    const config = readConfig(folder);
    const chosen = {
      ...(config.model === null ? {} : { model: config.model }),
      ...(config.variant === null ? {} : { variant: config.variant }),
      set: config.set,
    };
    ({ program } = await load(ui, file, chosen));
    job = resumeRun(program, folder, config, flags);
  } else {
    if (flags.engine === "onnx" && flags.precision === "bf16")
      throw new UsageError("ONNX Runtime trains in f32; --precision bf16 needs --engine tfjs.");
    if (flags.data === undefined)
      throw new UsageError("Training needs data.", "archc train FILE --data manifest.csv -o run");
    // An edit as any other, so that the run's record holds it.
    const accumulated = flags.accumulate === undefined ? [] : [`train.accumulate=${String(flags.accumulate)}`];
    const set = [...(flags.set ?? []), ...accumulated];
    const loaded = await load(ui, file, { ...flags, set });
    ({ program } = loaded);
    const looked = ui.counter("looking at the manifest's files");
    job = await prepareRun(program, loaded.rules, {
      ...flags,
      ...{ run: folder, file, data: flags.data, set },
      ...{ engine: flags.engine ?? "tfjs", precision: flags.precision ?? "f32", seed: flags.seed ?? 0 },
      looking: { signal, onDone: looked.onDone },
      skipBad: flags.skipBad === true,
      overfitOneBatch: flags.overfitOneBatch === true,
      ...(flags.profile === true && { steps: flags.steps ?? PROFILED_STEPS }),
      onOrigins: (made) => (origins = made),
    }).finally(looked.stop);
  }
  const reporter = new Reporter(ui, program.name);
  const { ExecutorLog, EXECUTOR_LOG } = await import("../../runtime/train/profile.ts");
  const log = flags.profile === true ? new ExecutorLog() : undefined;
  const reading = log && { env: EXECUTOR_LOG, take: (text: string) => log.take(text) };
  const outcome = await superviseTraining(job, (message) => reporter.tell(message), signal, reading).finally(() =>
    reporter.end(),
  );
  if (outcome.kind === "diverged") {
    const { InputError } = await import("../../runtime/error.ts");
    throw new InputError(
      `Training went out of bounds at step ${outcome.step}: ${outcome.problem}.`,
      `A lower rate or a look at the data may help. The last good checkpoint, if any, is in ${folder}/checkpoints.`,
    );
  }
  if (outcome.reason === "stopped") {
    ui.note(`stopped after ${outcome.step} steps; saved. Go on with:   archc train ${file} -o ${folder} --resume`);
    throw new Reported(STATUS.interrupted);
  }
  if (log) tellProfile(ui, folder, program, origins, log.runs, job.batch);
  ui.print(
    `${folder}: ${outcome.step} steps; weights in ${folder}/weights.safetensors, every step in ${folder}/metrics.jsonl`,
  );
}

/** What a run records cannot be given again. */
function refuseWithResume(flags: TrainFlags): void {
  const fixed = [
    "data",
    "engine",
    "precision",
    "batch",
    "accumulate",
    "memory",
    "convolution",
    "seed",
    "limit",
    "balance",
    "weigh",
    "weights",
    "skipBad",
    "overfitOneBatch",
    "profile",
    "model",
    "variant",
    "set",
  ] as const;
  const given = fixed.filter((name) => flags[name] !== undefined);
  if (given.length === 0) return;
  const shown = given.map((name) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`).join(", ");
  throw new UsageError(
    `${shown}: a run goes on with what it was begun with.`,
    `Only --steps and --epochs can change with --resume; start anew in a folder other than ${resolve(flags.output)} for other settings.`,
  );
}

/** A bar on a terminal; a line now and then elsewhere; JSON lines where asked for. */
class Reporter {
  readonly #ui: Ui;
  readonly #name: string;
  #bar: Progress | undefined;
  #total = 0;
  #told = 0;

  constructor(ui: Ui, name: string) {
    this.#ui = ui;
    this.#name = name;
  }

  tell(message: StepMessage): void {
    const ui = this.#ui;
    ui.event(message);
    switch (message.kind) {
      case "ready":
        this.#total = message.steps;
        ui.note(
          `${this.#name} on ${message.engine} (${message.device}): ${message.rows} samples, ${message.perEpoch} steps an epoch, ${message.steps} steps`,
        );
        this.#bar = ui.progress("training", message.steps);
        break;
      case "step": {
        const { step, loss, samplesPerSecond } = message;
        const more = `loss ${loss.toFixed(3)}  ${samplesPerSecond.toFixed(1)} samples/s`;
        this.#bar?.update(step, more);
        if (!process.stderr.isTTY && (step === this.#total || performance.now() - this.#told > 5000)) {
          this.#told = performance.now();
          ui.note(`step ${step} of ${this.#total}  ${more}`);
        }
        break;
      }
      case "epoch":
        ui.note(
          `epoch ${message.epoch}: validation ${Object.entries(message.validation)
            .filter(([name]) => name === "loss" || name.startsWith("metric."))
            .slice(0, 4)
            .map(([name, value]) => `${name} ${value.toFixed(3)}`)
            .join(", ")}${message.best ? " (best so far)" : ""}`,
        );
        break;
      case "skipped":
        ui.note(
          `${message.rows.length} row${message.rows.length === 1 ? "" : "s"} left out:\n  ${message.rows.slice(0, 5).join("\n  ")}${message.rows.length > 5 ? "\n  …" : ""}`,
        );
        break;
      case "saved":
      case "done":
      case "diverged":
        break;
    }
  }

  end(): void {
    this.#bar?.stop();
  }
}

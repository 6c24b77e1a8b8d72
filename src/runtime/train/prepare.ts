/**
 * Makes the folder of a run: the compiled model with its first weights, and a record of what is trained with what, from
 * which everything can be repeated or gone on with.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import type { Convolution, Memory } from "../../backends/tfjs/index.ts";
import type { Node } from "../../compiler/graph/graph.ts";
import type { TypeRules } from "../../compiler/graph/builder.ts";
import type { Program } from "../../compiler/program.ts";
import { writeOnnxStep } from "../artifact-onnx.ts";
import type { TfjsPrecision } from "../../backends/tfjs/index.ts";
import { writeTfjs } from "../artifact.ts";
import { limitedRecipe } from "../data/limits.ts";
import type { Watch } from "../data/parallel.ts";
import { type Fault, readTable, writeTable } from "../data/table.ts";
import { InputError } from "../error.ts";
import { writeBeside } from "../files.ts";
import { ownVersion } from "../package-root.ts";
import { weightsFor } from "../weights.ts";
import { RUN_FILES, STEP_FILE, type TrainingEngineName, type TrainJob } from "./job.ts";
import { openData, parseState } from "./loop.ts";

/** What a run was asked for, as config.json keeps it. */
export interface RunConfig {
  readonly archc: string;
  /** Relative to the run's folder. */
  readonly file: string;
  readonly model: string | null;
  readonly variant: string | null;
  readonly set: readonly string[];
  readonly program: string;
  readonly hash: string;
  readonly data: string;
  readonly batch: number;
  readonly seed: number;
  readonly steps: number | null;
  readonly epochs: number;
  readonly limit: number | null;
  readonly balance?: string;
  readonly weigh?: string;
  readonly weights: string | null;
  /** Runs from before there was a choice do not say it. */
  readonly engine?: TrainingEngineName;
  readonly precision?: TfjsPrecision;
  readonly skipBad: boolean;
  readonly overfitOneBatch: boolean;
}

export interface RunRequest {
  readonly run: string;
  readonly file: string;
  readonly model?: string | undefined;
  readonly variant?: string | undefined;
  readonly set?: readonly string[] | undefined;
  readonly data: string;
  readonly engine: TrainingEngineName;
  readonly precision: TfjsPrecision;
  readonly batch?: number | undefined;
  readonly seed: number;
  readonly steps?: number | undefined;
  readonly epochs?: number | undefined;
  readonly limit?: number | undefined;
  readonly balance?: string | undefined;
  readonly weigh?: string | undefined;
  readonly weights?: string | undefined;
  readonly memory?: Memory | undefined;
  readonly convolution?: Convolution | undefined;
  readonly skipBad: boolean;
  readonly overfitOneBatch: boolean;
  /** Told how many of the pictures have been looked at; may stop it. */
  readonly looking?: Watch;
  /** Told which node of the program each node of the TensorFlow graph is of. */
  readonly onOrigins?: (origins: ReadonlyMap<string, Node>) => void;
}

const CHECKPOINT_SECONDS = 300;

export async function prepareRun(program: Program, rules: TypeRules, request: RunRequest): Promise<TrainJob> {
  const { run } = request;
  if (existsSync(run) && readdirSync(run).length > 0) {
    throw new InputError(
      `${run} is there already and is not empty.`,
      `--resume goes on with it; another -o starts anew.`,
    );
  }
  const config = configOf(program, request);
  const planned = jobOf(program, config, run, { from: 0 }, [], undefined);
  // A manifest or a picture that does not do is told before anything is written.
  const { skipped } = await openData(planned, undefined, request.looking ?? {});
  const job = { ...planned, leftOut: skipped };
  mkdirSync(run, { recursive: true });
  const weights = await weightsFor(program, { weights: request.weights, seed: request.seed });
  try {
    const place = join(run, RUN_FILES.model);
    const { seed, engine, precision, convolution, memory = "normal" } = request;
    if (engine === "tfjs") {
      const how = { precision, memory, convolution };
      const { origins } = await writeTfjs(program, place, { mode: "train", weights, seed, rules, ...how });
      request.onOrigins?.(origins);
    } else await writeOnnxStep(program, join(place, `${STEP_FILE}.onnx`), { weights, seed, rules, evaluation: true });
  } finally {
    await weights.close();
  }
  if (skipped.length > 0) writeLeftOut(join(run, RUN_FILES.leftOut), skipped);
  writeBeside(join(run, RUN_FILES.config), `${JSON.stringify(config, undefined, 2)}\n`);
  return job;
}

/** The job that goes on where a run stands. */
export function resumeRun(
  program: Program,
  run: string,
  config: RunConfig,
  more: { steps?: number | undefined; epochs?: number | undefined },
): TrainJob {
  if (config.hash !== program.hash) {
    throw new InputError(
      `${config.file} has changed since ${run} was begun: it is another program now.`,
      "Undo the change, or start anew with --weights and the run's weights.",
    );
  }
  const state = join(run, RUN_FILES.state);
  if (!existsSync(state))
    throw new InputError(`${run} has no checkpoint to go on from.`, "Start it anew in another folder.");
  const begun = parseState(readFileSync(state, "utf8"), state);
  const longer = { ...config, steps: more.steps ?? config.steps, epochs: more.epochs ?? config.epochs };
  if (more.epochs !== undefined && more.steps === undefined) longer.steps = null;
  return jobOf(program, longer, run, begun, readLeftOut(join(run, RUN_FILES.leftOut)), join(run, RUN_FILES.checkpoint));
}

function writeLeftOut(path: string, faults: readonly Fault[]): void {
  const rows = faults.map(({ line, problem }) => ({ line: String(line), problem }));
  writeTable(path, ["line", "problem"], rows);
}

/** A run goes on without the rows that it was begun without. */
function readLeftOut(path: string): readonly Fault[] {
  if (!existsSync(path)) return [];
  return readTable(path).rows.map(({ cells }) => ({ line: Number(cells["line"]), problem: cells["problem"] ?? "" }));
}

export function readConfig(run: string): RunConfig {
  const path = join(run, RUN_FILES.config);
  if (!existsSync(path)) throw new InputError(`${run} is not a run: it has no ${RUN_FILES.config}.`);
  return JSON.parse(readFileSync(path, "utf8")) as RunConfig;
}

function configOf(program: Program, request: RunRequest): RunConfig {
  const number = (name: string): number | undefined => {
    const value = program.training[name];
    return typeof value === "number" ? value : undefined;
  };
  const batch = request.batch ?? number("batch");
  if (batch === undefined)
    throw new InputError(
      `${program.name} does not say how large a batch is.`,
      "--batch N   or   batch = N in its `train` section",
    );
  const from = (path: string): string => relative(resolve(request.run), resolve(path));
  return {
    archc: ownVersion(),
    file: from(request.file),
    model: request.model ?? null,
    variant: request.variant ?? null,
    set: request.set ?? [],
    program: program.name,
    hash: program.hash,
    data: from(request.data),
    batch,
    seed: request.seed,
    steps: request.steps ?? null,
    epochs: request.epochs ?? number("epochs") ?? 1,
    limit: request.limit ?? null,
    ...(request.balance !== undefined && { balance: request.balance }),
    ...(request.weigh !== undefined && { weigh: request.weigh }),
    weights: request.weights === undefined ? null : from(request.weights),
    engine: request.engine,
    precision: request.precision,
    skipBad: request.skipBad,
    overfitOneBatch: request.overfitOneBatch,
  };
}

/** Micro-batches a step, as the compiled graph has it. */
function accumulateOf(program: Program): number {
  const { accumulate } = program.training;
  return program.accumulate !== undefined && typeof accumulate === "number" ? accumulate : 1;
}

function jobOf(
  program: Program,
  config: RunConfig,
  run: string,
  begin: Pick<TrainJob, "from" | "best">,
  leftOut: readonly Fault[],
  weights: string | undefined,
): TrainJob {
  if (program.train === undefined) throw new InputError(`${program.name} has no loss, so there is nothing to train.`);
  return {
    kind: "train",
    engine: config.engine ?? "tfjs",
    model: join(run, RUN_FILES.model),
    weights,
    manifest: resolve(run, config.data),
    recipe: limitedRecipe(program, program.train),
    split: "train",
    validation: "val",
    skipBad: config.skipBad,
    leftOut,
    limit: config.limit ?? undefined,
    sampling: { balance: config.balance, weigh: config.weigh },
    batch: config.batch,
    accumulate: accumulateOf(program),
    seed: config.seed,
    ...begin,
    steps: config.steps ?? undefined,
    epochs: config.epochs,
    run,
    checkpointSeconds: CHECKPOINT_SECONDS,
    overfitOneBatch: config.overfitOneBatch,
  };
}

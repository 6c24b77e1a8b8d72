/**
 * ONNX files on disk, with the programs that show their use beside them: a prediction, into which weights stream from their
 * file, or a training step, whose weights and other state lie beside it.
 */
import { basename, dirname, join } from "node:path";
import {
  emitOnnxProgram,
  emitOnnxStep,
  planChunks,
  type ReadVariable,
  type StepGraph,
} from "../backends/onnx/index.ts";
import type { TypeRules } from "../compiler/graph/builder.ts";
import { decompose } from "../compiler/ops/decompose.ts";
import type { Program } from "../compiler/program.ts";
import { Clock, describe, TargetError, type Written } from "./artifact.ts";
import { writeBeside, writeChunks } from "./files.ts";
import { ownVersion } from "./package-root.ts";
import { writeSafetensors } from "./safetensors.ts";
import { seededWeights, tensorsToWrite, type Weights } from "./weights.ts";

export interface OnnxRequest {
  readonly weights: Weights;
  /** Images are fed as bytes and normalised in the graph. */
  readonly rawInputs?: boolean;
  /** Weights in a file of their own, `NAME.onnx.data`, even where they fit into the model's. */
  readonly externalData?: boolean;
}

/** `path` ends in `.onnx`; what lies beside is called after it. */
export async function writeOnnx(program: Program, path: string, request: OnnxRequest): Promise<Written> {
  const clock = new Clock();
  const { weights, rawInputs = false, externalData = false } = request;
  const base = basename(path).replace(/\.onnx$/, "");
  const { files, plans, nodes, refusals } = emitOnnxProgram(program, {
    base,
    producerVersion: ownVersion(),
    rawInputs,
    externalData,
  });
  clock.lap("emit");
  if (refusals.length > 0) throw new TargetError(program, "onnx", refusals);
  const byPath = new Map(program.variables.map((variable) => [variable.path, variable]));
  const read: ReadVariable = (name) => {
    const variable = byPath.get(name);
    if (variable === undefined) throw new Error(`the file needs a variable ${name}, which the program lacks`);
    return weights.read(variable);
  };
  const at = (name: string): string => join(dirname(path), name);
  // Weights in a file of their own come first, so that a model never stands without them.
  for (const [name, plan] of plans) await writeChunks(at(name), planChunks(plan, read));
  for (const [name, contents] of files) writeBeside(at(name), contents);
  clock.lap("write");
  const names = [...[...plans.keys()].reverse(), ...files.keys()];
  const artifacts = names.map((name) => describe(at(name)));
  return { artifacts, nodes, milliseconds: clock.laps };
}

export interface OnnxStepRequest {
  readonly weights: Weights;
  /** The key of random draws, as in dropout. */
  readonly seed: number;
  readonly rules: TypeRules;
  readonly rawInputs?: boolean;
  /** Adds the gradients to what a step gives. */
  readonly probe?: boolean;
  /** Writes `NAME.evaluate.onnx` too, which gives losses and metrics and changes nothing. */
  readonly evaluation?: boolean;
}

/**
 * A training step, `path`, and beside it `NAME.safetensors` with all that its first run is to be fed; where the program sums
 * over micro-batches, `NAME.accumulate.onnx` for those before the last of a step.
 */
export async function writeOnnxStep(program: Program, path: string, request: OnnxStepRequest): Promise<Written> {
  const clock = new Clock();
  const { weights, seed, rules, rawInputs = false, probe = false, evaluation = false } = request;
  const base = basename(path).replace(/\.onnx$/, "");
  const graphs = (["train", "accumulate", "evaluate"] as const).filter(
    (graph) => program[graph] !== undefined && (graph !== "evaluate" || evaluation),
  );
  const options = { producerVersion: ownVersion(), seed, decompose, rules, rawInputs };
  const emitted = graphs.map((graph) =>
    emitOnnxStep(program, { ...options, base: stepFile(base, graph), probe, graph }),
  );
  clock.lap("emit");
  const refusals = emitted.flatMap((one) => one.refusals);
  if (refusals.length > 0) throw new TargetError(program, "onnx", refusals);
  const at = (name: string): string => join(dirname(path), name);
  const noWeights: ReadVariable = (name) => {
    throw new Error(`a training step holds no weights, and ${name} is asked for`);
  };
  const state = `${base}.safetensors`;
  await writeSafetensors(at(state), tensorsToWrite(program.variables, startOf(weights)), { format: "pt" });
  for (const { plans } of emitted)
    for (const [name, plan] of plans) await writeChunks(at(name), planChunks(plan, noWeights));
  for (const { files } of emitted) for (const [name, contents] of files) writeBeside(at(name), contents);
  clock.lap("write");
  const names = emitted.flatMap(({ plans, files }) => [...plans.keys(), ...files.keys()]);
  const [model = "", ...others] = names;
  const artifacts = [model, state, ...others].map((name) => describe(at(name)));
  return { artifacts, nodes: emitted.reduce((sum, { nodes }) => sum + nodes, 0), milliseconds: clock.laps };
}

/** What a file that goes with a training step is called, without its ending. */
export function stepFile(base: string, graph: StepGraph): string {
  return graph === "train" ? base : `${base}.${graph}`;
}

/** Params and states from the weights; what the optimizer keeps, and counters, as they start. */
function startOf(weights: Weights): Weights {
  const fresh = seededWeights(0);
  return {
    read: (variable) => (variable.kind === "param" || variable.kind === "state" ? weights : fresh).read(variable),
    close: () => weights.close(),
  };
}

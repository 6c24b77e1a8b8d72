/**
 * The onnx target: the prediction of a program as one ONNX file, or a step of its training, with its description inside and
 * two usage programs beside. Pure: what is small is returned, what holds weights is returned as a plan, nothing is written.
 */
import type { TypeRules } from "../../compiler/graph/builder.ts";
import type { Graph } from "../../compiler/graph/graph.ts";
import { simplify } from "../../compiler/passes/simplify.ts";
import type { Backend, Decompose, Emission } from "../backend.ts";
import type { Program } from "../../compiler/program.ts";
import { describeProgram, describeStep } from "./describe.ts";
import { emitOnnx } from "./emit.ts";
import { inputForms } from "../inputs.ts";
import type { FilePlan } from "./plan.ts";
import { javascriptUsage, pythonUsage } from "./usage.ts";
import { javascriptTraining, pythonTraining } from "./usage-training.ts";

export { STATE_KEY, type StateRecord } from "./describe.ts";
export { outputNames } from "./emit.ts";
export { type FilePlan, variablesOf } from "./plan.ts";
export { planChunks, type ReadVariable } from "./write.ts";

export interface OnnxProgramOptions {
  /** The name of the file, without `.onnx`; what lies beside it is called after it. */
  readonly base: string;
  /** archc's own version. */
  readonly producerVersion: string;
  /** Keeps weights in a file of their own even where they fit inside. */
  readonly externalData?: boolean;
  /** Takes images as the bytes of pictures, u8[B, H, W, 3], and normalises them in the graph. */
  readonly rawInputs?: boolean;
}

export interface OnnxEmission extends Emission {
  /** The files that hold weights, by name; the model's comes last, so that it never stands without them. */
  readonly plans: ReadonlyMap<string, FilePlan>;
  readonly nodes: number;
}

export function emitOnnxProgram(program: Program, options: OnnxProgramOptions): OnnxEmission {
  const { base, producerVersion, externalData = false, rawInputs = false } = options;
  const [model, weights] = [`${base}.onnx`, `${base}.onnx.data`];
  const { plan, refusals } = emitOnnx(simplify(program.predict), {
    ...describeProgram(program, rawInputs),
    name: program.name,
    producerVersion,
    weights: { file: weights, apart: externalData ? "always" : "when too large" },
    inputForms: inputForms(program, rawInputs),
  });
  if (plan === undefined) return { files: new Map(), plans: new Map(), nodes: 0, refusals };
  return {
    files: new Map([
      [`${base}.usage.py`, pythonUsage(program, model, rawInputs)],
      [`${base}.usage.mjs`, javascriptUsage(program, model, rawInputs)],
    ]),
    plans: new Map([...(plan.weights ? [[weights, plan.weights] as const] : []), [model, plan.model] as const]),
    nodes: plan.nodes,
    refusals,
  };
}

export interface OnnxStepOptions extends Pick<OnnxProgramOptions, "base" | "producerVersion" | "rawInputs"> {
  /** The key of random draws. */
  readonly seed: number;
  readonly decompose: Decompose;
  readonly rules: TypeRules;
  /** Adds the gradients to the outputs. */
  readonly probe?: boolean;
  readonly graph: StepGraph;
}
/**
 * One step of the optimizer; a micro-batch before the last of a step, where a program sums over such; losses and metrics,
 * which change nothing.
 */
export type StepGraph = "train" | "accumulate" | "evaluate";

/** One file without weights: every variable is an input, and its new value an output. */
export function emitOnnxStep(program: Program, options: OnnxStepOptions): OnnxEmission {
  const { base, producerVersion, rawInputs = false, probe = false, seed, decompose, rules } = options;
  const whole = program[options.graph];
  if (whole === undefined) throw new Error(`${program.name} has no graph to ${options.graph}`);
  const outputs = whole.outputs.filter(({ kind }) => probe || kind !== "gradient");
  const graph: Graph = simplify({ ...whole, outputs });
  const model = `${base}.onnx`;
  const { plan, refusals } = emitOnnx(graph, {
    ...describeStep(program, graph, rawInputs),
    name: program.name,
    producerVersion,
    weights: { file: `${base}.onnx.data`, apart: "when too large" },
    inputForms: inputForms(program, rawInputs, graph.ports),
    step: { seed, decompose, rules },
  });
  if (plan === undefined) return { files: new Map(), plans: new Map(), nodes: 0, refusals };
  const usage: readonly (readonly [string, string])[] =
    options.graph !== "train"
      ? []
      : [
          [`${base}.usage.py`, pythonTraining(program, graph, base, rawInputs)],
          [`${base}.usage.mjs`, javascriptTraining(program, graph, base, rawInputs)],
        ];
  return { files: new Map(usage), plans: new Map([[model, plan.model]]), nodes: plan.nodes, refusals };
}

export const onnxBackend: Backend<OnnxProgramOptions> = { name: "onnx", emit: emitOnnxProgram };

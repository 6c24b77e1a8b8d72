/**
 * The onnx target: the prediction of a program as one ONNX file, with its description inside and two usage programs
 * beside. Pure: what is small is returned, what holds weights is returned as a plan, and nothing is written.
 */
import { simplify } from "../../compiler/passes/simplify.ts";
import type { Backend, Emission } from "../backend.ts";
import type { Program } from "../../compiler/program.ts";
import { describeProgram } from "./describe.ts";
import { emitOnnx } from "./emit.ts";
import { inputForms } from "./inputs.ts";
import type { FilePlan } from "./plan.ts";
import { javascriptUsage, pythonUsage } from "./usage.ts";

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

export const onnxBackend: Backend<OnnxProgramOptions> = { name: "onnx", emit: emitOnnxProgram };

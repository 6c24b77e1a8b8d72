/** One pass of a program on one engine, from files to a file: what `archc run` does. */
import type { Tensor } from "../../compiler/ops/tensor.ts";
import type { TypeRules } from "../../compiler/graph/builder.ts";
import type { Program } from "../../compiler/program.ts";
import { encodeElements } from "../../backends/bytes.ts";
import { InputError } from "../error.ts";
import { writeSafetensors } from "../safetensors.ts";
import { weightsFor } from "../weights.ts";
import { type Engine, type Precision, predictOnce, type Tensors } from "./engine.ts";
import { withFetched } from "./fetch.ts";
import { readInputs } from "./inputs.ts";

export interface RunRequest {
  readonly engine: Engine["name"];
  readonly precision: Precision;
  readonly mode: "predict" | "train";
  readonly input: string;
  readonly output: string;
  readonly weights: string | undefined;
  readonly seed: number;
  readonly fetch: readonly string[];
}

export async function engineNamed(name: Engine["name"], precision: Precision): Promise<Engine> {
  switch (name) {
    case "reference":
      if (precision === "bf16") throw new InputError("The reference does not compute in bf16.", "--engine tfjs");
      return (await import("./reference.ts")).reference(precision);
    case "tfjs":
      return (await import("./tensorflow.ts")).tensorflow;
    case "onnx":
      return (await import("./onnx.ts")).onnx;
  }
}

/** Returns what was written, by name. */
export async function run(asked: Program, rules: TypeRules, request: RunRequest): Promise<Tensors> {
  const { mode, seed, precision, fetch } = request;
  const program = withFetched(asked, mode, fetch);
  const graph = mode === "train" ? program.train : program.predict;
  if (graph === undefined)
    throw new InputError(`${program.name} has no loss, so it has no training step.`, "--mode predict");
  const inputs = await readInputs(graph, request.input);
  const engine = await engineNamed(request.engine, precision);
  const weights = await weightsFor(program, { weights: request.weights, seed });
  const setting = { program, rules, weights, seed, precision };
  let results: Tensors;
  try {
    if (mode === "predict") results = await predictOnce(engine, setting, inputs);
    else if (engine.train === undefined)
      throw new InputError(`The ${engine.name} engine predicts only.`, "--engine reference   or   --engine tfjs");
    else results = (await engine.train(setting, inputs, 0)).first;
  } finally {
    await weights.close();
  }
  await writeTensors(request.output, results);
  return results;
}

/** Floats are written as wide as they were computed. */
export function writeTensors(path: string, tensors: Tensors): Promise<void> {
  return writeSafetensors(
    path,
    [...tensors].map(([name, tensor]) => {
      const dtype = storedType(tensor);
      return { name, dtype, shape: tensor.shape, bytes: () => [encodeElements(dtype, tensor.data)] };
    }),
  );
}

function storedType({ dtype, data }: Tensor): Tensor["dtype"] {
  const float = dtype === "f32" || dtype === "f16" || dtype === "bf16";
  return float && data instanceof Float64Array ? "f64" : dtype;
}

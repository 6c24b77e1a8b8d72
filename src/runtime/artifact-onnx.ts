/** An ONNX file on disk, with the programs that show its use beside it. Weights stream from their file into this one. */
import { basename, dirname, join } from "node:path";
import { emitOnnxProgram, planChunks, type ReadVariable } from "../backends/onnx/index.ts";
import type { Program } from "../compiler/program.ts";
import { Clock, describe, TargetError, type Written } from "./artifact.ts";
import { writeBeside, writeChunks } from "./files.ts";
import { ownVersion } from "./package-root.ts";
import type { Weights } from "./weights.ts";

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
  const artifacts = await Promise.all(names.map((name) => describe(at(name))));
  clock.lap("hash");
  return { artifacts, nodes, milliseconds: clock.laps };
}

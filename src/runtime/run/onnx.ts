/** ONNX Runtime as an engine: a program's own file, or any that is named. Prediction only. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { outputNames } from "../../backends/onnx/index.ts";
import { writeOnnx } from "../artifact-onnx.ts";
import { onnxRuntimeVersion, OnnxSession } from "../engine/onnx.ts";
import { messageOf } from "../engine/error.ts";
import { InputError } from "../error.ts";
import type { Engine, Predictor, Tensors } from "./engine.ts";

export const onnx: Engine = {
  name: "onnx",
  version: onnxRuntimeVersion,
  async open({ program, weights }) {
    const folder = mkdtempSync(join(tmpdir(), "archc-run-"));
    try {
      const path = join(folder, "model.onnx");
      await writeOnnx(program, path, { weights });
      return await openOnnx(path, outputNames(program.predict));
    } finally {
      // The session has read its file by now.
      rmSync(folder, { recursive: true, force: true });
    }
  },
  train: undefined,
};

/** A file that a user names is the user's: that it cannot be opened is no failure of the engine. */
export async function openFile(path: string): Promise<OnnxSession> {
  if (!existsSync(path)) throw new InputError(`${path}: there is no such file.`);
  try {
    return await OnnxSession.open(path);
  } catch (error) {
    // Without its library nothing can be said of the file.
    await onnxRuntimeVersion();
    throw new InputError(`${path} is no ONNX file that can be run: ${messageOf(error)}`);
  }
}

/** Refuses a file whose inputs are not the program's. */
export function requireInputs(session: OnnxSession, inputs: Tensors, path: string): void {
  const missing = session.inputs.filter(({ name }) => !inputs.has(name)).map(({ name }) => `\`${name}\``);
  if (missing.length === 0) return;
  const known = [...inputs.keys()].map((name) => `\`${name}\``).join(", ");
  throw new InputError(`${path} needs ${missing.join(", ")}, and the model gives it ${known}: it is of another model.`);
}

/** `names`: what the file calls the program's outputs, where that differs. */
export async function openOnnx(path: string, names: ReadonlyMap<string, string> = new Map()): Promise<Predictor> {
  const session = await openFile(path);
  const own = new Map([...names].map(([name, inFile]) => [inFile, name]));
  return {
    async run(inputs) {
      requireInputs(session, inputs, path);
      const results = await session.run(inputs);
      return new Map([...results].map(([name, tensor]) => [own.get(name) ?? name, tensor]));
    },
    close: () => session.close(),
  };
}

/** ONNX Runtime as an engine: a program's own files, or any prediction that is named. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { outputNames } from "../../backends/onnx/index.ts";
import { writeOnnx, writeOnnxStep } from "../artifact-onnx.ts";
import { onnxRuntimeVersion, OnnxSession } from "../engine/onnx.ts";
import { OnnxState, OnnxStep } from "../engine/onnx-train.ts";
import { messageOf } from "../engine/error.ts";
import { InputError } from "../error.ts";
import { type Engine, type Predictor, STEP, type Tensors } from "./engine.ts";

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
  async train({ program, rules, weights, seed, begin }, inputs, steps) {
    const folder = mkdtempSync(join(tmpdir(), "archc-run-"));
    try {
      const path = join(folder, "step.onnx");
      await writeOnnxStep(program, path, { weights, seed, rules, probe: true });
      const state = await OnnxState.open(path, join(folder, "step.safetensors"));
      const counter = state.get(STEP);
      if (counter !== undefined && begin !== undefined) state.set(STEP, { ...counter, data: Float64Array.of(begin) });
      const step = await OnnxStep.open(path, state);
      try {
        const first = own(await step.run(inputs), program.train && outputNames(program.train, true));
        for (let done = 1; done < steps; done += 1) await step.run(inputs);
        const paths = [...state.records].filter(([, { kind }]) => kind === "param" || kind === "state");
        const after = paths.flatMap(([name]) => {
          const tensor = state.get(name);
          return tensor === undefined ? [] : [[name, tensor] as const];
        });
        return { first, weights: new Map(after) };
      } finally {
        await step.close();
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

/** Results by their names in the program. */
function own(results: Tensors, names: ReadonlyMap<string, string> = new Map()): Tensors {
  const inProgram = new Map([...names].map(([name, inFile]) => [inFile, name]));
  return new Map([...results].map(([name, tensor]) => [inProgram.get(name) ?? name, tensor]));
}

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
export async function openOnnx(path: string, names?: ReadonlyMap<string, string>): Promise<Predictor> {
  const session = await openFile(path);
  return {
    async run(inputs) {
      requireInputs(session, inputs, path);
      return own(await session.run(inputs), names);
    },
    close: () => session.close(),
  };
}

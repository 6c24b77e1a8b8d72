/** ONNX Runtime as an engine: a program's own file, or any that is named. Prediction only. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { outputNames } from "../../backends/onnx/index.ts";
import { writeOnnx } from "../artifact-onnx.ts";
import { onnxRuntimeVersion, OnnxSession } from "../engine/onnx.ts";
import type { Engine, Predictor } from "./engine.ts";

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

/** `names`: what the file calls the program's outputs, where that differs. */
export async function openOnnx(path: string, names: ReadonlyMap<string, string> = new Map()): Promise<Predictor> {
  const session = await OnnxSession.open(path);
  const own = new Map([...names].map(([name, inFile]) => [inFile, name]));
  return {
    async run(inputs) {
      const results = await session.run(inputs);
      return new Map([...results].map(([name, tensor]) => [own.get(name) ?? name, tensor]));
    },
    close: () => session.close(),
  };
}

/** ONNX Runtime as an engine: a program's own file, or any that is named. Prediction only. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
      return await openOnnx(path);
    } finally {
      // The session has read its file by now.
      rmSync(folder, { recursive: true, force: true });
    }
  },
  train: undefined,
};

export async function openOnnx(path: string): Promise<Predictor> {
  const session = await OnnxSession.open(path);
  return { run: (inputs) => session.run(inputs), close: () => session.close() };
}

/** ONNX Runtime as an engine of single runs: prediction only. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeOnnx } from "../artifact-onnx.ts";
import { onnxRuntimeVersion, OnnxSession } from "../engine/onnx.ts";
import type { Engine } from "./engine.ts";

export const onnx: Engine = {
  name: "onnx",
  version: onnxRuntimeVersion,
  async predict({ program, weights, inputs }) {
    const folder = mkdtempSync(join(tmpdir(), "archc-run-"));
    try {
      const path = join(folder, "model.onnx");
      await writeOnnx(program, path, { weights });
      const session = await OnnxSession.open(path);
      try {
        return await session.run(inputs);
      } finally {
        await session.close();
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
  train: undefined,
};

// An ONNX file as a contender of a bench, on ONNX Runtime: a prediction, or a training step that is fed back as its usage
// program does, from the state that lies beside it.
//   node bench/contenders/onnx.mjs FILE.onnx INPUTS.safetensors
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { serve, tensorsOf } from "./steps.mjs";

const [model = "", inputs = ""] = process.argv.slice(2);
const session = await InferenceSession.create(model, {
  intraOpNumThreads: availableParallelism(),
  // idle threads that spin would take the cores from whoever has its turn
  extra: { session: { force_spinning_stop: "1" } },
});
const known = new Set(session.inputNames);
const TYPES = { F32: "float32", I32: "int32", I64: "int64" };
const feedsOf = (path) =>
  Object.fromEntries(
    Object.entries(tensorsOf(path, known)).map(([name, { dtype, shape, data }]) => [
      name,
      new Tensor(TYPES[dtype], data, shape),
    ]),
  );
const beside = model.replace(/onnx$/, "safetensors");
const state = existsSync(beside) ? feedsOf(beside) : {};
const batch = feedsOf(inputs);
const told = session.outputNames.includes("loss") ? "loss" : session.outputNames[0];
await serve(async () => {
  const results = await session.run({ ...state, ...batch });
  for (const name in results) if (name.startsWith("next.")) state[name.slice(5)] = results[name];
  return results[told].data[0];
});

/** Two short programs beside the ONNX file of a training step that train with it, in Python and in JavaScript. */
import type { Graph } from "../../compiler/graph/graph.ts";
import type { Program } from "../../compiler/program.ts";
import { nextName, outputNames } from "./emit.ts";
import { feedsOf, javascriptFields, javascriptZeros, pythonFields, pythonZeros } from "./usage.ts";

/** Two samples, so that a batch's statistics are some. */
const BATCH = 2;
const NEXT = nextName("");

/** The files are `base`.onnx and `base`.safetensors, and lie beside. */
export function pythonTraining(program: Program, graph: Graph, base: string, rawInputs: boolean): string {
  const feeds = feedsOf(program, graph.ports, rawInputs, BATCH);
  return [
    `# ${program.name}: pip install onnxruntime numpy safetensors`,
    "from pathlib import Path",
    "import numpy as np",
    "import onnxruntime as ort",
    "from safetensors.numpy import load_file",
    `session = ort.InferenceSession(Path(__file__).with_name(${JSON.stringify(`${base}.onnx`)}))`,
    `state = load_file(Path(__file__).with_name(${JSON.stringify(`${base}.safetensors`)}))`,
    "inputs, outputs = ([port.name for port in ports] for ports in (session.get_inputs(), session.get_outputs()))",
    ...feeds.flatMap(pythonZeros),
    "for step in range(5):",
    "    feeds = {name: np.asarray(state[name]) for name in inputs if name in state}",
    `    results = dict(zip(outputs, session.run(None, {**feeds, ${pythonFields(feeds)}})))`,
    `    state.update({name[${NEXT.length}:]: value for name, value in results.items() if name.startswith("${NEXT}")})`,
    `    print(step, results["${lossName(graph)}"])`,
    "",
  ].join("\n");
}

export function javascriptTraining(program: Program, graph: Graph, base: string, rawInputs: boolean): string {
  const feeds = feedsOf(program, graph.ports, rawInputs, BATCH);
  const place = (name: string): string => JSON.stringify(encodeURIComponent(name));
  return [
    `// ${program.name}: npm install onnxruntime-node`,
    'import { readFileSync } from "node:fs";',
    'import { fileURLToPath } from "node:url";',
    'import { InferenceSession, Tensor } from "onnxruntime-node";',
    `const session = await InferenceSession.create(fileURLToPath(new URL(${place(`${base}.onnx`)}, import.meta.url)));`,
    `const file = readFileSync(new URL(${place(`${base}.safetensors`)}, import.meta.url));`,
    "const start = 8 + Number(file.readBigUInt64LE(0));",
    "const { __metadata__, ...header } = JSON.parse(file.subarray(8, start));",
    'const types = { F32: ["float32", Float32Array], F64: ["float64", Float64Array], I64: ["int64", BigInt64Array], I32: ["int32", Int32Array], BOOL: ["bool", Uint8Array] };',
    "const state = Object.fromEntries(Object.entries(header).map(([name, { dtype, shape, data_offsets: [from, to] }]) => {",
    "  const [type, Numbers] = types[dtype];",
    "  return [name, new Tensor(type, new Numbers(Uint8Array.from(file.subarray(start + from, start + to)).buffer), shape)];",
    "}));",
    ...feeds.flatMap(javascriptZeros),
    "for (let step = 0; step < 5; step++) {",
    "  const kept = Object.fromEntries(session.inputNames.filter((name) => name in state).map((name) => [name, state[name]]));",
    `  const results = await session.run({ ...kept, ${javascriptFields(feeds)} });`,
    `  for (const name in results) if (name.startsWith("${NEXT}")) state[name.slice(${NEXT.length})] = results[name];`,
    `  console.log(step, results["${lossName(graph)}"].data[0]);`,
    "}",
    "",
  ].join("\n");
}

function lossName(graph: Graph): string {
  const total = graph.outputs.find(({ kind }) => kind === "total")?.name ?? "loss";
  return outputNames(graph, true).get(total) ?? total;
}

/**
 * An ONNX file on disk, with what its reader must know inside it and two short programs beside it that use it. Weights
 * stream from their file into this one.
 */
import { basename, dirname, join } from "node:path";
import { emitOnnx } from "../backends/onnx/emit.ts";
import { planChunks, type ReadVariable } from "../backends/onnx/write.ts";
import type { Port } from "../compiler/graph/graph.ts";
import { typeOf } from "../compiler/graph/graph.ts";
import type { Plain, Program } from "../compiler/program.ts";
import { Clock, describe, TargetError, type Written } from "./artifact.ts";
import { writeBeside, writeChunks } from "./files.ts";
import { ownVersion } from "./package-root.ts";
import type { Weights } from "./weights.ts";

export async function writeOnnx(program: Program, path: string, weights: Weights): Promise<Written> {
  const clock = new Clock();
  const base = path.replace(/\.onnx$/, "");
  const beside = `${base}.data`;
  const { plan, refusals } = emitOnnx(program.predict, {
    name: program.name,
    doc: `${program.name}, compiled by archc from ${basename(program.file)}`,
    producerVersion: ownVersion(),
    metadata: metadataOf(program),
    docs: Object.fromEntries([...program.predict.ports.map((port) => [port.name, portDoc(program, port)])]),
    weights: { file: basename(beside), apart: "when too large" },
  });
  clock.lap("emit");
  if (plan === undefined) throw new TargetError(program, "onnx", refusals);
  const byPath = new Map(program.variables.map((variable) => [variable.path, variable]));
  const read: ReadVariable = (name) => {
    const variable = byPath.get(name);
    if (variable === undefined) throw new Error(`the file needs a variable ${name}, which the program lacks`);
    return weights.read(variable);
  };
  const written = [path];
  // The weights come first, so that a model never stands without them.
  if (plan.weights !== undefined) {
    await writeChunks(beside, planChunks(plan.weights, read));
    written.push(beside);
  }
  await writeChunks(path, planChunks(plan.model, read));
  const [python, javascript] = [`${base}.usage.py`, `${base}.usage.mjs`];
  writeBeside(python, pythonUsage(program, basename(path)));
  writeBeside(javascript, javascriptUsage(program, basename(path)));
  written.push(python, javascript);
  clock.lap("write");
  const artifacts = await Promise.all(written.map((name) => describe(join(dirname(name), basename(name)))));
  clock.lap("hash");
  return { artifacts, nodes: plan.nodes, milliseconds: clock.laps };
}

/** What the numbers mean: for inputs the model's own `data` section, for classes the ranges of the targets. */
export function metadataOf(program: Program): Record<string, string> {
  const { data } = program;
  const inputs = Object.fromEntries(
    program.predict.ports.map((port) => [port.name, { type: portType(port), from: data?.[port.name] ?? null }]),
  );
  const targets = Object.fromEntries(
    (program.train?.ports ?? [])
      .filter(({ kind }) => kind === "target")
      .map((port) => [port.name, { type: portType(port), ...rangeOf(port) }]),
  );
  const outputs = Object.fromEntries(
    program.predict.outputs.map(({ name, value }) => [name, { type: typeText(typeOf(value)) }]),
  );
  return {
    "archc.model": program.name,
    "archc.hash": program.hash,
    "archc.settings": JSON.stringify(program.settings),
    "archc.inputs": JSON.stringify(inputs),
    "archc.prepare": JSON.stringify(data?.["prepare"] ?? []),
    "archc.targets": JSON.stringify(targets),
    "archc.outputs": JSON.stringify(outputs),
  };
}

function rangeOf({ range }: Port): { classes?: { from: number; to: number } } {
  const [from, to] = [range?.from.constant, range?.to.constant];
  // Class i of `to - from` stands for the number from + i.
  return from === undefined || to === undefined ? {} : { classes: { from, to: to - 1 } };
}

function portType({ type }: Port): string {
  return typeText(type);
}

function typeText({ dtype, shape }: Port["type"]): string {
  return `${dtype}[${shape.map((dim) => dim.toString()).join(", ")}]`;
}

/** In words, what an input's numbers are. */
export function portDoc(program: Program, port: Port): string {
  const from = program.data?.[port.name];
  if (from === undefined || typeof from !== "object" || Array.isArray(from)) return portType(port);
  const record = from as Readonly<Record<string, Plain>>;
  const text = (key: string): string => JSON.stringify(record[key]);
  switch (record["kind"]) {
    case "image":
      return `RGB planes, (pixel / 255 - mean) / std with mean ${text("mean")} and std ${text("std")}${prepared(program)}`;
    case "points":
      return `points (x, y) in [-1, 1] of the image, x to the right; pixel centre i of n lies at (2 i + 1) / n - 1; order ${text("columns")}${prepared(program)}`;
    default:
      return portType(port);
  }
}

function prepared(program: Program): string {
  const steps = program.data?.["prepare"];
  return Array.isArray(steps) && steps.length > 0 ? `, after ${JSON.stringify(steps)}` : "";
}

function sizeExample(port: Port): readonly number[] {
  return port.type.shape.map((dim) => dim.constant ?? 1);
}

const NUMPY: Readonly<Record<string, string>> = {
  f32: "float32",
  f64: "float64",
  i32: "int32",
  i64: "int64",
  bool: "bool",
  f16: "float16",
};
const ARRAYS: Readonly<Record<string, string>> = {
  f32: "Float32Array",
  f64: "Float64Array",
  i32: "Int32Array",
  i64: "BigInt64Array",
  bool: "Uint8Array",
  f16: "Uint16Array",
};
const ORT: Readonly<Record<string, string>> = {
  f32: "float32",
  f64: "float64",
  i32: "int32",
  i64: "int64",
  bool: "bool",
  f16: "float16",
};

function pythonUsage(program: Program, file: string): string {
  const ports = program.predict.ports;
  const notes = ports.map((port) => `# ${port.name}: ${portDoc(program, port)}`);
  const feeds = ports.map(
    (port) =>
      `    "${port.name}": np.zeros((${sizeExample(port).join(", ")},), np.${NUMPY[port.type.dtype] ?? "float32"}),`,
  );
  return [
    `# Predictions of ${program.name}: pip install onnxruntime numpy. The zeros below stand for your data.`,
    ...notes,
    "import os",
    "import numpy as np",
    "import onnxruntime as ort",
    "",
    `session = ort.InferenceSession(os.path.join(os.path.dirname(os.path.abspath(__file__)), "${file}"))`,
    "results = session.run(None, {",
    ...feeds,
    "})",
    "for output, values in zip(session.get_outputs(), results):",
    "    print(output.name, values)",
    "",
  ].join("\n");
}

function javascriptUsage(program: Program, file: string): string {
  const ports = program.predict.ports;
  const notes = ports.map((port) => `// ${port.name}: ${portDoc(program, port)}`);
  const feeds = ports.map((port) => {
    const size = sizeExample(port);
    const count = size.reduce((product, n) => product * n, 1);
    const { dtype } = port.type;
    return `  ${JSON.stringify(port.name)}: new Tensor("${ORT[dtype] ?? "float32"}", new ${ARRAYS[dtype] ?? "Float32Array"}(${count}), [${size.join(", ")}]),`;
  });
  return [
    `// Predictions of ${program.name}: npm install onnxruntime-node. The zeros below stand for your data.`,
    ...notes,
    'import { fileURLToPath } from "node:url";',
    'import { InferenceSession, Tensor } from "onnxruntime-node";',
    "",
    `const session = await InferenceSession.create(fileURLToPath(new URL("${file}", import.meta.url)));`,
    "const results = await session.run({",
    ...feeds,
    "});",
    "for (const [name, { data }] of Object.entries(results)) console.log(name, data);",
    "",
  ].join("\n");
}

/**
 * Compiles models and prints the digests of what was made of them, as JSON: printed graphs, the TensorFlow folder's files, the
 * ONNX file. Run in a process of its own by `determinism.test.ts`; its arguments are the repository and `file[:variant]`s.
 */
import { createHash } from "node:crypto";
import { emitOnnxProgram, planChunks } from "../../src/backends/onnx/index.ts";
import { emitTfjs } from "../../src/backends/tfjs/index.ts";
import { compile, rulesOf } from "../../src/compiler/compile.ts";
import { printGraph } from "../../src/compiler/graph/print.ts";
import { decompose } from "../../src/compiler/ops/decompose.ts";
import { DiskHost } from "../../src/runtime/host.ts";

const sha = (content: string | Uint8Array): string => createHash("sha256").update(content).digest("hex");
const bytesOf = { f16: 2, bf16: 2, f32: 4, f64: 8, i32: 4, i64: 8, bool: 1 } as const;

const [root = ".", ...specs] = process.argv.slice(2);
const digests: Record<string, string> = {};
for (const spec of specs) {
  const [file = "", variant, ...settings] = spec.split(":");
  const host = new DiskHost(file, root);
  const { program, diagnostics } = compile(host, {
    file,
    variant: variant === "" ? undefined : variant,
    settings: settings.map((setting) => {
      const [path = "", value = ""] = setting.split("=");
      return { path, value };
    }),
  });
  if (program === undefined) throw new Error(diagnostics.map((d) => d.message).join("\n"));
  digests[`${spec} hash`] = program.hash;
  for (const part of ["train", "evaluate", "predict"] as const) {
    const graph = program[part];
    if (graph) digests[`${spec} ${part}`] = sha(printGraph(graph));
  }
  const rules = rulesOf(host);
  const tfjs = emitTfjs(program, { mode: "train", decompose: decompose, rules });
  if (tfjs.refusals.length > 0) throw new Error(tfjs.refusals.map((r) => r.reason).join("\n"));
  for (const [name, content] of tfjs.files) digests[`${spec} tfjs/${name}`] = sha(content);

  const onnx = emitOnnxProgram(program, { base: "net", producerVersion: "1" });
  if (onnx.refusals.length > 0) throw new Error(onnx.refusals.map((r) => r.reason).join("\n"));
  for (const [name, content] of onnx.files) digests[`${spec} onnx/${name}`] = sha(content);
  for (const [name, plan] of onnx.plans) {
    const hash = createHash("sha256");
    const read = (path: string): Uint8Array[] => {
      const { type } = program.variables.find((v) => v.path === path) ?? {};
      if (type === undefined) throw new Error(`the plan reads ${path}, which is no variable`);
      const count = type.shape.reduce((n, d) => n * (d.constant ?? 0), 1);
      return [new Uint8Array(count * bytesOf[type.dtype])];
    };
    for await (const chunk of planChunks(plan, read)) hash.update(chunk);
    digests[`${spec} onnx/${name}`] = hash.digest("hex");
  }
}
process.stdout.write(`${JSON.stringify(digests, undefined, 1)}\n`);

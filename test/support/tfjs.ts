/** Runs graphs on the real TensorFlow addon, for tests: emits, writes a folder, opens it. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { emitTfjs, type TfjsOptions } from "../../src/backends/tfjs/index.ts";
import type { Graph, Variable } from "../../src/compiler/graph/graph.ts";
import type { Program } from "../../src/compiler/program.ts";
import { loadTensorflow } from "../../src/runtime/engine/index.ts";
import { Session } from "../../src/runtime/engine/tfjs/session.ts";
import { TfjsModel } from "../../src/runtime/engine/tfjs/model.ts";
import type { ModelDescription } from "../../src/backends/tfjs/model.ts";

const empty: Graph = { nodes: [], ports: [], variables: [], updates: [], outputs: [], asserts: [] };

export function programOf(graphs: { readonly train?: Graph; readonly evaluate?: Graph; readonly predict?: Graph }, variables: readonly Variable[] = []): Program {
  return {
    name: "test",
    basis: [],
    file: "test.arch",
    settings: {},
    train: graphs.train,
    evaluate: graphs.evaluate ?? empty,
    predict: graphs.predict ?? empty,
    variables,
    parts: [],
    training: {},
    data: undefined,
    pretrained: [],
    renames: [],
    hash: "0",
  };
}

/** Writes the artifact to a folder of its own; the caller removes it. */
export async function writeFolder(program: Program, options: TfjsOptions): Promise<string> {
  const { files, refusals } = emitTfjs(program, options);
  if (refusals.length > 0) throw new Error(refusals.map((r) => `${r.op}: ${r.reason}`).join("\n"));
  const folder = await mkdtemp(join(tmpdir(), "archc-tfjs-"));
  for (const [name, content] of files) await writeFile(join(folder, name), content);
  return folder;
}

/** A model on the engine, its variables not yet set. */
export async function openProgram(program: Program, options: TfjsOptions): Promise<{ readonly model: TfjsModel; close(): Promise<void> }> {
  const folder = await writeFolder(program, options);
  const { tf } = loadTensorflow({ threads: { intra: 2, inter: 2 } });
  const session = await Session.open(folder, tf as never);
  const { files } = emitTfjs(program, options);
  const model = new TfjsModel(JSON.parse(files.get("model.json") as string) as ModelDescription, session);
  return {
    model,
    async close() {
      model.dispose();
      await rm(folder, { recursive: true });
    },
  };
}

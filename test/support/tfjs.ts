/** Runs graphs on the real TensorFlow addon, for tests: emits, writes a folder, opens it. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import protobuf from "protobufjs";
import { emitTfjs, type TfjsOptions } from "../../src/backends/tfjs/index.ts";
import type { Graph, Variable } from "../../src/compiler/graph/graph.ts";
import type { Program } from "../../src/compiler/program.ts";
import { loadTensorflow } from "../../src/runtime/engine/index.ts";
import { Session } from "../../src/runtime/engine/tfjs/session.ts";
import { TfjsModel } from "../../src/runtime/engine/tfjs/model.ts";
import type { ModelDescription } from "../../src/backends/tfjs/model.ts";

const empty: Graph = { nodes: [], ports: [], variables: [], updates: [], outputs: [], asserts: [] };

export function programOf(
  graphs: { readonly train?: Graph; readonly evaluate?: Graph; readonly predict?: Graph },
  variables: readonly Variable[] = [],
): Program {
  return {
    name: "test",
    basis: [],
    file: "test.arch",
    settings: {},
    train: graphs.train,
    accumulate: undefined,
    evaluate: graphs.evaluate ?? empty,
    predict: graphs.predict ?? empty,
    variables,
    parts: [],
    named: { train: new Map(), evaluate: new Map() },
    pruned: [],
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
export async function openProgram(
  program: Program,
  options: TfjsOptions,
): Promise<{ readonly model: TfjsModel; close(): Promise<void> }> {
  const folder = await writeFolder(program, options);
  const { tf } = loadTensorflow({ threads: { intra: 2, inter: 2 } });
  const session = Session.open(folder, tf);
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

/** A node of an emitted graph, as far as tests look at it. */
export interface GraphNode {
  readonly name: string;
  readonly op: string;
  readonly input: readonly string[];
  readonly attr: Readonly<
    Record<
      string,
      { readonly s?: Uint8Array; readonly b?: boolean; readonly tensor?: { readonly content?: Uint8Array } }
    >
  >;
}
const schema = `syntax = "proto3";
message SavedModel { repeated MetaGraph meta_graphs = 2; }
message MetaGraph { Graph graph = 2; }
message Graph { repeated Node node = 1; }
message Node { string name = 1; string op = 2; repeated string input = 3; map<string, Attr> attr = 5; }
message Attr { oneof value { bytes s = 2; bool b = 5; Tensor tensor = 8; } }
message Tensor { bytes content = 4; }`;

/** Reads `saved_model.pb` back, by messages of its own. */
export function graphNodes(files: ReadonlyMap<string, string | Uint8Array>): readonly GraphNode[] {
  const bytes = files.get("saved_model.pb");
  if (!(bytes instanceof Uint8Array)) throw new Error("there is no saved_model.pb");
  const type = protobuf.parse(schema).root.lookupType("SavedModel");
  const decoded = type.decode(bytes) as unknown as { metaGraphs: readonly { graph: { node: readonly GraphNode[] } }[] };
  return decoded.metaGraphs[0]?.graph.node ?? [];
}

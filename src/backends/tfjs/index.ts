/**
 * The tfjs target: a program as a TensorFlow SavedModel that trains itself, with a typed JavaScript API beside it. Pure:
 * files are returned, never written, and equal programs give equal bytes. Weights are not among them; they are streamed.
 */
import { mixedPrecision } from "../../compiler/passes/mixed.ts";
import { type Level, recompute } from "../../compiler/passes/recompute.ts";
import { simplify } from "../../compiler/passes/simplify.ts";
import { randomRow } from "./rows-random.ts";
import { regionRows } from "./rows-regions.ts";
import { samplingRows } from "./rows-sampling.ts";
import { basicRows } from "./rows-basic.ts";
import { hasKernel, normRows } from "./rows-norm.ts";
import { winogradRows } from "./rows-winograd.ts";
import { windowRows } from "./rows-windows.ts";
import { decomposeMissing, type Backend, type Decompose, type Emission, type Refusal } from "../backend.ts";
import type { TypeRules } from "../../compiler/graph/builder.ts";
import type { Graph, Node, Variable } from "../../compiler/graph/graph.ts";
import type { Program } from "../../compiler/program.ts";
import { declarations, loader } from "./api.ts";
import { inputForms } from "../inputs.ts";
import type { Table } from "./emitter.ts";
import { assignLayouts, type Layouts } from "../layout.ts";
import { modelDescription, type SignatureDescription } from "./model.ts";
import { TfNodes } from "./nodes.ts";
import { encodeSavedModel, type SignatureDef } from "./proto.ts";
import { emitGraph } from "./signature.ts";
import { declareVariables, weightSignatures } from "./variables.ts";

/** `bf16`: convolutions, products and the work between them in bf16; weights, losses and updates in f32. */
export type TfjsPrecision = "f32" | "bf16";
export type Memory = Level;
/** How training convolves: with fewer products where that is faster, or always by the plain sum. */
export type Convolution = "winograd" | "direct";

export interface TfjsOptions {
  readonly mode: "train" | "predict";
  /** Adds the signature `gradients`: losses and all gradients of a training step that changes nothing. */
  readonly probe?: boolean;
  /** How much is kept for the backward pass; what is not is computed again. */
  readonly memory?: Memory;
  /** The key of random draws in training, such as dropout's. */
  readonly seed?: number;
  readonly precision?: TfjsPrecision;
  /** Default: winograd. Prediction and evaluation convolve directly. */
  readonly convolution?: Convolution;
  /** What operators without a form of their own mean. */
  readonly decompose?: Decompose;
  readonly rules?: TypeRules;
}

/** The rows of every operator that the target has. `seed` is the key of random draws. */
export function tfjsTable(seed: number, winograd = false): Table {
  const convolutions = winograd ? winogradRows : {};
  return {
    ...basicRows,
    ...windowRows,
    ...normRows,
    ...samplingRows,
    ...regionRows,
    random: randomRow(seed),
    ...convolutions,
  };
}

export interface TfjsEmission extends Emission {
  /** Which node of the program's graphs, lowered, each node of TensorFlow's is of, by its name. */
  readonly origins: ReadonlyMap<string, Node>;
}

export function emitTfjs(program: Program, options: TfjsOptions): TfjsEmission {
  const refusals: Refusal[] = [];
  const { decompose, rules, seed = 0, precision = "f32", convolution = "winograd", memory = "normal" } = options;
  const table = tfjsTable(seed);
  const training = tfjsTable(seed, convolution === "winograd");
  const lower = (whole: Graph): Graph => {
    const simple = simplify(whole);
    if (precision === "bf16" && rules === undefined) throw new Error("bf16 needs the types of operators");
    const graph = precision === "bf16" && rules ? mixedPrecision(rules).run(simple).graph : simple;
    return decompose && rules
      ? decomposeMissing(graph, (node) => table[node.op] !== undefined && hasKernel(node), decompose, rules)
      : graph;
  };
  const wanted: [name: string, graph: Graph, table: Table][] = [];
  if (options.mode === "train" && program.train) {
    const step = (graph: Graph): Graph => recompute(memory).run(lower(graph)).graph;
    const train = step(program.train);
    wanted.push(["train_step", train, training]);
    if (program.accumulate) wanted.push(["accumulate", step(program.accumulate), training]);
    if (options.probe === true) wanted.push(["gradients", withoutUpdates(train), training]);
    wanted.push(["eval_step", lower(program.evaluate), table]);
  }
  wanted.push(["predict", lower(program.predict), table]);

  const layouts = new Map<Graph, Layouts>(
    wanted.map(([, graph, rows]) => [graph, assignLayouts(graph, (node) => rows[node.op]?.layout(node))]),
  );
  const tf = new TfNodes();
  const variables = declareVariables(
    tf,
    variablesOf(
      program,
      wanted.map(([, graph]) => graph),
    ),
    wanted.map(([, graph]) => graph),
    layouts,
  );
  const signatures: Record<string, SignatureDef> = { ...weightSignatures(tf, variables) };
  const described: Record<string, SignatureDescription> = {};
  for (const [name, graph, rows] of wanted) {
    const emitted = emitGraph(
      tf,
      name,
      graph,
      layouts.get(graph) as Layouts,
      rows,
      variables,
      refusals,
      inputForms(program, true, graph.ports),
    );
    signatures[name] = emitted.signature;
    described[name] = emitted.description;
  }
  const files = new Map<string, string | Uint8Array>();
  if (refusals.length === 0) {
    const model = modelDescription(program, variables, described);
    files.set("saved_model.pb", encodeSavedModel(tf.nodes, signatures));
    files.set("model.json", JSON.stringify(model, undefined, 1) + "\n");
    files.set("index.mjs", loader);
    files.set("index.d.ts", declarations(model));
  }
  return { files, refusals, origins: tf.origins };
}

export const tfjsBackend: Backend<TfjsOptions> = { name: "tfjs", emit: emitTfjs };

function withoutUpdates(graph: Graph): Graph {
  return { ...graph, updates: [] };
}
/** The variables that the emitted graphs read or change, in the program's order. */
function variablesOf(program: Program, graphs: readonly Graph[]): readonly Variable[] {
  const used = new Set(graphs.flatMap((graph) => graph.variables.map((v) => v.path)));
  return program.variables.filter((v) => used.has(v.path));
}

/**
 * The portable target: prediction as a module of plain tfjs operators, for any backend of tfjs. Pure: files are
 * returned, never written, and equal programs give equal bytes. Weights are not among them; they are streamed.
 */
import type { TypeRules } from "../../compiler/graph/builder.ts";
import type { Graph, Variable } from "../../compiler/graph/graph.ts";
import { simplify } from "../../compiler/passes/simplify.ts";
import type { Program } from "../../compiler/program.ts";
import { type Backend, decomposeMissing, type Decompose, type Emission, type Refusal } from "../backend.ts";
import { assignLayouts, type Layouts } from "../layout.ts";
import { regionOutlines } from "../regions.ts";
import { declarations, describe } from "./api.ts";
import type { Literal, Table } from "./emitter.ts";
import { LOADER, OPERATORS } from "./files.generated.ts";
import { moduleText, printFunction } from "./module.ts";
import { plainRows } from "./rows.ts";
import { windowRows } from "./rows-windows.ts";

const table: Table = { ...plainRows, ...windowRows };

const PREDICT = {
  name: "predict",
  doc: "Tensors by name, from tensors by name; `w` holds the weights with their axes as model.json orders them.",
};
const REGIONS = {
  name: "regions",
  doc: "The corners of each region on its map, in [-1, 1], clockwise from what becomes its top left.",
};

export interface PortableOptions {
  /** What operators without a form of their own mean. */
  readonly decompose: Decompose;
  readonly rules: TypeRules;
}

export interface PortableEmission extends Emission {
  /** What the weights file holds, in the program's order. */
  readonly variables: readonly Variable[];
}

export function emitPortable(program: Program, { decompose, rules }: PortableOptions): PortableEmission {
  const refusals: Refusal[] = [];
  const has = (node: Graph["nodes"][number]): boolean => {
    const row = Object.hasOwn(table, node.op) ? table[node.op] : undefined;
    return row !== undefined && row.has?.(node) !== false;
  };
  const literals = new Map<string, Literal>();
  const lowered = (whole: Graph): { readonly graph: Graph; readonly layouts: Layouts } => {
    const graph = decomposeMissing(simplify(whole), has, decompose, rules);
    return { graph, layouts: assignLayouts(graph, (node) => table[node.op]?.layout(node)) };
  };
  const predict = lowered(program.predict);
  const regions = lowered(regionOutlines(program, rules));
  const weights = new Map(
    [regions, predict].flatMap(({ graph, layouts }) =>
      graph.variables.map((v) => [v.path, layouts.of(v.value)] as const),
    ),
  );
  const shared = { literals, weights };
  const functions = [
    printFunction(PREDICT, predict.graph, predict.layouts, table, shared, refusals),
    ...(regions.graph.outputs.length === 0
      ? []
      : [printFunction(REGIONS, regions.graph, regions.layouts, table, shared, refusals)]),
  ];
  const variables = program.variables.filter(({ path }) => weights.has(path));
  const files = new Map<string, string>();
  if (refusals.length === 0) {
    const model = describe(program, predict.graph, regions.graph, variables, weights);
    files.set("model.mjs", moduleText(program, functions.flat(), literals));
    files.set("operators.mjs", OPERATORS);
    files.set("index.mjs", LOADER);
    files.set("index.d.ts", declarations(model));
    files.set("model.json", JSON.stringify(model, undefined, 1) + "\n");
  }
  return { files, refusals, variables };
}

export const portableBackend: Backend<PortableOptions> = { name: "portable", emit: emitPortable };

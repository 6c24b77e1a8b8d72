/**
 * One graph as one signature: feeds, reads, nodes in their order, updates, results. A result waits for all updates, so
 * one run of the signature is the whole step.
 */
import type { Graph, Output, Port } from "../../compiler/graph/graph.ts";
import { typeOf } from "../../compiler/graph/graph.ts";
import type { InputForm } from "../inputs.ts";
import { type Refusal, RefusalError } from "../backend.ts";
import { GraphEmitter, type Table, tfShape } from "./emitter.ts";
import type { Layouts } from "../layout.ts";
import type { InputDescription, OutputDescription, SignatureDescription } from "./model.ts";
import { describeDim } from "./model.ts";
import { attr, type TfNodes, type TfValue } from "./nodes.ts";
import { emitUpdates } from "./optimizer.ts";
import { pictureFeed } from "./pictures.ts";
import type { SignatureDef, TensorInfo } from "./proto.ts";
import { schedule } from "./schedule.ts";
import { CORES, inStretches } from "./stretches.ts";
import { borderOf, type DeclaredVariable } from "./variables.ts";

/** Where cores would idle more, each kernel had better use all of them. */
const MOST_IDLE = 0.1;

export interface EmittedGraph {
  readonly signature: SignatureDef;
  readonly description: SignatureDescription;
}

export function emitGraph(
  tf: TfNodes,
  name: string,
  graph: Graph,
  layouts: Layouts,
  table: Table,
  variables: readonly DeclaredVariable[],
  refusals: Refusal[],
  pictures: ReadonlyMap<string, InputForm> = new Map(),
): EmittedGraph {
  const e = new GraphEmitter(tf, graph, layouts, table, name);
  const outputs = graph.outputs.filter((output) => graph.updates.length === 0 || output.kind !== "gradient");
  const steps = schedule(
    graph,
    outputs.map((o) => o.value),
    graph.updates,
    (node) => table[node.op]?.lazy === true,
  );
  const { stretches, idle } = inStretches(steps, (node) => table[node.op]?.share?.(node) ?? 1);
  tf.startStretches(`${name}/stretch`);
  const inputs = graph.ports.map((port) => feed(e, name, port, pictures.get(port.name)));
  const byPath = new Map(variables.map((v) => [v.variable.path, v]));
  const reads = new Map<string, TfValue>();
  for (const { path, value } of graph.variables) {
    const variable = byPath.get(path);
    if (variable === undefined) throw new Error(`no variable ${path}`);
    const { read } = variable;
    reads.set(path, read);
    e.hold(value.node, { value: read, layout: variable.layout });
  }
  const made: string[] = [];
  const attempt = (emit: () => void): void => {
    try {
      emit();
    } catch (error) {
      if (!(error instanceof RefusalError)) throw error;
      const { refusal } = error;
      if (!refusals.some((r) => r.op === refusal.op && r.path === refusal.path)) refusals.push(refusal);
    }
  };
  for (const stretch of stretches) {
    for (const step of stretch) {
      attempt(() => {
        if (step.kind === "updates") made.push(...emitUpdates(e, step, byPath, reads));
        else if (step.node.op !== "input" && step.node.op !== "variable") e.node(step.node);
      });
    }
    tf.endStretch();
  }
  const results: [OutputDescription, TensorInfo][] = [];
  const done = made.length === 0 ? [] : [tf.barrier(`${name}/done`, made)];
  for (const output of outputs) attempt(() => results.push(result(e, name, output, done)));
  return {
    signature: {
      inputs: Object.fromEntries(inputs.map(([d, info]) => [d.name, info])),
      outputs: Object.fromEntries(results.map(([d, info]) => [d.name, info])),
    },
    description: {
      kernels: idle > MOST_IDLE ? 1 : CORES,
      inputs: inputs.map(([d]) => d),
      outputs: results.map(([d]) => d),
      asserts: graph.asserts.map((a) => ({
        left: describeDim(a.left),
        comparison: a.comparison,
        right: describeDim(a.right),
        message: a.message,
      })),
    },
  };
}

function feed(e: GraphEmitter, name: string, port: Port, form: InputForm | undefined): [InputDescription, TensorInfo] {
  const { dtype, shape } = port.type;
  const border = borderOf(dtype).type;
  const picture = form && pictureFeed(e.tf, name, port.name, form);
  const [op, otherwise] = picture
    ? (["PlaceholderWithDefault", [picture.planes]] as const)
    : (["Placeholder", []] as const);
  const placeholder = e.tf.named(`${name}/feed/${port.name}`, op, otherwise, border, {
    dtype: attr.type(border),
    shape: attr.shape(tfShape(shape)),
  });
  const value = e.within(`feed/${port.name}`, () => e.cast(placeholder, dtype));
  e.hold(port.value.node, { value, layout: undefined });
  const info: TensorInfo = { name: `${placeholder.node}:0`, dtype: border, shape: tfShape(shape) };
  const range =
    port.range === undefined ? {} : { range: [describeDim(port.range.from), describeDim(port.range.to)] as const };
  const more = { ...range, ...(picture && { picture: picture.description }) };
  return [
    { name: port.name, kind: port.kind, node: info.name, dtype: border, shape: shape.map(describeDim), ...more },
    info,
  ];
}
function result(
  e: GraphEmitter,
  name: string,
  output: Output,
  after: readonly string[],
): [OutputDescription, TensorInfo] {
  const { dtype, shape } = typeOf(output.value);
  const border = borderOf(dtype).type;
  const value = e.within(`result/${output.name}`, () => e.cast(e.value(output.value), border));
  const named = e.tf.named(`${name}/out/${output.name}`, "Identity", [value], border, { T: attr.type(border) }, after);
  const info: TensorInfo = { name: `${named.node}:0`, dtype: border, shape: tfShape(shape) };
  return [
    { name: output.name, kind: output.kind, node: info.name, dtype: border, shape: shape.map(describeDim) },
    info,
  ];
}

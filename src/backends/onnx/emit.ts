/**
 * A graph as an ONNX model: chooses forms, writes what the outputs need in the order of the graph, and lays the file out.
 * Pure; refuses what ONNX cannot say, one reason a node.
 */
import type { Graph, Node, Output, Value } from "../../compiler/graph/graph.ts";
import { typeOf } from "../../compiler/graph/graph.ts";
import type { TypeRules } from "../../compiler/graph/builder.ts";
import { type Decompose, decomposeMissing, type Refusal, RefusalError } from "../backend.ts";
import { GraphEmitter, NodeEmitter, type Table } from "./emitter.ts";
import { foldConstants } from "./fold.ts";
import { chooseForms, type Form, type Forms, literalOf, sourceOf } from "./forms.ts";
import type { InputForm } from "../inputs.ts";
import { type ModelFrame, OnnxModel } from "./model.ts";
import type { FilePlan } from "./plan.ts";
import { elementTypes, SizeNames, UINT8, unused, valueMessage, versions } from "./proto.ts";
import { elementwise } from "./rows/elementwise.ts";
import { convolutionGradients } from "./rows/convolution-gradients.ts";
import { writeConv, writeGemm } from "./rows/fused.ts";
import { gradients } from "./rows/gradients.ts";
import { randomRow } from "./rows/random.ts";
import { regions } from "./rows/regions.ts";
import { samplingGradients } from "./rows/sampling-gradients.ts";
import { shape } from "./rows/shape.ts";
import { affineGrid, windows } from "./rows/windows.ts";

const table: Table = {
  ...elementwise,
  ...shape,
  ...windows,
  ...regions,
  ...gradients,
  ...convolutionGradients,
  ...samplingGradients,
};
/** What is said by forms, not rows. */
const formed: ReadonlySet<string> = new Set(["conv2d", "conv2d_transpose", "stop_gradient"]);
const leaves: ReadonlySet<string> = new Set(["input", "variable", "constant"]);

export interface OnnxOptions {
  /** What the model is called inside the file. */
  readonly name: string;
  readonly doc: string;
  readonly producerVersion: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** What to say of an input or output, by name. */
  readonly docs: Readonly<Record<string, string>>;
  readonly weights: ModelFrame["weights"];
  /** The inputs that are fed as the bytes of pictures. */
  readonly inputForms?: ReadonlyMap<string, InputForm>;
  /**
   * Variables are inputs by their paths, and new values of theirs are outputs: a training step. Its draws are keyed by
   * `seed`; what has no row is replaced by its meaning.
   */
  readonly step?: { readonly seed: number; readonly decompose: Decompose; readonly rules: TypeRules };
}

export interface OnnxModelPlan {
  readonly model: FilePlan;
  /** The file of weights beside, where they are kept apart. */
  readonly weights: FilePlan | undefined;
  readonly nodes: number;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** The variables among the inputs. */
  readonly state: readonly string[];
}

export function emitOnnx(
  whole: Graph,
  options: OnnxOptions,
): { readonly plan: OnnxModelPlan | undefined; readonly refusals: readonly Refusal[] } {
  const { step, inputForms = new Map<string, InputForm>() } = options;
  const graph = withFileNames(withUpdates(foldConstants(lowered(whole, step))), step !== undefined);
  const reserved = [...graph.ports, ...graph.outputs].map((named) => named.name);
  const paths = step === undefined ? [] : graph.variables.map(({ path }) => path);
  const model = new OnnxModel([...reserved, ...paths], step === undefined ? versions.predict : versions.step);
  const emitter = new GraphEmitter(model, graph, inputForms, step !== undefined);
  const refusals = step === undefined ? [] : twiceNamed(graph);
  const forms = chooseForms(graph, step === undefined ? sourceOf : literalOf);
  const rows = tableOf(step);
  const outputs = new OutputNames(graph.outputs);
  for (const node of neededNodes(graph, forms)) {
    try {
      const first = model.nodes.length;
      model.at(node.path);
      const names = writeNode(emitter, rows, node, forms.of(node));
      emitter.hold(
        node,
        names.map((name, index) => outputs.claim(node, index, name, (from, to) => model.rename(from, to, first))),
      );
    } catch (error) {
      if (!(error instanceof RefusalError)) throw error;
      refusals.push(error.refusal);
      // Names that stand for nothing let the rest be looked at; no file is made.
      emitter.hold(
        node,
        node.outputs.map(() => ""),
      );
    }
  }
  if (refusals.length > 0) return { plan: undefined, refusals };
  model.at("");
  for (const output of outputs.unclaimed) model.identity(emitter.name(output.value), output.name);
  return { plan: finish(emitter, options), refusals };
}

/**
 * What the outputs are called in the file, by their names in the program: the same, but where an input has that name, for
 * in ONNX no two values may share one. `fed`: variables are inputs too.
 */
export function outputNames({ ports, outputs, variables }: Graph, fed = false): ReadonlyMap<string, string> {
  const inputs = new Set([...ports.map(({ name }) => name), ...(fed ? variables.map(({ path }) => path) : [])]);
  const taken = new Set([...inputs, ...outputs.map(({ name }) => name)]);
  return new Map(outputs.map(({ name }) => [name, inputs.has(name) ? unused(`${name}_out`, taken) : name]));
}
function tableOf(step: OnnxOptions["step"]): Table {
  return step === undefined ? { ...table, affine_grid: affineGrid } : { ...table, random: randomRow(step.seed) };
}

function lowered(graph: Graph, step: OnnxOptions["step"]): Graph {
  if (step === undefined) return graph;
  const rows = tableOf(step);
  return decomposeMissing(graph, ({ op }) => formed.has(op) || Object.hasOwn(rows, op), step.decompose, step.rules);
}

/** Inputs of the program that are called as a variable is: in the file both are inputs. */
function twiceNamed({ ports, variables }: Graph): Refusal[] {
  const paths = new Set(variables.map(({ path }) => path));
  return ports
    .filter(({ name }) => paths.has(name))
    .map(({ name, span }) => ({
      op: "input",
      path: name,
      span,
      reason: `a training step has a variable called \`${name}\`, which is an input of the file too`,
      help: "give the input another name",
    }));
}

/** The new values of variables as outputs; in a prediction there are none. */
function withUpdates(graph: Graph): Graph {
  const next = graph.updates.map(({ variable, value }): Output => {
    return { name: nextName(variable.path), kind: "value", value, span: variable.span };
  });
  return { ...graph, outputs: [...graph.outputs, ...next] };
}
/** What the new value of a variable is called. */
export function nextName(path: string): string {
  return `next.${path}`;
}

function withFileNames(graph: Graph, fed: boolean): Graph {
  const names = outputNames(graph, fed);
  return {
    ...graph,
    outputs: graph.outputs.map((output) => ({ ...output, name: names.get(output.name) ?? output.name })),
  };
}

function finish(emitter: GraphEmitter, { docs, ...options }: OnnxOptions): OnnxModelPlan {
  const { graph, inputs, state, model } = emitter;
  const sizes = new SizeNames();
  const message = (name: string, value: Value): ReturnType<typeof valueMessage> => {
    const form = options.inputForms?.get(name);
    const { dtype, shape } = form ?? typeOf(value);
    return valueMessage(name, dtype === "u8" ? UINT8 : elementTypes[dtype], sizes.shape(shape), docs[name]);
  };
  const plans = model.plans({
    ...options,
    inputs: [
      ...inputs.map((port) => message(port.name, port.value)),
      ...state.map((variable) => message(variable.path, variable.value)),
    ],
    outputs: graph.outputs.map((output) => message(output.name, output.value)),
  });
  return {
    ...plans,
    nodes: model.nodes.length,
    inputs: inputs.map((port) => port.name),
    outputs: graph.outputs.map((output) => output.name),
    state: state.map(({ path }) => path),
  };
}

/** Every node that an output needs in the forms chosen, leaves apart, in the order of the graph. */
function neededNodes(graph: Graph, forms: Forms): readonly Node[] {
  const needed = new Set(graph.outputs.map((output) => output.value.node));
  const nodes: Node[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!needed.has(node) || leaves.has(node.op)) continue;
    nodes.push(node);
    for (const value of forms.inputs(node)) needed.add(value.node);
  }
  return nodes.reverse();
}

function writeNode(emitter: GraphEmitter, rows: Table, node: Node, form: Form): readonly string[] {
  if (form.kind === "same") return [emitter.name(form.as)];
  if (form.kind === "conv") {
    emitter.model.at(form.conv.path);
    return [writeConv(new NodeEmitter(emitter, form.conv), form)];
  }
  if (form.kind === "gemm") {
    emitter.model.at(form.matmul.path);
    return [writeGemm(new NodeEmitter(emitter, form.matmul), form)];
  }
  const row = Object.hasOwn(rows, node.op) ? rows[node.op] : undefined;
  if (row === undefined) throw refusal(node);
  const names = row(new NodeEmitter(emitter, node, form.inputs));
  return typeof names === "string" ? [names] : names;
}

function refusal(node: Node): RefusalError {
  if (node.op === "random") {
    return new RefusalError(
      node,
      "a prediction in ONNX cannot draw random numbers that repeat",
      "draw under `if training`, as `dropout` does, or feed the numbers as an input",
    );
  }
  return new RefusalError(
    node,
    `the onnx target has no form of \`${node.op}\``,
    "write it with other primitives, or use the tfjs target",
  );
}

/** Sees that each output of the graph has its name in the file. */
class OutputNames {
  readonly #waiting: Set<Output>;

  constructor(outputs: readonly Output[]) {
    this.#waiting = new Set(outputs);
  }

  get unclaimed(): readonly Output[] {
    return [...this.#waiting];
  }

  /** The name of a value just written: an output's, if it is the first of its outputs and can be renamed. */
  claim(node: Node, index: number, name: string, rename: (from: string, to: string) => boolean): string {
    for (const output of this.#waiting) {
      if (output.value.node !== node || output.value.index !== index) continue;
      if (!rename(name, output.name)) return name;
      this.#waiting.delete(output);
      return output.name;
    }
    return name;
  }
}

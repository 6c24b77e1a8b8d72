/**
 * What a reader of an ONNX file must know and the graph does not say: what inputs mean, how they were prepared, what a
 * class stands for. Written as metadata (JSON by key) and as the doc strings of the model, its inputs and its outputs.
 */
import type { Graph, Port, TensorType, Variable } from "../../compiler/graph/graph.ts";
import { typeOf } from "../../compiler/graph/graph.ts";
import type { Plain, Program } from "../../compiler/program.ts";
import { nextName, outputNames } from "./emit.ts";
import { inputForms, type InputForm, type PlainRecord, recordOf } from "../inputs.ts";

export interface Description {
  readonly doc: string;
  /** By name of an input or output. */
  readonly docs: Readonly<Record<string, string>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A variable of a training step, as the file's metadata names it. */
export interface StateRecord {
  readonly kind: Variable["kind"];
  readonly type: string;
  /** The output that has its new value; a variable that does not change has none. */
  readonly next?: string;
}
export const STATE_KEY = "archc.state";

/** Of a training step, or of another graph whose variables are fed: what they are, and what their new values are called. */
export function describeStep(program: Program, graph: Graph, rawInputs: boolean): Description {
  const changed = new Set(graph.updates.map(({ variable }) => variable.path));
  const state = graph.variables.map(({ path, kind, type }): [string, StateRecord] => [
    path,
    { kind, type: typeText(type), ...(changed.has(path) && { next: nextName(path) }) },
  ]);
  const described = describeProgram(program, rawInputs, graph, true);
  return {
    ...described,
    doc: `${described.doc} The variables are inputs; ${nextName("NAME")} is the new value of NAME, to be fed to the next run.`,
    metadata: { ...described.metadata, [STATE_KEY]: JSON.stringify(Object.fromEntries(state)) },
  };
}

export function describeProgram(
  program: Program,
  rawInputs: boolean,
  graph: Graph = program.predict,
  fed = false,
): Description {
  const { data, settings } = program;
  const forms = inputForms(program, rawInputs, graph.ports);
  const inputs = graph.ports.map((port) => {
    const form = forms.get(port.name);
    const from = recordOf(data, port.name);
    return [
      port.name,
      { type: form ? typeText(form) : typeText(port.type), raw: form !== undefined, ...(from && { from }) },
    ] as const;
  });
  const names = outputNames(graph, fed);
  const outputs = graph.outputs.map(
    ({ name, value }) => [names.get(name) ?? name, { type: typeText(typeOf(value)) }] as const,
  );
  const targets = (program.train?.ports ?? []).filter(({ kind }) => kind === "target");
  const steps = data?.["prepare"];
  const sizes = graph.asserts.map(
    ({ left, comparison, right }) => `${left.toString()} ${comparison} ${right.toString()}`,
  );
  const metadata = {
    "archc.model": program.name,
    "archc.hash": program.hash,
    "archc.settings": JSON.stringify(settings),
    "archc.inputs": JSON.stringify(Object.fromEntries(inputs)),
    "archc.outputs": JSON.stringify(Object.fromEntries(outputs)),
    "archc.targets": JSON.stringify(Object.fromEntries(targets.map((port) => [port.name, targetRecord(port, data)]))),
    ...(isFilled(steps) ? { "archc.prepare": JSON.stringify(steps) } : {}),
    ...(sizes.length > 0 ? { "archc.sizes": JSON.stringify(sizes) } : {}),
  };
  return {
    doc: [
      `${program.name}, compiled by archc.`,
      ...targets.flatMap(classText),
      ...sizes.map((size) => `Sizes: ${size}.`),
    ].join(" "),
    docs: Object.fromEntries(graph.ports.map((port) => [port.name, inputText(program, port, forms.get(port.name))])),
    metadata,
  };
}

/** In words, what the numbers of an input are. */
export function inputText(program: Program, port: Port, form?: InputForm): string {
  const record = recordOf(program.data, port.name);
  const steps = program.data?.["prepare"];
  const after =
    record !== undefined && Array.isArray(steps) && steps.length > 0 ? `, after ${steps.map(stepText).join(", ")}` : "";
  if (form !== undefined) return `RGB bytes as they are in a picture, row by row${after}`;
  if (record?.["kind"] === "image") {
    return `RGB planes, (pixel / 255 - mean) / std with mean ${JSON.stringify(record["mean"])}, std ${JSON.stringify(record["std"])}${after}`;
  }
  if (record?.["kind"] === "points") {
    const order = Array.isArray(record["columns"]) ? `, in the order ${record["columns"].join(", ")}` : "";
    return `points (x, y) in [-1, 1] of the image, x to the right, pixel centre i of n at (2 i + 1) / n - 1${order}${after}`;
  }
  return typeText(port.type);
}

/** A step of preparation as the program calls it. */
function stepText(step: Plain): string {
  const { kind, ...rest } = typeof step === "object" && !Array.isArray(step) ? (step as PlainRecord) : { kind: step };
  const settings = Object.entries(rest).filter(([, value]) => !Array.isArray(value) || value.length > 0);
  return `${typeof kind === "string" ? kind : "a step"}(${settings.map(([name, value]) => `${name}: ${JSON.stringify(value)}`).join(", ")})`;
}

/** Class i of a target that has classes stands for the number `from` + i. */
function targetRecord(port: Port, data: Program["data"]): PlainRecord {
  const classes = classesOf(port);
  const from = recordOf(data, port.name);
  return { type: typeText(port.type), ...(classes && { classes }), ...(from && { from }) };
}
function classText(port: Port): readonly string[] {
  const classes = classesOf(port);
  return classes
    ? [`Trained on \`${port.name}\`: its classes are the numbers ${classes.first} to ${classes.last}.`]
    : [];
}
function classesOf({ range }: Port): { readonly first: number; readonly last: number } | undefined {
  const [from, to] = [range?.from.constant, range?.to.constant];
  return from === undefined || to === undefined ? undefined : { first: from, last: to - 1 };
}

function isFilled(value: Plain | undefined): boolean {
  return Array.isArray(value) && value.length > 0;
}
export function typeText({ dtype, shape }: TensorType | InputForm): string {
  return `${dtype}[${shape.map(String).join(", ")}]`;
}

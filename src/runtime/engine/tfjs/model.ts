/**
 * A compiled tfjs folder in use: weights in and out in bounded memory, training steps, evaluation, prediction. This very
 * source, bundled, is the `index.mjs` of every such folder, so it needs nothing of archc at run time.
 *
 * TensorFlow reads its environment once, when it is loaded. Set before: TF_NUM_INTEROP_THREADS=2 and, on a machine for
 * this work alone, TF_NUM_INTRAOP_THREADS to the number of cores divided by the signature's `kernels` in model.json; and
 * start the process with MALLOC_ARENA_MAX=1, which saves memory and costs no time.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ModelDescription, SignatureDescription, VariableDescription } from "../../../backends/tfjs/model.ts";
import { SafetensorsFile, type TensorToWrite, writeSafetensors } from "../../safetensors.ts";
import { checkFeeds, type Feeds } from "./feeds.ts";
import { type FeedNode, Session, type TensorData, type TfModule } from "./session.ts";

export { FeedError, type Feed, type Feeds } from "./feeds.ts";
export { type TensorData, type TfModule, TfjsRunError } from "./session.ts";

export interface OpenOptions {
  /** The loaded tfjs-node module. */
  readonly tf: TfModule;
  /** The weights to start from; `weights.safetensors` in the folder unless told. */
  readonly weights?: string;
}

export type Results = Record<string, TensorData>;
export interface LoadReport {
  /** Variables set from the file. */
  readonly loaded: number;
  /** Variables of the model that the file does not hold and that keep their value. */
  readonly kept: readonly string[];
}

/** Weights cross the border in groups of about this many bytes. */
const GROUP_BYTES = 32 << 20;

export async function openModel(folder: string, options: OpenOptions): Promise<TfjsModel> {
  const description = JSON.parse(await readFile(join(folder, "model.json"), "utf8")) as ModelDescription;
  const session = Session.open(folder, options.tf);
  const model = new TfjsModel(description, session);
  try {
    await model.load(options.weights ?? join(folder, "weights.safetensors"));
  } catch (error) {
    model.dispose();
    throw error;
  }
  return model;
}

export class TfjsModel {
  readonly description: ModelDescription;
  readonly #session: Session;

  constructor(description: ModelDescription, session: Session) {
    this.description = description;
    this.#session = session;
  }

  /** One optimizer step on this batch: the sum of the losses as `loss`, and each loss, before the step. */
  trainStep(feeds: Feeds): Record<string, number> {
    return numbersOf(this.run("train_step", feeds));
  }
  /** A micro-batch before the last of a step: its losses; its gradients go into the mean that the next `trainStep` takes. */
  accumulate(feeds: Feeds): Record<string, number> {
    return numbersOf(this.run("accumulate", feeds));
  }
  /** Losses, metrics and predictions of this batch; changes nothing. */
  evaluate(feeds: Feeds): Results {
    return this.run("eval_step", feeds);
  }
  predict(feeds: Feeds): Results {
    return this.run("predict", feeds);
  }
  /** Runs any signature of the model; blocks until it is done. */
  run(name: string, feeds: Feeds): Results {
    const signature = this.#signature(name);
    const nodes = checkFeeds(name, signature, feeds);
    const values = this.#session.run(
      nodes,
      signature.outputs.map((o) => o.node),
    );
    return Object.fromEntries(signature.outputs.map((output, i) => [output.name, values[i] as TensorData]));
  }
  #signature(name: string): SignatureDescription {
    const signature = this.description.signatures[name];
    if (signature !== undefined) return signature;
    const names = Object.keys(this.description.signatures).join(", ");
    throw new Error(`this model was compiled without \`${name}\`; it has ${names}`);
  }

  /** Reads variables by path, in PyTorch's layouts; i64 ones as pairs of i32 (low, high). All of them unless told. */
  getWeights(paths?: readonly string[]): Map<string, TensorData> {
    const wanted = paths === undefined ? this.description.variables : paths.map((path) => this.#variable(path));
    const values = new Map<string, TensorData>();
    for (const group of groupsOf(wanted)) {
      const results = this.#session.run(
        [],
        group.map((v) => v.get),
      );
      group.forEach((v, i) => values.set(v.path, results[i] as TensorData));
    }
    return values;
  }
  /** Sets variables by path, in the form in which `getWeights` gives them. */
  setWeights(values: Iterable<readonly [string, TensorData]>): void {
    let feeds: FeedNode[] = [];
    let done: string[] = [];
    let bytes = 0;
    const flush = (): void => {
      if (feeds.length > 0) this.#session.run(feeds, done);
      [feeds, done, bytes] = [[], [], 0];
    };
    for (const [path, value] of values) {
      const variable = this.#variable(path);
      const shape = borderShape(variable);
      if (value.shape.length !== shape.length || shape.some((n, i) => value.shape[i] !== n)) {
        throw new Error(
          `\`${path}\` is ${variable.dtype}[${variable.shape.join(", ")}], not [${value.shape.join(", ")}]`,
        );
      }
      feeds.push({ node: variable.feed, dtype: variable.border, value });
      done.push(variable.set);
      bytes += value.data.byteLength;
      if (bytes >= GROUP_BYTES) flush();
    }
    flush();
  }
  #variable(path: string): VariableDescription {
    const variable = this.description.variables.find((v) => v.path === path);
    if (variable === undefined) throw new Error(`the model has no variable \`${path}\``);
    return variable;
  }

  /**
   * Sets the variables from a safetensors file. Params and states must all be there and fit; optimizer states and counters
   * are taken where the file has them. What the model does not know is refused.
   */
  async load(path: string): Promise<LoadReport> {
    const file = await SafetensorsFile.open(path);
    try {
      const { variables } = this.description;
      const missing = variables.filter((v) => !v.starts && !file.tensors.has(v.path)).map((v) => v.path);
      if (missing.length > 0) throw new Error(`${path} does not hold ${some(missing)}`);
      const known = new Set([...variables.map((v) => v.path), ...this.description.elsewhere]);
      const extra = [...file.tensors.keys()].filter((name) => !known.has(name));
      if (extra.length > 0) throw new Error(`${path} holds ${some(extra)}, which the model does not have`);
      const present = variables.filter((v) => file.tensors.has(v.path));
      for (const group of groupsOf(present)) {
        const values: (readonly [string, TensorData])[] = [];
        for (const variable of group) values.push([variable.path, await readVariable(file, variable)]);
        this.setWeights(values);
      }
      return { loaded: present.length, kept: variables.filter((v) => !file.tensors.has(v.path)).map((v) => v.path) };
    } finally {
      await file.close();
    }
  }
  /** Writes all variables, or params and states alone, to a safetensors file, group by group. */
  async save(path: string, what: "all" | "weights" = "all"): Promise<void> {
    const chosen = this.description.variables.filter((v) => what === "all" || v.kind === "param" || v.kind === "state");
    const groupOf = new Map(groupsOf(chosen).flatMap((group) => group.map((v) => [v.path, group] as const)));
    let held = new Map<string, TensorData>();
    const bytesOf = (variable: VariableDescription): Uint8Array => {
      if (!held.has(variable.path)) held = this.getWeights((groupOf.get(variable.path) ?? []).map((v) => v.path));
      return storedBytes(variable, held.get(variable.path) as TensorData);
    };
    const tensors = chosen.map((variable): TensorToWrite => {
      const dtype = variable.dtype as TensorToWrite["dtype"];
      return { name: variable.path, dtype: widened(dtype), shape: variable.shape, bytes: () => [bytesOf(variable)] };
    });
    await writeSafetensors(path, tensors, { format: "pt" });
  }

  dispose(): void {
    this.#session.dispose();
  }
}

function groupsOf(variables: readonly VariableDescription[]): VariableDescription[][] {
  const groups: VariableDescription[][] = [];
  let bytes = GROUP_BYTES;
  for (const variable of variables) {
    if (bytes >= GROUP_BYTES) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1)?.push(variable);
    bytes += 4 * borderShape(variable).reduce((a, b) => a * b, 1);
  }
  return groups;
}
function borderShape(variable: VariableDescription): readonly number[] {
  return variable.dtype === "i64" ? [...variable.shape, 2] : variable.shape;
}

async function readVariable(file: SafetensorsFile, variable: VariableDescription): Promise<TensorData> {
  const { dtype, shape } = file.entry(variable.path);
  if (shape.length !== variable.shape.length || shape.some((n, i) => variable.shape[i] !== n)) {
    throw new Error(
      `${file.path}: \`${variable.path}\` has shape [${shape.join(", ")}]; the model's is [${variable.shape.join(", ")}]`,
    );
  }
  const stored = dtype === variable.dtype || dtype === widened(variable.dtype);
  if (!stored)
    throw new Error(
      `${file.path}: \`${variable.path}\` is ${dtype ?? "of an unknown type"}; the model's is ${variable.dtype}`,
    );
  if (dtype === "f16" || dtype === "bf16" || dtype === "f64") {
    const { data } = await file.read(variable.path);
    return { shape, data: data instanceof Float32Array ? data : Float32Array.from(data) };
  }
  const { bytes } = file.entry(variable.path);
  const target = new Uint8Array(bytes);
  let at = 0;
  for await (const chunk of file.stream(variable.path)) {
    target.set(chunk, at);
    at += chunk.byteLength;
  }
  if (dtype === "bool") return { shape: borderShape(variable), data: target };
  const data = dtype === "f32" ? new Float32Array(target.buffer) : new Int32Array(target.buffer);
  return { shape: borderShape(variable), data };
}
/** Floats of other widths cross the border, and are written, as f32. */
function widened<T extends string>(dtype: T): T | "f32" {
  return dtype === "f16" || dtype === "bf16" || dtype === "f64" ? "f32" : dtype;
}
function storedBytes(variable: VariableDescription, { data }: TensorData): Uint8Array {
  const wide = variable.dtype === "bool" ? Uint8Array.from(data) : data;
  return new Uint8Array(wide.buffer, wide.byteOffset, wide.byteLength);
}
function numbersOf(results: Results): Record<string, number> {
  return Object.fromEntries(
    Object.entries(results).flatMap(([name, { data }]) => (data.length === 1 ? [[name, data[0] ?? NaN]] : [])),
  );
}
function some(names: readonly string[]): string {
  const shown = names.slice(0, 5).map((n) => `\`${n}\``);
  return shown.join(", ") + (names.length > 5 ? ` and ${String(names.length - 5)} more` : "");
}

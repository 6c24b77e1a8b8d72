/** The JavaScript face of an artifact: `index.mjs`, the same for every model, and `index.d.ts`, typed by its names. */
import { LOADER } from "./loader.generated.ts";
import type { DimDescription, InputDescription, ModelDescription, OutputDescription } from "./model.ts";

/** `index.mjs`. */
export const loader: string = LOADER;

const HEAD = `// Made by archc. Reads model.json, saved_model.pb and weights.safetensors beside it.

/** Numbers with a shape, row-major. */
export interface TensorData {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | Uint8Array;
}
/** A tensor to feed: numbers with a shape, or a tfjs tensor. */
export type Feed =
  | { readonly shape: readonly number[]; readonly data: ArrayLike<number> }
  | { readonly shape: readonly number[]; dataSync(): ArrayLike<number> };

export interface CreateOptions {
  /** The loaded \`@tensorflow/tfjs-node-gpu\` or \`@tensorflow/tfjs-node\`; looked for unless given. */
  readonly tf?: unknown;
  /** The weights to start from; \`weights.safetensors\` beside this file unless told. */
  readonly weights?: string;
}
export interface LoadReport {
  readonly loaded: number;
  readonly kept: readonly string[];
}
`;

/** `index.d.ts`. */
export function declarations(model: ModelDescription): string {
  const { train_step: train, accumulate, eval_step: evaluation, predict } = model.signatures;
  const parts = [HEAD];
  const methods: string[] = [];
  const add = (name: string, method: string, note: string, signature: typeof train, numbers: boolean): void => {
    if (signature === undefined) return;
    parts.push(`export interface ${name}Inputs {\n${signature.inputs.map(inputLine).join("")}}\n`);
    parts.push(
      `export interface ${name}Results {\n${signature.outputs.map((o) => outputLine(o, numbers)).join("")}}\n`,
    );
    methods.push(`  /** ${note} */\n  ${method}(inputs: ${name}Inputs): ${name}Results;\n`);
  };
  const added =
    "A micro-batch before the last of a step: adds its gradients to what the next trainStep takes the mean of.";
  add("Accumulate", "accumulate", added, accumulate, true);
  add("Train", "trainStep", "One optimizer step on a batch; the losses are those before the step.", train, true);
  add("Evaluate", "evaluate", "Losses, metrics and predictions of a batch; changes nothing.", evaluation, false);
  add("Predict", "predict", "Predictions of a batch.", predict, false);
  parts.push(`/** A variable's path. */
export type WeightPath =
${model.variables.map((v) => `  | ${JSON.stringify(v.path)}\n`).join("") || "  never\n"};

export interface Model {
${methods.join("")}  /** Variables in PyTorch's layouts; i64 ones as pairs of i32 (low, high). */
  getWeights(paths?: readonly WeightPath[]): Map<WeightPath, TensorData>;
  setWeights(values: Iterable<readonly [WeightPath, TensorData]>): void;
  /** Writes a safetensors file: all variables, or params and states alone. */
  save(path: string, what?: "all" | "weights"): Promise<void>;
  load(path: string): Promise<LoadReport>;
  dispose(): void;
}

/** Loads the model and its weights into TensorFlow. */
export function create(options?: CreateOptions): Promise<Model>;
`);
  return parts.join("\n");
}

export function inputLine(input: Omit<InputDescription, "node">): string {
  const range = input.range === undefined ? "" : ` in ${dimText(input.range[0])} ..< ${dimText(input.range[1])}`;
  const { picture } = input;
  const bytes = picture ? `; or the bytes of pictures, a Uint8Array [${picture.shape.map(dimText).join(", ")}]` : "";
  return `  /** ${input.dtype}[${input.shape.map(dimText).join(", ")}]${range}${bytes} */\n  readonly ${key(input.name)}: Feed;\n`;
}
export function outputLine(output: Omit<OutputDescription, "node">, numbers: boolean): string {
  const single = numbers && output.shape.length === 0;
  return `  /** ${output.dtype}[${output.shape.map(dimText).join(", ")}] */\n  readonly ${key(output.name)}: ${single ? "number" : "TensorData"};\n`;
}
function key(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}
function dimText(dim: DimDescription): string {
  if (typeof dim !== "object") return String(dim);
  const of = dim.of.map(dimText);
  if (dim.op === "floor_div") return `floor(${of.join(" / ")})`;
  if (dim.op === "min" || dim.op === "max") return `${dim.op}(${of.join(", ")})`;
  return of.join(dim.op === "add" ? " + " : " * ");
}

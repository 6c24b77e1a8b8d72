/** What a portable folder says of itself: `model.json` for its loader and other readers, `index.d.ts` for its users. */
import type { Graph, Port, Variable } from "../../compiler/graph/graph.ts";
import { typeOf } from "../../compiler/graph/graph.ts";
import type { Program } from "../../compiler/program.ts";
import type { Layout } from "../layout.ts";
import { inputLine, outputLine } from "../tfjs/api.ts";
import { type AssertDescription, describeDim, type InputDescription, type OutputDescription } from "../tfjs/model.ts";
import { borderOf, countOf } from "../tfjs/variables.ts";

export interface PortableSignature {
  readonly inputs: readonly Omit<InputDescription, "node">[];
  readonly outputs: readonly Omit<OutputDescription, "node">[];
  readonly asserts: readonly AssertDescription[];
}
export interface PortableVariable {
  readonly path: string;
  readonly kind: Variable["kind"];
  /** In the weights file, PyTorch's layout. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** The axes of the file in the order that model.mjs reads them; absent where that is the same. */
  readonly order?: readonly number[];
}
export interface PortableDescription {
  readonly format: 1;
  readonly name: string;
  /** Of the program: equal programs have equal hashes. */
  readonly hash: string;
  readonly settings: Program["settings"];
  readonly parameters: number;
  readonly signatures: { readonly predict: PortableSignature; readonly regions: PortableSignature };
  readonly variables: readonly PortableVariable[];
  /** How inputs come from files and columns: sizes, mean and std of images, the order of points, what prepares them. */
  readonly data: Program["data"];
}

/** `predict` and `regions` are the graphs as they were emitted. */
export function describe(
  program: Program,
  predict: Graph,
  regions: Graph,
  variables: readonly Variable[],
  orders: ReadonlyMap<string, Layout>,
): PortableDescription {
  return {
    format: 1,
    name: program.name,
    hash: program.hash,
    settings: program.settings,
    parameters: countOf(variables.filter(({ kind }) => kind === "param")),
    signatures: { predict: signature(predict), regions: signature(regions) },
    variables: variables.map(({ path, kind, type }) => {
      const order = orders.get(path);
      const shape = type.shape.map((dim) => dim.constant ?? -1);
      return { path, kind, dtype: type.dtype, shape, ...(order && { order }) };
    }),
    data: program.data,
  };
}

function signature(graph: Graph): PortableSignature {
  return {
    inputs: graph.ports.map(input),
    outputs: graph.outputs.map(({ name, kind, value }) => {
      const { dtype, shape } = typeOf(value);
      return { name, kind, dtype: borderOf(dtype).type, shape: shape.map(describeDim) };
    }),
    asserts: graph.asserts.map(({ left, comparison, right, message }) => ({
      left: describeDim(left),
      comparison,
      right: describeDim(right),
      message,
    })),
  };
}
function input({ name, kind, type, range }: Port): PortableSignature["inputs"][number] {
  const shape = type.shape.map(describeDim);
  const held = range && ([describeDim(range.from), describeDim(range.to)] as const);
  return { name, kind, dtype: borderOf(type.dtype).type, shape, ...(held && { range: held }) };
}

const HEAD = `// Made by archc. Reads model.json and weights.safetensors beside it; runs model.mjs on any backend of tfjs.
import type * as tfjs from "@tensorflow/tfjs-core";

/** Numbers with a shape, row-major. */
export interface TensorData {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | Uint8Array;
}
/** Numbers alone, where at most one size is open; numbers with a shape; a tensor of tfjs, which stays yours. */
export type Feed =
  | ArrayLike<number>
  | { readonly shape: readonly number[]; readonly data: ArrayLike<number> }
  | tfjs.Tensor;

export interface CreateOptions {
  /** \`@tensorflow/tfjs-core\` or \`@tensorflow/tfjs\`, with a backend; imported by the first name unless given. */
  readonly tf?: typeof tfjs;
  /** Where the weights are, or their bytes; \`weights.safetensors\` beside this file unless told. */
  readonly weights?: string | URL | ArrayBuffer | Uint8Array;
  /** Told how many bytes of the weights have come, and of how many, where that is known. */
  readonly onProgress?: (bytes: number, all: number | undefined) => void;
}
`;

/** `index.d.ts`. */
export function declarations({ signatures: { predict, regions } }: PortableDescription): string {
  const results = (kind: string, lines: readonly string[]): string =>
    `export interface ${kind} {\n${lines.join("")}}\n`;
  const hasRegions = regions.outputs.length > 0;
  return [
    HEAD,
    results("PredictInputs", predict.inputs.map(inputLine)),
    results(
      "PredictResults",
      predict.outputs.map((output) => outputLine(output, false)),
    ),
    ...(hasRegions
      ? [
          results("RegionInputs", regions.inputs.map(inputLine)),
          results(
            "RegionResults",
            regions.outputs.map((output) => outputLine(output, false)),
          ),
        ]
      : []),
    `export interface Model {
  /** Predictions of a batch, as numbers. */
  predict(inputs: PredictInputs): Promise<PredictResults>;
  /** Predictions of a batch, as tensors that are yours to free; needs no wait. */
  execute(inputs: PredictInputs): { readonly [name in keyof PredictResults]: tfjs.Tensor };
${
  hasRegions
    ? `  /** The outline of each region: 4 corners (x, y) in [-1, 1] of the map, from what becomes its top left on clockwise. */
  regions(inputs: RegionInputs): Promise<RegionResults>;
`
    : ""
}  /** What model.json says. */
  readonly description: {
    readonly name: string;
    readonly hash: string;
    readonly settings: { readonly [name: string]: unknown };
    readonly data?: { readonly [name: string]: unknown };
  };
  dispose(): void;
}

/** Loads the weights into the backend that is set. */
export function create(options?: CreateOptions): Promise<Model>;
`,
  ].join("\n");
}

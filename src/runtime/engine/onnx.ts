// ONNX Runtime as an engine: opens a model from a file or from bytes, says what it takes and gives, and runs it on the
// runtime's own tensors. The library is loaded when it is first needed; what goes wrong is told as an EngineError.
import type * as ort from "onnxruntime-node";
import { decodeElements, encodeElements } from "../../backends/bytes.ts";
import type { DType } from "../../compiler/graph/graph.ts";
import { countOf, type Tensor } from "../../compiler/ops/tensor.ts";
import { EngineError, messageOf } from "./error.ts";

type Library = typeof ort;

/** A tensor as the library holds it. */
export type NativeTensor = ort.Tensor;

/** An input or output of a model. */
export interface OnnxPort {
  readonly name: string;
  /** Undefined where archc has no such element type. */
  readonly dtype: DType | undefined;
  /** As ONNX Runtime calls the element type. */
  readonly type: string;
  /** A name stands for a size that only a run knows; equal names are equal sizes. */
  readonly shape: readonly (number | string)[];
}

export interface OnnxSessionOptions {
  /** Threads within an operator; as many as the library likes unless said. */
  readonly threads?: number;
  /** "all" unless said. "none" runs the file as it is written, to look for a fault. */
  readonly optimize?: "all" | "none";
  /** Between two runs threads wait asleep: they would take the time of whoever prepares the next one. */
  readonly sleeping?: boolean;
}

const dtypes = {
  float32: "f32",
  float64: "f64",
  int32: "i32",
  int64: "i64",
  bool: "bool",
  float16: "f16",
} as const satisfies Partial<Record<ort.Tensor.Type, DType>>;
type OrtType = keyof typeof dtypes;
const ortTypes = new Map<DType, OrtType>(Object.entries(dtypes).map(([type, dtype]) => [dtype, type as OrtType]));

export class OnnxSession {
  readonly inputs: readonly OnnxPort[];
  readonly outputs: readonly OnnxPort[];
  readonly #library: Library;
  readonly #session: ort.InferenceSession;

  private constructor(library: Library, session: ort.InferenceSession) {
    this.#library = library;
    this.#session = session;
    this.inputs = session.inputMetadata.map(portOf);
    this.outputs = session.outputMetadata.map(portOf);
  }

  /** Opens a model file (with its weights beside, where it has such) or the bytes of one. */
  static async open(model: string | Uint8Array, options: OnnxSessionOptions = {}): Promise<OnnxSession> {
    const library = await loadOnnxRuntime();
    const settings: ort.InferenceSession.SessionOptions = {
      // Errors are thrown; warnings on stderr would be read as ours.
      logSeverityLevel: 3,
      graphOptimizationLevel: options.optimize === "none" ? "disabled" : "all",
      ...(options.sleeping === true ? { extra: { session: { force_spinning_stop: "1" } } } : {}),
      ...(options.threads === undefined ? {} : { intraOpNumThreads: options.threads }),
    };
    try {
      const session = await (typeof model === "string"
        ? library.InferenceSession.create(model, settings)
        : library.InferenceSession.create(model, settings));
      return new OnnxSession(library, session);
    } catch (error) {
      const what = typeof model === "string" ? model : "the model";
      throw new EngineError(`ONNX Runtime cannot open ${what}: ${messageOf(error)}`);
    }
  }

  /** One pass. All outputs unless some are named. */
  async run(feeds: ReadonlyMap<string, Tensor>, fetches?: readonly string[]): Promise<Map<string, Tensor>> {
    const results = await this.pass((port) => feeds.get(port.name), fetches);
    return new Map([...results].map(([name, result]) => [name, tensorOf(name, result)]));
  }

  /** One pass whose results stay as the library holds them, so that feeding them again copies nothing here. */
  async pass(
    feed: (port: OnnxPort) => Tensor | NativeTensor | undefined,
    fetches?: readonly string[],
  ): Promise<ReadonlyMap<string, NativeTensor>> {
    const fed: Record<string, NativeTensor> = {};
    for (const port of this.inputs) {
      const tensor = feed(port);
      if (tensor === undefined)
        throw new EngineError(`the ONNX model needs an input \`${port.name}\`, ${showPort(port)}`);
      fed[port.name] = "dtype" in tensor ? this.#feed(port, tensor) : tensor;
    }
    try {
      return new Map(Object.entries(await this.#session.run(fed, fetches ?? this.#session.outputNames)));
    } catch (error) {
      throw new EngineError(`ONNX Runtime failed: ${messageOf(error)}`);
    }
  }

  #feed(port: OnnxPort, { dtype, shape, data }: Tensor): ort.Tensor {
    const fits =
      port.shape.length === shape.length &&
      port.shape.every((size, i) => typeof size === "string" || size === shape[i]);
    if (port.dtype !== dtype || !fits) {
      throw new EngineError(
        `the input \`${port.name}\` should be ${showPort(port)}, got ${dtype}[${shape.join(", ")}]`,
      );
    }
    const type = ortTypes.get(dtype);
    if (type === undefined)
      throw new EngineError(`ONNX Runtime in Node takes no ${dtype} tensors, as the input \`${port.name}\` is`);
    return toOrt(this.#library, type, encodeElements(dtype, data), shape);
  }

  async close(): Promise<void> {
    await this.#session.release();
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** The version that the loaded library itself returns. */
export async function onnxRuntimeVersion(): Promise<string> {
  const { env } = await loadOnnxRuntime();
  return env.versions.node ?? "unknown";
}

async function loadOnnxRuntime(): Promise<Library> {
  try {
    return await import("onnxruntime-node");
  } catch (error) {
    const way = { text: "Install the package anew:", commands: ["npm install onnxruntime-node"] };
    throw new EngineError(`ONNX Runtime does not load: ${messageOf(error)}`, [way]);
  }
}

function portOf(metadata: ort.InferenceSession.ValueMetadata): OnnxPort {
  const { name } = metadata;
  if (!metadata.isTensor) return { name, dtype: undefined, type: "no tensor", shape: [] };
  const { type, shape } = metadata;
  return { name, dtype: isOrtType(type) ? dtypes[type] : undefined, type, shape };
}
function showPort({ dtype, type, shape }: OnnxPort): string {
  return `${dtype ?? type}[${shape.join(", ")}]`;
}
function isOrtType(type: ort.Tensor.Type): type is OrtType {
  return Object.hasOwn(dtypes, type);
}

function toOrt({ Tensor }: Library, type: OrtType, bytes: Uint8Array, shape: readonly number[]): ort.Tensor {
  const of = [bytes.buffer, bytes.byteOffset] as const;
  const count = countOf(shape);
  switch (type) {
    case "float32":
      return new Tensor(type, new Float32Array(...of, count), shape);
    case "float64":
      return new Tensor(type, new Float64Array(...of, count), shape);
    case "int32":
      return new Tensor(type, new Int32Array(...of, count), shape);
    case "int64":
      return new Tensor(type, new BigInt64Array(...of, count), shape);
    case "bool":
      return new Tensor(type, new Uint8Array(...of, count), shape);
    case "float16":
      return new Tensor(type, new Uint16Array(...of, count), shape);
  }
}

export function tensorOf(name: string, { type, dims, data }: NativeTensor): Tensor {
  if (!isOrtType(type) || !ArrayBuffer.isView(data)) {
    throw new EngineError(`the output \`${name}\` has the element type ${type}, which archc does not have`);
  }
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { dtype: dtypes[type], shape: dims, data: decodeElements(dtypes[type], bytes) };
}

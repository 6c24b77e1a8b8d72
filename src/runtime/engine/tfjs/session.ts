/**
 * The few calls into tfjs-node that a model needs, and runs by node name. They are its backend's: `tf.node.loadSavedModel`
 * reads the whole graph file in JavaScript, too, and shares a session among all who give a path in the same spelling.
 */

/** Numbers with a shape, row-major. */
export interface TensorData {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | Uint8Array;
}

interface TfTensor {
  readonly shape: number[];
  readonly dtype: string;
  dataSync(): Float32Array | Int32Array | Uint8Array;
  dispose(): void;
}
/** What of `@tensorflow/tfjs-node-gpu` or `@tensorflow/tfjs-node` is used. */
export interface TfModule {
  tensor(
    values: Float32Array | Int32Array | Uint8Array,
    shape: number[],
    dtype: "float32" | "int32" | "bool",
  ): TfTensor;
  backend(): unknown;
}
interface NodeBackend {
  loadSavedModelMetaGraph(path: string, tags: string): number;
  deleteSavedModel(id: number): void;
  runSavedModel(
    id: number,
    inputs: TfTensor[],
    infos: { name: string; tfDtype: string }[],
    outputs: string[],
  ): TfTensor[];
}

/** TensorFlow refused or failed. `path` is the place in the model, where its message names one. */
export class TfjsRunError extends Error {
  readonly path: string | undefined;
  constructor(message: string, path: string | undefined, cause: unknown) {
    super(message, { cause });
    this.name = "TfjsRunError";
    this.path = path;
  }
}

export type BorderType = "f32" | "i32" | "bool";
const jsTypes = { f32: "float32", i32: "int32", bool: "bool" } as const;
const tfTypes = { f32: "DT_FLOAT", i32: "DT_INT32", bool: "DT_BOOL" } as const;

export interface FeedNode {
  readonly node: string;
  readonly dtype: BorderType;
  readonly value: TensorData;
}

export class Session {
  readonly #tf: TfModule;
  readonly #id: number;
  readonly #backend: NodeBackend;
  #isOpen = true;

  private constructor(tf: TfModule, id: number, backend: NodeBackend) {
    this.#tf = tf;
    this.#id = id;
    this.#backend = backend;
  }

  /** A session of its own, with variables of its own, however often the folder is open. */
  static open(folder: string, tf: TfModule): Session {
    const backend = tf.backend();
    if (!isNodeBackend(backend)) {
      throw new Error("this version of tfjs-node keeps its sessions elsewhere; use version 4");
    }
    try {
      return new Session(tf, backend.loadSavedModelMetaGraph(folder, "serve"), backend);
    } catch (error) {
      throw failure(error);
    }
  }

  /** Runs what these outputs need. Blocks until it is done. */
  run(feeds: readonly FeedNode[], outputs: readonly string[]): TensorData[] {
    if (!this.#isOpen) throw new Error("this model was disposed of");
    const inputs = feeds.map(({ dtype, value }) => this.#tf.tensor(value.data, [...value.shape], jsTypes[dtype]));
    try {
      const results = this.#backend.runSavedModel(
        this.#id,
        inputs,
        feeds.map(({ node, dtype }) => ({ name: node, tfDtype: tfTypes[dtype] })),
        [...outputs],
      );
      try {
        return results.map((tensor) => ({ shape: tensor.shape, data: tensor.dataSync() }));
      } finally {
        for (const tensor of results) tensor.dispose();
      }
    } catch (error) {
      throw failure(error);
    } finally {
      for (const tensor of inputs) tensor.dispose();
    }
  }

  /** Frees the graph and its variables; once more does nothing. */
  dispose(): void {
    if (!this.#isOpen) return;
    this.#backend.deleteSavedModel(this.#id);
    this.#isOpen = false;
  }
}

function isNodeBackend(backend: unknown): backend is NodeBackend {
  const methods = ["loadSavedModelMetaGraph", "deleteSavedModel", "runSavedModel"];
  return (
    typeof backend === "object" &&
    backend !== null &&
    methods.every((name) => typeof (backend as Record<string, unknown>)[name] === "function")
  );
}

/** TensorFlow's message without its repetitions, with the place in the model in front. */
function failure(error: unknown): TfjsRunError {
  const text = error instanceof Error ? error.message : String(error);
  const node = /\{\{node ([^}]+)\}\}/.exec(text)?.[1] ?? /\[\[([^\]]+)\]\]/.exec(text)?.[1];
  const path = node?.split("/").slice(1, -1).join("/");
  const short = text.replace(/\s*\[\[?\{\{node [\s\S]*$/, "").replace(/^Session fail to run with error:\s*/, "");
  return new TfjsRunError(
    path === undefined ? `TensorFlow: ${short}` : `TensorFlow, at ${path}: ${short}`,
    path,
    error,
  );
}

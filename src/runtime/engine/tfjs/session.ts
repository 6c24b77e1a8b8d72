/**
 * The few calls into tfjs-node that a model needs, and runs by node name. tfjs's own `predict` reads the whole graph file
 * again for each signature; a session that runs any nodes needs it once.
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
interface SavedModel {
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
  readonly node: { loadSavedModel(path: string, tags?: string[], signature?: string): Promise<SavedModel> };
}
interface NodeBackend {
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

/** Sessions that are open, a folder: tfjs-node shares one among all that give a path in the same spelling. */
const open = new Map<string, Set<number>>();

export class Session {
  readonly #tf: TfModule;
  readonly #model: SavedModel;
  readonly #id: number;
  readonly #backend: NodeBackend;
  #release: (() => void) | undefined;

  private constructor(tf: TfModule, model: SavedModel, id: number, backend: NodeBackend, release: () => void) {
    this.#tf = tf;
    this.#model = model;
    this.#id = id;
    this.#backend = backend;
    this.#release = release;
  }

  /** A session of its own, with variables of its own, however often the folder is open. */
  static async open(folder: string, tf: TfModule): Promise<Session> {
    const numbers = open.get(folder) ?? new Set<number>();
    open.set(folder, numbers);
    let number = 0;
    while (numbers.has(number)) number += 1;
    numbers.add(number);
    const release = (): void => void numbers.delete(number);
    const path = folder + "/.".repeat(number);
    const model = await tf.node.loadSavedModel(path, ["serve"], "predict").catch((error: unknown) => {
      release();
      throw failure(error);
    });
    const id: unknown = (model as unknown as { sessionId?: unknown }).sessionId;
    const backend = tf.backend();
    if (typeof id !== "number" || !isNodeBackend(backend)) {
      throw new Error("this version of tfjs-node keeps its sessions elsewhere; use version 4");
    }
    return new Session(tf, model, id, backend, release);
  }

  /** Runs what these outputs need. Blocks until it is done. */
  run(feeds: readonly FeedNode[], outputs: readonly string[]): TensorData[] {
    if (this.#release === undefined) throw new Error("this model was disposed of");
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
    if (this.#release === undefined) return;
    this.#model.dispose();
    this.#release();
    this.#release = undefined;
  }
}

function isNodeBackend(backend: unknown): backend is NodeBackend {
  return (
    typeof backend === "object" &&
    backend !== null &&
    "runSavedModel" in backend &&
    typeof backend.runSavedModel === "function"
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

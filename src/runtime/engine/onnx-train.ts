/**
 * Trains with ONNX Runtime: feeds the variables of a training step to its file, and what comes back to the next run. An
 * evaluation reads the same variables. Knows nothing of data and of when to stop.
 */
import { readFileSync } from "node:fs";
import { STATE_KEY, type StateRecord } from "../../backends/onnx/index.ts";
import { onnx } from "../../backends/onnx/proto.ts";
import { isFloat, type Tensor } from "../../compiler/ops/tensor.ts";
import { encodeElements } from "../../backends/bytes.ts";
import { SafetensorsError, SafetensorsFile, writeSafetensors } from "../safetensors.ts";
import { EngineError } from "./error.ts";
import { type NativeTensor, OnnxSession, type OnnxSessionOptions, tensorOf } from "./onnx.ts";

/** The variables of a training, between two runs. */
export class OnnxState {
  /** By path, as the file of the training step describes them. */
  readonly records: ReadonlyMap<string, StateRecord>;
  readonly #tensors = new Map<string, Tensor | NativeTensor>();

  private constructor(records: ReadonlyMap<string, StateRecord>) {
    this.records = records;
  }

  /** `model`: the file of a training step; `start`: a safetensors file with all its variables. */
  static async open(model: string, start: string): Promise<OnnxState> {
    const { metadataProps } = onnx.ModelProto.decode(readFileSync(model));
    const text = metadataProps.find(({ key }) => key === STATE_KEY)?.value;
    if (text === undefined || text === null)
      throw new EngineError(`${model} is no training step: its metadata have no ${STATE_KEY}.`);
    const state = new OnnxState(new Map(Object.entries(JSON.parse(text) as Record<string, StateRecord>)));
    await state.load(start);
    const missing = [...state.records.keys()].filter((path) => !state.#tensors.has(path));
    if (missing.length > 0)
      throw new SafetensorsError(
        start,
        `it does not hold ${missing.slice(0, 5).join(", ")}.`,
        "It is of another model, or of other settings.",
      );
    return state;
  }

  native(path: string): Tensor | NativeTensor | undefined {
    return this.#tensors.get(path);
  }
  get(path: string): Tensor | undefined {
    const tensor = this.#tensors.get(path);
    return tensor === undefined || "dtype" in tensor ? tensor : tensorOf(path, tensor);
  }
  set(path: string, tensor: Tensor | NativeTensor): void {
    if (!this.records.has(path)) throw new EngineError(`the training step has no variable \`${path}\``);
    this.#tensors.set(path, tensor);
  }

  /** Takes the variables that a safetensors file holds; others stay. Floats may be stored in another width. */
  async load(path: string): Promise<void> {
    const file = await SafetensorsFile.open(path);
    try {
      for (const name of file.tensors.keys()) {
        const record = this.records.get(name);
        if (record === undefined) continue;
        const tensor = await file.read(name);
        const wanted = typeOf(record);
        const fits = tensor.dtype === wanted.dtype || (isFloat(tensor.dtype) && isFloat(wanted.dtype));
        if (!fits || wanted.sizes !== tensor.shape.join(", "))
          throw new SafetensorsError(
            path,
            `\`${name}\` is ${tensor.dtype}[${tensor.shape.join(", ")}], and the training step takes ${record.type}.`,
            "It is of another model, or of other settings.",
          );
        this.#tensors.set(name, { ...tensor, dtype: wanted.dtype });
      }
    } finally {
      await file.close();
    }
  }

  /** Writes all variables, for a checkpoint, or what predictions need. */
  async save(path: string, what: "all" | "weights"): Promise<void> {
    const chosen = [...this.records].filter(([, { kind }]) => what === "all" || kind === "param" || kind === "state");
    await writeSafetensors(
      path,
      chosen.map(([name]) => {
        const tensor = this.get(name);
        if (tensor === undefined) throw new EngineError(`the variable \`${name}\` has no value`);
        const { dtype, shape, data } = tensor;
        return { name, dtype, shape, bytes: () => [encodeElements(dtype, data)] };
      }),
      { format: "pt" },
    );
  }
}

function typeOf({ type }: StateRecord): { readonly dtype: Tensor["dtype"]; readonly sizes: string } {
  const [, dtype = "", sizes = ""] = /^(\w+)\[(.*)\]$/.exec(type) ?? [];
  return { dtype: dtype as Tensor["dtype"], sizes };
}

/** A file whose variables are inputs: a training step, or an evaluation. */
export class OnnxStep {
  readonly state: OnnxState;
  readonly #session: OnnxSession;

  private constructor(state: OnnxState, session: OnnxSession) {
    this.state = state;
    this.#session = session;
  }

  static async open(path: string, state: OnnxState, options: OnnxSessionOptions = {}): Promise<OnnxStep> {
    return new OnnxStep(state, await OnnxSession.open(path, { sleeping: true, ...options }));
  }

  /** What the file gives of this batch, new values of variables apart: these are kept for the next run. */
  async run(batch: ReadonlyMap<string, Tensor>): Promise<Map<string, Tensor>> {
    const { records } = this.state;
    const results = new Map(await this.#session.pass(({ name }) => this.state.native(name) ?? batch.get(name)));
    for (const [path, { next }] of records) {
      const value = next === undefined ? undefined : results.get(next);
      if (next === undefined || value === undefined) continue;
      this.state.set(path, value);
      results.delete(next);
    }
    return new Map([...results].map(([name, result]) => [name, tensorOf(name, result)]));
  }

  close(): Promise<void> {
    return this.#session.close();
  }
}

/**
 * Inputs as they come from files: an image of the `data` section may be fed as the bytes of a picture and normalised in the
 * graph. An ONNX file takes it so with `rawInputs`; a tfjs folder takes either.
 */
import type { Port } from "../compiler/graph/graph.ts";
import type { Plain, Program } from "../compiler/program.ts";
import type { Dim, Shape } from "../compiler/types/dim.ts";

export type PlainRecord = Readonly<Record<string, Plain>>;

/** What is fed in place of an image f32[B, 3, H, W]: u8[B, H, W, 3]. */
export interface InputForm {
  readonly dtype: "u8";
  readonly shape: Shape;
  /** A number a channel, of pixels in [0, 1]. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** By name of the input; empty without `rawInputs`. */
export function inputForms(
  program: Program,
  rawInputs: boolean,
  ports: readonly Port[] = program.predict.ports,
): ReadonlyMap<string, InputForm> {
  const forms = new Map<string, InputForm>();
  if (!rawInputs) return forms;
  for (const { name, type } of ports) {
    const record = recordOf(program.data, name);
    const [batch, channels, height, width] = type.shape;
    const [mean, std] = [numbers(record?.["mean"]), numbers(record?.["std"])];
    if (record?.["kind"] !== "image" || !isImage(type.shape) || mean === undefined || std === undefined) continue;
    if (batch && channels && height && width)
      forms.set(name, { dtype: "u8", shape: [batch, height, width, channels], mean, std });
  }
  return forms;
}

/** The record that the `data` section gives for an input or target. */
export function recordOf(data: Program["data"], name: string): PlainRecord | undefined {
  const value = data?.[name];
  return typeof value === "object" && !Array.isArray(value) ? (value as PlainRecord) : undefined;
}

function isImage(shape: Shape): boolean {
  return shape.length === 4 && isThree(shape[1]);
}
function isThree(dim: Dim | undefined): boolean {
  return dim?.constant === 3;
}
function numbers(value: unknown): readonly number[] | undefined {
  return Array.isArray(value) && value.length === 3 && value.every((n) => typeof n === "number") ? value : undefined;
}

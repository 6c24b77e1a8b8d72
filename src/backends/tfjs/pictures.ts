/**
 * Pictures as bytes: what a placeholder of whole numbers holds, four bytes each, becomes the image that the graph takes. An
 * eighth of the memory traffic of floats, and none of JavaScript's arithmetic. Which input is a picture, others say.
 */
import type { InputForm } from "../inputs.ts";
import { describeDim, type PictureDescription } from "./model.ts";
import { attr, type TfNodes, type TfValue } from "./nodes.ts";

export interface PictureFeed {
  /** f32[B, 3, H, W], as a float feed would be. */
  readonly planes: TfValue;
  readonly description: PictureDescription;
}

/** Undefined where the size of a picture is open: how many words a row takes must be known. */
export function pictureFeed(tf: TfNodes, name: string, port: string, form: InputForm): PictureFeed | undefined {
  const [height, width] = form.shape.slice(1, 3).map((d) => d.constant);
  if (height === undefined || width === undefined) return undefined;
  const bytes = 3 * height * width;
  const words = Math.ceil(bytes / 4);
  const free = { chained: false } as const;
  const placeholder = tf.named(`${name}/bytes/${port}`, "Placeholder", [], "i32", {
    dtype: attr.type("i32"),
    shape: attr.shape([-1, words]),
  });
  const planes = tf.within(`${name}/picture/${port}`, () => {
    const reshaped = (value: TfValue, shape: readonly number[]): TfValue =>
      tf.one("Reshape", [value, tf.ints(shape)], "u8", { T: attr.type("u8"), Tshape: attr.type("i32") }, free);
    const four = { T: attr.type("i32"), type: attr.type("u8") };
    const packed = reshaped(tf.one("Bitcast", [placeholder], "u8", four, free), [-1, 4 * words]);
    const index = { T: attr.type("u8"), Index: attr.type("i32") };
    const whole =
      4 * words === bytes
        ? packed
        : tf.one("Slice", [packed, tf.ints([0, 0]), tf.ints([-1, bytes])], "u8", index, free);
    const order = { T: attr.type("u8"), Tperm: attr.type("i32") };
    const pixels = reshaped(whole, [-1, height, width, 3]);
    const first = tf.one("Transpose", [pixels, tf.ints([0, 3, 1, 2])], "u8", order, free);
    const cast = { SrcT: attr.type("u8"), DstT: attr.type("f32"), Truncate: attr.bool(false) };
    const numbers = tf.one("Cast", [first], "f32", cast, free);
    // (byte / 255 - mean) / std
    const channels = (of: (std: number, channel: number) => number): TfValue =>
      tf.constant(form.std.map(of), "f32", [3, 1, 1]);
    const scaled = tf.one("Mul", [numbers, channels((std) => 1 / (255 * std))], "f32", { T: attr.type("f32") }, free);
    const shift = channels((std, c) => (form.mean[c] ?? 0) / std);
    return tf.one("Sub", [scaled, shift], "f32", { T: attr.type("f32") }, free);
  });
  return { planes, description: { node: `${placeholder.node}:0`, shape: form.shape.map(describeDim) } };
}

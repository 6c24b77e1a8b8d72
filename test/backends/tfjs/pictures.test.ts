/** Images fed as bytes, which the graph normalises, beside the same images fed as floats. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { emitTfjs } from "../../../src/backends/tfjs/index.ts";
import { initialValues } from "../../../src/compiler/ops/initialize.ts";
import { FeedError, type TfjsModel } from "../../../src/runtime/engine/tfjs/model.ts";
import { relativeL2 } from "../../support/goldens.ts";
import { programFrom } from "../../support/library.ts";
import { openProgram } from "../../support/tfjs.ts";

const [MEAN, STD] = [
  [0.485, 0.456, 0.406],
  [0.229, 0.224, 0.225],
];
/** Side 5 has rows of 75 bytes, which are no whole number of words. */
const program = (side: number): ReturnType<typeof programFrom> =>
  programFrom(`model net() {
  input  image: f32[B, 3, ${String(side)}, ${String(side)}]
  target label: i32[B] in 0 ..< 4
  head main {
    let logits = image |> conv(6) |> batch_norm |> relu |> global_avg_pool |> linear(4)
    loss cross_entropy(logits, label)
    predict seen = image
    predict scores = logits
  }
  train { batch = 3  epochs = 1  optimize "**" by sgd(momentum: 0.9) at constant(0.1) }
  data {
    image = image_file("path", size: ${String(side)}, mean: [${MEAN.join(", ")}], std: [${STD.join(", ")}])
    label = column("label")
  }
}
`);
const label = { shape: [3], data: Int32Array.of(0, 3, 1) };

describe.each([8, 5])("pictures of side %i", (side) => {
  const made = program(side);
  const bytes = Uint8Array.from({ length: 3 * 3 * side * side }, (_, i) => (i * 89 + (i >> 3)) % 256);
  const pictures = { shape: [3, side, side, 3], data: bytes };
  const plane = side * side;
  const floats = {
    shape: [3, 3, side, side],
    data: Float32Array.from({ length: bytes.length }, (_, i) => {
      const [sample, c, at] = [Math.floor(i / (3 * plane)), Math.floor(i / plane) % 3, i % plane];
      return ((bytes[(sample * plane + at) * 3 + c] ?? 0) / 255 - (MEAN[c] ?? 0)) / (STD[c] ?? 1);
    }),
  };
  let opened: { readonly model: TfjsModel; close(): Promise<void> };
  beforeAll(async () => {
    opened = await openProgram(made, { mode: "train" });
    start();
  });
  afterAll(() => opened.close());
  const start = (): void => {
    opened.model.setWeights(
      made.variables
        .filter(({ type }) => type.dtype === "f32")
        .map((v) => {
          const shape = v.type.shape.map((d) => d.constant ?? 0);
          return [v.path, { shape, data: Float32Array.from(initialValues(v, 0) as Float32Array) }] as const;
        }),
    );
  };

  test("the graph sees the floats, but for a rounding", () => {
    const seen = opened.model.predict({ image: pictures })["seen"];
    expect(seen?.shape).toEqual(floats.shape);
    seen?.data.forEach((value, i) => expect(Math.abs(value - (floats.data[i] ?? NaN))).toBeLessThan(5e-7));
  });
  test("an array that lies at an odd place is taken too", () => {
    const data = new Uint8Array(new ArrayBuffer(bytes.length + 3), 3);
    data.set(bytes);
    const [here, there] = [pictures, { ...pictures, data }].map(
      (image) => opened.model.predict({ image })["seen"]?.data,
    );
    expect(there).toEqual(here);
  });
  test("steps and evaluation are those of the floats", () => {
    const after = [pictures, floats].map((image) => {
      start();
      const losses = Array.from({ length: 3 }, () => opened.model.trainStep({ image, label })["loss"] ?? NaN);
      const { scores } = opened.model.evaluate({ image, label });
      return { losses, scores: Array.from(scores?.data ?? []), weights: opened.model.getWeights() };
    });
    const [ours, theirs] = after;
    if (ours === undefined || theirs === undefined) throw new Error("unreachable: two runs");
    expect(relativeL2(ours.losses, theirs.losses)).toBeLessThan(1e-5);
    expect(relativeL2(ours.scores, theirs.scores)).toBeLessThan(1e-5);
    for (const path of ["main.conv.weight", "main.linear.weight"]) {
      const [a, b] = [ours, theirs].map(({ weights }) => Array.from(weights.get(path)?.data ?? []));
      expect(relativeL2(a ?? [], b ?? []), path).toBeLessThan(1e-5);
    }
  });
  test("bytes of another shape are refused by name", () => {
    const run = (image: { shape: readonly number[]; data: Uint8Array }): unknown => opened.model.predict({ image });
    expect(() => run({ ...pictures, shape: floats.shape })).toThrow(`u8[B, ${String(side)}, ${String(side)}, 3]`);
    expect(() => run({ ...pictures, data: bytes.subarray(1) })).toThrow(FeedError);
  });
});

test("the types say that either is taken", () => {
  const { files } = emitTfjs(program(8), { mode: "predict" });
  expect(files.get("index.d.ts")).toContain("or the bytes of pictures, a Uint8Array [B, 8, 8, 3]");
});

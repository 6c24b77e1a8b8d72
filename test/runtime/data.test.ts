// The loader against closed forms: a similarity is fixed by two points, bilinear sampling of a linear ramp is the ramp
// itself, and a flipped sample mirrors its points.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Dim } from "../../src/compiler/types/dim.ts";
import {
  alignFace,
  apply,
  compose,
  degenerate,
  drawAugmentation,
  identity,
  invert,
  pixelsToUnit,
  similarity,
} from "../../src/runtime/data/affine.ts";
import { Batches, sampleOf } from "../../src/runtime/data/batches.ts";
import { decode, warp } from "../../src/runtime/data/image.ts";
import { readManifest } from "../../src/runtime/data/manifest.ts";
import { type Field, type Recipe, recipeOf } from "../../src/runtime/data/recipe.ts";
import { Draws } from "../../src/runtime/draws.ts";

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "archc-data-"));
  // Red rises by 2 a column, green by 3 a row; blue is 7.
  const [width, height] = [60, 40];
  const raw = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) raw.set([10 + 2 * x, 20 + 3 * y, 7], (y * width + x) * 3);
  await sharp(raw, { raw: { width, height, channels: 3 } })
    .png()
    .toFile(join(folder, "ramp.png"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const points = ["x1", "y1", "x2", "y2", "x3", "y3", "x4", "y4", "x5", "y5"];
const fields = (size: number): Field[] => [
  {
    name: "image",
    dtype: "f32",
    shape: [3, size, size],
    range: undefined,
    from: { kind: "image", column: "path", size, mean: [0, 0, 0], std: [1, 1, 1] },
  },
  { name: "landmarks", dtype: "f32", shape: [5, 2], range: undefined, from: { kind: "points", columns: points } },
  { name: "age", dtype: "i32", shape: [], range: { from: 0, to: 101 }, from: { kind: "numbers", columns: ["age"] } },
];
const face = [20, 15, 40, 15, 30, 22, 24, 30, 36, 30];
const header = `path,age,${points.join(",")}`;
const manifest = (name: string, ...lines: string[]): string => {
  const path = join(folder, name);
  writeFileSync(path, [header, ...lines, ""].join("\n"));
  return path;
};
const row = (age: string | number, at: readonly (string | number)[] = face): string =>
  `ramp.png,${age},${at.join(",")}`;
/** The same face a little to the side: no picture is the same twice. */
const shifted = (by: number): number[] => face.map((value, i) => (i % 2 === 0 ? value + 0.01 * by : value));
const recipe = (size: number, more: Partial<Recipe> = {}): Recipe => ({
  fields: fields(size),
  alignment: undefined,
  augmentations: [],
  ...more,
});

describe("maps of the plane", () => {
  it("takes two points to two points and keeps angles", () => {
    const map = similarity(
      [
        [3, 4],
        [10, -2],
      ],
      [
        [0, -0.28],
        [0, 0.46],
      ],
    );
    expect(map).toBeDefined();
    const [x, y] = apply(map!, [3, 4]);
    expect([x, y + 0.28].map((v) => Math.abs(v) < 1e-12)).toEqual([true, true]);
    const other = apply(map!, [10, -2]);
    expect(Math.abs(other[0]) + Math.abs(other[1] - 0.46)).toBeLessThan(1e-12);
    expect([map!.a, map!.b]).toEqual([map!.e, -map!.d]);
  });

  it("inverts and composes", () => {
    const map = { a: 2, b: 1, c: -3, d: 0.5, e: 4, f: 9 };
    const [x, y] = apply(compose(invert(map), map), [5, -7]);
    expect(Math.abs(x - 5) + Math.abs(y + 7)).toBeLessThan(1e-12);
  });

  it("puts pixel centre i of n at (2 i + 1) / n - 1", () => {
    const [x, y] = apply(pixelsToUnit(8, 4), [0, 3]);
    expect(x).toBeCloseTo(1 / 8 - 1, 12);
    expect(y).toBeCloseTo(7 / 4 - 1, 12);
  });

  it("takes the upper lip where it is given, else the middle of the mouth", () => {
    const alignment = { eyes: [0, -0.28], lip: [0, 0.46], columns: [] } as const;
    const at = [
      [20, 15],
      [40, 15],
      [30, 22],
      [24, 30],
      [36, 30],
    ] as const;
    const mouth = apply(alignFace(alignment, at, undefined)!, [30, 30]);
    expect(mouth[1]).toBeCloseTo(0.46, 12);
    const lip = apply(alignFace(alignment, at, [30, 28])!, [30, 28]);
    expect(lip[1]).toBeCloseTo(0.46, 12);
  });

  it("finds points on a line", () => {
    expect(
      degenerate([
        [0, 0],
        [1, 2],
        [2, 4],
        [3, 6],
        [5, 10],
      ]),
    ).toBe(true);
    expect(
      degenerate([
        [0, 0],
        [1, 2],
        [2, 4],
        [3, 6],
        [5, 9],
      ]),
    ).toBe(false);
  });
});

describe("augmentation", () => {
  it("mirrors, swaps and stays inside its bounds", () => {
    const steps = [
      { kind: "flip", chance: 1, swap: [[0, 1]] },
      { kind: "scale", low: 0.9, high: 1.1 },
      { kind: "rotate", degrees: 15 },
      { kind: "shift", fraction: 0.05 },
    ] as const;
    for (let i = 0; i < 200; i += 1) {
      const { map, swaps } = drawAugmentation(steps, new Draws(1, i));
      expect(swaps).toEqual([[0, 1]]);
      const size = Math.hypot(map.a, map.d);
      expect(size).toBeGreaterThanOrEqual(0.9 - 1e-12);
      expect(size).toBeLessThanOrEqual(1.1 + 1e-12);
      expect(Math.abs(Math.atan2(-map.d, -map.a))).toBeLessThanOrEqual((15 * Math.PI) / 180 + 1e-12);
      expect(Math.max(Math.abs(map.c), Math.abs(map.f))).toBeLessThanOrEqual(0.1);
      expect(map.a * map.e - map.b * map.d).toBeLessThan(0);
    }
  });
});

describe("pictures", () => {
  it("samples a linear ramp exactly, at any place between pixels", async () => {
    const picture = await decode(join(folder, "ramp.png"));
    const map = { a: 0.7, b: 0.2, c: 5.3, d: -0.1, e: 0.6, f: 8.1 };
    const out = warp(picture, map, 16);
    for (let i = 0; i < 256; i += 1) {
      const [x, y] = apply(map, [i % 16, Math.floor(i / 16)]);
      expect(out[i]).toBeCloseTo(10 + 2 * x, 3);
      expect(out[256 + i]).toBeCloseTo(20 + 3 * y, 3);
      expect(out[512 + i]).toBeCloseTo(7, 4);
    }
  });

  it("averages blocks before it samples coarsely", async () => {
    const picture = await decode(join(folder, "ramp.png"));
    const out = warp(picture, { a: 4, b: 0, c: 9.5, d: 0, e: 4, f: 9.5 }, 4);
    // The mean of a ramp over a block is the ramp at its middle.
    expect(out[0]).toBeCloseTo(10 + 2 * 9.5, 3);
    expect(out[5]).toBeCloseTo(10 + 2 * 13.5, 3);
  });

  it("turns a picture as its EXIF says", async () => {
    const path = join(folder, "turned.jpg");
    await sharp(join(folder, "ramp.png")).withMetadata({ orientation: 6 }).jpeg().toFile(path);
    const { width, height } = await decode(path);
    expect([width, height]).toEqual([40, 60]);
  });

  it("refuses what is no picture, with its name", async () => {
    const path = join(folder, "not.png");
    writeFileSync(path, "text");
    await expect(decode(path)).rejects.toThrow(/not\.png cannot be read as a picture/);
  });
});

describe("samples", () => {
  it("mirrors image and points together", async () => {
    const { rows } = await readManifest(manifest("one.csv", row(30)), recipe(32));
    const plain = await sampleOf(rows[0]!, recipe(32), { map: identity, swaps: [] });
    const flipped = await sampleOf(rows[0]!, recipe(32), {
      map: { ...identity, a: -1 },
      swaps: [
        [0, 1],
        [3, 4],
      ],
    });
    const [a, b] = [plain.get("image")!, flipped.get("image")!];
    for (let y = 0; y < 32; y += 1)
      for (let x = 0; x < 32; x += 1) expect(b[y * 32 + 31 - x]).toBeCloseTo(a[y * 32 + x]!, 5);
    const [p, q] = [plain.get("landmarks")!, flipped.get("landmarks")!];
    const order = [1, 0, 2, 4, 3];
    order.forEach((from, to) => {
      expect(q[2 * to]).toBeCloseTo(-p[2 * from]!, 6);
      expect(q[2 * to + 1]).toBeCloseTo(p[2 * from + 1]!, 6);
    });
  });

  it("aligns the face in the crop", async () => {
    const aligned = recipe(64, { alignment: { eyes: [0, -0.28], lip: [0, 0.46], columns: [] } });
    const { rows } = await readManifest(manifest("aligned.csv", row(30)), aligned);
    const sample = await sampleOf(rows[0]!, aligned, { map: identity, swaps: [] });
    const p = sample.get("landmarks")!;
    expect((p[0]! + p[2]!) / 2).toBeCloseTo(0, 6);
    expect((p[1]! + p[3]!) / 2).toBeCloseTo(-0.28, 6);
    expect((p[7]! + p[9]!) / 2).toBeCloseTo(0.46, 6);
    // The ramp's red at the eyes' centre (30, 15) is 70, and the crop holds it there.
    const column = ((0 + 1) * 64 - 1) / 2;
    const line = ((-0.28 + 1) * 64 - 1) / 2;
    const image = sample.get("image")!;
    const at = (x: number, y: number): number => image[y * 64 + x]!;
    const near = [Math.floor(column), Math.floor(line)] as const;
    const mean = (at(near[0], near[1]) + at(near[0] + 1, near[1])) / 2;
    expect(mean).toBeCloseTo(70, 3);
  });
});

describe("batches", () => {
  const lines = Array.from({ length: 10 }, (_, i) => row(i, shifted(i)));
  const ages = async (batches: Batches, step: number): Promise<number[]> => [
    ...(await batches.at(step)).get("age")!.data,
  ];

  it("shows every row once an epoch, in an order that the seed draws", async () => {
    const read = await readManifest(manifest("ten.csv", ...lines), recipe(4));
    const make = (seed: number): Batches => new Batches(read, recipe(4), { batch: 5, seed, training: true });
    const one = make(1);
    const first = [...(await ages(one, 0)), ...(await ages(one, 1))];
    const second = [...(await ages(one, 2)), ...(await ages(one, 3))];
    const sorted = (list: number[]): number[] => [...list].sort((a, b) => a - b);
    expect(sorted(first)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(sorted(second)).toEqual(sorted(first));
    expect(second).not.toEqual(first);
    // Asking again, from the middle, gives the same.
    expect(await ages(make(1), 3)).toEqual(second.slice(5));
    expect(await ages(make(2), 0)).not.toEqual(first.slice(0, 5));
  });

  it("gives images as bytes, the very ones that the floats come from", async () => {
    const read = await readManifest(manifest("bytes.csv", row(1), row(2, shifted(2))), recipe(4));
    const batches = new Batches(read, recipe(4), { batch: 2, seed: 3, training: true });
    const [floats, pictures] = [await batches.at(1), await batches.picturesAt(1)];
    expect(pictures.get("image")?.shape).toEqual([2, 4, 4, 3]);
    const bytes = pictures.get("image")?.data ?? [];
    const expected = Array.from({ length: 96 }, (_, i) => {
      const [sample, c, at] = [Math.floor(i / 48), Math.floor(i / 16) % 3, i % 16];
      return Math.fround((bytes[(sample * 16 + at) * 3 + c] ?? NaN) / 255);
    });
    expect(Array.from(floats.get("image")?.data ?? [])).toEqual(expected);
    expect(new Set(bytes).size).toBeGreaterThan(4);
    const others = [...floats].filter(([name]) => name !== "image");
    expect([...pictures].filter(([name]) => name !== "image")).toEqual(others);
  });

  it("gives a short last batch only where nothing is trained", async () => {
    const read = await readManifest(manifest("ten.csv", ...lines), recipe(4));
    expect(new Batches(read, recipe(4), { batch: 4, seed: 0, training: true }).perEpoch).toBe(2);
    const all = new Batches(read, recipe(4), { batch: 4, seed: 0, training: false });
    expect(all.perEpoch).toBe(3);
    expect(await ages(all, 2)).toEqual([8, 9]);
    expect(() => new Batches(read, recipe(4), { batch: 11, seed: 0, training: true })).toThrow(
      /10 rows to train on, and a batch is 11/,
    );
  });
});

describe("pictures that cannot be read", () => {
  it("end the work, or give their place to the next row where that is asked for", async () => {
    // Whole at both ends, so that only decoding can tell.
    const bytes = readFileSync(join(folder, "ramp.png"));
    bytes.fill(0x55, bytes.length / 2, bytes.length / 2 + 20);
    writeFileSync(join(folder, "broken.png"), bytes);
    const path = manifest("broken.csv", row(1), `broken.png,2,${face.join(",")}`, row(3, shifted(3)));
    const read = await readManifest(path, recipe(4));
    const strict = new Batches(read, recipe(4), { batch: 3, seed: 0, training: false });
    await expect(strict.at(0)).rejects.toThrow(/broken\.png cannot be read as a picture/);
    const told: string[] = [];
    const lenient = new Batches(read, recipe(4), {
      batch: 3,
      seed: 0,
      training: false,
      onBad: (problem) => told.push(problem),
    });
    for (let i = 0; i < 2; i += 1) expect([...(await lenient.at(0)).get("age")!.data]).toEqual([1, 3, 3]);
    expect(told).toHaveLength(1);
  });
});

describe("recipes", () => {
  const port = (name: string, sizes: number[], dtype: "f32" | "i32" = "f32") => {
    const type = { dtype, shape: [Dim.variable("B"), ...sizes.map((size) => Dim.of(size))] };
    const node = { id: 0, op: "input", attributes: {}, inputs: [], outputs: [type], path: name, span: undefined };
    return { name, kind: "input", type, value: { node, index: 0 }, range: undefined, span: undefined } as const;
  };

  it("refuses a size that the model does not take", () => {
    const data = { image: { kind: "image", column: "path", size: 64, mean: [0, 0, 0], std: [1, 1, 1] } };
    expect(recipeOf("net", data, [port("image", [3, 64, 64])]).fields[0]?.shape).toEqual([3, 64, 64]);
    expect(() => recipeOf("net", data, [port("image", [3, 32, 32])])).toThrow(
      /`image` is \[3, 32, 32\] a sample, but the `data` section makes \[3, 64, 64\]/,
    );
  });

  it("says what a model's data section leaves out", () => {
    expect(() => recipeOf("net", undefined, [port("x", [2])])).toThrow(/net has no `data` section/);
    expect(() => recipeOf("net", {}, [port("x", [2])])).toThrow(/says nothing about input `x`/);
  });

  it("takes a map wherever a list does, its members in order", () => {
    const image = { kind: "image", column: "path", size: 8, mean: { r: 0.1, g: 0.2, b: 0.3 }, std: [1, 1, 1] };
    const data = {
      image,
      codes: { kind: "numbers", columns: { first: "a", second: "b" } },
      augment: { mirror: { kind: "flip", chance: 0.5, swap: { eyes: { left: 0, right: 1 } } } },
    };
    const recipe = recipeOf("net", data, [port("image", [3, 8, 8]), port("codes", [2], "i32")]);
    expect(recipe.fields.map(({ from }) => from)).toEqual([
      { ...image, mean: [0.1, 0.2, 0.3] },
      { kind: "numbers", columns: ["a", "b"] },
    ]);
    expect(recipe.augmentations).toEqual([{ kind: "flip", chance: 0.5, swap: [[0, 1]] }]);
    // One step alone is a list of one, as before.
    expect(recipeOf("net", { ...data, augment: { kind: "rotate", degrees: 5 } }, []).augmentations).toHaveLength(1);
    const { codes: _, ...without } = data;
    const numbers = { ...without, codes: { kind: "numbers", columns: { first: 1 } } };
    expect(() => recipeOf("net", numbers, [port("codes", [1], "i32")])).toThrow(
      "net: data.codes: `columns` is a list of texts.",
    );
  });
});

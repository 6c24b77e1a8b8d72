// Whole portable modules: the small DHAA against PyTorch's goldens, it and all its variants against the reference in double
// precision, and the outlines of its regions against closed forms.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { evaluate } from "../../../src/backends/reference/index.ts";
import { compile, listModels, rulesOf } from "../../../src/compiler/compile.ts";
import type { Program } from "../../../src/compiler/program.ts";
import { writePortable } from "../../../src/runtime/artifact.ts";
import type { PortableModel } from "../../../src/runtime/engine/portable/folder.ts";
import { predictOnce } from "../../../src/runtime/run/engine.ts";
import { readVariables } from "../../../src/runtime/run/reference.ts";
import { openWeights, seededWeights } from "../../../src/runtime/weights.ts";
import {
  golden,
  goldenPath,
  goldenProgram,
  goldenSettings,
  goldenYardsticks,
  relativeL2,
} from "../../support/goldens.ts";
import { backends, openFolder, portable, tf, useBackend } from "../../support/portable.ts";
import { TestHost } from "../../support/trees.ts";

const ablations = "models/dhaa_ablations.arch";
const host = new TestHost(ablations);
const variants = listModels(host, ablations).models.map((model) => model.name);

function variant(name: string): Program {
  // A variant that sets sizes itself keeps them.
  const settings = name.endsWith("_small") ? [] : goldenSettings;
  const { program, diagnostics } = compile(host, { file: ablations, variant: name, settings });
  if (program === undefined) throw new Error(diagnostics.map((d) => `${d.code} ${d.message}`).join("\n"));
  return program;
}

/** A face where the model wants it: eyes, nose tip, mouth corners. */
const face = [-0.36, -0.28, 0.36, -0.28, 0, 0.1, -0.3, 0.46, 0.3, 0.46];

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "archc-portable-"));
  const program = goldenProgram();
  const weights = await openWeights(program, goldenPath("weights"));
  await writePortable(program, join(folder, "dhaa"), { weights, rules: rulesOf(new TestHost("models/dhaa.arch")) });
  await weights.close();
});
afterAll(() => rm(folder, { recursive: true }));

async function opened<T>(use: (model: PortableModel) => Promise<T>): Promise<T> {
  const before = tf.memory().numTensors;
  const model = await openFolder(join(folder, "dhaa"));
  try {
    return await use(model);
  } finally {
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  }
}

describe.each(backends)("on %s", (backend) => {
  beforeAll(() => useBackend(backend));

  test("the small DHAA predicts PyTorch's ages, within 4 times the error of PyTorch's own f32", async () => {
    const [inputs, outputs] = await Promise.all([golden("inputs"), golden("outputs")]);
    const [image, landmarks] = [inputs.get("image")!, inputs.get("landmarks")!];
    const wanted = outputs.get("predict.years.0")!.data;
    const yardstick = Math.max(1e-6, 4 * (goldenYardsticks().predictions["years.0"] ?? 0));
    await opened(async (model) => {
      const { years } = await model.predict({ image, landmarks });
      expect(years?.shape).toEqual([image.shape[0]]);
      expect(relativeL2(years!.data, wanted)).toBeLessThan(yardstick);
      // Numbers alone get their shape from the input; tensors stay the caller's, and so do results.
      const points = tf.tensor(Float32Array.from(landmarks.data), [...landmarks.shape]);
      const tensors = model.execute({ image: image.data, landmarks: points });
      expect(relativeL2(tensors["years"]!.dataSync(), wanted)).toBeLessThan(yardstick);
      tf.dispose([points, tensors]);
    });
  });

  test("regions lie where the alignment puts them", async () => {
    await opened(async (model) => {
      const outlines = await model.regions({ landmarks: face });
      const square = (x: number, y: number, half: number): number[] => [
        ...[x - half, y - half, x + half, y - half],
        ...[x + half, y + half, x - half, y + half],
      ];
      // A face that lies right: what a region magnifies by s is a square of half side 1 / s about its centre.
      const wanted = {
        "face.whole": square(0, 0, 1),
        "face.near": square(0, 0, 1),
        "face.close": square(0, 0, 1 / 1.2),
        "face.eye": square(-0.36, -0.28, 1 / 2.4),
        "face.nose": square(0, 0.1, 1 / 2.4),
        "face.mouth": square(0, 0.46, 1 / 2.4),
      };
      expect(Object.keys(outlines)).toEqual(Object.keys(wanted));
      for (const [name, corners] of Object.entries(wanted)) {
        expect(outlines[name]?.shape).toEqual([1, 4, 2]);
        corners.forEach((at, i) => expect(outlines[name]?.data[i], name).toBeCloseTo(at, 5));
      }
      // Moved and turned by 90 degrees, the outlines move and turn along: (x, y) to (0.2 - y, x).
      const turned = face.flatMap((x, i) => (i % 2 === 0 ? [0.2 - face[i + 1]!, x] : []));
      const after = await model.regions({ landmarks: turned });
      const eye = wanted["face.eye"].flatMap((x, i, all) => (i % 2 === 0 ? [0.2 - all[i + 1]!, x] : []));
      eye.forEach((at, i) => expect(after["face.eye"]?.data[i]).toBeCloseTo(at, 5));
    });
  });
});

describe("what is fed", () => {
  beforeAll(() => useBackend("cpu"));

  test("is checked by name and shape", async () => {
    await opened(async (model) => {
      const image = new Float32Array(3 * 64 * 64);
      await expect(model.predict({ image })).rejects.toThrow("predict needs the input `landmarks`: f32[B, 5, 2]");
      await expect(model.predict({ image, landmarks: face, age: [1] })).rejects.toThrow("there is no input `age`");
      const two = { shape: [2, 5, 2], data: [...face, ...face] };
      await expect(model.predict({ image, landmarks: two })).rejects.toThrow("B is 1 in `image` and 2 in `landmarks`");
      await expect(model.predict({ image, landmarks: face.slice(1) })).rejects.toThrow(
        "`landmarks` has 9 numbers, not a multiple of 10",
      );
    });
  });
});

test("the outlines of boxes are the boxes", async () => {
  const program = variant("dhaa_roi");
  await writePortable(program, join(folder, "roi"), { weights: seededWeights(0), rules: rulesOf(host) });
  await useBackend("cpu");
  const model = await openFolder(join(folder, "roi"));
  const { "face.near": near } = await model.regions({ landmarks: face });
  // About the nose tip, with side 2.
  [-1, -0.9, 1, -0.9, 1, 1.1, -1, 1.1].forEach((at, i) => expect(near?.data[i]).toBeCloseTo(at, 5));
  model.dispose();
});

describe("every variant against the reference", () => {
  test.each(variants)("%s", async (name) => {
    const program = variant(name);
    const { predict } = program;
    const weights = seededWeights(3);
    const inputs = await golden("inputs");
    const fed = new Map(
      predict.ports.map((port) => {
        const tensor = inputs.get(port.name)!;
        const data = Float32Array.from(tensor.data);
        return [port.name, { dtype: port.type.dtype, shape: tensor.shape, data }] as const;
      }),
    );
    const variables = await readVariables(predict.variables, weights);
    const [exact, single] = (["f64", "f32"] as const).map(
      (precision) => evaluate(predict, { precision, inputs: fed, variables }).outputs,
    );
    const results = await predictOnce(portable("wasm"), { program, rules: rulesOf(host), weights, seed: 0 }, fed);
    for (const [output, { data }] of results) {
      const wanted = exact!.get(output)!;
      const yardstick = relativeL2(single!.get(output)!.data, wanted.data);
      expect(relativeL2(data, wanted.data)).toBeLessThan(Math.max(1e-6, 4 * yardstick));
    }
  });
});

// The onnx target as a whole: what a reader finds in the file and beside it, weights in a file of their own, images fed as
// bytes, and that what does not fit the plan is an error, not a broken file.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type * as Ort from "onnxruntime-node";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  emitOnnxProgram,
  type OnnxEmission,
  type OnnxProgramOptions,
  planChunks,
  type ReadVariable,
  variablesOf,
} from "../../../src/backends/onnx/index.ts";
import { onnx } from "../../../src/backends/onnx/proto.ts";
import { writeChunks } from "../../../src/runtime/files.ts";
import { OnnxSession } from "../../../src/runtime/engine/onnx.ts";
import { seededWeights } from "../../../src/runtime/weights.ts";
import { goldenProgram } from "../../support/goldens.ts";
import { bytesOfPlan } from "../../support/onnx.ts";

const ort = createRequire(import.meta.url)("onnxruntime-node") as typeof Ort;
const program = goldenProgram();
const folder = mkdtempSync(join(tmpdir(), "archc-onnx-"));
const side = 64;
const pixels = new Uint8Array(side * side * 3).map((_, i) => (i * 7919) % 256);
const landmarks = Float32Array.of(-0.3, -0.25, 0.4, -0.3, 0, 0.1, -0.35, 0.5, 0.25, 0.4);

const seeded = seededWeights(3);
const variables = new Map(program.variables.map((variable) => [variable.path, variable]));
const read: ReadVariable = (path) => seeded.read(variables.get(path)!);

function emit(options: Partial<OnnxProgramOptions> = {}): OnnxEmission {
  return emitOnnxProgram(program, { base: "face", producerVersion: "1.2.3", ...options });
}
async function write(emission: OnnxEmission): Promise<void> {
  for (const [name, plan] of emission.plans) await writeChunks(join(folder, name), planChunks(plan, read));
  for (const [name, text] of emission.files) writeFileSync(join(folder, name), text);
}
async function yearsOf(model: string, image: Ort.Tensor): Promise<number> {
  const session = await ort.InferenceSession.create(join(folder, model), { logSeverityLevel: 3 });
  const { years } = await session.run({ image, landmarks: new ort.Tensor("float32", landmarks, [1, 5, 2]) });
  await session.release();
  return Number(years!.data[0]);
}
/** The picture's bytes as the program's `data` section says: (pixel / 255 - mean) / std, planes. */
function normalised(): Ort.Tensor {
  const [mean, std] = [
    [0.485, 0.456, 0.406],
    [0.229, 0.224, 0.225],
  ];
  const planes = Float32Array.from({ length: pixels.length }, (_, i) => {
    const channel = Math.floor(i / side ** 2);
    return (pixels[(i % side ** 2) * 3 + channel]! / 255 - mean[channel]!) / std[channel]!;
  });
  return new ort.Tensor("float32", planes, [1, 3, side, side]);
}

let years: number;
beforeAll(async () => {
  symlinkSync(resolve("node_modules"), join(folder, "node_modules"));
  await write(emit());
  years = await yearsOf("face.onnx", normalised());
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("the file says what it is, takes and gives", async () => {
  const model = onnx.ModelProto.decode(await bytesOfPlan(emit().plans.get("face.onnx")!, read));
  expect([
    model.producerName,
    model.producerVersion,
    Number(model.irVersion),
    Number(model.opsetImport[0]?.version),
  ]).toEqual(["archc", "1.2.3", 9, 20]);
  const metadata = new Map(model.metadataProps.map(({ key, value }) => [key ?? "", value ?? ""]));
  expect(metadata.get("archc.model")).toBe("dhaa");
  expect(metadata.get("archc.hash")).toBe(program.hash);
  const said = (key: string): unknown => JSON.parse(metadata.get(key) ?? "null");
  expect(said("archc.settings")).toMatchObject({ side: 64, classes: 11 });
  expect(said("archc.inputs")).toMatchObject({
    image: { type: "f32[B, 3, 64, 64]", from: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } },
    landmarks: { from: { kind: "points", columns: ["x1", "y1", "x2", "y2", "x3", "y3", "x4", "y4", "x5", "y5"] } },
  });
  expect(said("archc.targets")).toMatchObject({ age: { classes: { first: 0, last: 10 } } });
  expect(said("archc.prepare")).toMatchObject([{ kind: "align_face", eyes: [0, -0.28], lip: [0, 0.46] }]);
  expect(model.docString).toBe("dhaa, compiled by archc. Trained on `age`: its classes are the numbers 0 to 10.");
  const image = model.graph?.input?.find((input) => input.name === "image")?.docString;
  expect(image).toContain("(pixel / 255 - mean) / std");
  expect(image).toContain('after align_face(eyes: [0,-0.28], lip: [0,0.46], columns: ["lip_x","lip_y"])');
});

test("the engine's wrapper says the same of types and sizes", async () => {
  await using session = await OnnxSession.open(join(folder, "face.onnx"), { threads: 1 });
  expect(session.inputs.map(({ name, dtype, shape }) => [name, dtype, shape])).toEqual([
    ["image", "f32", ["B", 3, 64, 64]],
    ["landmarks", "f32", ["B", 5, 2]],
  ]);
  const image = { dtype: "f32", shape: [1, 3, 32, 64], data: new Float32Array(3 * 32 * 64) } as const;
  await expect(session.run(new Map())).rejects.toThrow("needs an input `image`, f32[B, 3, 64, 64]");
  await expect(session.run(new Map([["image", image]]))).rejects.toThrow(
    "`image` should be f32[B, 3, 64, 64], got f32[1, 3, 32, 64]",
  );
  await expect(OnnxSession.open(join(folder, "face.usage.py"))).rejects.toThrow("ONNX Runtime cannot open");
});

test("weights in a file of their own give the same numbers", async () => {
  const emission = emit({ base: "apart", externalData: true });
  await write(emission);
  expect([...emission.plans.keys()]).toEqual(["apart.onnx.data", "apart.onnx"]);
  expect(emission.plans.get("apart.onnx")!.bytes).toBeLessThan(200_000);
  expect(variablesOf(emission.plans.get("apart.onnx")!)).toEqual([]);
  expect(variablesOf(emission.plans.get("apart.onnx.data")!)).toContain("stem.conv1.weight");
  expect(await yearsOf("apart.onnx", normalised())).toBe(years);
});

test("images as bytes give the same numbers", async () => {
  await write(emit({ base: "raw", rawInputs: true }));
  const raw = await yearsOf("raw.onnx", new ort.Tensor("uint8", pixels, [1, side, side, 3]));
  expect(Math.abs(raw - years)).toBeLessThan(1e-5 * years);
});

describe("the usage beside", () => {
  beforeAll(async () => {
    const picture = sharp(pixels, { raw: { width: side, height: side, channels: 3 } });
    await picture.png().toFile(join(folder, "face.png"));
    await write(emit({ base: "raw", rawInputs: true }));
  });

  test.each(["face", "raw"])("%s.usage.mjs runs on a picture", async (base) => {
    // The program stands for its landmarks with zeros.
    const session = await ort.InferenceSession.create(join(folder, "face.onnx"), { logSeverityLevel: 3 });
    const { years: expected } = await session.run({
      image: normalised(),
      landmarks: new ort.Tensor("float32", new Float32Array(10), [1, 5, 2]),
    });
    const output = execFileSync(process.execPath, [join(folder, `${base}.usage.mjs`), join(folder, "face.png")], {
      encoding: "utf8",
    });
    const [, number] = /^years Float32Array\(1\) \[ ([\d.]+) \]$/m.exec(output) ?? [];
    expect(Math.abs(Number(number) - Number(expected!.data[0]))).toBeLessThan(1e-4);
  });

  test("the Python program reads the same file and feeds the same inputs", () => {
    const text = emit().files.get("face.usage.py") as string;
    expect(text).toContain('ort.InferenceSession(Path(__file__).with_name("face.onnx"))');
    expect(text).toContain('session.run(None, {"image": image, "landmarks": landmarks})');
    expect(text).toContain("np.zeros((1, 5, 2), np.float32)");
  });
});

describe("weights that do not fit the plan", () => {
  const { plans } = emit();
  const plan = plans.get("face.onnx")!;

  test("too few bytes leave no file", async () => {
    const short: ReadVariable = (path) => (path === "final.logits.weight" ? [new Uint8Array(4)] : read(path));
    await expect(writeChunks(join(folder, "short.onnx"), planChunks(plan, short))).rejects.toThrow(
      "final.logits.weight",
    );
    expect(() => execFileSync("ls", [join(folder, "short.onnx")], { stdio: "pipe" })).toThrow();
  });

  test("chunks of any whole number of elements give the same bytes", async () => {
    async function* pieces(path: string): AsyncGenerator<Uint8Array> {
      const buffer = new Uint8Array(28);
      for await (const chunk of read(path)) {
        for (let i = 0; i < chunk.byteLength; i += buffer.byteLength) {
          const piece = chunk.subarray(i, i + buffer.byteLength);
          buffer.set(piece);
          yield buffer.subarray(0, piece.byteLength);
        }
      }
    }
    const whole = await bytesOfPlan(plan, read);
    const pieced = await bytesOfPlan(plan, pieces);
    expect(Buffer.from(whole).equals(Buffer.from(pieced))).toBe(true);
  });
});

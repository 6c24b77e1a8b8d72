/** The folder of the tfjs target as its users meet it: its graph's form, its JavaScript API, its checks, its weights. */
import { execFileSync } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeElements } from "../../../src/backends/bytes.ts";
import { emitTfjs } from "../../../src/backends/tfjs/index.ts";
import { compile } from "../../../src/compiler/compile.ts";
import type { Host } from "../../../src/compiler/host.ts";
import { initialValues } from "../../../src/compiler/ops/initialize.ts";
import type { Program } from "../../../src/compiler/program.ts";
import { loadTensorflow } from "../../../src/runtime/engine/index.ts";
import { FeedError, openModel, type TfjsModel, type TfModule } from "../../../src/runtime/engine/tfjs/model.ts";
import { TestHost } from "../../support/trees.ts";
import { SafetensorsFile, type TensorToWrite, writeSafetensors } from "../../../src/runtime/safetensors.ts";
import { type GraphNode, graphNodes, writeFolder } from "../../support/tfjs.ts";

const network = (optimizer: string): string => `model net(classes: int = 4) {
  input  image: f32[B, 3, 8, 8]
  target label: i32[B] in 0 ..< classes
  head main {
    let a = image |> conv(6) as c1 |> batch_norm as n1 |> relu |> max_pool(3, stride: 2, pad: 1)
    let b = a |> conv(8, stride: 2) as c2 |> batch_norm as n2 |> relu |> global_avg_pool
    let logits = b |> linear(classes)
    loss cross_entropy(logits, label)
    predict scores = softmax(logits)
  }
  train { batch = 4  epochs = 1  optimize "**" by ${optimizer} at constant(0.05) }
}`;

function programOf(text: string): Program {
  const disk = new TestHost("net.arch");
  const host: Host = {
    read: (name) => (name === "net.arch" ? text : disk.read(name)),
    resolve: (importer, from) => disk.resolve(importer, from),
  };
  const { program, diagnostics } = compile(host, { file: "net.arch" });
  if (program === undefined) throw new Error(diagnostics.map((d) => `${d.code} ${d.message}`).join("\n"));
  return program;
}
const momentum = programOf(network("sgd(momentum: 0.9, nesterov: true, decay: 5e-4)"));

function startOf(program: Program, seed = 0): TensorToWrite[] {
  return program.variables
    .filter((v) => v.kind === "param" || v.kind === "state")
    .map((v) => {
      const values = initialValues(v, seed);
      const shape = v.type.shape.map((d) => d.constant ?? 0);
      return {
        name: v.path,
        dtype: v.type.dtype,
        shape,
        bytes: () => [encodeElements(v.type.dtype, Float32Array.from(values as Float32Array))],
      };
    });
}
/** The same numbers every time; labels that the images' brightest quarter decides, so that they can be learned. */
const batch = {
  image: {
    shape: [4, 3, 8, 8],
    data: Float32Array.from(
      { length: 4 * 192 },
      (_, i) => Math.sin(i * 1.7) + (i % 192 === Math.floor(i / 192) ? 3 : 0),
    ),
  },
  label: { shape: [4], data: Int32Array.of(0, 1, 2, 3) },
};

let folder: string;
let model: TfjsModel;
let tf: TfModule;
beforeAll(async () => {
  tf = loadTensorflow({ threads: { intra: 2, inter: 2 } }).tf;
  folder = await writeFolder(momentum, { mode: "train" });
  await writeSafetensors(join(folder, "weights.safetensors"), startOf(momentum));
  model = await openModel(folder, { tf });
});
afterAll(async () => {
  model.dispose();
  await rm(folder, { recursive: true });
});

describe("the graph", () => {
  const nodesOf = (program: Program): readonly GraphNode[] => graphNodes(emitTfjs(program, { mode: "train" }).files);
  const opsOf = (nodes: readonly GraphNode[], op: string): readonly GraphNode[] => nodes.filter((n) => n.op === op);

  test("equal programs give equal bytes", () => {
    const again = programOf(network("sgd(momentum: 0.9, nesterov: true, decay: 5e-4)"));
    const [one, two] = [momentum, again].map((p) => emitTfjs(p, { mode: "train" }).files);
    for (const [name, content] of one ?? [])
      expect(Buffer.from(two?.get(name) ?? ""), name).toEqual(Buffer.from(content));
  });
  test("momentum, as the library writes it, is one kernel a weight; other optimizers are assigned", () => {
    const trained = momentum.variables.filter((v) => v.trained).length;
    const nodes = nodesOf(momentum);
    expect(opsOf(nodes, "ResourceApplyMomentum").map((n) => n.attr["use_nesterov"]?.b)).toEqual(
      Array.from({ length: trained }, () => true),
    );
    const plain = nodesOf(programOf(network("sgd(momentum: 0.9)")));
    expect(opsOf(plain, "ResourceApplyMomentum").map((n) => n.attr["use_nesterov"]?.b)).toEqual(
      Array.from({ length: trained }, () => false),
    );
    const adam = nodesOf(programOf(network("adam()")));
    expect(opsOf(adam, "ResourceApplyMomentum")).toEqual([]);
  });
  test("channels are last inside, and only borders transpose", () => {
    const step = nodesOf(momentum).filter((n) => n.name.startsWith("train_step/"));
    for (const op of [
      "Conv2D",
      "Conv2DBackpropInput",
      "Conv2DBackpropFilter",
      "FusedBatchNormV3",
      "FusedBatchNormGradV3",
      "MaxPool",
      "MaxPoolGrad",
    ]) {
      const found = opsOf(step, op);
      expect(found.length, op).toBeGreaterThan(0);
      for (const n of found) expect(Buffer.from(n.attr["data_format"]?.s ?? "").toString(), op).toBe("NHWC");
    }
    // The image comes in NCHW; the rest are transposes that the model itself asks for, in its linear layer.
    expect(opsOf(step, "Transpose").filter((n) => !n.name.includes("/transpose/")).length).toBe(1);
  });
  test("no window is padded explicitly, which would leave the fast kernels", () => {
    for (const n of nodesOf(momentum)) {
      const padding = n.attr["padding"]?.s;
      if (padding !== undefined) expect(["SAME", "VALID"], n.name).toContain(Buffer.from(padding).toString());
    }
  });
  test("a step runs at most one stretch ahead: a stretch waits for all of the one before the last", () => {
    const nodes = new Map(nodesOf(momentum).map((n) => [n.name, n]));
    const inputs = (name: string): string[] =>
      (nodes.get(name)?.input ?? []).map((x) => x.replace(/^\^/, "").replace(/:\d+$/, ""));
    const ends = [...nodes.keys()].filter((name) => /^train_step\/stretch(_\d+)?$/.test(name));
    expect(ends.length).toBeGreaterThan(5);
    for (const [i, end] of ends.entries()) {
      const before = ends[i - 2];
      if (before === undefined) continue;
      for (const member of inputs(end)) {
        // fused kernels have no edges of their own: what they read waits for them
        const waits = inputs(member);
        expect(waits.includes(before) || waits.some((name) => inputs(name).includes(before)), member).toBe(true);
      }
    }
  });
  test("a variable changes only after whoever reads its old value", () => {
    const nodes = nodesOf(momentum);
    const place = new Map(nodes.map((n, i) => [n.name, i]));
    const readers = (path: string): readonly GraphNode[] =>
      nodes.filter((n) => n.name.startsWith("train_step/") && n.input.includes(`read/${path}`));
    for (const update of opsOf(nodes, "ResourceApplyMomentum")) {
      const path = update.input[0]?.replace("variables/", "") ?? "";
      expect(update.input).toContain(`^read/${path}`);
      for (const reader of readers(path))
        expect(place.get(reader.name), `${reader.name} and ${update.name}`).toBeLessThan(place.get(update.name) ?? -1);
    }
  });
  test("nothing large is a constant", () => {
    for (const n of opsOf(nodesOf(momentum), "Const"))
      expect(n.attr["value"]?.tensor?.content?.length ?? 0).toBeLessThan(4096);
  });
});

describe("the API", () => {
  test("training lowers the loss, prediction gives probabilities", () => {
    const losses = Array.from({ length: 30 }, () => model.trainStep(batch)["loss"] ?? NaN);
    expect(losses.at(-1)).toBeLessThan(0.5 * (losses[0] ?? 0));
    const { data, shape } = Object.values(model.predict({ image: batch.image }))[0] ?? { data: [], shape: [] };
    expect(shape).toEqual([4, 4]);
    for (let row = 0; row < 4; row++)
      expect([0, 1, 2, 3].reduce((sum, k) => sum + (data[4 * row + k] ?? NaN), 0)).toBeCloseTo(1, 5);
  });
  test("training goes on from a saved file as if it had not stopped", async () => {
    const saved = join(folder, "saved.safetensors");
    await model.save(saved);
    const [next, after] = [model.trainStep(batch), model.trainStep(batch)];
    const report = await model.load(saved);
    expect(report.kept).toEqual([]);
    expect([model.trainStep(batch), model.trainStep(batch)]).toEqual([next, after]);
  });
  test("params and states alone leave the optimizer as it is", async () => {
    const saved = join(folder, "weights-only.safetensors");
    await model.save(saved, "weights");
    const file = await SafetensorsFile.open(saved);
    expect([...file.tensors.keys()].some((name) => name.startsWith("optimizer."))).toBe(false);
    await file.close();
    const report = await model.load(saved);
    expect(report.kept.filter((name) => name.startsWith("optimizer.")).length).toBeGreaterThan(0);
  });
  test("counters cross the border whole, also past 2^31", async () => {
    model.setWeights([["step", { shape: [2], data: Int32Array.of(5, 3) }]]);
    model.trainStep(batch);
    expect(Array.from(model.getWeights(["step"]).get("step")?.data ?? [])).toEqual([6, 3]);
    const saved = join(folder, "late.safetensors");
    await model.save(saved);
    const file = await SafetensorsFile.open(saved);
    expect(Array.from((await file.read("step")).data)).toEqual([3 * 2 ** 32 + 6]);
    await file.close();
  });
  test("kernels come out in PyTorch's order, as they went in", async () => {
    await model.load(join(folder, "weights.safetensors"));
    const file = await SafetensorsFile.open(join(folder, "weights.safetensors"));
    for (const [path, { shape, data }] of model.getWeights([...file.tensors.keys()])) {
      const { shape: size, data: numbers } = await file.read(path);
      expect(shape, path).toEqual(size);
      expect(Array.from(data), path).toEqual(Array.from(numbers));
    }
    await file.close();
  });
  test("index.mjs alone does the same", async () => {
    const module = (await import(/* @vite-ignore */ pathToFileURL(join(folder, "index.mjs")).href)) as {
      create(options: { tf: TfModule }): Promise<TfjsModel>;
    };
    const own = await module.create({ tf });
    await model.load(join(folder, "weights.safetensors"));
    expect(own.predict({ image: batch.image })).toEqual(model.predict({ image: batch.image }));
    own.dispose();
  });
  test("index.mjs finds the engine by itself, and says what to do where there is none", async () => {
    // A process of its own: this one has TensorFlow loaded already.
    const beside = await mkdtemp(
      join(fileURLToPath(new URL("../../../node_modules/", import.meta.url)), ".archc-test-"),
    );
    const run = (place: string): string => {
      const use = `import { create } from ${JSON.stringify(pathToFileURL(join(place, "index.mjs")).href)};
        try { const model = await create(); console.log("opened " + model.description.name); model.dispose(); } catch (error) { console.log(error.message); }`;
      return execFileSync(process.execPath, ["--input-type=module", "-e", use], { encoding: "utf8" });
    };
    await cp(folder, beside, { recursive: true });
    expect(run(beside)).toContain("opened net");
    await rm(beside, { recursive: true });
    expect(run(folder)).toContain("npm install");
  });
  test("index.mjs is the bundle of its sources", () => {
    const script = fileURLToPath(new URL("../../../scripts/generate-loader.mjs", import.meta.url));
    expect(() => execFileSync(process.execPath, [script, "--check"], { stdio: "pipe" })).not.toThrow();
  });
  test("index.d.ts knows the model's names", async () => {
    const place = await mkdtemp(join(tmpdir(), "archc-types-"));
    await writeFile(join(place, "index.d.mts"), await readFile(join(folder, "index.d.ts"), "utf8"));
    const image = "{ shape: [1, 3, 8, 8], data: new Float32Array(192) }";
    const uses = [
      `const loss: number = model.trainStep({ image: ${image}, label: { shape: [1], data: [0] } }).loss;`,
      `model.trainStep({ image: ${image} });`,
      `model.predict({ picture: ${image} });`,
      `model.getWeights(["main.logits.weigth"]);`,
    ];
    const files = await Promise.all(
      uses.map(async (use, i) => {
        const file = join(place, `use${String(i)}.mts`);
        await writeFile(file, `import { create } from "./index.mjs";\nconst model = await create();\n${use}\n`);
        return file;
      }),
    );
    const options = {
      strict: true,
      noEmit: true,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      target: ts.ScriptTarget.ES2022,
      types: [],
    };
    const program = ts.createProgram(files, options);
    const told = files.map((file) => {
      const source = program.getSourceFile(file);
      return source === undefined
        ? ["no such file"]
        : program.getSemanticDiagnostics(source).map((d) => ts.flattenDiagnosticMessageText(d.messageText, "\n"));
    });
    expect(told[0]).toEqual([]);
    expect(told[1]?.join()).toContain("label");
    expect(told[2]?.join()).toContain("picture");
    expect(told[3]?.length).toBe(1);
    await rm(place, { recursive: true });
  });
});

describe("what is fed is checked, for TensorFlow does not", () => {
  const { image, label } = batch;
  test.each([
    ["a missing target", { image }, "`label`: i32[B] in 0 ..< 4"],
    ["an unknown name", { image, label, landmarks: label }, "no input `landmarks`"],
    ["a wrong rank", { image: { shape: [4, 192], data: image.data }, label }, "f32[B, 3, 8, 8]"],
    ["a wrong size", { image: { shape: [4, 8, 8, 3], data: image.data }, label }, "[4, 8, 8, 3]"],
    [
      "two batches",
      { image, label: { shape: [3], data: Int32Array.of(0, 1, 2) } },
      "B is 4 in `image` and 3 in `label`",
    ],
    ["too few numbers", { image: { shape: [4, 3, 8, 8], data: new Float32Array(100) }, label }, "needs 768"],
    [
      "a label out of range",
      { image, label: { shape: [4], data: Int32Array.of(0, 1, 4, 2) } },
      "4 at place 2; its values lie in 0 ..< 4",
    ],
    ["whole numbers for an image", { image: { ...image, data: new Int32Array(768) }, label }, "whole numbers"],
    ["a broken label", { image, label: { shape: [4], data: [0, 1, 0.5, 2] } }, "0.5 at place 2"],
    ["an empty batch", { image: { shape: [0, 3, 8, 8], data: [] }, label: { shape: [0], data: [] } }, "at least 1"],
  ])("%s", (_, feeds, message) => {
    const run = (): unknown => model.trainStep(feeds);
    expect(run).toThrow(FeedError);
    expect(run).toThrow(message);
  });
});

describe("a weights file must fit", () => {
  const write = async (tensors: readonly TensorToWrite[]): Promise<string> => {
    const path = join(folder, "other.safetensors");
    await writeSafetensors(path, tensors);
    return path;
  };
  const start = startOf(momentum);
  test("a missing weight is named", async () => {
    await expect(model.load(await write(start.slice(1)))).rejects.toThrow(`does not hold \`${start[0]?.name ?? ""}\``);
  });
  test("an unknown one too", async () => {
    const extra = { name: "main.more.weight", dtype: "f32", shape: [1], bytes: () => [new Uint8Array(4)] } as const;
    await expect(model.load(await write([...start, extra]))).rejects.toThrow(
      "`main.more.weight`, which the model does not have",
    );
  });
  test("and a wrong shape", async () => {
    const changed = start.map((t) =>
      t.shape.length === 4 ? { ...t, shape: [t.shape[1] ?? 1, t.shape[0] ?? 1, ...t.shape.slice(2)] } : t,
    );
    await expect(model.load(await write(changed))).rejects.toThrow("the model's is [6, 3, 3, 3]");
  });
  test("a graph whose weights were never set fails, and says so", async () => {
    const bare = await writeFolder(momentum, { mode: "predict" });
    await expect(openModel(bare, { tf })).rejects.toThrow("weights.safetensors");
    await rm(bare, { recursive: true });
  });
});

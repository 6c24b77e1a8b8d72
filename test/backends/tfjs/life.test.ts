/**
 * A model from its opening to its end, in a process of its own: several at once, the same numbers each time, memory that
 * comes back. The process is that of a user who has a compiled folder and no archc.
 */
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { encodeElements } from "../../../src/backends/bytes.ts";
import { emitTfjs } from "../../../src/backends/tfjs/index.ts";
import { initialValues } from "../../../src/compiler/ops/initialize.ts";
import { writeSafetensors } from "../../../src/runtime/safetensors.ts";
import { programFrom } from "../../support/library.ts";

const network = (width: number, layers: string): string => `model net() {
  input  x: f32[B, 6]
  target y: i32[B] in 0 ..< 4
  head main {
    let logits = x |> linear(${String(width)}) as first ${layers} |> linear(4) as last
    loss cross_entropy(logits, y)
    predict scores = logits
  }
  train { batch = 8  epochs = 1  optimize "**" by adam() at constant(0.01) }
}
`;
/** Memory is asked for in MB, after a collection. */
const script = `
const [small, large, count] = [await import(process.argv[1]), await import(process.argv[2]), Number(process.argv[3])];
const tell = (what) => console.log(JSON.stringify(what));
const settle = async () => { for (let i = 0; i < 3; i += 1) { globalThis.gc(); await new Promise((r) => setTimeout(r, 5)); } };
const rss = async () => { await settle(); return process.memoryUsage.rss() / 2 ** 20; };
const batch = {
  x: { shape: [8, 6], data: Float32Array.from({ length: 48 }, (_, i) => Math.sin(i)) },
  y: { shape: [8], data: Int32Array.from({ length: 8 }, (_, i) => i % 4) },
};
const other = { y: batch.y, x: { ...batch.x, data: batch.x.data.map((v) => 2 * v) } };
const bits = (model) => [...model.getWeights()].map(([path, { data }]) => [path, Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64")]);
const twenty = (model) => { for (let i = 0; i < 20; i += 1) model.trainStep(i % 2 ? batch : other); return bits(model); };

const [a, b] = [await small.create(), await small.create()];
const first = twenty(a);
tell({ repeats: JSON.stringify(twenty(b)) === JSON.stringify(first), moved: JSON.stringify(first) !== JSON.stringify(bits(await small.create())) });
const c = await large.create();
for (let i = 0; i < 5; i += 1) { a.trainStep(batch); c.trainStep(batch); b.trainStep(batch); }
tell({ apart: JSON.stringify(bits(a)) === JSON.stringify(bits(b)) });
a.dispose();
a.dispose();
let refused = "";
try { a.trainStep(batch); } catch (error) { refused = error.message; }
tell({ refused, others: Number.isFinite(b.trainStep(batch).loss) && Number.isFinite(c.trainStep(batch).loss) });
c.dispose();

// Opened again and again: what is freed is used again.
const opened = [];
for (let i = 0; i < 8; i += 1) { const model = await large.create(); model.trainStep(batch); model.dispose(); opened.push(await rss()); }
tell({ reopening: opened.at(-1) - opened[2] });

const { memory } = (await import(process.argv[4])).default;
// JavaScript's heap takes thousands of steps to reach its size.
for (let i = 0; i < count / 2; i += 1) b.trainStep(batch);
const [before, tensors] = [await rss(), memory().numTensors];
for (let i = 0; i < count; i += 1) b.trainStep(batch);
tell({ steps: (await rss()) - before, tensors: memory().numTensors - tensors, bytes: memory().numBytes > 1e9 });
`;

let place: string;
const found: Record<string, unknown> = {};
beforeAll(async () => {
  // Beside the packages, where a user's folder is.
  place = await mkdtemp(join(fileURLToPath(new URL("../../../node_modules/", import.meta.url)), ".archc-test-"));
  for (const [name, text] of [
    ["small", network(8, "|> batch_norm |> relu |> dropout(0.2)")],
    ["large", network(1000, "|> relu |> linear(2000) as middle |> relu")],
  ] as const) {
    const program = programFrom(text);
    await mkdir(join(place, name));
    for (const [file, content] of emitTfjs(program, { mode: "train" }).files)
      await writeFile(join(place, name, file), content);
    await writeSafetensors(
      join(place, name, "weights.safetensors"),
      program.variables
        .filter(({ kind }) => kind === "param" || kind === "state")
        .map((v) => ({
          name: v.path,
          dtype: v.type.dtype,
          shape: v.type.shape.map((d) => d.constant ?? 0),
          bytes: () => [encodeElements(v.type.dtype, Float32Array.from(initialValues(v, 0) as Float32Array))],
        })),
    );
  }
  const index = (name: string): string => pathToFileURL(join(place, name, "index.mjs")).href;
  const told = execFileSync(
    process.execPath,
    ["--expose-gc", "--input-type=module", "-e", script, index("small"), index("large"), "10000", "@tensorflow/tfjs-node-gpu"], // prettier-ignore
    { encoding: "utf8", cwd: place, stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, TF_NUM_INTRAOP_THREADS: "2" } }, // prettier-ignore
  );
  for (const line of told.trim().split("\n")) Object.assign(found, JSON.parse(line));
}, 180_000);
afterAll(async () => {
  await rm(place, { recursive: true });
});

test("two models of one folder are two models, and twenty steps are the same to the bit", () => {
  expect(found).toMatchObject({ repeats: true, moved: true });
});
test("models do not touch each other", () => {
  expect(found).toMatchObject({ apart: true });
});
test("a model that was disposed of says so, and the others go on", () => {
  expect(found).toMatchObject({ refused: "this model was disposed of", others: true });
});
test("disposing frees: a model of 25 MB with its optimizer, five times more, takes no more", () => {
  expect(found["reopening"]).toBeLessThan(60);
});
test("ten thousand steps leave nothing behind", () => {
  expect(found["tensors"]).toBe(0);
  expect(found["steps"]).toBeLessThan(16);
});

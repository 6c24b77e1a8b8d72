// Training on the real engines through the command: the loss falls, an interrupted run goes on as if it had not been, what
// is no number stops it, and engines agree.
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Tensor } from "../../src/compiler/ops/tensor.ts";
import type { Tensors } from "../../src/runtime/run/engine.ts";
import { writeTensors } from "../../src/runtime/run/run.ts";
import { SafetensorsFile } from "../../src/runtime/safetensors.ts";
import { archc, build, hasTensorflow, newFolder, startArchc, TINY, writeRows } from "./support.ts";

/** Everything that a step can leave to the next: draws, statistics, an optimizer's state, a schedule, sums of gradients. */
const STIRRED = TINY.replace(
  "x |> linear(classes)",
  "x |> linear(16) as first |> batch_norm |> relu |> dropout(0.3) |> linear(classes) as last",
)
  .replace("batch  = 8", "batch  = 4")
  .replace("sgd(momentum: 0.9) at constant(rate)", "adam() at one_cycle(0.02, until: 10)");

let folder: string;
beforeAll(() => {
  build();
  folder = newFolder();
  writeFileSync(join(folder, "tiny.arch"), TINY);
  writeRows(join(folder, "rows.csv"), 80);
}, 120_000);
afterAll(() => {
  rmSync(folder, { recursive: true });
});

interface Line {
  readonly kind: string;
  readonly step: number;
  readonly loss: number;
  readonly validation?: Record<string, number>;
}
const metrics = (run: string): Line[] =>
  readFileSync(join(folder, run, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
const steps = (run: string): Line[] => metrics(run).filter(({ kind }) => kind === "step");

async function weights(run: string): Promise<Map<string, ArrayLike<number>>> {
  const file = await SafetensorsFile.open(join(folder, run, "checkpoints/last.safetensors"));
  const read = new Map<string, ArrayLike<number>>();
  for (const name of file.tensors.keys()) read.set(name, (await file.read(name)).data);
  await file.close();
  return read;
}

const bytes = (run: string, file: string): Buffer => readFileSync(join(folder, run, file));

/** Trains anew on the rows. */
function train(run: string, ...more: readonly string[]): ReturnType<typeof archc> {
  return archc(folder, "train", "tiny.arch", "--data", "rows.csv", "-o", run, ...more);
}

const files = { tfjs: "model/saved_model.pb", onnx: "model/step.onnx" };
describe.each(hasTensorflow ? (["tfjs", "onnx"] as const) : (["onnx"] as const))("archc train on %s", (engine) => {
  const [full, half] = [`${engine}-full`, `${engine}-half`];

  it("learns what can be learned, and keeps the best by validation", async () => {
    const { status, stderr } = train(full, "--engine", engine, "--steps", "27");
    expect(stderr).toContain("72 samples, 9 steps an epoch, 27 steps");
    expect(status).toBe(0);
    const losses = steps(full).map(({ loss }) => loss);
    expect(losses).toHaveLength(27);
    expect(losses.at(-1)).toBeLessThan(0.5 * (losses[0] ?? 0));
    const epochs = metrics(full).filter(({ kind }) => kind === "epoch");
    expect(epochs).toHaveLength(3);
    expect(epochs.at(-1)?.validation?.["loss"]).toBeLessThan(epochs[0]?.validation?.["loss"] ?? 0);
    for (const name of ["config.json", "weights.safetensors", "best.safetensors", files[engine]])
      expect(existsSync(join(folder, full, name))).toBe(true);
    // The first step is on the model's own start: -log of a softmax over four, near log 4.
    expect(losses[0]).toBeGreaterThan(0.5);
    expect((await weights(full)).get("step")?.[0]).toBe(27);
  }, 60_000);

  it("goes on where it stood: two halves are the whole, bit for bit", () => {
    train(half, "--engine", engine, "--steps", "13");
    const { status } = archc(folder, "train", "tiny.arch", "-o", half, "--resume", "--steps", "27");
    expect(status).toBe(0);
    expect(steps(half).map(({ step }) => step)).toEqual(Array.from({ length: 27 }, (_, i) => i + 1));
    for (const file of ["checkpoints/last.safetensors", "best.safetensors", "checkpoints/last.json"])
      expect(bytes(half, file).equals(bytes(full, file)), file).toBe(true);
  }, 60_000);

  it("so too with draws, statistics, micro-batches and an epoch's end in between", () => {
    writeFileSync(join(folder, "stirred.arch"), STIRRED);
    const stir = (run: string, ...more: string[]): void => {
      const { status, stderr } = archc(folder, "train", "stirred.arch", "-o", run, ...more);
      expect(status, stderr).toBe(0);
    };
    const begin = ["--data", "rows.csv", "--engine", engine, "--accumulate", "2", "--seed", "3"];
    const [ten, five] = [`${engine}-ten`, `${engine}-five`];
    stir(ten, ...begin, "--steps", "10");
    stir(five, ...begin, "--steps", "5");
    // What an end without a word leaves: steps past the checkpoint, and half a line.
    appendFileSync(join(folder, five, "metrics.jsonl"), '{"kind":"step","step":6,"loss":0}\n{"kind":"st');
    stir(five, "--resume", "--steps", "10");
    const last = "checkpoints/last.safetensors";
    expect(bytes(five, last).equals(bytes(ten, last))).toBe(true);
    const losses = (run: string): unknown[] => steps(run).map(({ step, loss }) => [step, loss]);
    expect(losses(five)).toEqual(losses(ten));
    expect(steps(ten)).toHaveLength(10);
  }, 60_000);
});

describe.runIf(hasTensorflow)("archc train", () => {
  it("goes the same way on both engines", async () => {
    const [tfjs, onnx] = [steps("tfjs-full"), steps("onnx-full")];
    expect(tfjs.map(({ loss }) => loss.toFixed(4))).toEqual(onnx.map(({ loss }) => loss.toFixed(4)));
    const [one, other] = [await weights("tfjs-full"), await weights("onnx-full")];
    expect([...one.keys()].sort()).toEqual([...other.keys()].sort());
    for (const [name, values] of one)
      Array.from(values).forEach((value, i) => expect(other.get(name)?.[i]).toBeCloseTo(value, 4));
  });

  it("profiles a few steps by line, and leaves a trace", () => {
    const { status, stdout } = train("profiled", "--profile", "--steps", "6");
    expect(status).toBe(0);
    expect(stdout).toMatch(/^line +ms a step +share/);
    expect(stdout).toMatch(/tiny\.arch:7 .* % .*let logits = x \|> linear\(classes\)/);
    const profile = JSON.parse(bytes("profiled", "profile.json").toString()) as {
      steps: number;
      lines: { share: number }[];
    };
    expect(profile.steps).toBe(3);
    expect(profile.lines.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 3);
    const trace = JSON.parse(bytes("profiled", "trace.json").toString()) as {
      traceEvents: { ph: string; ts: number; dur: number; args: { place: string } }[];
    };
    expect(trace.traceEvents.every(({ ph, ts, dur }) => ph === "X" && ts >= 0 && dur >= 0)).toBe(true);
    expect(new Set(trace.traceEvents.map(({ args }) => args.place))).toContain("tiny.arch:7");
    expect(train("onnx-profiled", "--profile", "--engine", "onnx").status).toBe(2);
  }, 60_000);

  it("saves and ends with 130 on Ctrl-C, and resumes", async () => {
    const child = startArchc(
      folder,
      "train",
      "tiny.arch",
      "--data",
      "rows.csv",
      "-o",
      "stopped",
      "--steps",
      "1000000",
      "--json",
    );
    let seen = "";
    let asked = false;
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      seen += text;
      if (asked || seen.split('"kind":"step"').length <= 5) return;
      // Once: a second Ctrl-C means "at once".
      asked = true;
      child.kill("SIGINT");
    });
    const status = await new Promise((resolve) => child.on("close", resolve));
    expect(status).toBe(130);
    const { step } = JSON.parse(readFileSync(join(folder, "stopped/checkpoints/last.json"), "utf8")) as {
      step: number;
    };
    expect(steps("stopped").at(-1)?.step).toBe(step);
    expect((await weights("stopped")).get("step")?.[0]).toBe(step);
    const more = archc(folder, "train", "tiny.arch", "-o", "stopped", "--resume", "--steps", String(step + 3));
    expect(more.status).toBe(0);
    expect(steps("stopped").at(-1)?.step).toBe(step + 3);
  }, 60_000);

  it("stops at a loss that is no number, and says where", () => {
    const { status, stderr } = archc(
      folder,
      "train",
      "tiny.arch",
      "--data",
      "rows.csv",
      "-o",
      "wild",
      "--steps",
      "50",
      "--set",
      "rate=3e38",
    );
    expect(status).toBe(1);
    expect(stderr).toMatch(/Training went out of bounds at step \d+: .*(NaN|Infinity)/);
    expect(existsSync(join(folder, "wild/weights.safetensors"))).toBe(false);
  }, 60_000);

  it("names the rows that cannot be used before anything is loaded", () => {
    writeFileSync(join(folder, "bad.csv"), "a,b,c,d,e,f,y\n1,2,3,4,5,6,9\n1,2,x,4,5,6,1\n");
    const { status, stderr } = archc(folder, "train", "tiny.arch", "--data", "bad.csv", "-o", "bad");
    expect(status).toBe(1);
    expect(stderr).toContain("bad.csv:2: column y: 9 is not in 0 ..< 4");
    expect(stderr).toContain('bad.csv:3: column c: "x" is not a number');
    expect(existsSync(join(folder, "bad"))).toBe(false);
  }, 60_000);

  it("leaves them out with --skip-bad, lists them, and goes on without them", () => {
    const [head = "", ...lines] = readFileSync(join(folder, "rows.csv"), "utf8").trim().split("\n");
    const bad = ["1,2,3,4,5,6,9,train", "1,2,x,4,5,6,1,val", "1,2,3"];
    writeFileSync(join(folder, "mixed.csv"), [head, ...bad, ...lines].join("\n"));
    const begun = archc(folder, "train", "tiny.arch", ...["--data", "mixed.csv", "-o", "mixed", "--engine", "onnx"], ...["--skip-bad", "--steps", "4"]); // prettier-ignore
    expect(begun.status, begun.stderr).toBe(0);
    expect(begun.stderr).toContain("3 rows left out:");
    expect(begun.stderr).toContain("72 samples");
    const listed = readFileSync(join(folder, "mixed/left_out.csv"), "utf8").trim().split("\n");
    expect(listed[0]).toBe("line,problem");
    expect(listed.slice(1).map((line) => line.split(",")[0])).toEqual(["2", "3", "4"]);
    const more = archc(folder, "train", "tiny.arch", "-o", "mixed", "--resume", "--steps", "6");
    expect(more.status, more.stderr).toBe(0);
    expect(more.stderr).toContain("72 samples");
  }, 60_000);

  it("shows classes equally often where it is asked to, and goes on so", () => {
    const options = ["--data", "rows.csv", "--engine", "onnx", "--balance", "y"];
    const begin = (run: string, ...more: string[]): ReturnType<typeof archc> =>
      archc(folder, "train", "tiny.arch", "-o", run, ...options, ...more);
    expect(begin("balanced", "--steps", "12").status).toBe(0);
    expect(begin("balanced-half", "--steps", "5").status).toBe(0);
    expect(archc(folder, "train", "tiny.arch", "-o", "balanced-half", "--resume", "--steps", "12").status).toBe(0);
    const last = "checkpoints/last.safetensors";
    expect(bytes("balanced-half", last).equals(bytes("balanced", last))).toBe(true);
    expect(begin("none", "--weigh", "w").stderr).toContain("lacks the column `w` (for --weigh)");
    expect(existsSync(join(folder, "none"))).toBe(false);
  }, 60_000);

  it("refuses to begin in a run's folder, and to resume with other settings", () => {
    expect(train("tfjs-full").stderr).toContain("is not empty");
    for (const more of [
      ["--batch", "4"],
      ["--engine", "onnx"],
    ]) {
      const { status, stderr } = archc(folder, "train", "tiny.arch", "-o", "tfjs-full", "--resume", ...more);
      expect(status).toBe(2);
      expect(stderr).toContain(more[0]);
    }
  });
});

describe.runIf(hasTensorflow)("archc verify", () => {
  it("finds every engine within the yardstick", () => {
    const { status, stdout } = archc(folder, "verify", "tiny.arch", "--steps", "2", "--json");
    const verdict = JSON.parse(stdout) as {
      ok: boolean;
      engines: { name: string; maxError: Record<string, number | null>; ok: boolean }[];
    };
    expect(verdict.ok).toBe(true);
    expect(status).toBe(0);
    const [tfjs, onnx] = verdict.engines;
    expect([tfjs?.name, onnx?.name]).toEqual(["tfjs", "onnx"]);
    for (const { maxError } of verdict.engines)
      for (const error of Object.values(maxError)) expect(error).toBeLessThan(1e-5);
  }, 90_000);

  it("compares on inputs of a file, and tells what does not fit", async () => {
    const x: Tensor = { dtype: "f32", shape: [3, 6], data: Float32Array.from({ length: 18 }, (_, i) => Math.sin(i)) };
    const fed = (...y: readonly number[]): Tensors =>
      new Map([["x", x], ["y", { dtype: "i32", shape: [3], data: Float64Array.from(y) }]]); // prettier-ignore
    await writeTensors(join(folder, "fed.safetensors"), fed(0, 3, 2));
    const right = archc(folder, "verify", "tiny.arch", "--input", "fed.safetensors", "--json");
    expect(right.status).toBe(0);
    expect(JSON.parse(right.stdout)).toMatchObject({ ok: true, begin: 0 });
    await writeTensors(join(folder, "off.safetensors"), fed(0, 4, 2));
    const off = archc(folder, "verify", "tiny.arch", "--input", "off.safetensors");
    expect(off.status).toBe(1);
    expect(off.stderr).toContain("off.safetensors: y holds 4, outside 0 ..< 4");
  }, 90_000);
});

// Weight files against programs: patterns of renames, what fits, and streaming that draws what was promised.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compile } from "../../src/compiler/compile.ts";
import type { Program } from "../../src/compiler/program.ts";
import { DiskHost } from "../../src/runtime/host.ts";
import { SafetensorsFile } from "../../src/runtime/safetensors.ts";
import { flopsOf, numbersIn, summarise } from "../../src/runtime/summary.ts";
import {
  openWeights,
  readVariable,
  rename,
  seededWeights,
  weightVariables,
  writeWeights,
} from "../../src/runtime/weights.ts";

const ablations = "models/dhaa_ablations.arch";
function programOf(variant: string): Program {
  const { program } = compile(new DiskHost(ablations), { file: ablations, variant });
  if (program === undefined) throw new Error(`${variant} does not compile`);
  return program;
}

describe("patterns of renames", () => {
  it.each([
    ["old.conv.weight", "old.{r**}", "new.{r**}", "new.conv.weight"],
    ["a.b2.0.weight", "a.b{n}.{i}.weight", "a.{i}.stage{n}.weight", "a.0.stage2.weight"],
    ["x.y.weight", "*.y.weight", "z.weight", "z.weight"],
    ["deep.in.a.place", "**.place", "here", "here"],
    ["other.weight", "old.{r**}", "new.{r**}", undefined],
    ["ab.weight", "a.weight", "c", undefined],
    ["axweight", "a.weight", "c", undefined],
  ])("%s by %s -> %s is %s", (name, from, to, wanted) => {
    expect(rename(name, from, to)).toBe(wanted);
  });
});

describe("weights of a program", () => {
  const folder = mkdtempSync(join(tmpdir(), "archc-weights-"));
  let program: Program;
  beforeAll(() => {
    program = programOf("dhaa_c_small");
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  it("are written and read back as they were drawn, in PyTorch's layouts", async () => {
    const path = join(folder, "w.safetensors");
    await writeWeights(program, seededWeights(5), path);
    const file = await SafetensorsFile.open(path);
    expect([...file.tensors.keys()].sort()).toEqual(
      weightVariables(program)
        .map((variable) => variable.path)
        .sort(),
    );
    expect(file.entry("stem.conv1.weight").shape).toEqual([16, 3, 7, 7]);
    await file.close();
    const [drawn, read] = [seededWeights(5), await openWeights(program, path)];
    for (const variable of weightVariables(program)) {
      const [wanted, found] = [await readVariable(drawn, variable), await readVariable(read, variable)];
      expect(found.shape).toEqual(wanted.shape);
      // Bytes, for comparing a million numbers one by one takes seconds.
      expect(Buffer.compare(Buffer.from(found.data.buffer), Buffer.from(wanted.data.buffer))).toBe(0);
    }
    await read.close();
  });

  it("start as their initialisers say: He's deviation for convolutions, a bound for linear layers", async () => {
    const weights = seededWeights(11);
    const named = (path: string) =>
      readVariable(
        weights,
        program.variables.find((variable) => variable.path === path)!,
      );
    const conv = Array.from((await named("mixed.whole.code.tail.b4.0.unit.conv1.weight")).data);
    const mean = conv.reduce((sum, value) => sum + value, 0) / conv.length;
    const deviation = Math.sqrt(conv.reduce((sum, value) => sum + (value - mean) ** 2, 0) / conv.length);
    // Fan out: 128 filters of 3 x 3; the estimate of 73,728 draws is good to about one percent.
    expect(deviation / Math.sqrt(2 / (128 * 9))).toBeCloseTo(1, 1);
    expect(Math.abs(mean)).toBeLessThan(0.001);
    const fc = Array.from((await named("final.logits.weight")).data);
    const largest = fc.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    expect(largest).toBeLessThanOrEqual(1 / Math.sqrt(32));
    expect(largest).toBeGreaterThan(0.99 / Math.sqrt(32));
    expect([...(await named("stem.bn1.weight")).data].every((value) => value === 1)).toBe(true);
  });

  it("of another program are refused, naming what differs", async () => {
    const path = join(folder, "small.safetensors");
    await writeWeights(program, seededWeights(5), path);
    await expect(openWeights(programOf("dhaa_small"), path)).rejects.toThrow(
      /does not fit dhaa_small:[\s\S]*is not in the file/,
    );
  });
});

// Counted independently, on an implementation that shares nothing with this one.
describe("what the full-size models cost", () => {
  it.each([
    ["dhaa_g", 33_645_652],
    ["dhaa_l", 33_645_652],
    ["dhaa_c", 36_205_396],
    ["dhaa_gl", 67_133_699],
    ["dhaa_roi", 100_028_082],
    ["dhaa_fc", 99_779_634],
    ["dhaa_no_sub", 99_910_821],
    ["res18_ex", 11_228_325],
  ])("%s has %d trained parameters", (variant, count) => {
    expect(numbersIn(programOf(variant).variables.filter(({ trained }) => trained))).toBe(count);
  });

  it("DHAA takes 21.69 GFLOP to predict and 64.76 to train, a sample", () => {
    const file = "models/dhaa.arch";
    const { program } = compile(new DiskHost(file), { file });
    const summary = summarise(program!, 1);
    expect(summary.trainable).toBe(100_028_082);
    expect(Math.abs(summary.flops.predict / 21.69e9 - 1)).toBeLessThan(0.005);
    expect(Math.abs((summary.flops.train ?? 0) / 64.76e9 - 1)).toBeLessThan(0.005);
    expect(flopsOf(program!.predict)).toBe(summary.flops.predict);
    // Top-level parts hold every parameter once.
    const top = summary.parts.filter(({ path }) => !path.includes("."));
    expect(top.reduce((sum, { trainable }) => sum + trainable, 0)).toBe(summary.trainable);
  });

  it.each(["gan", "resnet50", "bert"])(
    "the parts of %s are its own: no sum of losses, no clock, no schedule",
    (name) => {
      const file = `models/${name}.arch`;
      const { program } = compile(new DiskHost(file), { file });
      const listed = summarise(program!, 1).parts.map(({ path }) => path);
      expect(listed).not.toEqual(expect.arrayContaining([expect.stringMatching(/^(loss|epoch|after|step)$/)]));
      expect(listed.length).toBeGreaterThan(3);
    },
  );
});

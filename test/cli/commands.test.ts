// The built command, end to end, without TensorFlow: statuses, what goes where, artifacts that are whole or absent, and
// numbers that a linear classifier's closed form gives.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Tensor } from "../../src/compiler/ops/tensor.ts";
import { encodeElements } from "../../src/backends/bytes.ts";
import { SafetensorsFile, writeSafetensors } from "../../src/runtime/safetensors.ts";
import { archc, build, newFolder, startArchc, TINY } from "./support.ts";

let folder: string;
beforeAll(() => {
  build();
  folder = newFolder();
  writeFileSync(join(folder, "tiny.arch"), TINY);
}, 120_000);
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const json = (text: string): unknown => JSON.parse(text);
const write = (name: string, tensors: Record<string, Tensor>): Promise<void> =>
  writeSafetensors(
    join(folder, name),
    Object.entries(tensors).map(([path, { dtype, shape, data }]) => ({
      name: path,
      dtype,
      shape,
      bytes: () => [encodeElements(dtype, data)],
    })),
  );
const f32 = (shape: readonly number[], ...data: number[]): Tensor => ({
  dtype: "f32",
  shape,
  data: Float32Array.from(data),
});

describe("archc check", () => {
  it("ends with 0 and an empty list where nothing is wrong", () => {
    const { status, stdout } = archc(folder, "check", "tiny.arch", "--json");
    expect(status).toBe(0);
    expect(json(stdout)).toEqual({ diagnostics: [] });
  });

  it("ends with 1, tells people on stderr and gives JSON alone on stdout", () => {
    writeFileSync(join(folder, "wrong.arch"), TINY.replace("linear(classes)", "linear(5)"));
    const { status, stdout, stderr } = archc(folder, "check", "wrong.arch", "--json");
    expect(status).toBe(1);
    expect(stderr).toContain("error[E0307]: 5 scores for labels 0 ..< 4");
    const { diagnostics } = json(stdout) as {
      diagnostics: { code: string; file: string; start: object; severity: string }[];
    };
    expect(diagnostics[0]).toMatchObject({
      code: "E0307",
      severity: "error",
      file: "wrong.arch",
      start: { line: 8, column: 10 },
    });
  });

  it("ends with 1 on a warning where it is to be strict", () => {
    writeFileSync(join(folder, "spare.arch"), `import { stage } from "std:resnet"\n${TINY}`);
    expect(archc(folder, "check", "spare.arch").status).toBe(0);
    const { status, stderr } = archc(folder, "check", "--strict", "spare.arch");
    expect(status).toBe(1);
    expect(stderr).toContain("warning[E0701]");
  });

  it("checks variants too", () => {
    writeFileSync(join(folder, "variant.arch"), TINY.replace("set classes = 3", "set clases = 3"));
    const { status, stderr } = archc(folder, "check", "variant.arch");
    expect(status).toBe(1);
    expect(stderr).toContain("variant.arch");
  });
});

describe("wrong use and missing files", () => {
  it.each([
    [["chekc", "tiny.arch"], "Did you mean check?"],
    [["check"], "missing required argument 'file'"],
    [["check", "--jsno", "tiny.arch"], "Did you mean --json?"],
    [["compile", "tiny.arch", "-o", "x"], "--target"],
    [["compile", "tiny.arch", "--target", "caffe", "-o", "x"], "tfjs, onnx"],
    [["compile", "tiny.arch", "--target", "onnx", "-o", "x"], "ends in .onnx"],
    [["compile", "tiny.arch", "--target", "tfjs", "-o", "x", "--seed", "-1"], "whole number"],
    [["compile", "tiny.arch", "--target", "tfjs", "--portable", "--mode", "train", "-o", "x"], "--mode predict"],
    [["compile", "tiny.arch", "--target", "onnx", "--portable", "-o", "x.onnx"], "--target tfjs"],
    [["summary", "tiny.arch", "--set", "classes"], "PATH=VALUE"],
    [["train", "tiny.arch", "-o", "run"], "Training needs data"],
    [["engine", "install", "theano"], "no engine `theano`"],
  ])("%j ends with 2", (args, text) => {
    const { status, stderr } = archc(folder, ...args);
    expect(stderr).toContain(text);
    expect(status).toBe(2);
  });

  it.each([
    [["check", "gone.arch"], "gone.arch: there is no such file"],
    [["weights", "check", "tiny.arch", "gone.safetensors"], "there is no such file"],
    [["run", "tiny.arch", "--input", "gone.safetensors", "-o", "y.safetensors"], "there is no such file"],
    [["train", "tiny.arch", "--data", "gone.csv", "-o", "run"], "gone.csv"],
    [["summary", "tiny.arch", "--variant", "wide"], "wide"],
  ])("%j ends with 1", (args, text) => {
    const { status, stderr } = archc(folder, ...args);
    expect(stderr).toContain(text);
    expect(status).toBe(1);
  });

  it("says archc's version and helps", () => {
    expect(archc(folder, "--version").stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(archc(folder, "--help").status).toBe(0);
  });
});

describe("what a model has and costs", () => {
  it("counts a linear layer as its closed form", () => {
    const { stdout } = archc(folder, "summary", "tiny.arch", "--json");
    // 4 x 6 weights and 4 biases; 24 multiply-adds forward, 24 more for the weights' gradient, none for the input's.
    expect(json(stdout)).toMatchObject({
      parameters: 28,
      trainable: 28,
      flops: { predict: 48, train: 96 },
      bytes: { parameters: 112 },
    });
  });

  it("lists parameters in order", () => {
    const { stdout } = archc(folder, "params", "tiny.arch", "--set", "classes=5", "--json");
    const { params } = json(stdout) as { params: { path: string; shape: number[]; trained: boolean }[] };
    expect(params.map(({ path, shape, trained }) => [path, shape, trained])).toEqual([
      ["out.logits.weight", [5, 6], true],
      ["out.logits.bias", [5], true],
    ]);
  });

  it("lists variants", () => {
    const { stdout } = archc(folder, "variants", "tiny.arch", "--json");
    expect(json(stdout)).toMatchObject({
      variants: [{ name: "narrow", of: "tiny", parameters: 21, flops: 36, pruned: [] }],
    });
  });

  it("lists what a variant leaves out", () => {
    const text = `model two() {
  input x: f32[B, 6]
  let a = x |> linear(4)
  let b = a |> linear(4) as second
  branch both for k: z in { left: a, right: b } => z |> linear(2)
  head out { predict sum = both.left + both.right  predict last = b }
}
variant short of two { remove out.sum }
variant first of two { remove out.sum, out.last  add in out predict first = a }
`;
    writeFileSync(join(folder, "two.arch"), text);
    const listed = archc(folder, "variants", "two.arch");
    expect(listed.stdout).toMatch(/^short +both$/m);
    expect(listed.stdout).toMatch(/^first +b, both$/m);
    expect(json(archc(folder, "variants", "two.arch", "--json").stdout)).toMatchObject({
      variants: [{ pruned: ["both"] }, { pruned: ["b", "both"] }],
    });
    const args = ["summary", "two.arch", "--variant", "first"];
    expect(archc(folder, ...args).stdout).toContain("No output needs b, both.");
    expect(json(archc(folder, ...args, "--json").stdout)).toMatchObject({ pruned: ["b", "both"] });
    expect(archc(folder, "summary", "two.arch").stdout).not.toContain("No output needs");
  });
});

describe("archc weights", () => {
  it("draws the same numbers for the same seed, and says what fits", () => {
    for (const name of ["a", "b"])
      expect(archc(folder, "weights", "init", "tiny.arch", "--seed", "7", "-o", `${name}.safetensors`).status).toBe(0);
    expect(archc(folder, "weights", "init", "tiny.arch", "--seed", "8", "-o", "c.safetensors").status).toBe(0);
    const bytes = (name: string): Buffer => readFileSync(join(folder, `${name}.safetensors`));
    expect(bytes("a").equals(bytes("b"))).toBe(true);
    expect(bytes("a").equals(bytes("c"))).toBe(false);
    expect(archc(folder, "weights", "check", "tiny.arch", "a.safetensors").status).toBe(0);
    const { status, stdout } = archc(
      folder,
      "weights",
      "check",
      "tiny.arch",
      "a.safetensors",
      "--variant",
      "narrow",
      "--json",
    );
    expect(status).toBe(1);
    expect(json(stdout)).toMatchObject({
      kept: [],
      new: [],
      unused: [],
      reshaped: [{ path: "out.logits.weight", file: [4, 6], model: [3, 6] }, { path: "out.logits.bias" }],
    });
  });

  it("offers the @renamed line that a renamed weight needs, and follows it", async () => {
    await write("old.safetensors", {
      "out.code.weight": f32([4, 6], ...Array<number>(24).fill(1)),
      "out.logits.bias": f32([4], 0, 0, 0, 0),
    });
    const args = (file: string): string[] => [
      "compile",
      file,
      "--target",
      "onnx",
      "--weights",
      "old.safetensors",
      "-o",
      "old.onnx",
    ];
    const refused = archc(folder, ...args("tiny.arch"));
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain('@renamed("out.code.weight", "out.logits.weight")');
    expect(existsSync(join(folder, "old.onnx"))).toBe(false);
    writeFileSync(
      join(folder, "renamed.arch"),
      TINY.replace("model tiny", '@renamed("out.code.{rest**}", "out.logits.{rest**}")\nmodel tiny'),
    );
    expect(archc(folder, ...args("renamed.arch")).status).toBe(0);
  });
});

describe("archc compile", () => {
  it("writes a module for browsers, too", () => {
    const { status } = archc(folder, "compile", "tiny.arch", "--target", "tfjs", "--portable", "-o", "page");
    expect(status).toBe(0);
    const files = ["index.d.ts", "index.mjs", "model.json", "model.mjs", "operators.mjs", "weights.safetensors"];
    expect(readdirSync(join(folder, "page")).sort()).toEqual(files);
    expect(readFileSync(join(folder, "page/model.mjs"), "utf8")).toMatch(/^\/\/ \w+, from tiny\.arch/);
  });
  it("writes a whole tfjs folder, the same bytes each time, with their hashes", () => {
    const made = archc(folder, "compile", "tiny.arch", "--target", "tfjs", "-o", "build/one", "--json");
    expect(made.status).toBe(0);
    const { artifacts, parameters } = json(made.stdout) as {
      artifacts: { path: string; bytes: number; sha256: string }[];
      parameters: number;
    };
    expect(parameters).toBe(28);
    expect(artifacts.map(({ path }) => path.split("/").at(-1)).sort()).toEqual([
      "index.d.ts",
      "index.mjs",
      "model.json",
      "saved_model.pb",
      "weights.safetensors",
    ]);
    archc(folder, "compile", "tiny.arch", "--target", "tfjs", "-o", "build/two");
    for (const { path, bytes, sha256 } of artifacts) {
      const contents = readFileSync(join(folder, path));
      expect(contents.length).toBe(bytes);
      expect(createHash("sha256").update(contents).digest("hex")).toBe(sha256);
      expect(readFileSync(join(folder, path.replace("one", "two"))).equals(contents)).toBe(true);
    }
    expect(readdirSync(join(folder, "build")).sort()).toEqual(["one", "two"]);
  });

  it("never replaces a folder that it did not make", () => {
    mkdirSync(join(folder, "mine"));
    writeFileSync(join(folder, "mine/thesis.tex"), "years of work");
    const { status, stderr } = archc(folder, "compile", "tiny.arch", "--target", "tfjs", "-o", "mine");
    expect(status).toBe(1);
    expect(stderr).toContain("is not replaced");
    expect(readdirSync(join(folder, "mine"))).toEqual(["thesis.tex"]);
  });

  it("writes nothing where the model has errors", () => {
    writeFileSync(join(folder, "bad.arch"), TINY.replace("linear(classes)", "linear(9)"));
    expect(archc(folder, "compile", "bad.arch", "--target", "onnx", "-o", "bad.onnx").status).toBe(1);
    expect(readdirSync(folder).filter((name) => name.startsWith("bad"))).toEqual(["bad.arch"]);
  });

  it("compiles the model and all its variants", () => {
    const { status, stdout } = archc(
      folder,
      "compile",
      "tiny.arch",
      "--target",
      "onnx",
      "--all-variants",
      "-o",
      "all",
      "--json",
    );
    expect(status).toBe(0);
    expect(json(stdout)).toMatchObject({
      variants: [
        { name: "tiny", parameters: 28 },
        { name: "narrow", parameters: 21 },
      ],
    });
    expect(readdirSync(join(folder, "all")).filter((name) => name.endsWith(".onnx"))).toEqual([
      "narrow.onnx",
      "tiny.onnx",
    ]);
  });
});

describe("archc compile --watch", () => {
  it("compiles again when a file changes, tells errors and goes on, until Ctrl-C", async () => {
    const source = join(folder, "watched.arch");
    writeFileSync(source, TINY);
    const child = startArchc(folder, "compile", "watched.arch", "--target", "onnx", "-o", "watched.onnx", "--watch");
    let text = "";
    const edits = [TINY.replace("linear(classes)", "linear(9)"), TINY.replace("0.5", "0.25")];
    const heard = (chunk: string): void => {
      text += chunk;
      const [compiled, errors] = [text.split("tiny: watched.onnx").length - 1, text.split("error[E0307]").length - 1];
      if (edits.length === 2 && compiled === 1) writeFileSync(source, edits.shift() ?? "");
      if (edits.length === 1 && errors === 1) writeFileSync(source, edits.shift() ?? "");
      if (compiled === 2) child.kill("SIGINT");
    };
    child.stdout?.setEncoding("utf8").on("data", heard);
    child.stderr?.setEncoding("utf8").on("data", heard);
    expect(await new Promise((resolve) => child.on("close", resolve))).toBe(130);
  }, 60_000);
});

describe("archc run", () => {
  /** Scores and gradients of softmax regression at these numbers. */
  const weight = Array.from({ length: 24 }, (_, i) => Math.cos(i));
  const bias = [0.1, -0.2, 0.3, 0];
  const x = Array.from({ length: 12 }, (_, i) => Math.sin(i));
  const y = [2, 0];
  const scores = [0, 1].map((b) => {
    const logits = bias.map(
      (start, k) => start + weight.slice(6 * k, 6 * k + 6).reduce((sum, w, i) => sum + w * x[6 * b + i]!, 0),
    );
    const exps = logits.map(Math.exp);
    const total = exps.reduce((a, c) => a + c, 0);
    return exps.map((value) => value / total);
  });

  beforeAll(async () => {
    // Exact in single precision, so that double precision starts from the same numbers.
    const round = (values: number[]): number[] => values.map(Math.fround);
    await write("w.safetensors", {
      "out.logits.weight": f32([4, 6], ...round(weight)),
      "out.logits.bias": f32([4], ...round(bias)),
    });
    await write("x.safetensors", { x: f32([2, 6], ...x) });
    await write("xy.safetensors", {
      x: f32([2, 6], ...x),
      y: { dtype: "i32", shape: [2], data: Float64Array.from(y) },
    });
  });

  it.each([
    ["reference", 1e-6],
    ["onnx", 1e-6],
  ])("predicts on %s what softmax regression gives", async (engine, tolerance) => {
    const { status, stderr } = archc(
      folder,
      "run",
      "tiny.arch",
      "--input",
      "x.safetensors",
      "-o",
      "p.safetensors",
      "--weights",
      "w.safetensors",
      "--engine",
      engine,
    );
    expect(stderr).toBe("");
    expect(status).toBe(0);
    const file = await SafetensorsFile.open(join(folder, "p.safetensors"));
    const { data, shape } = await file.read("scores");
    await file.close();
    expect(shape).toEqual([2, 4]);
    scores.flat().forEach((wanted, i) => {
      expect(Math.abs(data[i]! - wanted)).toBeLessThan(tolerance);
    });
  });

  it("gives losses and gradients in train mode, in f64 where asked", async () => {
    const { status } = archc(
      folder,
      "run",
      "tiny.arch",
      "--input",
      "xy.safetensors",
      "-o",
      "t.safetensors",
      "--weights",
      "w.safetensors",
      "--mode",
      "train",
      "--precision",
      "f64",
    );
    expect(status).toBe(0);
    const file = await SafetensorsFile.open(join(folder, "t.safetensors"));
    const loss = (await file.read("loss")).data[0]!;
    const gradient = (await file.read("grad.out.logits.bias")).data;
    expect(file.entry("loss").dtype).toBe("f64");
    await file.close();
    expect(loss).toBeCloseTo(-(Math.log(scores[0]![2]!) + Math.log(scores[1]![0]!)) / 2, 6);
    // Mean over the batch of p - onehot(y).
    [0, 1, 2, 3].forEach((k) => {
      const wanted = y.reduce((sum, label, b) => sum + (scores[b]![k]! - (label === k ? 1 : 0)) / 2, 0);
      expect(gradient[k]).toBeCloseTo(wanted, 6);
    });
  });

  it.each([
    ["xy.safetensors", [], "the model takes no `y`"],
    ["x.safetensors", ["--mode", "train"], "lacks the target `y`: i32[B]"],
    ["w.safetensors", [], "the model takes no `out.logits.weight`"],
  ])("refuses %s %j, naming the declaration", (input, more, text) => {
    const { status, stderr } = archc(folder, "run", "tiny.arch", "--input", input, "-o", "no.safetensors", ...more);
    expect(status).toBe(1);
    expect(stderr).toContain(text);
    expect(existsSync(join(folder, "no.safetensors"))).toBe(false);
  });

  it("refuses a wrong shape, with the place of its declaration", async () => {
    await write("bad.safetensors", { x: f32([2, 5], ...x.slice(0, 10)) });
    const { status, stderr } = archc(folder, "run", "tiny.arch", "--input", "bad.safetensors", "-o", "no.safetensors");
    expect(status).toBe(1);
    expect(stderr).toContain("x is f32[B, 6] in the model, but got shape [2, 5]");
    expect(stderr).toContain("declared at tiny.arch:3:3");
  });
});

describe("archc gradcheck", () => {
  it("agrees with central differences", () => {
    const { status, stdout } = archc(folder, "gradcheck", "tiny.arch", "--all", "--json");
    expect(status).toBe(0);
    const { maxRelativeError, entries } = json(stdout) as { maxRelativeError: number; entries: number };
    expect(entries).toBe(28);
    expect(maxRelativeError).toBeLessThan(1e-6);
  });
});

describe("archc verify --against", () => {
  it("accepts a file with the same weights, and refuses one with others", () => {
    for (const seed of ["0", "1"])
      archc(folder, "compile", "tiny.arch", "--target", "onnx", "--seed", seed, "-o", `from${seed}.onnx`);
    const same = archc(folder, "verify", "tiny.arch", "--against", "from0.onnx", "--json");
    expect(same.status).toBe(0);
    const [engine] = (json(same.stdout) as { engines: { name: string; maxError: Record<string, number | null> }[] })
      .engines;
    expect(engine?.name).toBe("from0.onnx");
    expect(engine?.maxError["outputs"]).toBeLessThan(1e-6);
    expect(engine?.maxError["losses"]).toBeNull();
    const other = archc(folder, "verify", "tiny.arch", "--against", "from1.onnx");
    expect(other.status).toBe(1);
    expect(other.stdout).toContain("outputs scores is off by");
  }, 60_000);
});

describe("archc doctor", () => {
  it("reports every engine, present or not, with what to do", () => {
    const { status, stdout } = archc(folder, "doctor", "--json");
    expect(status).toBe(0);
    const { engines } = json(stdout) as {
      engines: { name: string; present: boolean; version: string | null; ways: object[] }[];
    };
    expect(engines.map(({ name }) => name)).toEqual(["reference", "tfjs", "onnx"]);
    for (const { present, version, ways } of engines) {
      if (present) expect(version).toMatch(/^\d+\.\d+/);
      else expect(ways.length).toBeGreaterThan(0);
    }
  });
});

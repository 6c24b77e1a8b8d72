// The real addon: built by the set-up, loaded from the user's cache, and computing what arithmetic says.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import {
  installTensorflow,
  linkTensorflow,
  loadTensorflow,
  locateTensorflow,
  probeEngines,
} from "../../src/runtime/engine/index.ts";
import { linesAbove } from "../../src/runtime/engine/tensorflow/start-log.ts";

/** Built by the set-up that runs before the tests. */
const ENGINE_BUNDLE = new URL("../../dist/engine.mjs", import.meta.url).href;

const lookup = locateTensorflow();

it.runIf(lookup.found)("loads the addon and reports the version that the library returns", () => {
  const { tf, version, location } = loadTensorflow();
  expect(tf.getBackend()).toBe("tensorflow");
  expect(version).toBe("2.21.0");
  expect(existsSync(location.addon)).toBe(true);
});

it.runIf(lookup.found)("maps TensorFlow's library into this process", () => {
  loadTensorflow();
  const report = process.report.getReport() as { sharedObjects: string[] };
  const library = report.sharedObjects.find((path) => path.includes("libtensorflow_cc.so.2"));
  expect(library).toContain(locateTensorflowFolder());
});

it.runIf(lookup.found)("computes a matrix product exactly", () => {
  const { tf } = loadTensorflow();
  // Whole numbers below 2^24 are exact in float32 in any order of summation.
  const rows = 37;
  const inner = 29;
  const columns = 31;
  const left = Array.from({ length: rows * inner }, (_, i) => ((i * 7919) % 201) - 100);
  const right = Array.from({ length: inner * columns }, (_, i) => ((i * 104729) % 201) - 100);
  const expected: number[] = [];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      let sum = 0;
      for (let k = 0; k < inner; k++) sum += left[row * inner + k]! * right[k * columns + column]!;
      expected.push(sum);
    }
  }
  const product = tf.tidy(() => tf.matMul(tf.tensor2d(left, [rows, inner]), tf.tensor2d(right, [inner, columns])));
  expect(Array.from(product.dataSync())).toEqual(expected);
  product.dispose();
});

it.runIf(lookup.found)("runs the operators that lean on helpers which newer Nodes dropped", () => {
  const { tf } = loadTensorflow();
  tf.tidy(() => {
    expect(tf.concat([tf.tensor1d([1]), tf.tensor1d([2, 3])]).arraySync()).toEqual([1, 2, 3]);
    expect(tf.topk(tf.tensor1d([4, 9, 2]), 2).indices.arraySync()).toEqual([1, 0]);
    expect(tf.softmax(tf.tensor1d([0, 0])).arraySync()).toEqual([0.5, 0.5]);
  });
});

it.runIf(lookup.found)("trains by eager gradients: d(x^2) = 2x", () => {
  const { tf } = loadTensorflow();
  const gradient = tf.grad((x) => tf.sum(tf.square(x)));
  expect(tf.tidy(() => gradient(tf.tensor1d([3, -5])).arraySync())).toEqual([6, -10]);
});

it.runIf(lookup.found)("loads once a process", () => {
  expect(loadTensorflow({ threads: { intra: 1 } })).toBe(loadTensorflow());
});

it.runIf(lookup.found)("starts without a word, and with TensorFlow's own words when asked", () => {
  const start = (level: string) => {
    const script = `const e = await import(${JSON.stringify(ENGINE_BUNDLE)}); e.loadTensorflow();`;
    const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: level, NODE_OPTIONS: "" };
    return spawnSync(process.execPath, ["--input-type=module", "-e", script], { env, encoding: "utf8" });
  };
  expect(start("3")).toMatchObject({ status: 0, stdout: "", stderr: "" });
  expect(start("0").stderr).toMatch(/oneDNN|TensorFlow/);
});

it("holds back only TensorFlow's lines below the level", () => {
  const heading = "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n";
  const info = "I0000 00:00:1700000000.000000    1 port.cc:153] oneDNN custom operations are on.\n";
  const fault = "E0000 00:00:1700000000.000000    1 cuda.cc:1] failed call to cuInit\n";
  expect(linesAbove(heading + info, 3)).toBe("");
  expect(linesAbove(heading + info + fault, 2)).toBe(heading + fault);
  expect(linesAbove(`${info}something else\n`, 3)).toBe("something else\n");
});

it.runIf(lookup.found)("lends the addon to another project, where plain Node finds it", () => {
  const project = mkdtempSync(join(tmpdir(), "archc-link-"));
  const own = createRequire(import.meta.url).resolve("@tensorflow/tfjs-node-gpu/package.json");
  const theirs = join(project, "node_modules/@tensorflow/tfjs-node-gpu");
  mkdirSync(theirs, { recursive: true });
  copyFileSync(own, join(theirs, "package.json"));
  const links = linkTensorflow(project);
  expect(links).toEqual([join(theirs, "lib/napi-v8/tfjs_binding.node")]);
  expect(linkTensorflow(project)).toEqual(links);
  const script = "console.log(require(process.argv[1]).TF_Version)";
  const { stdout } = spawnSync(process.execPath, ["-e", script, links[0]!], { encoding: "utf8" });
  expect(stdout).toBe("2.21.0\n");
  rmSync(project, { recursive: true });
});

it("refuses to lend to a project without the package, and names the way", () => {
  const project = mkdtempSync(join(tmpdir(), "archc-link-"));
  expect(() => linkTensorflow(project)).toThrow(lookup.found ? "has no @tensorflow/tfjs-node-gpu" : "nothing to link");
  rmSync(project, { recursive: true });
});

it.runIf(lookup.found)("has nothing to install, in a few milliseconds", async () => {
  if (locateTensorflowSource() !== "cache") return;
  const result = await installTensorflow();
  expect(result.status).toBe("present");
  expect(result.milliseconds).toBeLessThan(1000);
});

it.runIf(lookup.found)("is asked by the probe in a process of its own", async () => {
  const engines = await probeEngines();
  expect(engines.map((engine) => engine.name)).toEqual(["reference", "tfjs", "onnx"]);
  const tensorflow = engines.find((engine) => engine.name === "tfjs");
  expect(tensorflow).toMatchObject({ present: true, version: "2.21.0", problem: null });
  const onnx = engines.find((engine) => engine.name === "onnx");
  const { version } = createRequire(import.meta.url)("onnxruntime-node/package.json") as { version: string };
  expect(onnx).toMatchObject({ present: true, version });
});

function locateTensorflowFolder(): string {
  const found = locateTensorflow();
  return found.found ? found.location.folder : "";
}

function locateTensorflowSource(): string {
  const found = locateTensorflow();
  return found.found ? found.location.source : "";
}

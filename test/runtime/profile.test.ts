/** The log of TensorFlow's executor, read as it is written, and time by line of the model: from a log made by hand. */
import { expect, test } from "vitest";
import { emitTfjs } from "../../src/backends/tfjs/index.ts";
import type { Node } from "../../src/compiler/graph/graph.ts";
import { ExecutorLog, profileOf, WARM_STEPS } from "../../src/runtime/train/profile.ts";
import { programFrom } from "../support/library.ts";

const line = (micros: number, what: string, id: number, run: number, node: string, op: string, thread = 7): string =>
  `I0000 00:00:${(1_700_000_000 + micros / 1e6).toFixed(6)}     ${String(thread)} executor.cc:879] ${what}: ${String(id)} step ${String(run)} {{node ${node}}} = ${op}[T=DT_FLOAT](a, b) device: /job:localhost\n`;
const [BEGIN, DONE] = ["Process node", "Synchronous kernel done"];
const kernel = (at: number, took: number, id: number, run: number, node: string, op: string): string =>
  line(at, BEGIN, id, run, node, op) + line(at + took, DONE, id, run, node, op);

const program = programFrom(`model net() {
  input  x: f32[B, 6]
  target y: f32[B, 3]
  head main {
    let guess = x |> linear(3)
    loss mse_loss(guess, y)
    predict value = guess
  }
  train { batch = 4  epochs = 1  optimize "**" by sgd() at constant(0.05) }
}
`);
const { origins } = emitTfjs(program, { mode: "train" });
const nameOf = (fits: (node: Node, name: string) => boolean): string => {
  const found = [...origins].find(([name, node]) => name.startsWith("train_step/") && fits(node, name));
  if (found === undefined) throw new Error("there is no such node");
  return found[0];
};

test("takes the log in pieces, other lines among it, and kernels that overlap", () => {
  const log = new ExecutorLog();
  const text =
    "something else\n" +
    line(100, BEGIN, 1, 5, "a/b", "MatMul", 7) +
    line(101, BEGIN, 2, 5, "a/c", "AddV2", 8) +
    line(103, DONE, 2, 5, "a/c", "AddV2", 9) +
    line(112, "Async kernel done", 1, 5, "a/b", "MatMul", 7) +
    line(113, BEGIN, 3, 5, "a/d", "AddV2");
  for (let at = 0; at < text.length; at += 17) log.take(text.slice(at, at + 17));
  expect(log.runs.map(({ node, op, run, end, start }) => [node, op, run, Math.round(end - start)])).toEqual([
    ["a/c", "AddV2", "5", 2],
    ["a/b", "MatMul", "5", 12],
  ]);
});

test("adds kernels up by line: gradients with what they are of, past the warm steps", () => {
  const matmul = nameOf((node, name) => node.op === "matmul" && name.endsWith("/MatMul"));
  const gradient = nameOf((node, name) => node.op === "matmul" && name.endsWith("/MatMul_1"));
  const loss = nameOf((node) => node.path === "main" && node.op === "mean");
  const log = new ExecutorLog();
  for (let step = 0; step < WARM_STEPS; step += 1) log.take(kernel(1000 * step, 900, 1, step, matmul, "MatMul"));
  for (const run of [10, 11]) {
    const at = 10_000 * run;
    log.take(kernel(at, 200, 1, run, matmul, "MatMul"));
    log.take(kernel(at + 300, 100, 2, run, `${loss.split("/").slice(0, -1).join("/")}/ArithmeticOptimizer/Hoist_${loss.split("/").at(-1) ?? ""}`, "Mean")); // prettier-ignore
    log.take(kernel(at + 500, 80, 3, run, gradient, "MatMul"));
    log.take(kernel(at + 600, 20, 4, run, "_SOURCE", "NoOp"));
    // a prediction between two steps is none of them
    log.take(kernel(at + 700, 500, 1, run + 100, "predict/x/MatMul", "MatMul"));
  }
  const { profile, trace } = profileOf(program, origins, log.runs, 4);
  expect(profile).toMatchObject({ steps: 2, milliseconds: 0.62, kernelMilliseconds: 0.4 });
  const lines = profile.lines.map(({ place, text, milliseconds, share }) => [place, text, milliseconds, share]);
  expect(lines).toEqual([
    ["case.arch:5", "let guess = x |> linear(3)", 0.28, 0.7],
    ["case.arch:6", "loss mse_loss(guess, y)", 0.1, 0.25],
    ["(other)", "", 0.02, 0.05],
  ]);
  // two products of 4 x 6 by 6 x 3, 2 a multiply-add
  expect(profile.lines.map(({ flops }) => flops)).toEqual([2 * 2 * 4 * 6 * 3, 0, 0]);
  const { traceEvents } = trace as { traceEvents: { ph: string; dur: number; name: string }[] };
  expect(traceEvents.map(({ ph, name, dur }) => [ph, name, Math.round(dur)]).slice(0, 3)).toEqual([
    ["X", "MatMul", 200],
    ["X", "Mean", 100],
    ["X", "MatMul", 80],
  ]);
});

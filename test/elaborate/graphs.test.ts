/** What the three graphs of a program hold. */
import { expect, it } from "vitest";
import { DiagnosticBag } from "../../src/compiler/diagnostics/diagnostic.ts";
import { compile, rulesOf } from "../../src/compiler/compile.ts";
import { elaborate } from "../../src/compiler/elaborate/model.ts";
import { planFor } from "../../src/compiler/elaborate/variants.ts";
import { GraphBuilder } from "../../src/compiler/graph/builder.ts";
import { printGraph } from "../../src/compiler/graph/print.ts";
import { verifyGraph } from "../../src/compiler/graph/verify.ts";
import { differentiate, haveGradients } from "../../src/compiler/ops/differentiate.ts";
import { loadModules } from "../../src/compiler/resolve/modules.ts";
import { TestHost } from "../support/trees.ts";
import { compileText, modelOf } from "../support/compile.ts";
import { goldenProgram } from "../support/goldens.ts";

it("verify: topological, typed by the signatures, names unique", () => {
  const rules = rulesOf(new TestHost("models/dhaa.arch"));
  const { train, evaluate, predict } = goldenProgram();
  for (const graph of [train, evaluate, predict]) if (graph) expect(verifyGraph(graph, rules)).toEqual([]);
});

it("are the same whether like applications are copied or evaluated", () => {
  const host = new TestHost("models/dhaa.arch");
  const bag = new DiagnosticBag();
  const modules = loadModules(host, "models/dhaa.arch", bag);
  const plan = modules && planFor("dhaa", modules.entry, bag);
  if (plan === undefined) throw new Error("models/dhaa.arch cannot be read");
  const [copied, evaluated] = [true, false].map((copies) =>
    elaborate(plan, rulesOf(host), new DiagnosticBag(), { copies }),
  );
  for (const graph of ["train", "evaluate", "predict"] as const) {
    const [a, b] = [copied?.[graph], evaluated?.[graph]];
    expect(a && printGraph(a)).toBe(b && printGraph(b));
  }
});

it("keep updates to training, and predictions to what they need", () => {
  const program = compileText(modelOf("let code = x |> linear(8) |> batch_norm as bn |> relu"));
  expect(program.evaluate.updates).toEqual([]);
  expect(program.predict.ports.map((p) => p.name)).toEqual(["x"]);
  const updated = program.train?.updates.map((u) => u.variable.path) ?? [];
  expect(updated).toEqual(expect.arrayContaining(["bn.running_mean", "bn.running_var", "bn.weight", "step"]));
});

it("hold frozen layers still, statistics too", () => {
  const text = modelOf("let code = x |> linear(8) as first |> batch_norm as bn |> relu").replace(
    "train {",
    'train { freeze "bn.**", "first.**" ',
  );
  const program = compileText(text);
  expect(program.train?.updates.map((u) => u.variable.path).sort()).toEqual([
    "main.logits.bias",
    "main.logits.weight",
    "step",
  ]);
  expect(program.train?.nodes.some((n) => n.op === "batch_norm_train")).toBe(false);
  expect(
    program.variables
      .filter((v) => v.trained)
      .map((v) => v.path)
      .sort(),
  ).toEqual(["main.logits.bias", "main.logits.weight"]);
});

it.each(["dhaa", "gan", "vae", "gpt", "unet", "translate", "stn"])(
  "%s: check finds the weights that have gradients",
  (name) => {
    const host = new TestHost(`models/${name}.arch`);
    const { program } = compile(host, { file: `models/${name}.arch` });
    const total = program?.train?.outputs.find((o) => o.kind === "total");
    if (program?.train === undefined || total === undefined) throw new Error(`${name} has no training graph`);
    const { nodes, variables, ports } = program.train;
    const forward = (): GraphBuilder =>
      new GraphBuilder(rulesOf(host), nodes.slice(0, nodes.indexOf(total.value.node) + 1));
    const floats = [...variables, ...ports].filter((v) => v.type.dtype === "f32").map((v) => v.value);
    const made = differentiate(forward(), total.value, floats).map((gradient) => gradient !== undefined);
    expect(haveGradients(forward(), total.value, floats)).toEqual(made);
    expect(made).toContain(true);
  },
);

it("have no depth: a chain of 2,000 lines compiles, whatever is read first", () => {
  const lines = Array.from({ length: 2000 }, (_, i) => `let h${i} = ${i === 0 ? "x" : `h${i - 1}`} * 1.0 + 0.5`);
  const program = compileText(modelOf(`${lines.join("\n  ")}\n  let code = h1999`));
  expect(program.predict.nodes.filter((n) => n.op === "add").length).toBeGreaterThanOrEqual(2000);
});

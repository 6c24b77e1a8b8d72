// Portable modules in a real browser, on each backend of tfjs: the small DHAA against PyTorch's goldens, and every sample of
// every forward operator on WebGL, which Node does not have.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { emitPortable } from "../../src/backends/portable/index.ts";
import { evaluate } from "../../src/backends/reference/index.ts";
import { rulesOf } from "../../src/compiler/compile.ts";
import { decompose } from "../../src/compiler/ops/decompose.ts";
import { writePortable } from "../../src/runtime/artifact.ts";
import { openWeights } from "../../src/runtime/weights.ts";
import { chromiumPath, openBrowser, serve, tfjsPage } from "../support/browser.ts";
import { golden, goldenPath, goldenProgram, goldenYardsticks, relativeL2 } from "../support/goldens.ts";
import { difference, forwardGraph, isGradient, operatorSamples, sampleName } from "../support/operators.ts";
import { standardRules } from "../support/rules.ts";
import { programOf } from "../support/tfjs.ts";
import { TestHost } from "../support/trees.ts";

const rules = standardRules();
const samples = operatorSamples()
  .filter((s) => !isGradient(s))
  .map((s, i) => {
    const graph = forwardGraph(s, rules, []);
    const { files } = emitPortable(programOf({ predict: graph }), { decompose, rules });
    return { s, graph, files, folder: `/samples/${String(i)}` };
  });
const texts = new Map(
  samples.flatMap(({ files, folder }) =>
    [...files].map(([name, text]) => [`${folder}/${name}`, String(text)] as const),
  ),
);
texts.set("/index.html", tfjsPage);

let page: Page | undefined;
const closers: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  if (chromiumPath === undefined) return;
  const folder = await mkdtemp(join(tmpdir(), "archc-browser-"));
  closers.push(() => rm(folder, { recursive: true }));
  const program = goldenProgram();
  const weights = await openWeights(program, goldenPath("weights"));
  await writePortable(program, join(folder, "dhaa"), { weights, rules: rulesOf(new TestHost("models/dhaa.arch")) });
  await weights.close();
  const site = await serve({ node_modules: resolve("node_modules"), dhaa: join(folder, "dhaa") }, texts);
  closers.push(() => site.close());
  const browser = await openBrowser();
  closers.push(() => browser.close());
  page = await browser.newPage();
  await page.goto(`${site.address}/index.html`);
});
afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

interface Fed {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
interface Predicted {
  readonly outputs: Readonly<Record<string, Fed>>;
  readonly exact: boolean;
  readonly left: number;
}
/** Predicts in the page; what comes back are plain numbers, and how many tensors were left behind. */
function predict(backend: string, address: string, inputs: Readonly<Record<string, Fed>>): Promise<Predicted> {
  return page!.evaluate<Predicted>(`predict(${JSON.stringify([backend, address, inputs])})`);
}

/** The sine of a GPU is as exact as the standards of shaders ask: to 2^-11 in absolute terms, SwiftShader's too. */
const shaderTolerance: Readonly<Record<string, number>> = { sin: 2 ** -11, cos: 2 ** -11 };

describe.skipIf(chromiumPath === undefined)("in Chromium", () => {
  test.each(["cpu", "wasm", "webgl"])("the small DHAA predicts PyTorch's ages on %s", async (backend) => {
    const [inputs, outputs] = await Promise.all([golden("inputs"), golden("outputs")]);
    const fed = Object.fromEntries(
      ["image", "landmarks"].map((name) => {
        const { shape, data } = inputs.get(name)!;
        return [name, { shape, data: [...data] }];
      }),
    );
    const made = await predict(backend, "/dhaa/index.mjs", fed);
    expect(made.exact).toBe(true);
    expect(made.left).toBe(0);
    const yardstick = Math.max(1e-6, 4 * (goldenYardsticks().predictions["years.0"] ?? 0));
    expect(relativeL2(made.outputs["years"]!.data, outputs.get("predict.years.0")!.data)).toBeLessThan(yardstick);
  });

  test.each(samples.map((sample) => [sampleName(sample.s), sample] as const))("on WebGL, %s", async (_, sample) => {
    const { s, graph, folder: at } = sample;
    const inputs = Object.fromEntries(
      s.sample.inputs.map(({ shape, values }, i) => [`x${String(i)}`, { shape, data: Array.from(values) }]),
    );
    const fed = new Map(
      Object.entries(inputs).map(([name, { shape, data }]) => [name, { shape, data: Float64Array.from(data) }]),
    );
    const expected = evaluate(graph, { precision: "f64", inputs: fed, variables: new Map() }).outputs;
    const { outputs, left } = await predict("webgl", `${at}/index.mjs`, inputs);
    expect(left).toBe(0);
    expect(Object.keys(outputs)).toEqual([...expected.keys()]);
    for (const [name, wanted] of expected) {
      expect(outputs[name]?.shape).toEqual(wanted.shape);
      const allowed = shaderTolerance[s.operator.name] ?? s.sample.tolerance32 ?? 1e-5;
      expect(difference(outputs[name]?.data ?? [], wanted.data), name).toBeLessThan(allowed);
    }
  });
});

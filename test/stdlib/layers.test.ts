/** The library's layers, activations and losses against PyTorch's own, in f64: results, gradients, and states after a step. */
import { beforeAll, describe, expect, it } from "vitest";
import { maxDifference } from "../support/goldens.ts";
import { type GoldenCase, goldenCases, membersOf, modelOf, programFrom, run, startOf } from "../support/library.ts";
import { groups } from "./cases.ts";

/** f64 sums in another order differ by less. */
const tolerance = 1e-11;

describe.each(Object.entries(groups))("%s", (group, expressions) => {
  let cases: ReadonlyMap<string, GoldenCase>;
  beforeAll(async () => {
    cases = await goldenCases(group);
  });

  it("has an expression for every case", () => {
    expect(Object.keys(expressions).sort()).toEqual([...cases.keys()].sort());
  });

  it.each(Object.entries(expressions))("%s", (name, given) => {
    const golden = cases.get(name);
    if (golden === undefined) throw new Error(`there is no case ${name}`);
    const expression = typeof given === "string" ? { expr: given } : given;
    const program = programFrom(modelOf(expression, golden));
    const variables = startOf(program, new Map([...membersOf(golden, "x"), ...membersOf(golden, "w")]));
    const c = golden.get("c");
    const inputs = new Map([...membersOf(golden, "i"), ...(c ? [["c", c] as const] : [])]);

    // what should be 0 (a gradient that cancels) is noise in both
    const difference = (actual: ArrayLike<number | bigint> | undefined, of: string): number => {
      const [a, b] = [Array.from(actual ?? [], Number), Array.from(golden.get(of)?.data ?? [], Number)];
      return b.every((n) => Math.abs(n) < 1e-14) ? Math.max(...a.map(Math.abs)) : maxDifference(a, b);
    };
    const { outputs } = run(program.predict, inputs, variables);
    expect(difference(outputs.get("out")?.data, "y")).toBeLessThan(tolerance);

    if (program.train === undefined) throw new Error("the case has a loss");
    const step = run(program.train, inputs, variables);
    expect(difference(step.outputs.get("loss")?.data, "loss")).toBeLessThan(tolerance);
    for (const path of membersOf(golden, "grad").keys()) {
      expect(difference(step.outputs.get(`grad.${path}`)?.data, `grad.${path}`), path).toBeLessThan(tolerance);
    }
    for (const path of membersOf(golden, "after").keys())
      expect(difference(step.updates.get(path)?.data, `after.${path}`), path).toBeLessThan(tolerance);
  });
});

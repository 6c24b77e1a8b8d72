// How engines are judged: the measure's closed form, the yardstick, and the first node that departs.
import { expect, it } from "vitest";
import { compile } from "../../src/compiler/compile.ts";
import { DiskHost } from "../../src/runtime/host.ts";
import { allowance, distance } from "../../src/runtime/run/measure.ts";
import { firstOf, groupsOf, withValues } from "../../src/runtime/verify/departure.ts";
import { judge } from "../../src/runtime/verify/verify.ts";

it("measures relative L2, and takes what is no number for infinitely far", () => {
  expect(distance([3, 4.5], [3, 4])).toBeCloseTo(0.1, 12);
  expect(distance([0.5], [0])).toBe(0.5);
  expect(distance([NaN], [1])).toBe(Infinity);
  expect(distance([1], [1, 2])).toBe(Infinity);
});

it("allows four times what single precision is off by, and a millionth at least", () => {
  expect(allowance(1e-3)).toBeCloseTo(4e-3, 12);
  expect(allowance(0)).toBe(1e-6);
});

const tensors = (kind: "outputs" | "gradients" | "weights", ...errors: number[]) =>
  errors.map((error, i) => ({ kind, name: `t${String(i)}`, error }));

it("judges values of the forward pass by their own yardstick", () => {
  const verdict = judge("onnx", "1", tensors("outputs", 2e-3, 2e-3), tensors("outputs", 1e-2, 1e-7));
  expect(verdict.ok).toBe(false);
  expect(verdict.departures).toEqual([{ kind: "outputs", name: "t1", error: 2e-3, allowed: 1e-6 }]);
  expect(verdict.maxError).toEqual({ outputs: 2e-3, losses: null, gradients: null, weights: null });
});

it("lets single gradients jump over kinks as the yardstick does, but not most of them, and none by more", () => {
  const yardsticks = tensors("gradients", 1e-2, 1e-7, 1e-7, 1e-7);
  expect(judge("tfjs", "1", tensors("gradients", 1e-7, 3e-2, 1e-7, 1e-7), yardsticks).ok).toBe(true);
  expect(judge("tfjs", "1", tensors("gradients", 1e-7, 5e-2, 1e-7, 1e-7), yardsticks).ok).toBe(false);
  // One percent everywhere is no kink.
  const systematic = judge("tfjs", "1", tensors("gradients", 1e-2, 1e-2, 1e-2, 1e-2), yardsticks);
  expect(systematic.departures.map(({ name }) => name)).toEqual(["t1", "t2", "t3"]);
});

it("allows a weight what its gradient is allowed, for the part that changed", () => {
  const yardsticks = [...tensors("gradients", 1e-2), ...tensors("weights", 1e-8, 1e-8)];
  const changes = new Map([["t0", 1e-3]]);
  const verdict = judge("tfjs", "1", tensors("weights", 3e-5, 3e-5), yardsticks, changes);
  expect(verdict.departures).toEqual([{ kind: "weights", name: "t1", error: 3e-5, allowed: 1e-6 }]);
});

it("finds the first node that departs, by its line", () => {
  const file = "models/dhaa_ablations.arch";
  const { program } = compile(new DiskHost(file), { file, variant: "dhaa_c_small" });
  const groups = groupsOf(program!.predict, 2);
  const nodes = groups.flat();
  expect(nodes.length).toBeGreaterThan(100);
  const off = new Map(nodes.map(({ id }, i) => [id, i < 20 ? 5e-7 : 1e-3]));
  const first = firstOf(nodes, off, new Map());
  expect(first?.path).toBe(nodes[20]?.path);
  expect(first?.place).toMatch(/^(models\/dhaa\.arch|std:\w+):\d+:\d+$/);
  // Where single precision is as far off, nothing departs.
  expect(firstOf(nodes, off, off)).toBeUndefined();
  const probed = withValues(program!, "predict", [nodes[3]!.id]);
  expect(probed.predict.outputs.at(-1)).toMatchObject({
    name: `node:${String(nodes[3]!.id)}`,
    value: { node: nodes[3] },
  });
});

// Sampling by its properties: as many as there are rows, each row and each class as often as it should to within one.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Batches } from "../../src/runtime/data/batches.ts";
import type { Row } from "../../src/runtime/data/manifest.ts";
import type { Recipe } from "../../src/runtime/data/recipe.ts";
import { drawShowings, weightsOf } from "../../src/runtime/data/sampling.ts";
import { Draws } from "../../src/runtime/draws.ts";

const rowsOf = (cells: readonly Readonly<Record<string, string>>[]): Row[] =>
  cells.map((columns, index) => ({
    ...{ index, line: index + 2, files: new Map(), points: [], lip: undefined, columns },
    values: new Map([["x", [index]]]),
  }));
const timesOf = (showings: readonly { row: number }[], n: number): number[] =>
  Array.from({ length: n }, (_, i) => showings.filter(({ row }) => row === i).length);

describe("an epoch", () => {
  it("shows rows in proportion to their weights, each to within one", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 60 }),
        fc.nat(),
        (weights, seed) => {
          const total = weights.reduce((sum, weight) => sum + weight, 0);
          fc.pre(total > 0);
          const of = weightsOf("m.csv", rowsOf(weights.map((w) => ({ w: String(w) }))), { weigh: "w" });
          const showings = drawShowings(of!, new Draws(seed));
          expect(showings).toHaveLength(weights.length);
          timesOf(showings, weights.length).forEach((times, i) => {
            expect(Math.abs(times - (weights.length * weights[i]!) / total)).toBeLessThan(1 + 1e-6);
          });
        },
      ),
      { seed: 3, numRuns: 200 },
    );
  });
  it("shows classes equally often, and rows of a class alike", () => {
    const names = [
      ...Array<string>(70).fill("young"),
      ...Array<string>(20).fill("grown"),
      ...Array<string>(6).fill("old"),
    ];
    const rows = rowsOf(names.map((name) => ({ name })));
    for (let seed = 0; seed < 20; seed += 1) {
      const times = timesOf(drawShowings(weightsOf("m.csv", rows, { balance: "name" })!, new Draws(seed)), 96);
      for (const name of ["young", "grown", "old"]) {
        const mine = times.filter((_, i) => names[i] === name);
        // 96 showings, three classes: 32 each.
        expect(Math.abs(mine.reduce((sum, n) => sum + n, 0) - 32)).toBeLessThanOrEqual(1);
        expect(Math.max(...mine) - Math.min(...mine)).toBeLessThanOrEqual(1 + 1e-9);
      }
    }
  });
  it("is the same for the same seed, differs from the next, and moves a row otherwise when it comes again", async () => {
    const rows = rowsOf(["1", "1", "1", "9"].map((w) => ({ w })));
    const manifest = { path: "m.csv", rows, skipped: [] };
    const recipe: Recipe = {
      fields: [{ name: "x", dtype: "f32", shape: [], range: undefined, from: { kind: "numbers", columns: ["x"] } }],
      alignment: undefined,
      augmentations: [],
    };
    const epochs = async (seed: number): Promise<string[]> => {
      const batches = new Batches(manifest, recipe, { batch: 4, seed, training: true, sampling: { weigh: "w" } });
      const read = async (step: number): Promise<string> => String((await batches.at(step)).get("x")?.data);
      return [await read(0), await read(1), await read(2)];
    };
    const [one, again] = [await epochs(1), await epochs(1)];
    expect(again).toEqual(one);
    expect(new Set([...one, ...(await epochs(2))]).size).toBeGreaterThan(2);
    for (const epoch of one) expect(epoch.split(",").filter((x) => x === "3")).toHaveLength(3);
    const showings = drawShowings(weightsOf("m.csv", rows, { weigh: "w" })!, new Draws(1));
    expect(showings.filter(({ row }) => row === 3).map(({ nth }) => nth).sort()).toEqual([0, 1, 2]); // prettier-ignore
  });
});

it("tells of weights that are none", () => {
  const rows = rowsOf([{ w: "1" }, { w: "-1" }, { w: "x" }, { w: "" }]);
  expect(() => weightsOf("m.csv", rows, { weigh: "w" })).toThrow(
    /3 rows cannot be drawn:[^]*m\.csv:3: column w: "-1" is not a weight, 0 or more[^]*m\.csv:4: [^]*m\.csv:5: column w is empty/,
  );
  expect(() => weightsOf("m.csv", rows, { balance: "age" })).toThrow("m.csv lacks the column `age` (for --balance).");
  expect(() => weightsOf("m.csv", rowsOf([{ w: "0" }]), { weigh: "w" })).toThrow("m.csv: all weights are 0.");
  expect(weightsOf("m.csv", rows, {})).toBeUndefined();
});

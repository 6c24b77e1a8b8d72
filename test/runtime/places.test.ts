// Whole numbers of the inputs that are no places on the axis they are used on: told before a run, with the input, the entry
// and the range; told of a manifest's row with its line and column. What is expected is counted by hand.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { limitedRecipe } from "../../src/runtime/data/limits.ts";
import { readManifest } from "../../src/runtime/data/manifest.ts";
import { readInputs } from "../../src/runtime/run/inputs.ts";
import { limitsOf, misplaced } from "../../src/runtime/run/places.ts";
import { writeTensors } from "../../src/runtime/run/run.ts";
import { openWeights, readVariable, seededWeights, writeWeights } from "../../src/runtime/weights.ts";
import { compileText } from "../support/compile.ts";

const folder = mkdtempSync(join(tmpdir(), "archc-places-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Columns 0 and 2 are places of tables of 9 and 4 rows, column 1 is nothing; `words` are places that are computed. */
const program = compileText(`model net() {
  input codes:  i64[B, 3]
  input words:  i32[B, 2]
  target label: i32[B] in 0 ..< 5
  param table: f32[6, 4] = uniform()
  let first = codes[:, 0] |> embedding(9, 4)
  let last  = codes[:, 2] |> embedding(4, 4)
  let read = gather(axis: 0)(table, (words + 1) |> reshape([B * 2])) |> reshape([B, 8])
  head main {
    let logits = concat([first, last, read]) |> linear(5)
    loss cross_entropy(logits, label)
    predict scores = logits
  }
  train { optimize "**" by sgd() at constant(0.1) }
  data {
    codes = columns(["a", "b", "c"])
    words = tokens("words", length: 2)
    label = column("label")
  }
}
`);
const fed = (codes: readonly number[], words: readonly number[]) =>
  new Map([
    ["codes", { dtype: "i64" as const, shape: [2, 3], data: Float64Array.from(codes) }],
    ["words", { dtype: "i32" as const, shape: [2, 2], data: Float64Array.from(words) }],
  ]);
const good = [8, 99, 3, 0, -7, 0];

describe("a run", () => {
  it("goes through where all places are there", () => {
    expect(misplaced(program.predict, fed(good, [4, 0, -1, 2]))).toBeUndefined();
  });
  it("names the entry, though the same number stands elsewhere as none", () => {
    expect(misplaced(program.predict, fed([8, 4, 3, 4, 0, 4], [0, 0, 0, 0]))).toMatchObject({
      ...{ port: { name: "codes" }, at: [1, 2], value: 4, size: 4, path: "last", everywhere: false },
    });
    expect(misplaced(program.predict, fed([0, 0, 0, -1, 0, 0], [0, 0, 0, 0]))).toMatchObject({
      at: [1, 0],
      value: -1,
      size: 9,
    });
  });
  it("names the input of a place that is computed", () => {
    expect(misplaced(program.predict, fed(good, [0, 5, 0, 0]))).toMatchObject({
      ...{ port: { name: "words" }, at: undefined, value: 6, size: 6 },
    });
  });
  it("tells it of a file, with the declaration", async () => {
    const path = join(folder, "inputs.safetensors");
    await writeTensors(path, fed([8, 4, 3, 4, 0, 4], [0, 0, 0, 0]));
    await expect(readInputs(program.predict, path)).rejects.toMatchObject({
      name: "InputError",
      message: `${path}: the input \`codes\` holds 4 at [1, 2], and \`last\` takes 0 ..< 4.`,
      help: ["It is declared at net.arch:2:3."],
    });
    const none = [["codes", [0, 3]] as const, ["words", [0, 2]] as const].map(
      ([name, shape]) => [name, { dtype: "i32" as const, shape, data: new Float64Array(0) }] as const,
    );
    await writeTensors(path, new Map(none));
    await expect(readInputs(program.predict, path)).rejects.toThrow("`codes` has shape [0, 3], so it holds nothing");
  });
});

describe("a manifest", () => {
  it("has a limit for each number that is a place, and none where it is computed with", () => {
    const limits = limitsOf(program.train!);
    expect([...limits]).toEqual([["codes", [9, null, 4]], ["label", [5]]]); // prettier-ignore
  });
  it("is held against it, row by row, unless such rows are left out", async () => {
    const path = join(folder, "table.csv");
    writeFileSync(path, "a,b,c,words,label\n8,99,3,0 1,4\n8,99,4,0 1,4\n9,0,0,0,0\n");
    const recipe = limitedRecipe(program, program.train!);
    await expect(readManifest(path, recipe)).rejects.toThrow(
      "2 of 3 rows cannot be used:\n" +
        `  ${path}:3: column c: 4 is not in 0 ..< 4, the places that the model has for it\n` +
        `  ${path}:4: column a: 9 is not in 0 ..< 9, the places that the model has for it`,
    );
    expect((await readManifest(path, recipe, { skipBad: true })).rows).toHaveLength(1);
  });
});

it("refuses weights that are no numbers", async () => {
  const path = join(folder, "weights.safetensors");
  const nan = { ...seededWeights(0), read: () => [Uint8Array.from({ length: 4 * 24 }, () => 0xff)] };
  const small = compileText(`model net() {
  input x: f32[B, 4]
  param w: f32[6, 4] = uniform()
  head main { predict y = matmul(x, w |> transpose([1, 0])) }
}
`);
  await writeWeights(small, nan, path);
  const weights = await openWeights(small, path);
  await expect(readVariable(weights, small.variables[0]!)).rejects.toThrow(
    "`w` holds NaN, which is no number, at place 0",
  );
  await weights.close();
});

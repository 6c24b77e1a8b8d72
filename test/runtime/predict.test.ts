// Predictions for the rows of a table: what names them. The numbers are sums by hand.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { openPictures, predictAll, type PredictRequest } from "../../src/runtime/predict.ts";
import { reference } from "../../src/runtime/run/reference.ts";
import { seededWeights } from "../../src/runtime/weights.ts";
import { compileText } from "../support/compile.ts";
import { standardRules } from "../support/rules.ts";

const folder = mkdtempSync(join(tmpdir(), "archc-predict-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const program = compileText(`model net() {
  input x: f32[B, 2]
  head main { predict total = x |> sum(axis: [1]) }
  data { x = columns({ first: "a", second: "b" }) }
}
`);
async function predicted(table: string): Promise<readonly (readonly [string | undefined, string, unknown])[]> {
  const data = join(folder, "table.csv");
  writeFileSync(data, table);
  const request: PredictRequest = {
    ...{ images: [], data, split: undefined, limit: undefined, batch: 2, skipBad: false },
    ...{ onSkipped: () => undefined, onDone: () => undefined, signal: new AbortController().signal },
  };
  const setting = { program, rules: standardRules(), weights: seededWeights(0), seed: 0 };
  const predictor = await reference("f64").open(setting);
  const made = await predictAll(predictor, await openPictures(program, request), request);
  return made.map(({ image, row, values }) => [image, row, values["total"]]);
}

it("names a row by the first column of texts that tells rows apart", async () => {
  const table = "number,split,group,name,a,b\n1,test,u,Ada,1,2\n2,val,u,Ben,3,4\n3,train,v,Cid,5,6\n";
  expect(await predicted(table)).toEqual([
    [undefined, "Ada", 3],
    [undefined, "Ben", 7],
    [undefined, "Cid", 11],
  ]);
});
it("names it by its line where there is none", async () => {
  expect(await predicted("a,split,b\n1,test,2\n\n3,val,4\n")).toEqual([
    [undefined, "2", 3],
    [undefined, "4", 7],
  ]);
});

it("leaves a file out that only reading can tell is bad, where it may, and keeps the others' numbers", async () => {
  const arrays = compileText(`model net() {
  input x: i32[B, 2] in 0 ..< 5
  head main { predict total = x |> sum(axis: [1]) }
  data { x = array_file("x") }
}
`);
  const head = "{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }".padEnd(117) + "\n";
  const write = (name: string, ...numbers: number[]): void =>
    writeFileSync(
      join(folder, name),
      Buffer.concat([Buffer.from(`\u0093NUMPY\u0001\u0000v\u0000${head}`, "latin1"), Uint8Array.from(numbers)]),
    );
  write("a.npy", 1, 2);
  write("b.npy", 1, 9);
  write("c.npy", 3, 4);
  const data = join(folder, "arrays.csv");
  writeFileSync(data, "x\na.npy\nb.npy\nc.npy\n");
  const told: string[] = [];
  const request: PredictRequest = {
    ...{ images: [], data, split: undefined, limit: undefined, batch: 3, skipBad: true },
    ...{ onSkipped: (problem) => told.push(problem), onDone: () => undefined, signal: new AbortController().signal },
  };
  const setting = { program: arrays, rules: standardRules(), weights: seededWeights(0), seed: 0 };
  const predictor = await reference("f64").open(setting);
  const pictures = await openPictures(arrays, request);
  const made = await predictAll(predictor, pictures, request);
  expect(made.map(({ columns, values }) => [columns["x"], values["total"]])).toEqual([
    ["a.npy", 3],
    ["c.npy", 7],
  ]);
  expect(told).toEqual([expect.stringContaining("b.npy: column x, number 2: 9 is not in 0 ..< 5")]);
  await expect(predictAll(predictor, pictures, { ...request, skipBad: false })).rejects.toThrow(/9 is not in 0/);
});

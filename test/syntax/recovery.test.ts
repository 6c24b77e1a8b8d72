/**
 * Recovery, measured: one token is taken away at every place of a real file. What must come out is one error, and
 * a tree that lacks next to nothing.
 */
import { describe, expect, it } from "vitest";
import { scan } from "../../src/compiler/syntax/scan.ts";
import { lostParts, partsOf } from "./parts.ts";
import { parse, specFiles } from "./support.ts";

interface Measure {
  readonly mutants: number;
  readonly valid: number;
  readonly exactlyOne: number;
  readonly meanLost: number;
  readonly percentile95: number;
}

function measure(name: string, step: number): Measure {
  const file = specFiles().find((f) => f.name === name);
  if (file === undefined) throw new Error(`there is no ${name}`);
  const parts = partsOf(parse(file.text).tree.declarations);
  const tokens = scan(file).tokens.filter((_, i) => i % step === 0);
  const lost: number[] = [];
  let [valid, exactlyOne] = [0, 0];
  for (const token of tokens) {
    const text = file.text.slice(0, token.startOffset) + file.text.slice((token.endOffset ?? 0) + 1);
    const { tree, diagnostics } = parse(text);
    if (diagnostics.length === 0) valid++;
    if (diagnostics.length === 1) exactlyOne++;
    lost.push(lostParts(parts, partsOf(tree.declarations)).length);
  }
  lost.sort((a, b) => a - b);
  return {
    mutants: tokens.length,
    valid,
    exactlyOne,
    meanLost: lost.reduce((a, b) => a + b, 0) / lost.length,
    percentile95: lost[Math.floor(lost.length * 0.95)] ?? 0,
  };
}

describe("a token taken away anywhere", () => {
  // The others only show that one file is no exception; every third place of them is enough for that.
  it.each([
    ["models/dhaa.arch", 1],
    ["stdlib/optim.arch", 3],
    ["test/syntax/fixtures/corners.arch", 3],
  ])(
    "costs one error and next to nothing of %s",
    (name, step) => {
      const { mutants, valid, exactlyOne, meanLost, percentile95 } = measure(name, step);
      // Some mutants are right programs: a name less in a list of arguments, say.
      expect(exactlyOne / mutants).toBeGreaterThanOrEqual(0.85);
      expect(exactlyOne / (mutants - valid)).toBeGreaterThanOrEqual(0.97);
      expect(meanLost).toBeLessThanOrEqual(0.6);
      expect(percentile95).toBeLessThanOrEqual(2);
    },
    180_000,
  );
});

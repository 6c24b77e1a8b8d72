/** The formatter on programs that nobody wrote: from the grammar at random, and with comments in every place. */
import { describe, expect, it } from "vitest";
import { scan } from "../../src/compiler/syntax/scan.ts";
import { Generator, spell, type Spelling } from "../support/generate.ts";
import { Random } from "../support/random.ts";
import { specFiles } from "../syntax/support.ts";
import { formatted } from "./support.ts";

const FIRST_SEED = Number(process.env["ARCHC_SEED"] ?? "1");
const SECONDS = Number(process.env["ARCHC_FUZZ_SECONDS"] ?? "3");

/** Which of the places of a file get a comment in turn. */
const EVERY = Number(process.env["ARCHC_FUZZ_EVERY"] ?? "61");

const spellings: Readonly<Record<string, Spelling>> = {
  "on long lines": { lines: 0, comments: 0 },
  "on short lines": { lines: 0.3, comments: 0 },
  "with a comment here and there": { lines: 0.15, comments: 0.01 },
  "full of comments": { lines: 0.2, comments: 0.15 },
};

describe("random programs", () => {
  for (const [name, spelling] of Object.entries(spellings)) {
    it(`keep their meaning and their layout ${name}`, () => {
      const until = performance.now() + SECONDS * 1000;
      let seed = FIRST_SEED;
      for (; performance.now() < until; seed++) {
        const random = new Random(seed);
        const tokens = new Generator(random).tokens(1 + random.below(200));
        formatted(spell(tokens, random, spelling), `seed ${String(seed)}`);
      }
      expect(seed).toBeGreaterThan(FIRST_SEED + 20);
    }, 120_000);
  }
});

describe("comments", () => {
  for (const { name, text } of specFiles().filter((file) => /dhaa\.arch|corners|regions/.test(file.name))) {
    it(`stay in every place of ${name}`, () => {
      const tokens = scan({ name, text }).tokens;
      for (const [i, { startOffset }] of tokens.entries()) {
        if (i % EVERY !== FIRST_SEED % EVERY) continue;
        for (const comment of ["// here\n", "\n// here\n", "\n\n/// here\n\n"])
          formatted(
            text.slice(0, startOffset) + comment + text.slice(startOffset),
            `${name} before token ${String(i)}`,
          );
      }
    }, 120_000);
  }
});

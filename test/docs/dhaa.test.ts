/**
 * docs/dhaa.md: every number of its table of ablations, and the edits that it shows. Parameters and FLOP are held against the
 * compiler and against PyTorch's counts, lines against the variants and the patches.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { flopsOf, numbersIn } from "../../src/runtime/summary.ts";
import { ablationProgram, ablations, ablationsFile } from "../support/ablations.ts";
import { root } from "./fences.ts";

const page = readFileSync(join(root, "docs/dhaa.md"), "utf8");
const models = readFileSync(join(root, ablationsFile), "utf8");
const pytorch = new Map(ablations().map((made) => [made.name, made]));

const rows = [...page.matchAll(/^\| `(\w+)` +\|(.*)\|$/gm)].map(([, name = "", rest = ""]) => {
  const [, arch = "", parameters = "", predict = "", train = "", patch = ""] = rest
    .split("|")
    .map((cell) => cell.trim());
  return { name, arch, parameters, predict, train, patch };
});

/** The lines between a variant's braces that say something. */
function linesOf(name: string): number {
  const [start = "", rest = ""] = new RegExp(`^variant ${name} +of \\w+ \\{(.*)$`, "m").exec(models) ?? [];
  expect(start, name).not.toBe("");
  if (rest.trim() !== "") return 1;
  const [inside = ""] = models.slice(models.indexOf(start) + start.length).split("\n}");
  return inside.split("\n").filter((line) => !/^\s*(?:\/\/.*)?$/.test(line)).length;
}
/** The added and removed lines of a diff, in order. */
const editsOf = (diff: string): string[] => diff.split("\n").filter((line) => /^(?:\+(?!\+\+ )|-(?!-- ))/.test(line));
const patchOf = (name: string): string => readFileSync(join(root, `scripts/goldens/ablations/${name}.patch`), "utf8");

describe("the table of ablations", () => {
  it("has every ablation, and the network itself", () => {
    expect(rows.map(({ name }) => name).sort()).toEqual([...pytorch.keys()].sort());
  });

  it.each(rows)("$name: parameters and FLOP", ({ name, parameters, predict, train }) => {
    const program = ablationProgram(name);
    const own = {
      predict: flopsOf(program.predict),
      train: program.train === undefined ? NaN : flopsOf(program.train),
    };
    const made = pytorch.get(name);
    const count = numbersIn(program.variables.filter(({ trained }) => trained));
    expect(parameters).toBe(count.toLocaleString("en-US"));
    expect(count).toBe(made?.parameters);
    expect([predict, train]).toEqual([own.predict, own.train].map((flops) => (flops / 1e9).toPrecision(4)));
    expect(Math.abs(own.predict / (made?.flops.predict ?? NaN) - 1)).toBeLessThan(0.005);
    expect(Math.abs(own.train / (made?.flops.train ?? NaN) - 1)).toBeLessThan(0.005);
  });

  it.each(rows.filter(({ name }) => name !== "dhaa"))("$name: lines", ({ name, arch, patch }) => {
    const made = pytorch.get(name);
    expect(arch).toBe(String(linesOf(name)));
    expect(patch).toBe(`+${String(made?.added)} -${String(made?.removed)}`);
  });
});

it("no variant takes more than eight lines", () => {
  const names = [...models.matchAll(/^variant (\w+)/gm)].map(([, name = ""]) => name);
  expect(names.length).toBeGreaterThanOrEqual(rows.length - 1);
  for (const name of names) expect(linesOf(name), name).toBeLessThanOrEqual(8);
});

describe("the edits side by side", () => {
  const shown = [...page.matchAll(/^```diff (\w+)\n([^]*?)^```$/gm)].map(([, name = "", diff = ""]) => ({
    name,
    diff,
  }));
  it("are at least two", () => {
    expect(shown.length).toBeGreaterThanOrEqual(2);
  });
  it.each(shown)("$name is all of the patch, and all of the variant", ({ name, diff }) => {
    expect(editsOf(diff)).toEqual(editsOf(patchOf(name)));
    const variant = new RegExp(
      `^\`\`\`arch part of ${ablationsFile}\nvariant ${name} +of \\w+ \\{(.*)$([^]*?)\`\`\``,
      "m",
    );
    const [, rest = "", below = ""] = variant.exec(page) ?? [];
    const lines = rest.trim() === "" ? below.trim().split("\n").length - 1 : 1;
    expect(lines).toBe(linesOf(name));
  });
});

// The data commands as they are called: text for people, JSON with the fields of docs/cli.md, status and errors.
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { archc, build, newFolder } from "./support.ts";

let folder: string;
beforeAll(() => {
  build();
  folder = newFolder();
  const rows = Array.from({ length: 50 }, (_, i) => `${20 + (i % 30)},s${i % 10},${i % 2 === 0 ? "a" : "b"}`);
  writeFileSync(join(folder, "rows.csv"), ["age,subject,group", ...rows].join("\n"));
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

describe("archc data", () => {
  it("split writes manifests, tells their counts, and refuses what cannot be meant", () => {
    const { status, stdout } = archc(folder, "data", "split", "rows.csv", "-o", "parted", "--together", "subject");
    expect([status, stdout]).toEqual([0, "manifest             train  test\nparted/manifest.csv     40    10\n"]);
    const folds = archc(folder, "data", "split", "rows.csv", ...["-o", "folds", "--protocol", "leave-one-out", "--where", "group=a", "--json"]); // prettier-ignore
    const made = JSON.parse(folds.stdout) as { folds: { name: string; counts: Record<string, number> }[] };
    expect(made).toMatchObject({ protocol: "leave-one-out", seed: 0, rows: 25, leftOut: 25 });
    expect(made.folds[0]).toEqual({
      ...{ name: "fold-1-s0", manifest: "folds/fold-1-s0.csv" },
      counts: { train: 20, test: 5 },
    });
    expect(readdirSync(join(folder, "folds"))).toHaveLength(5);
    expect(archc(folder, "data", "split", "rows.csv", "-o", "parted").stderr).toContain("is not empty");
    const wrong = archc(folder, "data", "split", "rows.csv", ...["-o", "x", "--protocol", "given", "--parts", "a=1,b=2"]); // prettier-ignore
    expect([wrong.status, wrong.stderr.includes("parts of its own")]).toEqual([2, true]);
  });

  it("stats shows a histogram of each split, and what is in both", () => {
    const { status, stdout } = archc(folder, "data", "stats", "parted/manifest.csv", "--width", "10");
    expect(status).toBe(0);
    expect(stdout).toMatch(/^split +rows +subjects +files +age: mean/);
    expect(stdout).toMatch(/^20-29 .*#.* #/m);
    expect(stdout).toContain("the same subject: none");
    const { splits, leaks } = JSON.parse(archc(folder, "data", "stats", "rows.csv", "--json").stdout) as Record<string, unknown>; // prettier-ignore
    expect(splits).toMatchObject({ all: { rows: 50, subjects: 10, files: null, empty: 0 } });
    expect(leaks).toEqual({ path: null, content: null, subject: [], near: null });
    expect(archc(folder, "data", "stats", "rows.csv", "--column", "years").stderr).toContain(
      "lacks the column `years`",
    );
  });

  it("dedupe names the column that it lacks", () => {
    const { status, stderr } = archc(folder, "data", "dedupe", "rows.csv");
    expect(status).toBe(1);
    expect(stderr).toContain("rows.csv lacks the column `path` (for pictures).");
  });
});

// Protocols by their properties: parts are disjoint and whole, have their shares overall and in every stratum, keep together
// what belongs together, and depend on the seed alone.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { deal } from "../../src/runtime/data/deal.ts";
import { type SplitRequest, splitManifest } from "../../src/runtime/data/split.ts";
import { readWholeTable, type Table } from "../../src/runtime/data/table.ts";
import { rowsWhere } from "../../src/runtime/data/where.ts";
import { Draws } from "../../src/runtime/draws.ts";

let folder: string;
let manifest: string;
/** 200 rows of 40 people, of whom three of four are white and half are women; ages from 16 to 75. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "archc-split-"));
  const lines = Array.from({ length: 200 }, (_, i) => {
    const person = Math.floor(i / 5);
    return `images/${i}.png,${16 + ((i * 37) % 60)},p${person},${person % 4 === 0 ? "black" : "white"},${person % 2 === 0 ? "f" : "m"}`;
  });
  manifest = join(folder, "all.csv");
  writeFileSync(manifest, ["path,age,subject,ancestry,gender", ...lines].join("\n"));
});
afterAll(() => rmSync(folder, { recursive: true }));

let made = 0;
const request = (more: Partial<SplitRequest> = {}): SplitRequest => {
  made += 1;
  return {
    ...{ manifest, folder: join(folder, "splits", String(made)), protocol: "random", seed: 0 },
    ...{ where: [], stratify: [], by: "subject", files: ["path"], ...more },
  };
};
const tables = (of: SplitRequest): Table[] => splitManifest(of).folds.map((fold) => readWholeTable(fold.manifest));
const only = (of: SplitRequest): Table => tables(of)[0] as Table;
const rowsOf = ({ rows }: Table, split: string): Table["rows"] => rows.filter(({ cells }) => cells["split"] === split);
const share = (table: Table, split: string): number => rowsOf(table, split).length / table.rows.length;

describe("dealing", () => {
  const parts = [
    { name: "a", share: 80 },
    { name: "b", share: 20 },
  ];
  it("gives two parts their shares to within one, and each stratum to within two", () => {
    const strata = fc.array(fc.constantFrom("x", "y", "z"), { minLength: 1, maxLength: 120 });
    fc.assert(
      fc.property(strata, fc.nat(), fc.integer({ min: 1, max: 99 }), (names, seed, a) => {
        const shares = [{ name: "a", share: a }, { name: "b", share: 100 - a }]; // prettier-ignore
        const rows = names.map((stratum, i) => ({ stratum, group: String(i) }));
        const given = deal(rows, shares, new Draws(seed));
        const lacks = (places: readonly number[]): number =>
          Math.abs(places.filter((i) => given[i] === "a").length - (a / 100) * places.length);
        const all = names.map((_, i) => i);
        expect(lacks(all)).toBeLessThan(1 + 1e-6);
        for (const stratum of ["x", "y", "z"])
          expect(lacks(all.filter((i) => names[i] === stratum))).toBeLessThan(2 + 1e-6);
      }),
      { seed: 7, numRuns: 200 },
    );
  });
  it("never parts a group, and is within the largest of them", () => {
    const groups = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 30, maxLength: 150 });
    fc.assert(
      fc.property(groups, fc.nat(), (names, seed) => {
        const given = deal(names.map((name) => ({ stratum: "", group: String(name) })), parts, new Draws(seed)); // prettier-ignore
        const ofGroup = (name: number): Set<string | undefined> => new Set(given.filter((_, i) => names[i] === name));
        const sizes = [...new Set(names)].map((name) => names.filter((other) => other === name).length);
        for (const name of names) expect(ofGroup(name).size).toBe(1);
        const got = given.filter((part) => part === "a").length;
        expect(Math.abs(got - 0.8 * names.length)).toBeLessThanOrEqual(Math.max(...sizes));
      }),
      { seed: 7, numRuns: 100 },
    );
  });
  it("gives every row the same chance", () => {
    const rows = Array.from({ length: 10 }, (_, i) => ({ stratum: "", group: String(i) }));
    const times = rows.map(() => 0);
    const trials = 2000;
    for (let seed = 0; seed < trials; seed += 1)
      deal(rows, parts, new Draws("chance", seed)).forEach((part, i) => {
        if (part === "b") times[i] = (times[i] ?? 0) + 1;
      });
    // Each is binomial with mean 400 and deviation sqrt(2000 x 0.2 x 0.8) = 17.9: five deviations.
    for (const count of times) expect(Math.abs(count - trials * 0.2)).toBeLessThan(90);
  });
});

describe("random", () => {
  it("parts 80-20, every row once, the same for the same seed", () => {
    const [one, same, other] = [only(request()), only(request()), only(request({ seed: 1 }))];
    expect(one.rows).toHaveLength(200);
    expect([share(one, "train"), share(one, "test")]).toEqual([0.8, 0.2]);
    const test = (table: Table): string[] => rowsOf(table, "test").map(({ cells }) => cells["path"] ?? "");
    expect(test(same).map((path) => path.split("/").at(-1))).toEqual(test(one).map((path) => path.split("/").at(-1)));
    expect(test(other).map((path) => path.split("/").at(-1))).not.toEqual(test(one).map((path) => path.split("/").at(-1))); // prettier-ignore
    // The rows keep their order and their other columns.
    expect(one.columns).toEqual(["path", "age", "subject", "ancestry", "gender", "split"]);
    expect(one.rows.map(({ cells }) => cells["age"])).toEqual(
      readWholeTable(manifest).rows.map(({ cells }) => cells["age"]),
    );
  });
  it("writes paths anew, so that they name the same files", () => {
    const table = only(request());
    const files = table.rows.map(({ cells }) => resolve(dirname(table.path), cells["path"] ?? ""));
    expect(files).toEqual(Array.from({ length: 200 }, (_, i) => join(folder, "images", `${i}.png`)));
  });
  it("stratifies, and keeps people together, at once", () => {
    const table = only(request({ stratify: ["ancestry", "gender"], together: "subject" }));
    const people = (split: string): Set<string> => new Set(rowsOf(table, split).map(({ cells }) => cells["subject"] ?? "")); // prettier-ignore
    expect([...people("test")].filter((name) => people("train").has(name))).toEqual([]);
    const shareOf = (split: string, ancestry: string): number =>
      rowsOf(table, split).filter(({ cells }) => cells["ancestry"] === ancestry).length / rowsOf(table, split).length;
    expect(Math.abs(shareOf("test", "white") - 0.75)).toBeLessThanOrEqual(0.125);
    const binned = only(request({ stratify: ["age/20"] }));
    for (const bin of [0, 1, 2, 3]) {
      const mine = binned.rows.filter(({ cells }) => Math.floor(Number(cells["age"]) / 20) === bin);
      const tested = mine.filter(({ cells }) => cells["split"] === "test").length;
      expect(Math.abs(tested - 0.2 * mine.length)).toBeLessThan(2);
    }
  });
  it("takes a filtered subset, or so many of it", () => {
    const partial = only(request({ where: ["ancestry=white"], sample: 100 }));
    expect(partial.rows).toHaveLength(100);
    expect(new Set(partial.rows.map(({ cells }) => cells["ancestry"]))).toEqual(new Set(["white"]));
    expect(share(partial, "train")).toBe(0.8);
    expect(splitManifest(request({ where: ["ancestry=white"] }))).toMatchObject({ rows: 150, leftOut: 50 });
    expect(() => splitManifest(request({ where: ["ancestry=white"], sample: 151 }))).toThrow(/150 rows to draw from/);
  });
  it("takes parts of any names and sizes, and validation out of what trains", () => {
    const parts = [
      { name: "train", share: 104917 },
      { name: "test", share: 20000 },
    ];
    const { folds } = splitManifest(request({ parts, validate: 10 }));
    expect(folds[0]?.counts).toEqual({ train: 151, val: 17, test: 32 });
  });
  it("writes in no folder that holds anything, and gives no empty part", () => {
    const of = request();
    splitManifest(of);
    expect(() => splitManifest(of)).toThrow(/is there already and is not empty/);
    expect(() => splitManifest(request({ where: ["subject=p1,p2"], together: "subject", parts: ["a", "b", "c"].map((name) => ({ name, share: 1 })) }))).toThrow(/too few: `.` gets none/); // prettier-ignore
  });
});

describe("S1-S2-S3", () => {
  it("makes three disjoint subsets, and trains on the first, then on the second", () => {
    const shares = [20, 20, 60].map((part, i) => ({ name: `S${i + 1}`, share: part }));
    const of = request({ protocol: "s1-s2-s3", stratify: ["ancestry"], parts: shares });
    const [one, two] = tables(of) as [Table, Table];
    expect(readdirSync(of.folder)).toEqual(["fold-1-S1.csv", "fold-2-S2.csv"]);
    const subset = (name: string): number => one.rows.filter(({ cells }) => cells["subset"] === name).length;
    expect([subset("S1"), subset("S2"), subset("S3")]).toEqual([40, 40, 120]);
    expect(one.rows.map(({ cells }) => cells["subset"])).toEqual(two.rows.map(({ cells }) => cells["subset"]));
    one.rows.forEach(({ cells }, i) => {
      expect(cells["split"]).toBe(cells["subset"] === "S1" ? "train" : "test");
      expect(two.rows[i]?.cells["split"]).toBe(cells["subset"] === "S2" ? "train" : "test");
    });
  });
});

describe("leave one out", () => {
  it("tests each person once, on all others", () => {
    const of = request({ protocol: "leave-one-out" });
    const folds = tables(of);
    expect(folds).toHaveLength(40);
    expect(readdirSync(of.folder).slice(0, 2)).toEqual(["fold-01-p0.csv", "fold-02-p1.csv"]);
    folds.forEach((table, i) => {
      expect(new Set(rowsOf(table, "test").map(({ cells }) => cells["subject"]))).toEqual(new Set([`p${i}`]));
      expect(rowsOf(table, "test")).toHaveLength(5);
      expect(rowsOf(table, "train")).toHaveLength(195);
    });
    const { folds: validated } = splitManifest(request({ protocol: "leave-one-out", by: "gender", validate: 20 }));
    expect(validated.map(({ counts }) => counts)).toEqual([
      { train: 80, val: 20, test: 100 },
      { train: 80, val: 20, test: 100 },
    ]);
    expect(() => splitManifest(request({ protocol: "leave-one-out", by: "person" }))).toThrow(
      /lacks the column `person`/,
    );
  });
});

describe("given splits", () => {
  const lists = (...lines: string[]): string => {
    const path = join(folder, "lists.csv");
    writeFileSync(path, lines.join("\n"));
    return path;
  };
  it("come from a list by any columns; who is in no list is left out", () => {
    const of = request({
      protocol: "given",
      lists: lists("subject,split", "p1,train", "p2,val", "p3,test", "p99,test"),
    });
    const { rows, leftOut, folds } = splitManifest(of);
    expect({ rows, leftOut, counts: folds[0]?.counts }).toEqual({
      ...{ rows: 15, leftOut: 185 },
      counts: { train: 5, val: 5, test: 5 },
    });
  });
  it("are told where they say two things, or nothing", () => {
    const given = (...lines: string[]) => request({ protocol: "given", lists: lists(...lines) });
    expect(() => splitManifest(given("subject,split", "p1,train", "p1,test"))).toThrow(
      /lists\.csv:3: p1 has another split in an earlier line/,
    );
    expect(() => splitManifest(given("subject,split", "q1,train"))).toThrow(/No row of .* is in .*lists\.csv/);
    expect(() => splitManifest(given("name,split", "p1,train"))).toThrow(/lacks the column `name`/);
    expect(() => splitManifest(request({ protocol: "given" }))).toThrow(/lacks the column `split`/);
  });
});

describe("conditions", () => {
  const of = (...texts: string[]): number => rowsWhere(readWholeTable(manifest), texts).length;
  it("are all to hold, texts by what they are, numbers by their value", () => {
    expect(of("ancestry=black")).toBe(50);
    expect(of("ancestry!=black")).toBe(150);
    expect(of("ancestry=black,white", "gender=f")).toBe(100);
    expect(of("subject = p1 , p2")).toBe(10);
    const ages = readWholeTable(manifest).rows.map(({ cells }) => Number(cells["age"]));
    expect(of("age>=30", "age<40")).toBe(ages.filter((age) => age >= 30 && age < 40).length);
    expect(of("age=030.0")).toBe(ages.filter((age) => age === 30).length);
  });
  it("are told where they are none, or name what is not there", () => {
    expect(() => of("ancestry")).toThrow("--where ancestry is no condition.");
    expect(() => of("age>old")).toThrow('--where age>old: "old" is not a number.');
    expect(() => of("race=white")).toThrow(/lacks the column `race` \(for --where race=white\)/);
    expect(() => of("ancestry=green")).toThrow(/No row of .* has ancestry=green/);
  });
});

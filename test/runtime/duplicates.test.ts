// Perceptual hashes against SciPy and Pillow, the search for near ones against comparing all pairs, and what both are for:
// data sets without duplicates, and what leaks between splits.
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dedupe } from "../../src/runtime/data/dedupe.ts";
import { distance, type Hash, hashGrey, hashPicture, Near } from "../../src/runtime/data/phash.ts";
import { statsOf } from "../../src/runtime/data/stats.ts";
import { readWholeTable } from "../../src/runtime/data/table.ts";
import { Draws } from "../../src/runtime/draws.ts";
import { generateFaces } from "../../src/runtime/faces/generate.ts";

const golden = JSON.parse(readFileSync("test/goldens/phash.json", "utf8")) as { noise: string[]; faces: string[] };
const hex = ({ high, low }: Hash): string => [high, low].map((word) => word.toString(16).padStart(8, "0")).join("");
const parsed = (text: string): Hash => ({ high: parseInt(text.slice(0, 8), 16), low: parseInt(text.slice(8), 16) });

let folder: string;
const at = (name: string): string => join(folder, name);
const face = (i: number): string => at(`images/0000${i}.png`);
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "archc-duplicates-"));
  await generateFaces({ folder, count: 6, seed: 9 });
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true }));

describe("hashes", () => {
  it("of noise are SciPy's, bit for bit", () => {
    const noise = (seed: number): number[] => {
      let state = seed;
      return Array.from({ length: 1024 }, () => {
        state = (Math.imul(1664525, state) + 1013904223) >>> 0;
        return state >>> 24;
      });
    };
    expect(golden.noise.map((_, seed) => hex(hashGrey(noise(seed))))).toEqual(golden.noise);
  });
  it("of pictures are Pillow's but for a frequency at the median, which its resampling moves across", async () => {
    // Half of the bits are ones, so where one changes another does.
    for (const [i, text] of golden.faces.entries())
      expect(distance(await hashPicture(face(i)), parsed(text))).toBeLessThanOrEqual(2);
  });
  it("stay near when a picture is scaled, compressed or made lighter, and far from another's", async () => {
    const hash = await hashPicture(face(0));
    await sharp(face(0)).resize(90, 90).jpeg({ quality: 60 }).toFile(at("small.jpg"));
    await sharp(face(0)).linear(0.8, 40).webp({ quality: 70 }).toFile(at("light.webp"));
    for (const name of ["small.jpg", "light.webp"]) expect(distance(hash, await hashPicture(at(name)))).toBeLessThan(6);
    for (const i of [1, 2, 3, 4]) expect(distance(hash, await hashPicture(face(i)))).toBeGreaterThanOrEqual(6);
  });
  it("differ in the bits that differ", () => {
    const zero = { high: 0, low: 0 };
    expect(distance(zero, { high: 0xffffffff, low: 0xffffffff })).toBe(64);
    expect(distance(zero, { high: 0x80000001, low: 0x10 })).toBe(3);
  });
});

describe("the search", () => {
  it.each([1, 2, 3, 6, 11, 33, 64])("under %i bits finds what comparing with all finds", (under) => {
    const draws = new Draws("near", under);
    const hashes: Hash[] = [];
    for (let i = 0; i < 400; i += 1) {
      const from = hashes[draws.below(i + 1)] ?? { high: draws.bits(), low: draws.bits() };
      // Some are a few flipped bits away from an earlier one, some are new.
      let { high, low } = draws.chance(0.5) ? from : { high: draws.bits(), low: draws.bits() };
      for (let flips = draws.below(9); flips > 0; flips -= 1) {
        const bit = draws.below(64);
        if (bit < 32) high = (high ^ (1 << bit)) >>> 0;
        else low = (low ^ (1 << (bit - 32))) >>> 0;
      }
      hashes.push({ high, low });
    }
    const near = new Near(under);
    hashes.forEach((hash, i) => {
      const apart = hashes.slice(0, i).map((other) => distance(hash, other));
      const least = Math.min(...apart);
      const found = near.nearest(hash);
      expect(found).toEqual(least < under ? { place: apart.indexOf(least), apart: least } : undefined);
      near.add(hash);
    });
  });
});

describe("dedupe", () => {
  it("keeps pictures that are pairwise far apart, the first of those that are not, and all their rows", async () => {
    copyFileSync(face(1), at("images/copy.png"));
    await sharp(face(2)).resize(200, 200).jpeg().toFile(at("images/again.jpg"));
    const rows = ["00000.png", "copy.png", "again.jpg", "00001.png", "00002.png", "00003.png", "copy.png"];
    writeFileSync(at("crawled.csv"), ["path,n", ...rows.map((name, i) => `images/${name},${i}`)].join("\n"));
    const request = { manifest: at("crawled.csv"), column: "path", under: 6, skipBad: false };
    const made = await dedupe({ ...request, output: at("out/unique.csv"), list: at("out/list.csv") });
    expect(made).toMatchObject({ pictures: 6, kept: 4, skipped: [] });
    expect(made.duplicates.map(({ path, line, of, ofLine }) => [path, line, of, ofLine])).toEqual([
      ["images/00001.png", 5, "images/copy.png", 3],
      ["images/00002.png", 6, "images/again.jpg", 4],
    ]);
    const { rows: kept } = readWholeTable(at("out/unique.csv"));
    expect(kept.map(({ cells }) => [cells["path"], cells["n"]])).toEqual([
      ["../images/00000.png", "0"],
      ["../images/copy.png", "1"],
      ["../images/again.jpg", "2"],
      ["../images/00003.png", "5"],
      ["../images/copy.png", "6"],
    ]);
    expect(readWholeTable(at("out/list.csv")).rows.map(({ cells }) => cells["of_line"])).toEqual(["3", "4"]);
    await expect(dedupe({ ...request, output: at("crawled.csv") })).rejects.toThrow(/is not written over/);
  });
  it("tells of pictures that cannot be read, or leaves their rows out", async () => {
    writeFileSync(at("images/bad.png"), "no picture");
    writeFileSync(at("bad.csv"), "path,n\nimages/00000.png,0\nimages/bad.png,1\n,2\nimages/gone.png,3\n");
    const request = { manifest: at("bad.csv"), column: "path", under: 6 };
    await expect(dedupe({ ...request, skipBad: false })).rejects.toThrow(
      /3 rows without a picture that can be read:\n.*bad\.csv:3: column path: .*bad\.png cannot be read[^]*bad\.csv:4: column path is empty[^]*bad\.csv:5: .*gone\.png/,
    );
    const { kept, skipped } = await dedupe({ ...request, skipBad: true, output: at("good.csv") });
    expect([kept, skipped.map(({ line }) => line)]).toEqual([1, [3, 4, 5]]);
    expect(readWholeTable(at("good.csv")).rows.map(({ cells }) => cells["n"])).toEqual(["0"]);
  });
});

describe("stats", () => {
  const request = { column: "age", width: 10, files: "path", near: undefined };
  it("count, spread and bin each split as by hand", async () => {
    const rows = ["a,3,train", "b,17,train", "c,12,train", "d,20,train", "e,18,test", "f,,test"];
    writeFileSync(at("ages.csv"), ["name,age,split", ...rows].join("\n"));
    const made = await statsOf({ ...request, manifests: [at("ages.csv")] });
    expect(made.splits).toEqual({
      // (3 + 17 + 12 + 20) / 4 = 13; squares 100, 16, 1, 49 have the mean 41.5; the middle is between 12 and 17.
      train: {
        ...{ rows: 4, subjects: null, files: null, empty: 0 },
        spread: { mean: 13, deviation: Math.sqrt(41.5), least: 3, median: 14.5, most: 20 },
      },
      test: {
        ...{ rows: 2, subjects: null, files: null, empty: 1 },
        spread: { mean: 18, deviation: 0, least: 18, median: 18, most: 18 },
      },
    });
    expect(made.histogram).toEqual([
      { label: "0-9", counts: { train: 1, test: 0 } },
      { label: "10-19", counts: { train: 2, test: 1 } },
      { label: "20-29", counts: { train: 1, test: 0 } },
    ]);
    expect(made.leaks).toEqual({ path: null, content: null, subject: null, near: null });
    const names = await statsOf({ ...request, manifests: [at("ages.csv")], column: "name" });
    expect(names.histogram.map(({ label }) => label)).toEqual(["a", "b", "c", "d", "e", "f"]);
    expect(names.splits["train"]?.spread).toBeNull();
  });
  it("find what is in two splits: a file, its content, a person, nearly the same picture", async () => {
    copyFileSync(face(4), at("images/other.png"));
    await sharp(face(5)).jpeg({ quality: 80 }).toFile(at("images/pressed.jpg"));
    const train = ["00003.png,1,s1", "00004.png,2,s2", "00005.png,3,s3", "00001.png,4,s4"];
    const test = ["00003.png,5,s5", "other.png,6,s6", "pressed.jpg,7,s7", "00002.png,8,s4", "missing.png,9,s9"];
    const write = (name: string, rows: readonly string[]): string => {
      writeFileSync(at(name), ["path,age,subject", ...rows.map((row) => `images/${row}`)].join("\n"));
      return at(name);
    };
    const manifests = [write("train.csv", train), write("test.csv", test)];
    const { leaks, unreadable, splits } = await statsOf({ ...request, manifests, near: 6 });
    const told = (kind: keyof typeof leaks): unknown => leaks[kind]?.map(({ what, places }) => [what, ...places]);
    const [first, second] = manifests;
    expect(told("path")).toEqual([["images/00003.png", `${first}:2`, `${second}:2`]]);
    expect(told("content")).toEqual([["images/00004.png = images/other.png", `${first}:3`, `${second}:3`]]);
    expect(told("subject")).toEqual([["s4", `${first}:5`, `${second}:5`]]);
    expect(leaks.near?.map(({ what }) => what.replace(/, \d+ bits apart/, ""))).toEqual([
      "images/00004.png and images/other.png",
      "images/00005.png and images/pressed.jpg",
    ]);
    expect(unreadable).toEqual([`${at("images/missing.png")}: there is no such file`]);
    expect([splits["train"]?.files, splits["test"]?.files]).toEqual([4, 5]);
  });
});

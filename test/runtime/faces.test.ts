// Synthetic faces: what a seed fixes, where the landmarks are, and that age can be seen.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Canvas, project } from "../../src/runtime/faces/canvas.ts";
import { drawFace } from "../../src/runtime/faces/draw.ts";
import { generateFaces, makeFace } from "../../src/runtime/faces/generate.ts";
import { face, person } from "../../src/runtime/faces/person.ts";
import { Draws } from "../../src/runtime/draws.ts";

const folder = mkdtempSync(join(tmpdir(), "archc-faces-"));
afterAll(() => rmSync(folder, { recursive: true }));
const level = { yaw: 0, roll: 0, scale: 80, x: 100, y: 100 };

describe("poses", () => {
  it("gives every pixel the point of the face that is projected on it", () => {
    const pose = { yaw: 0.4, roll: -0.2, scale: 60, x: 70, y: 80 };
    const canvas = new Canvas(160, pose);
    let seen = 0;
    canvas.each({ left: -0.9, right: 0.9, top: -1, bottom: 1 }, (x, y, at) => {
      const [column, row] = project(pose, x, y);
      expect(Math.abs(column - ((at / 3) % 160)) + Math.abs(row - Math.floor(at / 480))).toBeLessThan(1e-3);
      seen += 1;
    });
    expect(seen).toBeGreaterThan(5000);
  });

  it("puts a level face's eyes and mouth where an adult's stand", () => {
    const who = { ...person(1, 1), eyeGap: 1, lips: 1, ahead: 0 };
    const { landmarks } = drawFace(200, level, face(who, 30), new Draws(1));
    const [left, right, nose, a, b] = landmarks;
    expect([left[0], left[1]].map(Math.round)).toEqual([71, 78]);
    expect([right[0], right[1]].map(Math.round)).toEqual([129, 78]);
    expect(nose[0]).toBeCloseTo(100, 6);
    expect((a[0] + b[0]) / 2).toBeCloseTo(100, 6);
    expect(Math.abs((a[1] + b[1]) / 2 - (100 + 0.46 * 80))).toBeLessThan(6);
  });
});

describe("faces", () => {
  it("are the same for the same seed and index, and others for others", () => {
    const one = makeFace(3, 7, undefined, 96);
    expect(makeFace(3, 7, undefined, 96)).toEqual(one);
    expect(makeFace(3, 8, undefined, 96).pixels).not.toEqual(one.pixels);
    expect(makeFace(4, 7, undefined, 96).pixels).not.toEqual(one.pixels);
  });

  it("have the ages that are asked for", () => {
    const ages = Array.from({ length: 80 }, (_, i) => makeFace(1, i, { from: 20, to: 24 }, 8).age);
    expect([...new Set(ages)].sort()).toEqual([20, 21, 22, 23, 24]);
  });

  it("have all their landmarks in the picture, and no age outside 0 to 100", () => {
    for (let i = 0; i < 60; i += 1) {
      const made = makeFace(1, i, undefined, 64);
      expect(made.age).toBeGreaterThanOrEqual(0);
      expect(made.age).toBeLessThanOrEqual(100);
      for (const [x, y] of made.landmarks) {
        expect(Math.min(x, y)).toBeGreaterThan(0);
        expect(Math.max(x, y)).toBeLessThan(63);
      }
      expect(made.landmarks[0][0]).toBeLessThan(made.landmarks[1][0]);
    }
  });

  it("wrinkle with age: an old forehead changes more from pixel to pixel", () => {
    const who = { ...person(2, 5), ahead: 0 };
    const rough = (age: number): number => {
      const { pixels } = drawFace(200, level, face(who, age), new Draws(9));
      let sum = 0;
      for (let row = 42; row < 58; row += 1)
        for (let x = 85; x < 115; x += 1)
          sum += Math.abs(pixels[(row * 200 + x) * 3]! - pixels[((row + 1) * 200 + x) * 3]!);
      return sum;
    };
    expect(rough(85)).toBeGreaterThan(1.5 * rough(25));
  });
});

describe("a folder of faces", () => {
  it("holds the pictures and a manifest; a longer series starts with the shorter", async () => {
    const [short, long] = [join(folder, "short"), join(folder, "long")];
    const result = await generateFaces({ folder: short, count: 6, seed: 5 });
    expect(result).toMatchObject({ count: 6, subjects: 2, train: 6, val: 0, test: 0 });
    await generateFaces({ folder: long, count: 8, seed: 5 });
    const lines = (of: string): string[] => readFileSync(join(of, "manifest.csv"), "utf8").trim().split("\n");
    expect(lines(short)[0]).toBe("path,age,x1,y1,x2,y2,x3,y3,x4,y4,x5,y5,subject,yaw,roll,split");
    expect(lines(long).slice(0, 7)).toEqual(lines(short));
    expect(readdirSync(join(short, "images"))).toHaveLength(6);
    for (const name of readdirSync(join(short, "images"))) {
      expect(readFileSync(join(long, "images", name)).equals(readFileSync(join(short, "images", name)))).toBe(true);
    }
  });

  it("parts people, not pictures, into train, val and test", () => {
    const splits = new Map<number, Set<string>>();
    const counts = { train: 0, val: 0, test: 0 };
    for (let i = 0; i < 250; i += 1) {
      const { subject, split } = makeFace(1, i, undefined, 8);
      splits.set(subject, (splits.get(subject) ?? new Set()).add(split));
      counts[split] += 1;
    }
    expect([...splits.values()].every((set) => set.size === 1)).toBe(true);
    expect(counts).toEqual({ train: 200, val: 25, test: 25 });
  });
});

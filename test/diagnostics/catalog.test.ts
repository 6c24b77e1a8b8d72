/** The catalog: its codes, its pages, and what TypeScript refuses. */
import { describe, expect, expectTypeOf, it } from "vitest";
import { catalog, diagnose, isCode, report, type ArgsOf, type Code } from "../../src/compiler/diagnostics/catalog.ts";
import { DiagnosticBag } from "../../src/compiler/diagnostics/diagnostic.ts";
import { diagnosticToJson } from "../../src/compiler/diagnostics/json.ts";
import { alternatives, editDistance, nearest } from "../../src/compiler/diagnostics/suggest.ts";
import { parse } from "../syntax/support.ts";

const codes = Object.keys(catalog) as Code[];

describe("catalog", () => {
  it("has codes of four digits, each once", () => {
    expect(codes.length).toBeGreaterThan(10);
    for (const code of codes) expect(code).toMatch(/^E0\d{3}$/);
  });

  it("takes exactly the arguments of a code", () => {
    expectTypeOf<ArgsOf<"E0109">>().toEqualTypeOf<{ close: string }>();
    expectTypeOf(diagnose<"E0109">)
      .parameter(1)
      .toEqualTypeOf<{ close: string }>();
    expectTypeOf<"E9999">().not.toExtend<Code>();
    expect(isCode("E0109")).toBe(true);
    expect(isCode("toString")).toBe(false);
  });

  it("reports once at a place", () => {
    const bag = new DiagnosticBag();
    const file = { name: "a.arch", text: "abc" };
    report(bag, "E0109", { close: ")" }, { file, start: 1, end: 2 });
    report(bag, "E0109", { close: ")" }, { file, start: 1, end: 2 });
    expect(bag.sorted()).toHaveLength(1);
    expect(bag.hasErrors).toBe(true);
  });
});

describe("JSON", () => {
  it("has the fields that commands promise, with lines and columns from 1", () => {
    const [diagnostic] = parse("const a = 1\nconst b = f(a = 1)\n", "a.arch").diagnostics;
    if (diagnostic === undefined) throw new Error("nothing was reported");
    expect(diagnosticToJson(diagnostic)).toEqual({
      code: "E0101",
      severity: "error",
      message: "`=` does not fit here",
      file: "a.arch",
      start: { line: 2, column: 15 },
      end: { line: 2, column: 16 },
      label: "expected `:`",
      help: "write `:` here",
      note: "",
      related: [],
      fixes: [
        {
          title: "write `:` here",
          file: "a.arch",
          start: { line: 2, column: 14 },
          end: { line: 2, column: 16 },
          text: ":",
        },
      ],
    });
  });
});

describe("suggestions", () => {
  /** The distance by its definition: the cheapest of all first steps. */
  function slow(a: string, b: string): number {
    if (a === "" || b === "") return a.length + b.length;
    const [x, y] = [a.slice(1), b.slice(1)];
    let least = Math.min(slow(x, b) + 1, slow(a, y) + 1, slow(x, y) + (a[0] === b[0] ? 0 : 1));
    if (a.length > 1 && b.length > 1 && a[0] === b[1] && a[1] === b[0])
      least = Math.min(least, slow(a.slice(2), b.slice(2)) + 1);
    return least;
  }

  it("measures distance as defined", () => {
    const words = ["", "a", "nose", "noze", "sone", "eons", "mouth", "relu", "rleu", "gelu"];
    for (const a of words)
      for (const b of words) {
        expect(editDistance(a, b), `${a} ${b}`).toBe(slow(a, b));
        expect(Math.min(editDistance(a, b, 1), 2), `${a} ${b} up to 1`).toBe(Math.min(slow(a, b), 2));
      }
  });

  it("gives the nearest names, best first", () => {
    const known = ["whole", "near", "close", "eye", "nose", "mouth", "norm", "batch_norm", "Linear"];
    expect(nearest("noze", known)).toEqual(["nose"]);
    expect(nearest("linear", known)).toEqual(["Linear"]);
    expect(nearest("norm_batch", known)).toEqual(["batch_norm"]);
    expect(nearest("xyz", known)).toEqual([]);
    expect(nearest("clsoe", known)).toEqual(["close"]);
    expect(nearest("nose", known)).not.toContain("nose");
    expect(nearest("a", ["b"])).toEqual([]);
  });

  it("lists in words", () => {
    expect(alternatives([])).toBe("");
    expect(alternatives(["a"])).toBe("`a`");
    expect(alternatives(["a", "b", "c"])).toBe("`a`, `b` or `c`");
  });
});

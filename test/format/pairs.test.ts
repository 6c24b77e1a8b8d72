/** What the layout is: a folder a case, with a text and what becomes of it. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { formatText, UnreadableError } from "../../src/format/format.ts";
import { formatted } from "./support.ts";

const folder = join(import.meta.dirname, "pairs");

describe("the layout of", () => {
  for (const name of readdirSync(folder)) {
    it(name.replaceAll("-", " "), () => {
      const read = (file: string): string => readFileSync(join(folder, name, file), "utf8");
      const output = read("_output.arch");
      expect(formatted(read("_input.arch"), name)).toBe(output);
      expect(formatText(output)).toBe(output);
    });
  }
});

describe("formatText", () => {
  it("gives nothing for nothing", () => {
    expect(formatText("")).toBe("");
    expect(formatText("\n \n")).toBe("");
  });

  it("takes other line ends and a byte order mark", () => {
    expect(formatText("\ufeffconst a = 1 // one\r\n\r\n\r\nconst b = 2")).toBe("const a = 1 // one\n\nconst b = 2\n");
  });

  it("refuses a text with errors and says which", () => {
    const wrong = (): string => formatText("const a = 1\nconst b = \n", "net.arch");
    expect(wrong).toThrow(UnreadableError);
    try {
      wrong();
    } catch (error) {
      const { diagnostics } = error as UnreadableError;
      expect(diagnostics.map(({ code, span }) => [code, span.file.name])).toEqual([["E0111", "net.arch"]]);
    }
  });
});

/** The Prettier plugin and the function give the same text. */
import { format, type Options } from "prettier";
import { describe, expect, it } from "vitest";
import { formatText } from "../../src/format/format.ts";
import * as plugin from "../../src/format/plugin.ts";
import { specFiles } from "../syntax/support.ts";

const options: Options = { filepath: "net.arch", plugins: [plugin] };

describe("the plugin", () => {
  for (const { name, text } of specFiles().slice(0, 6)) {
    it(`formats ${name} like the command`, async () => {
      expect(await format(text, options)).toBe(formatText(text));
    });
  }

  it("takes Prettier's options", async () => {
    const text = "fn f(a: int) -> int { let b = a\n => b }\nconst sizes = [100, 200, 300, 400, 500]\n";
    expect(await format(text, { ...options, printWidth: 30, tabWidth: 4 })).toBe(
      "fn f(a: int) -> int {\n    let b = a\n    => b\n}\nconst sizes = [\n    100, 200, 300, 400, 500,\n]\n",
    );
  });

  it("shows where a mistake is", async () => {
    const wrong = format("model m() {\n  let x = \n}\n", options);
    await expect(wrong).rejects.toMatchObject({
      message: expect.stringContaining("this line is not finished") as string,
      loc: { start: { line: 2, column: 10 } },
    });
  });
});

/** `archc explain`: every code has its page, unknown ones are answered with those near to them. */
import { describe, expect, it } from "vitest";
import { catalog } from "../../src/compiler/diagnostics/catalog.ts";
import { archc } from "../support/command.ts";

describe("archc explain", () => {
  it.each(Object.entries(catalog))("%s prints its page", async (code, { title }) => {
    const { status, stdout } = await archc("explain", code);
    expect(status).toBe(0);
    expect(stdout.startsWith(`${code}: ${title}\n\n`)).toBe(true);
    expect(stdout).toContain("[" + code + "]:");
    expect(stdout).not.toContain("title:");
  });

  it.each(["e0301", "301", "E301"])("takes %s as people write it", async (written) => {
    expect((await archc("explain", written)).stdout).toContain("E0301: two shapes");
  });

  it("gives the page as JSON", async () => {
    const { stdout } = await archc("explain", "E0307", "--json");
    expect(JSON.parse(stdout)).toMatchObject({ code: "E0307", title: "scores and labels do not match" });
  });

  it.each([
    ["E0399", "near are E03"],
    ["E9999", "codes are E0101 to E0801"],
    ["hello", "codes are E0101 to E0801"],
  ])("answers %s with what there is", async (code, help) => {
    const { status, stdout, stderr } = await archc("explain", code);
    expect(status).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain(`there is no diagnostic ${code}`);
    expect(stderr).toContain(help);
  });
});

/** `archc fmt`: what it writes, what it leaves, what it says. */
import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { archc, build } from "../cli/support.ts";

beforeAll(build);

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "archc-fmt-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});
const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
const read = (name: string): string => readFileSync(join(folder, name), "utf8");

describe("archc fmt", () => {
  it("formats in place and names the files that changed", () => {
    write("a.arch", "const a=1\n");
    write("b.arch", "const b = 2\n");
    const before = statSync(join(folder, "b.arch")).mtimeMs;
    expect(archc(folder, "fmt", "a.arch", "b.arch")).toEqual({ status: 0, stdout: "a.arch\n", stderr: "" });
    expect([read("a.arch"), read("b.arch")]).toEqual(["const a = 1\n", "const b = 2\n"]);
    expect(statSync(join(folder, "b.arch")).mtimeMs).toBe(before);
    expect(readdirSync(folder).sort()).toEqual(["a.arch", "b.arch"]);
    expect(archc(folder, "fmt", "a.arch").stderr).toBe("the file is formatted\n");
  });

  it("only lists with --check", () => {
    write("a.arch", "const a=1\n");
    write("b.arch", "const b = 2\n");
    expect(archc(folder, "fmt", "--check", "a.arch", "b.arch")).toMatchObject({ status: 1, stdout: "a.arch\n" });
    expect(read("a.arch")).toBe("const a=1\n");
    expect(archc(folder, "fmt", "--check", "b.arch").status).toBe(0);
  });

  it("leaves a file with errors as it is, reports them, and formats the others", () => {
    write("a.arch", "const a=\n");
    write("b.arch", "const b=2\n");
    const { status, stdout, stderr } = archc(folder, "fmt", "a.arch", "b.arch");
    expect([status, stdout]).toEqual([1, "b.arch\n"]);
    expect(stderr).toContain("a.arch:1:");
    expect([read("a.arch"), read("b.arch")]).toEqual(["const a=\n", "const b = 2\n"]);
  });

  it("writes what a link names", () => {
    write("a.arch", "const a=1\n");
    symlinkSync("a.arch", join(folder, "link.arch"));
    expect(archc(folder, "fmt", "link.arch").status).toBe(0);
    expect(lstatSync(join(folder, "link.arch")).isSymbolicLink()).toBe(true);
    expect(read("a.arch")).toBe("const a = 1\n");
  });

  it("says that a file is missing", () => {
    const { status, stderr } = archc(folder, "fmt", "none.arch");
    expect(status).toBe(1);
    expect(stderr).toContain("none.arch");
  });
});

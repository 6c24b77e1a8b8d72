/** `archc new`: what it makes checks clean and compiles, and nothing that is there is touched. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { check, compile, listModels } from "../../src/compiler/compile.ts";
import { formatText } from "../../src/format/format.ts";
import { DiskHost } from "../../src/runtime/host.ts";
import { archc } from "../support/command.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "archc-new-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

it("makes a project that checks clean, and whose every model compiles", async () => {
  const project = join(folder, "ages");
  const { status, stdout } = await archc("new", project);
  expect(status).toBe(0);
  expect(stdout).toContain("archc check model.arch");
  expect(readdirSync(project).sort()).toEqual([".gitignore", "README.md", "model.arch"]);

  const host = new DiskHost("model.arch", project);
  expect(check(host, "model.arch").diagnostics).toEqual([]);
  const text = readFileSync(join(project, "model.arch"), "utf8");
  expect(formatText(text), "laid out as `archc fmt` does").toBe(text);
  const { models } = listModels(host, "model.arch");
  expect(models.map((m) => m.name)).toEqual(["face_age", "wide"]);
  for (const { name, kind } of models) {
    const chosen = kind === "model" ? { model: name } : { variant: name };
    const { program } = compile(host, { file: "model.arch", ...chosen });
    expect(program?.train?.updates.length).toBeGreaterThan(0);
    expect(program?.data?.["image"]).toMatchObject({ kind: "image", column: "path" });
    expect(program?.training).toEqual({ batch: 16, epochs: 10 });
  }
});

it("writes a README that names only commands and files that are there", async () => {
  const project = join(folder, "ages");
  await archc("new", project);
  const readme = readFileSync(join(project, "README.md"), "utf8");
  const commands = [...readme.matchAll(/^archc (\w+)/gm)].map(([, name]) => name);
  const help = (await archc("--help")).stdout;
  expect(commands.length).toBeGreaterThan(8);
  for (const name of commands) expect(help).toMatch(new RegExp(`^ +${name ?? ""}\\b`, "m"));
});

it("refuses a folder that is not empty, and leaves it as it was", async () => {
  writeFileSync(join(folder, "mine.txt"), "mine");
  const { status, stderr } = await archc("new", folder);
  expect(status).toBe(1);
  expect(stderr).toContain("is not empty: it has mine.txt");
  expect(readdirSync(folder)).toEqual(["mine.txt"]);
});

it("takes an empty folder, and says as JSON what it wrote", async () => {
  const { status, stdout } = await archc("new", folder, "--json");
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toEqual({ folder, files: ["model.arch", "README.md", ".gitignore"] });
});

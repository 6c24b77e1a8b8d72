// docs/cli.md against the commands themselves: every command has its section, every flag its row with the same words, and
// neither has one more.
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { program } from "../../src/cli/program.ts";

const page = readFileSync("docs/cli.md", "utf8");

function leaves(command: Command, path: readonly string[] = []): [string, Command][] {
  const children = command.commands.filter((child) => child.name() !== "help");
  if (children.length === 0) return [[path.join(" "), command]];
  return children.flatMap((child) => leaves(child, [...path, child.name()]));
}

/** The text under `## archc NAME`, up to the next heading. */
function section(name: string): string {
  const [, text] = page.split(`\n## archc ${name}\n`);
  expect(text, `docs/cli.md has no section "## archc ${name}"`).toBeDefined();
  return (text ?? "").split("\n## ")[0] ?? "";
}

function rows(text: string): string[][] {
  return text
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll("\\|", "|")),
    );
}

const commands = leaves(program());

describe("docs/cli.md", () => {
  it("has the commands in the order of --help, and no other", () => {
    const headings = [...page.matchAll(/^## archc (.+)$/gm)].map(([, name]) => name);
    expect(headings).toEqual(commands.map(([name]) => name));
  });

  it.each(commands)("describes `%s` as --help does", (name, command) => {
    const text = section(name);
    const help = command.createHelp();
    expect(rows(text)).toEqual(
      command.options.map((option) => [`\`${option.flags}\``, help.optionDescription(option)]),
    );
    expect(text.toLowerCase()).toContain(`${command.description().toLowerCase()}.`);
  });

  it.each(commands)("shows the example of `%s` that --help ends with", (name, command) => {
    let help = "";
    command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
    const [, shown = ""] = help.split(/\nExamples?:\n/);
    const lines = shown
      .trim()
      .split("\n")
      .map((line) => line.trim());
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) {
      expect(line).toMatch(new RegExp(`^archc ${name} ?`));
      expect(section(name)).toContain(line);
    }
  });
});

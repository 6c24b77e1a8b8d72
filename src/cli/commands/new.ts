/** `archc new`: a starter project in a folder of its own. Nothing that is there is touched. */
import { existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { fileProblem, InputError } from "../../runtime/error.ts";
import { writeBeside } from "../../runtime/files.ts";
import { example, type ReportFlags, withReport } from "../flags.ts";
import { STARTER } from "../starter.ts";
import { Ui } from "../ui.ts";

export function create(): Command {
  const command = new Command("new")
    .description("a starter project: a small model with its training and data, and what to do with it")
    .argument("<dir>", "a folder that is new or empty");
  return example(withReport(command), "archc new ages").action(run);
}

function run(folder: string, flags: ReportFlags): void {
  const ui = new Ui(flags);
  requireEmpty(folder);
  const files = Object.keys(STARTER);
  try {
    mkdirSync(folder, { recursive: true });
    for (const [name, text] of Object.entries(STARTER)) writeBeside(join(folder, name), text);
  } catch (error) {
    throw new InputError(`${folder} cannot be written: ${fileProblem(error)}.`);
  }
  ui.result({ folder, files });
  ui.print(`${folder}: ${files.join(", ")}\n\nNext:\n  cd ${folder}\n  archc check model.arch`);
}

function requireEmpty(folder: string): void {
  if (!existsSync(folder)) return;
  if (!statSync(folder).isDirectory())
    throw new InputError(`${folder} is a file.`, "Name a folder that is not there yet.");
  const [first] = readdirSync(folder);
  if (first !== undefined)
    throw new InputError(
      `${folder} is not empty: it has ${first}.`,
      "Name a folder that is not there yet; nothing was written.",
    );
}

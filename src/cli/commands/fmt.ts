/** `archc fmt`: files in the one layout. A file with errors in its syntax is left as it is. */
import { readFileSync, realpathSync } from "node:fs";
import { Command } from "commander";
import type { Diagnostic } from "../../compiler/diagnostics/diagnostic.ts";
import { Reported } from "../fail.ts";
import { example, withReport } from "../flags.ts";
import { requireFile } from "../load.ts";
import { Ui } from "../ui.ts";

interface FmtFlags {
  readonly quiet?: boolean;
  readonly check?: boolean;
}

export function fmt(): Command {
  const command = new Command("fmt")
    .description("format files in place; comments stay, and so does the meaning")
    .argument("<file...>", ".arch files")
    .option("--check", "write nothing; list the files that would change, and end with status 1 if there are any");
  return example(withReport(command, false), "archc fmt models/dhaa.arch", "archc fmt --check models/*.arch").action(
    run,
  );
}

async function run(files: readonly string[], flags: FmtFlags): Promise<void> {
  const ui = new Ui(flags);
  files.forEach(requireFile);
  const [{ formatFile }, { writeBeside }] = await Promise.all([
    import("../../format/format.ts"),
    import("../../runtime/files.ts"),
  ]);
  const wrong: Diagnostic[] = [];
  const changed: string[] = [];
  for (const file of files) {
    const before = readFileSync(file, "utf8");
    const { text, diagnostics } = formatFile({ name: file, text: before });
    if (text === undefined) wrong.push(...diagnostics);
    else if (text !== before) {
      changed.push(file);
      // A link stays one: what it names is written.
      if (flags.check !== true) writeBeside(realpathSync(file), text);
    }
  }
  for (const file of changed) ui.print(file);
  if (wrong.length > 0) (await import("../diagnostics.ts")).printDiagnostics(wrong);
  if (wrong.length > 0 || (flags.check === true && changed.length > 0)) throw new Reported();
  if (changed.length === 0)
    ui.note(`${files.length === 1 ? "the file is" : `all ${files.length} files are`} formatted`);
}

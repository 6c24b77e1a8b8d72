/** `archc check`: everything the compiler has to say about files and their variants; nothing is built. */
import { Command } from "commander";
import { diagnosticToJson } from "../../compiler/diagnostics/json.ts";
import { positionOf } from "../../compiler/source/source.ts";
import { DiskHost } from "../../runtime/host.ts";
import { Reported } from "../fail.ts";
import { example, type ReportFlags, withReport } from "../flags.ts";
import { requireFile } from "../load.ts";
import { Ui } from "../ui.ts";
import type { PerUse } from "../../compiler/elaborate/context.ts";
import type { Diagnostic } from "../../compiler/diagnostics/diagnostic.ts";

interface CheckFlags extends ReportFlags {
  readonly fix?: boolean;
  readonly strict?: boolean;
}

export function check(): Command {
  const command = new Command("check")
    .description("parse and type-check files, every model and variant of each")
    .argument("<file...>", ".arch files")
    .option("--fix", "apply the fixes that the errors offer, where there is one")
    .option("--strict", "fail on warnings too, and list what is checked at each use of a block only");
  return example(withReport(command), "archc check models/dhaa.arch models/dhaa_ablations.arch").action(run);
}

async function run(files: readonly string[], flags: CheckFlags): Promise<void> {
  const ui = new Ui(flags);
  files.forEach(requireFile);
  const compiler = await import("../../compiler/compile.ts");
  const all: Diagnostic[] = [];
  const perUse: PerUse[] = [];
  for (const file of files) {
    const host = new DiskHost(file);
    if (flags.fix === true) await applyFixes(ui, host, file);
    const checked = compiler.check(host, host.name(file));
    all.push(...checked.diagnostics);
    if (flags.strict === true) perUse.push(...checked.perUse);
  }
  const unique = distinct(all);
  if (unique.length > 0) {
    (await import("../diagnostics.ts")).printDiagnostics(unique);
    ui.note(`\narchc explain ${unique[0]?.code ?? ""} says more about ${unique.length === 1 ? "it" : "the first one"}`);
  }
  for (const each of perUse) {
    const { file, line, column, what } = shown(each);
    if (!ui.quiet) ui.print(`${file}:${String(line)}:${String(column)} checked at each use: ${what}`);
  }
  const diagnostics = unique.map(diagnosticToJson);
  ui.result(flags.strict === true ? { diagnostics, perUse: perUse.map(shown) } : { diagnostics });
  const fails = flags.strict === true ? ["error", "warning"] : ["error"];
  if (unique.some(({ severity }) => fails.includes(severity))) throw new Reported();
  const none = flags.strict === true ? "no errors, no warnings" : "no errors";
  if (!ui.quiet) ui.print(`${files.length === 1 ? (files[0] ?? "") : `${files.length} files`}: ${none}`);
}

/** A condition that is left to the uses, as it is told. */
function shown({ span, callee, what }: PerUse): { file: string; line: number; column: number; what: string } {
  const place = positionOf(span.file, span.start);
  return { file: span.file.name, ...place, what: callee === undefined ? what : `${callee} needs ${what}` };
}

/** Two files that import a third report its errors once. */
function distinct(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const seen = new Set<string>();
  return diagnostics.filter(({ code, span, message }) => {
    const key = `${code} ${span.file.name} ${span.start} ${span.end} ${message}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** Writes the file with every edit that applies. */
async function applyFixes(ui: Ui, host: DiskHost, file: string): Promise<void> {
  const { mend } = await import("../../compiler/mend.ts");
  const name = host.name(file);
  const { text, applied } = mend(host, name);
  if (applied.length === 0) return;
  const { writeBeside } = await import("../../runtime/files.ts");
  writeBeside(file, text);
  for (const { diagnostic, fix } of applied) {
    const { line, column } = positionOf(fix.span.file, fix.span.start);
    ui.note(`${name}:${line}:${column} ${diagnostic.code}: ${fix.title}`);
  }
  ui.note(`${name}: ${applied.length === 1 ? "1 edit" : `${applied.length} edits`} made\n`);
}

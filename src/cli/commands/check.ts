/** `archc check`: everything the compiler has to say about files and their variants; nothing is built. */
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { diagnosticToJson } from "../../compiler/diagnostics/json.ts";
import { DiskHost } from "../../runtime/host.ts";
import { Reported } from "../fail.ts";
import { example, type ReportFlags, withReport } from "../flags.ts";
import { requireFile } from "../load.ts";
import { Ui } from "../ui.ts";
import type { Diagnostic } from "../../compiler/diagnostics/diagnostic.ts";

interface CheckFlags extends ReportFlags {
  readonly fix?: boolean;
}

export function check(): Command {
  const command = new Command("check")
    .description("parse and type-check files, every model and variant of each")
    .argument("<file...>", ".arch files")
    .option("--fix", "apply the fixes that the errors offer, where there is one");
  return example(withReport(command), "archc check models/dhaa.arch models/dhaa_ablations.arch").action(run);
}

async function run(files: readonly string[], flags: CheckFlags): Promise<void> {
  const ui = new Ui(flags);
  files.forEach(requireFile);
  const compiler = await import("../../compiler/compile.ts");
  const diagnosticsOf = (host: DiskHost, file: string): readonly Diagnostic[] =>
    compiler.check(host, host.name(file)).diagnostics;
  const all: Diagnostic[] = [];
  for (const file of files) {
    const host = new DiskHost(file);
    let found = diagnosticsOf(host, file);
    if (flags.fix === true && (await applyFixes(ui, host, file, found))) found = diagnosticsOf(host, file);
    all.push(...found);
  }
  const unique = distinct(all);
  if (unique.length > 0) (await import("../diagnostics.ts")).printDiagnostics(unique);
  ui.result({ diagnostics: unique.map(diagnosticToJson) });
  if (unique.some(({ severity }) => severity === "error")) throw new Reported();
  if (!ui.quiet) ui.print(`${files.length === 1 ? (files[0] ?? "") : `${files.length} files`}: no errors`);
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

/** Applies the first fix of each diagnostic in this very file, last place first; fixes that overlap one applied wait for the next run. */
async function applyFixes(ui: Ui, host: DiskHost, file: string, diagnostics: readonly Diagnostic[]): Promise<boolean> {
  const name = host.name(file);
  const fixes = diagnostics
    .flatMap(({ fixes: [first] }) => (first === undefined ? [] : [first]))
    .filter(({ span }) => span.file.name === name)
    .sort((a, b) => b.span.start - a.span.start);
  let text = readFileSync(file, "utf8");
  let reached = Infinity;
  const done: string[] = [];
  for (const { span, text: by, title } of fixes) {
    if (span.end > reached) continue;
    text = text.slice(0, span.start) + by + text.slice(span.end);
    reached = span.start;
    done.push(title);
  }
  if (done.length === 0) return false;
  const { writeBeside } = await import("../../runtime/files.ts");
  writeBeside(file, text);
  for (const title of done.reverse()) ui.note(`${name}: ${title}`);
  return true;
}

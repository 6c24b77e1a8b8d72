/**
 * From FILE and its flags to a program: what every command that takes FILE starts with. Prints the diagnostics; a program
 * with errors never comes back.
 */
import { statSync } from "node:fs";
import type { Diagnostic } from "../compiler/diagnostics/diagnostic.ts";
import type { TypeRules } from "../compiler/graph/builder.ts";
import type { Program } from "../compiler/program.ts";
import { fileProblem, InputError } from "../runtime/error.ts";
import { DiskHost } from "../runtime/host.ts";
import { Reported } from "./fail.ts";
import type { ModelFlags } from "./flags.ts";
import type { Ui } from "./ui.ts";

export interface Loaded {
  readonly program: Program;
  readonly host: DiskHost;
  readonly rules: TypeRules;
  /** What parsing, checking and elaborating took. */
  readonly milliseconds: number;
}

export async function load(ui: Ui, file: string, flags: ModelFlags, host = new DiskHost(file)): Promise<Loaded> {
  requireFile(file);
  const { compile, rulesOf } = await import("../compiler/compile.ts");
  const started = performance.now();
  const { program, diagnostics } = compile(host, { file: host.name(file), ...choice(flags) });
  const milliseconds = performance.now() - started;
  await tell(ui, diagnostics);
  if (program === undefined) throw new Reported();
  return { program, host, rules: rulesOf(host), milliseconds };
}

/** The flags as the compiler takes them. */
export function choice(flags: ModelFlags): {
  model?: string;
  variant?: string;
  settings?: { path: string; value: string }[];
} {
  const settings = flags.set?.map((text) => {
    const at = text.indexOf("=");
    return { path: text.slice(0, at), value: text.slice(at + 1) };
  });
  return {
    ...(flags.model === undefined ? {} : { model: flags.model }),
    ...(flags.variant === undefined ? {} : { variant: flags.variant }),
    ...(settings === undefined ? {} : { settings }),
  };
}

/** Prints diagnostics; where there are errors, also as the JSON result, since no other will come. Loads nothing for none. */
export async function tell(ui: Ui, diagnostics: readonly Diagnostic[]): Promise<void> {
  if (diagnostics.length === 0) return;
  const { printDiagnostics } = await import("./diagnostics.ts");
  const failed = diagnostics.some(({ severity }) => severity === "error");
  printDiagnostics(ui.quiet ? diagnostics.filter(({ severity }) => severity === "error") : diagnostics);
  if (failed && ui.json) {
    const { diagnosticToJson } = await import("../compiler/diagnostics/json.ts");
    ui.result({ diagnostics: diagnostics.map(diagnosticToJson) });
  }
}

/** A missing FILE is told plainly, before anything else. */
export function requireFile(file: string): void {
  try {
    if (statSync(file).isFile()) return;
  } catch (error) {
    throw new InputError(`${file}: ${fileProblem(error)}.`);
  }
  throw new InputError(`${file} is not a file.`, "Name an .arch file.");
}

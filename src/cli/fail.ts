/**
 * How a command ends: the exit status of each kind of failure, and what is printed for it. Nothing else prints errors.
 */
import { CommanderError } from "commander";
import { colorsOf } from "./ui.ts";

export const STATUS = { done: 0, input: 1, use: 2, system: 3, interrupted: 130 } as const;

/** The input's errors have been printed already; the command ends with status 1. */
export class Reported extends Error {
  readonly status: number;
  constructor(status: number = STATUS.input) {
    super("reported");
    this.name = "Reported";
    this.status = status;
  }
}

/** The command line itself is wrong in a way that only shows when it is carried out. */
export class UsageError extends Error {
  readonly help: readonly string[];
  constructor(message: string, ...help: readonly string[]) {
    super(message);
    this.name = "UsageError";
    this.help = help;
  }
}

/** Prints what there is to say and returns the exit status. Known errors are told by name, so that none is loaded for it. */
export function report(error: unknown): number {
  if (error instanceof Reported) return error.status;
  // Commander has printed its own line; help and version end well.
  if (error instanceof CommanderError) return error.exitCode === 0 ? STATUS.done : STATUS.use;
  if (!(error instanceof Error)) return fault(new Error(String(error)));
  if (error.name === "AbortError") {
    process.stderr.write("\ninterrupted\n");
    return STATUS.interrupted;
  }
  const help = "help" in error ? lines(error.help) : [];
  switch (error.name) {
    case "UsageError":
      say(error.message, help);
      return STATUS.use;
    case "TargetError":
      // Its diagnostics are printed where the renderer is loaded.
      return STATUS.input;
    case "InputError":
      say(error.message, help);
      return STATUS.input;
    case "SafetensorsError":
    case "FeedError":
      // Their messages end with the way out.
      say(error.message, []);
      return STATUS.input;
    case "TfjsRunError":
      // TensorFlow's own words, with the place in the model in front.
      say(error.message, []);
      return STATUS.system;
    case "EngineError":
      say(error.message, engineHelp(error));
      return STATUS.system;
    default:
      return isSystem(error) ? system(error) : fault(error);
  }
}

function say(message: string, help: readonly string[]): void {
  const colors = colorsOf(process.stderr);
  process.stderr.write(`${colors.red(colors.bold("error"))}: ${message}\n`);
  for (const line of help) process.stderr.write(`  ${colors.cyan("help")}: ${line}\n`);
}

function lines(help: unknown): readonly string[] {
  if (typeof help === "string") return help === "" ? [] : [help];
  return Array.isArray(help) ? help.map(String) : [];
}

/** A tool's last lines, then the ways out with their commands. */
function engineHelp(error: Error): readonly string[] {
  const output = "output" in error && typeof error.output === "string" && error.output !== "" ? [error.output] : [];
  const ways =
    "ways" in error && Array.isArray(error.ways) ? (error.ways as { text: string; commands: string[] }[]) : [];
  return [
    ...output,
    ...ways.map(({ text, commands }) => [text, ...commands.map((command) => `    ${command}`)].join("\n")),
  ];
}

function isSystem(error: Error): boolean {
  return "code" in error && typeof error.code === "string" && /^E[A-Z]+$/.test(error.code);
}

function system(error: Error): number {
  const path = "path" in error && typeof error.path === "string" ? `${error.path}: ` : "";
  say(`${path}${error.message}`, []);
  return STATUS.system;
}

function fault(error: Error): number {
  say(`archc itself failed: ${error.message}`, [
    "This is a fault of archc, not of your input. ARCHC_DEBUG=1 shows where.",
  ]);
  if (process.env["ARCHC_DEBUG"] !== undefined) process.stderr.write(`${error.stack ?? ""}\n`);
  return STATUS.system;
}

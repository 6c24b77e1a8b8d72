/**
 * Flags that several commands share, and the parsers of their values. No command's own flags are here.
 */
import { type Command, InvalidArgumentError, Option } from "commander";

export interface ModelFlags {
  readonly model?: string;
  readonly variant?: string;
  readonly set?: readonly string[];
}
export interface ReportFlags {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** --model, --variant and --set: which program of FILE is meant. */
export function withModel(command: Command): Command {
  return command
    .option("--model <name>", "the model, where the file has several")
    .option("--variant <name>", "a variant of the file instead of its model")
    .addOption(
      new Option("--set <path=value>", "an edit, as a variant's `set`; may be given again")
        .argParser((value: string, before: readonly string[] | undefined) => [...(before ?? []), setting(value)])
        .default(undefined),
    );
}

/** --json and --quiet. */
export function withReport(command: Command, json = true): Command {
  if (json) command.option("--json", "the result as JSON on stdout");
  return command.option("-q, --quiet", "no remarks and no progress");
}

/** An example that --help ends with. */
export function example(command: Command, ...lines: readonly string[]): Command {
  return command.addHelpText(
    "after",
    `\nExample${lines.length > 1 ? "s" : ""}:\n${lines.map((line) => `  ${line}`).join("\n")}`,
  );
}

function setting(value: string): string {
  if (/^[^=\s]+=.+$/s.test(value)) return value;
  throw new InvalidArgumentError("It has the form PATH=VALUE, as in classes=11.");
}

/** --precision of a graph that TensorFlow runs. */
export function precisionOption(where = ""): Option {
  const text = `${where}what convolutions, products and the work between them compute in; weights stay f32 (default: f32)`;
  return new Option("--precision <type>", text).choices(["f32", "bf16"]);
}

/** --convolution of a training step that TensorFlow runs. */
export function convolutionOption(where = ""): Option {
  const text = `${where}direct sums every product, where training takes Winograd's form if that is faster (default: winograd)`;
  return new Option("--convolution <form>", text).choices(["winograd", "direct"]);
}

/** A whole number of at least `least`. */
export function whole(least: number): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (value.trim() !== "" && Number.isSafeInteger(number) && number >= least) return number;
    throw new InvalidArgumentError(`It is a whole number, ${String(least)} or more.`);
  };
}

/** Words with commas between them. */
export function words(value: string): readonly string[] {
  return value
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
}

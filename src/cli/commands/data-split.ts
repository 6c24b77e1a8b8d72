/** `archc data split`: manifests of a protocol. Dealing is the runtime's; this asks and reports. */
import { Command, InvalidArgumentError, Option } from "commander";
import type { Part } from "../../runtime/data/deal.ts";
import type { Protocol } from "../../runtime/data/split.ts";
import { UsageError } from "../fail.ts";
import { example, type ReportFlags, whole, withReport, words } from "../flags.ts";
import { table, Ui } from "../ui.ts";

interface SplitFlags extends ReportFlags {
  readonly output: string;
  readonly protocol: Protocol;
  readonly parts?: readonly Part[];
  readonly validate?: number;
  readonly where?: readonly string[];
  readonly stratify?: readonly string[];
  readonly together?: string;
  readonly sample?: number;
  readonly by: string;
  readonly lists?: string;
  readonly files: readonly string[];
  readonly seed: number;
}

const protocols: readonly Protocol[] = ["random", "s1-s2-s3", "leave-one-out", "given"];

export function split(): Command {
  const command = new Command("split")
    .description("write manifests whose column `split` says which rows train and which test, by a protocol")
    .argument("<manifest>", "a CSV file with a row a sample")
    .requiredOption("-o, --output <folder>", "where to, a new folder")
    .addOption(new Option("--protocol <name>", "how rows are parted").choices(protocols).default("random"))
    .option("--parts <name=share,...>", "shares of random (default: train=80,test=20), or of S1, S2 and S3", parts)
    .option("--validate <percent>", "so much of what trains validates instead", percent)
    .addOption(
      new Option("--where <condition>", "only rows with COLUMN=VALUE, or != < <= > >=; may be given again")
        .argParser((value: string, before: readonly string[] | undefined) => [...(before ?? []), value])
        .default(undefined),
    )
    .option("--sample <n>", "so many of these rows only, drawn by chance", whole(1))
    .option("--stratify <columns>", "parts have like shares of each value; age/5 for bins of five", words)
    .option("--together <column>", "rows with the same value stay in one part, as one person's should")
    .option("--by <column>", "leave-one-out: whose values are left out, one a fold", "subject")
    .option("--lists <csv>", "given: a table of `split` by other columns; else the manifest's own `split` stays")
    .addOption(
      new Option("--files <columns>", "columns with paths, which are written anew for the folder")
        .argParser(words)
        .default(["path"], "path"),
    )
    .option("--seed <n>", "other seeds deal otherwise", whole(0), 0);
  return example(
    withReport(command),
    "archc data split faces/manifest.csv -o splits/random --stratify age/5 --together subject",
    "archc data split morph.csv -o splits/partial --where ancestry=white --sample 5493",
    "archc data split morph.csv -o splits/s123 --protocol s1-s2-s3 --parts S1=20,S2=20,S3=60 --stratify ancestry,gender",
    "archc data split fgnet.csv -o splits/fgnet --protocol leave-one-out",
    "archc data split cacd.csv -o splits/cacd --protocol given --lists celebrities.csv",
  ).action(run);
}

async function run(manifest: string, flags: SplitFlags): Promise<void> {
  const ui = new Ui(flags);
  const { output: folder, protocol, where = [], stratify = [], validate, lists } = flags;
  if (lists !== undefined && protocol !== "given") throw new UsageError("--lists is for --protocol given.");
  if (flags.parts !== undefined && protocol !== "random" && protocol !== "s1-s2-s3")
    throw new UsageError(`--parts is for random and s1-s2-s3; ${protocol} has parts of its own.`);
  const { splitManifest } = await import("../../runtime/data/split.ts");
  const { parts: shares, together, sample, by, files, seed } = flags;
  const request = { manifest, folder, protocol, seed, parts: shares, validate, where, sample, stratify };
  const made = splitManifest({ ...request, together, by, lists, files });
  const names = [...new Set(made.folds.flatMap(({ counts }) => Object.keys(counts)))];
  ui.print(
    table(
      ["manifest", ...names],
      made.folds.map((fold) => [fold.manifest, ...names.map((name) => String(fold.counts[name] ?? 0))]),
    ),
  );
  if (made.leftOut > 0) ui.note(`${made.leftOut} rows of ${manifest} are in none of them`);
  ui.result(made);
}

/** "train=80,test=20". */
function parts(value: string): readonly Part[] {
  const made = words(value).map((word) => {
    const [, name = "", share = ""] = /^([^=]+)=([\d.]+)$/.exec(word) ?? [];
    return { name, share: Number(share) };
  });
  const names = new Set(made.map(({ name }) => name));
  if (made.length > 1 && names.size === made.length && made.every(({ name, share }) => name !== "" && share > 0))
    return made;
  throw new InvalidArgumentError("It is two parts or more with their shares, as in train=72,val=8,test=20.");
}

function percent(value: string): number {
  const number = Number(value);
  if (value.trim() !== "" && number > 0 && number < 100) return number;
  throw new InvalidArgumentError("It is a number of percent, between 0 and 100.");
}

/** `archc data stats`: counts, a histogram a split and leaks between splits, as text. Counting is the runtime's. */
import { Command, InvalidArgumentError } from "commander";
import type { Bin, Leak, LeakKind, Stats } from "../../runtime/data/stats.ts";
import { example, type ReportFlags, whole, withReport } from "../flags.ts";
import { interruption } from "../interrupt.ts";
import { table, Ui } from "../ui.ts";

interface StatsFlags extends ReportFlags {
  readonly column: string;
  readonly width: number;
  readonly files: string;
  readonly near?: boolean;
  readonly distance: number;
}

export function stats(): Command {
  const command = new Command("stats")
    .description("counts and a histogram of each split, and what is in more than one of them")
    .argument("<manifest...>", "CSV files; one without a column `split` is a split by itself")
    .option("--column <name>", "what the histogram is of", "age")
    .option("--width <n>", "how wide a bin of numbers is", positive, 5)
    .option("--files <column>", "the column with the files", "path")
    .option("--near", "also look for pictures in several splits that are nearly the same, by their pHash")
    .option("--distance <bits>", "with --near: they differ in fewer of 64 bits", whole(1), 6);
  return example(
    withReport(command),
    "archc data stats faces/manifest.csv",
    "archc data stats train.csv test.csv --near --width 1 --json",
  ).action(run);
}

async function run(manifests: readonly string[], flags: StatsFlags): Promise<void> {
  const ui = new Ui(flags);
  const { statsOf } = await import("../../runtime/data/stats.ts");
  const { column, width, files, near, distance } = flags;
  const { signal } = interruption();
  const looked = ui.counter("looking at files");
  const request = { manifests, column, width, files, near: near === true ? distance : undefined };
  const made = await statsOf({ ...request, signal, onDone: looked.onDone }).finally(looked.stop);
  ui.print(`${counts(made)}\n\n${histogram(made)}\n\n${leaks(made)}`);
  if (made.unreadable.length > 0)
    ui.note(
      [`${made.unreadable.length} files cannot be read:`, ...made.unreadable.slice(0, SHOWN)].join("\n  ") +
        (made.unreadable.length > SHOWN ? "\n  …" : ""),
    );
  ui.result(made);
}

const SHOWN = 5;

function counts({ splits, column }: Stats): string {
  const number = (value: number | null | undefined, digits = 0): string => value?.toFixed(digits) ?? "-";
  return table(
    ["split", "rows", "subjects", "files", `${column}: mean`, "deviation", "least", "median", "most", "empty"],
    Object.entries(splits).map(([name, { rows, subjects, files, spread, empty }]) => [
      ...[name, String(rows), number(subjects), number(files), number(spread?.mean, 2), number(spread?.deviation, 2)],
      ...[String(spread?.least ?? "-"), String(spread?.median ?? "-"), String(spread?.most ?? "-"), String(empty)],
    ]),
  );
}

const BAR = 24;

/** A bar's length is the bin's share of its split, so that splits of other sizes can be compared. */
function histogram({ histogram: bins, splits, column }: Stats): string {
  const names = Object.keys(splits);
  const shareOf = (bin: Bin, name: string): number => (bin.counts[name] ?? 0) / (splits[name]?.rows ?? 1);
  const most = Math.max(...bins.flatMap((bin) => names.map((name) => shareOf(bin, name))));
  const digits = Math.max(...bins.flatMap((bin) => names.map((name) => String(bin.counts[name] ?? 0).length)));
  return table(
    [column, ...names],
    bins.map((bin) => [
      bin.label,
      ...names.map((name) => {
        const bar = "#".repeat(Math.ceil((BAR * shareOf(bin, name)) / most - 1e-9));
        return `${String(bin.counts[name] ?? 0).padStart(digits)} ${bar.padEnd(BAR)}`;
      }),
    ]),
  );
}

const KINDS: Readonly<Record<LeakKind, string>> = {
  path: "the same file",
  content: "files with the same content",
  subject: "the same subject",
  near: "pictures that are nearly the same",
};

function leaks({ leaks: found, splits }: Stats): string {
  if (Object.keys(splits).length < 2) return "one split, so nothing can be in two";
  const kinds = (Object.keys(KINDS) as LeakKind[]).flatMap((kind): string[] => {
    const mine = found[kind];
    return mine === null ? [] : [leakText(KINDS[kind], mine)];
  });
  return ["in more than one split:", ...kinds].join("\n");
}

function leakText(what: string, found: readonly Leak[]): string {
  const shown = found.slice(0, SHOWN).map((leak) => `    ${leak.what} (${leak.places.join(", ")})`);
  return [
    `  ${what}: ${found.length === 0 ? "none" : found.length}`,
    ...shown,
    ...(found.length > SHOWN ? ["    …"] : []),
  ].join("\n");
}

function positive(value: string): number {
  const number = Number(value);
  if (value.trim() !== "" && Number.isFinite(number) && number > 0) return number;
  throw new InvalidArgumentError("It is a number above 0.");
}

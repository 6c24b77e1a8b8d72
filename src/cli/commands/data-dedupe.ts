/** `archc data dedupe`: a manifest without pictures that are nearly the same. Comparing is the runtime's. */
import { Command } from "commander";
import { example, type ReportFlags, whole, withReport } from "../flags.ts";
import { interruption } from "../interrupt.ts";
import { Ui } from "../ui.ts";

interface DedupeFlags extends ReportFlags {
  readonly output?: string;
  readonly list?: string;
  readonly files: string;
  readonly distance: number;
  readonly skipBad?: boolean;
}

export function dedupe(): Command {
  const command = new Command("dedupe")
    .description("find pictures that are nearly the same as an earlier one, by their pHash")
    .argument("<manifest>", "a CSV file with a row a picture")
    .option("-o, --output <csv>", "the manifest without them")
    .option("--list <csv>", "a table of them, each with the picture it repeats")
    .option("--files <column>", "the column with the pictures", "path")
    .option("--distance <bits>", "duplicates differ in fewer of 64 bits", whole(1), 6)
    .option("--skip-bad", "leave rows out whose picture cannot be read");
  return example(
    withReport(command),
    "archc data dedupe crawled/manifest.csv -o crawled/unique.csv --list crawled/duplicates.csv",
  ).action(run);
}

const SHOWN = 10;

async function run(manifest: string, flags: DedupeFlags): Promise<void> {
  const ui = new Ui(flags);
  const { dedupe: find } = await import("../../runtime/data/dedupe.ts");
  const { count, faultLines } = await import("../../runtime/data/table.ts");
  const { output, list, files: column, distance: under, skipBad = false } = flags;
  const { signal } = interruption();
  const hashed = ui.counter("hashing pictures");
  const request = { manifest, column, under, skipBad, output, list, signal, onDone: hashed.onDone };
  const made = await find(request).finally(hashed.stop);
  const { pictures, kept, duplicates, skipped } = made;
  if (skipped.length > 0)
    ui.note([`${count(skipped.length, "row")} left out:`, ...faultLines(manifest, skipped)].join("\n  "));
  ui.print(`${count(pictures, "picture")}: ${kept} stay, ${count(duplicates.length, "duplicate")}`);
  for (const { path, line, of, distance } of duplicates.slice(0, SHOWN))
    ui.print(`  ${manifest}:${line}: ${path} repeats ${of} (${distance} bits apart)`);
  if (duplicates.length > SHOWN) ui.print(`  … and ${duplicates.length - SHOWN} more`);
  ui.result(made);
}

/** `archc data`: makes data sets, parts them, looks into them. Here is the drawing of faces; the others have files of their own. */
import { Command, InvalidArgumentError } from "commander";
import { example, type ReportFlags, whole, withReport } from "../flags.ts";
import { interruption } from "../interrupt.ts";
import { Ui } from "../ui.ts";
import { dedupe } from "./data-dedupe.ts";
import { split } from "./data-split.ts";
import { stats } from "./data-stats.ts";

export function data(): Command {
  return new Command("data")
    .description("make data sets, part them, look into them")
    .addCommand(faces())
    .addCommand(split())
    .addCommand(stats())
    .addCommand(dedupe());
}

interface FacesFlags extends ReportFlags {
  readonly output: string;
  readonly count: number;
  readonly seed: number;
  readonly ages?: { readonly from: number; readonly to: number };
}

/** "20-40". */
function ageRange(value: string): { from: number; to: number } {
  const [, from, to] = (/^(\d{1,3})-(\d{1,3})$/.exec(value) ?? []).map(Number);
  if (from !== undefined && to !== undefined && from <= to && to <= 100) return { from, to };
  throw new InvalidArgumentError("It is two ages between 0 and 100, as in 20-40.");
}

function faces(): Command {
  const command = new Command("faces")
    .description("draw synthetic faces with known ages, landmarks and poses: PNG files and manifest.csv")
    .requiredOption("-o, --output <folder>", "where to")
    .option("--count <n>", "how many", whole(1), 200)
    .option("--seed <n>", "other seeds draw other people", whole(0), 0)
    .option(
      "--ages <from-to>",
      "drawn evenly from here to there (default: as in collections of photographs)",
      ageRange,
    );
  return example(withReport(command), "archc data faces -o faces --count 250 --seed 1").action(run);
}

async function run(flags: FacesFlags): Promise<void> {
  const ui = new Ui(flags);
  const { generateFaces } = await import("../../runtime/faces/generate.ts");
  const bar = ui.progress("drawing faces", flags.count);
  const { signal } = interruption();
  try {
    const onDone = (done: number): void => bar.update(done);
    const { output: folder, count, seed, ages } = flags;
    const made = await generateFaces({ folder, count, seed, ages, onDone, signal });
    bar.stop();
    const { manifest, subjects, train, val, test } = made;
    ui.print(`${manifest}: ${count} faces of ${subjects} people (${train} train, ${val} val, ${test} test)`);
    ui.result(made);
  } finally {
    bar.stop();
  }
}

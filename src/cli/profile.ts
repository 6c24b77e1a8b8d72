/** Writes and prints where the time of a training's steps went; the figures are the runtime's. */
import { join } from "node:path";
import type { Node } from "../compiler/graph/graph.ts";
import type { Program } from "../compiler/program.ts";
import { EngineError } from "../runtime/engine/error.ts";
import { writeBeside } from "../runtime/files.ts";
import { RUN_FILES } from "../runtime/train/job.ts";
import { type KernelRun, profileOf, WARM_STEPS } from "../runtime/train/profile.ts";
import { scaled, table, type Ui } from "./ui.ts";

/** Steps of a run that is profiled, the warm ones with them. */
export const PROFILED_STEPS = 8;
const SHOWN_LINES = 20;
const SHOWN_TEXT = 60;

export function tellProfile(
  ui: Ui,
  folder: string,
  program: Program,
  origins: ReadonlyMap<string, Node>,
  log: readonly KernelRun[],
  batch: number,
): void {
  const { profile, trace } = profileOf(program, origins, log, batch);
  if (profile.steps === 0) {
    throw new EngineError(
      `Nothing was measured: TensorFlow's executor wrote of no training step after the first ${String(WARM_STEPS)}, which warm up.`,
      [{ text: `Take more steps:   --steps ${String(PROFILED_STEPS)}`, commands: [] }],
    );
  }
  writeBeside(join(folder, RUN_FILES.profile), `${JSON.stringify(profile, undefined, 1)}\n`);
  writeBeside(join(folder, RUN_FILES.trace), `${JSON.stringify(trace)}\n`);
  ui.event({ kind: "profile", ...profile });
  const rows = profile.lines
    .slice(0, SHOWN_LINES)
    .map(({ place, text, milliseconds, share, flops }) => [
      place,
      milliseconds.toFixed(3),
      `${(100 * share).toFixed(1)} %`,
      flops === 0 ? "" : scaled(flops, "FLOP"),
      flops === 0 ? "" : scaled((1000 * flops) / milliseconds, "FLOP/s"),
      text.length > SHOWN_TEXT ? `${text.slice(0, SHOWN_TEXT - 1)}…` : text,
    ]);
  ui.print(table(["line", "ms a step", "share", "a step", "a second", ""], rows));
  const left = profile.lines.length - rows.length;
  const more = left > 0 ? `and ${String(left)} lines more; ` : "";
  ui.print(
    `${more}${String(profile.milliseconds)} ms a step, ${String(profile.kernelMilliseconds)} ms of it in kernels`,
  );
  ui.print(`all lines: ${join(folder, RUN_FILES.profile)}; for ui.perfetto.dev: ${join(folder, RUN_FILES.trace)}`);
}

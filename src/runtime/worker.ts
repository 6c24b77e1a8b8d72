/**
 * The entry of a worker process: gets one job from its parent, does it, tells how it goes, ends. Ctrl-C reaches it too and
 * is left to the parent, which asks it to stop; it also stops when the parent is gone.
 */
import type { Job, JobMessage, ParentMessage } from "./jobs.ts";

const stop = new AbortController();
process.on("SIGINT", () => undefined);
process.on("disconnect", () => {
  stop.abort();
});
process.on("message", (message: ParentMessage) => {
  if (message.kind === "stop") stop.abort();
  else void work(message);
});

function tell(message: JobMessage): void {
  if (process.connected) process.send?.(message);
}

async function work(job: Job): Promise<void> {
  try {
    if (job.kind === "train") {
      const { openData, trainLoop } = await import("./train/loop.ts");
      const data = await openData(job, tell);
      const { openTrainer } = await (job.engine === "onnx"
        ? import("./train/onnx.ts")
        : import("./train/tensorflow.ts"));
      const engine = await openTrainer(job.model, job.weights);
      try {
        await trainLoop({ job, engine, tell, signal: stop.signal }, data);
      } finally {
        await engine.close();
      }
    } else {
      const { measure } = await import("./verify/measure-job.ts");
      tell(await measure(job));
    }
  } catch (error) {
    const failure = error instanceof Error ? error : new Error(String(error));
    if (process.env["ARCHC_DEBUG"] !== undefined) process.stderr.write(`${failure.stack ?? ""}\n`);
    tell({ kind: "failed", name: failure.name, message: failure.message, help: helpOf(failure) });
  } finally {
    // A job that was stopped half way must not be kept alive by what it left open.
    if (process.connected) process.disconnect();
  }
}

function helpOf(failure: Error): readonly string[] {
  const help = "help" in failure && Array.isArray(failure.help) ? failure.help.map(String) : [];
  if (!("ways" in failure) || !Array.isArray(failure.ways)) return help;
  const ways = failure.ways as { text: string; commands: string[] }[];
  return [...help, ...ways.flatMap(({ text, commands }) => [text, ...commands.map((command) => `    ${command}`)])];
}

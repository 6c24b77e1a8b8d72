/**
 * The entry of a worker process: gets one job from its parent, does it, tells how it goes, ends. Ctrl-C reaches it too and
 * is left to the parent, which asks it to stop; it also stops when the parent is gone.
 */
import type { ParentMessage, TrainJob, WorkerMessage } from "./job.ts";
import { openData, trainLoop } from "./loop.ts";

const stop = new AbortController();
process.on("SIGINT", () => undefined);
process.on("disconnect", () => stop.abort());
process.on("message", (message: ParentMessage) => {
  if (message.kind === "stop") stop.abort();
  else void work(message);
});

function tell(message: WorkerMessage): void {
  if (process.connected) process.send?.(message);
}

async function work(job: TrainJob): Promise<void> {
  try {
    const data = openData(job);
    const { openTrainer } = await import("./tensorflow.ts");
    const engine = await openTrainer(job.model, job.weights);
    try {
      await trainLoop({ job, engine, tell, signal: stop.signal }, data);
    } finally {
      engine.close();
    }
  } catch (error) {
    const failure = error instanceof Error ? error : new Error(String(error));
    const help = "help" in failure && Array.isArray(failure.help) ? failure.help.map(String) : [];
    const ways =
      "ways" in failure && Array.isArray(failure.ways) ? (failure.ways as { text: string; commands: string[] }[]) : [];
    const lines = ways.flatMap(({ text, commands }) => [text, ...commands.map((command) => `    ${command}`)]);
    if (process.env["ARCHC_DEBUG"] !== undefined) process.stderr.write(`${failure.stack ?? ""}\n`);
    tell({ kind: "failed", name: failure.name, message: failure.message, help: [...help, ...lines] });
  } finally {
    process.disconnect?.();
  }
}

/**
 * Contenders that do the same work, each in a process of its own, take turns in one run: what disturbs the machine disturbs
 * all of them. A contender reads `N` lines and answers with what N steps cost.
 */
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";

export interface Contender {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}
interface Answer {
  readonly wall: readonly number[];
  readonly cpu: number;
  readonly peak: number;
  readonly loss: number;
}
export interface Measured {
  readonly name: string;
  /** Milliseconds from the start of the process to the end of its first step. */
  readonly first: number;
  /** Milliseconds a step, of all rounds after the warm-up. */
  readonly wall: readonly number[];
  readonly cpu: readonly number[];
  /** Largest resident size, MB. */
  readonly peak: number;
}

class Running {
  readonly contender: Contender;
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;
  readonly wall: number[] = [];
  readonly cpu: number[] = [];
  first = 0;
  peak = 0;

  constructor(contender: Contender) {
    this.contender = contender;
    const child = spawn(contender.command, contender.args, {
      env: contender.env,
      stdio: ["pipe", "pipe", process.env["BENCH_DEBUG"] === undefined ? "ignore" : "inherit"],
    });
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }
  /** The next line of JSON; other lines are an engine's chatter. */
  async read(): Promise<unknown> {
    for (;;) {
      const line = (await this.#lines.next()) as { readonly value: string | undefined };
      if (line.value === undefined)
        throw new Error(`${this.contender.name} ended early; BENCH_DEBUG=1 shows what it said`);
      if (line.value.startsWith("{")) return JSON.parse(line.value);
    }
  }
  async steps(count: number): Promise<Answer> {
    this.#child.stdin.write(`${String(count)}\n`);
    return (await this.read()) as Answer;
  }
  stop(): void {
    this.#child.kill();
  }
}

export interface ContestOptions {
  readonly rounds: number;
  /** Steps of one contender in a row. */
  readonly steps: number;
  readonly warmUp: number;
}

export async function contest(contenders: readonly Contender[], options: ContestOptions): Promise<Measured[]> {
  const running: Running[] = [];
  try {
    for (const contender of contenders) {
      const started = performance.now();
      const one = new Running(contender);
      running.push(one);
      await one.read();
      await one.steps(1);
      one.first = performance.now() - started;
      await one.steps(options.warmUp);
    }
    for (let round = 0; round < options.rounds; round++) {
      // Every other round runs backwards, so that nobody always follows the same neighbour.
      for (const one of round % 2 === 0 ? running : [...running].reverse()) {
        const { wall, cpu, peak } = await one.steps(options.steps);
        one.wall.push(...wall);
        one.cpu.push(cpu / options.steps);
        one.peak = peak;
      }
    }
  } finally {
    for (const one of running) one.stop();
  }
  return running.map(({ contender, first, wall, cpu, peak }) => ({ name: contender.name, first, wall, cpu, peak }));
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.floor(middle - 0.5)] ?? NaN) + (sorted[Math.ceil(middle - 0.5)] ?? NaN)) / 2;
}

/**
 * Contenders that do the same work, each in a process of its own, take turns in one run: what disturbs the machine disturbs
 * all of them. A contender reads `N` lines and answers with what N steps cost.
 */
import { spawn, spawnSync, type ChildProcessByStdio } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
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
  readonly value: number;
}
export interface Measured {
  readonly name: string;
  /** Milliseconds from the start of the process until it could make a step. */
  readonly ready: number;
  /** Milliseconds from the start of the process to the end of its first step. */
  readonly first: number;
  /** What the first step gave. */
  readonly value: number;
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
  ready = 0;
  first = 0;
  value = 0;
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
      one.ready = performance.now() - started;
      const { value, peak } = await one.steps(1);
      one.first = performance.now() - started;
      Object.assign(one, { value, peak });
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
  return running.map(({ contender: { name }, ready, first, value, wall, cpu, peak }) => ({
    name,
    ready,
    first,
    value,
    wall,
    cpu,
    peak,
  }));
}

/** A contender in Python; PYTHON names an interpreter with bench/requirements.txt. `caches`: where torch.compile keeps what it made. */
export function python(name: string, args: readonly string[], caches: string): Contender {
  const env = {
    ...process.env,
    // idle threads that spin would take the cores from whoever has its turn
    OMP_WAIT_POLICY: "PASSIVE",
    OMP_NUM_THREADS: String(availableParallelism()),
    TF_CPP_MIN_LOG_LEVEL: "3",
    TORCHINDUCTOR_CACHE_DIR: caches,
  };
  const [script = "", ...rest] = args;
  return { name, command: process.env["PYTHON"] ?? "python3", args: [`bench/contenders/${script}`, ...rest], env };
}

export function archc(...args: readonly string[]): void {
  if (
    spawnSync(process.execPath, ["bin/archc", ...args, "--quiet"], { stdio: ["ignore", "ignore", "inherit"] })
      .status !== 0
  )
    throw new Error(`archc ${args.join(" ")} failed`);
}

export async function inFolder(work: (at: (name: string) => string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "archc-bench-"));
  try {
    await work((name) => join(folder, name));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Prints what was measured, and what part of each other contender's each of ours takes: they are the first. */
export function report(title: string, measured: readonly Measured[], ours = 1): void {
  const width = Math.max(...measured.map(({ name }) => name.length));
  console.log(`${title}: medians of ${String(measured[0]?.wall.length ?? 0)}`);
  for (const { name, wall, cpu, peak, first } of measured) {
    const [low, high] = [Math.min(...wall), Math.max(...wall)];
    console.log(
      `${name.padEnd(width)} ${median(wall).toFixed(0).padStart(6)} ms (${low.toFixed(0)} to ${high.toFixed(0)}), ` +
        `${median(cpu).toFixed(0)} ms CPU, ${peak.toFixed(0)} MB, first after ${(first / 1000).toFixed(1)} s`,
    );
  }
  for (const [i, own] of measured.slice(0, ours).entries()) {
    for (const other of measured.filter((_, k) => k < i || k >= ours)) {
      const [wall, cpu, peak] = [
        median(own.wall) / median(other.wall),
        median(own.cpu) / median(other.cpu),
        own.peak / other.peak,
      ].map((ratio) => ratio.toFixed(2));
      console.log(`${own.name} / ${other.name}: ${wall ?? ""} wall, ${cpu ?? ""} CPU, ${peak ?? ""} memory`);
    }
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.floor(middle - 0.5)] ?? NaN) + (sorted[Math.ceil(middle - 0.5)] ?? NaN)) / 2;
}

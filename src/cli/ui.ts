/**
 * What a command may say and where: results and JSON on stdout, everything else on stderr; colour and progress only on a
 * terminal. Commands never write to a stream themselves.
 */
import type { SingleBar } from "cli-progress";
import pico from "picocolors";

export type Colors = ReturnType<typeof pico.createColors>;

export interface UiOptions {
  readonly json?: boolean | undefined;
  readonly quiet?: boolean | undefined;
}

export class Ui {
  readonly json: boolean;
  readonly quiet: boolean;

  constructor(options: UiOptions) {
    this.json = options.json === true;
    this.quiet = options.quiet === true;
  }

  /** A result, for people. Says nothing where JSON was asked for, which then stands alone on stdout. */
  print(text: string): void {
    if (!this.json) process.stdout.write(`${text}\n`);
  }

  /** The result as JSON, where it was asked for. */
  result(value: unknown): void {
    if (this.json) process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
  }

  /** One line of JSON, for commands that report as they go. */
  event(value: unknown): void {
    if (this.json) process.stdout.write(`${JSON.stringify(value)}\n`);
  }

  /** A remark on stderr; nothing with --quiet. */
  note(text: string): void {
    if (!this.quiet) process.stderr.write(`${text}\n`);
  }

  get out(): Colors {
    return colorsOf(process.stdout);
  }

  get err(): Colors {
    return colorsOf(process.stderr);
  }

  /** A bar for work that tells its length as it goes. */
  counter(text: string): { readonly onDone: (done: number, of: number) => void; readonly stop: () => void } {
    let bar: Progress | undefined;
    return {
      onDone: (done, of) => {
        bar ??= this.progress(text, of);
        bar.update(done);
      },
      stop: () => bar?.stop(),
    };
  }

  /** A bar for work of known length. */
  progress(text: string, total: number): Progress {
    return new Progress(text, total, this.quiet || !process.stderr.isTTY);
  }
}

/** NO_COLOR and FORCE_COLOR decide where they are set; else whether the stream is a terminal. */
export function colorsOf(stream: NodeJS.WriteStream): Colors {
  const { env } = process;
  if (env["NO_COLOR"] !== undefined && env["NO_COLOR"] !== "") return pico.createColors(false);
  if (env["FORCE_COLOR"] !== undefined && env["FORCE_COLOR"] !== "0") return pico.createColors(true);
  return pico.createColors(stream.isTTY && env["TERM"] !== "dumb");
}

/** Work shorter than this shows no bar. */
const PATIENCE_MS = 1000;

/** A progress bar that comes up only after a second, on stderr. */
export class Progress {
  readonly #text: string;
  readonly #total: number;
  readonly #silent: boolean;
  readonly #started = performance.now();
  #done = 0;
  #more = "";
  #bar: SingleBar | undefined;
  #opening = false;
  #stopped = false;

  constructor(text: string, total: number, silent: boolean) {
    this.#text = text;
    this.#total = total;
    this.#silent = silent;
  }

  /** `more` stands behind the bar: a loss, a rate. */
  update(done: number, more = ""): void {
    this.#done = done;
    this.#more = more;
    if (this.#silent || this.#stopped) return;
    if (this.#bar !== undefined) this.#bar.update(done, { more });
    else if (performance.now() - this.#started > PATIENCE_MS) void this.#open();
  }

  stop(): void {
    this.#stopped = true;
    this.#bar?.stop();
  }

  async #open(): Promise<void> {
    if (this.#opening) return;
    this.#opening = true;
    const { SingleBar } = await import("cli-progress");
    if (this.#stopped) return;
    const format = `${this.#text} {bar} {percentage} %  {value} of {total}  {eta_formatted} left  {more}`;
    const bar = new SingleBar({
      format,
      stream: process.stderr,
      clearOnComplete: true,
      hideCursor: true,
      etaBuffer: 20,
      barsize: 24,
    });
    bar.start(this.#total, this.#done, { more: this.#more });
    this.#bar = bar;
  }
}

/** 1234567 as "1,234,567". */
export function grouped(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Bytes, multiply-adds and the like: "21.69 G". */
export function scaled(value: number, unit: string): string {
  const steps = ["", "k", "M", "G", "T", "P"];
  let step = 0;
  let rest = value;
  while (rest >= 1000 && step < steps.length - 1) {
    rest /= 1000;
    step += 1;
  }
  return `${step === 0 ? String(Math.round(rest)) : rest.toPrecision(4)} ${steps[step] ?? ""}${unit}`;
}

/** Rows under each other; columns whose cells are all numbers are right-aligned. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => (row[i] ?? "").length)));
  const numeric = header.map((_, i) => rows.every((row) => /^[-\d]/.test(row[i] ?? "-")));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (numeric[i] === true ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join("  ")
      .trimEnd();
  return [line(header), ...rows.map(line)].join("\n");
}

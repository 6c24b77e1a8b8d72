/**
 * Where the time of a training step goes, by line of the model: reads the log of TensorFlow's executor, which says when each
 * kernel begins and ends, and adds kernels up by the place in the source that each was made from. It starts nothing.
 */
import type { Graph, Node } from "../../compiler/graph/graph.ts";
import type { Program } from "../../compiler/program.ts";
import { positionOf, type Span } from "../../compiler/source/source.ts";
import { nodeName } from "../../backends/tfjs/nodes.ts";
import { flopsOfNode } from "../summary.ts";

/** What makes TensorFlow write the log; read when it loads. */
export const EXECUTOR_LOG = { TF_CPP_MIN_LOG_LEVEL: "0", TF_CPP_VMODULE: "executor=2" } as const;
/** Steps in which TensorFlow still optimises graphs and makes kernels. */
export const WARM_STEPS = 3;

/** One kernel's run; microseconds. */
export interface KernelRun {
  /** The executor's count of runs of the session. */
  readonly run: string;
  readonly node: string;
  readonly op: string;
  readonly thread: number;
  readonly start: number;
  readonly end: number;
}

const LINE =
  /^I\d{4} \d\d:\d\d:(\d+\.\d+)\s+(\d+) executor\.cc:\d+\] (Process node|Synchronous kernel done|Async kernel done): (\d+) step (\d+) \{\{node ([^}]+)\}\} = (\w+)\[/;

/** Takes the log as it comes, in pieces of any length. */
export class ExecutorLog {
  readonly runs: KernelRun[] = [];
  readonly #begun = new Map<string, number>();
  #rest = "";

  take(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#line(line);
  }
  #line(line: string): void {
    const [, seconds = "", thread = "", what, id = "", run = "", node = "", op = ""] = LINE.exec(line) ?? [];
    if (what === undefined) return;
    const time = Number(seconds) * 1e6;
    const key = `${run} ${id}`;
    const start = this.#begun.get(key);
    if (what === "Process node") this.#begun.set(key, time);
    else if (start !== undefined) {
      this.runs.push({ run, node, op, thread: Number(thread), start, end: time });
      this.#begun.delete(key);
    }
  }
}

export interface ProfileLine {
  /** FILE:LINE; what no line wrote is under `(other)`. */
  readonly place: string;
  readonly text: string;
  readonly milliseconds: number;
  /** Of the time of all kernels. */
  readonly share: number;
  /** Of convolutions and matrix products, a step. */
  readonly flops: number;
}
export interface Profile {
  readonly steps: number;
  /** From the first kernel of a step to the last, the median. */
  readonly milliseconds: number;
  /** In kernels, a step, added up over threads. */
  readonly kernelMilliseconds: number;
  readonly lines: readonly ProfileLine[];
}

/** `origins`: which node of the program each node of the TensorFlow graph is of. */
export function profileOf(
  program: Program,
  origins: ReadonlyMap<string, Node>,
  log: readonly KernelRun[],
  batch: number,
): { readonly profile: Profile; readonly trace: object } {
  const measured = stepsOf(log);
  const places = new Places(program, origins);
  const lines = new Map<string, { text: string; microseconds: number; flops: number }>();
  const counted = new Set<string>();
  const events: object[] = [];
  const begin = Math.min(...measured.map((kernels) => kernels[0]?.start ?? Infinity));
  for (const kernel of measured.flat()) {
    const { place, text, node } = places.of(kernel.node);
    const line = lines.get(place) ?? { text, microseconds: 0, flops: 0 };
    line.microseconds += kernel.end - kernel.start;
    // a node may be several kernels, and run in each micro-batch
    const once = `${kernel.run} ${String(node?.id)}`;
    if (node && !counted.has(once)) line.flops += flopsOfNode(node, batch);
    counted.add(once);
    lines.set(place, line);
    const args = { place, line: text, path: node?.path ?? "", operator: node?.op ?? "", node: kernel.node };
    const time = { ts: round(kernel.start - begin, 3), dur: round(kernel.end - kernel.start, 3) };
    events.push({ name: kernel.op, cat: place, ph: "X", ...time, pid: 1, tid: kernel.thread, args });
  }
  const count = measured.length;
  const all = [...lines.values()].reduce((sum, { microseconds }) => sum + microseconds, 0);
  const wall = measured.map((kernels) => Math.max(...kernels.map(({ end }) => end)) - (kernels[0]?.start ?? 0));
  const shown = [...lines].map(([place, { text, microseconds, flops }]): ProfileLine => ({
    place,
    text,
    milliseconds: round(microseconds / count / 1000, 4),
    share: round(microseconds / all, 5),
    flops: flops / count,
  }));
  const profile = {
    steps: count,
    milliseconds: round((wall.sort((a, b) => a - b)[Math.floor(count / 2)] ?? 0) / 1000, 3),
    kernelMilliseconds: round(all / count / 1000, 3),
    lines: shown.sort((a, b) => b.milliseconds - a.milliseconds),
  };
  return { profile, trace: { displayTimeUnit: "ms", traceEvents: events } };
}

/** The kernels of each training step past the warm ones, micro-batches with the step that they belong to, in order of time. */
function stepsOf(log: readonly KernelRun[]): readonly (readonly KernelRun[])[] {
  const runs = new Map<string, KernelRun[]>();
  for (const kernel of log) {
    const known = runs.get(kernel.run);
    if (known === undefined) runs.set(kernel.run, [kernel]);
    else known.push(kernel);
  }
  const steps: KernelRun[][] = [];
  let open: KernelRun[] = [];
  for (const kernels of runs.values()) {
    const isOf = (signature: string): boolean => kernels.some(({ node }) => node.startsWith(`${signature}/`));
    if (isOf("accumulate")) open.push(...kernels);
    if (!isOf("train_step")) continue;
    steps.push([...open, ...kernels].sort((a, b) => a.start - b.start));
    open = [];
  }
  return steps.slice(WARM_STEPS);
}

interface Origin {
  readonly place: string;
  readonly text: string;
  readonly node: Node | undefined;
}
const other: Origin = { place: "(other)", text: "", node: undefined };

/** Finds the line of the model that a node of TensorFlow's graph serves. */
class Places {
  readonly #origins: ReadonlyMap<string, Node>;
  /** The first line of the model that mentions a path: for nodes that the library's own lines made. */
  readonly #byPath = new Map<string, Span>();
  /** Feeds, results and updates, by the beginning of their names. */
  readonly #named = new Map<string, Span | undefined>();

  constructor(program: Program, origins: ReadonlyMap<string, Node>) {
    this.#origins = origins;
    const { train, accumulate } = program;
    for (const [signature, graph] of [
      ["train_step", train],
      ["accumulate", accumulate],
    ] as const)
      if (graph) this.#read(signature, graph);
    // of an optimizer's states, the weight's line
    for (const { path } of program.variables)
      for (const kind of ["variables", "read"])
        this.#named.set(nodeName(`${kind}/${path}`), this.#lineOf(path.replace(/^optimizer\./, "")));
  }
  #read(signature: string, { nodes, ports, updates, outputs }: Graph): void {
    for (const { path, span } of nodes)
      if (span !== undefined && !isLibrary(span) && !this.#byPath.has(path)) this.#byPath.set(path, span);
    const named = (kind: string, name: string, span: Span | undefined): void => {
      this.#named.set(nodeName(`${signature}/${kind}/${name}`), span);
    };
    for (const { name, span } of ports) for (const kind of ["feed", "picture"]) named(kind, name, span);
    for (const { name, span } of outputs) named("result", name, span);
    for (const { variable, value } of updates) named("update", variable.path, this.#spanOf(value.node));
  }

  of(name: string): Origin {
    const node = this.#origins.get(name) ?? this.#replaced(name);
    if (node !== undefined) return shown(this.#spanOf(node), node);
    const parts = name.split("/");
    for (let length = parts.length - 1; length > 0; length -= 1) {
      const prefix = parts.slice(0, length).join("/");
      if (this.#named.has(prefix)) return shown(this.#named.get(prefix), undefined);
    }
    return this.#named.has(name) ? shown(this.#named.get(name), undefined) : other;
  }
  /** A pass of TensorFlow names what it makes after what it replaces: SCOPE/ArithmeticOptimizer/HoistMul_NAME for SCOPE/NAME. */
  #replaced(name: string): Node | undefined {
    const [, scope = "", made = ""] = /^(.+)\/\w+Optimizer\/(.+)$/.exec(name) ?? [];
    for (let at = made.indexOf("_"); at >= 0; at = made.indexOf("_", at + 1)) {
      const node = this.#origins.get(`${scope}/${made.slice(at + 1)}`);
      if (node !== undefined) return node;
    }
    return undefined;
  }
  #spanOf({ path, span }: Node): Span | undefined {
    return span !== undefined && !isLibrary(span) ? span : (this.#lineOf(path) ?? span);
  }
  /** The line of a path, or of what is around it. */
  #lineOf(path: string): Span | undefined {
    for (let at = path; at !== ""; at = at.slice(0, Math.max(0, at.lastIndexOf(".")))) {
      const known = this.#byPath.get(at);
      if (known !== undefined) return known;
    }
    return undefined;
  }
}
function isLibrary({ file }: Span): boolean {
  return file.name.startsWith("std:");
}
function shown(span: Span | undefined, node: Node | undefined): Origin {
  if (span === undefined) return { ...other, node };
  const { file, start } = span;
  const { line } = positionOf(file, start);
  return { place: `${file.name}:${String(line)}`, text: (file.text.split("\n")[line - 1] ?? "").trim(), node };
}
function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

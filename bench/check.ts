/**
 * How long checking takes: `archc check models/dhaa.arch` from a cold start beside Node's own start, the same file checked
 * again and again in one process after an edit, and networks of 10 to 10,000 layers, whose time a layer should stay flat.
 */
import { spawnSync } from "node:child_process";
import { check, CheckMemo } from "../src/compiler/compile.ts";
import type { Host } from "../src/compiler/host.ts";
import type { FileNode } from "../src/compiler/syntax/ast.ts";
import { DiskHost } from "../src/runtime/host.ts";

const DHAA = "models/dhaa.arch";

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
function row(name: string, values: readonly number[]): void {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  console.log(
    `${name.padEnd(46)} ${median(values).toFixed(1).padStart(9)} ms   (${low.toFixed(1)} to ${high.toFixed(1)})`,
  );
}
function timed(work: () => void): number {
  const started = performance.now();
  work();
  return performance.now() - started;
}

/** A host whose one file is a text; library trees are read once, as an editor's server would. */
function hostOf(file: string, text: () => string): Host {
  const disk = new DiskHost(file);
  const trees = new Map<string, FileNode>();
  return {
    read: (name) => (name === file ? text() : disk.read(name)),
    resolve: (importer, from) => disk.resolve(importer, from),
    parsed: (name, content) => {
      const known = trees.get(name) ?? disk.parsed(name, content);
      if (known !== undefined) trees.set(name, known);
      return known;
    },
  };
}
function clean(host: Host, file: string, memo?: CheckMemo): void {
  const { diagnostics } = check(host, file, memo);
  const errors = diagnostics.filter((d) => d.severity === "error");
  if (errors.length > 0) throw new Error(`${file} has errors: ${errors.map((d) => d.message).join("; ")}`);
}

function cold(): void {
  const run = (...args: string[]): number =>
    timed(() => {
      const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
      if (status !== 0) throw new Error(stderr);
    });
  const [bare, checked]: [number[], number[]] = [[], []];
  for (let i = 0; i < 11; i++) {
    bare.push(run("-e", "0"));
    checked.push(run("bin/archc", "check", DHAA));
  }
  row("node -e 0", bare);
  row(`archc check ${DHAA}, cold`, checked);
}

function warm(): void {
  const original = new DiskHost(DHAA).read(DHAA) ?? "";
  let scale = 1.2;
  const host = hostOf(DHAA, () => original.replace("scale: 1.2", `scale: ${scale.toFixed(3)}`));
  const memo = new CheckMemo();
  const times: number[] = [];
  for (let i = 0; i < 200; i++) {
    scale += 0.001;
    const took = timed(() => clean(host, DHAA, memo));
    if (i >= 100) times.push(took);
  }
  row(`${DHAA} again after an edit, warm`, times);
}

function network(layers: number, as: "fold" | "lines"): string {
  const lines = Array.from({ length: layers }, (_, i) => {
    const before = i === 0 ? "x" : `h${String(i - 1)}`;
    return `  let h${String(i)} = ${before} |> linear(64) as l${String(i)} |> relu`;
  });
  const body =
    as === "lines"
      ? `${lines.join("\n")}\n  let last = h${String(layers - 1)}`
      : `  let last = fold h = x for _ in 0 ..< ${String(layers)} => h |> linear(64) |> relu`;
  return `model deep(classes: int = 10) {
  input  x: f32[B, 64]
  target y: i32[B] in 0 ..< classes
${body}
  head out {
    let logits = last |> linear(classes)
    loss cross_entropy(logits, y)
    predict scores = softmax(logits)
  }
  train {
    batch  = 8
    epochs = 1
    optimize "**" by sgd() at constant(0.1)
  }
}
`;
}
function scaling(): void {
  for (const as of ["fold", "lines"] as const) {
    for (const layers of [10, 100, 1000, 10_000]) {
      const text = network(layers, as);
      const host = hostOf("deep.arch", () => text);
      const times = Array.from({ length: layers > 1000 ? 3 : 9 }, () => timed(() => clean(host, "deep.arch")));
      row(`${String(layers)} layers as ${as} (${((1000 * median(times)) / layers).toFixed(0)} µs a layer)`, times);
    }
  }
}

cold();
warm();
scaling();

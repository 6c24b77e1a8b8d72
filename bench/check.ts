/**
 * How long checking takes: `archc check models/dhaa.arch` from a cold start beside Node's own start (`cold`), the same file
 * again after edits (`again`), a file of 5,000 lines (`many`), and networks of 10 to 10,000 layers, whose time a layer should
 * stay flat (`scaling`). The name of a part measures that part alone.
 */
import { spawnSync } from "node:child_process";
import { check, CheckMemo } from "../src/compiler/compile.ts";
import type { Host } from "../src/compiler/host.ts";
import type { FileNode } from "../src/compiler/syntax/ast.ts";
import { DiskHost } from "../src/runtime/host.ts";
import {
  breaksOfDhaa,
  deepNetwork,
  type Edit,
  editedBy,
  editsOfDhaa,
  editsOfMany,
  editsOfVariants,
  manyBlocks,
} from "./specs.ts";

const DHAA = "models/dhaa.arch";
const ABLATIONS = "models/dhaa_ablations.arch";

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

/** One edit after another, of each kind in turn, checked with a memo as an editor would; in one row each and in one for all. */
function again(file: string, original: string, edits: readonly Edit[], rounds: number): void {
  let text = original;
  const host = hostOf(file, () => text);
  const memo = new CheckMemo();
  const anew = Array.from({ length: 3 + rounds / 10 }, () => timed(() => clean(host, file))).slice(3);
  row(`${file} from nothing, warm`, anew);
  const counts = edits.map(() => 0);
  const times = edits.map((): number[] => []);
  for (let round = 0; round < 2 * rounds; round++) {
    for (const [i, own] of times.entries()) {
      counts[i] = (counts[i] ?? 0) + 1;
      text = editedBy(original, edits, counts);
      const took = timed(() => clean(host, file, memo));
      if (round >= rounds) own.push(took);
    }
  }
  for (const [i, { kind }] of edits.entries()) row(`  again after an edit of ${kind}`, times[i] ?? []);
  row(`  again after an edit of any kind`, times.flat());
}

/** While somebody types a file is broken half of the time. */
function typing(file: string, original: string, breaks: readonly Edit[], rounds: number): void {
  let text = original;
  const host = hostOf(file, () => text);
  const memo = new CheckMemo();
  const mended: number[] = [];
  for (const [i, { kind }] of breaks.entries()) {
    const broken: number[] = [];
    for (let n = 1; n <= 2 * rounds; n++) {
      const counts = breaks.map((_, other) => (other === i ? n : 0));
      text = editedBy(original, breaks, counts);
      const took = timed(() => check(host, file, memo));
      text = original;
      const after = timed(() => clean(host, file, memo));
      if (n <= rounds) continue;
      broken.push(took);
      mended.push(after);
    }
    row(`  with ${kind}`, broken);
  }
  row("  when it is whole again", mended);
}

/** What a layer adds to a network of one, whose time is that of the library and the training step. */
function scaling(): void {
  for (const as of ["fold", "lines"] as const) {
    const measure = (layers: number, runs: number): readonly number[] => {
      const text = deepNetwork(layers, as);
      const host = hostOf("deep.arch", () => text);
      return Array.from({ length: runs }, () => timed(() => clean(host, "deep.arch")));
    };
    measure(1000, 5); // until V8 has compiled it
    const one = median(measure(1, 31));
    for (const layers of [10, 100, 1000, 10_000]) {
      const times = measure(layers, layers < 1000 ? 31 : layers < 10_000 ? 9 : 3);
      const each = (1000 * (median(times) - one)) / (layers - 1);
      row(`${String(layers)} layers as ${as} (${each.toFixed(0)} µs a layer)`, times);
    }
  }
}

const textOf = (file: string): string => new DiskHost(file).read(file) ?? "";
const parts = {
  cold,
  again: (): void => {
    again(DHAA, textOf(DHAA), editsOfDhaa, 40);
    typing(DHAA, textOf(DHAA), breaksOfDhaa, 30);
    again(ABLATIONS, textOf(ABLATIONS), editsOfVariants, 40);
  },
  many: (): void => {
    const text = manyBlocks(240);
    again(`${String(text.split("\n").length)} lines`, text, editsOfMany, 10);
  },
  scaling,
};
const [part] = process.argv.slice(2);
for (const [name, measure] of Object.entries(parts)) if (part === undefined || part === name) measure();

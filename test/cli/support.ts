// Runs the built command in folders of its own, for the tests of the command line. No TensorFlow is loaded here.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { locateTensorflow } from "../../src/runtime/engine/index.ts";

const command = resolve("bin/archc");
export const hasTensorflow = locateTensorflow().found;

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Builds dist/ where the sources are newer, once before the tests of a file. */
export function build(): void {
  const { status, stderr } = spawnSync(process.execPath, ["scripts/build.mjs", "--if-needed", "--quiet"], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`the build failed:\n${stderr}`);
}

export function archc(folder: string, ...args: string[]): Ended {
  const env = { ...process.env, NO_COLOR: "1", ARCHC_DEBUG: "1" };
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...args], {
    cwd: folder,
    encoding: "utf8",
    env,
  });
  return { status, stdout, stderr };
}

/** The same, left running. */
export function startArchc(folder: string, ...args: string[]): ChildProcess {
  return spawn(process.execPath, [command, ...args], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
}

export function newFolder(): string {
  return mkdtempSync(join(tmpdir(), "archc-cli-"));
}

/** A linear classifier: small enough for closed forms. */
export const TINY = `/// Four classes of six numbers.
model tiny(classes: int = 4, rate: float = 0.5) {
  input  x: f32[B, 6]
  target y: i32[B] in 0 ..< classes

  head out {
    let logits = x |> linear(classes)
    loss cross_entropy(logits, y)
    predict scores = softmax(logits)
  }

  train {
    batch  = 8
    epochs = 2
    optimize "**" by sgd(momentum: 0.9) at constant(rate)
  }

  data {
    x = columns(["a", "b", "c", "d", "e", "f"])
    y = column("y")
  }
}

variant narrow of tiny { set classes = 3 }
`;

/** Rows that a linear classifier can learn: the class is where the largest of four numbers stands. */
export function writeRows(path: string, count: number): void {
  const lines = ["a,b,c,d,e,f,y,split"];
  for (let i = 0; i < count; i += 1) {
    const y = i % 4;
    const row = [0, 1, 2, 3, 4, 5].map((k) => (k === y ? 1 : 0) + 0.1 * Math.sin(7.3 * i + 2.9 * k));
    lines.push([...row.map((value) => value.toFixed(4)), y, i % 10 === 9 ? "val" : "train"].join(","));
  }
  writeFileSync(path, `${lines.join("\n")}\n`);
}

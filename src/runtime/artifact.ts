/**
 * Compiled artifacts on disk: a tfjs folder with their weights, whole or not at all. What a target cannot
 * express comes back as diagnostics, and nothing is written then.
 */
import { createHash } from "node:crypto";
import { createReadStream, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Refusal } from "../backends/backend.ts";
import { emitPortable } from "../backends/portable/index.ts";
import { type Convolution, emitTfjs, type Memory, type TfjsPrecision } from "../backends/tfjs/index.ts";
import { diagnose } from "../compiler/diagnostics/catalog.ts";
import type { Diagnostic } from "../compiler/diagnostics/diagnostic.ts";
import type { Node } from "../compiler/graph/graph.ts";
import type { TypeRules } from "../compiler/graph/builder.ts";
import { decompose } from "../compiler/ops/decompose.ts";
import type { Program } from "../compiler/program.ts";
import { buildFolder } from "./files-folder.ts";
import { writeSafetensors } from "./safetensors.ts";
import { tensorsToWrite, type Weights, writeWeights } from "./weights.ts";

export interface Artifact {
  readonly path: string;
  readonly bytes: number;
}

export interface Written {
  readonly artifacts: readonly Artifact[];
  /** Nodes of the target's graph, all signatures together. */
  readonly nodes: number;
  readonly milliseconds: Readonly<Record<string, number>>;
}
export interface WrittenTfjs extends Written {
  /** Which node of the program each node of the graph is of. */
  readonly origins: ReadonlyMap<string, Node>;
}

/** A program that a target cannot express. */
export class TargetError extends Error {
  readonly diagnostics: readonly Diagnostic[];
  constructor(program: Program, target: string, refusals: readonly Refusal[]) {
    super(`${program.name} cannot be compiled to ${target}`);
    this.name = "TargetError";
    this.diagnostics = refusals.map(({ op, path, span, reason, help }) =>
      diagnose(
        "E0801",
        { target, op, path, reason, help },
        span ?? { file: { name: program.file, text: "" }, start: 0, end: 0 },
      ),
    );
  }
}

export interface TfjsRequest {
  readonly mode: "train" | "predict";
  readonly weights: Weights;
  /** The key of random draws, as in dropout. */
  readonly seed: number;
  readonly rules: TypeRules;
  /** `f32` unless said. */
  readonly precision?: TfjsPrecision | undefined;
  readonly memory?: Memory;
  readonly convolution?: Convolution | undefined;
  /** Adds the signature that gives gradients, for comparisons. */
  readonly probe?: boolean;
}

export async function writeTfjs(program: Program, path: string, request: TfjsRequest): Promise<WrittenTfjs> {
  const clock = new Clock();
  const { mode, weights, seed, rules, precision = "f32", memory = "normal", probe = false } = request;
  const { convolution = "winograd" } = request;
  const { files, refusals, origins } = emitTfjs(program, {
    ...{ mode, seed, probe, precision, memory, convolution, decompose, rules },
  });
  clock.lap("emit");
  if (refusals.length > 0) throw new TargetError(program, "tfjs", refusals);
  const names = [...files.keys(), WEIGHTS];
  await buildFolder(path, "model.json", async (folder) => {
    for (const [name, contents] of files) writeFileSync(join(folder, name), contents);
    await writeWeights(program, weights, join(folder, WEIGHTS));
  });
  clock.lap("write");
  const artifacts = names.map((name) => describe(join(path, name)));
  return { artifacts, nodes: nodesOf(program, mode), milliseconds: clock.laps, origins };
}

/** Prediction as a module of plain tfjs operators, with the weights that it reads. */
export async function writePortable(
  program: Program,
  path: string,
  { weights, rules }: Pick<TfjsRequest, "weights" | "rules">,
): Promise<Written> {
  const clock = new Clock();
  const { files, refusals, variables } = emitPortable(program, { decompose, rules });
  clock.lap("emit");
  if (refusals.length > 0) throw new TargetError(program, "portable tfjs", refusals);
  await buildFolder(path, "model.json", async (folder) => {
    for (const [name, contents] of files) writeFileSync(join(folder, name), contents);
    await writeSafetensors(join(folder, WEIGHTS), tensorsToWrite(variables, weights), { format: "pt" });
  });
  clock.lap("write");
  const artifacts = [...files.keys(), WEIGHTS].map((name) => describe(join(path, name)));
  return { artifacts, nodes: program.predict.nodes.length, milliseconds: clock.laps };
}

const WEIGHTS = "weights.safetensors";

function nodesOf(program: Program, mode: "train" | "predict"): number {
  const graphs = mode === "train" ? [program.train, program.evaluate, program.predict] : [program.predict];
  return graphs.reduce((sum, graph) => sum + (graph?.nodes.length ?? 0), 0);
}

export function describe(path: string): Artifact {
  return { path, bytes: statSync(path).size };
}

/** With the hash of the file, read in chunks: as much work as writing it, so it is done where somebody asks. */
export async function hashed(artifact: Artifact): Promise<Artifact & { readonly sha256: string }> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(artifact.path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return { ...artifact, sha256: hash.digest("hex") };
}

export class Clock {
  readonly laps: Record<string, number> = {};
  #at = performance.now();

  lap(name: string): void {
    const now = performance.now();
    this.laps[name] = Math.round((now - this.#at) * 10) / 10;
    this.#at = now;
  }
}

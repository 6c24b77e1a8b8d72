/**
 * What `scripts/goldens/ablations.py` wrote of each ablation, and archc's own program for it. The numbers are PyTorch's;
 * nothing here computes any.
 */
import { readFileSync } from "node:fs";
import { compile } from "../../src/compiler/compile.ts";
import type { Program } from "../../src/compiler/program.ts";
import { TestHost } from "./trees.ts";

export interface Ablation {
  readonly name: string;
  readonly parameters: number;
  /** A sample, at full size. */
  readonly flops: { readonly predict: number; readonly train: number };
  /** Lines of the patch. */
  readonly added: number;
  readonly removed: number;
  /** At the sizes of the goldens, in f64. */
  readonly small: { readonly years: readonly number[]; readonly loss: number };
}

export const ablationsFile = "models/dhaa_ablations.arch";

/** The first one is the network itself. */
export function ablations(): readonly Ablation[] {
  const text = readFileSync(new URL("../goldens/ablations.json", import.meta.url), "utf8");
  return JSON.parse(text) as readonly Ablation[];
}

export function ablationProgram(name: string, settings: readonly { path: string; value: string }[] = []): Program {
  const file = name === "dhaa" ? "models/dhaa.arch" : ablationsFile;
  const which = name === "dhaa" ? { model: name } : { variant: name };
  const { program, diagnostics } = compile(new TestHost(file), { file, settings, ...which });
  if (program === undefined) throw new Error(diagnostics.map((d) => `${d.code} ${d.message}`).join("\n"));
  return program;
}

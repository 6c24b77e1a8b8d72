/** Compiles texts that stand in a test: a host over a map of files, beside the real standard library. */
import { readFileSync } from "node:fs";
import { check, compile, type CompileOptions } from "../../src/compiler/compile.ts";
import type { Diagnostic } from "../../src/compiler/diagnostics/diagnostic.ts";
import type { Host } from "../../src/compiler/host.ts";
import type { Program } from "../../src/compiler/program.ts";
import { libraryTree } from "./trees.ts";

export function textHost(files: Readonly<Record<string, string>>): Host {
  return {
    read: (name) => {
      if (!name.startsWith("std:")) return files[name];
      try {
        return readFileSync(new URL(`../../stdlib/${name.slice(4)}.arch`, import.meta.url), "utf8");
      } catch {
        return undefined;
      }
    },
    resolve: (_importer, from) => (from.startsWith("std:") ? from : from.replace(/^\.\//, "")),
    parsed: libraryTree,
  };
}
export function compileText(text: string, options: Omit<CompileOptions, "file"> = {}): Program {
  const { program, diagnostics } = compile(textHost({ "net.arch": text }), { file: "net.arch", ...options });
  if (program === undefined) throw new Error(diagnostics.map((d) => `${d.code} ${d.message}`).join("\n"));
  return program;
}
export function checkText(text: string): readonly Diagnostic[] {
  return check(textHost({ "net.arch": text }), "net.arch").diagnostics;
}
/** A model around some lines: `x` is f32[B, 8], `label` a class of 4; the lines must define `code`. */
export function modelOf(lines: string, before = ""): string {
  return `${before}
model net() {
  input x: f32[B, 8]
  target label: i32[B] in 0 ..< 4
  ${lines}
  head main {
    let logits = code |> linear(4)
    loss cross_entropy(logits, label)
    predict scores = logits
  }
  train { batch = 4  epochs = 1  optimize "**" by sgd() at constant(0.1) }
}
`;
}
export function paramPaths(program: Program): readonly string[] {
  return program.variables.filter((v) => v.kind === "param").map((v) => v.path);
}

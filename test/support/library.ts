/**
 * Runs one expression of the language as a model of its own, in f64: float arguments are weights, so that gradients reach
 * them; integers are inputs. The goldens of `scripts/goldens/stdlib.py` say what goes in and what must come out.
 */
import { evaluate, type Fed } from "../../src/backends/reference/index.ts";
import { compile } from "../../src/compiler/compile.ts";
import type { Host } from "../../src/compiler/host.ts";
import type { Graph } from "../../src/compiler/graph/graph.ts";
import type { Tensor } from "../../src/compiler/ops/tensor.ts";
import type { Program } from "../../src/compiler/program.ts";
import { TestHost } from "./trees.ts";
import { SafetensorsFile } from "../../src/runtime/safetensors.ts";

/** One case of a golden file: tensors by their name behind the slash. */
export type GoldenCase = ReadonlyMap<string, Tensor>;

export async function goldenCases(group: string): Promise<ReadonlyMap<string, GoldenCase>> {
  const path = new URL(`../goldens/stdlib/${group}.safetensors`, import.meta.url).pathname;
  await using file = await SafetensorsFile.open(path);
  const cases = new Map<string, Map<string, Tensor>>();
  for (const key of file.tensors.keys()) {
    const [name = "", rest = ""] = key.split("/");
    const one = cases.get(name) ?? new Map<string, Tensor>();
    cases.set(name, one.set(rest, await file.read(key)));
  }
  return cases;
}
/** The tensors of a kind (`x`, `w`, `grad`, …) by what follows the dot. */
export function membersOf(golden: GoldenCase, kind: string): ReadonlyMap<string, Tensor> {
  const prefix = `${kind}.`;
  return new Map([...golden].flatMap(([key, t]) => (key.startsWith(prefix) ? [[key.slice(prefix.length), t]] : [])));
}

/** A model from its text; the standard library is read from disk. */
export function programFrom(text: string): Program {
  const disk = new TestHost("case.arch");
  const host: Host = {
    read: (name) => (name === "case.arch" ? text : disk.read(name)),
    resolve: (importer, from) => disk.resolve(importer, from),
  };
  const { program, diagnostics } = compile(host, { file: "case.arch" });
  if (program === undefined)
    throw new Error(`${diagnostics.map((d) => `${d.code} ${d.message}`).join("\n")}\n\n${text}`);
  return program;
}

export interface Expression {
  /** What the case is in the language, over the names of its arguments. */
  readonly expr: string;
  readonly imports?: string;
  /** `in 0 ..< 7` of an integer argument. */
  readonly ranges?: Readonly<Record<string, string>>;
  /** Element types of arguments that are not f32 or i64. */
  readonly types?: Readonly<Record<string, string>>;
}

export function modelOf({ expr, imports = "", ranges = {}, types = {} }: Expression, golden: GoldenCase): string {
  const shape = (t: Tensor): string => `[${t.shape.join(", ")}]`;
  const params = [...membersOf(golden, "x")].map(([name, t]) => `  param ${name}: f32${shape(t)} = zeros()`);
  const inputs = [...membersOf(golden, "i")].map(([name, t]) => {
    const type = types[name] ?? (t.dtype === "i64" ? "i64" : t.dtype === "bool" ? "bool" : "f32");
    return `  input ${name}: ${type}${shape(t)}${name in ranges ? ` in ${ranges[name] ?? ""}` : ""}`;
  });
  const y = golden.get("y");
  if (y === undefined) throw new Error("a case without a result");
  const all = y.shape.map((_, i) => i).join(", ");
  const output = y.shape.length === 0 ? "result |> reshape([1])" : "result";
  return `${imports}
model case() {
${[...params, ...inputs].join("\n")}
  input c: f32${shape(y)}
  let result = ${expr}
  head main {
    loss ${y.shape.length === 0 ? "result * c" : `sum(axis: [${all}])(result * c)`}
    predict out = ${output}
  }
  train { batch = 1  epochs = 1  optimize "**" by sgd() at constant(0.0) }
}
`;
}

function fed(t: Tensor): Fed {
  return { shape: t.shape, data: Float64Array.from(t.data, Number) };
}
/** The variables of a graph: as given, else as they start. */
export function startOf(program: Program, given: ReadonlyMap<string, Tensor>): Map<string, Fed> {
  return new Map(
    program.variables.map((v): [string, Fed] => {
      const own = given.get(v.path);
      if (own) return [v.path, fed(own)];
      if (v.kind !== "counter" && v.kind !== "optimizer") throw new Error(`the case has no value for ${v.path}`);
      const start = v.init.kind === "constant" ? v.init.value : NaN;
      const shape = v.type.shape.map((d) => d.constant ?? NaN);
      return [v.path, { shape, data: new Float64Array(shape.reduce((n, d) => n * d, 1)).fill(start) }];
    }),
  );
}
export function run(
  graph: Graph,
  inputs: ReadonlyMap<string, Tensor | Fed>,
  variables: ReadonlyMap<string, Fed>,
): ReturnType<typeof evaluate> {
  const own = new Map(
    graph.ports.map((p): [string, Fed] => {
      const tensor = inputs.get(p.name);
      if (tensor === undefined) throw new Error(`the case has no value for ${p.name}`);
      return [p.name, { shape: tensor.shape, data: Float64Array.from(tensor.data as Float64Array, Number) }];
    }),
  );
  return evaluate(graph, { precision: "f64", inputs: own, variables });
}

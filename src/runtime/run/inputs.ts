/**
 * Inputs of a run: read from a safetensors file and held against the declarations, or drawn where a comparison needs some.
 * A tensor that does not fit is an error that names the declaration.
 */
import { bindSizes, FeedError } from "../../backends/reference/sizes.ts";
import { positionOf, type Span } from "../../compiler/source/source.ts";
import type { Graph, Port } from "../../compiler/graph/graph.ts";
import { isFloat, type Tensor } from "../../compiler/ops/tensor.ts";
import type { Program } from "../../compiler/program.ts";
import { Batches } from "../data/batches.ts";
import { recipeOf, type Recipe } from "../data/recipe.ts";
import { Draws } from "../draws.ts";
import { InputError } from "../error.ts";
import { FACE_SIZE, makeFace } from "../faces/generate.ts";
import { SafetensorsFile } from "../safetensors.ts";
import type { Tensors } from "./engine.ts";
import { described, misplaced, rangeFor } from "./places.ts";

/** Everything that any graph of a program takes, from a file. */
export function readAllInputs(program: Program, graph: Graph, path: string): Promise<Tensors> {
  return readInputs({ ...graph, ports: portsOf(program, graph) }, path);
}

export async function readInputs(graph: Graph, path: string): Promise<Tensors> {
  const file = await SafetensorsFile.open(path);
  try {
    const names = graph.ports.map(({ name }) => name);
    const extra = [...file.tensors.keys()].filter((name) => !names.includes(name));
    if (extra.length > 0) {
      throw new InputError(
        `${path}: the model takes no \`${extra.join("`, `")}\`.`,
        `It takes ${graph.ports.map(typed).join(", ")}.`,
      );
    }
    const tensors = new Map<string, Tensor>();
    for (const port of graph.ports) {
      if (!file.tensors.has(port.name))
        throw new InputError(`${path} lacks the ${port.kind} ${typed(port)}.`, declared(port.span));
      const { shape, data, dtype } = await file.read(port.name);
      // Widths may differ; numbers and whole numbers may not be mixed up.
      if (isFloat(dtype) !== isFloat(port.type.dtype))
        throw new InputError(
          `${path}: \`${port.name}\` is ${dtype}, and the model takes ${typed(port)}.`,
          declared(port.span),
        );
      tensors.set(port.name, { dtype: port.type.dtype, shape, data });
    }
    requireFit(graph, tensors, path);
    const wrong = misplaced(graph, tensors);
    if (wrong !== undefined)
      throw new InputError(`${path}: ${described(wrong)}.`, declared(wrong.port.span), ...rangeFor(wrong));
    return tensors;
  } finally {
    await file.close();
  }
}

function requireFit(graph: Graph, tensors: Tensors, path: string): void {
  for (const { name, span } of graph.ports) {
    const shape = tensors.get(name)?.shape ?? [];
    if (shape.includes(0))
      throw new InputError(
        `${path}: \`${name}\` has shape [${shape.join(", ")}], so it holds nothing.`,
        declared(span),
      );
  }
  try {
    bindSizes(graph, tensors);
  } catch (error) {
    if (error instanceof FeedError) throw new InputError(`${path}: ${error.message}.`, declared(error.span));
    throw error;
  }
}

function typed({ name, type }: Port): string {
  return `\`${name}\`: ${type.dtype}[${type.shape.map(String).join(", ")}]`;
}

function declared(span: Span | undefined): string {
  if (span === undefined) return "See the model's declarations.";
  const { line, column } = positionOf(span.file, span.start);
  return `It is declared at ${span.file.name}:${line}:${column}.`;
}

/** A batch to compare engines on: drawn faces where the model aligns faces, else random numbers within the declarations. */
export async function drawInputs(program: Program, graph: Graph, batch: number, seed: number): Promise<Tensors> {
  return (
    (await drawFaces(program, graph, batch, seed)) ??
    new Map(portsOf(program, graph).map((port) => [port.name, drawPort(port, sizesFor(graph, batch), seed)]))
  );
}

async function drawFaces(program: Program, graph: Graph, batch: number, seed: number): Promise<Tensors | undefined> {
  let recipe: Recipe;
  try {
    recipe = recipeOf(program.name, program.data, graph.ports);
  } catch {
    return undefined;
  }
  const points = recipe.fields.find(({ from }) => from.kind === "points");
  const image = recipe.fields.find(({ from }) => from.kind === "image");
  if (recipe.alignment === undefined || points?.shape[0] !== 5 || image === undefined) return undefined;
  // A face says nothing of what another file holds.
  if (recipe.fields.some((field) => field.from.kind === "array")) return undefined;
  const rows = Array.from({ length: batch }, (_, index) => {
    const { pixels, landmarks } = makeFace(seed, index);
    const others = recipe.fields.filter((field) => field !== points && field !== image);
    const values = new Map(
      others.map((field) => [field.name, [...drawSample(field, new Draws(seed, field.name, index))]]),
    );
    const picture = { width: FACE_SIZE, height: FACE_SIZE, pixels };
    const files = new Map([[image.name, picture]]);
    return { index, line: index, files, points: landmarks, lip: undefined, values, columns: {} };
  });
  return new Batches({ path: "drawn faces", rows, skipped: [] }, recipe, { batch, seed, training: false }).at(0);
}

/** Training and prediction may read different inputs. */
function portsOf(program: Program, graph: Graph): readonly Port[] {
  const all = [graph, program.evaluate, program.predict].flatMap(({ ports }) => ports);
  return [...new Map(all.map((port) => [port.name, port])).values()];
}

type ChooseSize = (key: string, name: string, unit: number) => number;

/** Sizes of a comparison: the batch as asked, any other one small, and such that the model's asserts hold. */
function sizesFor(graph: Graph, batch: number): ChooseSize {
  return (_, name, unit) => {
    if (name === "B") return batch;
    const holds = (size: number): boolean =>
      graph.asserts.every(({ left, comparison, right }) => {
        const [bound, own] = [right.constant, left.asVariable?.name === name];
        if (!own || bound === undefined) return true;
        return comparison === ">=" ? size >= bound : comparison === "<=" ? size <= bound : true;
      });
    const multiples = Array.from({ length: 4096 }, (_, i) => unit * (i + 1));
    return multiples.find((size) => size >= 8 && holds(size)) ?? multiples.findLast(holds) ?? unit;
  };
}

function drawPort(port: Port, choose: ChooseSize, seed: number): Tensor {
  const shape = port.type.shape.map((dim) => dim.evaluate(choose));
  const count = shape.reduce((product, size) => product * size, 1);
  const [from, to] = [port.range?.from.constant, port.range?.to.constant];
  const range = from === undefined || to === undefined ? undefined : { from, to };
  const data = drawSample({ dtype: port.type.dtype, shape: [count], range }, new Draws(seed, port.name));
  return { dtype: port.type.dtype, shape, data };
}

function drawSample(
  of: { dtype: Port["type"]["dtype"]; shape: readonly number[]; range: { from: number; to: number } | undefined },
  draws: Draws,
): Float32Array {
  const count = of.shape.reduce((product, size) => product * size, 1);
  return Float32Array.from({ length: count }, () => {
    if (of.range !== undefined) return of.range.from + draws.below(of.range.to - of.range.from);
    if (of.dtype === "bool") return draws.below(2);
    return isFloat(of.dtype) ? draws.normal() : 0;
  });
}

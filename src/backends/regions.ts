/**
 * Where the regions of a model lie on its map, as a graph of its own: read off the operators that sample, so that a new
 * region pool of the language needs nothing here.
 */
import { GraphBuilder, type TypeRules } from "../compiler/graph/builder.ts";
import type { Graph, Output, Value } from "../compiler/graph/graph.ts";
import { typeOf } from "../compiler/graph/graph.ts";
import { reachableFrom, withoutUnread } from "../compiler/graph/reach.ts";
import { Emitter } from "../compiler/ops/emit.ts";
import type { Program } from "../compiler/program.ts";
import { Dim } from "../compiler/types/dim.ts";

/**
 * One output a region, by its path: the corners `[batch, 4, (x, y)]` of what it reads, in [-1, 1] of the map, clockwise from
 * the one that becomes its top left. Regions that a prediction does not read, or that sample in no way known here, have none.
 */
export function regionOutlines({ parts, named, predict }: Program, rules: TypeRules): Graph {
  const pools = new Set(parts.filter(({ kind }) => kind === "regions").map(({ path }) => path));
  const read = reachableFrom(predict.outputs.map(({ value }) => value));
  const emit = new Emitter(new GraphBuilder(rules, predict.nodes));
  const outputs = [...named.evaluate].flatMap(([name, value]): Output[] => {
    if (!pools.has(name.slice(0, Math.max(0, name.lastIndexOf(".")))) || !read.has(value.node)) return [];
    const { path, span } = value.node;
    const outline = emit.builder.at({ path, span }, () => outlineOf(emit, value));
    return outline === undefined ? [] : [{ name, kind: "value", value: outline, span }];
  });
  return withoutUnread({ ...predict, asserts: [], nodes: emit.builder.nodes, outputs });
}

function outlineOf(emit: Emitter, { node }: Value): Value | undefined {
  const [map, at] = node.inputs;
  const [batch] = node.outputs[0]?.shape ?? [];
  if (map === undefined || batch === undefined) return undefined;
  if (node.op === "resize") return whole(emit, batch, map);
  if (node.op === "grid_sample" && at !== undefined) return quadrilateral(emit, batch, at);
  return node.op === "roi_pool2d" && at !== undefined ? box(emit, batch, at) : undefined;
}

function whole(emit: Emitter, batch: Dim, like: Value): Value {
  const corners = Float64Array.of(-1, -1, 1, -1, 1, 1, -1, 1);
  return emit.expand(emit.builder.constant(corners, typeOf(like).dtype, [4, 2]), [batch, Dim.of(4), Dim.of(2)]);
}
/** Boxes are (left, top, right, bottom). */
function box(emit: Emitter, batch: Dim, boxes: Value): Value {
  return emit.reshape(members(emit, boxes, 1, [0, 1, 2, 1, 2, 3, 0, 3]), [batch, Dim.of(4), Dim.of(2)]);
}
/**
 * Samples are the centres of a region's pixels; its corners lie half a pixel further out, which is exact where the places
 * are an affine map of the region.
 */
function quadrilateral(emit: Emitter, batch: Dim, at: Value): Value | undefined {
  const [, rows, columns] = typeOf(at).shape.map((dim) => dim.constant);
  if (rows === undefined || columns === undefined || rows < 2 || columns < 2) return undefined;
  const ends = members(emit, members(emit, at, 1, [0, rows - 1]), 2, [0, columns - 1]);
  const outward = (count: number): readonly [near: number, far: number] => {
    const reach = count / (count - 1);
    return [(1 + reach) / 2, (1 - reach) / 2];
  };
  const [down, across] = [outward(rows), outward(columns)];
  // The order of the corners, clockwise, as (row, column) of the ends.
  const corners = [
    [0, 0],
    [0, 1],
    [1, 1],
    [1, 0],
  ] as const;
  const weights = corners.flatMap(([i, j]) =>
    [0, 1].flatMap((row) => [0, 1].map((column) => down[row === i ? 0 : 1] * across[column === j ? 0 : 1])),
  );
  const mix = emit.builder.constant(Float64Array.from(weights), typeOf(at).dtype, [4, 4]);
  return emit.matmul(mix, emit.reshape(ends, [batch, Dim.of(4), Dim.of(2)]));
}

function members(emit: Emitter, x: Value, axis: number, places: readonly number[]): Value {
  const at = emit.builder.constant(Float64Array.from(places), "i64", [places.length]);
  return emit.op("gather", { axis: Dim.of(axis) }, x, at);
}

/**
 * Binds a graph's symbolic sizes from the tensors that are fed, and refuses feeds that do not fit: missing ones, wrong
 * shapes, labels out of range, sizes that a model's asserts exclude.
 */
import type { Graph, Port, SizeAssert, TensorType } from "../../compiler/graph/graph.ts";
import type { Span } from "../../compiler/source/source.ts";
import type { Dim } from "../../compiler/types/dim.ts";

export type NumberArray = Float64Array | Float32Array | Int32Array | Uint8Array | BigInt64Array | readonly number[];
/** A tensor that is brought from outside. */
export interface Fed {
  readonly shape: readonly number[];
  /** Row-major. */
  readonly data: NumberArray;
}

/** A feed that the model does not take. The message is for its user. */
export class FeedError extends Error {
  /** The input, target or variable; or undefined for a condition over several. */
  readonly feed: string | undefined;
  /** Where the model declares what was violated. */
  readonly span: Span | undefined;
  constructor(feed: string | undefined, span: Span | undefined, message: string) {
    super(message);
    this.name = "FeedError";
    this.feed = feed;
    this.span = span;
  }
}

/** The value of each size variable, by key. */
export type Sizes = ReadonlyMap<string, number>;

export function sizeOf(sizes: Sizes, dim: Dim): number {
  return dim.constant ?? dim.evaluate((key) => sizes.get(key));
}

export function bindSizes(graph: Graph, inputs: ReadonlyMap<string, Fed>): Sizes {
  const sizes = new Map<string, number>();
  const origin = new Map<string, string>();
  for (const port of graph.ports) {
    const fed = feedOf(port, inputs);
    port.type.shape.forEach((dim, axis) => {
      const variable = dim.asVariable;
      const actual = fed.shape[axis];
      if (variable === undefined || actual === undefined) return;
      const before = sizes.get(variable.key);
      if (before !== undefined && before !== actual) {
        const places = `${origin.get(variable.key) ?? ""} and ${String(actual)} in ${port.name}`;
        throw new FeedError(port.name, port.span, `${variable.name} is ${String(before)} in ${places}`);
      }
      sizes.set(variable.key, actual);
      if (before === undefined) origin.set(variable.key, port.name);
    });
  }
  // asserts come first: shapes may rely on what they say to divide a size
  for (const assert of graph.asserts) if (allKnown([assert.left, assert.right], sizes)) checkAssert(assert, sizes);
  for (const port of graph.ports) checkShape(port, feedOf(port, inputs), sizes);
  for (const port of graph.ports) checkRange(port, feedOf(port, inputs), sizes);
  return sizes;
}

function feedOf(port: Port, inputs: ReadonlyMap<string, Fed>): Fed {
  const fed = inputs.get(port.name);
  if (fed === undefined) throw new FeedError(port.name, port.span, `the ${port.kind} ${port.name} is missing`);
  if (fed.shape.length !== port.type.shape.length) throw misfit(port.name, port.span, port.type, fed.shape);
  return fed;
}
function checkShape(port: Port, fed: Fed, sizes: Sizes): void {
  port.type.shape.forEach((dim, axis) => {
    const actual = fed.shape[axis];
    if (!allKnown([dim], sizes))
      throw new FeedError(port.name, port.span, `the size ${dim.toString()} of ${port.name} has no input that says it`);
    if (sizeOf(sizes, dim) !== actual) throw misfit(port.name, port.span, port.type, fed.shape);
  });
  checkCount(port.name, port.span, fed);
}
function allKnown(dims: readonly Dim[], sizes: Sizes): boolean {
  return dims.every((dim) => [...dim.variables().keys()].every((key) => sizes.has(key)));
}
function checkAssert({ left, comparison, right, message, span }: SizeAssert, sizes: Sizes): void {
  const [a, b] = [sizeOf(sizes, left), sizeOf(sizes, right)];
  const holds = { "==": a === b, "!=": a !== b, "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b }[comparison];
  if (holds) return;
  const condition = `${left.toString()} ${comparison} ${right.toString()}`;
  const reason = message === "" ? "" : `: ${message}`;
  throw new FeedError(
    undefined,
    span,
    `the sizes fed do not fit the model, which needs ${condition}; it is ${String(a)} against ${String(b)}${reason}`,
  );
}
function checkRange(port: Port, fed: Fed, sizes: Sizes): void {
  if (port.range === undefined) return;
  const [from, to] = [sizeOf(sizes, port.range.from), sizeOf(sizes, port.range.to)];
  for (const value of fed.data) {
    if (value >= from && value < to) continue;
    throw new FeedError(
      port.name,
      port.span,
      `${port.name} holds ${String(value)}, outside ${String(from)} ..< ${String(to)}`,
    );
  }
}

/** Refuses a tensor whose shape is not the one declared. */
export function checkFed(name: string, span: Span | undefined, type: TensorType, fed: Fed, sizes: Sizes): void {
  const fits =
    fed.shape.length === type.shape.length && type.shape.every((dim, axis) => sizeOf(sizes, dim) === fed.shape[axis]);
  if (!fits) throw misfit(name, span, type, fed.shape);
  checkCount(name, span, fed);
}
function checkCount(name: string, span: Span | undefined, { shape, data }: Fed): void {
  const count = shape.reduce((product, size) => product * size, 1);
  if (data.length === count) return;
  throw new FeedError(
    name,
    span,
    `${name} has shape [${shape.join(", ")}], so ${String(count)} numbers, but got ${String(data.length)}`,
  );
}
function misfit(name: string, span: Span | undefined, type: TensorType, shape: readonly number[]): FeedError {
  const wanted = `${type.dtype}[${type.shape.map(String).join(", ")}]`;
  return new FeedError(name, span, `${name} is ${wanted} in the model, but got shape [${shape.join(", ")}]`);
}

/**
 * One operator's sample as a graph: its inputs, its outputs, a scalar made of them, and the gradients of the inputs. Every
 * backend's operator tests run these graphs, so that each reads the same numbers.
 */
import { GraphBuilder, type TypeRules } from "../../src/compiler/graph/builder.ts";
import type { Graph, Output, Port, Value } from "../../src/compiler/graph/graph.ts";
import { typeOf } from "../../src/compiler/graph/graph.ts";
import { decompose } from "../../src/compiler/ops/decompose.ts";
import { differentiate } from "../../src/compiler/ops/differentiate.ts";
import { Emitter } from "../../src/compiler/ops/emit.ts";
import { type OperatorSample, operatorSamples } from "../../src/compiler/ops/index.ts";
import { draws } from "../../src/compiler/ops/sample-data.ts";
import { isFloat, type Numbers } from "../../src/compiler/ops/tensor.ts";
import { Dim } from "../../src/compiler/types/dim.ts";

export { type OperatorSample, operatorSamples };

export interface SampleGraph {
  /**
   * Ports `x0`, `x1` …; outputs `y0` … (kind `value`), `loss` (kind `total`: the sum of the float outputs, each times its
   * weights) and `grad.x0` … (kind `gradient`) for the float inputs that have one.
   */
  readonly graph: Graph;
  /** What to feed. */
  readonly inputs: ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Numbers }>;
}

/** With `decomposed`, the operator's meaning in other primitives stands in its place; undefined where it has none. */
export function buildSampleGraph(
  { operator, sample }: OperatorSample,
  rules: TypeRules,
  decomposed = false,
  /** A size to leave open, for axis `axis` of input `input`. */
  openSize: (input: number, axis: number) => Dim | undefined = () => undefined,
): SampleGraph | undefined {
  const builder = new GraphBuilder(rules);
  const emit = new Emitter(builder);
  const xs = sample.inputs.map(({ dtype, shape }, i): Value => {
    const type = { dtype, shape: shape.map((size, axis) => openSize(i, axis) ?? Dim.of(size)) };
    return { node: builder.node("input", { name: `x${String(i)}`, kind: "input" }, [], [type]), index: 0 };
  });
  const types = rules.outputs(operator.name, sample.attributes, xs.map(typeOf));
  const ys = decomposed
    ? decompose(
        builder,
        {
          id: -1,
          op: operator.name,
          attributes: sample.attributes,
          inputs: xs,
          outputs: types,
          path: "",
          span: undefined,
        },
        xs,
      )
    : builder.all(operator.name, sample.attributes, ...xs);
  if (ys === undefined) return undefined;

  const outputs: Output[] = ys.map((value, i) => ({ name: `y${String(i)}`, kind: "value", value, span: undefined }));
  const parts = ys.flatMap((y, i) =>
    isFloat(typeOf(y).dtype) ? [weighted(emit, y, sample.expected?.gradients ? undefined : i)] : [],
  );
  const [first, ...rest] = parts;
  if (first !== undefined) {
    const loss = rest.reduce((sum, part) => emit.add(sum, part), first);
    outputs.push({ name: "loss", kind: "total", value: loss, span: undefined });
    const floats = xs.filter((x) => isFloat(typeOf(x).dtype));
    const gradients =
      operator.gradient === "none" || operator.gradient === "once" ? [] : differentiate(builder, loss, floats);
    gradients.forEach((value, i) => {
      const name = `grad.x${String(xs.indexOf(floats[i]!))}`;
      if (value !== undefined) outputs.push({ name, kind: "gradient", value, span: undefined });
    });
  }
  const ports = xs.map((value, i): Port => {
    return { name: `x${String(i)}`, kind: "input", type: typeOf(value), value, range: undefined, span: undefined };
  });
  const inputs = new Map(sample.inputs.map(({ shape, values }, i) => [`x${String(i)}`, { shape, data: values }]));
  return { graph: { nodes: builder.nodes, ports, variables: [], updates: [], outputs, asserts: [] }, inputs };
}

/** The sum of a tensor's members, each with its own weight; without a `salt` all weigh 1. */
function weighted(emit: Emitter, y: Value, salt: number | undefined): Value {
  const { shape, dtype } = typeOf(y);
  const all = shape.map((_, axis) => axis);
  if (salt === undefined) return emit.sum(y, all);
  // Along a size left open all weigh the same.
  const sizes = shape.map((size) => size.constant ?? 1);
  const count = sizes.reduce((product, size) => product * size, 1);
  return emit.sum(emit.mul(y, emit.builder.constant(draws(count, -1, 1, salt + 77), dtype, sizes)), all);
}

/** A name that tells one sample from another in test output. */
export function sampleName({ operator, sample }: OperatorSample): string {
  return `${operator.name}: ${sample.name}`;
}

/** The largest difference over the largest value, which counts as 1 at least. */
export function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let [worst, largest] = [0, 1];
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs(expected[i] ?? NaN));
    const apart = Math.abs((actual[i] ?? NaN) - (expected[i] ?? NaN));
    if (!Object.is(actual[i], expected[i])) worst = Math.max(worst, Number.isNaN(apart) ? Infinity : apart);
  }
  return worst / largest;
}

/** What a sample itself says of an output of its graph. */
export function closedForm({ sample }: OperatorSample, name: string): readonly number[] | undefined {
  const output = /^y(\d+)$/.exec(name)?.[1];
  if (output !== undefined) return sample.expected?.outputs?.[Number(output)];
  const input = /^grad\.x(\d+)$/.exec(name)?.[1];
  return input === undefined ? undefined : sample.expected?.gradients?.[Number(input)];
}

/** The inputs whose first axis is a batch, by operator. */
export const batchedInputs: Readonly<Record<string, readonly number[]>> = {
  ...{ conv2d: [0], conv2d_transpose: [0], max_pool2d: [0], avg_pool2d: [0], resize: [0], affine_grid: [0] },
  ...{
    conv2d_input_gradient: [0],
    conv2d_weight_gradient: [0, 1],
    max_pool2d_gradient: [0, 1, 2],
    avg_pool2d_gradient: [0],
  },
  ...{ batch_norm_train: [0], batch_norm_eval: [0], batch_norm_train_gradient: [0, 4], softmax_cross_entropy: [0, 1] },
  ...{ grid_sample: [0, 1], grid_sample_input_gradient: [0, 1], grid_sample_grid_gradient: [0, 1, 2] },
  ...{ affine_grid_gradient: [0], resize_gradient: [0], roi_pool2d: [0, 1], roi_pool2d_gradient: [0, 1, 2] },
};

/** Gradients have no samples in engines that only predict. */
export function isGradient({ operator: { name } }: OperatorSample): boolean {
  return name.endsWith("_gradient") && name !== "stop_gradient";
}

/** One operator over inputs `x0`, `x1`, …, with outputs `part.y0`, …; the first axes of `openAxes` are left open. */
export function forwardGraph(
  { operator, sample }: OperatorSample,
  rules: TypeRules,
  openAxes: readonly number[],
): Graph {
  const builder = new GraphBuilder(rules);
  const ports = sample.inputs.map(({ dtype, shape }, i): Port => {
    const name = `x${String(i)}`;
    const sizes = shape.map((size, axis) => (axis === 0 && openAxes.includes(i) ? Dim.variable("B") : Dim.of(size)));
    const type = { dtype, shape: sizes };
    const node = builder.node("input", { name, kind: "input" }, [], [type]);
    return { name, kind: "input", type, value: { node, index: 0 }, range: undefined, span: undefined };
  });
  const values = builder.at({ path: "part.layer", span: undefined }, () =>
    builder.all(operator.name, sample.attributes, ...ports.map((port) => port.value)),
  );
  const outputs = values.map((value, i): Output => ({
    name: `part.y${String(i)}`,
    kind: "value",
    value,
    span: undefined,
  }));
  return { nodes: builder.nodes, ports, variables: [], updates: [], outputs, asserts: [] };
}

/**
 * Initial values of params and states: the initialiser's expression is evaluated apart, and must come down to a source
 * (a constant, a uniform or normal draw) or to literal values.
 */
import type { Initializer, Node, Value } from "../graph/graph.ts";
import { spanText } from "../source/source.ts";
import type { Expr } from "../syntax/ast.ts";
import { evaluateConstant } from "../ops/constant.ts";
import { showType, type TensorType } from "../types/tensor.ts";
import { Context } from "./context.ts";
import type { Environment } from "./environment.ts";
import { Evaluator } from "./evaluator.ts";
import { sameType, toTensor } from "./bodies.ts";
import { describe } from "./values.ts";

const zero: Initializer = { kind: "constant", value: 0 };

export function initializerOf(evaluator: Evaluator, expr: Expr, env: Environment, type: TensorType): Initializer {
  const { context } = evaluator;
  const { bag, shared } = context;
  const apart = new Context({
    bag,
    rules: context.graph.rules,
    training: context.training,
    shared,
    isFrozen: context.isFrozen,
    generic: context.generic,
  });
  apart.facts = context.facts;
  apart.frames.push(...context.frames);
  const scratch = new Evaluator(apart);
  const given = scratch.plain(expr, env, { type });
  if (given.kind === "block") {
    const text = `${spanText(expr.span)}()`;
    const fixes = [{ title: `write \`${text}\``, span: expr.span, text }];
    const args = { what: "an initial value", wanted: "a tensor", given: describe(given), help: `apply it:   ${text}` };
    context.report("E0206", args, expr.span, { fixes });
    return zero;
  }
  const value = toTensor(
    scratch,
    given,
    type.shape.length === 0 || given.kind === "tensor" ? type : { ...type, shape: [] },
    expr,
  );
  if (value.kind !== "tensor" || context.generic) return zero;
  if (value.type.shape.length > 0 && !sameType(evaluator, value.type, type)) {
    context.report("E0304", { what: "the initial value", declared: showType(type), given: describe(value) }, expr.span);
    return zero;
  }
  return literal(value.value, type, apart.graph.nodes) ?? report();

  function report(): Initializer {
    context.report("E0402", {}, expr.span);
    return zero;
  }
}

function literal(value: Value, type: TensorType, nodes: readonly Node[]): Initializer | undefined {
  let { node } = value;
  if (nodes[node.id] !== node) return undefined; // a tensor of the network itself
  while (node.op === "expand") {
    const [of] = node.inputs;
    if (of === undefined) return undefined;
    node = of.node;
  }
  const { attributes } = node;
  if (node.op === "constant" && attributes["values"] instanceof Float64Array && attributes["values"].length === 1) {
    return { kind: "constant", value: attributes["values"][0] ?? 0 };
  }
  if (node.op === "random") {
    const { distribution } = attributes;
    if (distribution === "uniform")
      return { kind: "uniform", low: Number(attributes["low"]), high: Number(attributes["high"]) };
    return { kind: "normal", mean: Number(attributes["mean"]), std: Number(attributes["std"]) };
  }
  const values = evaluateConstant(value);
  return values === undefined || type.shape.some((d) => d.constant === undefined)
    ? undefined
    : { kind: "values", values };
}

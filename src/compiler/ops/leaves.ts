/** The nodes that a graph starts from: what is fed, what is kept, literals, sizes and draws. They carry their own type. */
import { dimAttribute, numberAttribute, textAttribute, valuesAttribute } from "./attributes.ts";
import type { OperatorDefinition } from "./operator.ts";
import { fillNormal, fillUniform, streamOf } from "./philox.ts";

export const input: OperatorDefinition = {
  name: "input",
  evaluate: (node, _, evaluation) => [evaluation.port(textAttribute(node, "name"))],
  gradient: "none",
  samples: () => [],
};

export const variable: OperatorDefinition = {
  name: "variable",
  evaluate: (node, _, evaluation) => [evaluation.variable(textAttribute(node, "path"))],
  gradient: "none",
  samples: () => [],
};

export const constant: OperatorDefinition = {
  name: "constant",
  evaluate(node, _, evaluation) {
    const out = evaluation.output(node);
    out.data.set(valuesAttribute(node));
    return [out];
  },
  gradient: "none",
  samples: () => [],
};

export const axisSize: OperatorDefinition = {
  name: "axis_size",
  evaluate(node, _, evaluation) {
    const out = evaluation.output(node);
    out.data[0] = evaluation.size(dimAttribute(node, "of"));
    return [out];
  },
  gradient: "none",
  samples: () => [],
};

/** Keyed by the seed, its path and the step, which is its one input; without an input the step is 0. */
export const random: OperatorDefinition = {
  name: "random",
  evaluate(node, [step], evaluation) {
    const out = evaluation.output(node);
    const stream = streamOf(evaluation.seed, textAttribute(node, "path"), step?.data[0] ?? 0);
    const number = (name: string): number => numberAttribute(node, name);
    if (textAttribute(node, "distribution") === "uniform") fillUniform(out.data, stream, number("low"), number("high"));
    else fillNormal(out.data, stream, number("mean"), number("std"));
    return [out];
  },
  gradient: "none",
  samples: () => [],
};

export const leafOperators = [input, variable, constant, axisSize, random];

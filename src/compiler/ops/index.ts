/** The table of operators: every primitive of the library and every leaf has one definition here. */
import { arithmeticOperators } from "./arithmetic.ts";
import { contractionOperators } from "./contraction.ts";
import { convolutionOperators } from "./convolution.ts";
import { elementwiseOperators } from "./elementwise.ts";
import { indexingOperators } from "./indexing.ts";
import { leafOperators } from "./leaves.ts";
import { lossOperators } from "./losses.ts";
import { normalizationOperators } from "./normalization.ts";
import type { OperatorDefinition, Sample } from "./operator.ts";
import { poolingOperators } from "./pooling.ts";
import { reductionOperators } from "./reductions.ts";
import { regionOperators } from "./regions.ts";
import { samplingOperators } from "./sampling.ts";
import { shapeOperators } from "./shape.ts";

export const operators: ReadonlyMap<string, OperatorDefinition> = new Map(
  [
    ...[elementwiseOperators, arithmeticOperators, reductionOperators, shapeOperators, indexingOperators],
    ...[contractionOperators, convolutionOperators, poolingOperators, samplingOperators, regionOperators],
    ...[normalizationOperators, lossOperators, leafOperators],
  ].flatMap((family) => family.map((definition) => [definition.name, definition] as const)),
);

/** The definition of an operator that a graph names. */
export function operatorNamed(name: string): OperatorDefinition {
  const definition = operators.get(name);
  if (definition === undefined) throw new Error(`no operator is called ${name}`);
  return definition;
}

export interface OperatorSample {
  readonly operator: OperatorDefinition;
  readonly sample: Sample;
}
/** Every sample of every operator, in the table's order: what each backend must get right. */
export function operatorSamples(): readonly OperatorSample[] {
  return [...operators.values()].flatMap((operator) => operator.samples().map((sample) => ({ operator, sample })));
}

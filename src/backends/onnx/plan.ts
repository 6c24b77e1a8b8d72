/**
 * A file as a list of segments: bytes that the compiler knows, and tensors that are read when the file is written. The
 * plan of a model with 400 MB of weights is as small as one without.
 */
import type { DType } from "../../compiler/graph/graph.ts";

/** Numbers of one tensor: a variable's, read from the weights, or the program's own. */
export type Source =
  | { readonly kind: "variable"; readonly path: string; readonly dtype: DType; readonly count: number }
  | { readonly kind: "values"; readonly dtype: DType; readonly values: Float64Array };

/** What batch norm does in prediction: y = (x - mean) * weight / sqrt(variance + eps) + bias, a number a channel. */
export interface Norm {
  readonly weight: Source;
  readonly bias: Source;
  readonly mean: Source;
  readonly variance: Source;
  readonly eps: number;
}

/** How the bytes of a tensor come about. */
export type Recipe =
  | { readonly kind: "copy"; readonly of: Source }
  /** A filter whose batch norm is folded in: scaled by channel, which is place / inner modulo the number of channels. */
  | { readonly kind: "scaled"; readonly of: Source; readonly norm: Norm; readonly inner: number }
  /** The bias that goes with it: (of - mean) * scale + bias, `of` being 0 where the filter had none. */
  | { readonly kind: "shifted"; readonly of: Source | undefined; readonly norm: Norm };

export type Segment =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | {
      readonly kind: "tensor";
      readonly name: string;
      readonly dtype: DType;
      readonly recipe: Recipe;
      readonly bytes: number;
    };

export interface FilePlan {
  readonly segments: readonly Segment[];
  /** The size of the file. */
  readonly bytes: number;
}

export function planOf(segments: readonly Segment[]): FilePlan {
  let bytes = 0;
  for (const segment of segments) bytes += segment.kind === "bytes" ? segment.bytes.byteLength : segment.bytes;
  return { segments, bytes };
}

/** The variables whose numbers the file needs, each once, in the order of the file. */
export function variablesOf(plan: FilePlan): readonly string[] {
  const paths = new Set<string>();
  const add = (source: Source | undefined): void => {
    if (source?.kind === "variable") paths.add(source.path);
  };
  for (const segment of plan.segments) {
    if (segment.kind === "bytes") continue;
    add(segment.recipe.of);
    if (segment.recipe.kind === "copy") continue;
    const { weight, bias, mean, variance } = segment.recipe.norm;
    [weight, bias, mean, variance].forEach(add);
  }
  return [...paths];
}

/** The reference backend: runs graphs in TypeScript, slowly enough to be plain and exactly enough to be believed. */
export { evaluate, EvaluationError, FeedError } from "./evaluate.ts";
export type { Evaluated, EvaluateOptions, Fed, NumberArray } from "./evaluate.ts";
export { createGemm } from "../../compiler/ops/gemm.ts";

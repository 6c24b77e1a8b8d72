/** Rows E06xx: training, data and pretrained weights. Prose only. */
import { row, type Rows } from "../row.ts";

export const dataRows = {
  E0601: row<{ paths: readonly string[]; has: boolean; section?: boolean }>({
    severity: "error",
    title: "a weight that no optimizer serves",
    message: ({ paths }) =>
      `no \`optimize\` line fits ${paths.slice(0, 3).join(", ")}${paths.length > 3 ? ` and ${String(paths.length - 3)} more` : ""}`,
    help: ({ has, section }) =>
      has
        ? 'let the last line take what is left:   optimize "**" by … at …'
        : section === true
          ? 'add a line to `train`:   optimize "**" by adam() at constant(1e-3)'
          : 'say how to train:   train { optimize "**" by sgd() at constant(0.01) }',
  }),
  E0602: row<{ given: string; wanted: string }>({
    severity: "error",
    title: "an optimizer or schedule gives the wrong type",
    message: ({ given, wanted }) => `this gives ${given} where ${wanted} is needed`,
    help: () => "an optimizer is (w, g, rate) -> w, a schedule (step, epoch) -> f32[]",
  }),
  E0603: row<{ patterns: readonly string[]; weights: readonly string[] }>({
    severity: "error",
    title: "a pattern that fits no weight",
    message: ({ patterns, weights }) =>
      `${patterns.map((p) => JSON.stringify(p)).join(", ")} fits no weight${weights.length === 0 ? " that is left" : ""}`,
    help: ({ weights }) =>
      weights.length === 0
        ? 'the first line that fits a weight decides: a line after `"**"` never does'
        : `the weights are ${weights.slice(0, 4).join(", ")}${weights.length > 4 ? `, … (${String(weights.length)} in all)` : ""}`,
  }),
  E0604: row<{ name: string; near: readonly string[]; ports: readonly string[] }>({
    severity: "error",
    title: "data for an input that is not there",
    message: ({ name }) => `\`data\` binds \`${name}\`, which is no input or target`,
    help: ({ near, ports }) =>
      near.length > 0
        ? `did you mean ${near.map((n) => `\`${n}\``).join(" or ")}?`
        : `inputs and targets are ${ports.join(", ")}`,
  }),
  E0605: row<{ source: string; block: boolean }>({
    severity: "error",
    title: "a weight map that is not one",
    message: () => "a weight comes from the name of another one, which may be piped through a block",
    help: ({ source, block }) =>
      source !== ""
        ? `a name of a weight is a string:   ${source}`
        : block
          ? "behind `|>` stands a block from a weight to a weight:   block halved(w: float[...S]) -> float[...S] => 0.5 * w"
          : '"b{n}.weight" = "layer{n}.weight" |> on_both_halves',
  }),
  E0607: row<{ name: string; known: readonly string[]; near: readonly string[]; advice: string }>({
    severity: "error",
    title: "a field of `train` that training does not know",
    message: ({ name }) => `\`train\` has no field \`${name}\``,
    label: ({ known }) => `train has: ${known.join(", ")}, and lines with optimize, freeze and step`,
    help: ({ near, advice }) =>
      [near.length === 0 ? "" : `did you mean ${near.map((n) => `\`${n}\``).join(" or ")}?`, advice]
        .filter((line) => line !== "")
        .join("\n") || "leave it out",
  }),
  E0606: row<{ step: string; wanted: readonly string[]; heads: readonly string[] }>({
    severity: "error",
    title: "a step without a loss",
    message: ({ step, wanted }) =>
      wanted.length > 0
        ? `the step \`${step}\` minimises ${wanted.map((w) => `\`${w}\``).join(", ")}, and no loss is called so`
        : `the step \`${step}\` has no loss to minimise`,
    help: ({ heads }) => `name heads with losses after \`for\`; the heads are ${heads.join(", ")}`,
  }),
} satisfies Rows<"E06">;

/** Rows E04xx: weights, layers and paths. Prose only. */
import { row, type Rows } from "../row.ts";

export const layersRows = {
  E0401: row<{ name: string }>({
    severity: "error",
    title: "`update` of something that is no state",
    message: ({ name }) => `\`${name}\` is no state of this body, so it cannot be updated`,
    help: ({ name }) => `declare it here:   state ${name}: float[…] = zeros()`,
  }),
  E0402: row<object>({
    severity: "error",
    title: "an initial value that cannot be drawn",
    message: () => "an initial value is a source or made of literals, and this is neither",
    help: () => "sources are zeros(), ones(), uniform(low, high), normal(mean, std) and blocks that give one of them",
  }),
  E0405: row<{ scope: string; name: string; callee: string; path: string }>({
    severity: "error",
    title: "two layers of one name",
    message: ({ scope, name }) =>
      `two layers in ${scope === "the model" ? scope : `\`${scope}\``} are called \`${name}\``,
    label: ({ path }) => `both would be ${path}`,
    help: ({ callee }) => `name them:   … |> ${callee}(…) as hidden |> ${callee}(…) as out`,
  }),
  E0406: row<{ owner: string; path: string; first: string; second: string }>({
    severity: "error",
    title: "one set of weights for two sizes",
    message: ({ owner, path, first, second }) =>
      `\`${owner}\` has one set of weights, and its uses need two: ${path} is ${first}, and ${second} here`,
    label: () => "a use before this one gave the weights their size",
    help: ({ owner }) =>
      `bring what goes in to one size, or share a second block:   shared ${owner.split(".").at(-1) ?? "other"}2 = …`,
  }),
  E0410: row<{ kind: string; wanted: string; given: string; help: string }>({
    severity: "error",
    title: "an output of the wrong type",
    message: ({ kind, wanted, given }) => `a ${kind} is ${wanted}, and this is ${given}`,
    help: ({ kind, help }) =>
      help ||
      (kind === "loss"
        ? "a loss is computed from what the network gives:   cross_entropy(logits, label)"
        : kind === "metric"
          ? "give one number a sample:   mae(guess, label)"
          : "predict a tensor whose first axis is the batch"),
  }),
  E0411: row<{ kind: string }>({
    severity: "error",
    title: "an output outside a head",
    message: ({ kind }) => `a ${kind} belongs to a head, and this one stands in the model`,
    label: () => "expected inside `head NAME { … }`",
    help: ({ kind }) => `put it into a head:   head main { ${kind} … }`,
  }),
  E0412: row<{ kind: string; size: string; output: string }>({
    severity: "error",
    title: "a size that no input says",
    message: ({ kind, size }) => `nothing that this ${kind} is made from says how large \`${size}\` is`,
    help: ({ size }) =>
      `make it from an input that has \`${size}\`, such as the codes to paint from:   input code: f32[${size}, 64]`,
  }),
} satisfies Rows<"E04">;

/** Rows E03xx: types and shapes. Prose only. */
import { row, type Rows } from "../row.ts";

export const shapesRows = {
  E0301: row<{ verb: string; left: string; right: string; noun: string; types: string; help: string }>({
    severity: "error",
    title: "two shapes that do not go together",
    message: ({ verb, left, right, noun }) => `these two cannot be ${verb}: ${left} ${noun} and ${right}`,
    label: ({ types }) => types,
    help: ({ help }) => help || "sizes align from the right; only a size of 1 stretches (write x[:, new] to add one)",
  }),
  E0302: row<{
    callee: string;
    what: string;
    noun: string;
    wanted: string;
    given: string;
    type: string;
    help: string;
  }>({
    severity: "error",
    title: "a size that the block does not take",
    message: ({ callee, wanted, noun, given }) => `\`${callee}\` needs ${wanted} ${noun}, and gets ${given}`,
    label: ({ what, type }) => `${what} is ${type}`,
    help: ({ callee, help }) =>
      help || `change the layer before \`${callee}\`, or its settings, so that the two sizes agree`,
  }),
  E0303: row<{ what: string; wanted: string; given: string; type: string; help: string }>({
    severity: "error",
    title: "a tensor of another rank is needed",
    message: ({ what, wanted, given }) => `${what} takes ${wanted}, and gets ${given}`,
    label: ({ type }) => type,
    help: ({ help }) => help || "add an axis with x[:, new], or take one away with flatten, x[:, 0] or a reduction",
  }),
  E0304: row<{ what: string; declared: string; given: string; help?: string }>({
    severity: "error",
    title: "a value does not have its declared type",
    message: ({ what, declared, given }) => `${what} is declared ${declared}, and this is ${given}`,
    help: ({ given, help }) => help ?? `change the declaration to ${given}, or what is computed`,
  }),
  E0305: row<{ verb: string; left: string; right: string; help: string }>({
    severity: "error",
    title: "two element types meet",
    message: ({ verb, left, right }) => `these two cannot be ${verb}: ${left} and ${right}`,
    label: () => "nothing is converted silently",
    help: ({ help }) => help || "make one side of the other's element type:   x |> cast(to: f32)",
  }),
  E0306: row<{ op: string; given: string; help: string }>({
    severity: "error",
    title: "an operator on whole numbers",
    message: ({ op, given }) => `\`${op}\` is for fractions, and this is ${given}`,
    help: ({ help }) => help || "fractions first:   x |> cast(to: f32)",
  }),
  E0307: row<{
    scores: string;
    from: string;
    to: string;
    where: string;
    help: string;
    /** The setting that bounds the labels, where it is no size of a tensor that does. */
    setting?: string | undefined;
  }>({
    severity: "error",
    title: "scores and labels do not match",
    message: ({ scores, from, to, setting }) =>
      setting === undefined
        ? `${scores} scores for labels ${from} ..< ${to}`
        : `\`${setting}\` is ${scores}, and the numbers that come in are ${from} ..< ${to}`,
    label: ({ where, setting }) =>
      setting === undefined ? `needs as many scores as there are classes${where}` : `takes 0 ..< ${setting}`,
    help: ({ help, to, setting }) =>
      help ||
      (setting === undefined
        ? "give the last layer as many outputs as there are classes"
        : `leave room for each of them:   ${setting}: ${to}`),
  }),
  E0308: row<{ callee: string; param: string; wanted: string; given: string; help: string }>({
    severity: "error",
    title: "a tensor of another element type is needed",
    message: ({ callee, param, wanted, given }) => `\`${param}\` of \`${callee}\` is ${wanted}, and gets ${given}`,
    help: ({ help }) => help,
  }),
  E0309: row<{ callee: string; asked: readonly string[]; line?: string }>({
    severity: "error",
    title: "a size that only the use can say",
    message: ({ callee }) => `\`${callee}\` does not know how large its result is to be`,
    label: ({ asked }) =>
      `${asked.map((a) => (a.length === 1 && a === "S" ? "its shape" : a)).join(" and ")} must come from the use`,
    help: ({ callee, line }) => `write the type:   ${line ?? `let x: f32[…] = … ${callee} …`}`,
  }),
  E0310: row<{ callee: string; condition: string; values: readonly string[]; file: string; help: string }>({
    severity: "error",
    title: "a condition of a block does not hold",
    message: ({ callee, condition }) => `\`${callee}\` needs ${condition}`,
    label: ({ values }) => values.join(", "),
    help: ({ file, help }) => help || `choose settings with which it holds (the condition stands in ${file})`,
  }),
  E0311: row<{ shape: string; callee?: string; given?: string; setting?: string | undefined; weight?: boolean }>({
    severity: "error",
    title: "a size that cannot be",
    message: ({ shape, callee, weight }) =>
      callee === undefined
        ? `${shape} has a negative size`
        : `\`${callee}\` would ${weight === true ? "have a weight without numbers" : "leave nothing"}: ${shape}`,
    label: ({ given = "" }) => (given === "" ? "" : `what comes in is ${given}`),
    help: ({ callee, setting, weight }) =>
      callee === undefined
        ? "a size is 0 or more"
        : setting !== undefined
          ? `\`${setting}\` is 1 or more`
          : weight === true
            ? "each of its sizes is 1 or more"
            : "fewer layers before it that make the map smaller, a smaller kernel, or more `pad`",
  }),
  E0312: row<{ problem: string; types: string; help: string }>({
    severity: "error",
    title: "what depends on a size known only at run time",
    message: ({ problem }) => problem,
    label: ({ types }) => types,
    help: ({ help }) => help || "say in the model which sizes are fine:   assert H % 16 == 0",
  }),
  E0314: row<{ owner: string; type: string; size: string }>({
    severity: "error",
    title: "a weight whose size is not fixed",
    message: ({ owner, size }) =>
      `${owner} would have a weight of size ${size}, which is known only when the network runs`,
    label: ({ type }) => `a weight of type ${type}`,
    help: ({ size }) =>
      `weights have fixed sizes: give ${size} as a number where the input is declared, or move a fixed axis to where the layer reads its channels:   x |> transpose([0, 2, 1])`,
  }),
  E0313: row<{ condition: string; message: string; values?: readonly string[] }>({
    severity: "error",
    title: "an assert does not hold",
    message: ({ condition, message }) =>
      message === "" ? `${condition} does not hold` : `${message}: ${condition} does not hold`,
    label: ({ values = [] }) => values.join(", "),
    help: () => "change what it speaks of, or the assert",
  }),
} satisfies Rows<"E03">;

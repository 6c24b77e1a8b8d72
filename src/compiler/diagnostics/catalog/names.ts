/** Rows E02xx: names, calls and levels. Prose only. */
import { row, type Rows } from "../row.ts";

const listed = (names: readonly string[]): string => names.map((n) => `\`${n}\``).join(", ");
const orList = (names: readonly string[]): string => names.map((n) => `\`${n}\``).join(" or ");
const didYouMean = (near: readonly string[], advice = ""): string =>
  [near.length === 0 ? "" : `did you mean ${orList(near)}?`, advice].filter((line) => line !== "").join("\n");

export const namesRows = {
  E0201: row<{ callee: string; wanted: string; tensor: string; type: string; help: string }>({
    severity: "error",
    title: "a tensor stands where a setting belongs",
    message: ({ callee, wanted, tensor }) => `\`${callee}\` takes ${wanted} first, and \`${tensor}\` is a tensor`,
    label: ({ type }) => `${type}; a block has two lists: settings, then tensors`,
    help: ({ help }) => help,
  }),
  E0202: row<{ name: string; near: readonly string[]; advice: string }>({
    severity: "error",
    title: "a name that nothing has",
    message: ({ name }) => `nothing here is called \`${name}\``,
    help: ({ near, advice }) =>
      didYouMean(near, advice) || "give it a value before:   let NAME = …   or import it from the file that has it",
  }),
  E0203: row<{ what: string; given: string; help: string }>({
    severity: "error",
    title: "something that is no block is applied",
    message: ({ what, given }) => `${what} is ${given}, and only a block can be applied`,
    help: ({ help }) => help || "after `|>` stands a block, with its settings: x |> linear(10)",
  }),
  E0204: row<{ type: string; help: string }>({
    severity: "error",
    title: "`if` on a tensor",
    message: () => "`if` decides before the network runs, and this is known only when it runs",
    label: ({ type }) => type,
    help: ({ help }) => help,
  }),
  E0205: row<{ callee: string; wanted: number; given: number; names: readonly string[]; help: string }>({
    severity: "error",
    title: "a block gets too many or too few tensors",
    message: ({ callee, wanted, given }) =>
      `\`${callee}\` takes ${wanted} ${wanted === 1 ? "tensor" : "tensors"}, and gets ${given}`,
    label: ({ callee, names }) => (names.length > 1 ? `${callee} takes ${names.join(", ")}` : ""),
    help: ({ help }) => help,
  }),
  E0206: row<{ what: string; wanted: string; given: string; help?: string }>({
    severity: "error",
    title: "a value of the wrong kind",
    message: ({ what, wanted, given }) => `${what} takes ${wanted}, and this is ${given}`,
    help: ({ help }) => help ?? "",
  }),
  E0207: row<{ problem: string; help: string }>({
    severity: "error",
    title: "this cannot be computed",
    message: ({ problem }) => problem,
    help: ({ help }) => help,
  }),
  E0208: row<{
    owner: string;
    is: string;
    name: string;
    names: readonly string[];
    near: readonly string[];
    advice: string;
  }>({
    severity: "error",
    title: "a member that is not there",
    message: ({ owner, name }) => `\`${owner}\` has no \`${name}\``,
    label: ({ owner, is, names }) =>
      names.length === 0 ? `${owner} is ${is}, and has no named members` : `${owner} has: ${names.join(", ")}`,
    help: ({ near, owner, names, advice }) =>
      didYouMean(
        near.map((n) => `${owner}.${n}`),
        advice,
      ) ||
      (names.length === 0
        ? "members are those of maps, regions, branches and their sub-networks"
        : `take one of them, such as ${owner}.${names[0] ?? ""}`),
  }),
  E0209: row<{ why: string; help?: string }>({
    severity: "error",
    title: "`with` cannot stand here",
    message: ({ why }) => `\`with\` ${why}`,
    help: ({ help }) =>
      help ?? "in a prediction or a metric:   predict both = mean_list([once, once with { image: mirrored }])",
  }),
  E0210: row<{ from: string; near: readonly string[]; modules: readonly string[] }>({
    severity: "error",
    title: "an imported file is not there",
    message: ({ from }) => `there is no file "${from}"`,
    help: ({ from, near: [near], modules }) =>
      near !== undefined
        ? `did you mean "${near}"?`
        : from.startsWith("std:")
          ? `the standard library has ${modules.join(", ")}`
          : 'a path starts at this file and stays in the project:   import { NAME } from "./other.arch"',
  }),
  E0211: row<{ from: string }>({
    severity: "error",
    title: "files import each other",
    message: ({ from }) => `"${from}" imports this file in turn`,
    help: () => "move what both need to a third file",
  }),
  E0212: row<{
    name: string;
    from: string;
    names: readonly string[];
    near: readonly string[];
    /** The module of the library that has it. */
    elsewhere?: string | undefined;
    inPrelude?: boolean;
  }>({
    severity: "error",
    title: "an imported name is not in the file",
    message: ({ name, from }) =>
      name.startsWith("_") ? `\`${name}\` is private to "${from}"` : `"${from}" has no \`${name}\``,
    label: ({ names }) =>
      names.length === 0
        ? "the file has no names to import"
        : `it has ${listed(names.slice(0, 6))}${names.length > 6 ? ` and ${String(names.length - 6)} more` : ""}`,
    help: ({ name, near, from, elsewhere, inPrelude }) =>
      (inPrelude === true ? `\`${name}\` is in scope without an import; take it out` : "") ||
      (elsewhere === undefined ? "" : `another module has it:   import { ${name} } from "${elsewhere}"`) ||
      didYouMean(near) ||
      (name.startsWith("_")
        ? `a name that starts with \`_\` stays in its file; rename it in "${from}" to share it`
        : `declare it there, or take the name that "${from}" has for it`),
  }),
  E0213: row<{ name: string }>({
    severity: "error",
    title: "an import takes a name that is taken",
    message: ({ name }) => `\`${name}\` is declared in this file already`,
    help: ({ name }) => `import it by another name:   ${name} as other_${name}`,
  }),
  E0214: row<{ name: string; set?: boolean }>({
    severity: "error",
    title: "two declarations of one name",
    message: ({ name }) => `\`${name}\` is declared twice`,
    help: ({ name, set }) =>
      name === "loss"
        ? "give each a name:   loss first = …"
        : set === true
          ? `what is there already is changed:   set ${name} = …`
          : "rename one of them",
  }),
  E0215: row<{ steps: number; nodes: number }>({
    severity: "error",
    title: "a program is too large",
    message: ({ steps, nodes }) =>
      `this takes more than ${steps.toLocaleString("en")} steps or ${nodes.toLocaleString("en")} nodes`,
    help: () => "loops unroll: look for one that goes over too many members",
  }),
  E0216: row<{ callee: string; argument: string; names: readonly string[]; near: readonly string[]; advice: string }>({
    severity: "error",
    title: "a setting that the block does not have",
    message: ({ callee, argument }) => `\`${callee}\` has no setting for \`${argument}\``,
    label: ({ callee, names }) =>
      names.length === 0 ? `\`${callee}\` has no settings` : `${callee} has: ${names.join(", ")}`,
    help: ({ near, advice, callee, names }) =>
      didYouMean(near, advice) ||
      (names.length === 0
        ? `write \`${callee}\` with its tensors alone`
        : "leave it out, or write a block of your own that has it"),
  }),
  E0217: row<{ callee: string; name: string }>({
    severity: "error",
    title: "a setting is given twice",
    message: ({ callee, name }) => `\`${name}\` of \`${callee}\` is set twice`,
    help: () => "leave one of them out",
  }),
  E0218: row<{ callee: string; missing: readonly string[]; given?: string }>({
    severity: "error",
    title: "a setting is missing",
    message: ({ callee, missing }) => `\`${callee}\` needs ${listed(missing)}`,
    help: ({ callee, missing, given = "" }) =>
      `say it in the first list:   ${callee}(${[given, ...missing.map((m) => `${m}: …`)].filter((a) => a !== "").join(", ")})`,
  }),
  E0219: row<{ names: readonly string[]; reads: string }>({
    severity: "error",
    title: "parts that need each other",
    message: ({ names }) =>
      names.length === 1
        ? `\`${names[0] ?? ""}\` cannot be computed: it needs itself`
        : `${listed(names)} cannot be computed: each needs the other`,
    label: ({ reads }) => reads,
    help: () => "a value is made from values before it; for a state that lasts across steps, use `state` and `update`",
  }),
  E0220: row<{ branch: string }>({
    severity: "error",
    title: "a branch without `fuse` is used as one value",
    message: ({ branch }) => `\`${branch}\` has no fused value: it says no \`fuse\``,
    help: ({ branch }) =>
      `the results of its sub-networks are \`${branch}.*\`; one value of them takes a fusion:   } fuse lstm_sum(128)`,
  }),
  E0221: row<{ name: string; model: string }>({
    severity: "error",
    title: "a parameter of the model has no value",
    message: ({ name, model }) => `\`${name}\` of \`${model}\` has no value`,
    help: ({ name }) => `give it a default:   ${name}: int = 10   or set it where it is used:   --set ${name}=…`,
  }),
  E0222: row<{ file: string }>({
    severity: "error",
    title: "the file is not there",
    message: ({ file }) => `there is no file ${file}`,
    help: () => "check the path",
  }),
  E0224: row<{ block: string; tensor: string; setting: string }>({
    severity: "error",
    title: "settings and tensors in one list",
    message: ({ block, tensor, setting }) =>
      `\`${block}\` lists the tensor \`${tensor}\` beside the setting \`${setting}\``,
    label: () => "a block has two lists: settings, then tensors",
    help: ({ block, tensor, setting }) => `block ${block}(${setting}: …)(${tensor}: …) -> …`,
  }),
  E0226: row<{ names: readonly string[] }>({
    severity: "error",
    title: "a declaration that needs itself",
    message: ({ names: [first = "", ...others] }) =>
      others.length === 0
        ? `\`${first}\` needs itself`
        : `\`${first}\` needs itself, by way of ${others.map((n) => `\`${n}\``).join(" and ")}`,
    label: () => "evaluating this would never end",
    help: () => "repeat a block with a loop:   fold y = x for i in 0 ..< n => y |> layer(64)",
  }),
  E0225: row<{ name: string; kind: string }>({
    severity: "error",
    title: "a name that hides another",
    message: ({ name, kind }) => `\`${name}\` is the name of ${/^[aeiou]/.test(kind) ? "an" : "a"} ${kind} already`,
    label: () => "nothing may hide another name of the file",
    help: ({ name }) => `choose another name, such as \`${name}1\``,
  }),
  E0223: row<{ models: readonly string[]; variants: readonly string[] }>({
    severity: "error",
    title: "which model is meant",
    message: ({ models }) =>
      models.length === 0 ? "this file declares no model" : `this file has ${models.length} models`,
    help: ({ models, variants }) =>
      models.length > 0
        ? `choose one:   --model ${models.join(" | ")}`
        : variants.length > 0
          ? `choose a variant:   --variant ${variants.slice(0, 4).join(" | ")}`
          : "a model starts with `model NAME(…) {`",
  }),
  E0227: row<{ name: string }>({
    severity: "error",
    title: "a primitive of one's own",
    message: ({ name }) => `the compiler has no operator for a primitive called \`${name}\``,
    help: ({ name }) => `write what it computes, of primitives that exist:   block ${name}(…) -> … => …`,
  }),
  E0228: row<{ block: string; slot: string; owner: string; why: string; place: string; help: string }>({
    severity: "error",
    title: "a block that does not fit its place",
    message: ({ block, slot, owner, why }) => `\`${block}\` cannot be \`${slot}\` of \`${owner}\`: ${why}`,
    label: ({ place }) => place,
    help: ({ help }) => help,
  }),
  E0229: row<{
    callee: string;
    name: string;
    byPlace: readonly string[];
    settings: readonly string[];
    meant: string;
    instead: string;
  }>({
    severity: "error",
    title: "a setting that is given by name",
    message: ({ callee, name }) => `\`${name}\` of \`${callee}\` is given by name, and this has none`,
    label: ({ callee, byPlace, settings }) =>
      byPlace.length === 0
        ? `${callee} has: ${settings.join(", ")}`
        : `by position ${callee} takes ${byPlace.join(", ")}; by name ${settings.filter((s) => !byPlace.includes(s)).join(", ")}`,
    help: ({ callee, name, meant, instead }) =>
      [instead, meant && `if \`${name}\` is meant:   ${meant}`].filter((line) => line !== "").join("\n") ||
      `write its name:   ${callee}(${name}: …)`,
  }),
} satisfies Rows<"E02">;

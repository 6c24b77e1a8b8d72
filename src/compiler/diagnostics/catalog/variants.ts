/** Rows E05xx: variants and edits. Prose only. */
import { row, type Rows } from "../row.ts";
import { alternatives } from "../suggest.ts";

export const variantsRows = {
  E0501: row<{
    model: string;
    path: string;
    owner: string;
    part: string;
    has: readonly string[];
    near: readonly string[];
  }>({
    severity: "error",
    title: "an edit of a part that is not there",
    message: ({ model, path }) => `${model} has no part \`${path}\``,
    label: ({ owner, model, has }) =>
      has.length === 0 ? `${owner} has no parts of its own` : `${owner === "" ? model : owner} has: ${has.join(", ")}`,
    help: ({ owner, near, has }) =>
      has.length === 0
        ? `change it as a whole:   set ${owner} = …   (what is inside a block is changed in the block)`
        : near.length === 0
          ? `one of these, such as   ${owner === "" ? "" : `${owner}.`}${has[0] ?? ""}`
          : `did you mean ${alternatives(near.map((n) => (owner === "" ? n : `${owner}.${n}`)))}?`,
  }),
  E0502: row<{ reader: string; name: string; help: string; keeps: boolean }>({
    severity: "error",
    title: "a removed part is still read",
    message: ({ reader, name }) => `\`${reader}\` still reads \`${name}\`, which this variant removes`,
    label: () => "removed here",
    help: ({ reader, help, keeps }) =>
      keeps
        ? `\`keep\` leaves what is read and drops the rest:   ${help}`
        : `say what \`${reader}\` is without it:   ${help}`,
  }),
  E0503: row<{ name: string; near: readonly string[]; names: readonly string[] }>({
    severity: "error",
    title: "a model that is not there",
    message: ({ name }) => `there is no model or variant called \`${name}\``,
    help: ({ near, names }) =>
      near.length > 0
        ? `did you mean ${alternatives(near)}?`
        : names.length > 0
          ? `there ${names.length === 1 ? "is" : "are"} ${names.map((n) => `\`${n}\``).join(", ")}; others are imported:   import { net } from "./net.arch"`
          : 'declare it, or import it:   import { net } from "./net.arch"',
  }),
  E0504: row<{ path: string }>({
    severity: "error",
    title: "one part is edited twice",
    message: ({ path }) => `\`${path}\` is set twice in this variant`,
    help: () => "keep the edit that is meant; the later one would win",
  }),
  E0505: row<{ name: string }>({
    severity: "error",
    title: "a variant of itself",
    message: ({ name }) => `\`${name}\` is, in the end, a variant of itself`,
    help: () => "a variant is of a model, or of a variant of one",
  }),
  E0506: row<{ path: string; use: "set" | "remove"; isParameter?: boolean; isInput?: boolean }>({
    severity: "error",
    title: "a part that cannot be edited so",
    message: ({ path, use }) => `\`${path}\` cannot be ${use === "set" ? "set" : "removed"}`,
    help: ({ path, use, isParameter, isInput }) =>
      isParameter === true
        ? `a parameter always has a value; give it another one:   set ${path} = …`
        : isInput === true && use === "set"
          ? `take the input away and add another:   remove ${path}  add input ${path}: f32[…]`
          : use === "set"
            ? "set changes parameters, lets, region pools, `in` and `fuse` of branches, outputs and fields"
            : "remove takes away inputs, lets, regions, branches, heads, outputs and fields",
  }),
  E0507: row<{ path: string; collections: readonly string[]; member: string; line: boolean }>({
    severity: "error",
    title: "`keep` of something that is no member",
    message: ({ path }) => `\`keep\` limits a collection, and \`${path}\` is no member of one`,
    help: ({ path, collections, member, line }) =>
      member !== ""
        ? `keep ${member}`
        : line
          ? `a line is changed, such as to a shorter chain:   set ${path} = …   or taken out:   remove ${path}`
          : `name the members to keep:   keep ${collections[0] ?? "branch"}.NAME   (collections here: ${collections.join(", ")})`,
  }),
  E0508: row<{ into: string; item: string }>({
    severity: "error",
    title: "a line that does not belong there",
    message: ({ into, item }) =>
      `${/^[aeiou]/.test(item) ? "an" : "a"} \`${item}\` line cannot be added to \`${into}\``,
    help: () => "add in HEAD takes outputs and lines, add in train `optimize`, `freeze` and fields, add in data fields",
  }),
} satisfies Rows<"E05">;

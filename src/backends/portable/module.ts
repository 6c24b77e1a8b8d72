/** The module's text: one graph as one JavaScript function of tensors by name, and what functions share before them. */
import type { Graph } from "../../compiler/graph/graph.ts";
import { type Refusal, RefusalError } from "../backend.ts";
import type { Layouts } from "../layout.ts";
import { type Code, js, Ref } from "./code.ts";
import { OPERATOR_NAMES } from "./files.generated.ts";
import type { Program } from "../../compiler/program.ts";
import { GraphEmitter, type Literal, type Shared, type Table } from "./emitter.ts";
import { printBody } from "./print.ts";

export function printFunction(
  { name, doc }: { readonly name: string; readonly doc: string },
  graph: Graph,
  layouts: Layouts,
  table: Table,
  shared: Shared,
  refusals: Refusal[],
): readonly string[] {
  const e = new GraphEmitter(graph, layouts, table, shared);
  const attempt = <T>(make: () => T): T | undefined => {
    try {
      return make();
    } catch (error) {
      if (!(error instanceof RefusalError)) throw error;
      const { refusal } = error;
      if (!refusals.some(({ op, path }) => op === refusal.op && path === refusal.path)) refusals.push(refusal);
      return undefined;
    }
  };
  for (const node of graph.nodes) {
    if (node.op === "constant") continue;
    attempt(() => {
      e.node(node);
    });
    // Results that stand for nothing let the rest be looked at; no file is made.
    if (refusals.length > 0) e.hold(node, { code: ["undefined"], layout: undefined }, node.outputs.length);
  }
  const outputs = graph.outputs.flatMap(({ name: output, value }) => {
    const code = attempt(() => ownTensor(e.value(value)));
    return code === undefined ? [] : [{ name: output, code }];
  });
  const sizes = e.sizes.map((size) => `const ${size.name} = ${size.from};`);
  const taken = [...OPERATOR_NAMES, "tf", "w", "c", "inputs", "constants", "predict", "regions"];
  const body = printBody(e.statements, outputs, [...taken, ...e.sizes.map((size) => size.name)]);
  return [
    "",
    `/** ${doc} */`,
    `export function ${name}(tf, w, c, inputs) {`,
    ...[...sizes, ...(sizes.length > 0 ? [""] : []), ...body].map((text) => (text === "" ? "" : `  ${text}`)),
    "}",
  ];
}

/** What is given out is the caller's to free, so it is never a weight, an input or a constant itself. */
function ownTensor(code: Code): Code {
  const [only] = code;
  return code.length === 1 && only instanceof Ref ? code : js`tf.clone(${code})`;
}

export function moduleText(
  program: Program,
  functions: readonly string[],
  literals: ReadonlyMap<string, Literal>,
): string {
  const body = functions.join("\n");
  const helpers = OPERATOR_NAMES.filter((name) => new RegExp(`\\b${name}\\(`).test(body));
  const numbers = [...literals.values()].map(({ name, text }) => `  ${name}: ${text},`);
  return [
    `// ${program.name}, from ${program.file}, made by archc: the operators of a prediction. index.mjs loads and runs it.`,
    ...(helpers.length > 0 ? [`import { ${helpers.join(", ")} } from "./operators.mjs";`] : []),
    "",
    "/** Tensors of numbers that the program says itself. */",
    ...(numbers.length === 0
      ? ["export const constants = () => ({});"]
      : ["export const constants = (tf) => ({", ...numbers, "});"]),
    body,
    "",
  ].join("\n");
}

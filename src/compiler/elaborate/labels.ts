/** Labels whose declaration says no range, where one is needed: nothing would hold the data against it. */
import type { Port } from "../graph/graph.ts";
import { spanText } from "../source/source.ts";
import type { Param } from "../syntax/ast.ts";
import type { Bindings } from "../types/signature.ts";
import type { Operand } from "./operands.ts";
import type { Context } from "./context.ts";

/** Through these all entries come. Columns of one input may have ranges of their own, which no declaration can say. */
const wholeAndUnchanged = new Set(["reshape", "expand", "transpose", "flip", "stop_gradient", "cast"]);

/** Warns of an input or target that comes as it is into a place with a range; what is computed has no declaration. */
export function warnOpenLabels(
  context: Context,
  callee: string,
  tensors: readonly Param[],
  operands: readonly Operand[],
  bindings: Bindings,
): void {
  if (context.generic || context.variant !== undefined) return;
  for (const [i, { type }] of tensors.entries()) {
    const value = operands[i]?.value;
    if (type?.kind !== "tensor" || type.range?.kind !== "binary") continue;
    if (value?.kind !== "tensor" || value.range !== undefined) continue;
    const port = portOf(context, value.value.node);
    if (port === undefined) continue;
    const [from, to] = [type.range.left, type.range.right].map((end) => bindings.dim(end).toString());
    const range = `${from ?? "0"} ${type.range.op} ${to ?? ""}`;
    const declared = port.span;
    if (declared === undefined) continue;
    const text = ` in ${range}`;
    context.report("E0705", { callee, port: port.name, range, line: `${spanText(declared)}${text}` }, declared, {
      fixes: [{ title: `write \`in ${range}\``, span: { ...declared, start: declared.end }, text }],
    });
  }
}

/** The input or target that it is, entry by entry. */
export function portOf(context: Context, start: Port["value"]["node"]): Port | undefined {
  let node: typeof start | undefined = start;
  while (node && node.op !== "input") node = wholeAndUnchanged.has(node.op) ? node.inputs[0]?.node : undefined;
  return node && context.ports.find((port) => port.value.node === node);
}

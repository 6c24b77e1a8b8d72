/** Blocks as values of block parameters: what cannot stand there is refused where it is given, not where it is applied. */
import { type Span, spanText } from "../source/source.ts";
import type { Param, TypeNode } from "../syntax/ast.ts";
import { classify, type ParamList } from "../types/signature.ts";
import { type BlockSignature, type Misfit, misfit } from "../types/slots.ts";
import type { Context } from "./context.ts";
import type { BlockVal, Callable, Val } from "./values.ts";

/** Settings and tensors that a block declares. */
export function listsOf({ callable }: { readonly callable: Callable }): ParamList {
  if (callable.kind === "declared") return classify(callable.declaration.lists);
  if (callable.kind === "shared") return listsOf(callable.of);
  if (callable.kind === "abstract") return classify(callable.type.lists);
  return { config: [], tensors: callable.expr.params };
}
function resultOf({ callable }: { readonly callable: Callable }): TypeNode | undefined {
  if (callable.kind === "declared") return callable.declaration.result;
  if (callable.kind === "shared") return resultOf(callable.of);
  return callable.kind === "abstract" ? callable.type.result : undefined;
}
function signatureOf(block: BlockVal): BlockSignature {
  return { ...listsOf(block), result: resultOf(block), set: new Set(block.config.keys()) };
}

/** Whether the value, if it is a block, can stand for the parameter; reports what it lacks. */
export function checkSlot(context: Context, owner: string, param: Param, value: Val, span: Span): boolean {
  if (value.kind !== "block" || param.type?.kind !== "block") return true;
  const found = misfit(param.type, signatureOf(value));
  if (found === undefined) return true;
  const slot = param.name.text;
  context.report("E0228", { block: value.name, slot, owner, ...inWords(found, value.name, slot) }, span);
  return false;
}

function inWords(
  found: Misfit,
  block: string,
  slot: string,
): { readonly why: string; readonly place: string; readonly help: string } {
  const gives = (params: readonly Param[]): string =>
    params.length === 0 ? "nothing: it wants a source" : params.map((p) => written(p.type)).join(", ");
  switch (found.kind) {
    case "count": {
      const { taken, given } = found;
      return {
        why: `it takes ${taken === 0 ? "no tensor" : taken === 1 ? "1 tensor" : `${String(taken)} tensors`}`,
        place: `\`${slot}\` gets ${gives(given)}`,
        help: anonymous(given, given.length === 0 ? "zeros()" : undefined),
      };
    }
    case "tensor":
      return {
        why: `its \`${found.param.name.text}\` is ${written(found.param.type)}`,
        place: `\`${slot}\` gets ${written(found.given)}`,
        help: `put what turns one into the other around it:   block(x: ${written(found.given)}) => … |> ${block} |> …`,
      };
    case "result":
      return {
        why: `it gives ${written(found.made)}`,
        place: `\`${slot}\` is to give ${written(found.wanted)}${found.axes === undefined ? "" : `, as many axes as it gets: ${String(found.axes)}`}`,
        help: `put what turns one into the other behind it:   block(…) => … |> ${block} |> …`,
      };
    case "missing":
      return {
        why: `its ${found.names.map((n) => `\`${n}\``).join(" and ")} would stay open`,
        place: `\`${slot}\` does not set ${found.names.length === 1 ? "it" : "them"}`,
        help: `set ${found.names.length === 1 ? "it" : "them"} here:   ${block}(${found.names.map((n) => `${n}: …`).join(", ")})`,
      };
    case "lacking":
      return {
        why: `it has no setting \`${found.name}\``,
        place: `\`${slot}\` sets ${found.sets.map((p) => p.name.text).join(", ")}`,
        help: `write a block that has it:   block NAME(${found.sets.map((p) => spanText(p.span)).join(", ")})(…) -> … => …`,
      };
    case "twice":
      return {
        why: `its \`${found.name}\` is set already`,
        place: `\`${slot}\` sets it too`,
        help: `leave \`${found.name}\` out here`,
      };
  }
}
function anonymous(given: readonly Param[], source: string | undefined): string {
  if (source !== undefined) return `a source needs no tensor:   ${source}`;
  return `put a block around it:   block(${given.map((p) => spanText(p.span)).join(", ")}) => …`;
}
function written(type: TypeNode | undefined): string {
  return type === undefined ? "a tensor" : spanText(type.span);
}

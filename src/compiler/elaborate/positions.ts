/**
 * Which setting an argument by position sets, and which settings take a name: one with a default does, unless it is the
 * block's only one, so that a list of bare numbers never means something else than in another library.
 */
import { isSizedElsewhere } from "../diagnostics/foreign-names.ts";
import { spanText } from "../source/source.ts";
import type { CallExpr, Param } from "../syntax/ast.ts";
import type { Context } from "./context.ts";
import { fitStatic } from "./functions.ts";
import { listsOf } from "./slots.ts";
import type { BlockVal, Val } from "./values.ts";

/** An argument of a call, with the setting that it sets. */
export interface Given {
  readonly arg: CallExpr["args"][number];
  readonly param: Param | undefined;
  readonly value: Val;
}

/**
 * The setting that the n-th argument by position sets. A block that came through a parameter is called in the parameter's
 * words: its own setting of that name, else the one at that place.
 */
export function positionalParam(block: BlockVal, config: readonly Param[], position: number): Param | undefined {
  const open = config.filter((p) => !block.config.has(p.name.text));
  const word = block.slot?.config[position]?.name.text;
  return open.find((p) => p.name.text === word) ?? open[position];
}

/** Reports settings that are given by position and take a name; whether there are any. */
export function reportUnnamed(context: Context, block: BlockVal, args: readonly Given[], call: CallExpr): boolean {
  const { config, tensors } = listsOf(block);
  // a source has no second list that its numbers could be meant for; a slot's words have an order of their own
  if (tensors === undefined || config.length === 1) return false;
  const words = block.slot?.config.length ?? 0;
  const byPosition = args.filter((a) => a.arg.name === undefined);
  const unnamed = byPosition.filter((a, i) => i >= words && a.param?.default !== undefined);
  const [first] = unnamed;
  if (first?.param === undefined) return false;
  const named = call.args.map((arg) => {
    const bare = unnamed.find((u) => u.arg === arg);
    return bare?.param ? `${bare.param.name.text}: ${spanText(arg.span)}` : spanText(arg.span);
  });
  const taken = new Set(call.args.flatMap((a) => (a.name ? [a.name.text] : [])));
  const fits = unnamed.every(
    ({ value, param }) => param && !taken.has(param.name.text) && fitStatic(value, param.type) !== undefined,
  );
  const callee = spanText(call.callee.span);
  const channels = sizeBehind(callee, call, unnamed);
  const meant = fits && channels === "" ? `${callee}(${named.join(", ")})` : "";
  const instead = rateBehind(callee, tensors, first) || withoutSizes(block.name, call, config, args) || channels;
  const name = first.param.name.text;
  const byPlace = config.filter((p) => p.default === undefined).map((p) => p.name.text);
  const settings = config.map((p) => p.name.text);
  context.report("E0229", { callee: block.name, name, byPlace, settings, meant, instead }, first.arg.span);
  return true;
}

/** Optimizers, which are blocks from a weight, its gradient and a rate, take the rate as a tensor. */
function rateBehind(callee: string, tensors: readonly Param[], { arg, value }: Given): string {
  const [, , rate] = tensors;
  const isRate = tensors.length === 3 && rate?.type?.kind === "tensor" && rate.type.dims?.length === 0;
  return isRate && value.kind === "float"
    ? `the rate stands behind \`at\`:   by ${callee}() at constant(${spanText(arg.span)})`
    : "";
}

/** A whole number where a fraction is set, behind numbers that have their places: elsewhere it is the size of what comes in. */
function sizeBehind(callee: string, call: CallExpr, unnamed: readonly Given[]): string {
  const isSize = ({ value, param }: Given): boolean =>
    value.kind === "int" && param?.type?.kind === "tensor" && param.type.name.text === "float";
  const kept = call.args.filter((arg) => unnamed.every((u) => u.arg !== arg));
  if (unnamed.length !== 1 || kept.length === 0 || !unnamed.every(isSize)) return "";
  const texts = kept.map((arg) => spanText(arg.span)).join(", ");
  return `the size of what comes in is not written, it comes with the tensor:   ${callee}(${texts})`;
}

/**
 * The call without the sizes of what comes in, which other libraries write first and which come with the tensor here: the
 * fewest whole numbers are left out with which the others fit, each by its name. Empty where nothing is like that.
 */
export function withoutSizes(name: string, call: CallExpr, config: readonly Param[], args: readonly Given[]): string {
  const given = args.filter((a) => a.arg.name === undefined);
  const named = args.flatMap(({ arg }) => (arg.name ? [{ name: arg.name.text, text: spanText(arg.span) }] : []));
  if (!isSizedElsewhere(name) || given.some((g) => g.value.kind !== "int")) return "";
  for (let left = 1; left <= given.length; left++) {
    const kept = given.slice(left);
    const fits =
      config.every((p, i) => p.default !== undefined || i < kept.length) &&
      kept.every(({ value }, i) => {
        const param = config[i];
        return param && named.every((n) => n.name !== param.name.text) && fitStatic(value, param.type) !== undefined;
      });
    if (!fits) continue;
    const texts = kept.map(({ arg }, i) => {
      const param = config[i];
      return `${param?.default ? `${param.name.text}: ` : ""}${spanText(arg.span)}`;
    });
    const all = [...texts, ...named.map((n) => n.text)].join(", ");
    const callee = spanText(call.callee.span);
    const instead = all === "" ? callee : `${callee}(${all})`;
    return `the size of what comes in is not written, it comes with the tensor:   ${instead}`;
  }
  return "";
}

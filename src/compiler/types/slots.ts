/**
 * Whether a block can stand where a signature is declared for it: how many tensors it takes, their ranks and element
 * types, the settings that the place sets, the result. Sizes with names are left to the use. It reports nothing.
 */
import type { BlockTypeNode, Param, TypeNode } from "../syntax/ast.ts";
import { classify } from "./signature.ts";
import { dtypeClasses, dtypes, isDType, isDTypeClass } from "./tensor.ts";

/** What is known of a block by its declaration. */
export interface BlockSignature {
  readonly config: readonly Param[];
  /** Undefined for a source. */
  readonly tensors: readonly Param[] | undefined;
  /** Undefined where the body decides. */
  readonly result: TypeNode | undefined;
  /** The settings it has already. */
  readonly set: ReadonlySet<string>;
}

export type Misfit =
  | { readonly kind: "count"; readonly taken: number; readonly given: readonly Param[] }
  | { readonly kind: "tensor"; readonly param: Param; readonly given: TypeNode }
  | { readonly kind: "result"; readonly made: TypeNode; readonly wanted: TypeNode; readonly axes: number | undefined }
  /** Settings that neither the place nor the block gives. */
  | { readonly kind: "missing"; readonly names: readonly string[] }
  | { readonly kind: "lacking"; readonly name: string; readonly sets: readonly Param[] }
  | { readonly kind: "twice"; readonly name: string };

/** Why the block fits in no use of the place; undefined where some use may suit it. */
export function misfit(place: BlockTypeNode, block: BlockSignature): Misfit | undefined {
  const slot = classify(place.lists);
  return settingsMisfit(slot.config, block) ?? tensorsMisfit(slot.tensors ?? [], place.result, block);
}

function settingsMisfit(given: readonly Param[], { config, set }: BlockSignature): Misfit | undefined {
  const named = new Set(given.map((p) => p.name.text));
  const open = config.filter((p) => !set.has(p.name.text));
  const filled = new Set<string>();
  for (const [i, { name, type }] of given.entries()) {
    if (set.has(name.text)) return { kind: "twice", name: name.text };
    // by its own name, else by the place of it
    const own = open.find((p) => p.name.text === name.text) ?? open[i];
    if (own === undefined || !settingsMeet(type, own.type) || (own.name.text !== name.text && named.has(own.name.text)))
      return { kind: "lacking", name: name.text, sets: given };
    filled.add(own.name.text);
  }
  const missing = open.filter((p) => p.default === undefined && !filled.has(p.name.text)).map((p) => p.name.text);
  return missing.length === 0 ? undefined : { kind: "missing", names: missing };
}

/** Plain kinds that differ cannot meet; a whole number fits where a number is asked for. */
function settingsMeet(given: TypeNode | undefined, taken: TypeNode | undefined): boolean {
  if (given?.kind !== "tensor" || taken?.kind !== "tensor") return true;
  return given.name.text === taken.name.text || (given.name.text === "int" && taken.name.text === "float");
}

function tensorsMisfit(
  given: readonly Param[],
  wanted: TypeNode,
  { tensors = [], result }: BlockSignature,
): Misfit | undefined {
  if (tensors.length !== given.length) return { kind: "count", taken: tensors.length, given };
  const ranks: Ranks = { place: new Map(), block: new Map() };
  // twice, since the result may tell how many axes a run of the tensors has
  for (const _ of [1, 2]) {
    for (const [i, param] of tensors.entries()) {
      const type = given[i]?.type;
      if (type && !canMeet(type, param.type, ranks)) return { kind: "tensor", param, given: type };
    }
    if (result && !canMeet(wanted, result, ranks))
      return { kind: "result", made: result, wanted, axes: openRank(wanted, ranks) };
  }
  return undefined;
}

/** How many axes the runs stand for, as far as found out. */
interface Ranks {
  readonly place: Map<string, number>;
  readonly block: Map<string, number>;
}

function canMeet(place: TypeNode, block: TypeNode | undefined, ranks: Ranks): boolean {
  if (block === undefined || block.kind === "bad" || place.kind === "bad") return true;
  if (place.kind !== block.kind) return false;
  if (place.kind === "list" && block.kind === "list") {
    // members of a list may differ in rank, so what one tells of a run holds for that one
    return canMeet(place.member, block.member, { place: new Map(ranks.place), block: new Map(ranks.block) });
  }
  if (place.kind === "tuple" && block.kind === "tuple")
    return (
      place.members.length === block.members.length &&
      place.members.every((member, i) => canMeet(member, block.members[i], ranks))
    );
  if (place.kind !== "tensor" || block.kind !== "tensor" || !place.dims || !block.dims) return true;
  return dtypesMeet(place.name.text, block.name.text) && ranksMeet(place, block, ranks) && sizesMeet(place, block);
}

type TensorNode = TypeNode & { readonly kind: "tensor" };

function dtypesMeet(a: string, b: string): boolean {
  const fits = (name: string, dtype: (typeof dtypes)[number]): boolean =>
    isDTypeClass(name) ? dtypeClasses[name](dtype) : !isDType(name) || name === dtype;
  return dtypes.some((dtype) => fits(a, dtype) && fits(b, dtype));
}

function ranksMeet(place: TensorNode, block: TensorNode, ranks: Ranks): boolean {
  const [a, b] = [rankOf(place, ranks.place), rankOf(block, ranks.block)];
  if (a.rank !== undefined && b.rank !== undefined) return a.rank === b.rank;
  const known = a.rank ?? b.rank;
  const open = a.rank === undefined ? a : b;
  if (known === undefined) return true;
  if (known < open.least) return false;
  if (open.run !== undefined) (open === a ? ranks.place : ranks.block).set(open.run, known - open.least);
  return true;
}
/** The rank of a type with a run of axes, where the tensors told it. */
function openRank(type: TypeNode, { place }: Ranks): number | undefined {
  return type.kind === "tensor" && type.dims?.some((d) => d.kind === "run") ? rankOf(type, place).rank : undefined;
}
function rankOf(
  { dims = [] }: TensorNode,
  runs: ReadonlyMap<string, number>,
): { readonly rank: number | undefined; readonly least: number; readonly run: string | undefined } {
  const run = dims.find((d) => d.kind === "run");
  if (run === undefined) return { rank: dims.length, least: dims.length, run: undefined };
  const name = run.of?.kind === "name" ? run.of.text : undefined;
  const axes = name === undefined ? undefined : runs.get(name);
  const least = dims.length - 1;
  return { rank: axes === undefined ? undefined : least + axes, least, run: name };
}

/** Two numbers at one place; names are sizes that a use may make equal. */
function sizesMeet(place: TensorNode, block: TensorNode): boolean {
  const [a, b] = [place.dims ?? [], block.dims ?? []];
  if ([...a, ...b].some((d) => d.kind === "run")) return true;
  return a.every((dim, i) => {
    const other = b[i];
    const [m, n] = [dim, other].map((d) =>
      d?.kind === "expr" && d.value.kind === "number" ? d.value.value : undefined,
    );
    return m === undefined || n === undefined || m === n;
  });
}

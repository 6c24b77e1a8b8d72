/**
 * Lines whose first word is missing or misspelt: which words can start a line where, and which of them makes the line
 * readable. Pure choice; what is said about it is said elsewhere.
 */
import type { IToken, TokenType } from "chevrotain";
import type { RuleName } from "../../../grammar/shared.ts";
import { tokens as t } from "../../../grammar/tokens.ts";
import { editDistance } from "../diagnostics/suggest.ts";
import type { Container, Layout } from "./layout.ts";
import type { Group, Island } from "./outline.ts";
import { Repairer, type Repair } from "./repair.ts";

interface Starters {
  /** In order of how often they are meant. */
  readonly types: readonly TokenType[];
  readonly sentence: string;
  /** The way out where no word makes the line readable. */
  readonly otherwise: string;
}

const lineTypes: readonly TokenType[] = [t.Let, t.Shared, t.Param, t.State, t.Update, t.Assert];

const starters: Readonly<Record<Container, Starters>> = {
  file: {
    types: [t.Block, t.Model, t.Const, t.Import, t.Fn, t.Prim, t.Variant],
    sentence: "a declaration starts with import, const, fn, block, model or variant",
    otherwise: "write what it declares:   block NAME(…) …, model NAME(…) { … }, const NAME = …",
  },
  model: {
    types: [
      ...[t.Let, t.Input, t.Branch, t.Head, t.Regions, t.Train, t.Data, t.Pretrained, t.Dim, t.Target, t.Shared],
      ...[t.Param, t.State, t.Assert, t.Loss],
    ],
    sentence: "a line of a model starts with input, target, let, branch, head, …",
    otherwise: "give the value a name:   let NAME = …",
  },
  body: {
    types: lineTypes,
    sentence: "a line starts with let, param, …; a body ends in `=> result`",
    otherwise: "give the value a name:   let NAME = …",
  },
  head: {
    types: [t.Let, t.Loss, t.Predict, t.Metric, t.Shared, t.Assert],
    sentence: "a line of a head starts with let, loss, predict or metric",
    otherwise: "say what it is:   loss …, predict NAME = … or metric NAME = …",
  },
  fields: {
    types: [],
    sentence: "a field is written `name = value`",
    otherwise: "give the value a name:   NAME = …",
  },
  train: {
    types: [t.Optimize, t.Freeze, t.Step],
    sentence: "a line here is `name = value`, `optimize …`, `freeze …` or `step NAME { … }`",
    otherwise: 'optimize "**" by sgd() at constant(0.01)',
  },
  step: {
    types: [t.Optimize],
    sentence: "a line of a step starts with optimize",
    otherwise: 'optimize "**" by sgd() at constant(0.01)',
  },
  pretrained: {
    types: [t.Fresh, t.Unused],
    sentence: 'a line here is `"pattern" = source`, `fresh "…"` or `unused "…"`',
    otherwise: '"pattern" = "source"',
  },
  variant: {
    types: [t.Set, t.Keep, t.Remove, t.Add],
    sentence: "an edit starts with set, keep, remove or add",
    otherwise: "set PATH = …, keep PATH, remove PATH or add …",
  },
};

export function startersOf(container: Container): Starters {
  return starters[container];
}

const ofGroup: Partial<Record<Container, readonly TokenType[]>> = {
  model: [t.Model],
  variant: [t.Variant],
  body: [t.Branch, t.Block, t.Fn],
  head: [t.Head],
  fields: [t.Regions, t.Data],
  train: [t.Train],
  pretrained: [t.Pretrained],
  step: [t.Step],
};

/** What people write who come from other languages. */
const foreign: Readonly<Record<string, TokenType>> = {
  return: t.FatArrow,
  var: t.Let,
  val: t.Let,
  def: t.Block,
  func: t.Fn,
  function: t.Fn,
  class: t.Block,
  layer: t.Block,
  network: t.Model,
  output: t.Predict,
};

const ruleOf: Readonly<Record<Container, RuleName>> = {
  file: "declaration",
  model: "item",
  body: "statement",
  head: "headLine",
  fields: "field",
  train: "trainLine",
  step: "optimizeLine",
  pretrained: "rule",
  variant: "edit",
};

interface Startless {
  readonly island: Island;
  readonly rule: RuleName;
  readonly tokens: readonly IToken[];
  readonly failedAt: number;
  readonly containerEnd: number;
}

/** The word that makes the island readable, put before it or in the place of its first word. */
export function mendedStart(failed: Startless, layout: Layout): Repair | undefined {
  const { island, tokens, rule, failedAt } = failed;
  const { container } = island;
  const repairer = new Repairer(rule, tokens, failedAt);
  const group: Group | undefined = island.groups.find((g) => ofGroup[g.kind] !== undefined);
  const types = [...(group === undefined ? [] : (ofGroup[group.kind] ?? [])), ...starters[container].types];
  const own = types.map((type) => [type, ruleOf[container]] as const);
  const result = [[t.FatArrow, "result"] as const];
  // The last line of a body is its result, if it has none.
  const isLast = container === "body" && island.end >= failed.containerEnd;
  const at = annotationsEnd(tokens);
  const inserted =
    (isLast ? repairer.withStart(result, "insert", at) : undefined) ?? repairer.withStart(own, "insert", at);
  if (inserted !== undefined) return inserted;
  const word = tokens[at]?.image ?? "";
  const meant = foreign[word];
  if (meant !== undefined) {
    const rule = meant === t.FatArrow ? "result" : ruleOf[container];
    const repair = repairer.withStart([[meant, rule]], "replace", at);
    if (repair !== undefined) return repair;
  }
  const near = own.filter(([type]) => editDistance(word, type.LABEL ?? "", 2) <= Math.min(2, word.length / 2));
  return repairer.withStart(near, "replace", at) ?? fieldOrRest(failed, layout);
}

/** Index of the first token behind the annotations that an island may begin with. */
export function annotationsEnd(tokens: readonly IToken[]): number {
  let at = 0;
  while (tokens[at]?.tokenType === t.AtSign) {
    at += 2;
    if (tokens[at]?.tokenType !== t.LParen) continue;
    let depth = 0;
    for (; at < tokens.length; at++) {
      if (tokens[at]?.tokenType === t.LParen) depth++;
      if (tokens[at]?.tokenType === t.RParen && --depth === 0) break;
    }
    at++;
  }
  return at < tokens.length ? at : 0;
}

/** A field without a name, or an annotation without anything: mended as any other island. */
function fieldOrRest(failed: Startless, layout: Layout): Repair | undefined {
  const { island, rule, tokens, failedAt } = failed;
  if (island.container !== "fields" && !layout.is(island.start, t.AtSign) && island.container !== "train") {
    if (island.container !== "pretrained") return undefined;
  }
  const repair = new Repairer(rule, tokens, failedAt).find();
  return repair?.kind === "cut" ? undefined : repair;
}

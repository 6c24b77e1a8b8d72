/**
 * A model as a set of named parts, each with the file in whose scope it is read: what variants edit and networks evaluate.
 * Data and its making from syntax; edits are in `variants.ts`.
 */
import type { FileScope } from "../resolve/modules.ts";
import type { Span } from "../source/source.ts";
import type {
  BranchItem,
  DimItem,
  Expr,
  FreezeLine,
  HeadItem,
  Item,
  Line,
  ModelDecl,
  OptimizeLine,
  OutputItem,
  Param,
  PortItem,
  PretrainedItem,
  RegionsItem,
  RuleLine,
  Target,
  TypeNode,
} from "../syntax/ast.ts";

/** An expression with the file it is read in, and what stood in its place before an edit. */
export interface PartExpr {
  readonly expr: Expr;
  readonly scope: FileScope;
  readonly base: PartExpr | undefined;
  /** How the place reads what stood there; undefined where nothing was edited. */
  readonly place?: EditedPlace | undefined;
}
/** Where an edit put an expression. */
export interface EditedPlace {
  /** The let or parameter that has the value: its own name says what stood there, as `base` does. */
  readonly name?: string | undefined;
  /** The type that the let states. */
  readonly type?: TypeNode | undefined;
  /** A block is wanted: a pool, a fusion. */
  readonly block?: boolean;
}
/** A line of a section whose expression may have been edited. */
export interface PartLine {
  readonly line: Line;
  readonly value: PartExpr;
}
export interface PartOutput {
  readonly output: OutputItem;
  readonly value: PartExpr;
}
export interface RegionsPlan {
  readonly item: RegionsItem;
  readonly scope: FileScope;
  readonly of: PartExpr;
  /** Members in order; `kept` limits the collection. */
  readonly members: Map<string, PartExpr>;
  kept: Set<string> | undefined;
}
export interface BranchPlan {
  readonly item: BranchItem;
  readonly scope: FileScope;
  in: PartExpr;
  readonly lines: PartLine[];
  result: PartExpr;
  fuse: PartExpr | undefined;
}
export interface HeadPlan {
  readonly item: HeadItem;
  readonly scope: FileScope;
  in: PartExpr | undefined;
  readonly lines: PartLine[];
  readonly outputs: Map<string, PartOutput>;
}
export interface Scoped<T> {
  readonly node: T;
  readonly scope: FileScope;
}
export interface StepPlan {
  readonly name: string;
  readonly lines: Scoped<OptimizeLine>[];
  readonly span: Span;
}
export interface Plan {
  readonly name: string;
  readonly model: ModelDecl;
  readonly scope: FileScope;
  /** Variants between this plan and its model, nearest first. */
  readonly basis: readonly string[];
  readonly params: Map<string, { readonly param: Param; readonly value: PartExpr | undefined }>;
  readonly dims: Scoped<DimItem>[];
  readonly ports: Map<string, Scoped<PortItem>>;
  readonly lines: PartLine[];
  readonly regions: Map<string, RegionsPlan>;
  readonly branches: Map<string, BranchPlan>;
  readonly heads: Map<string, HeadPlan>;
  keptBranches: Set<string> | undefined;
  keptHeads: Set<string> | undefined;
  readonly training: Map<string, PartExpr>;
  readonly optimize: Scoped<OptimizeLine>[];
  readonly freeze: Scoped<FreezeLine>[];
  readonly steps: StepPlan[];
  data: Map<string, PartExpr> | undefined;
  readonly pretrained: Map<
    string,
    { readonly item: PretrainedItem; readonly scope: FileScope; readonly rules: Scoped<RuleLine>[] }
  >;
  /** Parts that an edit removed, by path, with the place of the edit. */
  readonly removed: Map<string, Span>;
}

export function planOf(model: ModelDecl, scope: FileScope): Plan {
  const plan: Plan = {
    name: model.name.text,
    model,
    scope,
    basis: [],
    params: new Map(model.params.map((param) => [param.name.text, { param, value: undefined }])),
    dims: [],
    ports: new Map(),
    lines: [],
    regions: new Map(),
    branches: new Map(),
    heads: new Map(),
    keptBranches: undefined,
    keptHeads: undefined,
    training: new Map(),
    optimize: [],
    freeze: [],
    steps: [],
    data: undefined,
    pretrained: new Map(),
    removed: new Map(),
  };
  for (const item of model.items) addItem(plan, item, scope);
  return plan;
}

export function partExpr(expr: Expr, scope: FileScope, base?: PartExpr, place: EditedPlace = {}): PartExpr {
  return { expr, scope, base, place: base && place };
}
export function partLine(line: Line, scope: FileScope): PartLine {
  return { line, value: partExpr(line.kind === "assert" ? line.condition : line.value, scope) };
}

export function addItem(plan: Plan, item: Item, scope: FileScope): void {
  switch (item.kind) {
    case "let":
    case "shared":
    case "param":
    case "state":
    case "update":
    case "assert":
      plan.lines.push(partLine(item, scope));
      return;
    case "dim":
      plan.dims.push({ node: item, scope });
      return;
    case "input":
    case "target":
      plan.ports.set(item.name.text, { node: item, scope });
      return;
    case "regions":
      plan.regions.set(item.name.text, {
        item,
        scope,
        of: partExpr(item.of, scope),
        members: new Map(item.fields.map((f) => [f.name.text, partExpr(f.value, scope)])),
        kept: undefined,
      });
      return;
    case "branch":
      plan.branches.set(item.name.text, {
        item,
        scope,
        in: partExpr(item.for.in, scope),
        lines: item.body.lines.map((line) => partLine(line, scope)),
        result: partExpr(item.body.result, scope),
        fuse: item.fuse && partExpr(item.fuse, scope),
      });
      return;
    case "head": {
      const head: HeadPlan = {
        item,
        scope,
        in: item.for && partExpr(item.for.in, scope),
        lines: [],
        outputs: new Map(),
      };
      for (const line of item.lines) addToHead(head, line, scope);
      plan.heads.set(item.name.text, head);
      return;
    }
    case "train":
      for (const line of item.lines) {
        if (line.kind === "field") plan.training.set(line.name.text, partExpr(line.value, scope));
        else if (line.kind === "optimize") plan.optimize.push({ node: line, scope });
        else if (line.kind === "freeze") plan.freeze.push({ node: line, scope });
        else
          plan.steps.push({
            name: line.name.text,
            lines: line.lines.map((node) => ({ node, scope })),
            span: line.span,
          });
      }
      return;
    case "data":
      plan.data ??= new Map();
      for (const field of item.fields) plan.data.set(field.name.text, partExpr(field.value, scope));
      return;
    case "pretrained":
      plan.pretrained.set(item.name.text, { item, scope, rules: item.rules.map((node) => ({ node, scope })) });
      return;
    case "loss":
    case "predict":
    case "metric":
      return; // outside a head: the resolver reports it
  }
}
export function addToHead(head: HeadPlan, line: Line | OutputItem, scope: FileScope): void {
  if (isOutput(line)) {
    head.outputs.set(outputName(line), { output: line, value: partExpr(line.value, scope) });
  } else head.lines.push(partLine(line, scope));
}
export function isOutput(line: { readonly kind: string }): line is OutputItem {
  return line.kind === "loss" || line.kind === "predict" || line.kind === "metric";
}
export function isLine(item: { readonly kind: string }): item is Line {
  return ["let", "shared", "param", "state", "update", "assert"].includes(item.kind);
}
/** Losses and metrics name outputs apart from lets: a loss is `loss` unless named. */
export function outputName(output: OutputItem): string {
  return output.name?.text ?? "loss";
}

/** A copy that edits may change. */
export function copyPlan(plan: Plan, name: string, basis: readonly string[]): Plan {
  const copyHead = (h: HeadPlan): HeadPlan => ({ ...h, lines: [...h.lines], outputs: new Map(h.outputs) });
  return {
    ...plan,
    name,
    basis,
    params: new Map(plan.params),
    dims: [...plan.dims],
    ports: new Map(plan.ports),
    lines: [...plan.lines],
    regions: new Map([...plan.regions].map(([k, r]) => [k, { ...r, members: new Map(r.members) }])),
    branches: new Map([...plan.branches].map(([k, b]) => [k, { ...b, lines: [...b.lines] }])),
    heads: new Map([...plan.heads].map(([k, h]) => [k, copyHead(h)])),
    training: new Map(plan.training),
    optimize: [...plan.optimize],
    freeze: [...plan.freeze],
    steps: plan.steps.map((s) => ({ ...s, lines: [...s.lines] })),
    data: plan.data && new Map(plan.data),
    pretrained: new Map([...plan.pretrained].map(([k, p]) => [k, { ...p, rules: [...p.rules] }])),
    removed: new Map(plan.removed),
  };
}

/** The names that a line binds. */
export function boundNames(line: Line): readonly string[] {
  if (line.kind === "let") return targetNames(line.target);
  return line.kind === "shared" || line.kind === "param" || line.kind === "state" ? [line.name.text] : [];
}
export function targetNames(target: Target): readonly string[] {
  if (target.kind === "name") return target.text === "_" ? [] : [target.text];
  return target.members.flatMap(targetNames);
}
/** The line with another expression. */
export function withValue(line: Line, value: Expr): Line {
  return line.kind === "assert" ? { ...line, condition: value } : { ...line, value };
}

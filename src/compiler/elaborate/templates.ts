/**
 * Applying one block with the same settings to tensors of the same types gives the same nodes under other names. A template
 * keeps what the first application emitted; the next ones copy it. Results are the same as without templates, only sooner:
 * a network of nine like sub-networks is evaluated once.
 */
import type { Asked } from "../ops/differentiate.ts";
import type { Node, Value } from "../graph/graph.ts";
import type { Span } from "../source/source.ts";
import type { BlockDecl, Param } from "../syntax/ast.ts";
import { showStatic } from "../types/static.ts";
import type { TensorType } from "../types/tensor.ts";
import type { Context } from "./context.ts";
import { join } from "./environment.ts";
import { Ids } from "./memo.ts";
import { type Evaluated, type Outline, outlineOf, standFor, standsAlone } from "./outlines.ts";
import { type BlockVal, isStatic, mapTensors, type Val, valuesIn } from "./values.ts";

interface Template extends Evaluated {
  readonly path: string;
  /** The user's place; nodes of the library carry it. */
  readonly place: Span;
}
/** What tells two applications apart. */
export interface Application {
  readonly declaration: BlockDecl;
  readonly config: readonly Param[];
  readonly locals: ReadonlyMap<string, Val>;
  readonly operands: readonly Val[];
  readonly want: TensorType | undefined;
  readonly path: string;
  readonly place: Span;
}

export class Templates {
  readonly #context: Context;
  readonly #known = new Map<string, Template>();
  readonly #own = new Ids();
  readonly #outlines = new Map<Template, Outline>();
  /** What the memo would call the applications that were evaluated here. */
  readonly #memorable = new Map<Template, string>();
  /** What gradients do at nodes that stand for an application (`outlines.ts`). */
  readonly flows = new Map<Node, readonly boolean[]>();
  /** What gradient rules were asked already. */
  readonly asked: Asked = new Map();

  constructor(context: Context) {
    this.#context = context;
  }

  /** The result of `evaluate`, or a copy of what it gave for an application like this one. */
  apply(application: Application, evaluate: () => Val): Val {
    const context = this.#context;
    if (!context.shared.copies) return evaluate();
    const { key, standard } = this.#keyOf(application);
    const known = this.#known.get(key);
    const copy =
      known && (context.shared.checkOnly ? this.#stand(known, application) : this.#replay(known, application));
    if (copy !== undefined) return copy;
    const memo = standard && known === undefined ? context.shared.memo : undefined;
    const memoKey = memo && `${String(context.training)};${context.facts.key};${key}`;
    const remembered = memoKey === undefined ? undefined : memo?.get(memoKey);
    if (remembered !== undefined) {
      const stood = this.#standAs(remembered.outline, remembered, application);
      if (stood !== undefined) return withoutReasons(stood);
    }

    const before = context.progress();
    const result = evaluate();
    const after = context.progress();
    // what left a mark outside its own nodes cannot be copied
    const marked =
      before.reports !== after.reports ||
      before.asserts !== after.asserts ||
      before.leaves !== after.leaves ||
      context.variables.reusedAnyOf(before.variables, before.reuses);
    if (known !== undefined || marked) return result;
    const own = (path: string): boolean =>
      path === application.path || path.startsWith(`${application.path}.`) || application.path === "";
    const variables = context.variables.all.slice(before.variables);
    const updates = context.variables.updatesSince(before.updates);
    if (!variables.every((v) => own(v.path)) || !updates.every((u) => own(u.path))) return result;
    const template: Template = {
      nodes: context.graph.nodes,
      from: before.nodes,
      to: after.nodes,
      path: application.path,
      place: application.place,
      inputs: application.operands.flatMap(valuesIn),
      variables,
      updates,
      result,
    };
    this.#known.set(key, template);
    if (memoKey !== undefined && result.kind === "tensor") this.#memorable.set(template, memoKey);
    return result;
  }

  /** Hands what was evaluated here to the memo, for the checks to come. */
  remember(): void {
    const { memo } = this.#context.shared;
    for (const [template, key] of this.#memorable) {
      const outline = this.#outlineOf(template);
      if (standsAlone(outline)) memo?.set(key, { path: template.path, outline });
    }
    this.#memorable.clear();
  }

  /** A block applied again over the same weights reads their states as the last application left them. */
  #isAgain(
    { variables, updates }: Pick<Template, "variables"> & { readonly updates: readonly unknown[] },
    rename: (path: string) => string,
  ): boolean {
    if (updates.length === 0 && !this.#context.training) return false;
    return variables.some((v) => this.#context.variables.get(rename(v.path)) !== undefined);
  }

  /** In a check: the weights of the application, and a node for each result. */
  #stand(template: Template, application: Application): Val | undefined {
    return this.#standAs(this.#outlineOf(template), template, application);
  }
  #outlineOf(template: Template): Outline {
    const { graph, scalars } = this.#context;
    const known =
      this.#outlines.get(template) ??
      outlineOf(template, graph.rules, this.flows, this.asked, (node) => scalars.has(node), this.#context.training);
    this.#outlines.set(template, known);
    return known;
  }
  #standAs(outline: Outline, first: { readonly path: string }, application: Application): Val | undefined {
    const { graph, variables } = this.#context;
    const rename = renaming(first, application);
    if (this.#isAgain(outline, rename)) return undefined;
    const weights = outline.variables.map(
      ({ kind, path, type, init, span }) => variables.declare(kind, rename(path), type, () => init, span).value,
    );
    const inputs = application.operands.flatMap(valuesIn);
    const { result, updates } = graph.at({ path: application.path, span: application.place }, () =>
      standFor(outline, inputs, weights, ({ type, gives }, reads) => {
        const node = graph.node("applied", {}, reads, [type]);
        this.flows.set(node, gives);
        return { node, index: 0 };
      }),
    );
    for (const { path, value } of updates) variables.update(rename(path), value);
    return result;
  }

  #replay(template: Template, application: Application): Val | undefined {
    const { graph, variables, scalars } = this.#context;
    const rename = renaming(template, application);
    if (this.#isAgain(template, rename)) return undefined;

    const nodes = graph.nodes;
    const copies = new Map<Node, Node>();
    const declared = new Map(template.variables.map((v) => [v.value.node, v]));
    const inputs = application.operands.flatMap(valuesIn);
    const given = new Map<Node, Map<number, Value>>();
    for (const [i, { node, index }] of template.inputs.entries()) {
      const value = inputs[i];
      if (value === undefined) return undefined;
      const outputs = given.get(node) ?? new Map<number, Value>();
      given.set(node, outputs.set(index, value));
    }
    const copy = (value: Value): Value => {
      const replaced = given.get(value.node)?.get(value.index);
      if (replaced !== undefined) return replaced;
      const node = copies.get(value.node);
      return node === undefined ? value : { node, index: value.index };
    };
    for (let i = template.from; i < template.to; i++) {
      const node = nodes[i];
      if (node === undefined || scalars.has(node)) continue;
      const recorded = declared.get(node);
      if (recorded !== undefined) {
        const { kind, path, type, init, span } = recorded;
        copies.set(node, variables.declare(kind, rename(path), type, () => init, span).value.node);
        continue;
      }
      const span = node.span === template.place ? application.place : node.span;
      const { path } = node.attributes;
      const attributes =
        node.op === "random" && typeof path === "string" ? { ...node.attributes, path: rename(path) } : node.attributes;
      copies.set(
        node,
        graph.at({ path: rename(node.path), span }, () =>
          graph.node(node.op, attributes, node.inputs.map(copy), node.outputs),
        ),
      );
    }
    for (const { path, value } of template.updates) variables.update(rename(path), copy(value));
    return mapTensors(template.result, (tensor) => ({ ...tensor, value: copy(tensor.value) }));
  }

  /** The key of an application, and whether it speaks of the library's blocks alone. */
  #keyOf({ declaration, config, locals, operands, want, path }: Application): {
    readonly key: string;
    readonly standard: boolean;
  } {
    const before = this.#foreign;
    const parts = [String(this.#id(declaration))];
    // a frozen layer runs as in evaluation: whether it is depends on its path
    if (this.#context.anyFrozen) parts.push(path);
    for (const { name } of config) parts.push(this.#show(locals.get(name.text)));
    parts.push("of", ...operands.map((o) => this.#show(o)));
    if (want) parts.push("as", showShape(want));
    // f(x, x) is no pattern for f(x, y)
    const values = operands.flatMap(valuesIn);
    const first = values.map((v) => values.findIndex((o) => o.node === v.node && o.index === v.index));
    if (first.some((at, i) => at !== i)) parts.push("same", first.join());
    return { key: parts.join(";"), standard: this.#foreign === before && !this.#context.anyFrozen };
  }
  #show(value: Val | undefined): string {
    if (value === undefined) return "";
    if (value.kind === "tensor") {
      const range = value.range ? ` in ${value.range.from.key}..${value.range.to.key}` : "";
      return showShape(value.type) + range;
    }
    if (isStatic(value)) return value.kind === "int" ? value.dim.key : showStatic(value);
    if (value.kind === "collection" || value.kind === "tuple") {
      const keys = value.kind === "collection" ? value.keys.join() : "tuple";
      return `{${keys}: ${value.members.map((m) => this.#show(m)).join()}}`;
    }
    return value.kind === "block" ? this.#showBlock(value) : `#${String(this.#id(value))}`;
  }
  #showBlock(block: BlockVal): string {
    const { callable } = block;
    const who = callable.kind === "declared" ? callable.declaration : callable;
    const settings = [...block.config].map(([name, { value }]) => `${name}=${this.#show(value)}`);
    return `#${String(this.#id(who))}(${settings.join()})${block.slot?.name ?? ""}`;
  }
  /** How often a key spoke of something that is not the library's. */
  #foreign = 0;
  #id(of: object): number {
    if (!isOfLibrary(of)) this.#foreign++;
    return (this.#context.shared.memo?.ids ?? this.#own).of(of);
  }
}

/** Paths of the first application as those of another one. */
function renaming({ path: from }: { readonly path: string }, { path: to }: Application): (path: string) => string {
  return (path) => (from === "" ? join(to, path) : path.startsWith(from) ? to + path.slice(from.length) : path);
}
function showShape({ dtype, shape }: TensorType): string {
  return `${dtype}[${shape.map((d) => d.key).join()}]`;
}
function isOfLibrary(of: object): boolean {
  if (!("span" in of) || !("kind" in of)) return false;
  const { span } = of as { readonly span: Span };
  return span.file.name.startsWith("std:");
}
/** Reasons speak of the places of another program; who applies the block says them anew. */
function withoutReasons(value: Val): Val {
  return mapTensors(value, (tensor) => ({ ...tensor, reasons: tensor.type.shape.map(() => undefined) }));
}

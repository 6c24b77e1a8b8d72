/**
 * Applying one block with the same settings to tensors of the same types gives the same nodes under other names. A template
 * keeps what the first application emitted; the next ones copy it. Results are the same as without templates, only sooner:
 * a network of nine like sub-networks is evaluated once.
 */
import type { Asked } from "../ops/differentiate.ts";
import type { Node, Value, Variable } from "../graph/graph.ts";
import type { FileScope } from "../resolve/modules.ts";
import type { Span } from "../source/source.ts";
import type { BlockDecl, Param } from "../syntax/ast.ts";
import type { TensorType } from "../types/tensor.ts";
import type { Context } from "./context.ts";
import { join } from "./environment.ts";
import { Key, showShape } from "./keys.ts";
import { Ids } from "./memo.ts";
import { type Evaluated, type Outline, outlineOf, standFor } from "./outlines.ts";
import { mapTensors, tensorsIn, type Val, valuesIn } from "./values.ts";

interface Template extends Evaluated {
  readonly path: string;
  /** The user's place; nodes of the library carry it. */
  readonly place: Span;
}
/** What tells two applications apart. */
export interface Application {
  readonly declaration: BlockDecl;
  readonly scope: FileScope;
  readonly config: readonly Param[];
  readonly locals: ReadonlyMap<string, Val>;
  readonly operands: readonly Val[];
  readonly want: TensorType | undefined;
  readonly path: string;
  readonly place: Span;
}

/** What was evaluated at one place of a model and may stand at another. */
export interface Outlined {
  readonly outline: Outline;
  readonly path: string;
  readonly place: Span;
}

/** Places with other names come and go, so no more are kept than a large model has. */
const manyPlaces = 10_000;

export class Templates {
  readonly #context: Context;
  readonly #known = new Map<string, Template>();
  readonly ids = new Ids();
  readonly #outlines = new Map<Template, Outline>();
  /** What the memo would call the applications that were evaluated here. */
  readonly #memorable = new Map<Template, string>();
  /** What gradients do at nodes that stand for an application (`outlines.ts`). */
  readonly flows = new Map<Node, readonly boolean[]>();
  /** What gradient rules were asked already. */
  readonly asked: Asked = new Map();
  /** Weights that came with an outline, from which number on, and what reads them there. */
  readonly #stood: { readonly from: number; readonly outlined: Outlined; readonly place: Span }[] = [];

  constructor(context: Context) {
    this.#context = context;
  }

  /** The result of `evaluate`, or a copy of what it gave for an application like this one. */
  apply(application: Application, evaluate: () => Val): Val {
    const context = this.#context;
    if (!context.shared.copies) return evaluate();
    const { key, lasts } = this.#keyOf(application);
    const known = this.#known.get(key);
    const copy =
      known &&
      (context.shared.checkOnly
        ? this.stand({ ...known, outline: this.#outlineOf(known) }, application)
        : this.#replay(known, application));
    if (copy !== undefined) return copy;
    const memo = lasts && known === undefined ? context.shared.memo?.applications : undefined;
    const memoKey = memo && `${context.mode};${key}`;
    const remembered = memoKey === undefined ? undefined : memo?.get(memoKey);
    const stood = remembered && this.stand(remembered, application);
    if (stood !== undefined) return stood;

    const before = context.progress();
    const result = evaluate();
    const after = context.progress();
    const variables = context.variables.all.slice(before.variables);
    // what left a mark outside its own nodes cannot be copied
    const marked =
      before.reports !== after.reports ||
      before.asserts !== after.asserts ||
      before.leaves !== after.leaves ||
      context.variables.reused.slice(before.reused).some((v) => !variables.includes(v));
    if (known !== undefined || marked) return result;
    const own = (path: string): boolean =>
      path === application.path || path.startsWith(`${application.path}.`) || application.path === "";
    const updates = context.variables.log.slice(before.updates);
    if (!variables.every((v) => own(v.path)) || !updates.every((u) => own(u.path))) return result;
    const template: Template = {
      nodes: context.graph.nodes.slice(before.nodes),
      path: application.path,
      place: application.place,
      operands: application.operands,
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
    const memo = this.#context.shared.memo?.applications;
    for (const [template, key] of this.#memorable) {
      const outline = this.#outlineOf(template);
      if (outline.standsAlone) memo?.set(key, { path: template.path, place: template.place, outline });
    }
    this.#memorable.clear();
  }

  /** A block applied again over the same weights reads their states as the last application left them. */
  #isAgain(variables: readonly Variable[], hasUpdates: boolean, paths: readonly string[]): boolean {
    return variables.some(({ type }, i) => {
      const known = this.#context.variables.get(paths[i] ?? "");
      if (known === undefined) return false;
      return hasUpdates || this.#context.training || showShape(known.type) !== showShape(type);
    });
  }
  /** The weights' own paths; joining them again in each check takes longer than all else that is done for a weight. */
  #pathsOf({ variables, paths }: Outline, place: string, rename: (path: string) => string): readonly string[] {
    const known = paths.get(place);
    if (known) return known;
    const made = variables.map(({ path }) => rename(path));
    if (paths.size >= manyPlaces) paths.clear();
    if (made.length > 0 && this.#context.shared.memo) paths.set(place, made);
    return made;
  }
  /** The place that reads a weight first, where an outline tells. */
  readerOf(variable: Variable): { readonly place: Span | undefined } | undefined {
    const at = this.#context.variables.all.indexOf(variable);
    for (const { from, outlined, place } of this.#stood) {
      const { variables, readers } = outlined.outline;
      if (at < from || at >= from + variables.length) continue;
      const reader = readers[at - from];
      return { place: reader === outlined.place ? place : reader };
    }
    return undefined;
  }

  outlineOf(evaluated: Evaluated): Outline {
    const { graph, scalars, training, clock } = this.#context;
    return outlineOf(evaluated, graph.rules, this.flows, this.asked, (node) => scalars.has(node), training, clock);
  }
  #outlineOf(template: Template): Outline {
    const known = this.#outlines.get(template) ?? this.outlineOf(template);
    this.#outlines.set(template, known);
    return known;
  }
  /** In a check: the weights, and a node for each result. Undefined where it cannot stand. */
  stand(outlined: Outlined, at: Pick<Application, "operands" | "path" | "place">): Val | undefined {
    const { graph, variables } = this.#context;
    const { outline, path } = outlined;
    const rename = renaming(path, at.path);
    const paths = this.#pathsOf(outline, at.path, rename);
    if (this.#isAgain(outline.variables, outline.updates.length > 0, paths)) return undefined;
    const from = variables.all.length;
    const weights = outline.variables.map(
      ({ kind, type, init, span }, i) => variables.declare(kind, paths[i] ?? "", type, () => init, span).value,
    );
    // weights that are applied again have their readers already
    if (variables.all.length === from + weights.length && weights.length > 0)
      this.#stood.push({ from, outlined, place: at.place });
    const operands = at.operands.flatMap(tensorsIn);
    const { result, updates } = graph.at({ path: at.path, span: at.place }, () =>
      standFor(outline, operands, weights, this.#context.clock, ({ type, gives, sizes }, reads) => {
        const node = graph.node("applied", { sizes }, reads, [type]);
        this.flows.set(node, gives);
        return { node, index: 0 };
      }),
    );
    for (const { path, value } of updates) variables.update(rename(path), value);
    return result;
  }

  #replay(template: Template, application: Application): Val | undefined {
    const { graph, variables, scalars } = this.#context;
    const rename = renaming(template.path, application.path);
    const paths = template.variables.map(({ path }) => rename(path));
    if (this.#isAgain(template.variables, template.updates.length > 0, paths)) return undefined;

    const copies = new Map<Node, Node>();
    const declared = new Map(template.variables.map((v) => [v.value.node, v]));
    const inputs = application.operands.flatMap(valuesIn);
    const given = new Map<Node, Map<number, Value>>();
    for (const [i, { node, index }] of template.operands.flatMap(valuesIn).entries()) {
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
    for (const node of template.nodes) {
      if (scalars.has(node)) continue;
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

  /** The key of an application, and whether it means the same in the checks to come. */
  #keyOf({ declaration, scope, config, locals, operands, want, path }: Application): {
    readonly key: string;
    readonly lasts: boolean;
  } {
    const key = new Key(this.#context);
    const parts = [key.declared(declaration, scope)];
    // a frozen layer runs as in evaluation: whether it is depends on its path
    if (this.#context.anyFrozen) parts.push(path);
    for (const { name } of config) parts.push(key.show(locals.get(name.text)));
    parts.push("of", ...operands.map((o) => key.show(o)));
    if (want) parts.push("as", showShape(want));
    return { key: parts.join(";"), lasts: key.lasts() };
  }
}

/** Paths of one place as those of another one. */
function renaming(from: string, to: string): (path: string) => string {
  return (path) => (from === "" ? join(to, path) : path.startsWith(from) ? to + path.slice(from.length) : path);
}

/**
 * What one elaboration shares: the graph being built, its variables, the diagnostics, and the calls at hand, by which
 * blame is folded back to the user's own lines.
 */
import { type ArgsOf, type Code, report, type ReportExtras } from "../diagnostics/catalog.ts";
import type { DiagnosticBag, Related } from "../diagnostics/diagnostic.ts";
import { GraphBuilder, type TypeRules } from "../graph/builder.ts";
import type { Initializer, Node, Port, SizeAssert, Value } from "../graph/graph.ts";
import type { FileScope } from "../resolve/modules.ts";
import type { Span } from "../source/source.ts";
import { Facts } from "../types/facts.ts";
import type { DType } from "../types/tensor.ts";
import { type Clock, declareCounters } from "./clock.ts";
import type { CheckMemo } from "./memo.ts";
import { WeightNames } from "./naming.ts";
import { Templates } from "./templates.ts";
import type { TensorVal, Val } from "./values.ts";
import { VariableStore } from "./variables.ts";

export interface RangeDeclaration {
  readonly span: Span;
  /** As written: `0 ..< classes`. */
  readonly text: string;
  /** The model that declares it. */
  readonly model: Span;
  /** What its upper end is called. */
  readonly size: string | undefined;
}

/** A call that is being evaluated: its place, and what is called. */
export interface Frame {
  readonly span: Span;
  readonly name: string;
}

/** How far everything has come that an evaluation can leave a mark on. */
export interface Progress {
  readonly nodes: number;
  readonly variables: number;
  readonly reused: number;
  readonly updates: number;
  readonly asserts: number;
  readonly reports: number;
  readonly leaves: number;
  readonly steps: number;
}

/** A condition of a block that is checked at each of its uses. */
export interface PerUse {
  readonly span: Span;
  /** The block that asks for it, where it stands in another one. */
  readonly callee: string | undefined;
  /** As a user would write it: `C == out`. */
  readonly what: string;
}

/** Shared between the graphs of one model: names and initial values do not depend on the mode. */
export interface SharedState {
  /** Whether applications of one block to like tensors are copied (`templates.ts`). */
  readonly copies: boolean;
  /** Only mistakes are wanted: what can only repeat what was checked already is left out of the graphs. */
  readonly checkOnly: boolean;
  /** What earlier checks found out. */
  readonly memo: CheckMemo | undefined;
  /** The patterns of `freeze`, as one text. */
  readonly frozen: string;
  readonly names: WeightNames;
  readonly inits: Map<string, Initializer>;
  readonly constants: Map<FileScope, Map<string, Val>>;
}
export function newSharedState(copies = true, checkOnly = false, memo?: CheckMemo, frozen = ""): SharedState {
  return { copies, checkOnly, memo, frozen, names: new WeightNames(), inits: new Map(), constants: new Map() };
}

const maxSteps = 10_000_000;
const maxNodes = 1_000_000;

/** Ends an elaboration that would not end by itself; the budget was reported. */
export class BudgetError extends Error {
  override readonly name = "BudgetError";
}

export class Context {
  readonly bag: DiagnosticBag;
  readonly graph: GraphBuilder;
  readonly variables: VariableStore;
  readonly training: boolean;
  /** Checks a block for all sizes: what only its uses decide is unknown, and unknown values are no mistakes. */
  readonly generic: boolean;
  /** The variant that is evaluated, which messages name: most of its places are the model's. */
  readonly variant: string | undefined;
  readonly shared: SharedState;
  readonly frames: Frame[] = [];
  readonly asserts: SizeAssert[] = [];
  readonly ports: Port[] = [];
  /** Where the label range of an input or target was declared. */
  readonly ranges = new Map<Node, RangeDeclaration>();
  /** Whether what lies under a path is held still (`freeze`). */
  readonly isFrozen: (path: string) => boolean;
  facts: Facts = Facts.none;
  /** The step counter and the epoch of a training step. */
  clock: Clock | undefined;
  #readClock: Clock | undefined;
  #mode: { readonly facts: Facts; readonly text: string } | undefined;
  #steps = 0;
  readonly #constants = new Map<string, Value>();
  /** The nodes of `scalar`, which every part of the graph may read. */
  readonly scalars = new Set<Node>();
  readonly templates: Templates = new Templates(this);
  readonly anyFrozen: boolean;
  #leaves = 0;
  /** What the check of a block for all uses leaves to each of them. */
  readonly left = new Map<string, PerUse>();
  readonly #draws = new Map<string, number>();

  constructor(options: {
    readonly bag: DiagnosticBag;
    readonly rules: TypeRules;
    readonly training: boolean;
    readonly shared: SharedState;
    readonly isFrozen?: (path: string) => boolean;
    readonly generic?: boolean;
    readonly variant?: string | undefined;
  }) {
    this.variant = options.variant;
    this.bag = options.bag;
    this.graph = new GraphBuilder(options.rules);
    this.variables = new VariableStore(this.graph);
    this.training = options.training;
    this.generic = options.generic ?? false;
    if (this.generic)
      this.facts = Facts.open((left, right) => {
        this.leave(this.frames.at(-1)?.span, `${left.toString()} == ${right.toString()}`);
      });
    this.shared = options.shared;
    this.isFrozen = options.isFrozen ?? (() => false);
    this.anyFrozen = options.isFrozen !== undefined;
  }

  /** Reports a mistake at its place; inside `std:` at the user's call that led there. */
  report<C extends Code>(code: C, args: ArgsOf<C>, span: Span, extras: ReportExtras = {}): void {
    const place = this.place(span);
    // a primitive has no inside: what is wrong there is wrong in the call
    const isPrimitive = span.file.name === "std:prim" || span.file.name === "std:gradients";
    const inside = place === span || isPrimitive ? [] : [{ span, label: "here, inside the standard library" }];
    const note = extras.note ?? (this.variant === undefined ? "" : `(in the variant \`${this.variant}\`)`);
    report(this.bag, code, args, place, { ...extras, note, related: [...(extras.related ?? []), ...inside] });
  }
  /** In the check of a block for all uses: notes that only a use can decide `what`. */
  leave(span: Span | undefined, what: string): void {
    this.#leaves++;
    const place = span && this.place(span);
    if (place === undefined || isStandard(place)) return;
    const callee = this.callee(place);
    this.left.set(`${String(place.start)} ${what}`, { span: place, callee, what });
  }
  /** The innermost place on the way to `span` that is in a user's file. */
  place(span: Span): Span {
    if (!isStandard(span)) return span;
    const own = this.frames.findLast((f) => !isStandard(f.span));
    return own?.span ?? span;
  }
  /** What the user called there, where `span` is inside the library. */
  callee(span: Span): string | undefined {
    const place = this.place(span);
    return this.frames.findLast((f) => f.span === place)?.name;
  }
  /** Of a mistake inside of a block, which only one of its uses shows: that use, where it is another place. */
  usedHere(span: Span): readonly Related[] {
    const use = this.frames.at(-1)?.span;
    if (use === undefined || isStandard(span)) return [];
    const place = this.place(use);
    const isElsewhere = place.file !== span.file || place.end <= span.start || span.end <= place.start;
    return isElsewhere && !isStandard(place) ? [{ span: place, label: "used here" }] : [];
  }
  within<T>(frame: Frame, work: () => T): T {
    this.frames.push(frame);
    try {
      return work();
    } finally {
      this.frames.pop();
    }
  }
  /** Where the label range of a tensor was declared: the input that its entries came from unchanged. */
  rangeDeclaration(tensor: TensorVal): RangeDeclaration | undefined {
    let node: Node | undefined = tensor.value.node;
    while (node && !this.ranges.has(node)) node = node.inputs[0]?.node;
    return node && this.ranges.get(node);
  }
  progress(): Progress {
    const { graph, variables, asserts } = this;
    return {
      nodes: graph.nodes.length,
      variables: variables.all.length,
      reused: variables.reused.length,
      updates: variables.log.length,
      asserts: asserts.length,
      // initial values are evaluated in a context of their own
      reports: this.bag.told,
      leaves: this.#leaves,
      steps: this.#steps,
    };
  }
  /** What every evaluation depends on, beside what it reads. */
  get mode(): string {
    if (this.#mode?.facts !== this.facts)
      this.#mode = { facts: this.facts, text: `${String(this.training)};${this.facts.key};${this.shared.frozen}` };
    return this.#mode.text;
  }
  /** Counts a step of evaluation; a round of a loop takes as long as many others. */
  tick(span: Span, steps = 1): void {
    this.#steps += steps;
    if (this.#steps > maxSteps || this.graph.nodes.length > maxNodes) {
      this.report("E0215", { steps: maxSteps, nodes: maxNodes }, span);
      throw new BudgetError("the program is too large");
    }
  }
  /** The name of the next random draw in a scope: draws have paths of their own and count for no weight's name. */
  drawName(path: string): string {
    const before = this.#draws.get(path) ?? 0;
    this.#draws.set(path, before + 1);
    return `random.${String(before)}`;
  }
  /** The clock as schedules read it, in evaluation too: there it stands still. */
  get time(): Clock {
    return this.clock ?? (this.#readClock ??= declareCounters(this).clock);
  }
  /** A scalar; equal ones are one node. */
  scalar(value: number, dtype: DType): Value {
    const key = `${dtype} ${Object.is(value, -0) ? "-0" : String(value)}`;
    const known = this.#constants.get(key);
    if (known) return known;
    const made = this.graph.at({ path: "", span: undefined }, () => this.graph.constant(value, dtype));
    this.#constants.set(key, made);
    this.scalars.add(made.node);
    return made;
  }
}

function isStandard(span: Span): boolean {
  return span.file.name.startsWith("std:");
}

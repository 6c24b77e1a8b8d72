/**
 * Emits one graph as statements of tfjs: keeps for every value the expressions that hold it (one an order of axes),
 * converts between orders on demand, and writes sizes as JavaScript. Operators themselves are in the rows.
 */
import type { DType, Graph, Node, Value } from "../../compiler/graph/graph.ts";
import { typeOf } from "../../compiler/graph/graph.ts";
import { valuesAttribute } from "../../compiler/ops/attributes.ts";
import { positionOf, type Span } from "../../compiler/source/source.ts";
import { Dim, type Shape } from "../../compiler/types/dim.ts";
import { RefusalError } from "../backend.ts";
import { inLayout, type Layout, type LayoutRule, type Layouts, movesOnlyOnes, orderOf, sameLayout } from "../layout.ts";
import { type Code, identifier, js, listOf, member, type PartList, Ref, type Statement } from "./code.ts";

/** An expression and the order in which its axes lie. */
export interface Produced {
  readonly code: Code;
  readonly layout: Layout;
}
/** How one operator is said in tfjs. */
export interface Row {
  readonly layout: (node: Node) => LayoutRule;
  readonly emit: (e: NodeEmitter) => readonly Produced[];
  /** Which nodes of the operator the row can say; all unless told. */
  readonly has?: (node: Node) => boolean;
}
export type Table = Readonly<Record<string, Row>>;

export type TfType = "float32" | "int32" | "bool";
export function tfType(dtype: DType): TfType {
  if (dtype === "bool") return "bool";
  return dtype === "i32" || dtype === "i64" ? "int32" : "float32";
}

/** A tensor of literal numbers, made once when the module is loaded. */
export interface Literal {
  readonly name: string;
  readonly text: string;
}

/** What the functions of a module have in common. */
export interface Shared {
  /** By their text. */
  readonly literals: Map<string, Literal>;
  /** The orders in which weights lie in memory, by path; a missing one is the logical order. */
  readonly weights: ReadonlyMap<string, Layout>;
}

export class GraphEmitter {
  readonly graph: Graph;
  readonly statements: Statement[] = [];
  readonly #layouts: Layouts;
  readonly #table: Table;
  readonly #held = new Map<Node, Produced[][]>();
  readonly #literals: Map<string, Literal>;
  readonly #sizes = new Map<string, { readonly name: string; readonly from: string }>();
  #path = "";
  #line: string | undefined;

  constructor(graph: Graph, layouts: Layouts, table: Table, { literals, weights }: Shared) {
    this.graph = graph;
    this.#layouts = layouts;
    this.#table = table;
    this.#literals = literals;
    for (const port of graph.ports)
      this.hold(port.value.node, { code: [member("inputs", port.name)], layout: undefined });
    for (const { path, value } of graph.variables)
      this.hold(value.node, { code: [`w[${JSON.stringify(path)}]`], layout: weights.get(path) });
  }

  /** The sizes that the statements ask of what is fed: names and where they are read. */
  get sizes(): readonly { readonly name: string; readonly from: string }[] {
    return [...this.#sizes.values()];
  }

  node(node: Node): void {
    if (this.#held.has(node)) return;
    const row = this.#table[node.op];
    if (row === undefined) throw refusal(node);
    // A node that a pass made stands where the one before it does.
    if (node.path !== "" || node.span !== undefined) [this.#path, this.#line] = [node.path, lineOf(node.span)];
    const produced = row.emit(new NodeEmitter(this, node));
    this.#held.set(
      node,
      produced.map(({ code, layout }) => [{ code: this.define(node.op, code), layout }]),
    );
  }
  hold(node: Node, produced: Produced, count = 1): void {
    this.#held.set(
      node,
      Array.from({ length: count }, () => [produced]),
    );
  }

  /** A statement that gives the expression a name; names and literals have theirs. */
  define(hint: string, code: Code): Code {
    const [only] = code;
    if (code.length === 1 && (only instanceof Ref || (only !== undefined && !only.includes("(")))) return code;
    return this.several(hint, code, 1)[0] ?? code;
  }
  /** One statement with several results. */
  several(hint: string, code: Code, count: number): readonly Code[] {
    const results = Array.from({ length: count }, () => new Ref(hint));
    this.statements.push({ results, code, path: this.#path, line: this.#line });
    return results.map((ref) => [ref]);
  }

  /** The value with its axes in this order. */
  value(value: Value, layout?: Layout): Code {
    const forms = this.#forms(value);
    const [first] = forms;
    if (first === undefined) throw new Error(`${value.node.op} gave no output ${String(value.index)}`);
    const known = forms.find((form) => sameLayout(form.layout, layout));
    if (known !== undefined) return known.code;
    const made = this.define(
      `${value.node.op}_moved`,
      this.relayout(first.code, typeOf(value).shape, first.layout, layout),
    );
    forms.push({ code: made, layout });
    return made;
  }
  /** The value in whichever order it exists already. */
  any(value: Value): Produced {
    const [first] = this.#forms(value);
    if (first === undefined) throw new Error(`${value.node.op} gave no output ${String(value.index)}`);
    return first;
  }
  #forms(value: Value): Produced[] {
    if (value.node.op === "constant" && !this.#held.has(value.node)) this.#constant(value.node);
    const forms = this.#held.get(value.node)?.[value.index];
    if (forms === undefined) throw new Error(`${value.node.op} is read before it is written`);
    return forms;
  }
  layoutOf(value: Value): Layout {
    return this.#layouts.of(value);
  }

  relayout(code: Code, shape: Shape, from: Layout, to: Layout): Code {
    const [a, b] = [orderOf(from, shape.length), orderOf(to, shape.length)];
    if (a.every((axis, i) => axis === b[i])) return code;
    if (movesOnlyOnes(shape, from, to)) return this.reshape(code, inLayout(to, shape));
    return js`tf.transpose(${code}, ${listOf(b.map((axis) => a.indexOf(axis)))})`;
  }
  reshape(code: Code, shape: Shape): Code {
    return js`tf.reshape(${code}, ${this.shape(shape)})`;
  }

  /** Literal numbers: one number in place, more as a tensor that is made once. */
  #constant(node: Node): void {
    const type = node.outputs[0];
    if (type === undefined) throw new Error("a constant has a type");
    const shape = type.shape.map((dim) => dim.constant ?? 0);
    const values = valuesAttribute(node);
    const kind = tfType(type.dtype);
    if (kind === "int32" && values.some((v) => Math.abs(v) > 0x7fffffff)) {
      throw new RefusalError(node, "a whole number here does not fit the 32 bits that tfjs has", "use smaller numbers");
    }
    const [only] = values;
    if (shape.length === 0 && only !== undefined) {
      this.hold(node, { code: [scalar(only, kind)], layout: undefined });
      return;
    }
    const numbers = [...values].map((v) => numberText(v, kind)).join(", ");
    const text = `tf.tensor([${numbers}], ${JSON.stringify(shape).replaceAll(",", ", ")}, "${kind}")`;
    const before = this.#literals.get(text);
    const taken = new Set([...this.#literals.values()].map(({ name }) => name));
    const base = identifier(`${this.#path === "" ? "" : `${this.#path}_`}numbers`);
    let name = base;
    for (let i = 2; taken.has(name); i++) name = `${base}_${String(i)}`;
    const literal = before ?? { name, text };
    this.#literals.set(text, literal);
    this.hold(node, { code: [`c.${literal.name}`], layout: undefined });
  }

  /** A size as a JavaScript number. */
  size(dim: Dim): string {
    const known = dim.constant;
    if (known !== undefined) return String(known);
    const whole = dim.asVariable;
    if (whole !== undefined) return this.#fed(whole.key, whole.name);
    const terms = dim.terms.map(({ coefficient, factors }) => {
      const texts = coefficient === 1 && factors.length > 0 ? [] : [String(coefficient)];
      for (const { atom, power } of factors) {
        let text: string;
        if (atom.kind === "var")
          text =
            atom.unit === 1
              ? this.#fed(atom.size, atom.name)
              : `(${this.#fed(atom.size, atom.name)} / ${String(atom.unit)})`;
        else if (atom.kind === "floor") text = `Math.floor((${this.size(atom.above)}) / (${this.size(atom.below)}))`;
        else text = `Math.${atom.kind}(${atom.of.map((d) => this.size(d)).join(", ")})`;
        for (let i = 0; i < power; i++) texts.push(text);
      }
      return texts.join(" * ");
    });
    return terms.join(" + ").replaceAll("+ -", "- ");
  }
  #fed(key: string, name: string): string {
    const before = this.#sizes.get(key);
    if (before !== undefined) return before.name;
    for (const port of this.graph.ports) {
      const axis = port.type.shape.findIndex((d) => d.asVariable?.key === key);
      if (axis < 0) continue;
      const taken = new Set([...this.#sizes.values()].map((size) => size.name));
      let unique = identifier(name);
      while (taken.has(unique)) unique += "_";
      this.#sizes.set(key, { name: unique, from: `${member("inputs", port.name)}.shape[${String(axis)}]` });
      return unique;
    }
    throw new Error(`no input has the size ${name}`);
  }
  shape(shape: Shape): PartList {
    return listOf(shape.map((dim) => this.size(dim)));
  }
}

export function refusal(node: Node): RefusalError {
  if (node.op === "random") {
    return new RefusalError(
      node,
      "a module of plain tfjs operators cannot draw random numbers that repeat",
      "draw under `if training`, as `dropout` does, or feed the numbers as an input",
    );
  }
  return new RefusalError(
    node,
    `plain tfjs operators have no form of \`${node.op}\``,
    "write it with other primitives, or compile without --portable",
  );
}

function lineOf(span: Span | undefined): string | undefined {
  return span && `${span.file.name}:${String(positionOf(span.file, span.start).line)}`;
}

/** One number where a tensor may stand: tfjs takes plain numbers as float32. */
export function scalar(value: number, type: TfType): string {
  const text = numberText(value, type);
  return type === "float32" ? text : `tf.scalar(${text}, "${type}")`;
}
/** Floats as short as single precision allows. */
function numberText(value: number, type: TfType): string {
  if (type === "bool") return String(value !== 0);
  if (type === "int32" || !Number.isFinite(value)) return String(value);
  const single = Math.fround(value);
  for (let digits = 1; digits <= 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === single) return String(short);
  }
  return String(single);
}

/** One node as its row sees it. */
export class NodeEmitter {
  readonly graph: GraphEmitter;
  readonly node: Node;
  constructor(graph: GraphEmitter, node: Node) {
    this.graph = graph;
    this.node = node;
  }

  source(index: number): Value {
    const value = this.node.inputs[index];
    if (value === undefined) throw new Error(`${this.node.op} has no input ${String(index)}`);
    return value;
  }
  input(index: number, layout?: Layout): Code {
    return this.graph.value(this.source(index), layout);
  }
  inputShape(index: number): Shape {
    return typeOf(this.source(index)).shape;
  }
  inputType(index: number): DType {
    return typeOf(this.source(index)).dtype;
  }
  outputShape(): Shape {
    return typeOf({ node: this.node, index: 0 }).shape;
  }
  outputType(): DType {
    return typeOf({ node: this.node, index: 0 }).dtype;
  }
  /** The order that the result was given. */
  layout(index = 0): Layout {
    return this.graph.layoutOf({ node: this.node, index });
  }
  /** An input of an operator that broadcasts, laid out to meet a result of this rank and order. */
  operand(value: Value, rank: number, layout: Layout): Code {
    const { shape } = typeOf(value);
    if (layout === undefined || shape.length === 0) return this.graph.value(value);
    if (shape.length === rank) return this.graph.value(value, layout);
    const padded = [...Array.from({ length: rank - shape.length }, () => Dim.one), ...shape];
    const given = this.graph.value(value);
    if (movesOnlyOnes(padded, undefined, layout)) return this.graph.reshape(given, inLayout(layout, padded));
    return this.graph.relayout(this.graph.reshape(given, padded), padded, undefined, layout);
  }
  size(dim: Dim | undefined): string {
    if (dim === undefined) throw new Error(`${this.node.op}: an axis is missing`);
    return this.graph.size(dim);
  }
  /** A size that a kernel needs to know. */
  static(dim: Dim | undefined, what: string): number {
    if (dim?.constant !== undefined) return dim.constant;
    throw this.refuse(
      `${what} must be known when the graph is compiled, here it is ${dim?.toString() ?? "unknown"}`,
      "fix the size in the input's type",
    );
  }
  refuse(reason: string, help: string): RefusalError {
    return new RefusalError(this.node, reason, help);
  }
}

/**
 * Expressions, types and patterns as documents. A line that goes on starts with the mark that continues it: `|>`, an
 * operator, `then`, `else`, `for`, `=>`. Bodies are printed by the class below.
 */
import { builders } from "prettier/doc";
import type {
  Argument,
  BinaryExpr,
  BinaryOp,
  Body,
  Expr,
  FoldExpr,
  ForClause,
  IfExpr,
  IndexItem,
  LabelExpr,
  ListExpr,
  ListMember,
  MapEntry,
  MapExpr,
  PipeExpr,
} from "../compiler/syntax/ast.ts";
import { TypePrinter } from "./print-types.ts";
import { isEnclosed } from "./printer-base.ts";
import { flatWidth } from "./width.ts";
import type { Doc } from "./writer.ts";

const { align, group, indent, line } = builders;

/** Operators of one level stand in one chain. */
const LEVELS: Readonly<Record<BinaryOp, number>> = {
  or: 1,
  and: 2,
  "==": 3,
  "!=": 3,
  "<": 3,
  "<=": 3,
  ">": 3,
  ">=": 3,
  "..<": 4,
  "..=": 4,
  "+": 5,
  "-": 5,
  "*": 6,
  "/": 6,
  "%": 6,
  "^": 7,
};

/** How wide `=> ` is: what goes on behind it stands under its start. */
const ARROW = 3;

export abstract class ExpressionPrinter extends TypePrinter {
  /** `{ … => result }` */
  abstract braces(body: Body): Doc;

  /** `apart` where the expression starts a line of its own: what continues it then stands under its start. */
  expr(node: Expr, apart = false): Doc {
    return this.opensAround(node) ? this.enclosed(node) : this.bare(node, apart);
  }

  enclosed(node: Expr): Doc {
    const { w } = this;
    const { start, end } = node.span;
    const open = w.take("(");
    // A second parenthesis around the same says nothing, but a comment could stand between the two.
    let doubled = 0;
    for (; this.opensAround(node) && !this.remarksIn(start, end); doubled++) w.skip();
    const edge = hasBrackets(node) && !w.remarked ? "" : "soft";
    const inside = [w.gap(edge), this.expr(node, edge === "soft")];
    for (; doubled > 0; doubled--) {
      w.skipIf(",");
      w.skip();
    }
    w.skipIf(",");
    return group([open, edge === "soft" ? indent(inside) : inside, w.closing(edge), w.take(")")]);
  }

  bare(node: Expr, apart: boolean): Doc {
    const { w } = this;
    switch (node.kind) {
      case "number":
      case "string":
      case "bool":
      case "training":
      case "name":
      case "branch":
        return w.take();
      case "tuple":
        return this.list("(", node.members, (one) => this.expr(one), ")");
      case "list":
        return this.listExpr(node);
      case "comprehension":
        return this.comprehension(node.member, node.for);
      case "map":
        return this.map(node);
      case "call":
        return [this.expr(node.callee), this.args(node.args)];
      case "index":
        return [this.expr(node.of), this.list("[", node.items, (one) => this.indexItem(one), "]")];
      case "member":
        return [...this.dot(node.of), w.take()];
      case "star":
        return [...this.dot(node.of), w.take("*")];
      case "pick":
        return [...this.dot(node.of), this.list("{", node.names, () => w.take(), "}")];
      case "with":
        return [this.expr(node.of), w.word("with"), w.gap(" "), this.expr(node.map)];
      case "pipe":
      case "label":
        return this.pipe(node, apart);
      case "unary":
        return node.op === "not" ? [w.take("not"), w.gap(" "), this.expr(node.of)] : [w.take("-"), this.expr(node.of)];
      case "binary":
        return this.binary(node, apart);
      case "if":
        return this.ifExpr(node, apart);
      case "fold":
        return this.fold(node);
      case "block":
        return group([w.take("block"), this.params(node.params), this.body(node.body)]);
      case "bad":
        throw new Error("a text with errors cannot be formatted");
    }
  }

  /** What stands in front of a point, and the point. */
  dot(of: Expr): Doc[] {
    const before = this.expr(of);
    // A point right behind a number would be taken for the number's own.
    return [before, this.w.gap(/^[0-9]/.test(this.w.last) ? " " : ""), this.w.take(".")];
  }

  listExpr(node: ListExpr): Doc {
    const { members, span } = node;
    const table = this.table(node);
    if (table !== undefined) return table;
    const fills =
      members.length > 1 &&
      members.every(({ spread, value }) => !spread && isNumber(value)) &&
      !this.remarksIn(span.start, span.end);
    const only = members.length === 1 ? members[0] : undefined;
    const hugs = only !== undefined && !only.spread && hasBrackets(only.value) && !this.keepsOpen(span.start);
    const member = ({ spread, value }: ListMember): Doc => {
      return spread ? [this.w.take("..."), this.expr(value)] : this.expr(value);
    };
    return this.list("[", members, member, "]", { keeps: true, fills, hugs });
  }

  /** Whether the source's line ends behind the bracket at this place. */
  keepsOpen(at: number): boolean {
    return /^.[ \t]*(?:\n|\/\/)/.test(this.w.text.slice(at));
  }

  map(node: MapExpr): Doc {
    const entry = ({ value }: MapEntry): Doc => this.named(() => this.expr(value));
    return this.list("{", node.entries, entry, "}", { padded: true, keeps: true });
  }

  /** `word: value` */
  named(value: () => Doc): Doc {
    return [this.w.take(), this.w.take(":"), this.w.gap(" "), value()];
  }

  /** A list of like maps or lists, a line each: their members stand under each other if the source asks for it. */
  table(node: ListExpr): Doc | undefined {
    const { w } = this;
    const sources = node.members.map(({ value: { span } }) => w.text.slice(span.start, span.end));
    const asked = sources.some((text) => /,  +\S/.test(text)) && !sources.some((text) => /\n|\/\//.test(text));
    const cells = asked && this.keepsOpen(node.span.start) ? likeRows(node) : undefined;
    if (cells === undefined) return undefined;
    const rows: { readonly parts: Doc[]; readonly docs: readonly Doc[]; readonly brace: boolean }[] = [];
    const printRow = (values: readonly Expr[]): Doc => {
      const brace = w.take() === "{";
      const docs = values.map((cell, i) => {
        if (i > 0) w.take(",");
        return brace ? this.named(() => this.expr(cell)) : this.expr(cell);
      });
      w.skipIf(",");
      w.take();
      const parts: Doc[] = [];
      rows.push({ parts, docs, brace });
      return parts;
    };
    const doc = this.list("[", cells, printRow, "]", { keeps: true });
    const widths = (cells[0] ?? []).map((_, i) => Math.max(...rows.map(({ docs }) => flatWidth(docs[i] ?? "") ?? 0)));
    // The rows are in the document already; they are filled now that all widths are known.
    for (const { parts, docs, brace } of rows) {
      const padded = docs.map((cell, i): Doc => {
        const pad = (widths[i] ?? 0) - (flatWidth(cell) ?? 0) + 1;
        return i === docs.length - 1 ? cell : [cell, ",", " ".repeat(pad)];
      });
      parts.push(brace ? "{ " : "[", ...padded, brace ? " }" : "]");
    }
    return doc;
  }

  comprehension(member: Expr, clause: ForClause): Doc {
    const { w } = this;
    const open = w.take("[");
    const inside = [w.gap("soft"), this.expr(member, true), w.gap("line"), this.forClause(clause)];
    return group([open, indent(inside), w.closing("soft"), w.take("]")]);
  }

  args(nodes: readonly Argument[]): Doc {
    const only = nodes.length === 1 ? nodes[0] : undefined;
    const hugs = only !== undefined && only.name === undefined && hasBrackets(only.value);
    const print = ({ name, value }: Argument): Doc => {
      return name === undefined ? this.expr(value) : this.named(() => this.expr(value));
    };
    return this.list("(", nodes, print, ")", { hugs });
  }

  indexItem(node: IndexItem): Doc {
    return node.kind === "at" ? this.expr(node.value) : this.w.take();
  }

  /**
   * `start |> stage as label |> stage`. A line that ends in front of a `|>` in the source ends there again, so that a
   * writer may group stages; a group that is too long has a line for each of its stages.
   */
  pipe(node: PipeExpr | LabelExpr, apart: boolean): Doc {
    const { w } = this;
    const { head, stages } = stagesOf(node);
    const groups: Doc[][] = [[]];
    const start = this.expr(head, apart && stages.length === 0);
    const label = w.peek() === "as" ? [w.word("as"), w.word()] : [];
    for (const stage of stages) {
      const kept = w.ends;
      const gap = w.gap(kept ? "hard" : "line");
      const parts = [w.take("|>"), w.gap(" "), this.expr(stage.target)];
      if (stage.labelled) parts.push(w.word("as"), w.word());
      if (kept) groups.push([gap, parts]);
      else groups.at(-1)?.push(gap, parts);
    }
    const [first = [], ...rest] = groups;
    const [gap, only] = first;
    // The only stage opens its brackets on the line where it stands if a line of its own would be too short for it.
    if (
      stages.length === 1 &&
      gap === line &&
      (flatWidth(only ?? "") ?? Infinity) > this.page.width - 4 * this.page.indent
    )
      return [start, ...label, " ", only ?? ""];
    const more = rest.map(([gap = "", ...stage]): Doc => [gap, group(stage)]);
    const set = (docs: Doc[]): Doc => (apart ? docs : indent(docs));
    return [group([start, ...label, set(first)]), set(more)];
  }

  /** A chain of operators of one level breaks in front of each of them. */
  binary(node: BinaryExpr, apart: boolean): Doc {
    const { w } = this;
    const level = LEVELS[node.op];
    const operands: Expr[] = [];
    let left: Expr = node;
    while (left.kind === "binary" && LEVELS[left.op] === level && (left === node || !isEnclosed(left))) {
      operands.unshift(left.right);
      left = left.left;
    }
    const first = this.expr(left);
    const rest = operands.map((operand): Doc => {
      const parts = [w.gap(node.op === "^" ? " " : "line"), w.take(), w.gap(" ")];
      return [...parts, this.expr(operand)];
    });
    return group([first, apart ? rest : indent(rest)]);
  }

  /** `if a then b` and `else c` on a line each where both do not fit on one. */
  ifExpr(node: IfExpr, apart: boolean): Doc {
    const { w } = this;
    const parts: Doc[] = [];
    for (let at: IfExpr = node; ;) {
      const condition = [w.take("if"), w.gap(" "), this.expr(at.condition)];
      const then = [w.gap("line"), w.take("then"), w.gap(" "), this.expr(at.then)];
      parts.push(group([condition, indent(then)]), w.gap("line"), w.take("else"), w.gap(" "));
      if (at.else.kind !== "if" || isEnclosed(at.else)) {
        parts.push(this.expr(at.else));
        break;
      }
      at = at.else;
    }
    const [first = "", ...rest] = parts;
    return group([first, apart ? rest : indent(rest)]);
  }

  fold(node: FoldExpr): Doc {
    const { w } = this;
    const start = [w.take("fold"), w.gap(" "), this.target(node.target)];
    if (node.type !== undefined) start.push(this.typeOf(node.type));
    start.push(w.word("="), w.gap(" "), this.expr(node.start));
    const header = group([start, indent([w.gap("line"), this.forClause(node.for)])]);
    return group([header, this.body(node.body)]);
  }

  /** A body behind its header: `{ … }`, or `=> result` on the same line or the next. */
  body(node: Body): Doc {
    if (node.braces) return [this.w.gap(" "), this.braces(node)];
    return indent([this.w.gap("line"), this.result(node.result)]);
  }

  result(node: Expr): Doc {
    const { w } = this;
    const arrow = w.take("=>");
    if (isEnclosed(node) || !["pipe", "label", "binary", "if"].includes(node.kind))
      return [arrow, w.gap(" "), this.expr(node)];
    return [arrow, w.gap(" "), align(ARROW, this.expr(node, true))];
  }

  /** What stands behind a mark that gives a name its value. */
  value(node: Expr): Doc {
    const { w } = this;
    const moves = !isEnclosed(node) && (node.kind === "binary" || node.kind === "if");
    return moves ? group(indent([w.gap("line"), this.expr(node, true)])) : [w.gap(" "), this.expr(node)];
  }
}

interface Stage {
  readonly target: Expr;
  readonly labelled: boolean;
}

/** A pipe from its start to its last stage. */
function stagesOf(node: PipeExpr | LabelExpr): { head: Expr; stages: readonly Stage[] } {
  const stages: Stage[] = [];
  let at: Expr = node;
  for (;;) {
    const label: LabelExpr | undefined = at.kind === "label" && (at === node || !isEnclosed(at)) ? at : undefined;
    const inner: Expr = label?.of ?? at;
    if (inner.kind !== "pipe" || (inner !== node && isEnclosed(inner))) return { head: inner, stages };
    stages.unshift({ target: inner.target, labelled: label !== undefined });
    at = inner.input;
  }
}

/** The cells of a list of maps with the same keys, or of lists of one length. */
function likeRows(node: ListExpr): readonly (readonly Expr[])[] | undefined {
  const rows = node.members.map(({ spread, value }) => {
    if (spread || isEnclosed(value)) return undefined;
    if (value.kind === "map")
      return { key: value.entries.map(({ key }) => key.text).join(" "), cells: value.entries.map((e) => e.value) };
    if (value.kind !== "list" || value.members.some((member) => member.spread)) return undefined;
    return { key: String(value.members.length), cells: value.members.map((member) => member.value) };
  });
  const [first] = rows;
  if (first === undefined || first.cells.length < 2 || rows.some((row) => row?.key !== first.key)) return undefined;
  return rows.map((row) => row?.cells ?? []);
}

/** Whether the expression's own brackets can open and close it over lines. */
function hasBrackets(node: Expr): boolean {
  if (node.kind === "fold" || node.kind === "block") return node.body.braces;
  return ["list", "map", "comprehension", "tuple"].includes(node.kind);
}

function isNumber(node: Expr): boolean {
  return node.kind === "number" || (node.kind === "unary" && node.op === "-" && isNumber(node.of));
}

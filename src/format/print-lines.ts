/**
 * Lines, items, edits and the braces around them as documents. Each line gives a row, whose cells may stand in columns
 * with those of the lines around it. Declarations are printed by the class below.
 */
import { builders } from "prettier/doc";
import type {
  AddEdit,
  Annotation,
  Body,
  BranchItem,
  Edit,
  Expr,
  FieldNode,
  FreezeLine,
  Item,
  Line,
  OptimizeLine,
  OutputItem,
  PathNode,
  RuleLine,
  StepNode,
  StringNode,
} from "../compiler/syntax/ast.ts";
import type { Span } from "../compiler/source/source.ts";
import { type Cell, type Entry, type Row, rowDoc, stack } from "./columns.ts";
import { ExpressionPrinter } from "./print-expressions.ts";
import { behindLine, type Doc } from "./writer.ts";

const { group, hardline, ifBreak, indent, line, literalline } = builders;

/** Any node that stands on a line of its own. */
export type LineNode = Item | FieldNode | OptimizeLine | FreezeLine | StepNode | RuleLine | Edit;

interface Placed {
  readonly span: Span;
}

/** The comment that keeps the line behind it as it stands. */
const IGNORE = "// prettier-ignore";

export abstract class LinePrinter extends ExpressionPrinter {
  /** How many braces are open. */
  #depth = 0;

  // --- lines under each other -----------------------------------------------------------------------------------------

  /** `opens` where the braces are over lines in any case. */
  override braces(body: Body, opens = false): Doc {
    const nodes = [...body.lines, body.result];
    const print = (node: Line | Expr, i: number): Row =>
      i < body.lines.length ? this.row(node as Line) : row("", this.result(body.result));
    return this.block(nodes, body.span.end, print, opens);
  }

  /** `{ lines }` up to the offset `end`. What the source has on one line stays there while it fits. */
  block<T extends Placed>(
    nodes: readonly T[],
    end: number,
    print: (node: T, index: number) => Row,
    opens = false,
  ): Doc {
    const { w } = this;
    const oneLine = !opens && !w.text.slice(w.start(), end).includes("\n");
    const open = w.take("{");
    if (oneLine) {
      const rows = nodes.map((node, i) => [i === 0 ? line : [ifBreak("", " "), line], rowDoc(print(node, i))]);
      return rows.length === 0 ? [open, w.take("}")] : group([open, indent(rows), line, w.take("}")]);
    }
    this.#depth += 1;
    const behind = w.behind();
    const entries = this.entries(nodes, print, behind === undefined);
    const docs = stack(entries, this.page.width - this.page.indent * this.#depth);
    this.#depth -= 1;
    const suffix = behind === undefined ? "" : behindLine(behind.text);
    if (docs.length === 0) return [open, suffix, behind === undefined ? "" : hardline, w.take("}")];
    return [open, suffix, indent([hardline, docs]), hardline, w.take("}")];
  }

  /** The lines with the comments around them, also those behind the last. */
  entries<T extends Placed>(nodes: readonly T[], print: (node: T, index: number) => Row, first: boolean): Entry[] {
    const { w } = this;
    const entries: Entry[] = [];
    // Comments in front of a line, or behind the last; what they say of the line itself comes back.
    const remarks = (): { blank: boolean; ignored: boolean } => {
      let [blank, ignored] = [w.blank, false];
      for (const { text, blankBefore, blankAfter } of w.remarks()) {
        entries.push({ row: text, blankBefore: blankBefore && !(first && entries.length === 0) });
        [blank, ignored] = [blankAfter, text === IGNORE];
      }
      return { blank: blank && !(first && entries.length === 0), ignored };
    };
    for (const [i, node] of nodes.entries()) {
      const { blank, ignored } = remarks();
      const row = ignored ? this.verbatim(node.span.end) : print(node, i);
      entries.push({ row, blankBefore: blank, behind: w.behind() });
    }
    remarks();
    return entries;
  }

  /** A line that stays as it is. */
  verbatim(end: number): Row {
    const lines = this.w.verbatim(end).split("\n");
    return row(
      "",
      lines.flatMap((text, i) => (i === 0 ? [text] : [literalline, text])),
    );
  }

  // --- cells ----------------------------------------------------------------------------------------------------------

  /** A row of cells, each printed in its turn. Where a comment stands in front of a cell it joins the one before. */
  cells(kind: string, ...prints: readonly (() => Doc)[]): Row {
    const { w } = this;
    const cells: Cell[] = [];
    for (const print of prints) {
      const before = cells.at(-1);
      if (before !== undefined && w.remarked) {
        cells[cells.length - 1] = { doc: [before.doc, w.gap(" "), print()], spaces: before.spaces };
        continue;
      }
      const { spaces } = w;
      cells.push({ doc: print(), spaces });
    }
    return { kind, cells };
  }

  /** `= value` */
  assigned(node: Parameters<this["value"]>[0]): () => Doc {
    return () => [this.w.take("="), this.value(node)];
  }

  /** Annotations stand above what they annotate. */
  annotated(annotations: readonly Annotation[], print: () => Row): Row {
    const { w } = this;
    const before = annotations.map(({ args }) => {
      const parts = [w.take("@"), w.take()];
      if (args !== undefined) parts.push(this.args(args));
      return [...parts, w.gap("hard")];
    });
    return before.length === 0 ? print() : { ...print(), before };
  }

  row(node: LineNode): Row {
    return this.annotated(node.annotations, () => this.plainRow(node));
  }

  plainRow(node: LineNode): Row {
    const { w } = this;
    switch (node.kind) {
      case "let": {
        const { target, type, value } = node;
        const name = (): Doc => [w.take(), w.gap(" "), this.target(target), type === undefined ? "" : w.take(":")];
        if (type === undefined) return this.cells("let", name, this.assigned(value));
        return this.cells("let:", name, () => this.type(type), this.assigned(value));
      }
      case "param":
      case "state": {
        const name = (): Doc => [w.take(), w.word(), w.take(":")];
        return this.cells(node.kind, name, () => this.type(node.type), this.assigned(node.value));
      }
      case "shared":
      case "update":
        return this.cells(node.kind, () => [w.take(), w.word()], this.assigned(node.value));
      case "assert": {
        const condition = [w.take(), w.gap(" "), this.expr(node.condition)];
        if (node.message === undefined) return row("", condition);
        w.skipIf(",");
        return row("", group([condition, ",", indent([w.gap("line"), w.take()])]));
      }
      case "dim":
        return this.cells(
          "dim",
          () => [w.take(), w.word()],
          () => [w.take("in"), w.gap(" "), this.expr(node.range)],
        );
      case "input":
      case "target":
        return this.cells(
          "port",
          () => w.take(),
          () => [w.take(), w.take(":")],
          () => this.type(node.type),
        );
      case "field":
        return this.cells("field", () => w.take(), this.assigned(node.value));
      case "loss":
      case "predict":
      case "metric":
        if (node.name === undefined) return row("", [w.take(), w.gap(" "), this.expr(node.value)]);
        return this.cells("output", () => [w.take(), w.word()], this.assigned(node.value));
      case "optimize":
        return this.optimize(node);
      case "freeze":
      case "fresh":
      case "unused":
        return row("", [w.take(), this.strings(node.patterns)]);
      case "map":
        return this.cells("map", () => w.take(), this.assigned(node.value));
      case "set":
        return this.cells("set", () => [w.take(), w.gap(" "), this.path(node.path)], this.assigned(node.value));
      case "keep":
      case "remove":
        return row("", [w.take(), this.paths(node.paths)]);
      case "add":
        return this.add(node);
      default:
        return row("", this.section(node));
    }
  }

  /** What has lines of its own inside. */
  section(node: Exclude<LineNode, Line | OutputItem | { kind: "field" }>): Doc {
    const { w } = this;
    const { end } = node.span;
    const inner = (inside: LineNode): Row => this.row(inside);
    switch (node.kind) {
      case "regions": {
        const head = [w.take(), w.word(), w.word("of"), w.gap(" "), this.expr(node.of)];
        const type = indent([w.gap("line"), w.take("->"), w.gap(" "), this.type(node.type)]);
        return [group([...head, type]), w.gap(" "), this.block(node.fields, end, inner)];
      }
      case "branch":
        return this.branch(node);
      case "head": {
        const head = [w.take(), w.word()];
        if (node.for !== undefined) head.push(w.gap(" "), this.forClause(node.for));
        return [...head, w.gap(" "), this.block(node.lines, end, inner)];
      }
      case "train":
        return [w.take(), w.gap(" "), this.block(node.lines, end, inner)];
      case "step":
        return [w.take(), w.word(), w.gap(" "), this.block(node.lines, end, inner)];
      case "data":
        return [w.take(), w.gap(" "), this.block(node.fields, end, inner)];
      case "pretrained": {
        const head = [w.take(), w.word(), w.word("from"), w.word(), w.gap(" ")];
        return [...head, this.block(node.rules, end, inner)];
      }
      default:
        throw new Error(`${node.kind} is printed as a row`);
    }
  }

  branch(node: BranchItem): Doc {
    const { w } = this;
    const head = [w.take(), w.word(), w.gap(" "), this.forClause(node.for)];
    const body = this.body(node.body);
    if (node.fuse === undefined) return group([...head, body]);
    // Behind a closing brace `fuse` stays on its line; behind a result that went to the next it has one of its own.
    const gap = w.gap(node.body.braces ? " " : "line");
    const fuse = [gap, w.take("fuse"), w.gap(" "), this.expr(node.fuse)];
    return group([...head, body, node.body.braces ? fuse : indent(fuse)]);
  }

  optimize(node: OptimizeLine): Row {
    const { w } = this;
    const parts = (): Doc => {
      const patterns = [w.take(), this.strings(node.patterns)];
      return node.for.length === 0 ? patterns : [...patterns, w.word("for"), this.paths(node.for)];
    };
    const by = (): Doc => [w.take("by"), w.gap(" "), this.expr(node.by)];
    const at = (): Doc => [w.take("at"), w.gap(" "), this.expr(node.at)];
    return { ...this.cells("optimize", parts, by, at), breaks: true };
  }

  add(node: AddEdit): Row {
    const { w } = this;
    const head = [w.take()];
    if (node.in !== undefined) head.push(w.word("in"), w.gap(" "), this.path(node.in));
    return row("", [...head, w.gap(" "), rowDoc(this.row(node.item))]);
  }

  strings(nodes: readonly StringNode[]): Doc {
    return this.series(nodes, () => this.w.take());
  }

  paths(nodes: readonly PathNode[]): Doc {
    return this.series(nodes, (one) => this.path(one));
  }

  path(node: PathNode): Doc {
    return node.parts.map((_, i): Doc => (i === 0 ? this.w.take() : [this.w.take("."), this.w.take()]));
  }
}

/** A line of one piece. */
export function row(kind: string, doc: Doc): Row {
  return { kind, cells: [{ doc, spaces: 0 }] };
}

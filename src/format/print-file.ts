/** Declarations and whole files as documents: the last part of the printer. */
import { builders } from "prettier/doc";
import type { BlockDecl, Body, Declaration, FileNode, FnDecl, PrimDecl, ImportName } from "../compiler/syntax/ast.ts";
import { type Row, stack } from "./columns.ts";
import { LinePrinter, row } from "./print-lines.ts";
import { flatWidth } from "./width.ts";
import type { Doc } from "./writer.ts";

const { group, hardline, ifBreak, indent } = builders;

/** What stands behind the lists of a signature. */
interface Tail {
  readonly doc: Doc;
  readonly flat: readonly Doc[];
  /** The group that tells whether the opening brace goes to a line of its own; undefined where it never does. */
  readonly id: symbol | undefined;
}

export class FilePrinter extends LinePrinter {
  file(node: FileNode): Doc {
    const { w } = this;
    const entries = this.entries(node.declarations, (declaration) => this.declaration(declaration), true);
    if (!w.done) throw new Error("the formatter has left something out");
    return entries.length === 0 ? "" : [stack(entries, this.page.width), hardline];
  }

  declaration(node: Declaration): Row {
    return this.annotated(node.annotations, () => this.plainDeclaration(node));
  }

  plainDeclaration(node: Declaration): Row {
    const { w } = this;
    switch (node.kind) {
      case "import":
        return this.cells(
          "import",
          () => [w.take(), w.gap(" "), this.names(node.names)],
          () => [w.take("from"), w.word()],
        );
      case "const": {
        const type = node.type;
        const name = (): Doc => [w.take(), w.word(), type === undefined ? "" : this.typeOf(type)];
        return this.cells("const", name, this.assigned(node.value));
      }
      case "fn":
      case "prim":
      case "block":
        return row("", this.signed(node));
      case "model": {
        const head = [w.take(), w.word(), this.params(node.params)];
        return row("", [...head, w.gap(" "), this.block(node.items, node.span.end, (item) => this.row(item))]);
      }
      case "variant": {
        const name = (): Doc => [w.take(), w.word()];
        const edits = (): Doc => this.block(node.edits, node.span.end, (edit) => this.row(edit));
        return { ...this.cells("variant", name, () => [w.take("of"), w.word()], edits), flat: true };
      }
    }
  }

  names(nodes: readonly ImportName[]): Doc {
    const { w } = this;
    const name = ({ as }: ImportName): Doc => (as === undefined ? w.take() : [w.take(), w.word("as"), w.word()]);
    return this.list("{", nodes, name, "}", { padded: true });
  }

  /** What has a signature and, but for a `prim`, a body. */
  signed(node: FnDecl | PrimDecl | BlockDecl): Doc {
    const { w } = this;
    const lists = node.kind === "fn" ? [node.params] : node.lists;
    const head = [w.take(), w.word()];
    const [first = "", second] = lists.map((list) => this.params(list));
    const tail = this.tail(node);
    const body = node.kind === "prim" ? undefined : node.body;
    return this.withBody(this.signature([...head, first, second ?? ""], first, second, tail), tail.id, body);
  }

  /** `-> type where …`: the type starts a line of its own, unless even there it would not fit. */
  tail({ result, where }: Pick<BlockDecl, "result" | "where">): Tail {
    const { w } = this;
    const id = Symbol("tail");
    const parts: Doc[] = [];
    let hugs = false;
    if (result !== undefined) {
      const gap = w.gap("line");
      const type = [w.take("->"), w.gap(" "), this.type(result)];
      hugs = gap === builders.line && (flatWidth(type) ?? Infinity) > this.page.width - this.page.indent;
      parts.push(hugs ? [" ", ...type] : indent([gap, ...type]));
    }
    if (where.length > 0) {
      const gap = w.gap("line");
      const terms = [w.take("where"), this.series(where, (one) => this.expr(one))];
      parts.push(group(indent([gap, ...terms]), hugs ? { id } : {}));
    }
    const breaks = hugs ? where.length > 0 : parts.length > 0;
    return { doc: hugs ? parts : group(parts, { id }), flat: parts, id: breaks ? id : undefined };
  }

  /**
   * `name(…)(…) -> type where …`. The first break is in front of `->`; where the lists themselves do not fit on a line,
   * the last one breaks if the line up to it fits, else the first one.
   */
  signature(whole: readonly Doc[], first: Doc, second: Doc | undefined, tail: Tail): Doc {
    const head = whole.slice(0, 2);
    const width = flatWidth([...whole, tail.flat.length === 0 ? " {" : ""]);
    if (width !== undefined && width <= this.page.width) return [...whole, tail.doc];
    const reached = (flatWidth([...head, first]) ?? Infinity) + 1;
    const lists =
      second !== undefined && reached <= this.page.width ? [first, open(second)] : [open(first), second ?? ""];
    return [...head, ...lists, tail.doc];
  }

  withBody(signature: Doc, tail: symbol | undefined, body: Body | undefined): Doc {
    const { w } = this;
    if (body === undefined) return signature;
    if (!body.braces) return group([signature, this.body(body)]);
    const fits = (flatWidth([signature, " {"]) ?? 0) <= this.page.width;
    const gap = w.remarked || tail === undefined ? w.gap(" ") : ifBreak(hardline, " ", { groupId: tail });
    return [signature, gap, this.braces(body, !fits)];
  }
}

/** A list with a line for each member. */
function open(list: Doc): Doc {
  const isGroup = typeof list === "object" && "type" in list && list.type === "group";
  return isGroup ? group(list.contents, { shouldBreak: true }) : list;
}

/** Types, parameters and patterns as documents. Expressions inside them are printed by the class below. */
import { builders } from "prettier/doc";
import type { Body, DimNode, Expr, ForClause, Param, Target, TypeNode } from "../compiler/syntax/ast.ts";
import { PrinterBase } from "./printer-base.ts";
import type { Doc } from "./writer.ts";

const { group, indent } = builders;

export abstract class TypePrinter extends PrinterBase {
  abstract expr(node: Expr, apart?: boolean): Doc;
  abstract body(node: Body): Doc;

  type(node: TypeNode): Doc {
    const plain = this.plainType(node);
    if (this.w.peek() !== "in" || !("range" in node) || node.range === undefined) return plain;
    return [plain, this.w.word("in"), this.w.gap(" "), this.expr(node.range)];
  }

  plainType(node: TypeNode): Doc {
    const { w } = this;
    switch (node.kind) {
      case "tensor": {
        const { dims } = node;
        return dims === undefined ? w.take() : [w.take(), this.list("[", dims, (one) => this.dim(one), "]")];
      }
      case "list": {
        const [word, open, member] = [w.take("list"), w.take("["), this.type(node.member)];
        return [word, open, member, w.take("]")];
      }
      case "tuple":
        return this.list("(", node.members, (one) => this.type(one), ")");
      case "choice": {
        const [, ...rest] = node.values;
        const first = w.take();
        return group([first, indent(rest.map(() => [w.gap("line"), w.take("|"), w.gap(" "), w.take()]))]);
      }
      case "block": {
        const lists = [w.take("block"), ...node.lists.map((list) => this.params(list))];
        return [...lists, w.word("->"), w.gap(" "), this.plainType(node.result)];
      }
      case "bad":
        throw new Error("a text with errors cannot be formatted");
    }
  }

  /** `: type` */
  typeOf(node: TypeNode): Doc {
    return [this.w.take(":"), this.w.gap(" "), this.type(node)];
  }

  dim(node: DimNode): Doc {
    const { w } = this;
    if (node.kind === "any") return w.take("_");
    if (node.kind === "expr") return this.expr(node.value);
    return node.of === undefined ? w.take("...") : [w.take("..."), this.expr(node.of)];
  }

  params(nodes: readonly Param[]): Doc {
    return this.list("(", nodes, (one) => this.param(one), ")");
  }

  param(node: Param): Doc {
    const { w } = this;
    const parts = [w.take()];
    if (node.type !== undefined) parts.push(this.typeOf(node.type));
    if (node.default !== undefined) parts.push(w.word("="), w.gap(" "), this.expr(node.default));
    return parts;
  }

  target(node: Target): Doc {
    if (node.kind === "name") return this.w.take();
    return this.list("(", node.members, (one) => this.target(one), ")");
  }

  /** `for key: member in collection if condition` */
  forClause(node: ForClause): Doc {
    const { w } = this;
    const parts = [w.take("for"), w.gap(" ")];
    if (node.key !== undefined) parts.push(w.take(), w.take(":"), w.gap(" "));
    parts.push(this.target(node.target), w.word("in"), w.gap(" "), this.expr(node.in));
    if (node.if !== undefined) parts.push(w.gap("line"), w.take("if"), w.gap(" "), this.expr(node.if));
    return node.if === undefined ? parts : group(indent(parts));
  }
}

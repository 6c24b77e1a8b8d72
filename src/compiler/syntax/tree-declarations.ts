/**
 * Concrete to abstract: declarations, model items, training, data, pretrained weights and variants. Parts whose name
 * could not be read are left out, for nothing could refer to them.
 */
import type { CstNode } from "chevrotain";
import type * as cst from "../../../grammar/cst.generated.ts";
import type {
  AddEdit,
  Declaration,
  Edit,
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
} from "./ast.ts";
import type { Container } from "./layout.ts";
import { all, first, isHole, nth } from "./tree-base.ts";
import { ExpressionBuilder } from "./tree-expressions.ts";

export type TrainLine = FieldNode | OptimizeLine | FreezeLine | StepNode;

export class TreeBuilder extends ExpressionBuilder {
  declaration(node: cst.DeclarationCstNode): Declaration {
    const base = { ...this.annotated(node), span: this.places.ofNode(node) };
    const { importDecl, constDecl, fnDecl, primDecl, blockDecl, modelDecl, variantDecl } = node.children;
    if (importDecl !== undefined) {
      const { importName, String: from } = first(importDecl).children;
      const names = all(importName).map((n) => {
        const as = n.children.Name[1];
        return {
          name: this.places.name(first(n.children.Name)),
          as: as === undefined ? undefined : this.places.name(as),
          span: this.places.ofNode(n),
        };
      });
      return { kind: "import", names, from: this.places.quotedName(first(from)), ...base };
    }
    if (constDecl !== undefined) {
      const { Name, typeOf, expr } = first(constDecl).children;
      const name = this.places.name(first(Name));
      return { kind: "const", name, type: this.typeOf(typeOf), value: this.expr(first(expr)), ...base };
    }
    if (fnDecl !== undefined) {
      const { Name, params, type, where, body } = first(fnDecl).children;
      return {
        kind: "fn",
        name: this.places.name(first(Name)),
        params: this.params(first(params)),
        result: this.type(first(type)),
        where: this.where(where),
        body: this.body(first(body)),
        ...base,
      };
    }
    if (primDecl !== undefined) {
      const { Name, signature } = first(primDecl).children;
      return { kind: "prim", name: this.places.name(first(Name)), ...this.signature(first(signature)), ...base };
    }
    if (blockDecl !== undefined) {
      const { Name, signature, body } = first(blockDecl).children;
      const name = this.places.name(first(Name));
      return { kind: "block", name, ...this.signature(first(signature)), body: this.body(first(body)), ...base };
    }
    if (modelDecl !== undefined) {
      const { Name, params, LCurly, item } = first(modelDecl).children;
      const items = this.#inside(first(LCurly), "model", () => all(item).map((i) => this.item(i)));
      return { kind: "model", name: this.places.name(first(Name)), params: this.params(first(params)), items, ...base };
    }
    const { Name, LCurly, edit } = first(variantDecl).children;
    const name = this.places.name(first(Name));
    const of = this.places.name(nth(Name, 1));
    const edits = this.#inside(first(LCurly), "variant", () => all(edit).map((e) => this.part(e, () => this.edit(e))));
    return { kind: "variant", name, of, edits, ...base };
  }

  signature(node: cst.SignatureCstNode) {
    const { params, type, where } = node.children;
    return {
      lists: params.map((p) => this.params(p)),
      result: type === undefined ? undefined : this.type(first(type)),
      where: this.where(where),
    };
  }

  /** What stands between an opening brace and its closer: read apart by recovery, or in the concrete tree. */
  #inside<T>(brace: Parameters<typeof this.grafts.get>[0], kind: Container, build: () => readonly T[]): readonly T[] {
    const graft = this.grafts.get(brace);
    if (graft === undefined) return build();
    // Recovery read these lines with the rule of their kind.
    return graft.kind === kind ? (graft.lines as readonly T[]) : [];
  }

  // --- model items --------------------------------------------------------------------------------------------------

  item(node: cst.ItemCstNode): Item {
    const base = { ...this.annotated(node), span: this.places.ofNode(node) };
    const { line, dimItem, portItem, regionsItem, branchItem, headItem, outputItem, trainItem, dataItem } =
      node.children;
    if (line !== undefined) return this.line(first(line), node);
    if (dimItem !== undefined) {
      const { Name, expr } = first(dimItem).children;
      return { kind: "dim", name: this.places.name(first(Name)), range: this.expr(first(expr)), ...base };
    }
    if (portItem !== undefined) {
      const { Input, Name, typeOf } = first(portItem).children;
      const type = this.type(first(first(typeOf).children.type));
      const kind = Input === undefined ? "target" : "input";
      return { kind, name: this.places.name(first(Name)), type, ...base };
    }
    if (regionsItem !== undefined) {
      const { Name, expr, type, fields } = first(regionsItem).children;
      return {
        kind: "regions",
        name: this.places.name(first(Name)),
        of: this.expr(first(expr)),
        type: this.type(first(type)),
        fields: this.fields(first(fields)),
        ...base,
      };
    }
    if (branchItem !== undefined) {
      const { Name, forClause, body, expr } = first(branchItem).children;
      return {
        kind: "branch",
        name: this.places.name(first(Name)),
        for: this.forClause(first(forClause)),
        body: this.body(first(body)),
        fuse: expr === undefined ? undefined : this.expr(first(expr)),
        ...base,
      };
    }
    if (headItem !== undefined) {
      const { Name, forClause, LCurly, headLine } = first(headItem).children;
      return {
        kind: "head",
        name: this.places.name(first(Name)),
        for: forClause === undefined ? undefined : this.forClause(first(forClause)),
        lines: this.#inside(first(LCurly), "head", () =>
          all(headLine).map((l) => this.part(l, () => this.headLine(l))),
        ),
        ...base,
      };
    }
    if (outputItem !== undefined) return this.output(first(outputItem), node);
    if (trainItem !== undefined) {
      const { LCurly, trainLine } = first(trainItem).children;
      const lines = this.#inside(first(LCurly), "train", () =>
        all(trainLine).map((l) => this.part(l, () => this.trainLine(l))),
      );
      return { kind: "train", lines, ...base };
    }
    if (dataItem !== undefined)
      return { kind: "data", fields: this.fields(first(first(dataItem).children.fields)), ...base };
    const { Name, String: from, LCurly, rule } = first(node.children.pretrainedItem).children;
    return {
      kind: "pretrained",
      name: this.places.name(first(Name)),
      from: this.places.string(first(from)),
      rules: this.#inside(first(LCurly), "pretrained", () => all(rule).map((r) => this.rule(r))),
      ...base,
    };
  }

  headLine(node: cst.HeadLineCstNode): Line | OutputItem {
    const { line, outputItem } = node.children;
    return line !== undefined ? this.line(first(line), node) : this.output(first(outputItem), node);
  }

  output(node: cst.OutputItemCstNode, outer: CstNode): OutputItem {
    const { Loss, Predict, Name, expr } = node.children;
    const token = Name?.[0];
    return {
      kind: Loss !== undefined ? "loss" : Predict !== undefined ? "predict" : "metric",
      name: token === undefined || (Loss !== undefined && isHole(token)) ? undefined : this.places.name(token),
      value: this.expr(first(expr)),
      ...this.annotated(outer),
      span: this.places.ofNode(outer),
    };
  }

  fields(node: cst.FieldsCstNode): readonly FieldNode[] {
    return this.#inside(first(node.children.LCurly), "fields", () =>
      all(node.children.field).map((f) => this.part(f, () => this.field(f))),
    );
  }

  field(node: cst.FieldCstNode): FieldNode {
    const { Name, expr } = node.children;
    return { kind: "field", name: this.places.name(first(Name)), value: this.expr(first(expr)), ...this.#plain(node) };
  }

  /** A line that has no annotations but may have a doc comment. */
  #plain(node: CstNode) {
    const span = this.places.ofNode(node);
    return { annotations: [], doc: this.places.docBefore(span.start), span };
  }

  // --- training and weights -----------------------------------------------------------------------------------------

  trainLine(node: cst.TrainLineCstNode): TrainLine {
    const { field, optimizeLine, freezeLine, stepItem } = node.children;
    if (field !== undefined) return this.field(first(field));
    if (optimizeLine !== undefined) return this.optimizeLine(first(optimizeLine));
    if (freezeLine !== undefined) return this.freezeLine(first(freezeLine));
    const step = first(stepItem);
    const { Name, LCurly, optimizeLine: lines } = step.children;
    return {
      kind: "step",
      name: this.places.name(first(Name)),
      lines: this.#inside(first(LCurly), "step", () => all(lines).map((l) => this.optimizeLine(l))),
      ...this.#plain(step),
    };
  }

  optimizeLine(node: cst.OptimizeLineCstNode): OptimizeLine {
    const { strings, paths, expr } = node.children;
    return {
      kind: "optimize",
      patterns: this.strings(first(strings)),
      for: paths === undefined ? [] : this.paths(first(paths)),
      by: this.expr(first(expr)),
      at: this.expr(nth(expr, 1)),
      ...this.#plain(node),
    };
  }

  freezeLine(node: cst.FreezeLineCstNode): FreezeLine {
    return { kind: "freeze", patterns: this.strings(first(node.children.strings)), ...this.#plain(node) };
  }

  rule(node: cst.RuleCstNode): RuleLine {
    const { String: pattern, expr, Fresh, strings } = node.children;
    if (strings !== undefined)
      return {
        kind: Fresh !== undefined ? "fresh" : "unused",
        patterns: this.strings(first(strings)),
        ...this.#plain(node),
      };
    const value = this.expr(first(expr));
    return { kind: "map", pattern: this.places.string(first(pattern)), value, ...this.#plain(node) };
  }

  strings(node: cst.StringsCstNode): readonly StringNode[] {
    return node.children.String.map((s) => this.places.string(s));
  }

  // --- variants -----------------------------------------------------------------------------------------------------

  edit(node: cst.EditCstNode): Edit {
    const { setEdit, keepEdit, removeEdit, addEdit } = node.children;
    if (setEdit !== undefined) {
      const { path, expr } = first(setEdit).children;
      return { kind: "set", path: this.path(first(path)), value: this.expr(first(expr)), ...this.#plain(node) };
    }
    if (keepEdit !== undefined)
      return { kind: "keep", paths: this.paths(first(first(keepEdit).children.paths)), ...this.#plain(node) };
    if (removeEdit !== undefined)
      return { kind: "remove", paths: this.paths(first(first(removeEdit).children.paths)), ...this.#plain(node) };
    const add = first(addEdit);
    const path = add.children.path?.[0];
    const where = path === undefined ? undefined : this.path(path);
    return { kind: "add", in: where, item: this.added(add), ...this.#plain(node) };
  }

  added(node: cst.AddEditCstNode): AddEdit["item"] {
    const { item, field, optimizeLine, freezeLine, rule } = node.children;
    if (item !== undefined) return this.item(first(item));
    if (field !== undefined) return this.field(first(field));
    if (optimizeLine !== undefined) return this.optimizeLine(first(optimizeLine));
    if (freezeLine !== undefined) return this.freezeLine(first(freezeLine));
    return this.rule(first(rule));
  }

  paths(node: cst.PathsCstNode): readonly PathNode[] {
    return node.children.path.map((p) => this.path(p));
  }

  path(node: cst.PathCstNode): PathNode {
    const parts = [this.places.name(first(node.children.Word))];
    for (const part of all(node.children.pathPart))
      parts.push(this.places.name(first(part.children.Word ?? part.children.Star)));
    return { parts, span: this.places.ofNode(node) };
  }
}

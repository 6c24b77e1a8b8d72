/**
 * Concrete to abstract: types, patterns, bodies' lines and expressions. It only reshapes; what a construct means is
 * decided later. Operators of one level become left-leaning trees, and a parenthesis leaves only its wider span.
 */
import type { CstNode, IToken } from "chevrotain";
import type * as cst from "../../../grammar/cst.generated.ts";
import type { Span } from "../source/source.ts";
import type {
  Annotation,
  Argument,
  BinaryOp,
  Body,
  DimNode,
  Expr,
  ForClause,
  IndexItem,
  Line,
  ListMember,
  MapEntry,
  Param,
  Target,
  TypeNode,
} from "./ast.ts";
import type { Container } from "./layout.ts";
import { all, first, isHole, nth, type Places } from "./tree-base.ts";

/** Lines that were read on their own and stand for those in the concrete tree. */
export interface Graft {
  /** What they are lines of. A brace may turn out to be another one's, when a guess mends what stands before it. */
  readonly kind: Container;
  readonly lines: readonly unknown[];
  readonly result: Expr | undefined;
}

/** The levels of operators, from the loosest to the tightest. */
type Level =
  | cst.OrExprCstNode
  | cst.AndExprCstNode
  | cst.NotExprCstNode
  | cst.CompareCstNode
  | cst.RangeCstNode
  | cst.SumCstNode
  | cst.ProductCstNode
  | cst.UnaryCstNode
  | cst.PowerCstNode;

export class ExpressionBuilder {
  readonly places: Places;
  /** Bodies read apart, by their opening brace. */
  readonly grafts: ReadonlyMap<IToken, Graft>;

  constructor(places: Places, grafts: ReadonlyMap<IToken, Graft>) {
    this.places = places;
    this.grafts = grafts;
  }

  /** A line, field or result that a reader who knows its text need not build again (`reread.ts`). */
  protected part<T extends object>(_node: CstNode, build: () => T): T {
    return build();
  }

  // --- shared by all that can be annotated --------------------------------------------------------------------------

  annotated(node: CstNode): { annotations: readonly Annotation[]; doc: string | undefined } {
    const annotations = all((node.children as { annotation?: cst.AnnotationCstNode[] }).annotation);
    return {
      annotations: annotations.map((a) => this.annotation(a)),
      doc: this.places.docBefore(this.places.ofNode(node).start),
    };
  }

  annotation(node: cst.AnnotationCstNode): Annotation {
    const call = node.children.call?.[0];
    return {
      name: this.places.name(first(node.children.Word)),
      args: call === undefined ? undefined : this.args(call),
      span: this.places.ofNode(node),
    };
  }

  params(node: cst.ParamsCstNode): readonly Param[] {
    return all(node.children.parameter)
      .filter((p) => !isHole(first(p.children.Name)))
      .map((p) => ({
        name: this.places.name(first(p.children.Name)),
        type: this.typeOf(p.children.typeOf),
        default: p.children.expr === undefined ? undefined : this.expr(first(p.children.expr)),
        span: this.places.ofNode(p),
      }));
  }

  where(nodes: readonly cst.WhereCstNode[] | undefined): readonly Expr[] {
    return nodes === undefined ? [] : first(nodes).children.expr.map((e) => this.expr(e));
  }

  target(node: cst.PatternCstNode): Target {
    const { Name, Wildcard, tuplePattern } = node.children;
    const span = this.places.ofNode(node);
    if (tuplePattern !== undefined)
      return { kind: "tuple", members: all(first(tuplePattern).children.pattern).map((p) => this.target(p)), span };
    const token = first(Name ?? Wildcard);
    return { kind: "name", text: isHole(token) ? "_" : token.image, span };
  }

  forClause(node: cst.ForClauseCstNode): ForClause {
    const { Name, pattern, expr } = node.children;
    return {
      key: Name === undefined ? undefined : this.places.name(first(Name)),
      target: this.target(first(pattern)),
      in: this.expr(first(expr)),
      if: expr[1] === undefined ? undefined : this.expr(expr[1]),
      span: this.places.ofNode(node),
    };
  }

  body(node: cst.BodyCstNode): Body {
    const { LCurly, statement, result } = node.children;
    const span = this.places.ofNode(node);
    const brace = LCurly?.[0];
    const graft = brace === undefined ? undefined : this.grafts.get(brace);
    if (graft !== undefined) {
      const closer = this.places.at(span.end - 1, span.end);
      const lines = graft.kind === "body" ? (graft.lines as readonly Line[]) : [];
      return { lines, result: graft.result ?? { kind: "bad", span: closer }, braces: true, span };
    }
    return {
      lines: all(statement).map((s) => this.part(s, () => this.line(first(s.children.line), s))),
      result: this.part(first(result), () => this.expr(first(first(result).children.expr))),
      braces: brace !== undefined,
      span,
    };
  }

  /** `outer` is the node that holds the annotations. */
  line(node: cst.LineCstNode, outer: CstNode): Line {
    const base = { ...this.annotated(outer), span: this.places.ofNode(outer) };
    const { letLine, sharedLine, paramLine, stateLine, updateLine } = node.children;
    if (letLine !== undefined) {
      const { pattern, typeOf, expr } = first(letLine).children;
      const [target, type, value] = [this.target(first(pattern)), this.typeOf(typeOf), this.expr(first(expr))];
      return { kind: "let", target, type, value, ...base };
    }
    if (sharedLine !== undefined) {
      const { Name, expr } = first(sharedLine).children;
      return { kind: "shared", name: this.places.name(first(Name)), value: this.expr(first(expr)), ...base };
    }
    const typed = paramLine?.[0] ?? stateLine?.[0];
    if (typed !== undefined) {
      const { Name, typeOf, expr } = typed.children;
      const kind = typed.name === "paramLine" ? "param" : "state";
      const name = this.places.name(first(Name));
      return {
        kind,
        name,
        type: this.type(first(first(typeOf).children.type)),
        value: this.expr(first(expr)),
        ...base,
      };
    }
    if (updateLine !== undefined) {
      const { Name, expr } = first(updateLine).children;
      return { kind: "update", name: this.places.name(first(Name)), value: this.expr(first(expr)), ...base };
    }
    const { expr, String: message } = first(node.children.assertLine).children;
    return {
      kind: "assert",
      condition: this.expr(first(expr)),
      message: message === undefined ? undefined : this.places.string(first(message)).value,
      ...base,
    };
  }

  // --- types --------------------------------------------------------------------------------------------------------

  typeOf(nodes: readonly cst.TypeOfCstNode[] | undefined): TypeNode | undefined {
    return nodes === undefined ? undefined : this.type(first(first(nodes).children.type));
  }

  type(node: cst.TypeCstNode): TypeNode {
    const plain = this.plainType(first(node.children.plainType));
    const range = node.children.range?.[0];
    if (range === undefined) return plain;
    const span = this.places.ofNode(node);
    const bounds = this.operation(range);
    // A range belongs to labels; whether the type can have one is for the checker to say.
    return plain.kind === "bad" ? { ...plain, span } : { ...plain, range: bounds, span };
  }

  plainType(node: cst.PlainTypeCstNode): TypeNode {
    const { tensorType, listType, tupleType, choiceType, blockType } = node.children;
    const span = this.places.ofNode(node);
    if (tensorType !== undefined) {
      const { Name, dims } = first(tensorType).children;
      const token = first(Name);
      if (isHole(token)) return { kind: "bad", span };
      const list = dims === undefined ? undefined : all(first(dims).children.dim).map((d) => this.dim(d));
      return { kind: "tensor", name: this.places.name(token), dims: list, range: undefined, span };
    }
    if (listType !== undefined)
      return { kind: "list", member: this.type(first(first(listType).children.type)), range: undefined, span };
    if (tupleType !== undefined)
      return {
        kind: "tuple",
        members: all(first(tupleType).children.type).map((m) => this.type(m)),
        range: undefined,
        span,
      };
    if (choiceType !== undefined)
      return {
        kind: "choice",
        values: first(choiceType).children.String.map((s) => this.places.string(s)),
        range: undefined,
        span,
      };
    const { params, plainType } = first(blockType).children;
    const lists = params.map((p) => this.params(p));
    return { kind: "block", lists, result: this.plainType(first(plainType)), range: undefined, span };
  }

  dim(node: cst.DimCstNode): DimNode {
    const { Ellipsis, postfix, Wildcard, expr } = node.children;
    const span = this.places.ofNode(node);
    if (Ellipsis !== undefined)
      return { kind: "run", of: postfix === undefined ? undefined : this.postfix(first(postfix)), span };
    if (Wildcard !== undefined) return { kind: "any", span };
    return { kind: "expr", value: this.expr(first(expr)), span };
  }

  // --- expressions --------------------------------------------------------------------------------------------------

  expr(node: cst.ExprCstNode): Expr {
    const { ifExpr, foldExpr, blockExpr, pipe } = node.children;
    const span = this.places.ofNode(node);
    if (pipe !== undefined) return this.pipe(first(pipe));
    if (ifExpr !== undefined) {
      const parts = first(ifExpr).children.expr;
      const [condition, then, otherwise] = [
        this.expr(first(parts)),
        this.expr(nth(parts, 1)),
        this.expr(nth(parts, 2)),
      ];
      return { kind: "if", condition, then, else: otherwise, span };
    }
    if (foldExpr !== undefined) {
      const { pattern, typeOf, expr, forClause, body } = first(foldExpr).children;
      return {
        kind: "fold",
        target: this.target(first(pattern)),
        type: this.typeOf(typeOf),
        start: this.expr(first(expr)),
        for: this.forClause(first(forClause)),
        body: this.body(first(body)),
        span,
      };
    }
    const { params, body } = first(blockExpr).children;
    return { kind: "block", params: this.params(first(params)), body: this.body(first(body)), span };
  }

  pipe(node: cst.PipeCstNode): Expr {
    const { orExpr, label, pipeStage } = node.children;
    let value = this.labelled(this.operation(first(orExpr)), label);
    for (const stage of all(pipeStage)) {
      const target = this.postfix(first(stage.children.postfix));
      const pipe: Expr = { kind: "pipe", input: value, target, span: this.places.between(value.span, target.span) };
      value = this.labelled(pipe, stage.children.label);
    }
    return value;
  }

  labelled(value: Expr, labels: readonly cst.LabelCstNode[] | undefined): Expr {
    if (labels === undefined) return value;
    const token = first(first(labels).children.Name);
    if (isHole(token)) return value;
    const name = this.places.name(token);
    return { kind: "label", of: value, name, span: this.places.between(value.span, name.span) };
  }

  /** Operators of all levels. Levels without one are stepped over, so that the stack grows only with real depth. */
  operation(start: Level): Expr {
    for (let node = start; ;) {
      switch (node.name) {
        case "orExpr":
          if (node.children.Or !== undefined) return this.chain(node.children.andExpr, node.children.Or);
          node = first(node.children.andExpr);
          break;
        case "andExpr":
          if (node.children.And !== undefined) return this.chain(node.children.notExpr, node.children.And);
          node = first(node.children.notExpr);
          break;
        case "notExpr": {
          const { Not, compare } = node.children;
          if (Not !== undefined) return this.unary("not", first(compare), node);
          node = first(compare);
          break;
        }
        case "compare":
          if (node.children.operator !== undefined) return this.chain(node.children.range, node.children.operator);
          node = first(node.children.range);
          break;
        case "range":
          if (node.children.operator !== undefined) return this.chain(node.children.sum, node.children.operator);
          node = first(node.children.sum);
          break;
        case "sum":
          if (node.children.operator !== undefined) return this.chain(node.children.product, node.children.operator);
          node = first(node.children.product);
          break;
        case "product":
          if (node.children.operator !== undefined) return this.chain(node.children.unary, node.children.operator);
          node = first(node.children.unary);
          break;
        case "unary":
          if (node.children.Minus !== undefined) return this.unary("-", first(node.children.power), node);
          node = first(node.children.power);
          break;
        case "power": {
          const base = this.postfix(first(node.children.postfix));
          const exponent = node.children.unary?.[0];
          if (exponent === undefined) return base;
          return this.binary(first(node.children.Caret), base, this.operation(exponent));
        }
      }
    }
  }

  /** `a - b - c` is `(a - b) - c`. */
  chain(operands: readonly Level[], operators: readonly IToken[]): Expr {
    let left = this.operation(first(operands));
    for (const [i, operator] of operators.entries())
      left = this.binary(operator, left, this.operation(nth(operands, i + 1)));
    return left;
  }

  unary(op: "-" | "not", operand: Level, node: CstNode): Expr {
    return { kind: "unary", op, of: this.operation(operand), span: this.places.ofNode(node) };
  }

  binary(operator: IToken, left: Expr, right: Expr): Expr {
    const span: Span = this.places.between(left.span, right.span);
    // Which operator is missing is anybody's guess.
    if (isHole(operator)) return { kind: "bad", span };
    // The parser took this token in an operator's place, so its text is one of the operators.
    return { kind: "binary", op: operator.image as BinaryOp, left, right, opSpan: this.places.ofToken(operator), span };
  }

  postfix(node: cst.PostfixCstNode): Expr {
    let of = this.primary(first(node.children.primary));
    for (const suffix of all(node.children.suffix)) of = this.suffix(of, suffix);
    return of;
  }

  suffix(of: Expr, node: cst.SuffixCstNode): Expr {
    const { call, index, member, primary } = node.children;
    const span = this.places.between(of.span, this.places.ofNode(node));
    if (call !== undefined)
      return { kind: "call", callee: of, args: this.args(first(call)), argsSpan: this.places.ofNode(node), span };
    if (index !== undefined)
      return { kind: "index", of, items: all(first(index).children.indexItem).map((i) => this.indexItem(i)), span };
    if (primary !== undefined) return { kind: "with", of, map: this.primary(first(primary)), span };
    const { Word, Star, pick } = first(member).children;
    if (Star !== undefined) return { kind: "star", of, span };
    if (pick !== undefined) {
      const names = all(first(pick).children.Word).filter((word) => !isHole(word));
      return { kind: "pick", of, names: names.map((word) => this.places.name(word)), span };
    }
    const word = first(Word);
    return isHole(word) ? { kind: "bad", span } : { kind: "member", of, name: this.places.name(word), span };
  }

  args(node: cst.CallCstNode): readonly Argument[] {
    return all(node.children.argument).map((argument) => {
      const { Word, expr } = argument.children;
      const word = Word?.[0];
      const name = word === undefined || isHole(word) ? undefined : this.places.name(word);
      return { name, value: this.expr(first(expr)), span: this.places.ofNode(argument) };
    });
  }

  indexItem(node: cst.IndexItemCstNode): IndexItem {
    const { Colon, Ellipsis, New, expr } = node.children;
    const span = this.places.ofNode(node);
    if (Colon !== undefined) return { kind: "all", span };
    if (Ellipsis !== undefined) return { kind: "rest", span };
    if (New !== undefined) return { kind: "new", span };
    return { kind: "at", value: this.expr(first(expr)), span };
  }

  primary(node: cst.PrimaryCstNode): Expr {
    const { Name, Number, String: text, True, False, Training, tuple, listLiteral, mapLiteral } = node.children;
    const span = this.places.ofNode(node);
    if (Name !== undefined) {
      const token = first(Name);
      return isHole(token) ? { kind: "bad", span } : { kind: "name", text: token.image, span };
    }
    if (Number !== undefined) return this.places.number(first(Number));
    if (text !== undefined) return this.places.string(first(text));
    if (True !== undefined) return { kind: "bool", value: true, span };
    if (False !== undefined) return { kind: "bool", value: false, span };
    if (Training !== undefined) return { kind: "training", span };
    if (tuple !== undefined) {
      const members = all(first(tuple).children.expr).map((e) => this.expr(e));
      const [only] = members;
      return only !== undefined && members.length === 1 ? { ...only, span } : { kind: "tuple", members, span };
    }
    if (listLiteral !== undefined) return this.list(first(listLiteral), span);
    if (mapLiteral !== undefined) return { kind: "map", entries: this.entries(first(mapLiteral)), span };
    return { kind: "branch", span };
  }

  list(node: cst.ListLiteralCstNode, span: Span): Expr {
    const { spread, expr, forClause, listRest } = node.children;
    if (forClause !== undefined)
      return { kind: "comprehension", member: this.expr(first(expr)), for: this.forClause(first(forClause)), span };
    const members = [this.listMember(spread, expr)];
    for (const member of all(listRest?.[0]?.children.listMember))
      members.push(this.listMember(member.children.spread, member.children.expr));
    return { kind: "list", members: members.filter((member) => member !== undefined), span };
  }

  listMember(
    spread: readonly cst.SpreadCstNode[] | undefined,
    expr: readonly cst.ExprCstNode[] | undefined,
  ): ListMember | undefined {
    if (spread !== undefined) return { spread: true, value: this.expr(first(first(spread).children.expr)) };
    return expr === undefined ? undefined : { spread: false, value: this.expr(first(expr)) };
  }

  entries(node: cst.MapLiteralCstNode): readonly MapEntry[] {
    return all(node.children.mapEntry)
      .filter((entry) => !isHole(first(entry.children.Word)))
      .map((entry) => ({
        key: this.places.name(first(entry.children.Word)),
        value: this.expr(first(entry.children.expr)),
        span: this.places.ofNode(entry),
      }));
  }
}

/**
 * The rules of expressions and types. The first third of the parser: it knows nothing of lines, models and files.
 */
import { CstParser, type CstNode, type IParserConfig, type ParserMethod } from "chevrotain";
import { LazyLookahead } from "./lookahead.ts";
import { allTokens, tokens as t } from "./tokens.ts";

export type Rule = ParserMethod<[], CstNode>;

/** One token decides almost everywhere; the few places that need a second one say so with this. */
export const TWO = 2;

export abstract class ExpressionParser extends CstParser {
  protected constructor(config: IParserConfig) {
    super([...allTokens], {
      maxLookahead: 1,
      recoveryEnabled: false,
      nodeLocationTracking: "onlyOffset",
      lookaheadStrategy: new LazyLookahead({ maxLookahead: 1 }),
      ...config,
    });
  }

  abstract readonly params: Rule;
  abstract readonly pattern: Rule;
  abstract readonly forClause: Rule;
  abstract readonly body: Rule;

  /** `[ x { "," x } [ "," ] ]`; at most once a rule. The two functions are the same rule's first and second use. */
  protected list(first: () => void, next: () => void): void {
    this.OPTION8(() => {
      first();
      this.MANY8({
        MAX_LOOKAHEAD: TWO,
        DEF: () => {
          this.CONSUME8(t.Comma);
          next();
        },
      });
      this.OPTION9(() => this.CONSUME9(t.Comma));
    });
  }

  // --- types ------------------------------------------------------------------------------------------------------------

  /** `: type`, wherever a type may be left out. */
  readonly typeOf: Rule = this.RULE("typeOf", () => {
    this.CONSUME(t.Colon);
    this.SUBRULE(this.type);
  });

  readonly type: Rule = this.RULE("type", () => {
    this.SUBRULE(this.plainType);
    this.OPTION(() => {
      this.CONSUME(t.In);
      this.SUBRULE(this.range);
    });
  });

  readonly plainType: Rule = this.RULE("plainType", () => {
    this.OR([
      { ALT: () => this.SUBRULE(this.tensorType) },
      { ALT: () => this.SUBRULE(this.listType) },
      { ALT: () => this.SUBRULE(this.tupleType) },
      { ALT: () => this.SUBRULE(this.choiceType) },
      { ALT: () => this.SUBRULE(this.blockType) },
    ]);
  });

  readonly tensorType: Rule = this.RULE("tensorType", () => {
    this.CONSUME(t.Name);
    this.OPTION(() => this.SUBRULE(this.dims));
  });

  readonly dims: Rule = this.RULE("dims", () => {
    this.CONSUME(t.LSquare);
    this.list(
      () => this.SUBRULE1(this.dim),
      () => this.SUBRULE2(this.dim),
    );
    this.CONSUME(t.RSquare);
  });

  readonly dim: Rule = this.RULE("dim", () => {
    this.OR([
      {
        ALT: () => {
          this.CONSUME(t.Ellipsis);
          this.OPTION(() => this.SUBRULE(this.postfix));
        },
      },
      { ALT: () => this.CONSUME(t.Wildcard) },
      { ALT: () => this.SUBRULE(this.expr) },
    ]);
  });

  readonly listType: Rule = this.RULE("listType", () => {
    this.CONSUME(t.List);
    this.CONSUME(t.LSquare);
    this.SUBRULE(this.type);
    this.CONSUME(t.RSquare);
  });

  readonly tupleType: Rule = this.RULE("tupleType", () => {
    this.CONSUME(t.LParen);
    this.list(
      () => this.SUBRULE1(this.type),
      () => this.SUBRULE2(this.type),
    );
    this.CONSUME(t.RParen);
  });

  readonly choiceType: Rule = this.RULE("choiceType", () => {
    this.CONSUME1(t.String);
    this.MANY(() => {
      this.CONSUME(t.Bar);
      this.CONSUME2(t.String);
    });
  });

  readonly blockType: Rule = this.RULE("blockType", () => {
    this.CONSUME(t.Block);
    this.SUBRULE1(this.params);
    this.OPTION(() => this.SUBRULE2(this.params));
    this.CONSUME(t.Arrow);
    this.SUBRULE(this.plainType);
  });

  // --- expressions ------------------------------------------------------------------------------------------------------

  readonly expr: Rule = this.RULE("expr", () => {
    this.OR([
      { ALT: () => this.SUBRULE(this.ifExpr) },
      { ALT: () => this.SUBRULE(this.foldExpr) },
      { ALT: () => this.SUBRULE(this.blockExpr) },
      { ALT: () => this.SUBRULE(this.pipe) },
    ]);
  });

  readonly ifExpr: Rule = this.RULE("ifExpr", () => {
    this.CONSUME(t.If);
    this.SUBRULE1(this.expr);
    this.CONSUME(t.Then);
    this.SUBRULE2(this.expr);
    this.CONSUME(t.Else);
    this.SUBRULE3(this.expr);
  });

  readonly foldExpr: Rule = this.RULE("foldExpr", () => {
    this.CONSUME(t.Fold);
    this.SUBRULE(this.pattern);
    this.OPTION(() => this.SUBRULE(this.typeOf));
    this.CONSUME(t.Assign);
    this.SUBRULE(this.expr);
    this.SUBRULE(this.forClause);
    this.SUBRULE(this.body);
  });

  readonly blockExpr: Rule = this.RULE("blockExpr", () => {
    this.CONSUME(t.Block);
    this.SUBRULE(this.params);
    this.SUBRULE(this.body);
  });

  readonly pipe: Rule = this.RULE("pipe", () => {
    this.SUBRULE(this.orExpr);
    this.OPTION(() => this.SUBRULE(this.label));
    this.MANY(() => this.SUBRULE(this.pipeStage));
  });

  readonly pipeStage: Rule = this.RULE("pipeStage", () => {
    this.CONSUME(t.Pipe);
    this.SUBRULE(this.postfix);
    this.OPTION(() => this.SUBRULE(this.label));
  });

  readonly label: Rule = this.RULE("label", () => {
    this.CONSUME(t.As);
    this.CONSUME(t.Name);
  });

  readonly orExpr: Rule = this.RULE("orExpr", () => {
    this.SUBRULE1(this.andExpr);
    this.MANY(() => {
      this.CONSUME(t.Or);
      this.SUBRULE2(this.andExpr);
    });
  });

  readonly andExpr: Rule = this.RULE("andExpr", () => {
    this.SUBRULE1(this.notExpr);
    this.MANY(() => {
      this.CONSUME(t.And);
      this.SUBRULE2(this.notExpr);
    });
  });

  readonly notExpr: Rule = this.RULE("notExpr", () => {
    this.OPTION(() => this.CONSUME(t.Not));
    this.SUBRULE(this.compare);
  });

  readonly compare: Rule = this.RULE("compare", () => {
    this.SUBRULE1(this.range);
    this.OPTION(() => {
      this.OR([
        { ALT: () => this.CONSUME(t.Equal, { LABEL: "operator" }) },
        { ALT: () => this.CONSUME(t.NotEqual, { LABEL: "operator" }) },
        { ALT: () => this.CONSUME(t.Less, { LABEL: "operator" }) },
        { ALT: () => this.CONSUME(t.LessEqual, { LABEL: "operator" }) },
        { ALT: () => this.CONSUME(t.Greater, { LABEL: "operator" }) },
        { ALT: () => this.CONSUME(t.GreaterEqual, { LABEL: "operator" }) },
      ]);
      this.SUBRULE2(this.range);
    });
  });

  readonly range: Rule = this.RULE("range", () => {
    this.SUBRULE1(this.sum);
    this.OPTION(() => {
      this.OR([
        { ALT: () => this.CONSUME(t.RangeUntil, { LABEL: "operator" }) },
        { ALT: () => this.CONSUME(t.RangeTo, { LABEL: "operator" }) },
      ]);
      this.SUBRULE2(this.sum);
    });
  });

  readonly sum: Rule = this.RULE("sum", () => {
    this.SUBRULE1(this.product);
    this.MANY(() => {
      this.OR([
        { ALT: () => this.CONSUME(t.Plus, { LABEL: "operator" }) },
        { ALT: () => this.CONSUME(t.Minus, { LABEL: "operator" }) },
      ]);
      this.SUBRULE2(this.product);
    });
  });

  readonly product: Rule = this.RULE("product", () => {
    this.SUBRULE1(this.unary);
    this.MANY(() => {
      this.OR([
        { ALT: () => this.CONSUME(t.Star, { LABEL: "operator" }) },
        { ALT: () => this.CONSUME(t.Slash, { LABEL: "operator" }) },
        { ALT: () => this.CONSUME(t.Percent, { LABEL: "operator" }) },
      ]);
      this.SUBRULE2(this.unary);
    });
  });

  readonly unary: Rule = this.RULE("unary", () => {
    this.OPTION(() => this.CONSUME(t.Minus));
    this.SUBRULE(this.power);
  });

  readonly power: Rule = this.RULE("power", () => {
    this.SUBRULE(this.postfix);
    this.OPTION(() => {
      this.CONSUME(t.Caret);
      this.SUBRULE(this.unary);
    });
  });

  readonly postfix: Rule = this.RULE("postfix", () => {
    this.SUBRULE(this.primary);
    this.MANY(() => this.SUBRULE(this.suffix));
  });

  readonly suffix: Rule = this.RULE("suffix", () => {
    this.OR([
      { ALT: () => this.SUBRULE(this.call) },
      { ALT: () => this.SUBRULE(this.index) },
      { ALT: () => this.SUBRULE(this.member) },
      {
        ALT: () => {
          this.CONSUME(t.With);
          this.SUBRULE(this.primary);
        },
      },
    ]);
  });

  readonly call: Rule = this.RULE("call", () => {
    this.CONSUME(t.LParen);
    this.list(
      () => this.SUBRULE1(this.argument),
      () => this.SUBRULE2(this.argument),
    );
    this.CONSUME(t.RParen);
  });

  readonly argument: Rule = this.RULE("argument", () => {
    this.OPTION({
      MAX_LOOKAHEAD: TWO,
      DEF: () => {
        this.CONSUME(t.Word);
        this.CONSUME(t.Colon);
      },
    });
    this.SUBRULE(this.expr);
  });

  readonly index: Rule = this.RULE("index", () => {
    this.CONSUME(t.LSquare);
    this.list(
      () => this.SUBRULE1(this.indexItem),
      () => this.SUBRULE2(this.indexItem),
    );
    this.CONSUME(t.RSquare);
  });

  readonly indexItem: Rule = this.RULE("indexItem", () => {
    this.OR([
      { ALT: () => this.CONSUME(t.Colon) },
      { ALT: () => this.CONSUME(t.Ellipsis) },
      { ALT: () => this.CONSUME(t.New) },
      { ALT: () => this.SUBRULE(this.expr) },
    ]);
  });

  readonly member: Rule = this.RULE("member", () => {
    this.CONSUME(t.Dot);
    this.OR([
      { ALT: () => this.CONSUME(t.Word) },
      { ALT: () => this.CONSUME(t.Star) },
      { ALT: () => this.SUBRULE(this.pick) },
    ]);
  });

  readonly pick: Rule = this.RULE("pick", () => {
    this.CONSUME(t.LCurly);
    this.list(
      () => this.CONSUME1(t.Word),
      () => this.CONSUME2(t.Word),
    );
    this.CONSUME(t.RCurly);
  });

  readonly primary: Rule = this.RULE("primary", () => {
    this.OR([
      { ALT: () => this.CONSUME(t.Name) },
      { ALT: () => this.CONSUME(t.Number) },
      { ALT: () => this.CONSUME(t.String) },
      { ALT: () => this.CONSUME(t.True) },
      { ALT: () => this.CONSUME(t.False) },
      { ALT: () => this.CONSUME(t.Training) },
      { ALT: () => this.CONSUME(t.Branch) },
      { ALT: () => this.SUBRULE(this.tuple) },
      { ALT: () => this.SUBRULE(this.listLiteral) },
      { ALT: () => this.SUBRULE(this.mapLiteral) },
    ]);
  });

  /** `()`, `(a)` and `(a, b)`; one member is only a parenthesis. */
  readonly tuple: Rule = this.RULE("tuple", () => {
    this.CONSUME(t.LParen);
    this.list(
      () => this.SUBRULE1(this.expr),
      () => this.SUBRULE2(this.expr),
    );
    this.CONSUME(t.RParen);
  });

  readonly listLiteral: Rule = this.RULE("listLiteral", () => {
    this.CONSUME(t.LSquare);
    this.OPTION(() => {
      this.OR1([
        {
          ALT: () => {
            this.SUBRULE(this.spread);
            this.SUBRULE1(this.listRest);
          },
        },
        {
          ALT: () => {
            this.SUBRULE(this.expr);
            this.OR2([{ ALT: () => this.SUBRULE(this.forClause) }, { ALT: () => this.SUBRULE2(this.listRest) }]);
          },
        },
      ]);
    });
    this.CONSUME(t.RSquare);
  });

  readonly listRest: Rule = this.RULE("listRest", () => {
    this.MANY({
      MAX_LOOKAHEAD: TWO,
      DEF: () => {
        this.CONSUME1(t.Comma);
        this.SUBRULE(this.listMember);
      },
    });
    this.OPTION(() => this.CONSUME2(t.Comma));
  });

  readonly listMember: Rule = this.RULE("listMember", () => {
    this.OR([{ ALT: () => this.SUBRULE(this.spread) }, { ALT: () => this.SUBRULE(this.expr) }]);
  });

  readonly spread: Rule = this.RULE("spread", () => {
    this.CONSUME(t.Ellipsis);
    this.SUBRULE(this.expr);
  });

  readonly mapLiteral: Rule = this.RULE("mapLiteral", () => {
    this.CONSUME(t.LCurly);
    this.list(
      () => this.SUBRULE1(this.mapEntry),
      () => this.SUBRULE2(this.mapEntry),
    );
    this.CONSUME(t.RCurly);
  });

  readonly mapEntry: Rule = this.RULE("mapEntry", () => {
    this.CONSUME(t.Word);
    this.CONSUME(t.Colon);
    this.SUBRULE(this.expr);
  });
}

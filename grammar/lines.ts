/**
 * The rules of parameters, bodies, lines, model items, training, data and pretrained weights: the second third of the parser.
 */
import { ExpressionParser, TWO, type Rule } from "./expressions.ts";
import { tokens as t } from "./tokens.ts";

export abstract class LineParser extends ExpressionParser {
  abstract readonly paths: Rule;

  // --- parts of expressions and declarations ----------------------------------------------------------------------------

  readonly params: Rule = this.RULE("params", () => {
    this.CONSUME(t.LParen);
    this.list(
      () => this.SUBRULE1(this.parameter),
      () => this.SUBRULE2(this.parameter),
    );
    this.CONSUME(t.RParen);
  });

  readonly parameter: Rule = this.RULE("parameter", () => {
    this.CONSUME(t.Name);
    this.OPTION1(() => this.SUBRULE(this.typeOf));
    this.OPTION2(() => {
      this.CONSUME(t.Assign);
      this.SUBRULE(this.expr);
    });
  });

  readonly where: Rule = this.RULE("where", () => {
    this.CONSUME(t.Where);
    this.SUBRULE1(this.expr);
    this.MANY(() => {
      this.CONSUME(t.Comma);
      this.SUBRULE2(this.expr);
    });
  });

  readonly body: Rule = this.RULE("body", () => {
    this.OR([
      { ALT: () => this.SUBRULE1(this.result) },
      {
        ALT: () => {
          this.CONSUME(t.LCurly);
          this.MANY(() => this.SUBRULE(this.statement));
          this.SUBRULE2(this.result);
          this.CONSUME(t.RCurly);
        },
      },
    ]);
  });

  readonly result: Rule = this.RULE("result", () => {
    this.CONSUME(t.FatArrow);
    this.SUBRULE(this.expr);
  });

  /** What a `let`, a `for` or a `fold` binds. */
  readonly pattern: Rule = this.RULE("pattern", () => {
    this.OR([
      { ALT: () => this.CONSUME(t.Name) },
      { ALT: () => this.CONSUME(t.Wildcard) },
      { ALT: () => this.SUBRULE(this.tuplePattern) },
    ]);
  });

  readonly tuplePattern: Rule = this.RULE("tuplePattern", () => {
    this.CONSUME(t.LParen);
    this.list(
      () => this.SUBRULE1(this.pattern),
      () => this.SUBRULE2(this.pattern),
    );
    this.CONSUME(t.RParen);
  });

  readonly forClause: Rule = this.RULE("forClause", () => {
    this.CONSUME(t.For);
    this.OPTION1({
      MAX_LOOKAHEAD: TWO,
      DEF: () => {
        this.CONSUME(t.Name);
        this.CONSUME(t.Colon);
      },
    });
    this.SUBRULE(this.pattern);
    this.CONSUME(t.In);
    this.SUBRULE1(this.expr);
    this.OPTION2(() => {
      this.CONSUME(t.If);
      this.SUBRULE2(this.expr);
    });
  });

  // --- lines ------------------------------------------------------------------------------------------------------------

  readonly annotation: Rule = this.RULE("annotation", () => {
    this.CONSUME(t.AtSign);
    this.CONSUME(t.Word);
    this.OPTION(() => this.SUBRULE(this.call));
  });

  readonly statement: Rule = this.RULE("statement", () => {
    this.MANY(() => this.SUBRULE(this.annotation));
    this.SUBRULE(this.line);
  });

  readonly line: Rule = this.RULE("line", () => {
    this.OR([
      { ALT: () => this.SUBRULE(this.letLine) },
      { ALT: () => this.SUBRULE(this.sharedLine) },
      { ALT: () => this.SUBRULE(this.paramLine) },
      { ALT: () => this.SUBRULE(this.stateLine) },
      { ALT: () => this.SUBRULE(this.updateLine) },
      { ALT: () => this.SUBRULE(this.assertLine) },
    ]);
  });

  readonly letLine: Rule = this.RULE("letLine", () => {
    this.CONSUME(t.Let);
    this.SUBRULE(this.pattern);
    this.OPTION(() => this.SUBRULE(this.typeOf));
    this.CONSUME(t.Assign);
    this.SUBRULE(this.expr);
  });

  readonly sharedLine: Rule = this.RULE("sharedLine", () => {
    this.CONSUME(t.Shared);
    this.CONSUME(t.Name);
    this.CONSUME(t.Assign);
    this.SUBRULE(this.expr);
  });

  readonly paramLine: Rule = this.RULE("paramLine", () => {
    this.CONSUME(t.Param);
    this.CONSUME(t.Name);
    this.SUBRULE(this.typeOf);
    this.CONSUME(t.Assign);
    this.SUBRULE(this.expr);
  });

  readonly stateLine: Rule = this.RULE("stateLine", () => {
    this.CONSUME(t.State);
    this.CONSUME(t.Name);
    this.SUBRULE(this.typeOf);
    this.CONSUME(t.Assign);
    this.SUBRULE(this.expr);
  });

  readonly updateLine: Rule = this.RULE("updateLine", () => {
    this.CONSUME(t.Update);
    this.CONSUME(t.Name);
    this.CONSUME(t.Assign);
    this.SUBRULE(this.expr);
  });

  readonly assertLine: Rule = this.RULE("assertLine", () => {
    this.CONSUME(t.Assert);
    this.SUBRULE(this.expr);
    this.OPTION(() => {
      this.CONSUME(t.Comma);
      this.CONSUME(t.String);
    });
  });

  // --- models -----------------------------------------------------------------------------------------------------------

  readonly item: Rule = this.RULE("item", () => {
    this.MANY(() => this.SUBRULE(this.annotation));
    this.OR([
      { ALT: () => this.SUBRULE(this.line) },
      { ALT: () => this.SUBRULE(this.dimItem) },
      { ALT: () => this.SUBRULE(this.portItem) },
      { ALT: () => this.SUBRULE(this.regionsItem) },
      { ALT: () => this.SUBRULE(this.branchItem) },
      { ALT: () => this.SUBRULE(this.headItem) },
      { ALT: () => this.SUBRULE(this.outputItem) },
      { ALT: () => this.SUBRULE(this.trainItem) },
      { ALT: () => this.SUBRULE(this.dataItem) },
      { ALT: () => this.SUBRULE(this.pretrainedItem) },
    ]);
  });

  readonly dimItem: Rule = this.RULE("dimItem", () => {
    this.CONSUME(t.Dim);
    this.CONSUME(t.Name);
    this.CONSUME(t.In);
    this.SUBRULE(this.expr);
  });

  readonly portItem: Rule = this.RULE("portItem", () => {
    this.OR([{ ALT: () => this.CONSUME(t.Input) }, { ALT: () => this.CONSUME(t.Target) }]);
    this.CONSUME(t.Name);
    this.SUBRULE(this.typeOf);
  });

  readonly regionsItem: Rule = this.RULE("regionsItem", () => {
    this.CONSUME(t.Regions);
    this.CONSUME(t.Name);
    this.CONSUME(t.Of);
    this.SUBRULE(this.expr);
    this.CONSUME(t.Arrow);
    this.SUBRULE(this.type);
    this.SUBRULE(this.fields);
  });

  readonly fields: Rule = this.RULE("fields", () => {
    this.CONSUME(t.LCurly);
    this.MANY(() => this.SUBRULE(this.field));
    this.CONSUME(t.RCurly);
  });

  readonly field: Rule = this.RULE("field", () => {
    this.CONSUME(t.Name);
    this.CONSUME(t.Assign);
    this.SUBRULE(this.expr);
  });

  readonly branchItem: Rule = this.RULE("branchItem", () => {
    this.CONSUME(t.Branch);
    this.CONSUME(t.Name);
    this.SUBRULE(this.forClause);
    this.SUBRULE(this.body);
    this.OPTION(() => {
      this.CONSUME(t.Fuse);
      this.SUBRULE(this.expr);
    });
  });

  readonly headItem: Rule = this.RULE("headItem", () => {
    this.CONSUME(t.Head);
    this.CONSUME(t.Name);
    this.OPTION(() => this.SUBRULE(this.forClause));
    this.CONSUME(t.LCurly);
    this.MANY(() => this.SUBRULE(this.headLine));
    this.CONSUME(t.RCurly);
  });

  readonly headLine: Rule = this.RULE("headLine", () => {
    this.MANY(() => this.SUBRULE(this.annotation));
    this.OR([{ ALT: () => this.SUBRULE(this.line) }, { ALT: () => this.SUBRULE(this.outputItem) }]);
  });

  readonly outputItem: Rule = this.RULE("outputItem", () => {
    this.OR([
      {
        ALT: () => {
          this.CONSUME(t.Loss);
          this.OPTION({
            MAX_LOOKAHEAD: TWO,
            DEF: () => {
              this.CONSUME1(t.Name);
              this.CONSUME1(t.Assign);
            },
          });
          this.SUBRULE1(this.expr);
        },
      },
      {
        ALT: () => {
          this.OR2([{ ALT: () => this.CONSUME(t.Predict) }, { ALT: () => this.CONSUME(t.Metric) }]);
          this.CONSUME2(t.Name);
          this.CONSUME2(t.Assign);
          this.SUBRULE2(this.expr);
        },
      },
    ]);
  });

  readonly trainItem: Rule = this.RULE("trainItem", () => {
    this.CONSUME(t.Train);
    this.CONSUME(t.LCurly);
    this.MANY(() => this.SUBRULE(this.trainLine));
    this.CONSUME(t.RCurly);
  });

  readonly trainLine: Rule = this.RULE("trainLine", () => {
    this.OR({
      MAX_LOOKAHEAD: TWO,
      DEF: [
        { ALT: () => this.SUBRULE(this.field) },
        { ALT: () => this.SUBRULE(this.optimizeLine) },
        { ALT: () => this.SUBRULE(this.freezeLine) },
        { ALT: () => this.SUBRULE(this.stepItem) },
      ],
    });
  });

  readonly stepItem: Rule = this.RULE("stepItem", () => {
    this.CONSUME(t.Step);
    this.CONSUME(t.Name);
    this.CONSUME(t.LCurly);
    this.MANY(() => this.SUBRULE(this.optimizeLine));
    this.CONSUME(t.RCurly);
  });

  readonly optimizeLine: Rule = this.RULE("optimizeLine", () => {
    this.CONSUME(t.Optimize);
    this.SUBRULE(this.strings);
    this.OPTION(() => {
      this.CONSUME(t.For);
      this.SUBRULE(this.paths);
    });
    this.CONSUME(t.By);
    this.SUBRULE1(this.expr);
    this.CONSUME(t.At);
    this.SUBRULE2(this.expr);
  });

  readonly freezeLine: Rule = this.RULE("freezeLine", () => {
    this.CONSUME(t.Freeze);
    this.SUBRULE(this.strings);
  });

  readonly dataItem: Rule = this.RULE("dataItem", () => {
    this.CONSUME(t.Data);
    this.SUBRULE(this.fields);
  });

  readonly pretrainedItem: Rule = this.RULE("pretrainedItem", () => {
    this.CONSUME(t.Pretrained);
    this.CONSUME(t.Name);
    this.CONSUME(t.From);
    this.CONSUME(t.String);
    this.CONSUME(t.LCurly);
    this.MANY(() => this.SUBRULE(this.rule));
    this.CONSUME(t.RCurly);
  });

  readonly rule: Rule = this.RULE("rule", () => {
    this.OR([
      {
        ALT: () => {
          this.CONSUME(t.String);
          this.CONSUME(t.Assign);
          this.SUBRULE(this.expr);
        },
      },
      {
        ALT: () => {
          this.OR2([{ ALT: () => this.CONSUME(t.Fresh) }, { ALT: () => this.CONSUME(t.Unused) }]);
          this.SUBRULE(this.strings);
        },
      },
    ]);
  });

  readonly strings: Rule = this.RULE("strings", () => {
    this.CONSUME1(t.String);
    this.MANY(() => {
      this.CONSUME(t.Comma);
      this.CONSUME2(t.String);
    });
  });
}

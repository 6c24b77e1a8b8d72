/**
 * The grammar of `.arch` as a Chevrotain parser that only builds a concrete tree: no actions, no gates, no recovery.
 * Two tokens of lookahead decide everywhere; a test proves it. Recovery is made outside (`src/compiler/syntax`).
 */
import { CstParser, type CstNode, type IParserConfig, type ParserMethod } from "chevrotain";
import { allTokens, tokens as t } from "./tokens.ts";

export type Rule = ParserMethod<[], CstNode>;

/** One token decides almost everywhere; the few places that need a second one say so with this. */
const TWO = 2;

export class ArchParser extends CstParser {
  constructor(config: IParserConfig = {}) {
    super([...allTokens], { maxLookahead: 1, recoveryEnabled: false, nodeLocationTracking: "onlyOffset", ...config });
    this.performSelfAnalysis();
  }

  /** `[ x { "," x } [ "," ] ]`; at most once a rule. The two functions are the same rule's first and second use. */
  #list(first: () => void, next: () => void): void {
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

  // --- top level ----------------------------------------------------------------------------------------------------

  readonly file: Rule = this.RULE("file", () => {
    this.MANY(() => this.SUBRULE(this.declaration));
  });

  readonly declaration: Rule = this.RULE("declaration", () => {
    this.MANY(() => this.SUBRULE(this.annotation));
    this.OR([
      { ALT: () => this.SUBRULE(this.importDecl) },
      { ALT: () => this.SUBRULE(this.constDecl) },
      { ALT: () => this.SUBRULE(this.fnDecl) },
      { ALT: () => this.SUBRULE(this.primDecl) },
      { ALT: () => this.SUBRULE(this.blockDecl) },
      { ALT: () => this.SUBRULE(this.modelDecl) },
      { ALT: () => this.SUBRULE(this.variantDecl) },
    ]);
  });

  readonly annotation: Rule = this.RULE("annotation", () => {
    this.CONSUME(t.AtSign);
    this.CONSUME(t.Word);
    this.OPTION(() => this.SUBRULE(this.call));
  });

  readonly importDecl: Rule = this.RULE("importDecl", () => {
    this.CONSUME(t.Import);
    this.CONSUME(t.LCurly);
    this.#list(
      () => this.SUBRULE1(this.importName),
      () => this.SUBRULE2(this.importName),
    );
    this.CONSUME(t.RCurly);
    this.CONSUME(t.From);
    this.CONSUME(t.String);
  });

  readonly importName: Rule = this.RULE("importName", () => {
    this.CONSUME1(t.Name);
    this.OPTION(() => {
      this.CONSUME(t.As);
      this.CONSUME2(t.Name);
    });
  });

  readonly constDecl: Rule = this.RULE("constDecl", () => {
    this.CONSUME(t.Const);
    this.CONSUME(t.Name);
    this.OPTION(() => this.SUBRULE(this.typeOf));
    this.CONSUME(t.Assign);
    this.SUBRULE(this.expr);
  });

  /** `: type`, wherever a type may be left out. */
  readonly typeOf: Rule = this.RULE("typeOf", () => {
    this.CONSUME(t.Colon);
    this.SUBRULE(this.type);
  });

  readonly fnDecl: Rule = this.RULE("fnDecl", () => {
    this.CONSUME(t.Fn);
    this.CONSUME(t.Name);
    this.SUBRULE(this.params);
    this.CONSUME(t.Arrow);
    this.SUBRULE(this.type);
    this.OPTION(() => this.SUBRULE(this.where));
    this.SUBRULE(this.body);
  });

  readonly primDecl: Rule = this.RULE("primDecl", () => {
    this.CONSUME(t.Prim);
    this.CONSUME(t.Name);
    this.SUBRULE(this.signature);
  });

  readonly blockDecl: Rule = this.RULE("blockDecl", () => {
    this.CONSUME(t.Block);
    this.CONSUME(t.Name);
    this.SUBRULE(this.signature);
    this.SUBRULE(this.body);
  });

  readonly signature: Rule = this.RULE("signature", () => {
    this.SUBRULE1(this.params);
    this.OPTION1(() => this.SUBRULE2(this.params));
    this.OPTION2(() => {
      this.CONSUME(t.Arrow);
      this.SUBRULE(this.type);
    });
    this.OPTION3(() => this.SUBRULE(this.where));
  });

  readonly params: Rule = this.RULE("params", () => {
    this.CONSUME(t.LParen);
    this.#list(
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

  // --- types --------------------------------------------------------------------------------------------------------

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
    this.#list(
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
    this.#list(
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

  // --- lines --------------------------------------------------------------------------------------------------------

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
    this.#list(
      () => this.SUBRULE1(this.pattern),
      () => this.SUBRULE2(this.pattern),
    );
    this.CONSUME(t.RParen);
  });

  // --- models -------------------------------------------------------------------------------------------------------

  readonly modelDecl: Rule = this.RULE("modelDecl", () => {
    this.CONSUME(t.Model);
    this.CONSUME(t.Name);
    this.SUBRULE(this.params);
    this.CONSUME(t.LCurly);
    this.MANY(() => this.SUBRULE(this.item));
    this.CONSUME(t.RCurly);
  });

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

  // --- training, data, pretrained -----------------------------------------------------------------------------------

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

  // --- variants -----------------------------------------------------------------------------------------------------

  readonly variantDecl: Rule = this.RULE("variantDecl", () => {
    this.CONSUME(t.Variant);
    this.CONSUME1(t.Name);
    this.CONSUME(t.Of);
    this.CONSUME2(t.Name);
    this.CONSUME(t.LCurly);
    this.MANY(() => this.SUBRULE(this.edit));
    this.CONSUME(t.RCurly);
  });

  readonly edit: Rule = this.RULE("edit", () => {
    this.OR([
      { ALT: () => this.SUBRULE(this.setEdit) },
      { ALT: () => this.SUBRULE(this.keepEdit) },
      { ALT: () => this.SUBRULE(this.removeEdit) },
      { ALT: () => this.SUBRULE(this.addEdit) },
    ]);
  });

  readonly setEdit: Rule = this.RULE("setEdit", () => {
    this.CONSUME(t.Set);
    this.SUBRULE(this.path);
    this.CONSUME(t.Assign);
    this.SUBRULE(this.expr);
  });

  readonly keepEdit: Rule = this.RULE("keepEdit", () => {
    this.CONSUME(t.Keep);
    this.SUBRULE(this.paths);
  });

  readonly removeEdit: Rule = this.RULE("removeEdit", () => {
    this.CONSUME(t.Remove);
    this.SUBRULE(this.paths);
  });

  readonly addEdit: Rule = this.RULE("addEdit", () => {
    this.CONSUME(t.Add);
    this.OPTION(() => {
      this.CONSUME(t.In);
      this.SUBRULE(this.path);
    });
    this.OR({
      MAX_LOOKAHEAD: TWO,
      DEF: [
        { ALT: () => this.SUBRULE(this.item) },
        { ALT: () => this.SUBRULE(this.field) },
        { ALT: () => this.SUBRULE(this.optimizeLine) },
        { ALT: () => this.SUBRULE(this.freezeLine) },
        { ALT: () => this.SUBRULE(this.rule) },
      ],
    });
  });

  readonly paths: Rule = this.RULE("paths", () => {
    this.SUBRULE1(this.path);
    this.MANY(() => {
      this.CONSUME(t.Comma);
      this.SUBRULE2(this.path);
    });
  });

  readonly path: Rule = this.RULE("path", () => {
    this.CONSUME(t.Word);
    this.MANY(() => this.SUBRULE(this.pathPart));
  });

  readonly pathPart: Rule = this.RULE("pathPart", () => {
    this.CONSUME(t.Dot);
    this.OR([{ ALT: () => this.CONSUME(t.Word) }, { ALT: () => this.CONSUME(t.Star) }]);
  });

  // --- expressions --------------------------------------------------------------------------------------------------

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
    this.#list(
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
    this.#list(
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
    this.#list(
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
    this.#list(
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
    this.#list(
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

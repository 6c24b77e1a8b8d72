/**
 * The grammar of `.arch` as a Chevrotain parser that only builds a concrete tree: no actions, no gates, no recovery.
 * Two tokens of lookahead decide everywhere; a test proves it. Recovery is made outside (`src/compiler/syntax`).
 * This file has the rules of files, declarations and variants; the others stand in the two classes below it.
 */
import type { IParserConfig } from "chevrotain";
import { TWO, type Rule } from "./expressions.ts";
import { LineParser } from "./lines.ts";
import { tokens as t } from "./tokens.ts";

export type { Rule } from "./expressions.ts";

export class ArchParser extends LineParser {
  constructor(config: IParserConfig = {}) {
    super(config);
    this.performSelfAnalysis();
  }

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

  readonly importDecl: Rule = this.RULE("importDecl", () => {
    this.CONSUME(t.Import);
    this.CONSUME(t.LCurly);
    this.list(
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

  readonly modelDecl: Rule = this.RULE("modelDecl", () => {
    this.CONSUME(t.Model);
    this.CONSUME(t.Name);
    this.SUBRULE(this.params);
    this.CONSUME(t.LCurly);
    this.MANY(() => this.SUBRULE(this.item));
    this.CONSUME(t.RCurly);
  });

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
}

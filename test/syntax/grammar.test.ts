/** The grammar itself: two tokens of lookahead decide everywhere, and every word of the table is used. */
import { NonTerminal, Terminal, type IProduction } from "chevrotain";
import { describe, expect, it } from "vitest";
import { ArchParser } from "../../grammar/parser.ts";
import { allTokens, reservedWords, softWords } from "../../grammar/tokens.ts";
import { findConflicts, inside } from "./lookahead.ts";

describe("grammar", () => {
  it("passes Chevrotain's own validation with two tokens everywhere", () => {
    expect(() => new ArchParser({ maxLookahead: 2, skipValidations: false })).not.toThrow();
  });

  it("passes Chevrotain's own validation as it is used", () => {
    expect(() => new ArchParser({ skipValidations: false })).not.toThrow();
  });

  it("is LL(2) also past optional parts and rule ends", () => {
    const parser = new ArchParser({ skipValidations: true });
    expect(findConflicts(parser.getGAstProductions(), "file", 2)).toEqual([]);
    // One token is not enough, which also shows that the check sees conflicts.
    const rules = findConflicts(parser.getGAstProductions(), "file", 1).map((c) => c.rule);
    expect(new Set(rules)).toEqual(
      new Set([
        ...["addEdit", "argument", "call", "dims", "forClause", "importDecl", "index", "listRest", "mapLiteral"],
        ...["outputItem", "params", "pick", "trainLine", "tuple", "tuplePattern", "tupleType"],
      ]),
    );
  });

  it("uses every token", () => {
    const parser = new ArchParser({ skipValidations: true });
    const used = new Set<string>();
    const visit = (p: IProduction): void => {
      if (p instanceof Terminal) used.add(p.terminalType.name);
      if (p instanceof NonTerminal) return;
      for (const inner of inside(p)) visit(inner);
    };
    for (const rule of Object.values(parser.getGAstProductions())) visit(rule);
    const unused = allTokens.map((t) => t.name).filter((name) => !used.has(name) && name !== "Identifier");
    expect(unused).toEqual([]);
  });

  it("has the words of the language", () => {
    expect(Object.keys(reservedWords)).toHaveLength(45);
    expect(Object.keys(softWords)).toHaveLength(11);
  });
});

/** What an editor colours how. Each line is written out by hand; the grammar is the generated one. */
import { beforeAll, describe, expect, it } from "vitest";
import type { IGrammar } from "vscode-textmate";
import { loadGrammar, piecesOf } from "./tokenize.ts";
import { scan } from "../../src/compiler/syntax/scan.ts";
import { reservedWords } from "../../grammar/tokens.ts";
import { specFiles } from "../syntax/support.ts";

let grammar: IGrammar;
beforeAll(async () => {
  grammar = await loadGrammar();
});

/** `text‹scope›` of each piece, marks left out. */
function coloured(line: string): string {
  return piecesOf(grammar, line)
    .filter((p) => !p.scope.startsWith("punctuation") && !p.scope.startsWith("keyword.operator"))
    .map((p) => `${p.text.trim()}‹${p.scope}›`)
    .join(" ");
}

describe("highlighting", () => {
  it.each([
    [
      "block basic(out: int, stride: int = 1)(x: float[B, C, ...S]) -> float[B, out]",
      "block‹storage.type.declaration› basic‹entity.name.function› out‹variable.parameter.name› int‹support.type.primitive› " +
        "stride‹variable.parameter.name› int‹support.type.primitive› 1‹constant.numeric› x‹variable.parameter.name› " +
        "float‹support.type.primitive› B‹variable.other.dim› C‹variable.other.dim› S‹variable.other.dim› " +
        "float‹support.type.primitive› B‹variable.other.dim› out‹variable.other›",
    ],
    [
      "  let main = x |> conv(out, stride: 2) as conv1 |> relu",
      "let‹storage.type.line› main‹variable.other.definition› x‹variable.other› conv‹entity.name.function.call› " +
        "out‹variable.other› stride‹variable.parameter.name› 2‹constant.numeric› as‹keyword.control.clause› " +
        "conv1‹entity.name.label› relu‹variable.other›",
    ],
    [
      "branch mixed for (g, l) in zip(global.*.b2, branch.*.*) { } fuse lstm_sum(width)",
      "branch‹storage.type.item› mixed‹entity.name.section› for‹keyword.control.clause› g‹variable.other› l‹variable.other› " +
        "in‹keyword.control.clause› zip‹entity.name.function.call› global‹variable.other› *‹variable.other.member› " +
        "b2‹variable.other.member› branch‹variable.language.branch› *‹variable.other.member› *‹variable.other.member› " +
        "fuse‹keyword.control.clause› lstm_sum‹entity.name.function.call› width‹variable.other›",
    ],
    [
      'pretrained zoo from "zoo" { "a.{x**}" = "b" |> half fresh "**" }',
      "pretrained‹storage.type.item› zoo‹entity.name.section› from‹keyword.control.clause› zoo‹string.quoted.double› " +
        "a.‹string.quoted.double› {x**}‹constant.other.placeholder› b‹string.quoted.double› half‹variable.other› " +
        "fresh‹keyword.other.rule› **‹constant.other.placeholder›",
    ],
    [
      "variant wide of tiny { set width = 16 keep head.final remove x }",
      "variant‹storage.type.declaration› wide‹entity.name.type.variant› of‹keyword.control.clause› " +
        "tiny‹entity.name.type.model› set‹keyword.other.edit› width‹variable.other.field› 16‹constant.numeric› " +
        "keep‹keyword.other.edit› head‹storage.type.item› final‹variable.other.member› remove‹keyword.other.edit› x‹variable.other›",
    ],
    [
      'optimize "**" for d by adam() at constant(2e-4)',
      "optimize‹keyword.control.training› **‹constant.other.placeholder› for‹keyword.control.clause› d‹variable.other› " +
        "by‹keyword.control.clause› adam‹entity.name.function.call› at‹keyword.control.clause› " +
        "constant‹entity.name.function.call› 2e-4‹constant.numeric›",
    ],
    [
      "loss 0.3 * cross_entropy(z, y)  metric mae = mae(z) // mean",
      "loss‹keyword.other.output› 0.3‹constant.numeric› cross_entropy‹entity.name.function.call› z‹variable.other› " +
        "y‹variable.other› metric‹keyword.other.output› mae‹variable.other.definition› mae‹entity.name.function.call› " +
        "z‹variable.other› mean‹comment.line.double-slash›",
    ],
    ["/// Two layers.", "Two layers.‹comment.line.documentation›"],
    ["@renamed", "renamed‹storage.modifier.annotation›"],
    [
      "target age: i32[B] in 0 ..< classes",
      "target‹storage.type.item› age‹variable.parameter› i32‹support.type.primitive› B‹variable.other.dim› " +
        "in‹keyword.control.clause› 0‹constant.numeric› classes‹variable.other›",
    ],
  ])("colours %s", (line, expected) => {
    expect(coloured(line)).toBe(expected);
  });

  it("takes soft words and keys for names where they are names", () => {
    expect(coloured("let by = { loss: from, in: step.at }")).toBe(
      "let‹storage.type.line› by‹variable.other.definition› loss‹variable.parameter.name› from‹variable.other› " +
        "in‹variable.parameter.name› step‹variable.other› at‹variable.other.member›",
    );
  });

  it("ends a string that is never closed with its line", () => {
    expect(piecesOf(grammar, 'let a = "open\nlet b = 1').at(-3)).toEqual({
      text: "b",
      scope: "variable.other.definition",
    });
  });

  /** The compiler's own scanner decides what is a string, a number and a comment; the colours must agree. */
  it.each(specFiles().map((file) => [file.name, file] as const))("agrees with the scanner on %s", (_, file) => {
    const scopes = new Map<string, Set<string>>();
    for (const { text, scope } of piecesOf(grammar, file.text)) {
      const known = scopes.get(text.trim()) ?? new Set<string>();
      scopes.set(text.trim(), known.add(scope));
    }
    for (const token of scan(file).tokens) {
      const seen = scopes.get(token.image);
      if (token.tokenType.name === "Number") expect(seen, token.image).toContain("constant.numeric");
      if (token.tokenType.name === "Identifier") expect(seen, token.image).toBeDefined();
      if (Object.hasOwn(reservedWords, token.image))
        expect([...(seen ?? [])].join(), token.image).not.toBe("variable.other");
    }
  });
});

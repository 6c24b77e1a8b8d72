/** What people are told about a mistake: place, what was expected, and the edit that mends it. */
import { describe, expect, it } from "vitest";
import { render } from "../../src/compiler/diagnostics/render.ts";
import { DiagnosticBag } from "../../src/compiler/diagnostics/diagnostic.ts";
import { parseExpression, parsePath } from "../../src/compiler/syntax/parse.ts";
import { bare, parse, summary } from "./support.ts";

/** The text after every offered edit. */
function fixed(text: string): string {
  const fixes = parse(text).diagnostics.flatMap((d) => d.fixes.slice(0, 1));
  return fixes
    .sort((a, b) => b.span.start - a.span.start)
    .reduce((now, fix) => now.slice(0, fix.span.start) + fix.text + now.slice(fix.span.end), text);
}

const inBlock = (lines: string): string => `block net(x: float[B]) -> float[B] {\n${lines}\n  => x\n}\n`;

describe("a line without a start", () => {
  const text = `block net(x: float[B]) -> float[B] {\n  let y = x |> conv(64)\n  relu(y)\n}\n`;

  it("is shown with the line above and the way out", () => {
    const [diagnostic] = parse(text, "models/net.arch").diagnostics;
    if (diagnostic === undefined) throw new Error("nothing was reported");
    expect(render(diagnostic, { width: 110 })).toBe(
      `
error[E0102]: this line cannot start with \`relu\`                                           models/net.arch:3:3
    2 │   let y = x |> conv(64)
    3 │   relu(y)
      │   ^^^^ a line starts with let, param, …; a body ends in \`=> result\`
   help: => relu(y)`.trimStart(),
    );
  });

  it("is mended by its one edit", () => {
    expect(fixed(text)).toBe(text.replace("  relu(y)", "  => relu(y)"));
    expect(bare(parse(text).tree.declarations)).toEqual(bare(parse(fixed(text)).tree.declarations));
  });

  it("is told apart by where it stands", () => {
    const model = "model m() {\n  input x: f32[B]\n  y = x\n  imput z: f32[B]\n  head h {\n    x\n  }\n}\n";
    expect(summary(parse(model).diagnostics)).toEqual([
      "E0102 3:3 this line cannot start with `y` | a line of a model starts with input, target, let, branch, head, …",
      "E0102 4:3 this line cannot start with `imput` | a line of a model starts with input, target, let, branch, head, …",
      "E0102 6:5 this line cannot start with `x` | a line of a head starts with let, loss, predict or metric",
    ]);
    expect(fixed(model)).toBe(
      model.replace("y = x", "let y = x").replace("imput", "input").replace("    x\n", "    loss x\n"),
    );
  });

  it("knows the words of other languages", () => {
    expect(fixed("block f(x: float[B]) -> float[B] {\n  var y = x\n  return y\n}")).toBe(
      "block f(x: float[B]) -> float[B] {\n  let y = x\n  => y\n}",
    );
  });
});

describe("brackets", () => {
  it.each([
    ["  let y = f(x, g(x)", "E0103 2:12 this `(` is never closed | `)` is missing"],
    ["  let y = [1, 2", "E0103 2:11 this `[` is never closed | `]` is missing"],
    ["  let y = { a: 1, b: 2", "E0103 2:11 this `{` is never closed | `}` is missing"],
    ["  let y = f(x))", "E0109 2:15 this `)` closes nothing"],
    ['  let y = f("abc)', "E0103 2:13 this string is never closed | a string ends on its own line"],
  ])("%s", (line, expected) => {
    const text = inBlock(line);
    const { diagnostics } = parse(text);
    expect(summary(diagnostics)).toEqual([expected]);
    // Where there are several ways to close it, none is offered.
    if (diagnostics[0]?.fixes.length !== 0) expect(parse(fixed(text)).diagnostics).toEqual([]);
  });

  it("says which brace is open, and where that shows", () => {
    const text = "model m() {\n  branch b for x in xs {\n    let y = x\n    => y\n  head h {\n    loss y\n  }\n}\n";
    const { diagnostics, tree } = parse(text);
    expect(summary(diagnostics)).toEqual(["E0103 2:24 this `{` is never closed | `}` is missing"]);
    expect(diagnostics[0]?.related.map((r) => r.label)).toEqual(["this no longer belongs inside"]);
    expect(fixed(text)).toBe(text.replace("=> y\n", "=> y\n  }\n"));
    expect(bare(tree.declarations)).toEqual(bare(parse(fixed(text)).tree.declarations));
  });

  it("puts a missing `{` back", () => {
    const text = "model m() {\n  head h\n    loss y\n  }\n  head i { loss z }\n}\nconst a = 1\n";
    const { diagnostics, tree } = parse(text);
    expect(summary(diagnostics)).toEqual(["E0101 3:5 `loss` does not fit here | expected `{`"]);
    expect(bare(tree.declarations)).toEqual(bare(parse(fixed(text)).tree.declarations));
  });

  it("closes everything before a declaration", () => {
    const text = "model m() {\n  head h {\n    loss y\nblock b(x: float[B]) -> float[B] => x\n";
    const { diagnostics, tree } = parse(text);
    expect(diagnostics.map((d) => d.code)).toEqual(["E0103", "E0103"]);
    expect(tree.declarations.map((d) => d.kind)).toEqual(["model", "block"]);
  });
});

describe("words and marks", () => {
  it.each([
    ["  let state = x", "E0106 2:7 `state` is a word of the language and cannot be a name | expected a name"],
    ["  let y = ", "E0111 2:10 this line is not finished | expected a value after `=`"],
    ["  let y x", "E0101 2:9 `x` does not fit here | expected `=` or `:`"],
    ["  let y = x.", "E0111 2:13 this line is not finished | expected a name, `{` or `*` after `.`"],
    ["  let y = if a then b", "E0111 2:22 this line is not finished | expected `else` or an operator after `b`"],
    ["  let y = f(a = 1)", "E0101 2:15 `=` does not fit here | expected `:`"],
    ["  let y = x @ x", "E0101 2:13 `@` does not fit here | expected the end of the line or an operator"],
    ["  => x\n  let z = x", "E0112 3:3 `let` stands after the body's result | `=> result` is the last line of a body"],
  ])("%s", (line, expected) => {
    expect(summary(parse(inBlock(line)).diagnostics).slice(0, 1)).toEqual([expected]);
  });

  it("offers an edit only where one mends", () => {
    expect(fixed(inBlock("  let y = f(a = 1)"))).toBe(inBlock("  let y = f(a: 1)"));
    expect(fixed(inBlock("  let y = x relu"))).toBe(inBlock("  let y = x relu"));
  });

  it("misses a result", () => {
    expect(summary(parse("fn f() -> int {\n  let a = 1\n}").diagnostics)).toEqual([
      "E0110 3:1 this body has no result | expected `=> result` before this",
    ]);
  });
});

describe("characters", () => {
  it.each([
    [
      "const a = .5",
      "E0107 1:11 `.5` is not a number | a number has a digit on both sides of its point",
      "const a = 0.5",
    ],
    [
      "const a = 1.",
      "E0107 1:11 `1.` is not a number | a number has a digit on both sides of its point",
      "const a = 1.0",
    ],
    ["const a = 1_", "E0107 1:11 `1_` is not a number | `_` stands between two digits", "const a = 1"],
    ["const a = 0x1F", "E0107 1:11 `0x1F` is not a number | numbers are decimal", "const a = 0x1F"],
    ["const a = 1e999", "E0107 1:11 `1e999` is not a number | it is too large to be kept", "const a = 1e999"],
    [
      "const a = 3px",
      "E0107 1:11 `3px` is not a number | a number has no letters and no unit; a name has no digit in front",
      "const a = 3px",
    ],
    ["const a = 1;", "E0104 1:12 `;` means nothing in this language", "const a = 1"],
    ["const a = b ≤ c", "E0104 1:13 `≤` (U+2264) means nothing in this language", "const a = b <= c"],
    ["const a = b && c", "E0104 1:13 `&&` means nothing in this language", "const a = b and c"],
    ["const a = b || !c", "E0104 1:13 `||` means nothing in this language", "const a = b or not c"],
    ["const a = b ** 2", "E0104 1:13 `**` means nothing in this language", "const a = b ^ 2"],
    ["const a = 0..3", "E0104 1:12 `..` means nothing in this language", "const a = 0..<3"],
    ["const a = 'b'", "E0104 1:11 this kind of quote means nothing in this language", 'const a = "b"'],
    ["const a = “b”", "E0104 1:11 this kind of quote means nothing in this language", 'const a = "b"'],
    ["# no comment\nconst a = 1", "E0104 1:1 `#` means nothing in this language", "// no comment\nconst a = 1"],
    ["/* none */ const a = 1", "E0104 1:1 `/*` means nothing in this language", "/* none */ const a = 1"],
    ["const a = größe", "E0104 1:13 `öß` means nothing in this language", "const a = größe"],
    [
      'const a = "\\d"',
      'E0108 1:12 `\\d` means nothing in a string | strings know \\" \\\\ \\n \\t',
      'const a = "\\d"',
    ],
  ])("%s", (text, expected, mended) => {
    expect(summary(parse(text).diagnostics)[0]).toBe(expected);
    expect(fixed(text)).toBe(mended);
  });
});

describe("depth", () => {
  const deep = (n: number): string => `const a = ${"(".repeat(n)}1${")".repeat(n)}\nconst b = 2\n`;

  it("is limited, and the rest of the file is read", () => {
    expect(parse(deep(256)).diagnostics).toEqual([]);
    const { diagnostics, tree } = parse(deep(257));
    expect(diagnostics.map((d) => d.code)).toEqual(["E0105"]);
    expect(tree.declarations).toHaveLength(1);
    expect(parse(deep(50_000)).diagnostics.map((d) => d.code)).toEqual(["E0105"]);
  });

  it.each([
    ["calls", "f(a: not -", ")"],
    ["sums", "1 + 2 * (", ")"],
    ["lists", "[1, ", "]"],
    ["indices", "x[0, ", "]"],
    ["maps", "{ a: ", "}"],
  ])("allows 256 %s, and a mistake inside them is found", (_, open, close) => {
    const text = (inside: string): string => `const a = ${open.repeat(256)}${inside}${close.repeat(256)}\n`;
    expect(parse(text("1")).diagnostics).toEqual([]);
    expect(parse(text("1 1")).diagnostics).toHaveLength(1);
  });

  it.each([
    ["powers", `const a = ${"2 ^ ".repeat(5_000)}2`],
    ["conditions", `const a = ${"if b then 1 else ".repeat(5_000)}2`],
    ["sums", `const a = ${"1 + ".repeat(5_000)}2`],
    ["pipes", `const a = x${" |> f".repeat(5_000)}`],
    ["calls", `const a = f${"()".repeat(5_000)}`],
    ["signs", `const a = ${"not ".repeat(5_000)}b`],
    ["blocks", `const a = ${"block() => ".repeat(5_000)}b`],
  ])("is limited for %s without brackets", (_, text) => {
    expect(parse(text).diagnostics.map((d) => d.code)).toContain("E0105");
  });

  it("does not count what stands side by side", () => {
    expect(parse(`const a = [${"f(1), ".repeat(20_000)}]`).diagnostics).toEqual([]);
    const lines = Array.from({ length: 3_000 }, (_, i) => `  let a${String(i)} = x + 1`).join("\n");
    expect(parse(inBlock(lines)).diagnostics).toEqual([]);
    const fields = Array.from({ length: 3_000 }, (_, i) => `    a${String(i)} = f(x)`).join("\n");
    expect(parse(`model m() { data {\n${fields}\n} }`).diagnostics).toEqual([]);
  });
});

describe("texts from the command line", () => {
  it("reads an expression and a path", () => {
    const bag = new DiagnosticBag();
    expect(bare(parseExpression("adam(beta2: 0.95)", "--set", bag))).toMatchObject({ kind: "call" });
    expect(parsePath("branch.*.fuse", "--set", bag)?.parts.map((p) => p.text)).toEqual(["branch", "*", "fuse"]);
    expect(bag.sorted()).toEqual([]);
  });

  it.each([
    ["1 +", "E0101 1:4 the end does not fit here | expected a value"],
    ["a b", "E0101 1:3 `b` does not fit here | expected an operator"],
    ["", "E0101 1:1 the end does not fit here | expected a value"],
    ["(1", "E0101 1:3 the end does not fit here | expected `,`, `)` or an operator"],
  ])("refuses %j", (text, expected) => {
    const bag = new DiagnosticBag();
    expect(parseExpression(text, "--set", bag)).toBeUndefined();
    expect(summary(bag.sorted())).toEqual([expected]);
  });
});

/** The tree that texts give: precedence, places, comments. Written out by hand from the language's page. */
import { describe, expect, it } from "vitest";
import type { Expr, FileNode } from "../../src/compiler/syntax/ast.ts";
import { spanText } from "../../src/compiler/source/source.ts";
import { bare, parse, specFiles } from "./support.ts";

function tree(text: string): FileNode {
  const { tree: file, diagnostics } = parse(text);
  expect(diagnostics).toEqual([]);
  return file;
}

function expression(text: string): Expr {
  const [declaration] = tree(`const a = ${text}`).declarations;
  if (declaration?.kind !== "const") throw new Error("no const");
  return declaration.value;
}

/** An expression with all its brackets, as the tree has them. */
function shape(e: Expr): string {
  switch (e.kind) {
    case "number":
      return e.text;
    case "name":
      return e.text;
    case "string":
      return JSON.stringify(e.value);
    case "branch":
    case "training":
      return e.kind;
    case "bool":
      return String(e.value);
    case "unary":
      return `(${e.op} ${shape(e.of)})`;
    case "binary":
      return `(${shape(e.left)} ${e.op} ${shape(e.right)})`;
    case "pipe":
      return `(${shape(e.input)} |> ${shape(e.target)})`;
    case "label":
      return `(${shape(e.of)} as ${e.name.text})`;
    case "call":
      return `${shape(e.callee)}(${e.args.map((a) => `${a.name === undefined ? "" : `${a.name.text}: `}${shape(a.value)}`).join(", ")})`;
    case "member":
      return `${shape(e.of)}.${e.name.text}`;
    case "star":
      return `${shape(e.of)}.*`;
    case "pick":
      return `${shape(e.of)}.{${e.names.map((n) => n.text).join(", ")}}`;
    case "with":
      return `(${shape(e.of)} with ${shape(e.map)})`;
    case "index":
      return `${shape(e.of)}[${e.items.map((i) => (i.kind === "at" ? shape(i.value) : i.kind)).join(", ")}]`;
    case "tuple":
      return `<${e.members.map(shape).join(", ")}>`;
    case "list":
      return `[${e.members.map((m) => (m.spread ? "..." : "") + shape(m.value)).join(", ")}]`;
    case "map":
      return `{${e.entries.map((m) => `${m.key.text}: ${shape(m.value)}`).join(", ")}}`;
    case "comprehension":
      return `[${shape(e.member)} for ${shape(e.for.in)}]`;
    case "if":
      return `if ${shape(e.condition)} then ${shape(e.then)} else ${shape(e.else)}`;
    case "fold":
      return `fold ${shape(e.start)} for ${shape(e.for.in)} => ${shape(e.body.result)}`;
    case "block":
      return `block(${e.params.map((p) => p.name.text).join(", ")}) => ${shape(e.body.result)}`;
    case "bad":
      return "BAD";
  }
}

describe("expressions", () => {
  it.each([
    ["1 + 2 * 3", "(1 + (2 * 3))"],
    ["1 - 2 - 3", "((1 - 2) - 3)"],
    ["8 / 4 / 2 % 3", "(((8 / 4) / 2) % 3)"],
    ["2 ^ 3 ^ 2", "(2 ^ (3 ^ 2))"],
    ["-2 ^ 2", "(- (2 ^ 2))"],
    ["2 ^ -1", "(2 ^ (- 1))"],
    ["n - -1", "(n - (- 1))"],
    ["(1 + 2) * 3", "((1 + 2) * 3)"],
    ["a or b and not c == d", "(a or (b and (not (c == d))))"],
    ["0 ..< n + 1", "(0 ..< (n + 1))"],
    ["i == 0 ..= 3", "(i == (0 ..= 3))"],
    ["a + b |> relu", "((a + b) |> relu)"],
    ["x |> f(1) as one |> g as two", "((((x |> f(1)) as one) |> g) as two)"],
    ["x as start |> f", "((x as start) |> f)"],
    ["(x |> f) as one", "((x |> f) as one)"],
    ["f(1)(x)[0].a.*.{b, c}", "f(1)(x)[0].a.*.{b, c}"],
    ["once with { image: flip(x) }", "(once with {image: flip(x)})"],
    ["x[:, 0, 2 ..< 4, new, ...]", "x[all, 0, (2 ..< 4), new, rest]"],
    ["(a)", "a"],
    ["(a,)", "a"],
    ["()", "<>"],
    ["(a, b,)", "<a, b>"],
    ["[...xs, y]", "[...xs, y]"],
    ["[]", "[]"],
    ["[f(x) for x in xs]", "[f(x) for xs]"],
    ["branch.*.*", "branch.*.*"],
    ["{ loss: 1, in: 2 }", "{loss: 1, in: 2}"],
    ["f(loss: 1, 2)", "f(loss: 1, 2)"],
    ["if a then b else if c then d else e", "if a then b else if c then d else e"],
    ["fold y = x for i in 0 ..< 3 => y + i", "fold x for (0 ..< 3) => (y + i)"],
    ["block(v, w) => v |> f", "block(v, w) => (v |> f)"],
    ["if a then b else c |> f", "if a then b else (c |> f)"],
  ])("%s", (text, expected) => {
    expect(shape(expression(text))).toBe(expected);
  });

  it("reads numbers", () => {
    expect(bare(expression("10_000"))).toEqual({ kind: "number", text: "10_000", value: 10000, int: true });
    expect(bare(expression("5e-4"))).toEqual({ kind: "number", text: "5e-4", value: 0.0005, int: false });
    expect(bare(expression("0.5"))).toEqual({ kind: "number", text: "0.5", value: 0.5, int: false });
  });

  it("resolves escapes", () => {
    expect(bare(expression('"a\\"b\\\\n\\n\\t"'))).toEqual({ kind: "string", value: 'a"b\\n\n\t' });
  });
});

describe("declarations", () => {
  it("keeps both lists of a block", () => {
    const [block] = tree(
      "block f(a: int = 1)(x: float[B, ...S, _]) -> float[...] where a > 0, a < 9 => x",
    ).declarations;
    if (block?.kind !== "block") throw new Error("no block");
    expect(block.lists.map((list) => list.map((p) => p.name.text))).toEqual([["a"], ["x"]]);
    expect(block.where).toHaveLength(2);
    expect(bare(block.lists[1]?.[0]?.type)).toMatchObject({
      kind: "tensor",
      dims: [{ kind: "expr" }, { kind: "run", of: { kind: "name", text: "S" } }, { kind: "any" }],
    });
    expect(bare(block.result)).toMatchObject({ kind: "tensor", dims: [{ kind: "run" }] });
  });

  it("hangs a range on its type", () => {
    const [model] = tree("model m() { target age: i32[B] in 0 ..< classes }").declarations;
    if (model?.kind !== "model") throw new Error("no model");
    expect(bare(model.items)).toMatchObject([{ kind: "target", type: { kind: "tensor", range: { op: "..<" } } }]);
  });

  it("reads choices and blocks as types", () => {
    const [fn] = tree(
      'fn f(mode: "in" | "out", g: block(x: float[B])() -> float[B]) -> (int, list[int]) => 1',
    ).declarations;
    if (fn?.kind !== "fn") throw new Error("no fn");
    expect(bare(fn.params.map((p) => p.type))).toMatchObject([
      { kind: "choice", values: [{ value: "in" }, { value: "out" }] },
      { kind: "block", lists: [[{ name: { text: "x" } }], []], result: { kind: "tensor" } },
    ]);
    expect(bare(fn.result)).toMatchObject({ kind: "tuple", members: [{ kind: "tensor" }, { kind: "list" }] });
  });

  it("tells a named loss from an unnamed one", () => {
    const [model] = tree("model m() { head h { loss a = x loss b * y } }").declarations;
    if (model?.kind !== "model") throw new Error("no model");
    const [head] = model.items;
    if (head?.kind !== "head") throw new Error("no head");
    expect(head.lines.map((l) => (l.kind === "loss" ? l.name?.text : l.kind))).toEqual(["a", undefined]);
  });

  it("hangs annotations and comments on what follows", () => {
    const text = '/// One.\n/// Two.\n@was("a", b: 1)\nconst a = 1\n/// Not for b.\n\n// plain\nconst b = 2 // end\n';
    const { declarations, comments } = tree(text);
    expect(declarations.map((d) => d.doc)).toEqual(["One.\nTwo.", undefined]);
    expect(bare(declarations[0]?.annotations)).toMatchObject([
      { name: { text: "was" }, args: [{ value: { value: "a" } }, { name: { text: "b" } }] },
    ]);
    expect(comments.map((c) => [c.text, c.doc])).toEqual([
      ["/// One.", true],
      ["/// Two.", true],
      ["/// Not for b.", true],
      ["// plain", false],
      ["// end", false],
    ]);
  });
});

describe("places", () => {
  it("cover what was read, and lie inside each other", () => {
    const visit = (node: unknown, outer: { readonly start: number; readonly end: number }, seen: string[]): void => {
      if (Array.isArray(node)) for (const member of node) visit(member, outer, seen);
      if (typeof node !== "object" || node === null || Array.isArray(node)) return;
      const span = (node as { span?: { start: number; end: number } }).span;
      if (span !== undefined) {
        expect(span.start).toBeGreaterThanOrEqual(outer.start);
        expect(span.end).toBeLessThanOrEqual(outer.end);
        seen.push("span");
      }
      for (const [key, value] of Object.entries(node))
        if (!["span", "opSpan", "argsSpan", "file", "comments"].includes(key)) visit(value, span ?? outer, seen);
    };
    for (const file of specFiles()) {
      const { tree: root } = parse(file.text, file.name);
      const seen: string[] = [];
      visit(root.declarations, { start: 0, end: file.text.length }, seen);
      expect(seen.length).toBeGreaterThan(10);
    }
  });

  it("include the brackets around one expression", () => {
    const e = expression("(1 + 2) * 3");
    if (e.kind !== "binary") throw new Error("no product");
    expect(spanText(e.left.span)).toBe("(1 + 2)");
    expect(spanText(e.opSpan)).toBe("*");
    expect(spanText(e.span)).toBe("(1 + 2) * 3");
  });
});

describe("specs of the project", () => {
  it.each(specFiles().map((file) => [file.name, file] as const))("%s has no mistakes in its syntax", (_, file) => {
    const { diagnostics, tree: root } = parse(file.text, file.name);
    expect(diagnostics).toEqual([]);
    expect(root.declarations.length).toBeGreaterThan(0);
  });
});

/** Diagnostics on screen: the page that people see, written out by hand. */
import { describe, expect, it } from "vitest";
import type { Diagnostic, Related } from "../../src/compiler/diagnostics/diagnostic.ts";
import { render, renderAll, type Painter } from "../../src/compiler/diagnostics/render.ts";
import type { SourceFile, Span } from "../../src/compiler/source/source.ts";

/** A file whose interesting lines stand where they are said to. */
function fileWith(name: string, lines: Readonly<Record<number, string>>): SourceFile {
  const last = Math.max(...Object.keys(lines).map(Number));
  return { name, text: Array.from({ length: last }, (_, i) => lines[i + 1] ?? "").join("\n") };
}

function at(file: SourceFile, line: number, text: string): Span {
  const start =
    file.text
      .split("\n")
      .slice(0, line - 1)
      .join("\n").length + (line > 1 ? 1 : 0);
  const found = file.text.indexOf(text, start);
  return { file, start: found, end: found + text.length };
}

function diagnostic(code: string, message: string, span: Span, rest: Partial<Diagnostic> = {}): Diagnostic {
  return { code, severity: "error", message, span, label: "", related: [], help: "", note: "", fixes: [], ...rest };
}

const net = fileWith("models/net.arch", {
  8: "let code = x |> linear(64) |> relu |> linear(10)",
  12: "let main = x |> conv(256) as conv1 |> batch_norm as bn1",
  14: "  => relu(main + x)",
  20: "  let logits = linear(z, classes)",
  31: "let b2 = face.eye |> stage(128, stride: 2)",
});

describe("render", () => {
  it("shows the lines in order, each with what it adds", () => {
    const related: Related[] = [
      { span: at(net, 31, "stage"), label: "x has 128 channels: `out` of this stage, one call up (net.arch:32)" },
      { span: at(net, 12, "conv(256)"), label: "main has 256 channels: `out` of this conv" },
    ];
    const shown = render(
      diagnostic("E0301", "these two cannot be added: 128 channels and 256", at(net, 14, "main + x"), {
        label: "f32[B, 256, 28, 28] + f32[B, 128, 28, 28]",
        related,
        help: "project x first:   => relu(main + (x |> conv(256, kernel: 1) as project))",
      }),
      { width: 117 },
    );
    expect(shown).toBe(
      `
error[E0301]: these two cannot be added: 128 channels and 256                                   models/net.arch:14:11
   12 │ let main = x |> conv(256) as conv1 |> batch_norm as bn1
      │                 ───────── main has 256 channels: \`out\` of this conv
   14 │   => relu(main + x)
      │           ^^^^^^^^ f32[B, 256, 28, 28] + f32[B, 128, 28, 28]
   31 │ let b2 = face.eye |> stage(128, stride: 2)
      │                      ───── x has 128 channels: \`out\` of this stage, one call up (net.arch:32)
   help: project x first:   => relu(main + (x |> conv(256, kernel: 1) as project))`.trimStart(),
    );
  });

  it("puts two labels on one line where they fit", () => {
    const file = fileWith("models/vit.arch", {
      7: "model vit(width: int = 770, depth: int = 12, heads: int = 12) {",
      17: "  let last = fold x = start for i in 0 ..< depth => x |> encoder_layer(heads)",
    });
    const shown = render(
      diagnostic("E0310", "attention over 770 channels cannot have 12 heads", at(file, 17, "encoder_layer"), {
        label: "needs C % heads == 0",
        related: [
          { span: at(file, 7, "heads"), label: "heads is 12" },
          { span: at(file, 7, "width"), label: "C is 770" },
        ],
        help: "width 768 or 780",
        note: "(all 12 rounds, reported once)",
      }),
      { width: 100 },
    );
    expect(shown).toBe(
      `
error[E0310]: attention over 770 channels cannot have 12 heads                 models/vit.arch:17:58
    7 │ model vit(width: int = 770, depth: int = 12, heads: int = 12) {
      │           ───── C is 770                     ───── heads is 12
   17 │   let last = fold x = start for i in 0 ..< depth => x |> encoder_layer(heads)
      │                                                          ^^^^^^^^^^^^^ needs C % heads == 0
   help: width 768 or 780                                             (all 12 rounds, reported once)`.trimStart(),
    );
  });

  it("moves a label that does not fit below its place", () => {
    const shown = render(
      diagnostic("E0405", "two layers in `code` are called `linear`", at(net, 8, "linear(64)"), {
        label: "the first of them stands here",
        related: [{ span: at(net, 8, "linear(10)"), label: "both would be code.linear" }],
      }),
      { width: 90 },
    );
    expect(shown).toBe(
      `
error[E0405]: two layers in \`code\` are called \`linear\`                models/net.arch:8:17
    8 │ let code = x |> linear(64) |> relu |> linear(10)
      │                 ^^^^^^^^^^            ────────── both would be code.linear
      │                 the first of them stands here`.trimStart(),
    );
  });

  it("marks lines of other files", () => {
    const ablations = fileWith("models/abl.arch", { 9: "variant only_mixed of dhaa { remove global, local }" });
    const base = fileWith("models/dhaa.arch", { 37: "branch mixed for (g, l) in zip(global.*.b2, local.*.b2) {" });
    const shown = render(
      diagnostic("E0502", "`mixed` still reads `global.*.b2`", at(ablations, 9, "global"), {
        label: "removed here",
        related: [{ span: at(base, 37, "global.*.b2"), label: "read here" }],
      }),
      { width: 100 },
    );
    expect(shown).toBe(
      `
error[E0502]: \`mixed\` still reads \`global.*.b2\`                                 models/abl.arch:9:37
    9 │ variant only_mixed of dhaa { remove global, local }
      │                                     ^^^^^^ removed here
   37 │ branch mixed for (g, l) in zip(global.*.b2, local.*.b2) {                 (models/dhaa.arch)
      │                                ─────────── read here`.trimStart(),
    );
  });

  it("prints further lines of a label as a remark", () => {
    const shown = render(
      diagnostic("E0201", "`linear` takes a number first, and `z` is a tensor", at(net, 20, "z"), {
        label: "f32[B, 128]\nA block has two lists: settings, then tensors.",
        help: "z |> linear(classes)\nor name it",
        note: "seen once",
      }),
      { width: 90 },
    );
    expect(shown).toBe(
      `
error[E0201]: \`linear\` takes a number first, and \`z\` is a tensor     models/net.arch:20:23
   20 │   let logits = linear(z, classes)
      │                       ^ f32[B, 128]
      │ A block has two lists: settings, then tensors.
   help: z |> linear(classes)
         or name it                                                            (seen once)`.trimStart(),
    );
  });

  it("shows a window of a long line", () => {
    const file = fileWith("long.arch", { 1: `let a = ${"x + ".repeat(60)}wrong + ${"y + ".repeat(60)}z` });
    const shown = render(diagnostic("E0202", "unknown", at(file, 1, "wrong"), { label: "here" }), { width: 60 });
    const [, source = "", marks = ""] = shown.split("\n");
    expect(source.length).toBeLessThanOrEqual(60);
    expect(source).toContain("…");
    expect(marks.indexOf("^")).toBe(source.indexOf("wrong"));
    expect(marks).toContain("^^^^^ here");
  });

  it("keeps marks under wide letters and tabs, and shows control characters", () => {
    const file = fileWith("wide.arch", { 1: '\tlet a = "変換\u001b[31m" + wrong' });
    const [, source = "", marks = ""] = render(diagnostic("E0202", "bad \u001b[31m", at(file, 1, "wrong")), {
      width: 60,
    }).split("\n");
    expect(source).toBe('    1 │   let a = "変換\ufffd[31m" + wrong');
    // Two of the letters take two columns each.
    expect(marks.indexOf("^")).toBe(source.indexOf("wrong") + 2);
    expect(render(diagnostic("E0202", "bad \u001b[31m", at(file, 1, "wrong")), { width: 60 })).not.toContain("\u001b");
  });

  it("marks the end of a file", () => {
    const file: SourceFile = { name: "end.arch", text: "let a =" };
    const span: Span = { file, start: 7, end: 7 };
    expect(render(diagnostic("E0111", "this line is not finished", span), { width: 60 })).toBe(
      `
error[E0111]: this line is not finished         end.arch:1:8
    1 │ let a =
      │        ^`.trimStart(),
    );
  });

  it("colours through the painter alone", () => {
    const wrap =
      (tag: string) =>
      (text: string): string =>
        `<${tag}>${text}</${tag}>`;
    const paint: Painter = {
      headline: (_, text) => wrap("b")(text),
      primary: (_, text) => wrap("red")(text),
      related: wrap("blue"),
      place: wrap("dim"),
      gutter: wrap("dim"),
      help: wrap("cyan"),
    };
    const options = { label: "here", help: "do this", related: [{ span: at(net, 12, "conv"), label: "there" }] };
    const made = diagnostic("E0301", "bad", at(net, 14, "x"), options);
    const coloured = render(made, { width: 80, paint });
    expect(coloured).toContain("<red>^</red> <red>here</red>");
    expect(coloured).toContain("<cyan>help:</cyan> do this");
    expect(coloured.replaceAll(/<\/?\w+>/g, "")).toBe(render(made, { width: 80 }));
  });

  it("counts at the end", () => {
    const one = diagnostic("E0301", "bad", at(net, 14, "x"));
    const shown = renderAll([one, one, { ...one, severity: "warning" }], { width: 80 });
    expect(shown.split("\n\n").at(-1)).toBe("2 errors, 1 warning");
    expect(renderAll([], { width: 80 })).toBe("");
  });
});

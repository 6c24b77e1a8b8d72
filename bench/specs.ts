/** The programs that `check.ts` measures, and the edits that somebody at work would make to them. It measures nothing. */

/** An edit at one place, another one each time: `n` counts from 1. */
export interface Edit {
  readonly kind: string;
  readonly find: string;
  readonly by: (n: number) => string;
}
/** The text after so many edits of each kind. */
export function editedBy(text: string, edits: readonly Edit[], counts: readonly number[]): string {
  return edits.reduce((before, { find, by }, i) => {
    const n = counts[i] ?? 0;
    if (!before.includes(find)) throw new Error(`there is no \`${find}\` to edit`);
    return n === 0 ? before : before.replace(find, by(n));
  }, text);
}

/** To the paper's network. */
export const editsOfDhaa: readonly Edit[] = [
  { kind: "an early line", find: "stem(base)", by: (n) => `stem(base + ${String(n)})` },
  { kind: "a pool", find: "scale: 1.2", by: (n) => `scale: ${(1.2 + n / 1000).toFixed(3)}` },
  {
    kind: "a line of a branch",
    find: "|> embed(width)",
    by: (n) => `|> dropout(${(n / 1000).toFixed(3)}) |> embed(width)`,
  },
  {
    kind: "a late line",
    find: "mean_list([once, once with mirror]) //",
    by: (n) => `mean_list([once, once with mirror]) * ${String(n)}.0 //`,
  },
  { kind: "the optimizer", find: "decay: 5e-4", by: (n) => `decay: ${String(n)}e-4` },
  { kind: "the body of a block", find: "stage(4 * base", by: (n) => `stage(${String(4 + n)} * base` },
  { kind: "a comment", find: "// shared by", by: (n) => `//${" is".repeat(n % 7)} shared by` },
  { kind: "white space", find: "\n  head final", by: (n) => `${"\n".repeat(1 + (n % 5))}  head final` },
];

/** What is half written in it, and for a while leaves the file broken. */
export const breaksOfDhaa: readonly Edit[] = [
  { kind: "a line half written", find: "concat(branch.*)", by: (n) => `concat(branch.${"*, ".repeat(n % 3)}` },
  { kind: "a brace that is missing", find: "  }\n\n  head final", by: (n) => `${"\n".repeat(n % 3)}\n\n  head final` },
  { kind: "a string without its end", find: 'column("age")', by: (n) => `column("age${String(n)})` },
  { kind: "a block half written", find: "as b3 |>", by: (n) => `as b3 |> drop${String(n)}( |>` },
];

/** To its ablations, a file of variants. */
export const editsOfVariants: readonly Edit[] = [
  { kind: "a line of a variant", find: "scale: 1.2", by: (n) => `scale: ${(1.2 + n / 1000).toFixed(3)}` },
];

/** A network of `layers` like layers, as a loop or as a line each. */
export function deepNetwork(layers: number, as: "fold" | "lines"): string {
  const lines = Array.from({ length: layers }, (_, i) => {
    const before = i === 0 ? "x" : `h${String(i - 1)}`;
    return `  let h${String(i)} = ${before} |> linear(64) as l${String(i)} |> relu`;
  });
  const body =
    as === "lines"
      ? `${lines.join("\n")}\n  let last = h${String(layers - 1)}`
      : `  let last = fold h = x for _ in 0 ..< ${String(layers)} => h |> linear(64) |> relu`;
  return network("deep", body);
}

/** `blocks` blocks of 20 lines, each third of which applies the one before, and a network that applies all of them. */
export function manyBlocks(blocks: number): string {
  const name = (i: number): string => `mix${String(i)}`;
  const declared = Array.from({ length: blocks }, (_, i) => {
    const width = 32 + 4 * (i % 12);
    const lines = Array.from({ length: 12 }, (_, line) => {
      const before = line === 0 ? "x" : `h${String(line - 1)}`;
      const more = i % 3 === 2 && line === 5 ? ` |> ${name(i - 1)}()` : "";
      return `  let h${String(line)} = ${before} |> linear(inner + ${String((i + line) % 5)}) as l${String(line)} |> relu${more}`;
    });
    return `/// Layer ${String(i)} of many.
block ${name(i)}(inner: int = ${String(width)}, rate: float = 0.1)(x: float[B, C]) -> float[B, C] {
${lines.join("\n")}
  let back = h11 |> dropout(rate) |> linear(C) as back
  let gate = sigmoid(x |> linear(C) as gate)
  => layer_norm(x + gate * back)
}
`;
  });
  const used = Array.from(
    { length: blocks },
    (_, i) => `  let y${String(i)} = ${i === 0 ? "x" : `y${String(i - 1)}`} |> ${name(i)}() as m${String(i)}`,
  );
  return `${declared.join("\n")}\n${network("many", `${used.join("\n")}\n  let last = y${String(blocks - 1)}`)}`;
}
export const editsOfMany: readonly Edit[] = [
  { kind: "a line of the model", find: "|> mix7()", by: (n) => `|> mix7(rate: ${(n / 1000).toFixed(3)})` },
  {
    kind: "the body of a block",
    find: "{\n  let h0 = x |> linear(inner + 0)",
    by: (n) => `{\n  let h0 = x |> linear(inner + ${String(9 + n)})`,
  },
  { kind: "a line above all", find: "/// Layer 0", by: (n) => `${"\n".repeat(n % 7)}/// Layer 0` },
];

function network(name: string, body: string): string {
  return `model ${name}(classes: int = 10) {
  input  x: f32[B, 64]
  target y: i32[B] in 0 ..< classes
${body}
  head out {
    let logits = last |> linear(classes)
    loss cross_entropy(logits, y)
    predict scores = softmax(logits)
  }
  train {
    batch  = 8
    epochs = 1
    optimize "**" by sgd() at constant(0.1)
  }
}
`;
}

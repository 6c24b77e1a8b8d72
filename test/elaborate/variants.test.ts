/** The paper's ablations as variants, by the parameter counts of an independent implementation, and what edits do. */
import { describe, expect, it } from "vitest";
import { compile } from "../../src/compiler/compile.ts";
import { TestHost } from "../support/trees.ts";
import { checkText, compileText, modelOf, paramPaths } from "../support/compile.ts";

const file = "models/dhaa_ablations.arch";

describe("the ablations of the paper", () => {
  it.each([
    ["dhaa_g", 33_645_652],
    ["dhaa_l", 33_645_652],
    ["dhaa_c", 36_205_396],
    ["dhaa_gl", 67_133_699],
    ["dhaa_roi", 100_028_082],
    ["dhaa_fc", 99_779_634],
    ["dhaa_no_sub", 99_910_821],
    ["res18_ex", 11_228_325],
  ])("%s has %i trained parameters", (variant, count) => {
    const { program } = compile(new TestHost(file), { file, variant });
    const trained = program?.variables.filter((v) => v.trained) ?? [];
    expect(trained.reduce((sum, v) => sum + v.type.shape.reduce((n, d) => n * (d.constant ?? NaN), 1), 0)).toBe(count);
  });
});

it.each([
  ["foo", "there are `dhaa_g`, `dhaa_l`, "],
  ["dhaa_smal", "did you mean `dhaa_small`"],
])("a variant that is not there is told from those that are: %s", (variant, help) => {
  const { diagnostics } = compile(new TestHost(file), { file, variant });
  expect(diagnostics.map((d) => `${d.code} ${d.message}`)).toEqual([
    `E0503 there is no model or variant called \`${variant}\``,
  ]);
  expect(diagnostics[0]?.help).toContain(help);
  expect(diagnostics[0]?.fixes).toEqual([]);
});

const two = `
variant wide of net { set width = 16 }
variant longer of net { set code = base |> linear(8) as extra }
variant longest of longer { set code = base |> linear(4) as last }
variant tuned of net { add in train optimize "code.**" by adam() at constant(1e-3)  set train.batch = 8 }
variant bare of net { remove main.scores  add in main predict best = argmax(axis: 1)(logits) }
`;
const base = modelOf("let code = x |> linear(width)").replace("model net()", "model net(width: int = 8)") + two;

describe("edits", () => {
  const pathsOf = (variant: string): readonly string[] => paramPaths(compileText(base, { variant }));
  it("set a parameter", () => {
    const code = compileText(base, { variant: "wide" }).variables.find((v) => v.path === "code.weight");
    expect(code?.type.shape.map(String)).toEqual(["16", "8"]);
  });
  it("wrap what stood there, variants of variants too", () => {
    expect(pathsOf("longer")).toContain("extra.weight");
    expect(pathsOf("longest")).toEqual(expect.arrayContaining(["code.weight", "extra.weight", "last.weight"]));
  });
  it("put an added optimizer first", () => {
    const program = compileText(base, { variant: "tuned" });
    expect(program.training["batch"]).toBe(8);
    const states = program.variables.filter((v) => v.kind === "optimizer").map((v) => v.path);
    expect(states).toContain("optimizer.code.weight.m");
    expect(states.every((p) => p.startsWith("optimizer.code."))).toBe(true);
  });
  it("remove and add outputs", () => {
    expect(compileText(base, { variant: "bare" }).predict.outputs.map((o) => o.name)).toEqual(["best"]);
  });
  it("are checked like programs of their own", () => {
    const wrong = checkText(
      `${base}variant bad of net { set code = x |> conv(3) }\nvariant odd of net { set cod = x }`,
    );
    expect(wrong.map((d) => d.code).sort()).toEqual(["E0303", "E0501"]);
  });
});

describe("what stood there before", () => {
  const before = `import { dense } from "std:fusion"
import { mirror_image } from "std:regions"
block twice(x: float[...S]) -> float[...S] => 2.0 * x
`;
  const net = modelOf(
    `input image: f32[B, 1, 2, 2]
  let code = x |> linear(width) |> act
  let noise: f32[B, 8] = normal()
  regions r of x -> f32[B, 8] { a = relu  b = tanh }
  branch both for z in r.{a, b} { let mid = z |> linear(8)  => mid } fuse dense(8)
  head extra { predict all = concat([both, noise])  predict seen = image |> flatten }`,
    before,
  ).replace("net()", "net(width: int = 8, act: block(x: float[...S]) -> float[...S] = relu)");
  /** The same edit of a model in which `base` is a parameter, or the names of the model's own. */
  const program = (edit: string, text = net) => compileText(`${text}variant v of net { ${edit} }`, { variant: "v" });
  const hashes = (a: string, b: string) => [program(a).hash, program(b).hash];

  it.each([
    ["a parameter", "set width = 2 * base", "set width = 16"],
    ["a parameter by its name", "set width = 2 * width", "set width = 16"],
    ["a block parameter", "set act = block(z) => z |> base |> twice", "set act = block(z) => z |> relu |> twice"],
    ["a let by its name", "set code = code |> twice", "set code = base |> twice"],
    ["a let with a type", "set noise = 2.0 * noise", "set noise = 2.0 * base"],
    ["a let of a branch", "set both.mid = mid |> twice", "set both.mid = base |> twice"],
    ["a pool", "set r.a = block(z) => z |> base |> twice", "set r.a = block(z) => z |> relu |> twice"],
    ["what a branch goes over", "set both.in = [...base, x]", "set both.in = [...r.{a, b}, x]"],
    ["an output", "set extra.seen = 2.0 * base", "set extra.seen = 2.0 * (image |> flatten)"],
    [
      "an output over other inputs",
      "set extra.seen = base with { image: mirror_image(image) }",
      "set extra.seen = mirror_image(image) |> flatten",
    ],
  ])("%s", (_, edit, same) => {
    const [a, b] = hashes(edit, same);
    expect(a).toBe(b);
  });
  it("a fusion, whose weights go by the word that applies it", () => {
    const { variables } = program("set both.fuse = block(zs) => zs |> base |> twice");
    expect(variables.map((v) => v.path)).toContain("both.fuse.base.linear.weight");
  });
  it("a field", () => {
    expect(program("set train.epochs = 7 * base").training["epochs"]).toBe(7);
  });
  it("is the edit before, in a variant of a variant", () => {
    const text = `${net}variant u of net { set width = 2 * width }\nvariant v of u { set width = width + 1 }`;
    expect(compileText(text, { variant: "v" }).settings["width"]).toBe(17);
  });
  it("leaves `base` to a model that has its own, and is the let's own name there", () => {
    const own = net.replace("width: int = 8", "base: int = 8, width: int = 8");
    expect(program("set code = code |> linear(base) as more", own).variables.map((v) => v.path)).toContain(
      "more.weight",
    );
    expect(program("set base = base / 2", own).settings["base"]).toBe(4);
  });
  it("does not make a part that needs itself by way of another legal", () => {
    const found = checkText(`${net}variant v of net { set code = logits |> linear(8) }`);
    expect(found.filter((d) => d.severity === "error").map((d) => d.code)).toEqual(["E0202"]);
    const circle = checkText(
      `${net.replace("let noise", "let more = code\n  let noise")}variant v of net { set code = more }`,
    );
    expect(circle.filter((d) => d.severity === "error").map((d) => d.code)).toEqual(["E0219"]);
  });
});

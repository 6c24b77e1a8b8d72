/** The paper's ablations as variants, by the parameter counts of an independent implementation, and what edits do. */
import { describe, expect, it } from "vitest";
import { compile } from "../../src/compiler/compile.ts";
import { DiskHost } from "../../src/runtime/host.ts";
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
    const { program } = compile(new DiskHost(file), { file, variant });
    const trained = program?.variables.filter((v) => v.trained) ?? [];
    expect(trained.reduce((sum, v) => sum + v.type.shape.reduce((n, d) => n * (d.constant ?? NaN), 1), 0)).toBe(count);
  });
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

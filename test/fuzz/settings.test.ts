// Every operator and every block of the library with settings and tensors of every kind, in a model, in a block that is checked for
// all sizes, and with settings that only uses give: nothing throws, what is refused is refused in words, and what is taken gives
// graphs that agree with the signatures, gradients too. Seeded and boxed in time, as the other fuzz tests are.
import { describe, expect, it } from "vitest";
import { check, compile, rulesOf } from "../../src/compiler/compile.ts";
import type { Diagnostic } from "../../src/compiler/diagnostics/diagnostic.ts";
import { renderAll } from "../../src/compiler/diagnostics/render.ts";
import { verifyGraph } from "../../src/compiler/graph/verify.ts";
import { Random } from "../support/random.ts";
import { textHost } from "../support/compile.ts";
import { callees, Calls, places, specOf } from "./calls.ts";

const seconds = Number(process.env["FUZZ_SECONDS"] ?? "4");
const seed = Number(process.env["FUZZ_SEED"] ?? "20261202");
const rules = rulesOf(textHost({}));

/** Whether it compiled. */
function look(text: string): boolean {
  const host = textHost({ "net.arch": text });
  const checked = check(host, "net.arch").diagnostics;
  const { program, diagnostics } = compile(host, { file: "net.arch" });
  for (const shown of [checked, diagnostics])
    expect(renderAll(shown, { width: 120 })).not.toMatch(/\bundefined\b|\[object|NaN/);
  const errors = (list: readonly Diagnostic[]): boolean => list.some((d) => d.severity === "error");
  expect(program === undefined, "refused with a reason").toBe(errors(diagnostics));
  // a check says what compiling says, and more: it looks at blocks apart from their uses
  if (errors(diagnostics)) expect(errors(checked), "compiling refuses what the check takes").toBe(true);
  for (const graph of [program?.train, program?.evaluate, program?.predict])
    if (graph) expect(verifyGraph(graph, rules)).toEqual([]);
  return program !== undefined;
}

// each of these once ended `check` with an exception, or was taken by it and refused later
it.each([
  ["conv_transpose(4, stride: 0)", "E0310", "`conv_transpose` needs min(stride) >= 1"],
  ["conv_transpose(4, stride: 2, extra: 2)", "E0310", "`conv_transpose` needs extra[0] < stride[0]"],
  ["conv(4, stride: 0)", "E0207", "a division by 0: `stride[0]` is 0"],
  ["zero_pad(top: -1)", "E0207", "`pad` cannot put -1 around a tensor"],
  ["max_pool(2, pad: 2)", "E0310", "`max_pool` needs pad[0] < kernel[0]"],
  ["mean(axis: [0, 0])", "E0207", "axis 0 is named twice"],
])("%s in a block is %s", (call, code, message) => {
  const text = `block around(x: f32[B, 4, 8, 8]) -> f32[] => x |> ${call} |> one_number
block one_number(x: f32[...S]) -> f32[] => x |> reshape([prod(S)]) |> mean(axis: [0])
model net() {
  param w: f32[2, 4, 8, 8] = normal()
  input x: f32[B]
  head main { loss (w |> around as a) + (w |> around as b)  predict same = x }
  train { batch = 4  epochs = 1  optimize "**" by sgd() at constant(0.1) }
}
`;
  const found = check(textHost({ "net.arch": text }), "net.arch").diagnostics.filter((d) => d.severity === "error");
  expect(found.map((d) => `${d.code} ${d.message}`)).toEqual([`${code} ${message}`]);
});

it("what only gradients use is nobody's to import", () => {
  const text = 'import { relu_gradient } from "std:gradients"';
  expect(check(textHost({ "net.arch": text }), "net.arch").diagnostics.map((d) => d.code)).toContain("E0210");
});

describe("the library's settings", () => {
  it.each(places)(
    "in %s",
    (place) => {
      const random = new Random(seed + places.indexOf(place));
      const calls = new Calls(random);
      const all = callees();
      const end = performance.now() + (seconds * 1000) / places.length;
      let [tried, taken] = [0, 0];
      while (tried < all.length || performance.now() < end) {
        const callee = all[tried++ % all.length];
        if (callee === undefined) break;
        const text = specOf(callee, calls.next(callee, place === "a model" ? "4" : "B"), place);
        try {
          if (look(text)) taken++;
        } catch (error) {
          throw new Error(`${callee.declaration.name.text} (call ${tried}, seed ${seed})\n\n${text}`, { cause: error });
        }
      }
      expect(taken / tried, "calls that make sense").toBeGreaterThan(0.2);
    },
    (seconds + 120) * 1000,
  );
});

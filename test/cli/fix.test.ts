/** `archc check --fix`: edits that apply are made, round by round, and only those. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { applyFixes } from "../../src/compiler/diagnostics/fixes.ts";
import type { Diagnostic } from "../../src/compiler/diagnostics/diagnostic.ts";
import { archc } from "../support/command.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "archc-fix-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});
const file = (): string => join(folder, "net.arch");

/** As somebody writes it who knows PyTorch. */
const foreign = `model net(classes: int = 10) {
  input x: f32[B, 3, 32, 32]
  target y: i64[B] in 0 ..< classes;
  let map = x |> conv(32, kernel_size: 3, bias: true) |> ReLU |> MaxPool2d(2)
  head main {
    let logits = linear(global_avg_pool(map), 12)
    loss CrossEntropyLoss(logits, y)
    predict scores = logits
  }
  train { batch = 64  optimize "**" by Adam(weight_decay: 0.1) at 0.001 }
}
`;
const native = `model net(classes: int = 10) {
  input x: f32[B, 3, 32, 32]
  target y: i64[B] in 0 ..< classes
  let map = x |> conv(32, kernel: 3, use_bias: true) |> relu |> max_pool(2)
  head main {
    let logits = global_avg_pool(map) |> linear(classes)
    loss cross_entropy(logits, y)
    predict scores = logits
  }
  train { batch = 64  optimize "**" by adam(decay: 0.1) at constant(0.001) }
}
`;

describe("archc check --fix", () => {
  it("mends what one edit mends, also what only then shows", async () => {
    writeFileSync(file(), foreign);
    const { status, stdout, stderr } = await archc("check", "--fix", file());
    expect(readFileSync(file(), "utf8")).toBe(native);
    expect(status).toBe(0);
    expect(stdout).toContain("no errors");
    expect(stderr).toContain("net.arch:4:58 E0202: write `relu`");
    expect(stderr).toMatch(/: 11 edits made/);
    expect(readdirSync(folder)).toEqual(["net.arch"]);
  });

  it("changes nothing the second time, nor where two names are near", async () => {
    const text = "const stride_a = 1\nconst stride_b = 2\nconst c = stride_x\n";
    writeFileSync(file(), text);
    const before = statSync(file()).mtimeMs;
    const { status, stderr } = await archc("check", "--fix", file());
    expect(status).toBe(1);
    expect(stderr).toContain("did you mean `stride_a` or `stride_b`?");
    expect(readFileSync(file(), "utf8")).toBe(text);
    expect(statSync(file()).mtimeMs).toBe(before);
  });

  it("gives the JSON of what is left", async () => {
    writeFileSync(file(), "const a = 1;\nconst b = mising\n");
    const { stdout } = await archc("check", "--fix", "--json", file());
    const { diagnostics } = JSON.parse(stdout) as { diagnostics: { code: string; fixes: unknown[] }[] };
    expect(diagnostics.map((d) => d.code)).toEqual(["E0202"]);
    expect(readFileSync(file(), "utf8")).toBe("const a = 1\nconst b = mising\n");
  });
});

describe("edits", () => {
  const text = "abcdef";
  const source = { name: "t", text };
  const offering = (start: number, end: number, put: string): Diagnostic => ({
    code: "E0000",
    severity: "error",
    message: "",
    span: { file: source, start, end },
    label: "",
    related: [],
    help: "",
    note: "",
    fixes: [{ title: put, span: { file: source, start, end }, text: put }],
  });

  it("are made in one pass, in any order", () => {
    const fixed = applyFixes([offering(4, 5, "X"), offering(0, 1, ""), offering(2, 2, "Y")], "t", text);
    expect(fixed.text).toBe("bYcdXf");
    expect(fixed.applied.map((a) => a.fix.text)).toEqual(["", "Y", "X"]);
  });

  it("that overlap are left for the next round", () => {
    expect(applyFixes([offering(1, 4, "X"), offering(3, 5, "Y")], "t", text).text).toBe("aXef");
    expect(applyFixes([offering(2, 2, "X"), offering(2, 2, "Y")], "t", text).text).toBe("abXcdef");
  });

  it("of other files are left out", () => {
    expect(applyFixes([offering(1, 4, "X")], "u", text)).toEqual({ text, applied: [] });
  });
});

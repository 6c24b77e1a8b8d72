// The text of a portable module: what a person reads, the same bytes again, and weights that are read and no others.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { PortableDescription } from "../../../src/backends/portable/api.ts";
import { emitPortable } from "../../../src/backends/portable/index.ts";
import { rulesOf } from "../../../src/compiler/compile.ts";
import { decompose } from "../../../src/compiler/ops/decompose.ts";
import { writePortable } from "../../../src/runtime/artifact.ts";
import { SafetensorsFile } from "../../../src/runtime/safetensors.ts";
import { seededWeights } from "../../../src/runtime/weights.ts";
import { compileText, textHost } from "../../support/compile.ts";

const source = `
model small(classes: int = 3) {
  input image: f32[B, 2, 8, 8]
  target label: i32[B] in 0 ..< classes
  let deep = image |> conv(4, pad: 1, use_bias: false) as conv |> batch_norm as norm |> relu |> mean(axis: [2, 3])
  head spare {
    let logits = deep |> linear(classes) as only
    loss cross_entropy(logits, label)
  }
  head final {
    let logits = deep |> linear(classes) as fc
    predict odds = softmax(logits)
    loss cross_entropy(logits, label)
  }
  train {
    batch = 2
    optimize "**" by sgd() at steps(0.1, by: 0.1, at: [1])
  }
}
`;
const program = compileText(source);
const rules = rulesOf(textHost({}));
const options = { decompose, rules };

test("reads like code of one's own", () => {
  const { files } = emitPortable(program, options);
  expect(files.get("model.mjs")).toMatchInlineSnapshot(`
    "// small, from net.arch, made by archc: the operators of a prediction. index.mjs loads and runs it.

    /** Tensors of numbers that the program says itself. */
    export const constants = () => ({});

    /** Tensors by name, from tensors by name; \`w\` holds the weights with their axes as model.json orders them. */
    export function predict(tf, w, c, inputs) {
      // conv  net.arch:5
      const conv = tf.conv2d(tf.transpose(inputs.image, [0, 2, 3, 1]), w["conv.weight"], 1, 1);

      // norm  net.arch:5
      const norm = tf.batchNorm(
        conv,
        w["norm.running_mean"],
        w["norm.running_var"],
        w["norm.bias"],
        w["norm.weight"],
        0.00001,
      );
      tf.dispose([conv]);

      // net.arch:5
      const mean = tf.mean(tf.relu(norm), [1, 2]);
      tf.dispose([norm]);

      // final  net.arch:12
      const final = tf.tidy(() => {
        const fc = tf.add(tf.matMul(mean, w["final.fc.weight"], false, true), w["final.fc.bias"]);
        const sub = tf.sub(fc, tf.max(fc, [1], true));
        return tf.exp(tf.sub(sub, tf.log(tf.sum(tf.exp(sub), [1], true))));
      });
      tf.dispose([mean]);

      return { odds: final };
    }
    "
  `);
});

test("has the same bytes again", () => {
  expect(emitPortable(compileText(source), options)).toEqual(emitPortable(program, options));
});

test("comes with the weights that it reads, and says how it orders them", async () => {
  const folder = await mkdtemp(join(tmpdir(), "archc-portable-"));
  try {
    await writePortable(program, join(folder, "model"), { weights: seededWeights(0), rules });
    await using file = await SafetensorsFile.open(join(folder, "model/weights.safetensors"));
    const read = ["conv.weight", "final.fc.weight", "final.fc.bias"];
    const norm = ["norm.weight", "norm.bias", "norm.running_mean", "norm.running_var"];
    expect([...file.tensors.keys()].sort()).toEqual([...read, ...norm].sort());
    const { files } = emitPortable(program, options);
    const described = JSON.parse(String(files.get("model.json"))) as PortableDescription;
    expect(described.variables.find(({ path }) => path === "conv.weight")?.order).toEqual([2, 3, 1, 0]);
    expect(described.variables.find(({ path }) => path === "final.fc.weight")?.order).toBeUndefined();
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("types its inputs and outputs by name", () => {
  const text = String(emitPortable(program, options).files.get("index.d.ts"));
  expect(text).toContain("/** f32[B, 2, 8, 8] */\n  readonly image: Feed;");
  expect(text).toContain("/** f32[B, 3] */\n  readonly odds: TensorData;");
  expect(text).not.toContain("regions(");
});

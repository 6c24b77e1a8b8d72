/** The contenders of benches of training steps: graphs that archc compiled, and what others train with. */
import { kernelsOf, workerEnvironment } from "../src/runtime/supervise.ts";
import { archc, type Contender, python } from "./contest.ts";

const SPECS = {
  dhaa: { file: "models/dhaa.arch", side: 256 },
  resnet18: { file: "bench/resnet18.arch", side: 112 },
} as const;
export type Model = keyof typeof SPECS;

export function specOf(name: string): { readonly model: Model; readonly file: string; readonly side: number } {
  if (name !== "dhaa" && name !== "resnet18") throw new Error(`--model is one of ${Object.keys(SPECS).join(", ")}`);
  return { model: name, ...SPECS[name] };
}

/** A folder compiled with `flags`, on the process that `archc train` would give it. */
export function compiled(file: string, flags: string, folder: string, inputs: string, images = "floats"): Contender {
  const options = flags.split(/\s+/).filter((text) => text !== "");
  archc("compile", file, "--target", "tfjs", "-o", folder, ...options);
  return {
    name: ["archc", ...options].join(" "),
    command: process.execPath,
    args: ["bench/contenders/archc.mjs", folder, inputs, images],
    env: workerEnvironment(kernelsOf(folder)),
  };
}

/** `mode`: jax, keras, keras_xla, tfjs, tfjs_fused, or a mode of bench/contenders/pytorch.py. */
export function peer(mode: string, model: Model, inputs: string, caches: string): Contender {
  if (mode === "jax") return python("JAX", ["jax_step.py", model, inputs], caches);
  if (!/^(keras|tfjs)/.test(mode)) return python(`PyTorch ${mode}`, ["pytorch.py", model, inputs, mode], caches);
  if (model !== "resnet18") throw new Error(`${mode} is there for --model resnet18 alone`);
  if (mode.startsWith("keras")) return python(mode, ["keras_step.py", inputs, mode], caches);
  const args = ["bench/contenders/tfjs-eager.mjs", inputs, mode];
  return { name: `eager ${mode}`, command: process.execPath, args, env: workerEnvironment(1) };
}

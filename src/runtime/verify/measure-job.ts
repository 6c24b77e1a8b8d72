/** One engine's share of a comparison, in a process of its own: everything it computes goes to one safetensors file. */
import { encodeElements } from "../../backends/bytes.ts";
import { compile, rulesOf } from "../../compiler/compile.ts";
import type { Tensor } from "../../compiler/ops/tensor.ts";
import { DiskHost } from "../host.ts";
import type { Measured, MeasureJob } from "../jobs.ts";
import { fedTo, predictOnce } from "../run/engine.ts";
import { engineNamed } from "../run/run.ts";
import { SafetensorsFile, type TensorToWrite, writeSafetensors } from "../safetensors.ts";
import { openWeights } from "../weights.ts";
import { withValues } from "./departure.ts";

export async function measure(job: MeasureJob): Promise<Measured> {
  const host = new DiskHost(job.file);
  const { file, model, variant, settings } = job;
  const { program } = compile(host, { file: host.name(file), model, variant, settings });
  if (program === undefined) throw new Error(`${file} no longer compiles`);
  const engine = await engineNamed(job.engine, job.precision);
  const weights = await openWeights(program, job.weights);
  const inputs = await readAll(job.inputs);
  const base = { program, rules: rulesOf(host), weights, seed: job.seed, begin: job.begin };
  const found: TensorToWrite[] = [];
  const keep = (kind: string, tensors: Iterable<readonly [string, Tensor]>): void => {
    for (const [name, { shape, data }] of tensors) {
      const dtype = data instanceof Float64Array ? "f64" : "f32";
      found.push({ name: `${kind}:${name}`, dtype, shape, bytes: () => [encodeElements(dtype, data)] });
    }
  };
  const trains = engine.train !== undefined && program.train !== undefined;
  const { values } = job;
  if (values !== undefined) {
    const probed = { ...base, program: withValues(program, values.mode, values.nodes) };
    const made =
      values.mode === "predict"
        ? await predictOnce(engine, probed, fedTo(program.predict, inputs))
        : (await engine.train?.(probed, fedTo(program.train ?? program.predict, inputs), 0))?.first;
    keep(
      "value",
      [...(made ?? [])].filter(([name]) => name.startsWith("node:")),
    );
  } else {
    keep("output", await predictOnce(engine, base, fedTo(program.predict, inputs)));
    if (engine.train !== undefined && program.train !== undefined) {
      const made = await engine.train(base, fedTo(program.train, inputs), job.steps);
      keep("first", made.first);
      keep("weight", made.weights);
    }
  }
  await weights.close();
  await writeSafetensors(job.output, found);
  return { kind: "measured", version: await engine.version(), trained: trains };
}

async function readAll(path: string): Promise<ReadonlyMap<string, Tensor>> {
  const file = await SafetensorsFile.open(path);
  try {
    const tensors = new Map<string, Tensor>();
    for (const name of file.tensors.keys()) tensors.set(name, await file.read(name));
    return tensors;
  } finally {
    await file.close();
  }
}

/** Two short programs beside an ONNX file that use it, in Python and in JavaScript: what a reader copies first. */
import type { Port } from "../../compiler/graph/graph.ts";
import type { Program } from "../../compiler/program.ts";
import { inputText, typeText } from "./describe.ts";
import { type InputForm, inputForms, recordOf } from "../inputs.ts";

export interface Feed {
  readonly name: string;
  /** A name for a variable of the program. */
  readonly variable: string;
  readonly text: string;
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly image: { readonly mean: readonly number[]; readonly std: readonly number[] } | undefined;
  readonly raw: boolean;
}

const numpyTypes: Readonly<Record<string, string>> = {
  f32: "float32",
  f64: "float64",
  i32: "int32",
  i64: "int64",
  bool: "bool",
  f16: "float16",
};
const arrays: Readonly<Record<string, string>> = {
  ...{ f32: "Float32Array", f64: "Float64Array", i32: "Int32Array", i64: "BigInt64Array" },
  ...{ bool: "Uint8Array", f16: "Uint16Array", u8: "Uint8Array" },
};

/** Zeros in place of what a reader will feed. */
export function pythonZeros({ variable, text, shape, dtype }: Feed): readonly string[] {
  const sizes = `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
  return [`# ${text}`, `${variable} = np.zeros(${sizes}, np.${numpyTypes[dtype] ?? dtype})`];
}
export function javascriptZeros({ variable, text, shape, dtype }: Feed): readonly string[] {
  const count = shape.reduce((product, size) => product * size, 1);
  const values = `new ${arrays[dtype] ?? "Float32Array"}(${count})`;
  return [`// ${text}`, `const ${variable} = new Tensor("${typeName(dtype)}", ${values}, [${shape.join(", ")}]);`];
}
function typeName(dtype: string): string {
  return dtype === "u8" ? "uint8" : (numpyTypes[dtype] ?? dtype);
}
/** The feeds as fields of an object. */
export function javascriptFields(feeds: readonly Feed[]): string {
  return feeds.map(({ name, variable }) => (name === variable ? name : `"${name}": ${variable}`)).join(", ");
}
export function pythonFields(feeds: readonly Feed[]): string {
  return feeds.map(({ name, variable }) => `"${name}": ${variable}`).join(", ");
}

/** `file` is the name of the ONNX file, which lies beside. */
export function pythonUsage(program: Program, file: string, rawInputs: boolean): string {
  const feeds = feedsOf(program, program.predict.ports, rawInputs);
  const image = feeds.some((feed) => feed.image !== undefined);
  const lines = feeds.flatMap((feed) => {
    const { variable, text, shape } = feed;
    if (feed.image === undefined) return pythonZeros(feed);
    const [height, width] = feed.raw ? [shape[1], shape[2]] : [shape[2], shape[3]];
    const { mean, std } = feed.image;
    const pixels = `np.asarray(Image.open(sys.argv[1]).convert("RGB").resize((${width}, ${height})))`;
    const planes = `${variable} = ((pixels / 255 - [${mean.join(", ")}]) / [${std.join(", ")}]).transpose(2, 0, 1)[None].astype(np.float32)`;
    return [`# ${text}`, ...(feed.raw ? [`${variable} = ${pixels}[None]`] : [`pixels = ${pixels}`, planes])];
  });
  return [
    `# ${program.name}: pip install onnxruntime numpy${image ? " pillow; then give this program a picture" : ""}`,
    ...(image ? ["import sys"] : []),
    "from pathlib import Path",
    "import numpy as np",
    "import onnxruntime as ort",
    ...(image ? ["from PIL import Image"] : []),
    ...lines,
    `session = ort.InferenceSession(Path(__file__).with_name(${JSON.stringify(file)}))`,
    `results = session.run(None, {${pythonFields(feeds)}})`,
    "print({output.name: values for output, values in zip(session.get_outputs(), results)})",
    "",
  ].join("\n");
}

export function javascriptUsage(program: Program, file: string, rawInputs: boolean): string {
  const feeds = feedsOf(program, program.predict.ports, rawInputs);
  const image = feeds.some((feed) => feed.image !== undefined);
  const lines = feeds.flatMap((feed) => {
    const { variable, text, shape, dtype } = feed;
    if (feed.image === undefined) return javascriptZeros(feed);
    const tensor = (values: string): string =>
      `const ${variable} = new Tensor("${typeName(dtype)}", ${values}, [${shape.join(", ")}]);`;
    const [height, width] = feed.raw ? [shape[1], shape[2]] : [shape[2], shape[3]];
    const { mean, std } = feed.image;
    const pixels = `await sharp(process.argv[2]).removeAlpha().resize(${width}, ${height}, { fit: "fill" }).toColourspace("srgb").raw().toBuffer()`;
    if (feed.raw) return [`// ${text}`, tensor(`new Uint8Array(${pixels})`)];
    const [plane, of] = [(height ?? 1) * (width ?? 1), "Float32Array.from({ length: pixels.length }"];
    const value = `(pixels[(i % ${plane}) * 3 + (c = Math.floor(i / ${plane}))] / 255 - [${mean.join(", ")}][c]) / [${std.join(", ")}][c]`;
    return [`// ${text}`, `const pixels = ${pixels};`, tensor(`${of}, (_, i, c) => ${value})`)];
  });
  return [
    `// ${program.name}: npm install onnxruntime-node${image ? " sharp; then give this program a picture" : ""}`,
    'import { fileURLToPath } from "node:url";',
    'import { InferenceSession, Tensor } from "onnxruntime-node";',
    ...(image ? ['import sharp from "sharp";'] : []),
    ...lines,
    `const session = await InferenceSession.create(fileURLToPath(new URL(${JSON.stringify(encodeURIComponent(file))}, import.meta.url)));`,
    `const results = await session.run({ ${javascriptFields(feeds)} });`,
    "for (const [name, { data }] of Object.entries(results)) console.log(name, data);",
    "",
  ].join("\n");
}

/** `open`: what stands for a size that is left open. */
export function feedsOf(program: Program, ports: readonly Port[], rawInputs: boolean, open = 1): readonly Feed[] {
  const forms = inputForms(program, rawInputs, ports);
  const known = inputForms(program, true, ports);
  return ports.map((port): Feed => {
    const form = forms.get(port.name);
    const { dtype, shape } = form ?? port.type;
    return {
      name: port.name,
      variable: port.name.replace(/\W/g, "_"),
      text: `${port.name}: ${textOf(program, port, form)}`,
      shape: shape.map((dim) => dim.constant ?? open),
      dtype,
      image: known.get(port.name),
      raw: form !== undefined,
    };
  });
}
function textOf(program: Program, port: Port, form: InputForm | undefined): string {
  const text = inputText(program, port, form);
  const type = typeText(form ?? port.type);
  return recordOf(program.data, port.name) === undefined ? type : `${type}, ${text}`;
}

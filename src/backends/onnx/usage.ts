/** Two short programs beside an ONNX file that use it, in Python and in JavaScript: what a reader copies first. */
import type { Port } from "../../compiler/graph/graph.ts";
import type { Program } from "../../compiler/program.ts";
import { inputText, typeText } from "./describe.ts";
import { inputForms, recordOf } from "./inputs.ts";

interface Feed {
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

/** `file` is the name of the ONNX file, which lies beside. */
export function pythonUsage(program: Program, file: string, rawInputs: boolean): string {
  const feeds = feedsOf(program, rawInputs);
  const image = feeds.some((feed) => feed.image !== undefined);
  const lines = feeds.flatMap((feed) => {
    const { variable, text, shape, dtype } = feed;
    if (feed.image === undefined)
      return [
        `# ${text}`,
        `${variable} = np.zeros((${shape.join(", ")}${shape.length === 1 ? "," : ""}), np.${numpyTypes[dtype] ?? dtype})`,
      ];
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
    `results = session.run(None, {${feeds.map(({ name, variable }) => `"${name}": ${variable}`).join(", ")}})`,
    "print({output.name: values for output, values in zip(session.get_outputs(), results)})",
    "",
  ].join("\n");
}

export function javascriptUsage(program: Program, file: string, rawInputs: boolean): string {
  const feeds = feedsOf(program, rawInputs);
  const image = feeds.some((feed) => feed.image !== undefined);
  const lines = feeds.flatMap((feed) => {
    const { variable, text, shape, dtype } = feed;
    const array = arrays[dtype] ?? "Float32Array";
    const type = dtype === "u8" ? "uint8" : (numpyTypes[dtype] ?? dtype);
    const count = shape.reduce((product, size) => product * size, 1);
    const tensor = (values: string): string =>
      `const ${variable} = new Tensor("${type}", ${values}, [${shape.join(", ")}]);`;
    if (feed.image === undefined) return [`// ${text}`, tensor(`new ${array}(${count})`)];
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
    `const results = await session.run({ ${feeds.map(({ name, variable }) => (name === variable ? name : `"${name}": ${variable}`)).join(", ")} });`,
    "for (const [name, { data }] of Object.entries(results)) console.log(name, data);",
    "",
  ].join("\n");
}

function feedsOf(program: Program, rawInputs: boolean): readonly Feed[] {
  const forms = inputForms(program, rawInputs);
  const known = inputForms(program, true);
  return program.predict.ports.map((port): Feed => {
    const form = forms.get(port.name);
    const { dtype, shape } = form ?? port.type;
    return {
      name: port.name,
      variable: port.name.replace(/\W/g, "_"),
      text: `${port.name}: ${textOf(program, port, form !== undefined)}`,
      shape: shape.map((dim) => dim.constant ?? 1),
      dtype,
      image: known.get(port.name),
      raw: form !== undefined,
    };
  });
}
function textOf(program: Program, port: Port, raw: boolean): string {
  const form = raw ? inputForms(program, true).get(port.name) : undefined;
  const text = inputText(program, port, form);
  const type = typeText(form ?? port.type);
  return recordOf(program.data, port.name) === undefined ? type : `${type}, ${text}`;
}

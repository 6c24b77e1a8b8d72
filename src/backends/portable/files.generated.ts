/** Made by scripts/generate-loader.mjs from src/runtime/engine/portable/folder.ts and src/runtime/engine/portable/operators.ts; do not edit. */
export const LOADER = `// Made by archc. Loads the model in this folder into the backend of tfjs that is set; see index.d.ts for what it offers.
// src/compiler/ops/tensor.ts
function bytesOf(dtype) {
  if (dtype === "bool") return 1;
  if (dtype === "f16" || dtype === "bf16") return 2;
  return dtype === "f64" || dtype === "i64" ? 8 : 4;
}

// src/backends/bytes.ts
var half = { exponentBits: 5, mantissaBits: 10 };
var brain = { exponentBits: 8, mantissaBits: 7 };
function decodeElements(dtype, bytes) {
  const count = bytes.byteLength / bytesOf(dtype);
  const buffer = bytes.byteOffset % bytesOf(dtype) === 0 ? bytes : bytes.slice();
  const of = [buffer.buffer, buffer.byteOffset, count];
  switch (dtype) {
    case "f32":
      return new Float32Array(...of);
    case "f64":
      return new Float64Array(...of);
    case "i32":
      return Float64Array.from(new Int32Array(...of));
    case "i64":
      return Float64Array.from(new BigInt64Array(...of), wholeNumber);
    case "bool":
      return Float64Array.from(buffer);
    case "f16":
      return Float32Array.from(new Uint16Array(...of), (bits2) => fromSmallFloat(bits2, half));
    case "bf16":
      return Float32Array.from(new Uint16Array(...of), (bits2) => fromSmallFloat(bits2, brain));
  }
}
function wholeNumber(value) {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new RangeError(\`\${String(value)} is too large for an exact number\`);
  return number;
}
function fromSmallFloat(bits2, { exponentBits, mantissaBits }) {
  const sign = bits2 >> exponentBits + mantissaBits === 0 ? 1 : -1;
  const field = bits2 >> mantissaBits & (1 << exponentBits) - 1;
  const mantissa = bits2 & (1 << mantissaBits) - 1;
  if (field === (1 << exponentBits) - 1) return mantissa === 0 ? sign * Infinity : NaN;
  const lowest = 2 - (1 << exponentBits - 1);
  const whole = field === 0 ? mantissa : mantissa + (1 << mantissaBits);
  return sign * whole * 2 ** (Math.max(field - 1, 0) + lowest - mantissaBits);
}

// src/runtime/error.ts
var InputError = class extends Error {
  /** Sentences or commands that would help, each on its own line. */
  help;
  constructor(message, ...help) {
    super(message);
    this.name = "InputError";
    this.help = help;
  }
};

// src/runtime/safetensors-header.ts
var SafetensorsError = class extends InputError {
  file;
  /** What is wrong, without the file's name. */
  problem;
  constructor(file, problem, help) {
    super(\`\${file}: \${problem}\`, help);
    this.name = "SafetensorsError";
    this.file = file;
    this.problem = problem;
  }
};
var known = {
  F64: "f64",
  F32: "f32",
  F16: "f16",
  BF16: "bf16",
  I64: "i64",
  I32: "i32",
  BOOL: "bool"
};
var bits = {
  ...{
    F64: 64,
    F32: 32,
    F16: 16,
    BF16: 16,
    I64: 64,
    I32: 32,
    I16: 16,
    I8: 8,
    U64: 64,
    U32: 32,
    U16: 16,
    U8: 8,
    BOOL: 8
  },
  ...{ F8_E4M3: 8, F8_E5M2: 8, F8_E8M0: 8, C64: 64 }
};
function parseHeader(file, text, size) {
  const header = parseJson(file, text);
  const entries = [];
  let metadata = {};
  for (const [name, value] of Object.entries(header)) {
    if (name === "__metadata__") metadata = parseMetadata(file, value);
    else entries.push([name, parseEntry(file, name, value)]);
  }
  entries.sort(([, a], [, b]) => a.start - b.start || a.bytes - b.bytes);
  let end = 0;
  for (const [name, { start, bytes }] of entries) {
    if (start !== end)
      throw damaged(file, \`the tensor \\\`\${name}\\\` starts at byte \${String(start)}, \${String(end)} was expected\`);
    end = start + bytes;
  }
  if (end > size) {
    const problem = \`the file is cut off: its tensors need \${String(end)} bytes after the header, there are \${String(size)}\`;
    throw new SafetensorsError(file, problem, "Download or write it again.");
  }
  if (end < size) throw damaged(file, \`\${String(size - end)} bytes follow the last tensor\`);
  return { tensors: new Map(entries), metadata };
}
function parseJson(file, text) {
  try {
    const header = JSON.parse(text);
    if (isRecord(header)) return header;
  } catch {
  }
  const help = "A PyTorch .pt or .bin file has to be saved anew with safetensors.torch.save_file.";
  throw new SafetensorsError(file, "this is not a safetensors file: its header is not a JSON object", help);
}
function parseMetadata(file, value) {
  const metadata = {};
  for (const [key, text] of Object.entries(isRecord(value) ? value : {})) {
    if (typeof text !== "string") throw damaged(file, \`the metadata \\\`\${key}\\\` is not a text\`);
    metadata[key] = text;
  }
  return metadata;
}
function parseEntry(file, name, value) {
  if (!isRecord(value)) throw damaged(file, \`the entry of \\\`\${name}\\\` is not an object\`);
  const { dtype: stored, shape, data_offsets: offsets } = value;
  if (typeof stored !== "string") throw damaged(file, \`the tensor \\\`\${name}\\\` has no element type\`);
  if (!isSizes(shape)) throw damaged(file, \`the tensor \\\`\${name}\\\` has no shape of whole numbers\`);
  if (!isSizes(offsets) || offsets.length !== 2) throw damaged(file, \`the tensor \\\`\${name}\\\` has no two data offsets\`);
  const [start = 0, end = 0] = offsets;
  const width = bits[stored];
  const expected = width === void 0 ? end - start : shape.reduce((count, n) => count * n, 1) * width / 8;
  if (end - start !== expected) {
    throw damaged(
      file,
      \`the tensor \\\`\${name}\\\`, \${stored} [\${shape.join(", ")}], needs \${String(expected)} bytes and has \${String(end - start)}\`
    );
  }
  return { dtype: known[stored], stored, shape, start, bytes: end - start };
}
function damaged(file, problem) {
  return new SafetensorsError(file, \`the file is damaged: \${problem}\`, "Download or write it again.");
}
function isRecord(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
function isSizes(value) {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}

// src/runtime/engine/tfjs/feeds.ts
var FeedError = class extends Error {
  constructor(message) {
    super(message);
    this.name = "FeedError";
  }
};
function checkCount({ name }, shape, given) {
  const count = shape.reduce((product, n) => product * n, 1);
  if (given.length !== count)
    throw new FeedError(
      \`\\\`\${name}\\\` has \${String(given.length)} numbers; its shape [\${shape.join(", ")}] needs \${String(count)}\`
    );
}
function checkShapes(name, signature, feeds) {
  const known2 = new Set(signature.inputs.map((input) => input.name));
  const extra = Object.keys(feeds).filter((given) => !known2.has(given));
  if (extra.length > 0) {
    throw new FeedError(\`\${name} takes \${listOf([...known2])}; there is no input \\\`\${extra.join("\`, \`")}\\\`\`);
  }
  const sizes = /* @__PURE__ */ new Map();
  for (const input of signature.inputs) {
    const feed = feeds[input.name];
    if (feed === void 0)
      throw new FeedError(\`\${name} needs the \${input.kind} \\\`\${input.name}\\\`: \${typeText(input)}\`);
    checkShape(input, feed.shape, sizes);
  }
  for (const input of signature.inputs) {
    input.shape.forEach((dim, axis) => {
      const given = feeds[input.name]?.shape[axis];
      const wanted = evaluate(dim, sizes);
      if (wanted !== given)
        throw new FeedError(
          \`\\\`\${input.name}\\\`, axis \${String(axis)}, has size \${String(given)}; \${showDim(dim)} is \${String(wanted)}\`
        );
    });
  }
  for (const { left, comparison, right, message } of signature.asserts) {
    const [a, b] = [evaluate(left, sizes), evaluate(right, sizes)];
    if (!holds(a, comparison, b))
      throw new FeedError(
        \`\${message === "" ? "a condition on sizes fails" : message}: \${showDim(left)} is \${String(a)}, and it must be \${comparison} \${showDim(right)}\${typeof right === "number" ? "" : \` = \${String(b)}\`}\`
      );
  }
  return sizes;
}
function checkShape(input, shape, sizes) {
  const given = \`[\${shape.join(", ")}]\`;
  if (shape.length !== input.shape.length) {
    throw new FeedError(\`\\\`\${input.name}\\\` has shape \${given}; it is \${typeText(input)}\`);
  }
  input.shape.forEach((dim, axis) => {
    const size = shape[axis] ?? 0;
    if (typeof dim === "number" && size !== dim)
      throw new FeedError(\`\\\`\${input.name}\\\` has shape \${given}; it is \${typeText(input)}\`);
    if (typeof dim !== "string") return;
    const before = sizes.get(dim);
    if (before === void 0) {
      if (size < 1) throw new FeedError(\`\\\`\${input.name}\\\` has shape \${given}: \${dim} must be at least 1\`);
      sizes.set(dim, { size, from: input.name });
    } else if (before.size !== size) {
      throw new FeedError(
        \`\${dim} is \${String(before.size)} in \\\`\${before.from}\\\` and \${String(size)} in \\\`\${input.name}\\\`\`
      );
    }
  });
}
function numbersOf(input, feed) {
  const given = "data" in feed ? feed.data : feed.dataSync();
  checkCount(input, feed.shape, given);
  if (input.dtype === "f32") {
    if (given instanceof Int32Array)
      throw new FeedError(\`\\\`\${input.name}\\\` holds whole numbers; it is \${typeText(input)}\`);
    return given instanceof Float32Array ? given : Float32Array.from(given);
  }
  if (input.dtype === "bool") return given instanceof Uint8Array ? given : Uint8Array.from(given, (v) => v ? 1 : 0);
  if (given instanceof Int32Array) return given;
  return Int32Array.from(given, (v, i) => {
    if (!Number.isInteger(v) || Math.abs(v) > 2147483647)
      throw new FeedError(\`\\\`\${input.name}\\\` holds \${String(v)} at place \${String(i)}; it is \${typeText(input)}\`);
    return v;
  });
}
function checkRange({ name, range }, data, sizes) {
  if (range === void 0) return;
  const [from, to] = [evaluate(range[0], sizes), evaluate(range[1], sizes)];
  for (let i = 0; i < data.length; i++) {
    const value = data[i] ?? 0;
    if (value < from || value >= to) {
      throw new FeedError(
        \`\\\`\${name}\\\` holds \${String(value)} at place \${String(i)}; its values lie in \${String(from)} ..< \${String(to)}\`
      );
    }
  }
}
function evaluate(dim, sizes) {
  if (typeof dim === "number") return dim;
  if (typeof dim === "string") {
    const known2 = sizes.get(dim);
    if (known2 === void 0) throw new FeedError(\`the size \${dim} is not known from what was fed\`);
    return known2.size;
  }
  const of = dim.of.map((d) => evaluate(d, sizes));
  if (dim.op === "add") return of.reduce((a, b) => a + b);
  if (dim.op === "mul") return of.reduce((a, b) => a * b);
  if (dim.op === "floor_div") return of.reduce((a, b) => Math.floor(a / b));
  return dim.op === "min" ? Math.min(...of) : Math.max(...of);
}
function holds(a, comparison, b) {
  switch (comparison) {
    case "==":
      return a === b;
    case "!=":
      return a !== b;
    case "<":
      return a < b;
    case "<=":
      return a <= b;
    case ">":
      return a > b;
    default:
      return a >= b;
  }
}
function showDim(dim) {
  if (typeof dim !== "object") return String(dim);
  const of = dim.of.map(showDim);
  if (dim.op === "floor_div") return \`floor(\${of.join(" / ")})\`;
  if (dim.op === "min" || dim.op === "max") return \`\${dim.op}(\${of.join(", ")})\`;
  return of.join(dim.op === "add" ? " + " : " * ");
}
function typeText(input) {
  const range = input.range === void 0 ? "" : \` in \${showDim(input.range[0])} ..< \${showDim(input.range[1])}\`;
  return \`\${input.dtype}[\${input.shape.map(showDim).join(", ")}]\${range}\`;
}
function listOf(names) {
  return names.length === 0 ? "no inputs" : names.map((n) => \`\\\`\${n}\\\`\`).join(", ");
}

// src/runtime/engine/portable/folder.ts
import * as module from "./model.mjs";
async function create(options = {}) {
  const tf = options.tf ?? await import("@tensorflow/tfjs-core");
  await tf.ready();
  const description = JSON.parse(
    new TextDecoder().decode(await bytesAt(new URL("model.json", import.meta.url)))
  );
  const given = options.weights ?? new URL("weights.safetensors", import.meta.url);
  const file = typeof given === "object" && !(given instanceof URL) ? "the weights" : String(given);
  const bytes = typeof given === "string" || given instanceof URL ? await bytesAt(new URL(given, baseAddress()), options.onProgress) : new Uint8Array(given instanceof ArrayBuffer ? given : given.slice());
  return new PortableModel(tf, description, weightsOf(tf, description, bytes, file));
}
var PortableModel = class {
  description;
  #tf;
  #weights;
  #constants;
  constructor(tf, description, weights) {
    this.description = description;
    this.#tf = tf;
    this.#weights = weights;
    this.#constants = kept(tf, () => module.constants(tf));
  }
  /** Predictions of a batch, as numbers. */
  async predict(feeds) {
    return numbers(this.execute(feeds));
  }
  /** Predictions of a batch, as tensors that the caller frees; needs no wait. */
  execute(feeds) {
    return this.#run("predict", this.description.signatures.predict, feeds);
  }
  /**
   * The outline of each region that the model reads its maps in: [batch, 4, (x, y)], in [-1, 1] of the map, from the
   * corner that becomes the region's top left on clockwise. Takes what the regions depend on, as a rule the landmarks.
   */
  async regions(feeds) {
    const { regions } = this.description.signatures;
    return regions.outputs.length === 0 ? {} : numbers(this.#run("regions", regions, feeds));
  }
  #run(name, signature, feeds) {
    const shaped = Object.fromEntries(
      Object.entries(feeds).map(([input, feed]) => [
        input,
        withShape(
          signature.inputs.find((i) => i.name === input),
          feed
        )
      ])
    );
    const sizes = checkShapes(name, signature, shaped);
    return this.#tf.tidy(() => {
      const inputs = {};
      for (const input of signature.inputs) {
        const feed = shaped[input.name];
        if (feed === void 0) continue;
        if (isTensor(feed)) {
          inputs[input.name] = this.#tf.cast(feed, jsTypes[input.dtype]);
          continue;
        }
        const data = numbersOf(input, feed);
        checkRange(input, data, sizes);
        inputs[input.name] = this.#tf.tensor(data, [...feed.shape], jsTypes[input.dtype]);
      }
      return module[name](this.#tf, this.#weights, this.#constants, inputs);
    });
  }
  dispose() {
    this.#tf.dispose([this.#weights, this.#constants]);
  }
};
var jsTypes = { f32: "float32", i32: "int32", bool: "bool" };
function isTensor(feed) {
  return "dataSync" in feed;
}
function withShape(input, feed) {
  if ("shape" in feed) return feed;
  const shape = input?.shape ?? [];
  const known2 = shape.reduce((product, dim) => typeof dim === "number" ? product * dim : product, 1);
  const open = shape.filter((dim) => typeof dim !== "number").length;
  if (open > 1) throw new FeedError(\`\\\`\${input?.name ?? ""}\\\` has several open sizes; feed { shape, data }\`);
  const rest = feed.length / known2;
  if (!Number.isInteger(rest))
    throw new FeedError(\`\\\`\${input?.name ?? ""}\\\` has \${feed.length} numbers, not a multiple of \${known2}\`);
  return { shape: shape.map((dim) => typeof dim === "number" ? dim : rest), data: feed };
}
async function numbers(tensors) {
  const results = {};
  try {
    for (const [name, tensor] of Object.entries(tensors))
      results[name] = { shape: tensor.shape, data: await tensor.data() };
    return results;
  } finally {
    for (const tensor of Object.values(tensors)) tensor.dispose();
  }
}
function kept(tf, make) {
  const tensors = tf.tidy(make);
  for (const tensor of Object.values(tensors)) tf.keep(tensor);
  return tensors;
}
function weightsOf(tf, description, bytes, file) {
  const header = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const text = new TextDecoder().decode(bytes.subarray(8, 8 + header));
  const body = bytes.subarray(8 + header);
  const { tensors } = parseHeader(file, text, body.byteLength);
  return kept(tf, () => {
    const weights = {};
    for (const { path, shape, order } of description.variables) {
      const entry = tensors.get(path);
      if (entry === void 0) throw new Error(\`\${file} does not hold \\\`\${path}\\\`\`);
      if (entry.shape.join() !== shape.join())
        throw new Error(
          \`\${file}: \\\`\${path}\\\` has shape [\${entry.shape.join(", ")}]; the model's is [\${shape.join(", ")}]\`
        );
      const tensor = tensorOf(tf, entry, body.subarray(entry.start, entry.start + entry.bytes), path);
      weights[path] = order === void 0 ? tensor : tf.transpose(tensor, [...order]);
    }
    return weights;
  });
}
function tensorOf(tf, { dtype, shape }, bytes, path) {
  if (dtype === void 0) throw new Error(\`the weights hold \\\`\${path}\\\` in an element type that is not read here\`);
  const values = decodeElements(dtype, bytes);
  if (dtype === "bool") return tf.tensor(Uint8Array.from(values), [...shape], "bool");
  if (dtype === "i32" || dtype === "i64") return tf.tensor(Int32Array.from(values), [...shape], "int32");
  return tf.tensor(values instanceof Float32Array ? values : Float32Array.from(values), [...shape], "float32");
}
function baseAddress() {
  const { location } = globalThis;
  return location?.href ?? import.meta.url;
}
async function bytesAt(url, onProgress) {
  if (url.protocol === "file:") {
    const { readFile } = globalThis.process.getBuiltinModule("node:fs/promises");
    return readFile(url);
  }
  const response = await fetch(url);
  if (!response.ok) throw new Error(\`\${url.href}: \${String(response.status)} \${response.statusText}\`);
  if (response.body === null || onProgress === void 0) return new Uint8Array(await response.arrayBuffer());
  const length = response.headers.get("content-encoding") === null ? response.headers.get("content-length") : null;
  const all = length === null ? void 0 : Number(length);
  const chunks = [];
  let come = 0;
  const reader = response.body.getReader();
  for (; ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    come += value.byteLength;
    onProgress(come, all);
  }
  const whole = new Uint8Array(come);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}
export {
  FeedError,
  PortableModel,
  create
};
`;
export const OPERATORS = `// Made by archc. What tfjs has no operator for, in its plain operators.
// src/runtime/engine/portable/operators.ts
function dilated(tf, kernel, down, across) {
  return tf.tidy(() => {
    const [h = 1, w = 1, i = 1, o = 1] = kernel.shape;
    const rows = tf.pad(tf.reshape(kernel, [h, 1, w * i * o]), [
      [0, 0],
      [0, down - 1],
      [0, 0]
    ]);
    const columns = tf.pad(tf.reshape(rows, [h * down * w, 1, i * o]), [
      [0, 0],
      [0, across - 1],
      [0, 0]
    ]);
    const wide = tf.reshape(columns, [h * down, w * across, i, o]);
    return tf.slice(wide, 0, [down * (h - 1) + 1, across * (w - 1) + 1, i, o]);
  });
}
function inGroups(tf, groups, x, kernel, run) {
  return tf.tidy(() => {
    const kernels = tf.split(kernel, groups, 3);
    return tf.concat(
      tf.split(x, groups, 3).map((part, i) => run(part, kernels[i])),
      3
    );
  });
}
function affineGrid(tf, theta, [rows, columns]) {
  return tf.tidy(() => {
    const centres = (count) => tf.sub(tf.div(tf.add(tf.mul(tf.range(0, count), 2), 1), count), 1);
    const x = tf.broadcastTo(tf.reshape(centres(columns), [1, columns]), [rows, columns]);
    const y = tf.broadcastTo(tf.reshape(centres(rows), [rows, 1]), [rows, columns]);
    const places = tf.reshape(tf.stack([x, y, tf.onesLike(x)], 2), [rows * columns, 3]);
    const [batch = 1] = theta.shape;
    return tf.reshape(tf.matMul(places, theta, false, true), [batch, rows, columns, 2]);
  });
}
function gridSample(tf, x, at) {
  return tf.tidy(() => {
    const [batch = 1, height = 1, width = 1, channels = 1] = x.shape;
    const [, rows = 1, columns = 1] = at.shape;
    const count = rows * columns;
    const [across, along] = tf.unstack(tf.reshape(at, [batch, count, 2]), 2);
    const column = axis(tf, across, width);
    const row = axis(tf, along, height);
    const pixels = tf.reshape(x, [batch * height * width, channels]);
    const image = tf.reshape(tf.mul(tf.range(0, batch, 1, "int32"), tf.scalar(height * width, "int32")), [batch, 1]);
    const corners = [row.first, row.second].flatMap(
      (down) => [column.first, column.second].map((right) => {
        const place = tf.add(image, tf.add(tf.mul(down.place, tf.scalar(width, "int32")), right.place));
        const weight = tf.reshape(tf.mul(down.weight, right.weight), [batch * count, 1]);
        return tf.mul(tf.gather(pixels, tf.reshape(place, [batch * count])), weight);
      })
    );
    return tf.reshape(tf.addN(corners), [batch, rows, columns, channels]);
  });
}
function axis(tf, at, size) {
  const exact = tf.div(tf.sub(tf.mul(tf.add(at, 1), size), 1), 2);
  const floor = tf.floor(exact);
  const part = tf.sub(exact, floor);
  const neighbour = (place, weight) => {
    const held = tf.clipByValue(place, 0, size - 1);
    return { place: tf.cast(held, "int32"), weight: tf.mul(weight, tf.cast(tf.equal(held, place), "float32")) };
  };
  return { first: neighbour(floor, tf.sub(1, part)), second: neighbour(tf.add(floor, 1), part) };
}
function roiPool(tf, x, boxes, [rows, columns]) {
  return tf.tidy(() => {
    const [batch = 1, height = 1, width = 1, channels = 1] = x.shape;
    const [left, top, right, bottom] = tf.unstack(boxes, 1);
    const down = cells(tf, top, bottom, rows, height);
    const across = cells(tf, left, right, columns, width);
    const tall = maxima(tf, tf.reshape(x, [batch, height, width * channels]), down);
    const repeated = (t) => tf.reshape(tf.tile(tf.reshape(t, [batch, 1, columns]), [1, rows, 1]), [batch * rows, columns]);
    const wide = maxima(tf, tf.reshape(tall, [batch * rows, width, channels]), {
      level: repeated(across.level),
      first: repeated(across.first),
      second: repeated(across.second)
    });
    const empty = tf.logicalOr(
      tf.reshape(tf.lessEqual(down.length, 0), [batch, rows, 1, 1]),
      tf.reshape(tf.lessEqual(across.length, 0), [batch, 1, columns, 1])
    );
    return tf.where(empty, 0, tf.reshape(wide, [batch, rows, columns, channels]));
  });
}
function cells(tf, low, high, count, size) {
  const edge = (v) => tf.expandDims(tf.floor(tf.add(tf.mul(tf.mul(tf.add(v, 1), 0.5), size), 0.5)), 1);
  const [from, to] = [edge(low), edge(high)];
  const span = tf.sub(to, from);
  const slack = 0.5 / count;
  const place = tf.expandDims(tf.range(0, count, 1, "float32"), 0);
  const begin = tf.maximum(tf.add(from, tf.floor(tf.add(tf.div(tf.mul(span, place), count), slack))), 0);
  const after = tf.ceil(tf.sub(tf.div(tf.mul(span, tf.add(place, 1)), count), slack));
  const end = tf.minimum(tf.add(from, after), size);
  const length = tf.sub(end, begin);
  let level = tf.zerosLike(length);
  let stretch = tf.onesLike(length);
  for (let long = 2; long <= size; long *= 2) {
    const reached = tf.cast(tf.greaterEqual(length, long), "float32");
    level = tf.add(level, reached);
    stretch = tf.add(stretch, tf.mul(reached, long / 2));
  }
  const whole = (t) => tf.cast(tf.clipByValue(t, 0, size - 1), "int32");
  return { level: tf.cast(level, "int32"), first: whole(begin), second: whole(tf.sub(end, stretch)), length };
}
function maxima(tf, x, { level, first, second }) {
  const [n = 1, size = 1, rest = 1] = x.shape;
  const tables = [x];
  for (let long = 1; 2 * long <= size; long *= 2) {
    const before = tables[tables.length - 1];
    const moved = tf.slice(before, [0, long, 0], [n, size - long, rest]);
    const tail = tf.slice(before, [0, size - long, 0], [n, long, rest]);
    tables.push(tf.maximum(before, tf.concat([moved, tail], 1)));
  }
  const all = tf.reshape(tf.stack(tables), [tables.length * n * size, rest]);
  const start = tf.reshape(tf.mul(tf.range(0, n, 1, "int32"), tf.scalar(size, "int32")), [n, 1]);
  const base = tf.add(tf.mul(level, tf.scalar(n * size, "int32")), start);
  const take = (at) => tf.gather(all, tf.add(base, at));
  return tf.maximum(take(first), take(second));
}
export {
  affineGrid,
  dilated,
  gridSample,
  inGroups,
  roiPool
};
`;
export const OPERATOR_NAMES = ["affineGrid", "dilated", "gridSample", "inGroups", "roiPool"];

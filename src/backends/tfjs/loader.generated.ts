/** Made by scripts/generate-loader.mjs from src/runtime/engine/tfjs/folder.ts; do not edit. */
export const LOADER = `// Made by archc. Loads the model in this folder into TensorFlow; see index.d.ts for what it offers.
// src/runtime/engine/tfjs/folder.ts
import { dirname as dirname3 } from "node:path";
import { fileURLToPath } from "node:url";

// src/runtime/engine/error.ts
var EngineError = class extends Error {
  ways;
  /** The end of what a failed tool printed, for those who want to read it. */
  output;
  constructor(message, ways = [], output = "") {
    super(message);
    this.name = "EngineError";
    this.ways = ways;
    this.output = output;
  }
};
function describeEngineError(error) {
  const lines = [error.message];
  if (error.output !== "") lines.push("", ...error.output.split("\\n").map((line) => \`  | \${line}\`));
  for (const way of error.ways) {
    lines.push("", way.text, ...way.commands.map((command) => \`    \${command}\`));
  }
  return lines.join("\\n");
}
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

// src/runtime/engine/tensorflow/load.ts
import { createRequire as createRequire3, Module } from "node:module";
import util from "node:util";

// src/runtime/engine/tensorflow/locate.ts
import { existsSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join as join2 } from "node:path";

// src/runtime/engine/cache.ts
import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
function cacheFolder(env = process.env) {
  const own = env["ARCHC_CACHE"];
  if (own !== void 0 && own !== "") return resolve(own);
  const shared = env["XDG_CACHE_HOME"];
  if (shared !== void 0 && isAbsolute(shared)) return join(shared, "archc");
  return join(homedir(), ".cache", "archc");
}
function enginesFolder(env = process.env) {
  return join(cacheFolder(env), "engines");
}

// src/runtime/engine/tensorflow/pins.ts
var TENSORFLOW_VERSION = "2.21.0";
var TFJS_PACKAGE = "@tensorflow/tfjs-node-gpu";
var BUILD_RECIPE = 1;

// src/runtime/engine/tensorflow/locate.ts
var ADDON_FILE = "lib/napi-v8/tfjs_binding.node";
var RECORD_FILE = "engine.json";
function locateTensorflow(options = {}) {
  const env = options.env ?? process.env;
  const tfjs = findPackage();
  if (tfjs === void 0) {
    return {
      found: false,
      problem: \`the npm package \${TFJS_PACKAGE} is not installed\`,
      ways: [{ text: "Install archc's dependencies:", commands: ["npm install"] }]
    };
  }
  const wanted = options.device ?? deviceFromEnvironment(env);
  for (const device of wanted === void 0 ? ["gpu", "cpu"] : [wanted]) {
    const folder = engineFolder(device, tfjs.version, env);
    if (isComplete(folder)) {
      const location = { source: "cache", folder, addon: join2(folder, ADDON_FILE), device };
      return { found: true, location: { ...location, version: TENSORFLOW_VERSION } };
    }
  }
  const own = join2(tfjs.folder, ADDON_FILE);
  if (wanted !== "gpu" && existsSync(own)) {
    return {
      found: true,
      location: { source: "package", folder: tfjs.folder, addon: own, version: null, device: null }
    };
  }
  return {
    found: false,
    problem: \`TensorFlow \${TENSORFLOW_VERSION}\${wanted === "gpu" ? " for GPU" : ""} is not set up yet\`,
    ways: [setUpWay(wanted ?? "cpu")]
  };
}
function setUpWay(device) {
  const flag = device === "gpu" ? " --gpu" : "";
  return { text: "Build it once, for this user:", commands: [\`archc engine install tensorflow\${flag}\`] };
}
function deviceFromEnvironment(env) {
  const value = env["ARCHC_TENSORFLOW"];
  if (value === void 0 || value === "") return void 0;
  if (value === "cpu" || value === "gpu") return value;
  throw new EngineError(\`ARCHC_TENSORFLOW is "\${value}"; it can be cpu or gpu.\`);
}
function engineFolder(device, tfjsVersion, env) {
  const name = \`tensorflow-\${TENSORFLOW_VERSION}-\${device}-tfjs-\${tfjsVersion}-r\${String(BUILD_RECIPE)}\`;
  return join2(enginesFolder(env), name);
}
function isComplete(folder) {
  const record = readRecord(folder);
  if (record === void 0) return false;
  return Object.entries(record.files).every(([path, bytes]) => {
    const stat = statSync(join2(folder, path), { throwIfNoEntry: false });
    return stat !== void 0 && stat.size === bytes;
  });
}
function readRecord(folder) {
  try {
    return JSON.parse(readFileSync(join2(folder, RECORD_FILE), "utf8"));
  } catch {
    return void 0;
  }
}
function findPackage() {
  const require2 = createRequire(import.meta.url);
  let manifest;
  try {
    manifest = require2.resolve(\`\${TFJS_PACKAGE}/package.json\`);
  } catch {
    return void 0;
  }
  const { version } = JSON.parse(readFileSync(manifest, "utf8"));
  return { folder: dirname(manifest), version };
}

// src/runtime/engine/tensorflow/start-log.ts
import { existsSync as existsSync2 } from "node:fs";
import { createRequire as createRequire2 } from "node:module";
import { join as join3 } from "node:path";
var HOLDER_FILE = "lib/hold_stderr.node";
function withStartLog(engineFolder2, level, start) {
  const file = join3(engineFolder2, HOLDER_FILE);
  if (level === 0 || !existsSync2(file)) return start();
  const holder = createRequire2(import.meta.url)(file);
  holder.hold();
  try {
    return start();
  } finally {
    const text = linesAbove(holder.release(), level);
    if (text !== "") process.stderr.write(text);
  }
}
var LEVEL_OF_LETTER = { I: 0, W: 1, E: 2, F: 3 };
function linesAbove(text, level) {
  const lines = text.split(/(?<=\\n)/).filter((line) => {
    const letter = /^([IWEF])\\d{4} \\d{2}:\\d{2}:/.exec(line)?.[1];
    return letter === void 0 || (LEVEL_OF_LETTER[letter] ?? 0) >= level;
  });
  const isHeading = (line) => line.startsWith("WARNING: All log messages before absl::InitializeLog()");
  return lines.every(isHeading) ? "" : lines.join("");
}

// src/runtime/engine/tensorflow/load.ts
var loaded;
function loadTensorflow(options = {}) {
  loaded ??= load(options);
  return loaded;
}
function load(options) {
  const lookup = locateTensorflow(options);
  if (!lookup.found) {
    throw new EngineError(\`The TensorFlow engine is not available: \${lookup.problem}.\`, lookup.ways);
  }
  const { location } = lookup;
  setEnvironment(options);
  provideOldUtilities();
  let tf;
  try {
    const level = Number(process.env["TF_CPP_MIN_LOG_LEVEL"]) || 0;
    tf = withStartLog(location.folder, level, () => requireWithAddon(location.addon));
  } catch (error) {
    const way = setUpWay(location.device ?? "cpu");
    const ways = [{ text: "Build it anew:", commands: way.commands.map((command) => \`\${command} --force\`) }];
    throw new EngineError(\`The TensorFlow engine in \${location.folder} does not load: \${messageOf(error)}\`, ways);
  }
  const binding = bindingOf(tf);
  if (binding === void 0 || tf.getBackend() !== "tensorflow") {
    throw new EngineError(\`\${TFJS_PACKAGE} loaded without its addon, so it would compute in JavaScript.\`);
  }
  return { tf, location, version: binding.TF_Version, device: binding.isUsingGpuDevice() ? "gpu" : "cpu" };
}
function setEnvironment(options) {
  const { env } = process;
  if (options.logLevel !== void 0) env["TF_CPP_MIN_LOG_LEVEL"] = String(options.logLevel);
  else env["TF_CPP_MIN_LOG_LEVEL"] ??= "3";
  const { intra, inter } = options.threads ?? {};
  if (intra !== void 0) env["TF_NUM_INTRAOP_THREADS"] = String(intra);
  if (inter !== void 0) env["TF_NUM_INTEROP_THREADS"] = String(inter);
}
function provideOldUtilities() {
  Object.assign(util, {
    isNullOrUndefined: (value) => value === null || value === void 0,
    isArray: (value) => Array.isArray(value)
  });
}
function requireWithAddon(addon) {
  const require2 = createRequire3(import.meta.url);
  const fromPackage = createRequire3(require2.resolve(TFJS_PACKAGE));
  const finder = fromPackage.resolve("@mapbox/node-pre-gyp");
  const before = require2.cache[finder];
  const stand = new Module(finder);
  stand.exports = { find: () => addon };
  stand.loaded = true;
  require2.cache[finder] = stand;
  try {
    return require2(TFJS_PACKAGE);
  } finally {
    if (before === void 0) Reflect.deleteProperty(require2.cache, finder);
    else require2.cache[finder] = before;
  }
}
function bindingOf(tf) {
  const backend = tf.backend();
  if (!("binding" in backend)) return void 0;
  const { binding } = backend;
  if (typeof binding !== "object" || binding === null || !("TF_Version" in binding)) return void 0;
  return typeof binding.TF_Version === "string" ? binding : void 0;
}

// src/runtime/engine/tfjs/model.ts
import { readFile } from "node:fs/promises";
import { join as join4 } from "node:path";

// src/runtime/safetensors.ts
import { open as open2 } from "node:fs/promises";

// src/compiler/ops/tensor.ts
function bytesOf(dtype) {
  if (dtype === "bool") return 1;
  if (dtype === "f16" || dtype === "bf16") return 2;
  return dtype === "f64" || dtype === "i64" ? 8 : 4;
}
function countOf(shape) {
  let count = 1;
  for (const size of shape) count *= size;
  return count;
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

// src/runtime/files.ts
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname as dirname2 } from "node:path";
function besideName(path) {
  return \`\${path}.\${String(process.pid)}.part\`;
}
async function writeAll(file, bytes) {
  for (let done = 0; done < bytes.byteLength; ) done += (await file.write(bytes, done)).bytesWritten;
}
var GATHERED_BYTES = 1 << 20;
async function writeChunks(path, chunks) {
  await mkdir(dirname2(path), { recursive: true });
  const beside = besideName(path);
  try {
    const file = await open(beside, "w");
    let writing = Promise.resolve();
    try {
      let [gathered, other] = [new Uint8Array(GATHERED_BYTES), new Uint8Array(GATHERED_BYTES)];
      let size = 0;
      const flush = async () => {
        await writing;
        writing = writeAll(file, gathered.subarray(0, size));
        writing.catch(() => void 0);
        [gathered, other, size] = [other, gathered, 0];
      };
      for await (const chunk of chunks) {
        for (let done = 0; done < chunk.byteLength; ) {
          const part = chunk.subarray(done, done + gathered.byteLength - size);
          gathered.set(part, size);
          size += part.byteLength;
          done += part.byteLength;
          if (size === gathered.byteLength) await flush();
        }
      }
      await flush();
      await writing;
    } finally {
      await writing.catch(() => void 0);
      await file.close();
    }
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
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

// src/runtime/safetensors.ts
var CHUNK_BYTES = 1 << 20;
var MAX_HEADER_BYTES = 1e8;
var SafetensorsFile = class _SafetensorsFile {
  path;
  /** In the order of their bytes. */
  tensors;
  metadata;
  #file;
  #start;
  /** Buffers that no stream uses at the moment: new ones for each tensor would cost more than reading it. */
  #spare = [];
  constructor(path, file, start, header) {
    this.path = path;
    this.#file = file;
    this.#start = start;
    this.tensors = header.tensors;
    this.metadata = header.metadata;
  }
  /** Reads and checks the header. Close the file when done, or let \`using\` do it. */
  static async open(path) {
    let file;
    try {
      file = await open2(path, "r");
    } catch (error) {
      throw unreadable(path, error);
    }
    try {
      const stat = await file.stat();
      if (stat.isDirectory())
        throw new SafetensorsError(path, "this is a folder, not a weights file", "Name the .safetensors file in it.");
      const header = await readHeader(path, file, stat.size);
      return new _SafetensorsFile(path, file, header.start, parseHeader(path, header.text, stat.size - header.start));
    } catch (error) {
      await file.close();
      throw error;
    }
  }
  async close() {
    await this.#file.close();
  }
  async [Symbol.asyncDispose]() {
    await this.close();
  }
  /** The entry of a tensor that must be there. */
  entry(name) {
    const entry = this.tensors.get(name);
    if (entry !== void 0) return entry;
    const names = [...this.tensors.keys()];
    const some2 = names.slice(0, 5).join(", ") + (names.length > 5 ? \`, … (\${String(names.length)} in all)\` : "");
    throw new SafetensorsError(
      this.path,
      \`there is no tensor \\\`\${name}\\\`\`,
      \`The file holds \${names.length === 0 ? "no tensors" : some2}.\`
    );
  }
  /**
   * The bytes of a tensor, little-endian and row-major, in chunks of whole elements. A chunk is only good until the next
   * one is asked for. While its reader has it, the one after it is read.
   */
  async *stream(name, chunkBytes = CHUNK_BYTES) {
    const { start, bytes } = this.entry(name);
    const size = Math.min(CHUNK_BYTES, Math.max(chunkBytes - chunkBytes % 8, 8));
    const take = () => this.#spare.pop() ?? new Uint8Array(CHUNK_BYTES);
    const fill = (buffer2, from) => {
      const chunk = buffer2.subarray(0, Math.min(size, bytes - from));
      const filled = this.#fill(chunk, start + from, name).then(() => chunk);
      filled.catch(() => void 0);
      return filled;
    };
    let [buffer, other] = [take(), take()];
    let next = bytes === 0 ? void 0 : fill(buffer, 0);
    try {
      for (let done = 0; next !== void 0; ) {
        const chunk = await next;
        done += chunk.byteLength;
        [buffer, other] = [other, buffer];
        next = done < bytes ? fill(buffer, done) : void 0;
        yield chunk;
      }
    } finally {
      await next?.catch(() => void 0);
      this.#spare.push(buffer, other);
    }
  }
  /** A whole tensor as numbers. */
  async read(name) {
    const { shape } = this.entry(name);
    const { dtype, data } = await this.slice(name, 0, countOf(shape));
    return { dtype, shape, data };
  }
  /** \`count\` elements of a tensor from element \`from\` on, row-major, as a tensor of one axis. */
  async slice(name, from, count) {
    const entry = this.entry(name);
    const dtype = this.dtype(name);
    const size = bytesOf(dtype);
    if (from < 0 || count < 0 || (from + count) * size > entry.bytes) {
      throw new RangeError(\`elements \${String(from)} ..< \${String(from + count)} are outside of \\\`\${name}\\\`\`);
    }
    const bytes = new Uint8Array(count * size);
    await this.#fill(bytes, entry.start + from * size, name);
    return { dtype, shape: [count], data: decodeElements(dtype, bytes) };
  }
  /** The element type of a tensor; an error where it is one that archc does not compute with. */
  dtype(name) {
    const { dtype, stored } = this.entry(name);
    if (dtype !== void 0) return dtype;
    const help = "archc reads F64, F32, F16, BF16, I64, I32 and BOOL: convert the tensor to one of them.";
    throw new SafetensorsError(this.path, \`the tensor \\\`\${name}\\\` has the element type \${stored}\`, help);
  }
  async #fill(target, start, name) {
    for (let done = 0; done < target.byteLength; ) {
      const { bytesRead } = await this.#file.read(target, done, target.byteLength - done, this.#start + start + done);
      if (bytesRead === 0) {
        throw new SafetensorsError(
          this.path,
          \`the file ended inside \\\`\${name}\\\` while it was read\`,
          "Something shortened it meanwhile; write it again."
        );
      }
      done += bytesRead;
    }
  }
};
async function writeSafetensors(path, tensors, metadata = {}) {
  const header = {};
  if (Object.keys(metadata).length > 0) header["__metadata__"] = metadata;
  let end = 0;
  for (const { name, dtype, shape } of tensors) {
    if (Object.hasOwn(header, name)) throw new Error(\`two tensors are called \${name}\`);
    const start = end;
    end += countOf(shape) * bytesOf(dtype);
    header[name] = { dtype: dtype.toUpperCase(), shape, data_offsets: [start, end] };
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const head = new Uint8Array(8 + Math.ceil(text.byteLength / 8) * 8).fill(32);
  new DataView(head.buffer).setBigUint64(0, BigInt(head.byteLength - 8), true);
  head.set(text, 8);
  await writeChunks(path, chunks());
  async function* chunks() {
    yield head;
    for (const tensor of tensors) {
      const bytes = countOf(tensor.shape) * bytesOf(tensor.dtype);
      let given = 0;
      for await (const chunk of tensor.bytes()) {
        given += chunk.byteLength;
        yield chunk;
      }
      if (given !== bytes)
        throw new Error(\`the tensor \${tensor.name} has \${String(bytes)} bytes, \${String(given)} were given\`);
    }
  }
}
async function readHeader(path, file, size) {
  const again = "Download or write it again.";
  if (size < 8)
    throw new SafetensorsError(
      path,
      \`the file is cut off: it has \${String(size)} bytes, its header alone needs more\`,
      again
    );
  const lead = new Uint8Array(8);
  await file.read(lead, 0, 8, 0);
  const length = new DataView(lead.buffer).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw new SafetensorsError(
      path,
      "this is not a safetensors file",
      "A PyTorch .pt or .bin file has to be saved anew with safetensors.torch.save_file."
    );
  }
  const bytes = Number(length);
  if (8 + bytes > size) {
    throw new SafetensorsError(
      path,
      \`the file is cut off inside its header: \${String(8 + bytes)} bytes were expected, it has \${String(size)}\`,
      again
    );
  }
  const text = new Uint8Array(bytes);
  await file.read(text, 0, bytes, 8);
  return { text: new TextDecoder().decode(text), start: 8 + bytes };
}
function unreadable(path, error) {
  const code = error instanceof Error && "code" in error ? error.code : void 0;
  if (code === "ENOENT")
    return new SafetensorsError(
      path,
      "there is no such file",
      "Check the path, or make weights with \`archc weights init\`."
    );
  if (code === "EACCES") return new SafetensorsError(path, "the file may not be read", "Change its permissions.");
  return new SafetensorsError(path, error instanceof Error ? error.message : String(error), "Check the path.");
}

// src/runtime/engine/tfjs/feeds.ts
var FeedError = class extends Error {
  constructor(message) {
    super(message);
    this.name = "FeedError";
  }
};
function checkFeeds(name, signature, feeds) {
  const given = signature.inputs.map((input) => picturesOf(input, feeds[input.name]));
  const inputs = signature.inputs.map((input, i) => given[i]?.form ?? input);
  const sizes = checkShapes(name, { ...signature, inputs }, feeds);
  return signature.inputs.map((input, i) => {
    const pictures = given[i];
    if (pictures) return { node: pictures.node, dtype: "i32", value: wordsOf(pictures) };
    const data = numbersOf(input, feedNamed(input.name, feeds));
    checkRange(input, data, sizes);
    return { node: input.node, dtype: input.dtype, value: { shape: feeds[input.name]?.shape ?? [], data } };
  });
}
function picturesOf({ picture, ...input }, feed) {
  if (picture === void 0 || feed === void 0 || !("data" in feed)) return void 0;
  const { shape, data: bytes } = feed;
  if (!(bytes instanceof Uint8Array || bytes instanceof Uint8ClampedArray)) return void 0;
  return { node: picture.node, form: { ...input, dtype: "u8", shape: picture.shape }, shape, bytes };
}
function wordsOf({ form, shape, bytes }) {
  checkCount(form, shape, bytes);
  const [count = 0, ...rest] = shape;
  const each = rest.reduce((product, n) => product * n, 1);
  const words = Math.ceil(each / 4);
  if (each === 4 * words && bytes.byteOffset % 4 === 0)
    return { shape: [count, words], data: new Int32Array(bytes.buffer, bytes.byteOffset, count * words) };
  const packed = new Uint8Array(4 * words * count);
  for (let i = 0; i < count; i += 1) packed.set(bytes.subarray(i * each, (i + 1) * each), 4 * words * i);
  return { shape: [count, words], data: new Int32Array(packed.buffer) };
}
function checkCount({ name }, shape, given) {
  const count = shape.reduce((product, n) => product * n, 1);
  if (given.length !== count)
    throw new FeedError(
      \`\\\`\${name}\\\` has \${String(given.length)} numbers; its shape [\${shape.join(", ")}] needs \${String(count)}\`
    );
}
function feedNamed(name, feeds) {
  const feed = feeds[name];
  if (feed === void 0) throw new FeedError(\`there is no input \\\`\${name}\\\`\`);
  return feed;
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

// src/runtime/engine/tfjs/session.ts
var TfjsRunError = class extends Error {
  path;
  constructor(message, path, cause) {
    super(message, { cause });
    this.name = "TfjsRunError";
    this.path = path;
  }
};
var jsTypes = { f32: "float32", i32: "int32", bool: "bool" };
var tfTypes = { f32: "DT_FLOAT", i32: "DT_INT32", bool: "DT_BOOL" };
var Session = class _Session {
  #tf;
  #id;
  #backend;
  #isOpen = true;
  constructor(tf, id, backend) {
    this.#tf = tf;
    this.#id = id;
    this.#backend = backend;
  }
  /** A session of its own, with variables of its own, however often the folder is open. */
  static open(folder, tf) {
    const backend = tf.backend();
    if (!isNodeBackend(backend)) {
      throw new Error("this version of tfjs-node keeps its sessions elsewhere; use version 4");
    }
    try {
      return new _Session(tf, backend.loadSavedModelMetaGraph(folder, "serve"), backend);
    } catch (error) {
      throw failure(error);
    }
  }
  /** Runs what these outputs need. Blocks until it is done. */
  run(feeds, outputs) {
    if (!this.#isOpen) throw new Error("this model was disposed of");
    const inputs = feeds.map(({ dtype, value }) => this.#tf.tensor(value.data, [...value.shape], jsTypes[dtype]));
    try {
      const results = this.#backend.runSavedModel(
        this.#id,
        inputs,
        feeds.map(({ node, dtype }) => ({ name: node, tfDtype: tfTypes[dtype] })),
        [...outputs]
      );
      try {
        return results.map((tensor) => ({ shape: tensor.shape, data: tensor.dataSync() }));
      } finally {
        for (const tensor of results) tensor.dispose();
      }
    } catch (error) {
      throw failure(error);
    } finally {
      for (const tensor of inputs) tensor.dispose();
    }
  }
  /** Frees the graph and its variables; once more does nothing. */
  dispose() {
    if (!this.#isOpen) return;
    this.#backend.deleteSavedModel(this.#id);
    this.#isOpen = false;
  }
};
function isNodeBackend(backend) {
  const methods = ["loadSavedModelMetaGraph", "deleteSavedModel", "runSavedModel"];
  return typeof backend === "object" && backend !== null && methods.every((name) => typeof backend[name] === "function");
}
function failure(error) {
  const text = error instanceof Error ? error.message : String(error);
  const node = /\\{\\{node ([^}]+)\\}\\}/.exec(text)?.[1] ?? /\\[\\[([^\\]]+)\\]\\]/.exec(text)?.[1];
  const path = node?.split("/").slice(1, -1).join("/");
  const short = text.replace(/\\s*\\[\\[?\\{\\{node [\\s\\S]*$/, "").replace(/^Session fail to run with error:\\s*/, "");
  return new TfjsRunError(
    path === void 0 ? \`TensorFlow: \${short}\` : \`TensorFlow, at \${path}: \${short}\`,
    path,
    error
  );
}

// src/runtime/engine/tfjs/model.ts
var GROUP_BYTES = 32 << 20;
async function openModel(folder, options) {
  const description = JSON.parse(await readFile(join4(folder, "model.json"), "utf8"));
  const session = Session.open(folder, options.tf);
  const model = new TfjsModel(description, session);
  try {
    await model.load(options.weights ?? join4(folder, "weights.safetensors"));
  } catch (error) {
    model.dispose();
    throw error;
  }
  return model;
}
var TfjsModel = class {
  description;
  #session;
  constructor(description, session) {
    this.description = description;
    this.#session = session;
  }
  /** One optimizer step on this batch: the sum of the losses as \`loss\`, and each loss, before the step. */
  trainStep(feeds) {
    return numbersOf2(this.run("train_step", feeds));
  }
  /** A micro-batch before the last of a step: its losses; its gradients go into the mean that the next \`trainStep\` takes. */
  accumulate(feeds) {
    return numbersOf2(this.run("accumulate", feeds));
  }
  /** Losses, metrics and predictions of this batch; changes nothing. */
  evaluate(feeds) {
    return this.run("eval_step", feeds);
  }
  predict(feeds) {
    return this.run("predict", feeds);
  }
  /** Runs any signature of the model; blocks until it is done. */
  run(name, feeds) {
    const signature = this.#signature(name);
    const nodes = checkFeeds(name, signature, feeds);
    const values = this.#session.run(
      nodes,
      signature.outputs.map((o) => o.node)
    );
    return Object.fromEntries(signature.outputs.map((output, i) => [output.name, values[i]]));
  }
  #signature(name) {
    const signature = this.description.signatures[name];
    if (signature !== void 0) return signature;
    const names = Object.keys(this.description.signatures).join(", ");
    throw new Error(\`this model was compiled without \\\`\${name}\\\`; it has \${names}\`);
  }
  /** Reads variables by path, in PyTorch's layouts; i64 ones as pairs of i32 (low, high). All of them unless told. */
  getWeights(paths) {
    const wanted = paths === void 0 ? this.description.variables : paths.map((path) => this.#variable(path));
    const values = /* @__PURE__ */ new Map();
    for (const group of groupsOf(wanted)) {
      const results = this.#session.run(
        [],
        group.map((v) => v.get)
      );
      group.forEach((v, i) => values.set(v.path, results[i]));
    }
    return values;
  }
  /** Sets variables by path, in the form in which \`getWeights\` gives them. */
  setWeights(values) {
    let feeds = [];
    let done = [];
    let bytes = 0;
    const flush = () => {
      if (feeds.length > 0) this.#session.run(feeds, done);
      [feeds, done, bytes] = [[], [], 0];
    };
    for (const [path, value] of values) {
      const variable = this.#variable(path);
      const shape = borderShape(variable);
      if (value.shape.length !== shape.length || shape.some((n, i) => value.shape[i] !== n)) {
        throw new Error(
          \`\\\`\${path}\\\` is \${variable.dtype}[\${variable.shape.join(", ")}], not [\${value.shape.join(", ")}]\`
        );
      }
      feeds.push({ node: variable.feed, dtype: variable.border, value });
      done.push(variable.set);
      bytes += value.data.byteLength;
      if (bytes >= GROUP_BYTES) flush();
    }
    flush();
  }
  #variable(path) {
    const variable = this.description.variables.find((v) => v.path === path);
    if (variable === void 0) throw new Error(\`the model has no variable \\\`\${path}\\\`\`);
    return variable;
  }
  /**
   * Sets the variables from a safetensors file. Params and states must all be there and fit; optimizer states and counters
   * are taken where the file has them. What the model does not know is refused.
   */
  async load(path) {
    const file = await SafetensorsFile.open(path);
    try {
      const { variables } = this.description;
      const missing = variables.filter((v) => !v.starts && !file.tensors.has(v.path)).map((v) => v.path);
      if (missing.length > 0) throw new Error(\`\${path} does not hold \${some(missing)}\`);
      const known2 = /* @__PURE__ */ new Set([...variables.map((v) => v.path), ...this.description.elsewhere]);
      const extra = [...file.tensors.keys()].filter((name) => !known2.has(name));
      if (extra.length > 0) throw new Error(\`\${path} holds \${some(extra)}, which the model does not have\`);
      const present = variables.filter((v) => file.tensors.has(v.path));
      for (const group of groupsOf(present)) {
        const values = [];
        for (const variable of group) values.push([variable.path, await readVariable(file, variable)]);
        this.setWeights(values);
      }
      return { loaded: present.length, kept: variables.filter((v) => !file.tensors.has(v.path)).map((v) => v.path) };
    } finally {
      await file.close();
    }
  }
  /** Writes all variables, or params and states alone, to a safetensors file, group by group. */
  async save(path, what = "all") {
    const chosen = this.description.variables.filter((v) => what === "all" || v.kind === "param" || v.kind === "state");
    const groupOf = new Map(groupsOf(chosen).flatMap((group) => group.map((v) => [v.path, group])));
    let held = /* @__PURE__ */ new Map();
    const bytesOf2 = (variable) => {
      if (!held.has(variable.path)) held = this.getWeights((groupOf.get(variable.path) ?? []).map((v) => v.path));
      return storedBytes(variable, held.get(variable.path));
    };
    const tensors = chosen.map((variable) => {
      const dtype = variable.dtype;
      return { name: variable.path, dtype: widened(dtype), shape: variable.shape, bytes: () => [bytesOf2(variable)] };
    });
    await writeSafetensors(path, tensors, { format: "pt" });
  }
  dispose() {
    this.#session.dispose();
  }
};
function groupsOf(variables) {
  const groups = [];
  let bytes = GROUP_BYTES;
  for (const variable of variables) {
    if (bytes >= GROUP_BYTES) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1)?.push(variable);
    bytes += 4 * borderShape(variable).reduce((a, b) => a * b, 1);
  }
  return groups;
}
function borderShape(variable) {
  return variable.dtype === "i64" ? [...variable.shape, 2] : variable.shape;
}
async function readVariable(file, variable) {
  const { dtype, shape } = file.entry(variable.path);
  if (shape.length !== variable.shape.length || shape.some((n, i) => variable.shape[i] !== n)) {
    throw new Error(
      \`\${file.path}: \\\`\${variable.path}\\\` has shape [\${shape.join(", ")}]; the model's is [\${variable.shape.join(", ")}]\`
    );
  }
  const stored = dtype === variable.dtype || dtype === widened(variable.dtype);
  if (!stored)
    throw new Error(
      \`\${file.path}: \\\`\${variable.path}\\\` is \${dtype ?? "of an unknown type"}; the model's is \${variable.dtype}\`
    );
  if (dtype === "f16" || dtype === "bf16" || dtype === "f64") {
    const { data: data2 } = await file.read(variable.path);
    return { shape, data: data2 instanceof Float32Array ? data2 : Float32Array.from(data2) };
  }
  const { bytes } = file.entry(variable.path);
  const target = new Uint8Array(bytes);
  let at = 0;
  for await (const chunk of file.stream(variable.path)) {
    target.set(chunk, at);
    at += chunk.byteLength;
  }
  if (dtype === "bool") return { shape: borderShape(variable), data: target };
  const data = dtype === "f32" ? new Float32Array(target.buffer) : new Int32Array(target.buffer);
  return { shape: borderShape(variable), data };
}
function widened(dtype) {
  return dtype === "f16" || dtype === "bf16" || dtype === "f64" ? "f32" : dtype;
}
function storedBytes(variable, { data }) {
  const wide = variable.dtype === "bool" ? Uint8Array.from(data) : data;
  return new Uint8Array(wide.buffer, wide.byteOffset, wide.byteLength);
}
function numbersOf2(results) {
  return Object.fromEntries(
    Object.entries(results).flatMap(([name, { data }]) => data.length === 1 ? [[name, data[0] ?? NaN]] : [])
  );
}
function some(names) {
  const shown = names.slice(0, 5).map((n) => \`\\\`\${n}\\\`\`);
  return shown.join(", ") + (names.length > 5 ? \` and \${String(names.length - 5)} more\` : "");
}

// src/runtime/engine/tfjs/folder.ts
async function create(options = {}) {
  const tf = options.tf ?? await findTf();
  return openModel(dirname3(fileURLToPath(import.meta.url)), { ...options, tf });
}
async function findTf() {
  try {
    return loadTensorflow().tf;
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    try {
      const name = "@tensorflow/tfjs-node";
      const module = await import(name);
      return module.default ?? module;
    } catch {
      throw new Error(\`\${describeEngineError(error)}
Or install @tensorflow/tfjs-node, or pass { tf }.\`, {
        cause: error
      });
    }
  }
}
export {
  FeedError,
  TfjsRunError,
  create
};
`;

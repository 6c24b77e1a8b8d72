// Loads TensorFlow into this process: the real tfjs-node module over the addon that locateTensorflow found.
// Sets the environment that TensorFlow reads once, at load. Installs nothing.
//
// tfjs-node-gpu finds its addon by asking `@mapbox/node-pre-gyp` for a path inside its own package folder. Writing
// there would break read-only installations and be undone by every `npm ci`, so for the length of one require the
// module cache holds, in node-pre-gyp's place, an object whose `find` answers with the path of the cached addon.
// Nothing else of the package is touched, and node-pre-gyp's own long list of modules is not even loaded.
import { createRequire, Module } from "node:module";
import util from "node:util";
import { EngineError, messageOf } from "../error.ts";
import { locateTensorflow, type LocateOptions, setUpWay, type TensorflowLocation } from "./locate.ts";
import { TFJS_PACKAGE, type TensorflowDevice } from "./pins.ts";
import { withStartLog } from "./start-log.ts";

/** The module `@tensorflow/tfjs-node-gpu`. */
export type TensorflowModule = typeof import("@tensorflow/tfjs-node-gpu");

export interface LoadOptions extends LocateOptions {
  /** Threads of one operator (intra) and operators at once (inter); TensorFlow's own choice without. */
  readonly threads?: { readonly intra?: number; readonly inter?: number };
  /** TF_CPP_MIN_LOG_LEVEL: 0 says everything, 3 only what is fatal. 3 unless told, or set by the user. */
  readonly logLevel?: 0 | 1 | 2 | 3;
}

export interface LoadedTensorflow {
  readonly tf: TensorflowModule;
  /** The version that the loaded library itself returns. */
  readonly version: string;
  /** Where it computes: gpu only where a GPU was found. */
  readonly device: TensorflowDevice;
  readonly location: TensorflowLocation;
}

let loaded: LoadedTensorflow | undefined;

/** Loads TensorFlow, once a process; later calls return what the first one loaded. Throws EngineError. */
export function loadTensorflow(options: LoadOptions = {}): LoadedTensorflow {
  loaded ??= load(options);
  return loaded;
}

function load(options: LoadOptions): LoadedTensorflow {
  const lookup = locateTensorflow(options);
  if (!lookup.found) {
    throw new EngineError(`The TensorFlow engine is not available: ${lookup.problem}.`, lookup.ways);
  }
  const { location } = lookup;
  setEnvironment(options);
  provideOldUtilities();
  let tf: TensorflowModule;
  try {
    const level = Number(process.env["TF_CPP_MIN_LOG_LEVEL"]) || 0;
    tf = withStartLog(location.folder, level, () => requireWithAddon(location.addon));
  } catch (error) {
    const way = setUpWay(location.device ?? "cpu");
    const ways = [{ text: "Build it anew:", commands: way.commands.map((command) => `${command} --force`) }];
    throw new EngineError(`The TensorFlow engine in ${location.folder} does not load: ${messageOf(error)}`, ways);
  }
  const binding = bindingOf(tf);
  if (binding === undefined || tf.getBackend() !== "tensorflow") {
    throw new EngineError(`${TFJS_PACKAGE} loaded without its addon, so it would compute in JavaScript.`);
  }
  return { tf, location, version: binding.TF_Version, device: binding.isUsingGpuDevice() ? "gpu" : "cpu" };
}

function setEnvironment(options: LoadOptions): void {
  const { env } = process;
  if (options.logLevel !== undefined) env["TF_CPP_MIN_LOG_LEVEL"] = String(options.logLevel);
  else env["TF_CPP_MIN_LOG_LEVEL"] ??= "3";
  const { intra, inter } = options.threads ?? {};
  if (intra !== undefined) env["TF_NUM_INTRAOP_THREADS"] = String(intra);
  if (inter !== undefined) env["TF_NUM_INTEROP_THREADS"] = String(inter);
}

/** Two helpers that tfjs-node takes from node:util: deprecated in Node 22 with a warning, gone in Node 24. */
function provideOldUtilities(): void {
  Object.assign(util, {
    isNullOrUndefined: (value: unknown) => value === null || value === undefined,
    isArray: (value: unknown) => Array.isArray(value),
  });
}

function requireWithAddon(addon: string): TensorflowModule {
  const require = createRequire(import.meta.url);
  const fromPackage = createRequire(require.resolve(TFJS_PACKAGE));
  const finder = fromPackage.resolve("@mapbox/node-pre-gyp");
  const before = require.cache[finder];
  const stand = new Module(finder);
  stand.exports = { find: () => addon };
  stand.loaded = true;
  require.cache[finder] = stand;
  try {
    return require(TFJS_PACKAGE) as TensorflowModule;
  } finally {
    if (before === undefined) Reflect.deleteProperty(require.cache, finder);
    else require.cache[finder] = before;
  }
}

interface Binding {
  readonly TF_Version: string;
  isUsingGpuDevice(): boolean;
}

/** The addon's object inside the backend; undefined when the backend is another one. */
function bindingOf(tf: TensorflowModule): Binding | undefined {
  const backend: object = tf.backend();
  if (!("binding" in backend)) return undefined;
  const { binding } = backend;
  if (typeof binding !== "object" || binding === null || !("TF_Version" in binding)) return undefined;
  return typeof binding.TF_Version === "string" ? (binding as Binding) : undefined;
}

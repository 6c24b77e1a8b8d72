// Finds a built TensorFlow engine: in the user's cache, or the addon that npm's own install put into the
// package. Reads a few small files; loads no library, so it takes about a millisecond.
import { existsSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { enginesFolder } from "../cache.ts";
import { EngineError, type WayOut } from "../error.ts";
import { BUILD_RECIPE, TENSORFLOW_VERSION, TFJS_PACKAGE, type TensorflowDevice } from "./pins.ts";

/** A TensorFlow engine on disk. */
export interface TensorflowLocation {
  /** `cache`: built by archc. `package`: the addon inside the npm package, from npm's own install. */
  readonly source: "cache" | "package";
  /** The engine's folder: in the cache, or the npm package's. */
  readonly folder: string;
  /** The compiled addon, tfjs_binding.node. */
  readonly addon: string;
  /** TensorFlow's version as recorded by the build; null for the package's addon, which has to be asked. */
  readonly version: string | null;
  /** What the library was built for; a GPU build runs on the CPU where there is no driver. */
  readonly device: TensorflowDevice | null;
}

export type TensorflowLookup =
  | { readonly found: true; readonly location: TensorflowLocation }
  | { readonly found: false; readonly problem: string; readonly ways: readonly WayOut[] };

export interface LocateOptions {
  /** Only an engine for this device; without it ARCHC_TENSORFLOW decides, else any, a GPU one first. */
  readonly device?: TensorflowDevice | undefined;
  readonly env?: NodeJS.ProcessEnv;
}

/** The record that a finished build leaves in its folder; without it the folder does not count. */
export interface EngineRecord {
  readonly tensorflow: string;
  readonly tfjs: string;
  readonly device: TensorflowDevice;
  readonly recipe: number;
  /** Path within the folder to size in bytes, of what must be there. */
  readonly files: Readonly<Record<string, number>>;
  readonly wheels: Readonly<Record<string, string>>;
  readonly compiler: string;
}

export const ADDON_FILE = "lib/napi-v8/tfjs_binding.node";
export const LIBRARY_FOLDER = "deps/lib";
export const RECORD_FILE = "engine.json";

export function locateTensorflow(options: LocateOptions = {}): TensorflowLookup {
  const env = options.env ?? process.env;
  const tfjs = findPackage();
  if (tfjs === undefined) {
    return {
      found: false,
      problem: `the npm package ${TFJS_PACKAGE} is not installed`,
      ways: [{ text: "Install archc's dependencies:", commands: ["npm install"] }],
    };
  }
  const wanted = options.device ?? deviceFromEnvironment(env);
  for (const device of wanted === undefined ? (["gpu", "cpu"] as const) : [wanted]) {
    const folder = engineFolder(device, tfjs.version, env);
    if (isComplete(folder)) {
      const location = { source: "cache", folder, addon: join(folder, ADDON_FILE), device } as const;
      return { found: true, location: { ...location, version: TENSORFLOW_VERSION } };
    }
  }
  const own = join(tfjs.folder, ADDON_FILE);
  if (wanted !== "gpu" && existsSync(own)) {
    return {
      found: true,
      location: { source: "package", folder: tfjs.folder, addon: own, version: null, device: null },
    };
  }
  return {
    found: false,
    problem: `TensorFlow ${TENSORFLOW_VERSION}${wanted === "gpu" ? " for GPU" : ""} is not set up yet`,
    ways: [setUpWay(wanted ?? "cpu")],
  };
}

/** The way to get the engine, as every message about a missing one gives it. */
export function setUpWay(device: TensorflowDevice): WayOut {
  const flag = device === "gpu" ? " --gpu" : "";
  return { text: "Build it once, for this user:", commands: [`archc engine install tensorflow${flag}`] };
}

/** The device that ARCHC_TENSORFLOW asks for. */
export function deviceFromEnvironment(env: NodeJS.ProcessEnv): TensorflowDevice | undefined {
  const value = env["ARCHC_TENSORFLOW"];
  if (value === undefined || value === "") return undefined;
  if (value === "cpu" || value === "gpu") return value;
  throw new EngineError(`ARCHC_TENSORFLOW is "${value}"; it can be cpu or gpu.`);
}

export function engineFolder(device: TensorflowDevice, tfjsVersion: string, env: NodeJS.ProcessEnv): string {
  const name = `tensorflow-${TENSORFLOW_VERSION}-${device}-tfjs-${tfjsVersion}-r${String(BUILD_RECIPE)}`;
  return join(enginesFolder(env), name);
}

/** Is this folder a finished build, with every file at its full size? */
export function isComplete(folder: string): boolean {
  const record = readRecord(folder);
  if (record === undefined) return false;
  return Object.entries(record.files).every(([path, bytes]) => {
    const stat = statSync(join(folder, path), { throwIfNoEntry: false });
    return stat !== undefined && stat.size === bytes;
  });
}

function readRecord(folder: string): EngineRecord | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, RECORD_FILE), "utf8")) as EngineRecord;
  } catch {
    return undefined;
  }
}

export interface NpmPackage {
  readonly folder: string;
  readonly version: string;
}

/** The installed tfjs package, found the way Node finds it from here, bundled or not. */
export function findPackage(): NpmPackage | undefined {
  const require = createRequire(import.meta.url);
  let manifest: string;
  try {
    manifest = require.resolve(`${TFJS_PACKAGE}/package.json`);
  } catch {
    return undefined;
  }
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  return { folder: dirname(manifest), version };
}

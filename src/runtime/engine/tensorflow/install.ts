// Makes the real tfjs addon against TensorFlow's wheel, once per user, version and device. Everything is built in
// a folder beside its final place and put there by one rename, so that a half-made engine is never seen.
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { EngineError } from "../error.ts";
import { withLock } from "../lock.ts";
import { checkAddon, compileAddon } from "./compile.ts";
import { downloadWheel, type FetchContext, headersFolder, unpackWheel } from "./fetch.ts";
import {
  ADDON_FILE,
  deviceFromEnvironment,
  engineFolder,
  type EngineRecord,
  findPackage,
  isComplete,
  LIBRARY_FOLDER,
  type NpmPackage,
  RECORD_FILE,
  type TensorflowLocation,
} from "./locate.ts";
import { BUILD_RECIPE, TENSORFLOW_VERSION, type TensorflowDevice, TFJS_PACKAGE, wheelsOf } from "./pins.ts";
import { HOLDER_FILE } from "./start-log.ts";
import { findTools } from "./tools.ts";

export interface InstallOptions {
  /** Without it ARCHC_TENSORFLOW decides, else the CPU. */
  readonly device?: TensorflowDevice | undefined;
  /** Build anew even if it is there. */
  readonly force?: boolean;
  readonly env?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
}

/** What an installation tells: a step begins, or bytes of the current step are done. */
export type InstallEvent =
  | { readonly kind: "step"; readonly text: string }
  | { readonly kind: "bytes"; readonly text: string; readonly done: number; readonly total: number };

export interface InstallResult {
  /** `present`: there was nothing to do. */
  readonly status: "present" | "installed";
  readonly location: TensorflowLocation;
  readonly milliseconds: number;
}

/** Installs the engine unless it is there. Throws EngineError, saying what is missing and how to get it. */
export async function installTensorflow(
  options: InstallOptions = {},
  onEvent: (event: InstallEvent) => void = () => undefined,
): Promise<InstallResult> {
  const started = performance.now();
  const env = options.env ?? process.env;
  const device = options.device ?? deviceFromEnvironment(env) ?? "cpu";
  const tfjs = findPackage();
  if (tfjs === undefined) {
    const ways = [{ text: "Install archc's dependencies:", commands: ["npm install"] }];
    throw new EngineError(`The npm package ${TFJS_PACKAGE} is not installed.`, ways);
  }
  const folder = engineFolder(device, tfjs.version, env);
  const finish = (status: InstallResult["status"]): InstallResult => ({
    status,
    location: { source: "cache", folder, addon: join(folder, ADDON_FILE), version: TENSORFLOW_VERSION, device },
    milliseconds: performance.now() - started,
  });
  if (options.force !== true && isComplete(folder)) return finish("present");

  const compiler = await requireTools(env);
  mkdirSync(dirname(folder), { recursive: true });
  const onWait = (holder: string): void => {
    onEvent({ kind: "step", text: `waiting for ${holder}, which is installing the same engine` });
  };
  return withLock(`${folder}.lock`, { signal: options.signal, onWait }, async () => {
    if (options.force !== true && isComplete(folder)) return finish("present");
    removeLeftovers(folder);
    requireSpace(dirname(folder), device);
    const staging = mkdtempSync(`${folder}.new-`);
    try {
      const context: FetchContext = { env, signal: options.signal, device };
      await build(staging, tfjs, compiler, context, onEvent);
      // mkdtemp's folders are closed to others; an engine may be shared, as by a build machine's users.
      chmodSync(staging, 0o755);
      putInPlace(staging, folder);
    } finally {
      rmSync(staging, { recursive: true, force: true });
    }
    return finish("installed");
  });
}

async function build(
  staging: string,
  tfjs: NpmPackage,
  compiler: string,
  context: FetchContext,
  onEvent: (event: InstallEvent) => void,
): Promise<void> {
  const bytes = (text: string) => (done: number, total: number) => {
    onEvent({ kind: "bytes", text, done, total });
  };
  const wheels = wheelsOf(context.device);
  const downloads = `${staging}/downloads`;
  for (const wheel of wheels) {
    const name = `${wheel.name} ${wheel.version}`;
    onEvent({ kind: "step", text: `downloading ${name} (${String(wheel.megabytes)} MB)` });
    const file = await downloadWheel(wheel, downloads, context, bytes("downloading"));
    onEvent({ kind: "step", text: `unpacking ${name}` });
    await unpackWheel(file, staging, context, bytes("unpacking"));
    // One after the other, so that no more than one wheel lies beside what came out of it.
    rmSync(downloads, { recursive: true, force: true });
  }
  onEvent({ kind: "step", text: `compiling the addon of ${TFJS_PACKAGE} ${tfjs.version} with g++ ${compiler}` });
  await compileAddon(staging, tfjs.folder, context);
  rmSync(headersFolder(staging), { recursive: true, force: true });
  onEvent({ kind: "step", text: "loading it once" });
  await checkAddon(staging, context);

  const files = [
    ADDON_FILE,
    HOLDER_FILE,
    ...readdirSync(join(staging, LIBRARY_FOLDER)).map((name) => `${LIBRARY_FOLDER}/${name}`),
  ];
  const record: EngineRecord = {
    tensorflow: TENSORFLOW_VERSION,
    tfjs: tfjs.version,
    device: context.device,
    recipe: BUILD_RECIPE,
    files: Object.fromEntries(files.map((path) => [path, statSync(join(staging, path)).size])),
    wheels: Object.fromEntries(wheels.map(({ name, version, sha256 }) => [`${name} ${version}`, sha256])),
    compiler,
  };
  writeFileSync(join(staging, RECORD_FILE), `${JSON.stringify(record, null, 2)}\n`);
}

function putInPlace(staging: string, folder: string): void {
  // An older or damaged build is moved aside first: a process that has loaded it keeps its files open.
  const old = `${folder}.old-${String(process.pid)}`;
  try {
    renameSync(folder, old);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
  renameSync(staging, folder);
  rmSync(old, { recursive: true, force: true });
}

/** What killed installations left behind. Under the lock, so nobody is using it. */
function removeLeftovers(folder: string): void {
  const name = basename(folder);
  for (const entry of readdirSync(dirname(folder))) {
    if (entry.startsWith(`${name}.new-`) || entry.startsWith(`${name}.old-`)) {
      rmSync(join(dirname(folder), entry), { recursive: true, force: true });
    }
  }
}

async function requireTools(env: NodeJS.ProcessEnv): Promise<string> {
  const tools = await findTools(env);
  const missing = tools.filter((tool) => !tool.found);
  if (missing.length > 0) {
    const problems = missing.map((tool) => `${tool.problem ?? `no ${tool.name}`} (needed to ${tool.use})`);
    const ways = missing.flatMap((tool) => tool.ways);
    throw new EngineError(`The TensorFlow engine cannot be built here: ${problems.join("; ")}.`, ways);
  }
  return tools.find((tool) => tool.name === "g++")?.version ?? "";
}

function requireSpace(folder: string, device: TensorflowDevice): void {
  // The largest moment: everything unpacked, and the largest wheel beside it.
  const needed = device === "cpu" ? 1.2e9 : 7.5e9;
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  if (free >= needed) return;
  const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
  throw new EngineError(
    `The TensorFlow engine needs ${gigabytes(needed)} of free disk while it is built; ${folder} has ${gigabytes(free)}.`,
    [{ text: "Make room, or keep archc's cache elsewhere:", commands: ["export ARCHC_CACHE=/path/with/room"] }],
  );
}

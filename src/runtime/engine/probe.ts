// Says which engines are present: name, the version that the engine's own library returns, device, place; and of
// each one that is not, why and what to do. Every engine is asked in a process of its own, so a broken one cannot
// end this one. The reference engine is archc itself and always there.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { lastLines, runCommand } from "./command.ts";
import { EngineError, type WayOut } from "./error.ts";
import { askAddon } from "./tensorflow/ask.ts";
import { locateTensorflow, setUpWay } from "./tensorflow/locate.ts";
import type { TensorflowDevice } from "./tensorflow/pins.ts";
import { findTools } from "./tensorflow/tools.ts";

/** The names that `--engine` takes. */
export type EngineName = "reference" | "tfjs" | "onnx";

export interface EngineStatus {
  readonly name: EngineName;
  /** What computes: archc, TensorFlow, ONNX Runtime. */
  readonly library: string;
  readonly present: boolean;
  /** As the loaded library itself returns it. */
  readonly version: string | null;
  readonly device: TensorflowDevice | null;
  /** The file that is loaded. */
  readonly path: string | null;
  /** Why the engine is not usable; null when it is. */
  readonly problem: string | null;
  readonly ways: readonly WayOut[];
}

/** Asks every engine, all at once. Takes as long as the slowest library takes to load, about half a second. */
export async function probeEngines(env: NodeJS.ProcessEnv = process.env): Promise<readonly EngineStatus[]> {
  const [tensorflow, onnxRuntime] = await Promise.all([probeTensorflow(env), probeOnnxRuntime(env)]);
  return [probeReference(), tensorflow, onnxRuntime];
}

function probeReference(): EngineStatus {
  const manifest = ownManifest();
  const version =
    manifest === undefined ? null : (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
  const path = manifest === undefined ? null : dirname(manifest);
  return { name: "reference", library: "archc", present: true, version, device: "cpu", path, problem: null, ways: [] };
}

/** archc's own package.json, above this file in the sources and above the bundle alike. */
function ownManifest(): string | undefined {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const manifest = join(folder, "package.json");
    if (existsSync(manifest)) return manifest;
    if (folder === dirname(folder)) return undefined;
  }
}

async function probeTensorflow(env: NodeJS.ProcessEnv): Promise<EngineStatus> {
  const engine = { name: "tfjs", library: "TensorFlow" } as const;
  const nothing = { present: false, version: null, device: null, path: null } as const;
  let lookup: ReturnType<typeof locateTensorflow>;
  try {
    lookup = locateTensorflow({ env });
  } catch (error) {
    if (error instanceof EngineError) return { ...engine, ...nothing, problem: error.message, ways: error.ways };
    throw error;
  }
  if (lookup.found) {
    const { addon, device } = lookup.location;
    const answer = await askAddon(addon, env);
    if (answer.version !== null) {
      const { version, device: actual } = answer;
      return { ...engine, present: true, version, device: actual, path: addon, problem: null, ways: [] };
    }
    const problem = `the addon does not load: ${answer.output}`;
    return { ...engine, ...nothing, path: addon, problem, ways: [setUpWay(device ?? "cpu")] };
  }
  // Not there yet. What the machine lacks to build it comes first: without that the way to set it up is closed.
  const missing = (await findTools(env)).filter((tool) => !tool.found);
  const problems = missing.map((tool) => `${tool.problem ?? `no ${tool.name}`} (needed to ${tool.use})`);
  const problem = [lookup.problem, ...problems].join("; ");
  const closed = missing.some((tool) => tool.name === "platform");
  const ways = closed
    ? missing.filter((tool) => tool.name === "platform").flatMap((tool) => tool.ways)
    : [...missing.flatMap((tool) => tool.ways), ...lookup.ways];
  return { ...engine, ...nothing, problem, ways };
}

const ONNX_PACKAGE = "onnxruntime-node";

async function probeOnnxRuntime(env: NodeJS.ProcessEnv): Promise<EngineStatus> {
  const engine = { name: "onnx", library: "ONNX Runtime" } as const;
  const nothing = { present: false, version: null, device: null } as const;
  let path: string;
  try {
    path = createRequire(import.meta.url).resolve(ONNX_PACKAGE);
  } catch {
    const ways = [{ text: "Install archc's dependencies:", commands: ["npm install"] }];
    return { ...engine, ...nothing, path: null, problem: `the npm package ${ONNX_PACKAGE} is not installed`, ways };
  }
  const question = "console.log('version ' + require(process.argv[1]).env.versions.node)";
  const result = await runCommand(process.execPath, ["-e", question, path], {
    env: { ...env, ELECTRON_RUN_AS_NODE: "1", NODE_OPTIONS: "" },
  });
  const version = /^version (.+)$/m.exec(result.stdout)?.[1];
  if (result.status === 0 && version !== undefined) {
    return { ...engine, present: true, version, device: "cpu", path, problem: null, ways: [] };
  }
  const ways = [{ text: "Install the package anew:", commands: [`npm install ${ONNX_PACKAGE}`] }];
  return { ...engine, ...nothing, path, problem: `the package does not load: ${lastLines(result.stderr, 4)}`, ways };
}

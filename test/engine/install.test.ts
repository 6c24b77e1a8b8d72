// Installing without the means to: what a user is told, and that nothing half-made is left behind. No network.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import {
  cacheFolder,
  describeEngineError,
  EngineError,
  type InstallEvent,
  installTensorflow,
  locateTensorflow,
  probeEngines,
} from "../../src/runtime/engine/index.ts";

let folder: string;
let env: NodeJS.ProcessEnv;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "archc-engine-"));
  mkdirSync(join(folder, "bin"));
  symlinkSync("/usr/bin/getconf", join(folder, "bin/getconf"));
  env = { HOME: folder, PATH: join(folder, "bin"), ARCHC_CACHE: join(folder, "cache") };
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A program of ours on the otherwise empty PATH. */
function program(name: string, script: string): void {
  const path = join(folder, "bin", name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
}

const PYTHON = `case "$*" in *platform.python_version*) echo 3.11.7;; *"pip --version"*) echo "pip 24.0 from x";;`;

async function failure(events: InstallEvent[] = []): Promise<EngineError> {
  const error: unknown = await installTensorflow({ env }, (event) => events.push(event)).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof EngineError) return error;
  throw new Error(`expected an EngineError, got ${String(error)}`);
}

const buildable = process.platform === "linux" && process.arch === "x64";

it.runIf(buildable)("names every missing tool, what it is for, and the command that brings it", async () => {
  const text = describeEngineError(await failure());
  expect(text).toContain("there is no python3 (needed to unpack TensorFlow's wheel)");
  expect(text).toContain("there is no g++ (needed to compile tfjs-node's addon)");
  expect(text).toMatch(/Install g\+\+/);
  expect(existsSync(join(folder, "cache"))).toBe(false);
});

it.runIf(buildable)("passes on pip's own words when the download fails, and cleans up", async () => {
  program("g++", "echo 12.2.0");
  program("python3", `${PYTHON} *) echo "ERROR: no route to the index" >&2; exit 1;; esac`);
  const events: InstallEvent[] = [];
  const error = await failure(events);
  expect(error.message).toBe("pip could not download tensorflow-cpu 2.21.0 (274 MB).");
  expect(error.output).toContain("no route to the index");
  expect(error.ways.flatMap((way) => way.commands)).toContain("archc engine install tensorflow");
  expect(events[0]).toEqual({ kind: "step", text: "downloading tensorflow-cpu 2.21.0 (274 MB)" });
  expect(readdirSync(join(folder, "cache/engines"))).toEqual([]);
});

it.runIf(buildable)("tells a wheel with another hash from a failed download", async () => {
  program("g++", "echo 12.2.0");
  program("python3", `${PYTHON} *) echo "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES" >&2; exit 1;; esac`);
  expect((await failure()).message).toContain("its sha256 differs");
});

it.runIf(buildable)("gives pip the pinned version and hash", async () => {
  program("g++", "echo 12.2.0");
  // The fake pip prints the requirements file that it was given, as its complaint.
  program(
    "python3",
    `${PYTHON} *) for last; do :; done; while read -r line; do echo "$line" >&2; done < "$last"; exit 1;; esac`,
  );
  const { output } = await failure();
  expect(output).toMatch(/^tensorflow-cpu==2\.21\.0 --hash=sha256:[0-9a-f]{64}$/);
});

it("does not take a folder without its record, or with a file of another size, for an engine", () => {
  const engines = join(folder, "cache/engines");
  const lookup = locateTensorflow({ env, device: "gpu" });
  expect(lookup).toMatchObject({ found: false, problem: "TensorFlow 2.21.0 for GPU is not set up yet" });
  const engine = join(engines, "tensorflow-2.21.0-gpu-tfjs-4.22.0-r1");
  mkdirSync(join(engine, "lib/napi-v8"), { recursive: true });
  writeFileSync(join(engine, "lib/napi-v8/tfjs_binding.node"), "addon");
  expect(locateTensorflow({ env, device: "gpu" }).found).toBe(false);
  writeFileSync(join(engine, "engine.json"), JSON.stringify({ files: { "lib/napi-v8/tfjs_binding.node": 6 } }));
  expect(locateTensorflow({ env, device: "gpu" }).found).toBe(false);
  writeFileSync(join(engine, "engine.json"), JSON.stringify({ files: { "lib/napi-v8/tfjs_binding.node": 5 } }));
  expect(locateTensorflow({ env, device: "gpu" })).toMatchObject({ found: true, location: { folder: engine } });
});

it("refuses a device that it does not know", () => {
  expect(() => locateTensorflow({ env: { ...env, ARCHC_TENSORFLOW: "tpu" } })).toThrow(
    'ARCHC_TENSORFLOW is "tpu"; it can be cpu or gpu.',
  );
});

it("says in the probe why an engine is missing and what to do, and keeps the others", async () => {
  const engines = await probeEngines({ ...env, ARCHC_TENSORFLOW: "gpu" });
  const tensorflow = engines.find((engine) => engine.name === "tfjs");
  expect(tensorflow).toMatchObject({ present: false, version: null });
  expect(tensorflow?.problem).toContain("TensorFlow 2.21.0 for GPU is not set up yet");
  expect(engines.find((engine) => engine.name === "reference")).toMatchObject({ present: true });
});

it("keeps its cache where the user says, else where the desktop says, else below home", () => {
  expect(cacheFolder({ ARCHC_CACHE: "/a", XDG_CACHE_HOME: "/x" })).toBe("/a");
  expect(cacheFolder({ XDG_CACHE_HOME: "/x" })).toBe("/x/archc");
  // A relative XDG path is invalid by its specification.
  expect(cacheFolder({ XDG_CACHE_HOME: "x" })).toMatch(/\/\.cache\/archc$/);
});

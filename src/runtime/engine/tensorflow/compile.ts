// Compiles tfjs-node's addon from the npm package's own sources against an unpacked TensorFlow, and asks the
// result in a fresh process which TensorFlow it speaks to. Needs only a C++ compiler: no node-gyp, no Node headers.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { lastLines, runCommand } from "../command.ts";
import { EngineError } from "../error.ts";
import { type FetchContext, headersFolder } from "./fetch.ts";
import { ADDON_FILE, LIBRARY_FOLDER } from "./locate.ts";
import { askAddon } from "./ask.ts";
import { TENSORFLOW_VERSION } from "./pins.ts";
import { HOLDER_FILE, HOLDER_SOURCE } from "./start-log.ts";
import { compilerCommand } from "./tools.ts";

/** Builds `folder`/lib/napi-v8/tfjs_binding.node. */
export async function compileAddon(folder: string, tfjsFolder: string, context: FetchContext): Promise<void> {
  const binding = join(tfjsFolder, "binding");
  const addon = join(folder, ADDON_FILE);
  mkdirSync(dirname(addon), { recursive: true });
  await compile(context, [
    ...[`-I${headersFolder(folder)}`, `-I${binding}`],
    ...[join(binding, "tfjs_backend.cc"), join(binding, "tfjs_binding.cc"), "-o", addon],
    ...[`-L${join(folder, LIBRARY_FOLDER)}`, "-l:libtensorflow_cc.so.2", "-l:libtensorflow_framework.so.2"],
    // Found from the addon's own place, so the folder can be renamed and needs no LD_LIBRARY_PATH.
    "-Wl,-rpath,$ORIGIN/../../deps/lib",
  ]);
  const source = join(folder, "hold_stderr.cc");
  writeFileSync(source, HOLDER_SOURCE);
  await compile(context, [source, "-o", join(folder, HOLDER_FILE)]);
  rmSync(source);
}

async function compile(context: FetchContext, args: readonly string[]): Promise<void> {
  const [compiler, ...leading] = compilerCommand(context.env);
  const common = ["-std=c++17", "-O2", "-fPIC", "-shared", "-DNAPI_VERSION=8", `-I${nodeApiHeaders()}`];
  const result = await runCommand(compiler, [...leading, ...common, ...args], context);
  if (result.status !== 0) {
    throw new EngineError(`${compiler} could not compile tfjs-node's addon.`, [], lastLines(result.stderr, 20));
  }
}

/** Loads the addon in a process of its own; a library that this processor cannot run ends only that process. */
export async function checkAddon(folder: string, context: FetchContext): Promise<void> {
  const answer = await askAddon(join(folder, ADDON_FILE), context.env, context.signal);
  if (answer.version === TENSORFLOW_VERSION) return;
  if (answer.version !== null) {
    throw new EngineError(`The addon was built for TensorFlow ${TENSORFLOW_VERSION} but speaks to ${answer.version}.`);
  }
  throw new EngineError("The addon was built but does not load on this machine.", [], answer.output);
}

function nodeApiHeaders(): string {
  const require = createRequire(import.meta.url);
  return join(dirname(require.resolve("node-api-headers/package.json")), "include");
}

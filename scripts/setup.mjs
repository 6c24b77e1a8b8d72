// The one set-up: packages, dist/, and the real TensorFlow addon. Idempotent; says what it does; a fraction of a
// second when nothing is to do. Uses Node's own modules alone, because node_modules may not be there yet.
//   node scripts/setup.mjs [--brief] [--no-engine]
// --brief says nothing when nothing is to do. --no-engine leaves TensorFlow alone.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const NODE_NEEDED = [20, 19];

/**
 * Brings the checkout up to date. Returns whether the TensorFlow engine is there; a machine that cannot build it
 * is told why and is otherwise fully usable. Throws when the packages cannot be installed.
 */
export async function setUp({ engine = true, brief = false } = {}) {
  const started = performance.now();
  let worked = false;
  requireNode();
  if (!packagesAreCurrent()) {
    say("installing packages (npm ci)");
    installPackages();
    worked = true;
  }
  const { build } = await import("./build.mjs");
  const beforeBuild = performance.now();
  if (await build({ ifNeeded: true })) {
    say(`built dist/ in ${seconds(beforeBuild)}`);
    worked = true;
  }
  let ready = true;
  if (engine) {
    const result = await setUpEngine();
    ready = result.ready;
    worked ||= result.worked;
  }
  if (worked || !brief) say(`${worked ? "done" : "everything is in place"} (${seconds(started)})`);
  return ready;
}

function requireNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > NODE_NEEDED[0] || (major === NODE_NEEDED[0] && minor >= NODE_NEEDED[1])) return;
  throw new Error(`archc needs Node ${NODE_NEEDED.join(".")} or newer; this is ${process.versions.node}.`);
}

/** Does node_modules hold what package-lock.json asks for? npm leaves its own list of what it installed. */
function packagesAreCurrent() {
  const wanted = readLock("package-lock.json");
  const present = readLock("node_modules/.package-lock.json");
  if (wanted === undefined) throw new Error("package-lock.json is missing.");
  if (present === undefined) return false;
  return Object.entries(wanted).every(([path, { version, integrity, optional }]) => {
    if (path === "") return true;
    const found = present[path];
    // Optional packages are for other platforms as a rule; npm leaves those out.
    if (found === undefined) return optional === true;
    return found.version === version && found.integrity === integrity;
  });
}

function readLock(path) {
  try {
    return JSON.parse(readFileSync(join(root, path), "utf8")).packages;
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

function installPackages() {
  // Under npm this names npm's own program, so that the same npm is used.
  const npm = process.env.npm_execpath;
  const [command, first] = npm?.endsWith(".js") ? [process.execPath, [npm]] : ["npm", []];
  const args = [...first, "ci", "--loglevel=error", "--no-audit", "--no-fund"];
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  if (error !== undefined) throw new Error(`npm could not be started: ${error.message}`);
  if (status !== 0) throw new Error("npm ci failed; its own words are above.");
}

async function setUpEngine() {
  // From dist/, which the step before has just built: the engine's code is TypeScript.
  const engines = await import(pathToFileURL(join(root, "dist/engine.mjs")).href);
  const interrupt = new AbortController();
  const onInterrupt = () => interrupt.abort();
  process.once("SIGINT", onInterrupt);
  try {
    const result = await engines.installTensorflow({ signal: interrupt.signal }, showEvents());
    if (result.status === "installed")
      say(`TensorFlow ${result.location.version} is ready in ${result.location.folder}`);
    return { ready: true, worked: result.status === "installed" };
  } catch (error) {
    if (interrupt.signal.aborted) {
      say("interrupted; the next run begins this step anew");
      process.exit(130);
    }
    if (!(error instanceof engines.EngineError)) throw error;
    say(`no TensorFlow engine; everything else works.\n${engines.describeEngineError(error)}\n`);
    return { ready: false, worked: true };
  } finally {
    process.off("SIGINT", onInterrupt);
  }
}

/** One line a step; on a terminal the line counts, elsewhere it says when it is half way. */
function showEvents() {
  const terminal = process.stderr.isTTY;
  let told = "";
  return (event) => {
    if (event.kind === "step") {
      if (terminal) process.stderr.write("\r\u001b[K");
      say(event.text);
      told = "";
      return;
    }
    const percent = Math.floor((100 * event.done) / event.total);
    const text = `${event.text} ${percent} % of ${Math.round(event.total / 1e6)} MB`;
    if (terminal) process.stderr.write(`\r\u001b[K  ${text}`);
    else if (percent >= 50 && percent < 100 && told === "") say((told = text));
    if (terminal && event.done >= event.total) process.stderr.write("\r\u001b[K");
  };
}

function say(text) {
  process.stderr.write(`set-up: ${text}\n`);
}

function seconds(since) {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const options = new Set(process.argv.slice(2));
  try {
    await setUp({ engine: !options.has("--no-engine"), brief: options.has("--brief") });
  } catch (error) {
    say(error.message);
    process.exitCode = 1;
  }
}

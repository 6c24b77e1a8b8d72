// Gets the wheels: pip downloads each one and checks its hash, Python's zipfile unpacks the parts that the
// engine needs. Knows which parts those are; knows nothing of caches, locks or compilers.
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { lastLines, runCommand } from "../command.ts";
import { EngineError } from "../error.ts";
import { LIBRARY_FOLDER, setUpWay } from "./locate.ts";
import { type TensorflowDevice, type Wheel } from "./pins.ts";
import { pythonCommand } from "./tools.ts";

/** Bytes done of a step that takes long. */
export type BytesProgress = (done: number, total: number) => void;

export interface FetchContext {
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal | undefined;
  readonly device: TensorflowDevice;
}

/** Downloads one wheel into `folder` and returns its path. pip refuses a file whose hash is another. */
export async function downloadWheel(
  wheel: Wheel,
  folder: string,
  context: FetchContext,
  onBytes: BytesProgress,
): Promise<string> {
  const incoming = join(folder, "incoming");
  const target = join(folder, "wheel");
  mkdirSync(incoming, { recursive: true });
  mkdirSync(target, { recursive: true });
  const requirements = join(folder, "requirements.txt");
  writeFileSync(requirements, `${wheel.name}==${wheel.version} --hash=sha256:${wheel.sha256}\n`);

  // pip's own bar needs a terminal, so the growing file in its temporary folder is watched instead.
  const total = wheel.megabytes * 1e6;
  const watch = setInterval(() => {
    onBytes(Math.min(largestFile(incoming), total), total);
  }, 200);
  const args = [
    ...["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes"],
    ...["--python-version", "3.11", "--implementation", "cp", "--abi", "cp311", "--abi", "none"],
    ...["--platform", wheel.platform, "--dest", target, "--requirement", requirements],
  ];
  const env = { ...context.env, TMPDIR: incoming, PIP_DISABLE_PIP_VERSION_CHECK: "1", PIP_NO_INPUT: "1" };
  const result = await runCommand(pythonCommand(context.env), args, { env, signal: context.signal }).finally(() => {
    clearInterval(watch);
  });
  rmSync(incoming, { recursive: true, force: true });
  if (result.status !== 0) throw downloadError(wheel, result.stderr, context.device);
  onBytes(total, total);
  const file = readdirSync(target).find((name) => name.endsWith(".whl"));
  if (file === undefined) throw downloadError(wheel, result.stderr, context.device);
  return join(target, file);
}

function downloadError(wheel: Wheel, output: string, device: TensorflowDevice): EngineError {
  const name = `${wheel.name} ${wheel.version} (${String(wheel.megabytes)} MB)`;
  if (/HASH/i.test(output) && /mismatch|do not match/i.test(output)) {
    return new EngineError(
      `The wheel of ${name} that pip received is not the one archc was tested with: its sha256 differs.`,
      [{ text: "Check which package index pip uses:", commands: ["python3 -m pip config list"] }],
      lastLines(output),
    );
  }
  return new EngineError(
    `pip could not download ${name}.`,
    [
      {
        text: "With a working connection (pip's own settings for proxies, indexes and PIP_FIND_LINKS are used):",
        commands: setUpWay(device).commands,
      },
    ],
    lastLines(output),
  );
}

/** A member of the wheel, or a folder of members when it ends in a slash, and where it goes. */
type UnpackRule = readonly [from: string, to: string];

const HEADERS = "headers";

/** Unpacks what the engine needs of a wheel into `folder`: libraries, the C headers, licences. */
export async function unpackWheel(
  file: string,
  folder: string,
  context: FetchContext,
  onBytes: BytesProgress,
): Promise<void> {
  const rules: readonly UnpackRule[] = [
    ["tensorflow/libtensorflow_cc.so.2", `${LIBRARY_FOLDER}/libtensorflow_cc.so.2`],
    ["tensorflow/libtensorflow_framework.so.2", `${LIBRARY_FOLDER}/libtensorflow_framework.so.2`],
    ["tensorflow/THIRD_PARTY_NOTICES.txt", "THIRD_PARTY_NOTICES.txt"],
    ["tensorflow/include/LICENSE", "LICENSE"],
    // The C interface and the status headers it leans on.
    ["tensorflow/include/tensorflow/c/", `${HEADERS}/tensorflow/c/`],
    ["tensorflow/include/tensorflow/core/platform/", `${HEADERS}/tensorflow/core/platform/`],
    ["tensorflow/include/xla/tsl/", `${HEADERS}/xla/tsl/`],
    ["tensorflow/include/tsl/", `${HEADERS}/tsl/`],
    // CUDA's wheels. TensorFlow's library looks for them in ../nvidia, seen from itself.
    ["nvidia/", "deps/nvidia/"],
  ];
  let complaint = "";
  const result = await runCommand(pythonCommand(context.env), ["-c", UNPACK, file, folder, JSON.stringify(rules)], {
    env: context.env,
    signal: context.signal,
    onLine: (line) => {
      const [done, total] = line.split(" ").map(Number);
      if (done !== undefined && total !== undefined) onBytes(done, total);
      else complaint += line;
    },
  });
  if (result.status !== 0) {
    throw new EngineError("A downloaded wheel could not be unpacked.", [], lastLines(complaint + result.stderr));
  }
}

export function headersFolder(folder: string): string {
  return join(folder, HEADERS);
}

/** Python, because Node has no reader of zip files; zipfile checks every member's CRC as it reads. */
const UNPACK = `
import json, os, sys, zipfile
wheel, target, rules = sys.argv[1], os.path.abspath(sys.argv[2]), json.loads(sys.argv[3])
members = []
with zipfile.ZipFile(wheel) as archive:
    for info in archive.infolist():
        for source, place in rules:
            if info.filename == source or (source.endswith("/") and info.filename.startswith(source)):
                path = os.path.normpath(os.path.join(target, place + info.filename[len(source):]))
                if not info.filename.endswith("/") and path.startswith(target + os.sep):
                    members.append((info, path))
                break
    total = sum(info.file_size for info, _ in members)
    done = told = 0
    for info, path in members:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with archive.open(info) as source, open(path, "wb") as sink:
            while True:
                block = source.read(1 << 20)
                if not block:
                    break
                sink.write(block)
                done += len(block)
                if done - told >= 1 << 24:
                    told = done
                    print(done, total, flush=True)
        if (info.external_attr >> 16) & 0o111:
            os.chmod(path, 0o755)
    print(total, total, flush=True)
`;

function largestFile(folder: string): number {
  let largest = 0;
  try {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      largest = Math.max(largest, statSync(join(entry.parentPath, entry.name)).size);
    }
  } catch {
    // pip moves its files while they are being looked at; the next look counts.
  }
  return largest;
}

// Applies TF_CPP_MIN_LOG_LEVEL to the lines that TensorFlow 2.21 writes while its library starts, before it reads
// that variable. Node cannot redirect a file descriptor, so the build adds a tiny addon that can. Nothing is lost:
// lines above the level, and lines that are not TensorFlow's, are written on once the library has started.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

/** Beside the addon in an engine's folder. */
export const HOLDER_FILE = "lib/hold_stderr.node";

/** Its source: hold() puts file descriptor 2 aside, release() returns what was written. */
export const HOLDER_SOURCE = `
#include <fcntl.h>
#include <node_api.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cstdio>
#include <string>

namespace {

int kept = -1;

napi_value Hold(napi_env, napi_callback_info) {
  if (kept >= 0) return nullptr;
  const int memory = memfd_create("stderr", MFD_CLOEXEC);
  if (memory < 0) return nullptr;
  fflush(stderr);
  kept = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  if (kept >= 0) dup2(memory, STDERR_FILENO);
  close(memory);
  return nullptr;
}

napi_value Release(napi_env env, napi_callback_info) {
  std::string text;
  if (kept >= 0) {
    fflush(stderr);
    const off_t size = lseek(STDERR_FILENO, 0, SEEK_END);
    if (size > 0) {
      text.resize(size);
      const ssize_t got = pread(STDERR_FILENO, &text[0], text.size(), 0);
      text.resize(got > 0 ? got : 0);
    }
    dup2(kept, STDERR_FILENO);
    close(kept);
    kept = -1;
  }
  napi_value result = nullptr;
  napi_create_string_utf8(env, text.data(), text.size(), &result);
  return result;
}

napi_value Init(napi_env env, napi_value exports) {
  napi_value function;
  napi_create_function(env, "hold", NAPI_AUTO_LENGTH, Hold, nullptr, &function);
  napi_set_named_property(env, exports, "hold", function);
  napi_create_function(env, "release", NAPI_AUTO_LENGTH, Release, nullptr, &function);
  napi_set_named_property(env, exports, "release", function);
  return exports;
}

}  // namespace

NAPI_MODULE(hold_stderr, Init)
`;

interface Holder {
  hold(): void;
  release(): string;
}

/** Runs `start`, then writes on what it wrote to stderr as far as the level lets it through. */
export function withStartLog<T>(engineFolder: string, level: number, start: () => T): T {
  const file = join(engineFolder, HOLDER_FILE);
  // The addon inside the npm package has none; its lines just appear.
  if (level === 0 || !existsSync(file)) return start();
  const holder = createRequire(import.meta.url)(file) as Holder;
  holder.hold();
  try {
    return start();
  } finally {
    const text = linesAbove(holder.release(), level);
    if (text !== "") process.stderr.write(text);
  }
}

const LEVEL_OF_LETTER: Readonly<Record<string, number>> = { I: 0, W: 1, E: 2, F: 3 };

/** The text without the log lines below the level, and without the heading that only explains such lines. */
export function linesAbove(text: string, level: number): string {
  const lines = text.split(/(?<=\n)/).filter((line) => {
    const letter = /^([IWEF])\d{4} \d{2}:\d{2}:/.exec(line)?.[1];
    return letter === undefined || (LEVEL_OF_LETTER[letter] ?? 0) >= level;
  });
  const isHeading = (line: string): boolean =>
    line.startsWith("WARNING: All log messages before absl::InitializeLog()");
  return lines.every(isHeading) ? "" : lines.join("");
}

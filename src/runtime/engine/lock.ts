// A lock between processes that want to make the same thing: a file, created only if absent, that names its
// holder. It saves double work and nothing more; what is made under it is still put in place by one rename.
import { readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

const BEAT_MILLISECONDS = 2_000;
/** A holder on another machine (a shared home folder) counts as gone after this long without a beat. */
const SILENCE_MILLISECONDS = 60_000;
const POLL_MILLISECONDS = 250;

export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called once if another process holds the lock. */
  readonly onWait?: (holder: string) => void;
}

/** Runs `work` while no other process runs under the same lock file. */
export async function withLock<T>(path: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  let told = false;
  while (!tryAcquire(path)) {
    const holder = readHolder(path);
    if (holder === undefined) continue;
    if (isGone(path, holder)) {
      // Moved aside first: of two waiters only one can move it.
      const aside = `${path}.gone-${String(process.pid)}`;
      try {
        renameSync(path, aside);
        rmSync(aside, { force: true });
      } catch {
        // The other waiter was faster.
      }
      continue;
    }
    if (!told) options.onWait?.(`process ${String(holder.pid)} on ${holder.host}`);
    told = true;
    await sleep(POLL_MILLISECONDS, undefined, options.signal === undefined ? {} : { signal: options.signal });
  }
  const beat = setInterval(() => {
    const now = new Date();
    try {
      utimesSync(path, now, now);
    } catch {
      // Somebody removed the lock; the rename at the end still decides.
    }
  }, BEAT_MILLISECONDS);
  beat.unref();
  try {
    return await work();
  } finally {
    clearInterval(beat);
    if (readHolder(path)?.pid === process.pid) rmSync(path, { force: true });
  }
}

interface Holder {
  readonly pid: number;
  readonly host: string;
}

function tryAcquire(path: string): boolean {
  try {
    writeFileSync(path, JSON.stringify({ pid: process.pid, host: hostname() }), { flag: "wx" });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

function readHolder(path: string): Holder | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof value === "object" && value !== null && "pid" in value && "host" in value) {
      return { pid: Number(value.pid), host: String(value.host) };
    }
    return { pid: 0, host: "" };
  } catch (error) {
    // Just created and not yet written: a holder without a name, who has the usual time to make itself known.
    if (error instanceof SyntaxError) return { pid: 0, host: "" };
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

function isGone(path: string, holder: Holder): boolean {
  if (holder.host === hostname() && holder.pid > 0) {
    try {
      process.kill(holder.pid, 0);
      return false;
    } catch (error) {
      // EPERM: it is there, but belongs to another user.
      return !(error instanceof Error && "code" in error && error.code === "EPERM");
    }
  }
  try {
    return Date.now() - statSync(path).mtimeMs > SILENCE_MILLISECONDS;
  } catch {
    return false;
  }
}

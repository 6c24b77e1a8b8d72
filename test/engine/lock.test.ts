// The lock between installations: one at a time, and a holder that died does not block the next.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { withLock } from "../../src/runtime/engine/lock.ts";

let folder: string;
let lock: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "archc-lock-"));
  lock = join(folder, "engine.lock");
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

it("lets one in at a time and tells the other who holds it", async () => {
  const order: string[] = [];
  const waits: string[] = [];
  const enter = (name: string) =>
    withLock(lock, { onWait: (holder) => waits.push(holder) }, async () => {
      order.push(`${name} in`);
      await sleep(50);
      order.push(`${name} out`);
    });
  await Promise.all([enter("a"), enter("b")]);
  expect(order).toEqual(["a in", "a out", "b in", "b out"]);
  expect(waits).toEqual([`process ${process.pid} on ${hostname()}`]);
  expect(existsSync(lock)).toBe(false);
});

it("takes over from a process that is gone", async () => {
  const { pid } = spawnSync(process.execPath, ["-e", ""]);
  writeFileSync(lock, JSON.stringify({ pid, host: hostname() }));
  expect(await withLock(lock, {}, () => Promise.resolve("done"))).toBe("done");
  expect(existsSync(lock)).toBe(false);
});

it("gives up waiting when interrupted", async () => {
  writeFileSync(lock, JSON.stringify({ pid: process.pid, host: hostname() }));
  const signal = AbortSignal.timeout(20);
  await expect(withLock(lock, { signal }, () => Promise.resolve())).rejects.toThrow(/abort/i);
});

it("releases when the work fails", async () => {
  await expect(withLock(lock, {}, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(existsSync(lock)).toBe(false);
});

// The same spec gives the same bytes, whatever process, folder, language and time zone it is compiled in.
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..", "..");
mkdirSync(new URL("../../build/", import.meta.url), { recursive: true });
const folder = mkdtempSync(join(root, "build", "digest-"));
const program = join(folder, "digest.mjs");
const specs = [
  "models/dhaa_ablations.arch:dhaa_small",
  "models/unet.arch::widths=[8, 16]:bottom=32",
  "models/gan.arch",
];

beforeAll(async () => {
  // beside the sources, so that packages are found; Node 20 reads no TypeScript
  await build({
    entryPoints: [join(import.meta.dirname, "digest.ts")],
    outfile: program,
    bundle: true,
    format: "esm",
    platform: "node",
    packages: "external",
    logLevel: "warning",
  });
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function digests(cwd: string, env: NodeJS.ProcessEnv, order: readonly string[]): Promise<Record<string, string>> {
  const { stdout } = await promisify(execFile)(process.execPath, [program, root, ...order], {
    cwd,
    env: { PATH: process.env["PATH"], ...env },
  });
  return JSON.parse(stdout) as Record<string, string>;
}

describe("compiling", () => {
  it("gives the same bytes in every process", async () => {
    const first = await digests(root, { TZ: "UTC", LANG: "C" }, specs);
    const names = Object.keys(first);
    for (const spec of specs)
      for (const part of ["hash", "train", "evaluate", "predict", "tfjs/saved_model.pb", "onnx/net.onnx"])
        expect(names).toContain(`${spec} ${part}`);
    // another place, another language, another order
    const second = await digests(
      tmpdir(),
      { TZ: "Asia/Kolkata", LANG: "tr_TR.UTF-8", LC_ALL: "tr_TR.UTF-8", HOME: tmpdir() },
      [...specs].reverse(),
    );
    expect(second).toEqual(Object.fromEntries(names.map((name) => [name, first[name]])));
  }, 120_000);
});

// What the compiler may read through the disk host: the standard library by name, and files inside the project.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { DiskHost } from "../../src/runtime/host.ts";

let root: string;
beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "archc-host-")));
  mkdirSync(join(root, "project/models"), { recursive: true });
  writeFileSync(join(root, "project/package.json"), "{}");
  writeFileSync(join(root, "project/models/net.arch"), "net");
  writeFileSync(join(root, "project/shared.arch"), "shared");
  writeFileSync(join(root, "secret.arch"), "secret");
  symlinkSync(join(root, "secret.arch"), join(root, "project/link.arch"));
});
afterAll(() => {
  rmSync(root, { recursive: true });
});
const host = (folder = join(root, "project")): DiskHost => new DiskHost("models/net.arch", folder);

it("names files as the user sees them, and reads them", () => {
  expect(host().resolve("models/net.arch", "../shared.arch")).toBe("shared.arch");
  expect(host().read("shared.arch")).toBe("shared");
  expect(
    new DiskHost("../project/models/net.arch", join(root, "project")).name(join(root, "project/models/net.arch")),
  ).toBe("models/net.arch");
});

it("finds the standard library by name, and nothing else by such a name", () => {
  expect(host().resolve("models/net.arch", "std:nn")).toBe("std:nn");
  expect(host().read("std:nn")).toContain("block linear");
  expect(host().read("std:nothing")).toBeUndefined();
  expect(host().resolve("models/net.arch", "std:../package")).toBeUndefined();
  expect(host().resolve("std:nn", "./prim.arch")).toBeUndefined();
});

it.each(["../../secret.arch", "../link.arch", "/etc/hostname", "nn.arch", "https://example.com/net.arch"])(
  "does not leave the project by %s",
  (from) => {
    expect(host().resolve("models/net.arch", from)).toBeUndefined();
  },
);

it("says which files were asked for, and when each was last changed", () => {
  const asked = host();
  asked.read("models/net.arch");
  asked.read("gone.arch");
  const [there, gone] = [join(root, "project/models/net.arch"), join(root, "project/gone.arch")];
  expect([...asked.files]).toEqual([
    [there, statSync(there).mtimeMs],
    [gone, undefined],
  ]);
});

// Runs the tests and ends with the line `N passed, N failed`. A test file that does not load counts as one failure,
// and so does an error outside any test. Arguments go on to vitest: node scripts/test.mjs test/engine
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const folder = mkdtempSync(join(tmpdir(), "archc-test-"));
const report = join(folder, "report.json");

const args = ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`, ...process.argv.slice(2)];
const { status, signal } = spawnSync(process.execPath, [join(root, "node_modules/vitest/vitest.mjs"), ...args], {
  cwd: root,
  stdio: ["ignore", "inherit", "inherit"],
});

const { passed, failed, skipped } = count();
rmSync(folder, { recursive: true, force: true });
if (skipped > 0) console.log(`${skipped} not run on this machine`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

function count() {
  let results;
  try {
    results = JSON.parse(readFileSync(report, "utf8")).testResults;
  } catch {
    console.log(`vitest ended without a report (${signal ?? `status ${status}`})`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const tests = results.flatMap((file) => file.assertionResults);
  const having = (...states) => tests.filter((test) => states.includes(test.status)).length;
  const broken = results.filter((file) => file.status === "failed" && !file.assertionResults.some(isFailed)).length;
  const failed = having("failed") + broken;
  // Whatever else made vitest fail must not pass for a success.
  const unexplained = status !== 0 && failed === 0 ? 1 : 0;
  return { passed: having("passed"), failed: failed + unexplained, skipped: having("skipped", "pending", "todo") };
}

function isFailed(test) {
  return test.status === "failed";
}

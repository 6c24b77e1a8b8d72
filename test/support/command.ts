/** Runs a command of archc in this process and gives what it printed and its exit status. */
import { vi } from "vitest";
import { report, STATUS } from "../../src/cli/fail.ts";
import { program } from "../../src/cli/program.ts";

export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export async function archc(...args: readonly string[]): Promise<Ran> {
  let [stdout, stderr] = ["", ""];
  const out = vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    stdout += String(text);
    return true;
  });
  const err = vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    stderr += String(text);
    return true;
  });
  let status: number = STATUS.done;
  try {
    await program().parseAsync(args, { from: "user" });
  } catch (error) {
    status = report(error);
  } finally {
    out.mockRestore();
    err.mockRestore();
  }
  return { status, stdout, stderr };
}

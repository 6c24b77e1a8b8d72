// Asks a compiled addon, in a process of its own, which TensorFlow it speaks to and on which device.
// The answer comes from the library (TF_Version), not from any file that archc wrote.
import { lastLines, runCommand } from "../command.ts";
import type { TensorflowDevice } from "./pins.ts";

export interface AddonAnswer {
  /** What TF_Version() of the loaded library returns; null when it does not load. */
  readonly version: string | null;
  /** Where it computes: gpu only where a GPU was found. */
  readonly device: TensorflowDevice | null;
  /** The end of what the process printed, when it does not load. */
  readonly output: string;
}

const QUESTION = `
const binding = require(process.argv[1]);
console.log(JSON.stringify({ version: binding.TF_Version, device: binding.isUsingGpuDevice() ? "gpu" : "cpu" }));
`;

export async function askAddon(
  addon: string,
  env: NodeJS.ProcessEnv = process.env,
  signal?: AbortSignal,
): Promise<AddonAnswer> {
  const result = await runCommand(process.execPath, ["-e", QUESTION, addon], {
    // ELECTRON_RUN_AS_NODE: inside an editor, execPath is the editor, and this makes it a Node.
    env: { ...env, TF_CPP_MIN_LOG_LEVEL: "3", ELECTRON_RUN_AS_NODE: "1", NODE_OPTIONS: "" },
    signal,
  });
  const line = result.stdout.trim().split("\n").at(-1) ?? "";
  if (result.status === 0 && line.startsWith("{")) {
    const { version, device } = JSON.parse(line) as { version: string; device: TensorflowDevice };
    return { version, device, output: "" };
  }
  const output = result.stderr.trim() === "" ? "the process ended without a word" : lastLines(result.stderr);
  return { version: null, device: null, output };
}

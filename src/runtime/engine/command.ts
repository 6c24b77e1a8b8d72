// Runs one program and collects what it prints. Never through a shell, so that paths need no quoting.
import { spawn } from "node:child_process";

export interface CommandResult {
  /** The exit status; null when the program could not be started or was ended by a signal. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** True when there is no such program. */
  readonly absent: boolean;
}

export interface CommandOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly signal?: AbortSignal | undefined;
  /** Gets every line of stdout as it comes; such lines are not collected. */
  readonly onLine?: (line: string) => void;
}

export function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: options.env ?? process.env,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      if (options.onLine === undefined) return;
      const lines = stdout.split("\n");
      stdout = lines.pop() ?? "";
      for (const line of lines) options.onLine(line);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") resolve({ status: null, stdout, stderr, absent: true });
      else reject(error);
    });
    child.on("close", (status) => {
      resolve({ status, stdout, stderr, absent: false });
    });
  });
}

/** The last lines of what a program printed: enough to see why it failed, short enough to read. */
export function lastLines(text: string, count = 12): string {
  return text.trimEnd().split("\n").slice(-count).join("\n");
}
